package server

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sallyport/connections"
	"sallyport/server/oidc"
	"sallyport/vault"
)

// wish is a client's wish for the access token of an account, with all that is
// known of whether it may have it.
type wish struct {
	client     vault.Client
	connection vault.Connection
	user       *vault.User // nil if the client asks in its own name
	signedIn   bool        // the user signed in to the client, or allowed it its API
	identities []vault.Identity
	loginHint  string
	tokens     *vault.TokenSet // of the account, if any are kept
	scopes     []string        // asked for
	address    netip.Addr      // that the request came from
}

// denial is why a wish is not granted.
type denial struct {
	reason  oidc.Reason
	missing []string // scopes that the user did not grant
	why     string   // for people: what happened and what to do
	refuse  func(oidc.ExchangeRequest) error
}

// err is the denial as the error of an exchange.
func (d *denial) err(x oidc.ExchangeRequest) error {
	if d.refuse != nil {
		return d.refuse(x)
	}
	return x.Refuse(oidc.Refusal{Reason: d.reason, MissingScopes: d.missing}, d.why)
}

func deny(reason oidc.Reason, why string) (string, *denial) {
	return "", &denial{reason: reason, why: why}
}

// rule is a condition of every exchange. Its check says why it holds, or how the
// wish is denied.
type rule struct {
	name  string
	check func(*wish) (holds string, d *denial)
}

// rules are who may have an access token of the vault: a wish that no rule
// denies is granted. Each may rely on those before it.
var rules = []rule{
	{"grant_type", checkExchanges},
	{"user", checkUser},
	{"signed_in", checkSignedIn},
	{"enabled_clients", checkEnabled},
	{"token_vault", checkListed},
	{"network", checkNetwork},
	{"connected_accounts", checkKeeps},
	{"authentication", checkActive},
	{"owner", checkOwner},
	{"account", checkAccount},
	{"tokens", checkTokens},
	{"allowed_scopes", checkAllowedScopes},
	{"scope", checkAskedScopes},
}

// decide is the one place where it is decided whether a client gets an access
// token. It tells told, if there is one, of each rule what came of it.
func decide(w *wish, told func(rule string, holds string, d *denial)) *denial {
	for _, r := range rules {
		holds, d := r.check(w)
		if told != nil {
			told(r.name, holds, d)
		}
		if d != nil {
			return d
		}
	}
	return nil
}

func checkExchanges(w *wish) (string, *denial) {
	if w.client.Public() || !w.client.May(oidc.GrantFederated) && !w.client.May(oidc.GrantTokenExchange) {
		return deny(oidc.ClientNotAllowed, "The application may not exchange tokens. It needs a secret or key, and the grant type of the exchange in its grant_types.")
	}
	return "The application may exchange tokens.", nil
}

func checkUser(w *wish) (string, *denial) {
	switch {
	case w.user == nil:
		return "The application asks in its own name.", nil
	case w.user.Blocked:
		return deny(oidc.UserBlocked, "The user is blocked. An administrator can unblock the user.")
	}
	return "The user is not blocked.", nil
}

// checkSignedIn holds in every exchange: its subject token is what a sign-in
// brought.
func checkSignedIn(w *wish) (string, *denial) {
	switch {
	case w.user == nil:
		return "No user has to sign in for that.", nil
	case !w.signedIn:
		return deny(oidc.ClientNotAllowed, "The user has not signed in to the application, or no sign-in is in force any more. The user must sign in to it.")
	}
	return "The user signed in to the application, or allowed it its API.", nil
}

func checkEnabled(w *wish) (string, *denial) {
	if !w.connection.Allows(w.client.ID) {
		return deny(oidc.ClientNotAllowed, "The connection is not enabled for this application. Add its client_id to the connection's enabled_clients.")
	}
	return "The connection is enabled for the application.", nil
}

func checkListed(w *wish) (string, *denial) {
	if w.client.TokenVault == nil {
		return "The application may have tokens of every connection that is enabled for it.", nil
	}
	if _, ok := w.client.TokenVault.Access(w.connection.Name); !ok {
		return deny(oidc.ClientNotAllowed, "The application may have no tokens of this connection. Add it to the application's token_vault.connections.")
	}
	return "The application's token_vault lists the connection.", nil
}

// access is what a client's own list says of a connection: nothing, if there is
// no list.
func (w *wish) access() vault.TokenAccess {
	if w.client.TokenVault == nil {
		return vault.TokenAccess{}
	}
	access, _ := w.client.TokenVault.Access(w.connection.Name)
	return access
}

func checkNetwork(w *wish) (string, *denial) {
	networks := w.access().Networks
	switch {
	case len(networks) == 0:
		return "The application may ask from anywhere.", nil
	case !w.address.IsValid():
		return deny(oidc.ClientNotAllowed, "The application may have the connection's tokens from given networks alone, and the address of this request is not known.")
	case !slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(w.address.Unmap()) }):
		return deny(oidc.ClientNotAllowed, fmt.Sprintf("The application may not have the connection's tokens from %s. Add the network to the connection's networks in the application's token_vault; or, if the address is a proxy's, the proxy to --trusted-proxies.", w.address.Unmap()))
	}
	return "The application may ask from " + w.address.Unmap().String() + ".", nil
}

func checkKeeps(w *wish) (string, *denial) {
	if !w.connection.TokenVault {
		return deny(oidc.NotStored, "The connection does not keep tokens. Set its connected_accounts.active, and let the user sign in again.")
	}
	return "The connection keeps tokens.", nil
}

func checkActive(w *wish) (string, *denial) {
	if !w.connection.Active {
		return deny(oidc.ConnectionDisabled, "The connection is switched off. Set its authentication.active.")
	}
	return "The connection is switched on.", nil
}

func checkOwner(w *wish) (string, *denial) {
	ofClients := connections.OfClients(w.connection)
	switch {
	case w.user == nil && !ofClients:
		return "", &denial{reason: oidc.NotConnected, why: "The connection's tokens belong to users, and the application asks in its own name.",
			refuse: func(x oidc.ExchangeRequest) error {
				return x.RefuseSubject(errors.New("the token is of a client, and of no user"))
			}}
	case w.user != nil && ofClients:
		return deny(oidc.NotStored, "The connection's tokens belong to applications, and to no user. Send an access token of the application's own, from the client credentials grant, as subject_token.")
	case ofClients:
		return "The connection's tokens belong to applications.", nil
	}
	return "The connection's tokens belong to users.", nil
}

// fitting are the identities that a login_hint fits, or all if there is none.
func (w *wish) fitting() []vault.Identity {
	if w.loginHint == "" {
		return w.identities
	}
	return slices.DeleteFunc(slices.Clone(w.identities), func(i vault.Identity) bool { return !hinted(i, w.loginHint) })
}

func checkAccount(w *wish) (string, *denial) {
	fitting := w.fitting()
	switch {
	case len(w.identities) == 0:
		where := w.connection.Title()
		if org := w.connection.Options["org_id"]; org != "" {
			where += " in the org " + org + ", which the connection is for (org_id)"
		}
		return deny(oidc.NotConnected, "The user has no account at "+where+". The user must connect it.")
	case len(fitting) == 0:
		return "", &denial{reason: oidc.NotConnected, why: "The user has no account at the connection that the login_hint fits.", refuse: func(x oidc.ExchangeRequest) error { return x.RefuseLoginHint() }}
	case len(fitting) > 1:
		return deny(oidc.AmbiguousAccount, "The user has several accounts at "+w.connection.Title()+". Send login_hint: the account's id, username or e-mail there.")
	case w.user == nil:
		return "The account is the connection's own.", nil
	}
	return "The user has one account there that is meant: " + fitting[0].UserID + ".", nil
}

func checkTokens(w *wish) (string, *denial) {
	switch {
	case w.tokens == nil && w.user == nil:
		return "Its tokens are got when they are first asked for.", nil
	case w.tokens == nil:
		return deny(oidc.NotConnected, "No tokens of the user's account at "+w.connection.Title()+" are kept. The user must connect it.")
	}
	if !w.tokens.Connected(w.connection) {
		return deny(oidc.NotConnected, "The account at "+w.connection.Title()+" was disconnected. The user must connect it again.")
	}
	return "Tokens of the account are kept.", nil
}

// offline are scopes by which the vault gets refresh tokens. They allow the
// holder of an access token nothing.
var offline = []string{"refresh_token", "offline_access"}

// checkAllowedScopes: a token cannot be narrowed, so a client gets none that can
// do more than the client may.
func checkAllowedScopes(w *wish) (string, *denial) {
	allowed := w.access().Scopes
	switch {
	case len(allowed) == 0:
		return "The application may have all scopes of the connection.", nil
	case w.tokens == nil:
		return "Which scopes the tokens have is not known yet.", nil
	case len(w.tokens.Scopes) == 0:
		return deny(oidc.ClientNotAllowed, w.connection.Title()+" did not say which scopes the account's token has, and the application may have given ones alone. Take the scopes out of the application's token_vault to allow it all.")
	}
	var many []string
	for _, scope := range w.tokens.Scopes {
		if !slices.Contains(offline, scope) && !slices.Contains(connections.Granted(w.connection, allowed), scope) {
			many = append(many, scope)
		}
	}
	if len(many) > 0 {
		return deny(oidc.ClientNotAllowed, fmt.Sprintf("The account's token also has %s, which the application may not have, and a token cannot be narrowed. Allow it in the application's token_vault, or let the user connect by a connection that asks for less.", strings.Join(many, " ")))
	}
	return "The application may have all scopes that the token has.", nil
}

// checkAskedScopes finds fault with scopes asked for that the user did not grant.
func checkAskedScopes(w *wish) (string, *denial) {
	if len(w.scopes) == 0 {
		return "No scope is asked for by name.", nil
	}
	if w.tokens == nil {
		return "Which scopes the tokens have is not known yet.", nil
	}
	granted := connections.Granted(w.connection, w.tokens.Scopes)
	missing := slices.DeleteFunc(slices.Clone(w.scopes), func(scope string) bool { return slices.Contains(granted, scope) })
	if len(missing) > 0 {
		return "", &denial{reason: oidc.MissingScope, missing: missing,
			why: "The user's grant lacks " + oidc.FormatScopes(missing) + ". Add it to the app at " + w.connection.Title() + " if it is not there, and let the user connect again."}
	}
	return "The token has the scopes asked for.", nil
}
