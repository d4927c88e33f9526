package connections

// presets are the identity providers of which the endpoints, and what brings a
// refresh token, are known. The names are Auth0's where it has one.
//
// What is said here comes from the page at docs, unless a comment says
// otherwise. Whether refresh tokens are single-use is said where the provider
// says it, and left open elsewhere.
var presets = []preset{
	{
		name: "google-oauth2", title: "Google", base: "oidc", docs: "https://developers.google.com/identity/openid-connect/openid-connect",
		scopes: openIDScopes,
		options: map[string]string{
			"issuer": "https://accounts.google.com", "foreign_hosts": "googleapis.com", "refresh_tokens": reusable,
		},
		// A refresh token comes with the first consent alone, unless consent is
		// asked for again: developers.google.com/identity/protocols/oauth2/web-server.
		offlineParams: map[string]string{"access_type": "offline", "prompt": "consent"},
		prompts:       map[string]string{"login": "select_account", "select_account": "select_account"}, // it knows no "login"
	},
	{
		name: "windowslive", title: "Microsoft account", base: "oidc", docs: "https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc",
		scopes: openIDScopes, offlineScopes: []string{"offline_access"}, prompts: standardPrompts,
		options: map[string]string{
			// The tenant of personal accounts, which has the same ID everywhere.
			"issuer": "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0", "foreign_hosts": "graph.microsoft.com",
			// A refresh brings a new refresh token, and the old one is not
			// revoked: learn.microsoft.com/entra/identity-platform/refresh-tokens.
			"refresh_tokens": reusable,
		},
	},
	{
		name: "waad", title: "Microsoft Entra ID", base: "oidc", docs: "https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc",
		scopes: openIDScopes, offlineScopes: []string{"offline_access"}, prompts: standardPrompts,
		fields: []Field{{Name: "tenant_id", Title: "Tenant ID", Help: "the ID of the directory, such as 8eaef023-2b34-4da1-9baa-8bc8c9d6a490 (Entra admin center, Overview). " +
			"Neither its domain, nor common or organizations: the issuer has the ID, and accounts of any organization could have anybody's e-mail address."}},
		options: map[string]string{
			"issuer": "https://login.microsoftonline.com/{tenant_id}/v2.0", "foreign_hosts": "graph.microsoft.com", "refresh_tokens": reusable,
		},
	},
	{
		name: "github", title: "GitHub", base: "oauth2", docs: "https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps",
		scopes: []string{"read:user", "user:email"}, prompts: map[string]string{"select_account": "select_account"},
		options: map[string]string{
			"authorizationURL": "https://github.com/login/oauth/authorize", "tokenURL": "https://github.com/login/oauth/access_token",
			"userInfoURL": "https://api.github.com/user", "emailsURL": "https://api.github.com/user/emails",
			"profile.id": "/id", "profile.username": "/login", "profile.nickname": "/login", "profile.name": "/name", "profile.picture": "/avatar_url",
			// Tokens of OAuth apps live until they are revoked, and come without
			// expires_in. Those of GitHub Apps expire, and say so.
			"access_token_lifetime": "31536000",
			// docs.github.com: refreshing user access tokens. Of GitHub Apps.
			"refresh_tokens": singleUse,
		},
	},
	{
		name: "slack", title: "Slack", base: "oauth2", docs: "https://docs.slack.dev/authentication/installing-with-oauth",
		scopes: []string{"users:read"},
		options: map[string]string{
			"authorizationURL": "https://slack.com/oauth/v2/authorize", "tokenURL": "https://slack.com/api/oauth.v2.access",
			// auth.test needs no scope, and tells of whom the token is.
			"userInfoURL": "https://slack.com/api/auth.test", "userInfoMethod": "POST",
			"scope_param": "user_scope", "scope_separator": ",", // scope asks for what the app's bot may do
			"token_at": "/authed_user", "token_type": "user",
			// A user's ID is one of the workspace's.
			"profile.org": "/team_id", "profile.id": "/user_id", "profile.username": "/user", "profile.nickname": "/user",
			// Without token rotation, tokens live until they are revoked.
			"access_token_lifetime": "31536000",
		},
	},
	{
		name: "gitlab", title: "GitLab", base: "oidc", docs: "https://docs.gitlab.com/integration/openid_connect_provider",
		scopes:  openIDScopes,
		options: map[string]string{"issuer": "https://gitlab.com", "refresh_tokens": singleUse}, // docs.gitlab.com/api/oauth2
	},
	{
		// LinkedIn's ID tokens lack the nonce that was sent, which OpenID Connect
		// forbids (section 3.1.3.7), and a code_verifier makes its token endpoint
		// answer invalid_client. So the access token tells who signed in.
		name: "linkedin", title: "LinkedIn", base: "oauth2", docs: "https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2",
		scopes: openIDScopes,
		options: map[string]string{
			"authorizationURL": "https://www.linkedin.com/oauth/v2/authorization", "tokenURL": "https://www.linkedin.com/oauth/v2/accessToken",
			"userInfoURL": "https://api.linkedin.com/v2/userinfo", "pkce_enabled": "false",
			"profile.id": "/sub", "profile.email": "/email", "profile.email_verified": "/email_verified", "profile.name": "/name",
			"profile.given_name": "/given_name", "profile.family_name": "/family_name", "profile.picture": "/picture",
		},
	},
	{
		name: "hubspot", title: "HubSpot", base: "oauth2", docs: "https://developers.hubspot.com/docs/api-reference/auth-oauth-v3/guide",
		scopes: []string{"oauth"},
		options: map[string]string{
			"authorizationURL": "https://app.hubspot.com/oauth/authorize", "tokenURL": "https://api.hubapi.com/oauth/v3/token",
			// The older endpoint that tells whose a token is has the token in its URL.
			"userInfoURL": "https://api.hubapi.com/oauth/v3/token/introspect", "userInfoMethod": byIntrospection,
			"introspectionURL": "https://api.hubapi.com/oauth/v3/token/introspect",
			"profile.org":      "/hub_id", "profile.id": "/user_id", "profile.username": "/user", "profile.email": "/user",
		},
	},
	{
		name: "atlassian", title: "Atlassian", base: "oauth2", docs: "https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/",
		scopes: []string{"read:me"}, offlineScopes: []string{"offline_access"},
		params: map[string]string{"audience": "api.atlassian.com", "prompt": "consent"},
		options: map[string]string{
			"authorizationURL": "https://auth.atlassian.com/authorize", "tokenURL": "https://auth.atlassian.com/oauth/token",
			"userInfoURL": "https://api.atlassian.com/me", "refresh_tokens": singleUse,
			"profile.id": "/account_id", "profile.email": "/email", "profile.name": "/name", "profile.nickname": "/nickname", "profile.picture": "/picture",
		},
	},
	{
		name: "box", title: "Box", base: "oauth2", docs: "https://developer.box.com/guides/authentication/tokens/refresh",
		// Without a scope, what the app may do is asked for.
		options: map[string]string{
			"authorizationURL": "https://account.box.com/api/oauth2/authorize", "tokenURL": "https://api.box.com/oauth2/token",
			"revocationURL": "https://api.box.com/oauth2/revoke", "userInfoURL": "https://api.box.com/2.0/users/me", "refresh_tokens": singleUse,
			"profile.id": "/id", "profile.username": "/login", "profile.email": "/login", "profile.name": "/name", "profile.picture": "/avatar_url",
		},
	},
	{
		name: "dropbox", title: "Dropbox", base: "oauth2", docs: "https://developers.dropbox.com/oauth-guide",
		scopes: []string{"account_info.read"}, offlineParams: map[string]string{"token_access_type": "offline"},
		options: map[string]string{
			"authorizationURL": "https://www.dropbox.com/oauth2/authorize", "tokenURL": "https://api.dropboxapi.com/oauth2/token",
			"userInfoURL": "https://api.dropboxapi.com/2/users/get_current_account", "userInfoMethod": "POST", "refresh_tokens": reusable,
			"profile.id": "/account_id", "profile.email": "/email", "profile.email_verified": "/email_verified", "profile.name": "/name/display_name",
			"profile.given_name": "/name/given_name", "profile.family_name": "/name/surname", "profile.picture": "/profile_photo_url", "profile.locale": "/locale",
		},
	},
	{
		name: "zoom", title: "Zoom", base: "oauth2", docs: "https://developers.zoom.us/docs/integrations/oauth/",
		scopes: []string{"user:read:user"},
		options: map[string]string{
			"authorizationURL": "https://zoom.us/oauth/authorize", "tokenURL": "https://zoom.us/oauth/token", "revocationURL": "https://zoom.us/oauth/revoke",
			"userInfoURL": "https://api.zoom.us/v2/users/me", "token_endpoint_auth_method": secretBasic, "refresh_tokens": singleUse,
			"profile.id": "/id", "profile.email": "/email", "profile.name": "/display_name", "profile.given_name": "/first_name",
			"profile.family_name": "/last_name", "profile.picture": "/pic_url", "profile.locale": "/language",
		},
	},
	{
		name: "okta", title: "Okta", base: "oidc", docs: "https://developer.okta.com/docs/reference/api/oidc/",
		scopes: openIDScopes, offlineScopes: []string{"offline_access"}, prompts: map[string]string{"login": "login"}, qualified: true,
		fields:  []Field{{Name: "domain", Title: "Okta domain", Help: "the organization's domain at Okta, such as acme.okta.com."}},
		options: map[string]string{"issuer": "https://{domain}"},
	},
	{
		name: "auth0-oidc", title: "Auth0", base: "oidc", docs: "https://auth0.com/docs/get-started/applications/application-settings",
		scopes: openIDScopes, offlineScopes: []string{"offline_access"}, prompts: standardPrompts, qualified: true,
		fields:  []Field{{Name: "domain", Title: "Auth0 domain", Help: "the tenant's domain at Auth0, such as acme.eu.auth0.com, or its custom domain."}},
		options: map[string]string{"issuer": "https://{domain}/"}, // with the slash
	},
}
