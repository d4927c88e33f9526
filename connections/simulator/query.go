package simulator

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// table is an object type with its records. The first field is the ID.
type table struct {
	name   string
	fields []string
	rows   [][]any // string, bool, int or nil, a value for each field
}

// Companies and people of the org's making.
var (
	accounts = table{"Account", []string{"Id", "Name", "Industry", "Phone", "BillingCity", "NumberOfEmployees"}, [][]any{
		{"001Sa000000acc1IAA", "Difference Loom Works", "Manufacturing", "+44 20 5550 0101", "Marylebone", 120},
		{"001Sa000000acc2IAA", "Harbour & Sparrow", "Shipping", "+1 703 555 0102", "Arlington", 46},
		{"001Sa000000acc3IAA", "Nightjar Instruments", "Electronics", "+31 71 555 0103", "Leiden", 12},
		{"001Sa000000acc4IAA", "O'Quill Paper", "Retail", nil, "Galway", nil},
	}}
	contacts = table{"Contact", []string{"Id", "FirstName", "LastName", "Name", "Email", "AccountId"}, [][]any{
		{"003Sa000000con1IAA", "Fern", "Treadle", "Fern Treadle", "fern@loom.example", "001Sa000000acc1IAA"},
		{"003Sa000000con2IAA", "Otto", "Bobbin", "Otto Bobbin", "otto@loom.example", "001Sa000000acc1IAA"},
		{"003Sa000000con3IAA", "Pip", "Gangway", "Pip Gangway", "pip@harbour.example", "001Sa000000acc2IAA"},
		{"003Sa000000con4IAA", "Wren", "O'Quill", "Wren O'Quill", nil, "001Sa000000acc4IAA"},
	}}
)

// table finds an object type, whatever the case of its name.
func (o Org) table(name string) (table, bool) {
	switch strings.ToLower(name) {
	case "account":
		return accounts, true
	case "contact":
		return contacts, true
	case "user":
		t := table{name: "User", fields: []string{"Id", "Username", "FirstName", "LastName", "Name", "Email", "IsActive"}}
		for _, u := range o.Users {
			t.rows = append(t.rows, []any{u.ID, u.Username, u.FirstName, u.LastName, u.name(), u.Email, !u.Inactive})
		}
		return t, true
	case "organization":
		return table{
			"Organization",
			[]string{"Id", "Name", "InstanceName", "IsSandbox", "TrialExpirationDate", "NamespacePrefix", "OrganizationType"},
			[][]any{{o.ID, o.name(), "SIM1", o.Sandbox, nil, nil, "Developer Edition"}},
		}, true
	}
	return table{}, false
}

// field finds a field by name, whatever its case.
func (t table) field(name string) (int, error) {
	i := slices.IndexFunc(t.fields, func(f string) bool { return strings.EqualFold(f, name) })
	if i < 0 {
		return 0, &refusal{400, "INVALID_FIELD", fmt.Sprintf("No such column '%s' on entity '%s'.", name, t.name)}
	}
	return i, nil
}

// record is a row as JSON, with the fields named.
func (t table) record(version string, row []any, fields []string) map[string]any {
	record := map[string]any{"attributes": struct {
		Type string `json:"type"`
		URL  string `json:"url"`
	}{t.name, fmt.Sprintf("/services/data/%s/sobjects/%s/%s", version, t.name, row[0])}}
	for _, name := range fields {
		if i, err := t.field(name); err == nil {
			record[t.fields[i]] = row[i]
		}
	}
	return record
}

// query answers a SOQL query, always in one page.
func (s *Salesforce) query(w http.ResponseWriter, r *http.Request, user member) error {
	q, err := parseSOQL(r.Form.Get("q"))
	if err != nil {
		return err
	}
	t, ok := user.org.table(q.object)
	if !ok {
		return &refusal{400, "INVALID_TYPE", fmt.Sprintf("sObject type '%s' is not supported.", q.object)}
	}
	rows, err := t.find(q)
	if err != nil {
		return err
	}
	records := []map[string]any{}
	for _, row := range rows {
		records = append(records, t.record(r.PathValue("version"), row, q.fields))
	}
	writeJSON(w, http.StatusOK, struct {
		TotalSize int              `json:"totalSize"`
		Done      bool             `json:"done"`
		Records   []map[string]any `json:"records"`
	}{len(records), true, records})
	return nil
}

// find selects, sorts and cuts off.
func (t table) find(q soql) ([][]any, error) {
	for _, name := range q.fields {
		if _, err := t.field(name); err != nil {
			return nil, err
		}
	}
	rows := slices.Clone(t.rows)
	if q.where != "" {
		i, err := t.field(q.where)
		if err != nil {
			return nil, err
		}
		rows = slices.DeleteFunc(rows, func(row []any) bool { return !strings.EqualFold(literal(row[i]), q.equals) })
	}
	if q.orderBy != "" {
		i, err := t.field(q.orderBy)
		if err != nil {
			return nil, err
		}
		slices.SortStableFunc(rows, func(a, b []any) int {
			if q.descending {
				a, b = b, a
			}
			if m, ok := a[i].(int); ok {
				if n, ok := b[i].(int); ok {
					return cmp.Compare(m, n)
				}
			}
			return cmp.Compare(literal(a[i]), literal(b[i]))
		})
	}
	if q.limit >= 0 && len(rows) > q.limit {
		rows = rows[:q.limit]
	}
	return rows, nil
}

// literal is a value as parseSOQL reads it.
func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "'" + v
	default:
		return fmt.Sprint(v)
	}
}
