package admin

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"sallyport/templates"
	"sallyport/vault"
)

// mostShown are shown of a user's sessions, and looked at of the grants.
const mostShown = 50

var errNoUser = &Refused{Status: http.StatusNotFound, Title: "No such user", Message: "There is no user with this ID. Perhaps the user was deleted; search again under Users."}

// user shows one user.
func (p *Pages) user(c echo.Context, v visitor) error {
	page := templates.User{Console: p.console(c, v, "users")}
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		u, err := tx.Users.Get(parameter(c, "id"))
		if err != nil {
			return err
		}
		page = templates.User{Console: page.Console, ID: u.ID, URL: userURL(u.ID), Name: u.Profile.Name, Email: u.Profile.Email, Username: u.Profile.Username,
			Unverified: u.Profile.Email != "" && !u.Profile.EmailVerified, Blocked: u.Blocked, Created: p.moment(u.Created), Seen: p.moment(u.LastLogin), Logins: u.Logins}
		if page.Accounts, err = p.accountRows(tx, u); err != nil {
			return err
		}
		sessions, err := tx.SessionsOf(u.ID, mostShown)
		if err != nil {
			return err
		}
		for _, s := range sessions {
			page.Sessions = append(page.Sessions, templates.SessionRow{Connection: s.Connection, Clients: clientNames(tx, s.Clients), Began: p.moment(s.AuthTime), Idle: p.moment(s.ExpiresAt())})
		}
		page.Applications, page.More, err = p.applicationRows(tx, u.ID)
		page.More = page.More || len(sessions) == mostShown
		return err
	})
	if found, err := vault.Exists(err); err != nil {
		return err
	} else if !found {
		return errNoUser
	}
	return p.render(c, "user", page)
}

func (p *Pages) accountRows(tx *vault.Tx, u vault.User) (rows []templates.AccountRow, err error) {
	for _, key := range u.Identities {
		a, err := p.readAccount(tx, key)
		if found, err := vault.Exists(err); err != nil {
			return nil, err
		} else if found {
			rows = append(rows, p.accountRow(a))
		}
	}
	return rows, nil
}

func (p *Pages) accountRow(a account) templates.AccountRow {
	row := templates.AccountRow{Connection: a.title(), Account: a.identity.UserID, Username: a.identity.Profile.Username, OrgName: a.identity.Org,
		State: templates.Healths[string(a.health(p.Now()))]}
	if a.tokens != nil {
		row.URL = accountURL(a.identity.User, a.tokens.ID)
	}
	return row
}

// clientNames are the names of clients, or the IDs of those that are gone.
func clientNames(tx *vault.Tx, ids []string) (names []string) {
	for _, id := range ids {
		if client, err := tx.Clients.Get(id); err == nil && client.Name != "" {
			id = client.Name
		}
		names = append(names, id)
	}
	return names
}

// applicationRows are the applications that a user has allowed something, or
// that have a grant, and whether there may be more.
func (p *Pages) applicationRows(tx *vault.Tx, user string) (rows []templates.ApplicationRow, more bool, err error) {
	at := func(client string) *templates.ApplicationRow {
		i := slices.IndexFunc(rows, func(r templates.ApplicationRow) bool { return r.ID == client })
		if i < 0 {
			i = len(rows)
			rows = append(rows, templates.ApplicationRow{ID: client, Name: clientNames(tx, []string{client})[0]})
		}
		return &rows[i]
	}
	given, err := tx.ConsentsOf(user)
	if err != nil {
		return nil, false, err
	}
	for _, consent := range given {
		row := at(consent.Client)
		row.Asked = true
		row.Scopes = append(row.Scopes, consent.Scopes...)
		row.Used = p.moment(consent.Given)
	}
	grants, err := tx.GrantsOf(user, mostShown)
	for _, g := range grants {
		row := at(g.Client)
		if g.SecretHash != "" {
			row.Grants++
		}
		for _, used := range []templates.Moment{p.moment(g.Created), p.moment(g.Used)} {
			if used.At.After(row.Used.At) {
				row.Used = used
			}
		}
	}
	return rows, len(grants) == mostShown, err
}

// block blocks or unblocks a user.
func (p *Pages) block(c echo.Context, v visitor) error {
	id, blocked := parameter(c, "id"), c.FormValue("blocked") == "true"
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		before, err := tx.Users.Get(id)
		if err != nil {
			return err
		}
		after := before
		after.Blocked = blocked
		if err := tx.Users.Put(after); err != nil {
			return err
		}
		return p.changed(tx, v, "user "+id, before, after)
	})
	notice := "unblocked"
	if blocked {
		notice = "blocked"
	}
	return p.toUser(c, err, id, notice)
}

// toUser goes back to the page of a user after something was done, or not.
func (p *Pages) toUser(c echo.Context, err error, id, notice string) error {
	if found, err := vault.Exists(err); err != nil {
		return err
	} else if !found {
		return errNoUser
	}
	return c.Redirect(http.StatusSeeOther, userURL(id)+"?notice="+notice)
}

// signOutUser ends all sessions and grants of a user.
func (p *Pages) signOutUser(c echo.Context, v visitor) error {
	ctx, id := c.Request().Context(), parameter(c, "id")
	err := p.Vault.View(ctx, func(tx *vault.Tx) error { _, err := tx.Users.Get(id); return err })
	if err == nil {
		err = p.told(c, v, "signed a user out everywhere", id)
	}
	if err == nil {
		err = p.SignOutEverywhere(ctx, id)
	}
	return p.toUser(c, err, id, "signed-out")
}

// takeBack ends what a user has allowed an application.
func (p *Pages) takeBack(c echo.Context, v visitor) error {
	id, client := parameter(c, "id"), c.FormValue("client")
	err := p.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		if _, err := tx.Users.Get(id); err != nil {
			return err
		}
		return tx.TakeBack(id, client)
	})
	if err == nil {
		err = p.told(c, v, "took back the access of application "+client, id)
	}
	return p.toUser(c, err, id, "taken-back")
}

// sureToDelete asks before a user is deleted.
func (p *Pages) sureToDelete(c echo.Context, v visitor) error {
	id := parameter(c, "id")
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error { _, err := tx.Users.Get(id); return err })
	if found, err := vault.Exists(err); err != nil {
		return err
	} else if !found {
		return errNoUser
	}
	return p.render(c, "sure", templates.Sure{Console: p.console(c, v, "users"), Title: "Delete this user?", Object: id, Effects: []string{
		"The user’s accounts are disconnected, and the tokens of them are revoked at their identity providers.",
		"The user is signed out everywhere, and applications lose what the user allowed them.",
		"Whoever signs in with the same account later is a new user. To keep somebody out, block the user instead.",
	}, Action: userURL(id) + "/delete", Verb: "Delete the user", Back: userURL(id)})
}

func (p *Pages) deleteUser(c echo.Context, v visitor) error {
	ctx, id := c.Request().Context(), parameter(c, "id")
	err := p.Vault.Update(ctx, func(tx *vault.Tx) error {
		u, err := tx.Users.Get(id)
		if err != nil {
			return err
		}
		return p.changed(tx, v, "user "+id, u, nil)
	})
	if err == nil {
		err = p.DeleteUser(ctx, id)
	}
	if found, err := vault.Exists(err); err != nil {
		return err
	} else if !found {
		return errNoUser
	}
	return c.Redirect(http.StatusSeeOther, Path+"/users?notice=user-deleted")
}
