package server

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"sallyport/server/oidc"
	"sallyport/templates"
	"sallyport/vault"
)

// consentNeeded reports whether a user must be asked whether a client gets what
// it asks for: clients of others are to ask once, for all that they want.
func consentNeeded(tx *vault.Tx, client vault.Client, req vault.AuthorizationRequest, user string) (bool, error) {
	if slices.Contains(req.Prompt, "consent") {
		return true, nil
	}
	if client.FirstParty {
		return false, nil
	}
	given, err := tx.Consents.Get(vault.ConsentKey(user, client.ID, req.Audience))
	if ok, err := vault.Exists(err); !ok {
		return true, err
	}
	wanted, err := wantedScopes(req)
	return !subset(wanted, given.Scopes), err
}

// wantedScopes are the scopes of a request, and those that stand for the claims
// that it asks for by name.
func wantedScopes(req vault.AuthorizationRequest) ([]string, error) {
	idToken, userInfo, err := oidc.RequestedClaims(req.Claims)
	wanted := slices.Clone(req.Scopes)
	for _, scope := range oidc.ClaimScopes(idToken, userInfo) {
		if !slices.Contains(wanted, scope) {
			wanted = append(wanted, scope)
		}
	}
	return wanted, err
}

var errInteraction = told("problem.answered", oidc.InvalidRequest, http.StatusBadRequest)

// question is what a user is to decide, in the session in which it was asked.
type question struct {
	interaction vault.Interaction
	session     vault.Session
	client      vault.Client
	user        vault.User
	api         *vault.ResourceServer
	connection  vault.Connection // that the user signed in with
}

// readQuestion finds the question of an interaction, by get, in the browser's
// session.
func readQuestion(tx *vault.Tx, issuer string, session vault.Session, get func(string) (vault.Interaction, error), secret string) (q question, err error) {
	q.session = session
	if q.interaction, err = get(vault.Hash(secret)); err != nil {
		return q, err
	}
	if q.interaction.Session != session.Hash {
		return q, vault.ErrNotFound
	}
	req := q.interaction.Request
	if q.client, err = tx.Clients.Get(req.ClientID); err != nil {
		return q, err
	}
	if q.user, err = tx.Users.Get(session.User); err != nil {
		return q, err
	}
	identity, err := tx.Identities.Get(q.interaction.Identity)
	if err != nil {
		return q, err
	}
	if q.connection, err = tx.Connections.Get(identity.Connection); err != nil {
		return q, err
	}
	q.api, err = userAPI(tx, issuer, req.Audience)
	return q, err
}

// consent asks the user.
func (s *Server) consent(c echo.Context) error {
	session, _, err := s.session(c)
	if err != nil {
		return err
	}
	secret := c.QueryParam("interaction")
	var q question
	err = s.Vault.View(c.Request().Context(), func(tx *vault.Tx) (err error) {
		q, err = readQuestion(tx, s.Issuer, session, tx.Interactions.Get, secret)
		return err
	})
	if errors.Is(err, vault.ErrNotFound) {
		return errInteraction
	}
	if err != nil {
		return err
	}
	req := q.interaction.Request
	showAs(c, q.client, req.UILocales)
	words := languageOf(c)
	wanted, err := wantedScopes(req)
	if err != nil {
		return err
	}
	page := templates.Consent{
		Client: q.client.Name, User: displayName(q.user), Scopes: plainWords(words, q.api, wanted),
		Action: "/consent", Fields: []templates.Field{{Name: "interaction", Value: secret}},
	}
	if exchanges(q.client) && q.connection.TokenVault {
		page.Scopes = append(page.Scopes, templates.ScopeLine{Text: words.Say("scope.account", "connection", q.connection.Title()), Detail: words.Say("scope.account.detail")})
	}
	if slices.Contains(req.Scopes, oidc.ScopeOffline) {
		page.Scopes = append(page.Scopes, templates.ScopeLine{Text: words.Say("scope.offline"), Detail: words.Say("scope.offline.detail")})
	}
	if u, err := url.Parse(req.RedirectURI); err == nil {
		page.RedirectHost = u.Host
	}
	allowForm(c, req.RedirectURI)
	return s.page(c, http.StatusOK, "consent", page)
}

// decideConsent takes the user's decision: once.
func (s *Server) decideConsent(c echo.Context) error {
	form, err := parameters(c)
	if err != nil {
		return err
	}
	session, _, err := s.session(c)
	if err != nil {
		return err
	}
	n := noteOf(c.Request().Context())
	n.refused = "sallyport_consent_denied"
	allowed, id := form.Get("decision") == "allow", rand.Text()
	d := s.newDecision(vault.Client{}, vault.AuthorizationRequest{})
	err = s.Vault.Update(c.Request().Context(), func(tx *vault.Tx) error {
		q, err := readQuestion(tx, s.Issuer, session, tx.Interactions.Take, form.Get("interaction"))
		if err != nil {
			return err
		}
		d.client, d.request = q.client, q.interaction.Request
		showAs(c, q.client, d.request.UILocales)
		n.byUser(q.user.ID)
		n.forClient(q.client)
		n.at(q.connection)
		if !allowed {
			return nil
		}
		if err := give(tx, q, id); err != nil {
			return err
		}
		if err := d.answer(tx, d.newCode(session, q.interaction.Identity)); err != nil {
			return err
		}
		return tx.Record(d.event(n, "sallyport_consent_given"))
	})
	if errors.Is(err, vault.ErrNotFound) {
		return errInteraction
	}
	if err != nil {
		return err
	}
	if !allowed {
		return &toClient{d.request, &oidc.Error{Code: oidc.AccessDenied, Description: "The user did not allow it."}}
	}
	return s.deliver(c, d)
}

// give adds to what the user allowed the client. If that is the first of it, it
// gets the ID.
func give(tx *vault.Tx, q question, id string) error {
	req := q.interaction.Request
	consent, err := tx.Consents.Get(vault.ConsentKey(q.user.ID, q.client.ID, req.Audience))
	if found, err := vault.Exists(err); err != nil {
		return err
	} else if !found {
		consent.ID = id
	}
	wanted, err := wantedScopes(req)
	if err != nil {
		return err
	}
	for _, scope := range wanted {
		if !slices.Contains(consent.Scopes, scope) {
			consent.Scopes = append(consent.Scopes, scope)
		}
	}
	consent.User, consent.Client, consent.Audience, consent.Given = q.user.ID, q.client.ID, req.Audience, tx.Now()
	return tx.Consents.Put(consent)
}

// exchanges reports whether a client may get an identity provider's tokens.
func exchanges(c vault.Client) bool {
	return !c.Public() && (c.May(oidc.GrantFederated) || c.May(oidc.GrantTokenExchange))
}

func displayName(u vault.User) string {
	for _, name := range []string{u.Profile.Email, u.Profile.Username, u.Profile.Name} {
		if name != "" {
			return name
		}
	}
	return u.ID
}

// plainWords say what scopes mean, in a language: of an API, in that of whoever
// described it.
func plainWords(words *templates.Language, api *vault.ResourceServer, scopes []string) (lines []templates.ScopeLine) {
	own := map[string]templates.ScopeLine{
		oidc.ScopeOpenID:  {Text: words.Say("scope.openid"), Detail: words.Say("scope.openid.detail")},
		oidc.ScopeProfile: {Text: words.Say("scope.profile"), Detail: words.Say("scope.profile.detail")},
		oidc.ScopeEmail:   {Text: words.Say("scope.email")},
	}
	for _, scope := range scopes {
		if line, ok := own[scope]; ok {
			lines = append(lines, line)
			continue
		}
		if api == nil {
			continue
		}
		for _, known := range api.Scopes {
			if known.Value == scope {
				line := templates.ScopeLine{Text: known.Description, Detail: words.Say("scope.api", "scope", scope, "api", api.Name)}
				if line.Text == "" {
					line.Text = scope
				}
				lines = append(lines, line)
			}
		}
	}
	return lines
}
