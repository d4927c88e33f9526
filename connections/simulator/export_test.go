package simulator

import (
	"strconv"
	"strings"
)

// CanonicalSOQL reads a query and writes it again.
func CanonicalSOQL(query string) (string, error) {
	q, err := parseSOQL(query)
	if err != nil {
		return "", err
	}
	s := "SELECT " + strings.Join(q.fields, ",") + " FROM " + q.object
	if q.where != "" {
		value := q.equals
		if text, ok := strings.CutPrefix(value, "'"); ok {
			value = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
		}
		s += " WHERE " + q.where + " = " + value
	}
	if q.orderBy != "" {
		s += " ORDER BY " + q.orderBy
		if q.descending {
			s += " DESC"
		}
	}
	if q.limit >= 0 {
		s += " LIMIT " + strconv.Itoa(q.limit)
	}
	return s, nil
}
