package admin

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

// perPage is how many records of a long list are on a page.
const perPage = 50

// users lists users, all or those of a connection, or searches for some.
func (p *Pages) users(c echo.Context, v visitor) error {
	page := templates.Users{Console: p.console(c, v, "users"), Query: strings.TrimSpace(c.QueryParam("q")), Connection: c.QueryParam("connection")}
	after := c.QueryParam("after")
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		page.Connections, page.Rows, page.Next = nil, nil, ""
		findable, err := tx.Findable()
		if err != nil {
			return err
		}
		page.Unfindable = !findable
		for conn, err := range tx.Connections.All("") {
			if err != nil {
				return err
			}
			page.Connections = append(page.Connections, templates.Option{Value: conn.Name, Title: conn.Title(), Chosen: conn.Name == page.Connection})
		}
		ids, next, err := findUsers(tx, page.Query, page.Connection, after)
		if err != nil {
			return err
		}
		for _, id := range ids {
			u, err := tx.Users.Get(id)
			if found, err := vault.Exists(err); err != nil {
				return err
			} else if !found {
				continue
			}
			row, err := p.userRow(tx, u)
			if err != nil {
				return err
			}
			page.Rows = append(page.Rows, row)
		}
		if next != "" {
			page.Next = Path + "/users?" + url.Values{"q": {page.Query}, "connection": {page.Connection}, "after": {next}}.Encode()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.render(c, "users", page)
}

// findUsers are the IDs of a page of users, and where the next one begins, if
// there is one: by name, and by the beginning of their ID.
func findUsers(tx *vault.Tx, query, connection, after string) (ids []string, next string, err error) {
	if query != "" && after == "" {
		named, err := tx.IdentitiesNamed(query, perPage)
		if err != nil {
			return nil, "", err
		}
		for _, i := range named {
			if (connection == "" || i.Connection == connection) && !slices.Contains(ids, i.User) {
				ids = append(ids, i.User)
			}
		}
	}
	switch {
	case connection != "" && query != "":
		return ids, "", nil
	case connection != "":
		return usersAt(tx, connection, after)
	}
	if query != "" && after == "" {
		if u, err := tx.Users.Get(query); err == nil && !slices.Contains(ids, u.ID) {
			ids = append(ids, u.ID)
		}
		after = query
	}
	for u, err := range tx.Users.All(after) {
		switch {
		case err != nil:
			return nil, "", err
		case !strings.HasPrefix(u.ID, query):
			return ids, "", nil
		case slices.Contains(ids, u.ID):
			continue
		case len(ids) >= perPage:
			return ids, after, nil
		}
		ids, after = append(ids, u.ID), u.ID
	}
	return ids, "", nil
}

// usersAt are the users of a connection, whose identities come after one.
func usersAt(tx *vault.Tx, connection, after string) (ids []string, next string, err error) {
	begin := vault.IdentityKey(connection, "")
	if !strings.HasPrefix(after, begin) {
		after = begin
	}
	n := 0
	for i, err := range tx.Identities.All(after) {
		switch {
		case err != nil:
			return nil, "", err
		case !strings.HasPrefix(i.Key(), begin):
			return ids, "", nil
		case n == perPage:
			return ids, after, nil
		}
		n++
		after = i.Key()
		if !slices.Contains(ids, i.User) {
			ids = append(ids, i.User)
		}
	}
	return ids, "", nil
}

func (p *Pages) userRow(tx *vault.Tx, u vault.User) (templates.UserRow, error) {
	row := templates.UserRow{ID: u.ID, URL: userURL(u.ID), Name: u.Profile.Name, Email: u.Profile.Email, Blocked: u.Blocked, Seen: p.moment(u.LastLogin)}
	worst := vault.Health("")
	for _, key := range u.Identities {
		a, err := p.readAccount(tx, key)
		if found, err := vault.Exists(err); err != nil {
			return row, err
		} else if !found {
			continue
		}
		if title := a.title(); !slices.Contains(row.Connections, title) {
			row.Connections = append(row.Connections, title)
		}
		if h := a.health(p.Now()); h != "" && (worst == "" || slices.Index(vault.Healths, h) < slices.Index(vault.Healths, worst)) {
			worst = h
		}
	}
	row.State = templates.Healths[string(worst)]
	return row, nil
}

// account is a user's account at an identity provider, and its tokens.
type account struct {
	identity   vault.Identity
	connection vault.Connection // with nothing but a name, if it is gone
	tokens     *vault.TokenSet  // none, if none are kept
}

func (p *Pages) readAccount(tx *vault.Tx, key string) (a account, err error) {
	if a.identity, err = tx.Identities.Get(key); err != nil {
		return a, err
	}
	a.connection, err = tx.Connections.Get(a.identity.Connection)
	if _, err := vault.Exists(err); err != nil {
		return a, err
	}
	ts, err := tx.TokenSets.Get(key)
	found, err := vault.Exists(err)
	if found {
		a.tokens = &ts
	}
	return a, err
}

// title is the connection's, or its name if it is gone.
func (a account) title() string {
	if title := a.connection.Title(); title != "" {
		return title
	}
	return a.identity.Connection
}

// health is "" if no tokens are kept.
func (a account) health(now time.Time) vault.Health {
	if a.tokens == nil {
		return ""
	}
	return a.tokens.Health(a.connection, connections.Asserts(a.connection), now)
}

func (p *Pages) moment(t time.Time) templates.Moment { return templates.Moment{At: t, Now: p.Now()} }

// userURL is the page of a user, whose ID may have any characters in it.
func userURL(id string) string { return Path + "/users/" + url.PathEscape(id) }

// parameter is a part of the request's path.
func parameter(c echo.Context, name string) string {
	value := c.Param(name)
	if c.Request().URL.RawPath != "" {
		if plain, err := url.PathUnescape(value); err == nil {
			return plain
		}
	}
	return value
}
