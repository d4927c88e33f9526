package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"sallyport/connections"
	"sallyport/templates"
	"sallyport/vault"
)

var errNoAccount = &Refused{Status: http.StatusNotFound, Title: "No such account", Message: "The user has no connected account with this ID. Perhaps it was disconnected; see the user’s page."}

// accountURL is the page of a connected account.
func accountURL(user, id string) string { return userURL(user) + "/accounts/" + url.PathEscape(id) }

// accountOf reads the account that the request's path names.
func (p *Pages) accountOf(tx *vault.Tx, c echo.Context) (a account, err error) {
	u, err := tx.Users.Get(parameter(c, "id"))
	if err != nil {
		return a, err
	}
	for _, key := range u.Identities {
		a, err := p.readAccount(tx, key)
		if found, err := vault.Exists(err); err != nil {
			return a, err
		} else if found && a.tokens != nil && a.tokens.ID == parameter(c, "account") {
			return a, nil
		}
	}
	return a, vault.ErrNotFound
}

// findAccount is accountOf, in a view of its own.
func (p *Pages) findAccount(c echo.Context) (a account, err error) {
	err = p.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) { a, err = p.accountOf(tx, c); return err })
	if errors.Is(err, vault.ErrNotFound) {
		err = errNoAccount
	}
	return a, err
}

// account shows how the tokens of an account are.
func (p *Pages) account(c echo.Context, v visitor) error {
	page, err := p.accountPage(c, v)
	if err != nil {
		return err
	}
	return p.render(c, "account", page)
}

func (p *Pages) accountPage(c echo.Context, v visitor) (page templates.Account, err error) {
	err = p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		a, err := p.accountOf(tx, c)
		if err != nil {
			return err
		}
		page = p.healthPage(a)
		page.Console = p.console(c, v, "users")
		refreshes, err := tx.RefreshesOf(a.identity.Key())
		for _, r := range refreshes {
			page.Refreshes = append(page.Refreshes, templates.RefreshRow{State: templates.Outcomes[string(r.Outcome)], Why: r.Why, Times: r.Times, First: p.moment(r.First), Last: p.moment(r.Last)})
		}
		if a.connection.Active && a.connection.TokenVault {
			for _, id := range a.connection.Clients {
				page.Clients = append(page.Clients, templates.Option{Value: id, Title: clientNames(tx, []string{id})[0]})
			}
		}
		return err
	})
	if errors.Is(err, vault.ErrNotFound) {
		err = errNoAccount
	}
	return page, err
}

// healthPage is the page of an account, but for what other records say of it.
func (p *Pages) healthPage(a account) templates.Account {
	ts, i := a.tokens, a.identity
	state := a.health(p.Now())
	page := templates.Account{
		User: i.User, UserURL: userURL(i.User), URL: accountURL(i.User, ts.ID), ID: ts.ID, Connection: i.Connection, Title: a.title(),
		Name: i.UserID, Username: i.Profile.Username, Org: i.Org, InstanceURL: ts.Params["instance_url"],
		State: templates.Healths[string(state)], Scopes: connections.Granted(a.connection, ts.Scopes), Rotation: string(ts.Rotation),
		Connected: p.moment(ts.Created), Issued: p.moment(ts.Issued), Expires: p.moment(ts.Expires),
		Access: ts.AccessToken.Fingerprint(), Refresh: ts.RefreshToken.Fingerprint(), Asserts: connections.Asserts(a.connection),
		MostApprovals: connections.Approvals(a.connection),
	}
	for _, t := range ts.Approved {
		if p.Now().Sub(t) < time.Hour {
			page.Approvals++
		}
	}
	if ts.Refusal != nil {
		page.Why = ts.Refusal.Why
	}
	page.Renewable = ts.Refusal == nil && state != vault.Disabled && state != vault.Revoked && (page.Asserts || page.Refresh != "")
	if page.Renewable {
		page.Next = p.moment(ts.Expires.Add(-p.Ahead(*ts)))
		if keep := connections.KeepAlive(a.connection); keep > 0 {
			page.KeepDays, page.Kept = int(keep/(24*time.Hour)), p.moment(ts.Issued.Add(keep))
		}
	}
	return page
}

// refreshTimeout is how long an administrator waits for an identity provider.
const refreshTimeout = 15 * time.Second

// refreshNow refreshes an account, whatever its access token is good for.
func (p *Pages) refreshNow(c echo.Context, v visitor) error {
	a, err := p.findAccount(c)
	if err != nil {
		return err
	}
	if a.tokens.Health(a.connection, connections.Asserts(a.connection), p.Now()) == vault.Disabled {
		return &Refused{Status: http.StatusConflict, Title: "The connection is switched off", Message: "Its accounts are not refreshed. Switch it on under Connections first, and have it keep tokens."}
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), refreshTimeout)
	defer cancel()
	failed := p.Refresh(ctx, *a.tokens, a.connection)
	if err := p.told(c, v, "refreshed an account", a.tokens.ID); err != nil {
		return err
	}
	if failed == nil {
		return c.Redirect(http.StatusSeeOther, accountURL(a.identity.User, a.tokens.ID)+"?notice=refreshed")
	}
	page, err := p.accountPage(c, v)
	if err != nil {
		return err
	}
	page.Problem = problemOf(failed)
	return render(c, http.StatusBadGateway, "account", page)
}

// problemOf says why a refresh failed.
func problemOf(err error) string {
	var refusal *vault.Refusal
	var upstream *connections.Error
	var unheard *vault.Unheard
	switch {
	case errors.As(err, &refusal):
		return refusal.Why
	case errors.As(err, &upstream):
		return upstream.Description
	case errors.As(err, &unheard):
		return "A refresh without an answer may still be under way at the identity provider. Two at once could end the user’s grant, so nothing was sent. Try again in " + templates.Long(max(unheard.Wait, time.Minute)) + "."
	case errors.Is(err, vault.ErrNotRenewable):
		return "There is no refresh token to get another access token with. The user has to connect again."
	case errors.Is(err, context.DeadlineExceeded):
		return "The identity provider did not answer in time. See the last refreshes below in a minute."
	}
	return "It failed for a reason that the log knows."
}

// link makes a link by which the user can connect the account again, and shows it
// this once.
func (p *Pages) link(c echo.Context, v visitor) error {
	a, err := p.findAccount(c)
	if err != nil {
		return err
	}
	page, err := p.accountPage(c, v)
	if err != nil {
		return err
	}
	client := c.FormValue("client")
	if !a.connection.Active || !a.connection.TokenVault || !a.connection.Allows(client) {
		page.Problem = "Choose an application that the connection is enabled for."
		return render(c, http.StatusBadRequest, "account", page)
	}
	uri, life, err := p.ReconnectURI(c.Request().Context(), vault.Ticket{Client: client, User: a.identity.User, Connection: a.connection.Name, LoginHint: a.identity.Profile.Username})
	if err != nil {
		return err
	}
	if err := p.told(c, v, "made a link to connect an account again", a.tokens.ID); err != nil {
		return err
	}
	page.Link, page.LinkLife = uri, templates.Long(life)
	return p.render(c, "account", page)
}

// sureToDisconnect asks before an account is disconnected.
func (p *Pages) sureToDisconnect(c echo.Context, v visitor) error {
	a, err := p.findAccount(c)
	if err != nil {
		return err
	}
	at := accountURL(a.identity.User, a.tokens.ID)
	object := a.identity.UserID
	if name := a.identity.Profile.Username; name != "" {
		object = name
	}
	return p.render(c, "sure", templates.Sure{Console: p.console(c, v, "users"), Title: "Disconnect this account?", Object: object + " at " + a.title(), Effects: []string{
		"Applications get no tokens of it any more, from now on.",
		"What " + a.title() + " issued for it is revoked there, too.",
		"The user stays, and can connect the account again.",
	}, Action: at + "/disconnect", Verb: "Disconnect the account", Back: at})
}

func (p *Pages) disconnect(c echo.Context, v visitor) error {
	result, err := p.Disconnect(c.Request().Context(), func(tx *vault.Tx) (vault.TokenSet, error) {
		a, err := p.accountOf(tx, c)
		if err != nil {
			return vault.TokenSet{}, err
		}
		return *a.tokens, p.changed(tx, v, "account "+a.tokens.ID+" of user "+a.identity.User, *a.tokens, nil)
	})
	if errors.Is(err, vault.ErrNotFound) {
		return errNoAccount
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, userURL(parameter(c, "id"))+"?notice=disconnected-"+url.QueryEscape(result))
}

// accounts are those in a state, as far as they were counted.
func (p *Pages) accounts(c echo.Context, v visitor) error {
	page := templates.AccountsIn{Console: p.console(c, v, "users"), Chosen: c.QueryParam("state")}
	err := p.Vault.View(c.Request().Context(), func(tx *vault.Tx) error {
		page.Rows, page.Count = nil, 0
		counts, err := tx.HealthCounts()
		if err != nil {
			return err
		}
		page.Counted, page.States = p.moment(counts.Began), statesOf(counts)
		if h := vault.Health(page.Chosen); slices.Contains(vault.Healths, h) {
			page.State, page.Count = templates.Healths[page.Chosen], counts.Are(h)
		}
		for _, key := range counts.First[vault.Health(page.Chosen)] {
			a, err := p.readAccount(tx, key)
			if found, err := vault.Exists(err); err != nil {
				return err
			} else if found && string(a.health(p.Now())) == page.Chosen {
				page.Rows = append(page.Rows, p.accountRow(a))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.render(c, "accounts", page)
}
