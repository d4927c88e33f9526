// Package simulator plays Salesforce over HTTP: orgs with their apps and their
// users, unkind on purpose.
//
// A [Salesforce] is an http.Handler with plain fields. One host plays the
// login host, the org's My Domain and its instance:
//
//	browser ── /services/oauth2/authorize ──► login page ► consent page ──► callback?code
//	client  ── /services/oauth2/token ──────► tokens, without expires_in
//	          by code, refresh token, client credentials, JWT or SAML assertion
//	        ── /services/oauth2/{introspect,revoke,userinfo}, /id/ORG/USER
//	        ── /.well-known/openid-configuration, /id/keys
//	        ── /services/data/vNN.0/…  ─────► versions, limits, query, sobjects, chatter
//	browser ── /services/auth/idp/oidc/logout, /secur/logout.jsp
//
// Further orgs each have hosts of their own, which are told apart by the
// beginning of the path, so that nothing needs DNS: /h/login.salesforce and
// /h/test.salesforce are the login hosts of production orgs and of sandboxes,
// /h/acme is the My Domain of the org acme, and /h/acme.site/partners its site
// for partners. Each is the issuer of what it is asked for and knows its own
// users and tokens only; the instance URL is the My Domain, and identity URLs
// are at the login host.
//
// It is unkind where the real one is:
//
//   - refresh tokens rotate, and a spent one that is shown again kills its
//     whole family: the live refresh token and every access token with it;
//   - two refreshes of one token at once are not served: the second is refused;
//   - a user has five approvals of an app, and the sixth evicts the first;
//   - no answer says when its access token expires, opaque access tokens live
//     as long as they are used, and a grant made again while one is alive
//     brings the same one again;
//   - errors come as JSON, as form-encoded text without a Content-Type, as
//     plain words, as arrays and as HTML pages, depending on who is asked.
//
// [Salesforce.Fail], [Salesforce.Lose] and [Salesforce.Hold] make a single
// request go wrong; [Salesforce.Requests] and its neighbours count. They know
// endpoints by name: "authorize", "login", "account", "consent", "token",
// "introspect", "revoke", "userinfo", "id", "keys", "discovery", "versions",
// "resources", "limits", "query", "sobject", "chatter", "logout"; all of the
// REST API as "rest", and a token request by its grant type too, as
// "token:refresh_token". Faults stand in a queue: a request takes the first that
// names its endpoint. [Salesforce.Journal] is what was asked, without secrets.
//
// Every way to go wrong that lasts, or that happens to what was granted, is a
// field or a method; each also has a name, by which [Salesforce.Trigger] makes
// it happen, and the API of [Salesforce.Admin]. [Faults] lists them.
//
// The package shares no code with the gateway, so that it can contradict it.
// All state is in memory and dies with the value. It keeps bearer tokens and
// passwords as they are: it is for development and tests, never for real data.
package simulator
