package connections

import "time"

// Failure is a way in which a provider fails: how to know it, what it means, and
// what to do about it.
type Failure struct {
	Asked       string // what was asked for; "" for anything
	Code        string // of the answer, in lower case; in parentheses what stands for one where there is none
	Says        string // a part of its description, in lower case; "" for any
	Kind        Kind
	Cause, Cure string // sentences for people
	RetryAfter  time.Duration
}

// What a provider is asked for, to stand after "refused to".
const (
	authorizing   = "sign the user in" // its answer comes with the user's browser
	redeeming     = "redeem a code"
	refreshing    = "refresh"
	asserting     = "issue an access token" // without a refresh token
	revoking      = "revoke a token"
	introspecting = "tell about a token"
	calling       = "answer an application's call of an API" // which the gateway does not see
)

// Where in Setup the cures are.
const (
	appSettings = "Setup, External Client App Manager, the app, Settings, OAuth Settings"
	appPolicies = "Setup, External Client App Manager, the app, Policies, OAuth Policies"
	appUsage    = "Setup, Connected Apps OAuth Usage"

	certificateSetting = appSettings + ", Enable JWT Bearer Flow; of a connected app, Use digital signatures"
)

// nothingLost is the cure of what passes by itself, and maybeLost that of what
// may have cost a refresh token whose successor did not arrive.
const (
	nothingLost = "Nothing is lost; try again."
	maybeLost   = "Try again: the gateway finds out whether a refresh token was used before it shows it once more."
)

// SalesforceFailures are read in order; the first that fits is it. What fits
// none may pass, so no grant ends for it. The order is by what is asked for,
// and within that the more precise comes first.
var SalesforceFailures = []Failure{
	// No answer of Salesforce's own.
	{Code: "(private address)", Kind: Misconfigured, Cause: "The login host is at a private address, which the gateway does not connect to.",
		Cure: "If it is meant to, start the gateway with --allow-private-upstreams naming the network; else correct login_url."},
	{Code: "(certificate)", Kind: Misconfigured, Cause: "The host's certificate is not one that the gateway trusts for it.",
		Cure: "Correct login_url (Setup, My Domain); if a proxy opens TLS on the way, let the gateway through, or have its system trust the proxy's certificate."},
	{Code: "(unknown host)", Kind: Unavailable, RetryAfter: 30 * time.Second, Cause: "There is no host of this name: the My Domain was renamed, login_url is misspelt, or name resolution fails.",
		Cure: "Compare login_url with the org's My Domain (Setup, My Domain). " + nothingLost},
	{Code: "(timeout)", Kind: Unavailable, RetryAfter: 5 * time.Second, Cause: "Salesforce did not answer in time.", Cure: maybeLost},
	{Code: "(no answer)", Kind: Unavailable, RetryAfter: 5 * time.Second, Cause: "Salesforce could not be reached, or broke off its answer.",
		Cure: "If it lasts, see whether the gateway may connect to it on port 443. " + maybeLost},
	{Code: "(redirect)", Kind: Unavailable, RetryAfter: 30 * time.Second, Cause: "Salesforce sent the gateway on to another address, where it shows no secret: the My Domain was renamed, or the org was moved.",
		Cure: "Set login_url to the org's My Domain as it is now (Setup, My Domain). " + nothingLost},
	{Code: "(status 404)", Kind: Unavailable, RetryAfter: 30 * time.Second, Cause: "There is no sign-in at this address.",
		Cure: "Correct login_url; of an Experience Cloud site it includes the site's path (Setup, Digital Experiences, All Sites). " + nothingLost},
	{Code: "(status 429)", Kind: RateLimited, RetryAfter: time.Minute, Cause: "Salesforce has been asked too often.", Cure: nothingLost},
	{Code: "(status 5xx)", Kind: Unavailable, RetryAfter: 5 * time.Second, Cause: "Salesforce is down or in maintenance, or something on the way to it is.",
		Cure: "See status.salesforce.com. " + nothingLost},
	{Code: "(web page)", Kind: Unavailable, RetryAfter: 5 * time.Second, Cause: "A web page came in place of an answer, as when Salesforce is in maintenance, or login_url is not a login host.",
		Cure: "See status.salesforce.com, and compare login_url with the org's My Domain (Setup, My Domain). " + maybeLost},
	{Code: "(useless)", Kind: Unavailable, RetryAfter: 5 * time.Second, Cause: "Salesforce did not answer usefully.", Cure: maybeLost},

	// A token that takes no refresh token. It stands here since it tells more
	// precisely what the app lacks.
	{Asked: asserting, Code: "unsupported_grant_type", Kind: Misconfigured, Cause: "The app does not have this flow. External client apps have no SAML bearer flow at all, only connected apps have it.",
		Cure: "With saml2_bearer, set token_grant to jwt_bearer; else enable the flow (" + appSettings + ", Flow Enablement)."},
	{Asked: asserting, Code: "invalid_grant", Says: "hasn't approved this consumer", Kind: Dead, Cause: "The user has not approved the app, or no longer, or has another username than at the last sign-in.",
		Cure: "Connecting again approves it; so does an administrator, for many users at once (" + appPolicies + ", Permitted Users)."},
	{Asked: asserting, Code: "invalid_grant", Says: "user not found", Kind: Dead, Cause: "No user of the org has this username.",
		Cure: "If the user was renamed, connecting again tells the new name."},
	{Asked: asserting, Code: "invalid_grant", Says: "no client credentials user enabled", Kind: Misconfigured, Cause: "The app has no user to run as.",
		Cure: "Choose one (" + appPolicies + ", Client Credentials Flow, Run As)."},
	{Asked: asserting, Code: "invalid_grant", Says: "no valid scopes defined", Kind: Misconfigured, Cause: "The app has no scope that client credentials can have: full, web and refresh_token are none.",
		Cure: "Add one, such as api (" + appSettings + ", OAuth Scopes)."},
	{Asked: asserting, Code: "invalid_grant", Says: "audience", Kind: Misconfigured, Cause: "The assertion is for another audience, such as a sandbox's for production.",
		Cure: "Set the strategy to the org's environment; or assertion_audience to https://login.salesforce.com, https://test.salesforce.com, or the site's URL."},
	{Asked: asserting, Code: "invalid_grant", Says: "recipient", Kind: Misconfigured, Cause: "The assertion was sent to a host that the org is not of.",
		Cure: "Set login_url to the org's login host or My Domain (Setup, My Domain)."},
	{Asked: asserting, Code: "invalid_grant", Says: "invalid assertion", Kind: Misconfigured, Cause: "Salesforce does not accept the assertion: it is not signed with the key of the app's certificate, or the gateway's clock is wrong by minutes.",
		Cure: "Write the certificate with 'sallyport connections certificate', and upload it (" + certificateSetting + "); set the clock."},

	// The app, as the org knows it.
	{Code: "invalid_client_id", Kind: Misconfigured, Cause: "Salesforce does not know the consumer key here.",
		Cure: "Compare client_id with the app's (" + appSettings + ", Consumer Key and Secret), check that login_url is the app's org or login host, and that the app is installed there. A new or changed app takes up to ten minutes to be known."},
	{Code: "invalid_client", Kind: Misconfigured, Cause: "Salesforce does not accept the consumer secret.",
		Cure: "Copy it anew (" + appSettings + ", Consumer Key and Secret). After a change of secret, both may fail for up to ten minutes, and every user has to connect again."},
	{Code: "invalid_client_credentials", Kind: Misconfigured, Cause: "Salesforce does not accept the consumer secret.",
		Cure: "Copy it anew (" + appSettings + ", Consumer Key and Secret)."},
	{Code: "app_not_found", Kind: Misconfigured, Cause: "The app is not installed in the org.",
		Cure: "Install it there (Setup, External Client App Manager), or set login_url to the org that has it."},
	{Code: "oauth_ec_app_not_found", Kind: Misconfigured, Cause: "The app is not in the org that the user signed in to.",
		Cure: "Install it there (Setup, External Client App Manager), or set login_url to the org that has it."},
	{Code: "oauth_app_blocked", Kind: Misconfigured, Cause: "An administrator of the org has blocked the app.", Cure: "Unblock it (" + appUsage + ")."},
	{Code: "client_blocked", Kind: Misconfigured, Cause: "An administrator of the org has blocked the app.", Cure: "Unblock it (" + appUsage + ")."},
	{Code: "oauth_app_access_denied", Kind: Misconfigured, Cause: "The app is for users that an administrator has approved, and this one is not.",
		Cure: "Give the user a profile or permission set of the app (" + appPolicies + ", Permitted Users)."},
	{Code: "oauth_approval_error_generic", Kind: Misconfigured, Cause: "Salesforce could not approve the app: it lacks a scope that was asked for (such as refresh_token), is not installed in the org, the user may not use apps that are not installed or has an API-only licence, or the browser is signed in to another org.",
		Cure: "Add the scopes of the connection to the app (" + appSettings + ", OAuth Scopes), install the app (" + appUsage + "), and sign out of other orgs."},
	{Code: "unauthorized_client", Kind: Misconfigured, Cause: "The app may not do this.", Cure: "Enable the flow (" + appSettings + ", Flow Enablement)."},
	{Code: "unsupported_grant_type", Kind: Misconfigured, Cause: "The app may not do this.", Cure: "Enable the flow (" + appSettings + ", Flow Enablement)."},
	{Code: "unsupported_response_type", Kind: Misconfigured, Cause: "The app may not do this.", Cure: "Enable the authorization code flow (" + appSettings + ", Flow Enablement)."},
	{Code: "invalid_scope", Kind: Misconfigured, Cause: "The app lacks a scope that the connection asks for.",
		Cure: "Add it to the app (" + appSettings + ", OAuth Scopes), or take it off the connection's scope."},
	{Code: "redirect_uri_mismatch", Kind: Misconfigured, Cause: "The callback URL is not registered.",
		Cure: "Add the gateway's to the app, character for character (" + appSettings + ", Callback URL)."},
	{Code: "redirect_uri_missing", Kind: Misconfigured, Cause: "The callback URL did not arrive.",
		Cure: "See whether something on the way takes parameters out of the request, and that the app has the gateway's callback URL (" + appSettings + ", Callback URL)."},
	{Code: "use_dpop_nonce", Kind: Misconfigured, Cause: "The app demands tokens that are bound to a key (DPoP), which the gateway does not ask for.",
		Cure: "Switch that off (" + appSettings + ", Security)."},

	// The user and the org.
	{Code: "inactive_user", Kind: Denied, Cause: "The user is frozen or not active in Salesforce.", Cure: "Activate the user (Setup, Users). The grant is kept."},
	{Code: "inactive_org", Kind: Misconfigured, Cause: "The org is locked, closed or suspended.", Cure: "Ask Salesforce (Setup, Company Information, tells its state). The grants are kept."},
	{Code: "rate_limit_exceeded", Kind: RateLimited, RetryAfter: time.Hour, Cause: "The user has signed in too often within an hour: Salesforce allows 3,600 times.",
		Cure: "Wait an hour, and look in the user's Login History (Setup, Login History) for what signs in so often."},
	{Code: "invalid_grant", Says: "login rate", Kind: RateLimited, RetryAfter: time.Hour, Cause: "The user has signed in too often within an hour: Salesforce allows 3,600 times.",
		Cure: "Wait an hour, and look in the user's Login History (Setup, Login History) for what signs in so often."},
	{Code: "invalid_grant", Says: "number of logins exceeded", Kind: RateLimited, RetryAfter: time.Hour, Cause: "The user has signed in too often within an hour: Salesforce allows 3,600 times.",
		Cure: "Wait an hour, and look in the user's Login History (Setup, Login History) for what signs in so often."},
	{Code: "invalid_grant", Says: "ip restricted", Kind: Misconfigured, Cause: "The user's profile or the app does not allow the gateway's address, or this hour.",
		Cure: "Relax the restriction for the app (" + appPolicies + ", IP Relaxation), add the gateway's address (Setup, Network Access), or widen the hours (Setup, Profiles, Login Hours)."},
	{Code: "invalid_grant", Says: "login hours", Kind: Misconfigured, Cause: "The user's profile does not allow this hour.", Cure: "Widen the hours (Setup, Profiles, Login Hours)."},
	{Code: "invalid_grant", Says: "authentication failure", Kind: Misconfigured, Cause: "Salesforce does not accept the credentials, or they are another host's: users of a sandbox are unknown at login.salesforce.com.",
		Cure: "Use the strategy salesforce-sandbox for sandboxes, or set login_url to the org's My Domain (Setup, My Domain)."},
	{Code: "invalid_grant", Says: "invalid user credentials", Kind: Misconfigured, Cause: "Salesforce does not accept the credentials, or they are another host's: users of a sandbox are unknown at login.salesforce.com.",
		Cure: "Use the strategy salesforce-sandbox for sandboxes, or set login_url to the org's My Domain (Setup, My Domain)."},
	{Code: "invalid_grant", Says: "admin approved", Kind: Misconfigured, Cause: "The app is for users that an administrator has approved, and this one is not.",
		Cure: "Give the user a profile or permission set of the app (" + appPolicies + ", Permitted Users)."},
	{Code: "invalid_grant", Says: "not supported on this domain", Kind: Misconfigured, Cause: "This host does not answer it.", Cure: "Set login_url to the org's My Domain (Setup, My Domain)."},

	// A sign-in.
	{Asked: authorizing, Code: "access_denied", Kind: Denied, Cause: "The user did not allow it.", Cure: "None is needed; the user can sign in again."},
	{Asked: authorizing, Code: "access-denied", Kind: Denied, Cause: "The user did not allow it.", Cure: "None is needed; the user can sign in again."},
	{Asked: authorizing, Code: "immediate_unsuccessful", Kind: Denied, Cause: "The user is not signed in at Salesforce, or has not allowed the app yet.",
		Cure: "Take immediate off the connection's upstream_params."},
	{Asked: authorizing, Code: "invalid_request", Says: "code challenge", Kind: Misconfigured, Cause: "The app requires PKCE, and what the gateway sent of it did not arrive.",
		Cure: "See whether something on the way takes parameters out of the request (" + appSettings + ", Require PKCE)."},
	{Asked: authorizing, Code: "invalid_request", Kind: Misconfigured, Cause: "Salesforce does not take the request as it is.",
		Cure: "Look at the connection's upstream_params, and that the callback URL is https (" + appSettings + ", Callback URL)."},
	{Asked: authorizing, Code: "server_error", Kind: Unavailable, RetryAfter: 5 * time.Second, Cause: "Salesforce had an error of its own.", Cure: nothingLost},
	{Asked: authorizing, Code: "temporarily_unavailable", Kind: Unavailable, RetryAfter: 5 * time.Second, Cause: "Salesforce asks to try again later.", Cure: nothingLost},
	{Asked: redeeming, Code: "invalid_request", Says: "code verifier", Kind: Untrusted, Cause: "The code belongs to another sign-in than the one that it came back to.",
		Cure: "Start again. If it repeats, something between the browser and Salesforce changes requests."},
	{Asked: redeeming, Code: "invalid_grant", Says: "code verifier", Kind: Untrusted, Cause: "The code belongs to a sign-in whose proof (PKCE) did not arrive.",
		Cure: "Start again. If it repeats, something between the gateway and Salesforce changes requests."},
	{Asked: redeeming, Code: "invalid_request", Kind: Misconfigured, Cause: "Salesforce does not take the request as it is.", Cure: "Compare the connection with the app (" + appSettings + ")."},
	{Asked: redeeming, Code: "invalid_grant", Says: "expired authorization code", Kind: Expired, Cause: "The sign-in took more than 15 minutes, or its page was loaded twice.", Cure: "Start again."},
	{Asked: redeeming, Code: "invalid_grant", Says: "invalid authorization code", Kind: Expired, Cause: "Salesforce does not know the code: it is of another app or org, or was cut off on its way.", Cure: "Start again."},
	{Asked: redeeming, Code: "invalid_grant", Kind: Expired, Cause: "Salesforce does not accept this sign-in any more.", Cure: "Start again."},

	// A refresh. One text of Salesforce's ends a grant, and a few that mean the
	// same; of the legacy text "expired authorization code" it was sent for
	// tokens that were merely in use.
	{Asked: refreshing, Code: "invalid_grant", Says: "already being processed", Kind: Unavailable, RetryAfter: 2 * time.Second, Cause: "Another refresh of the same token is under way.",
		Cure: nothingLost + " If it comes often, somebody else has the refresh token: look for a copy of the store."},
	{Asked: refreshing, Code: "invalid_grant", Says: "expired authorization code", Kind: Unavailable, RetryAfter: 2 * time.Second, Cause: "Another refresh of the same token is under way, in the words that Salesforce had for it in 2024.", Cure: nothingLost},
	{Asked: refreshing, Code: "invalid_grant", Says: "expired access/refresh token", Kind: Dead,
		Cause: "It has expired by the app's refresh token policy, was revoked, was used twice (rotation), or gave way to newer sign-ins of the same user: Salesforce keeps five of a user and app.",
		Cure:  "The user must connect again. If it comes often, set the policy to valid until revoked (" + appPolicies + ", Refresh Token Policy), and see that nothing else signs users in with the app (Setup, Login History, tells the cause)."},
	{Asked: refreshing, Code: "invalid_grant", Says: "hasn't approved this consumer", Kind: Dead, Cause: "The user's approval of the app was taken back.",
		Cure: "The user must connect again; an administrator sees approvals at the user (Setup, Users, OAuth Connected Apps)."},
	{Asked: refreshing, Code: "invalid_grant", Kind: Unavailable, RetryAfter: 2 * time.Second, Cause: "The gateway does not know what this means for the refresh token, and finds out before it uses it again.", Cure: nothingLost},

	// A call of an API by an application, with what an exchange brought.
	{Asked: calling, Code: "invalid_session_id", Says: "not valid for use with the rest api", Kind: Misconfigured, Cause: "The token lacks the scope api.",
		Cure: "Add it to the app (" + appSettings + ", OAuth Scopes) and the connection, and let the user connect again. Do not refresh: it does not help."},
	{Asked: calling, Code: "invalid_session_id", Says: "connected app is not attached", Kind: Misconfigured, Cause: "The app is not attached to the agent that was called.", Cure: "Attach it in Salesforce (Setup, Agentforce Agents). Do not refresh: it does not help."},
	{Asked: calling, Code: "invalid_session_id", Kind: Unavailable, Cause: "The access token has died before its time: its session was idle too long, ended or revoked.",
		Cure: "Exchange once more with rejected_token, and call again, once. The session's timeout is in Setup, Session Settings, or the app's policies."},
	{Asked: calling, Code: "bad_oauth_token", Kind: Unavailable, Cause: "The access token has died before its time: its session was idle too long, ended or revoked.",
		Cure: "Exchange once more with rejected_token, and call again, once."},
	{Asked: calling, Code: "request_limit_exceeded", Kind: RateLimited, RetryAfter: time.Hour, Cause: "The org's limit of API calls is used up.", Cure: "Wait, or raise it (Setup, Company Information, API Requests). Do not refresh: it does not help."},
	{Asked: calling, Code: "api_disabled_for_org", Kind: Misconfigured, Cause: "The org's edition has no API.", Cure: "Ask Salesforce. Do not refresh: it does not help."},
	{Asked: calling, Code: "api_currently_disabled", Kind: Misconfigured, Cause: "The user may not use the API.", Cure: "Enable it in the user's profile or permission set (Setup, Profiles, API Enabled). Do not refresh: it does not help."},
	{Asked: calling, Code: "(json error)", Says: "invalid token", Kind: Misconfigured, Cause: "The API does not take this form of token: access tokens that are JWTs are for REST APIs, and some newer APIs take no others.",
		Cure: "Switch JWT-based access tokens for named users off, or on (" + appSettings + ", Security)."},
}
