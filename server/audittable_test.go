package server_test

import (
	"net/url"

	"golang.org/x/oauth2"

	"sallyport/connections/simulator"
)

// audited is something that is asked of the gateway, and the one event that it
// leaves.
type audited struct {
	name   string
	routes string // that it is about
	kind   string // type of the event; "" for none
	reason string
	ask    func(g *gateway) func() answer // prepares, and then asks
}

func (g *gateway) app(path string, pairs ...string) answer {
	return g.post(path, append([]string{"client_id", "app", "client_secret", appSecret}, pairs...)...)
}

func asking(do func(g *gateway) answer) func(*gateway) func() answer {
	return func(g *gateway) func() answer { return func() answer { return do(g) } }
}

// visiting has Ada's browser open a page of the gateway, signed in before.
func visiting(path func(g *gateway) string) func(*gateway) func() answer {
	return func(g *gateway) func() answer {
		p := ada()
		g.signIn(p)
		at := path(g)
		return func() answer {
			if _, err := p.Visit(g.issuer+at, appURL); err != nil {
				g.t.Fatal(err)
			}
			return answer{}
		}
	}
}

func authorizePath(more ...string) func(*gateway) string {
	return func(*gateway) string {
		return "authorize?" + form(append([]string{"response_type", "code", "client_id", "app", "redirect_uri", callback, "scope", "openid", "state", "s"}, more...)...).Encode()
	}
}

// hooking is managing where there is a webhook.
func hooking(method, path, body string) func(*gateway) func() answer {
	return func(g *gateway) func() answer {
		g.receiver("ops")
		return managing(method, path, body)(g)
	}
}

var auditedRequests = []audited{
	{"code", "POST /oauth/token", "seacft", "", func(g *gateway) func() answer {
		code := g.visit(ada()).Get("code")
		return func() answer {
			return g.app("oauth/token", "grant_type", "authorization_code", "code", code, "redirect_uri", callback, "code_verifier", verifier)
		}
	}},
	{"code that is unknown", "POST /oauth/token", "feacft", "invalid_grant", asking(func(g *gateway) answer {
		return g.app("oauth/token", "grant_type", "authorization_code", "code", "unknown", "redirect_uri", callback)
	})},
	{"refresh", "POST /oauth/token", "sertft", "", func(g *gateway) func() answer {
		token := g.signIn(ada())
		return func() answer {
			return g.app("oauth/token", "grant_type", "refresh_token", "refresh_token", token.RefreshToken)
		}
	}},
	{"refresh with a token that is unknown", "POST /oauth/token", "fertft", "invalid_grant", asking(func(g *gateway) answer {
		return g.app("oauth/token", "grant_type", "refresh_token", "refresh_token", "unknown")
	})},
	{"refresh with a token that was used", "POST /oauth/token", "ferrt", "invalid_grant", func(g *gateway) func() answer {
		token := g.signIn(ada())
		g.app("oauth/token", "grant_type", "refresh_token", "refresh_token", token.RefreshToken)
		return func() answer {
			return g.app("oauth/token", "grant_type", "refresh_token", "refresh_token", token.RefreshToken)
		}
	}},
	{"client credentials", "POST /oauth/token", "seccft", "", asking(func(g *gateway) answer {
		return g.app("oauth/token", "grant_type", "client_credentials", "audience", "https://api.example")
	})},
	{"client credentials for an API that is unknown", "POST /oauth/token", "feccft", "access_denied", asking(func(g *gateway) answer {
		return g.app("oauth/token", "grant_type", "client_credentials", "audience", "https://nothing.example")
	})},
	{"exchange", "POST /oauth/token", "seta", "", func(g *gateway) func() answer {
		token := g.signIn(ada())
		return func() answer { return g.exchange(token.RefreshToken) }
	}},
	{"exchange, account missing", "POST /oauth/token", "feta", "not_connected", func(g *gateway) func() answer {
		token := g.signIn(ada())
		g.same("second")
		return func() answer { return g.exchange(token.RefreshToken, "connection", "second") }
	}},
	{"exchange, scope missing", "POST /oauth/token", "feta", "insufficient_scope", func(g *gateway) func() answer {
		token := g.signIn(ada())
		return func() answer { return g.exchange(token.RefreshToken, "scope", "nobody_has_it") }
	}},
	{"exchange of a token that is unknown", "POST /oauth/token", "feta", "invalid_grant", asking(func(g *gateway) answer { return g.exchange("unknown") })},
	{"exchange by a stranger", "POST /oauth/token", "feta", "invalid_client", asking(func(g *gateway) answer { return g.exchange("x", "client_secret", "wrong") })},
	{"grant that there is not", "POST /oauth/token", "sallyport_request_refused", "unsupported_grant_type", asking(func(g *gateway) answer {
		return g.app("oauth/token", "grant_type", "password")
	})},
	{"garbage", "POST /oauth/token", "sallyport_request_refused", "invalid_request", asking(func(g *gateway) answer {
		return g.do(g.request("POST", "oauth/token", "application/json", "{"))
	})},
	{"device that waits", "POST /oauth/token", "", "", func(g *gateway) func() answer {
		code, _ := g.device()
		return func() answer { return g.poll(code) }
	}},
	{"device", "POST /oauth/token", "sede", "", func(g *gateway) func() answer {
		code, userCode := g.device()
		g.allow(ada(), userCode, "allow")
		return func() answer { return g.poll(code) }
	}},
	{"device that is refused", "POST /oauth/token", "fede", "access_denied", func(g *gateway) func() answer {
		code, userCode := g.device()
		g.allow(ada(), userCode, "deny")
		return func() answer { return g.poll(code) }
	}},
	{"device asks", "POST /oauth/device/code", "", "", asking(func(g *gateway) answer { g.device(); return answer{} })},
	{"device may not", "POST /oauth/device/code", "fdeaz", "unauthorized_client", asking(func(g *gateway) answer { return g.app("oauth/device/code") })},
	{"user code that is wrong", "GET /activate", "fdeac", "wrong_user_code", asking(func(g *gateway) answer { return g.get("activate?user_code=BBBB-BBBB") })},
	{"user code that is wrong, typed", "POST /activate", "fdeac", "wrong_user_code", asking(func(g *gateway) answer { return g.post("activate", "user_code", "BBBB-BBBB") })},
	{"user denies a device", "POST /activate/decide", "fdecc", "", func(g *gateway) func() answer {
		_, userCode := g.device()
		return func() answer { g.allow(ada(), userCode, "deny"); return answer{} }
	}},
	{"push", "POST /oauth/par", "", "", asking(func(g *gateway) answer { return g.push() })},
	{"push of what is wrong", "POST /oauth/par", "fpar", "invalid_request", asking(func(g *gateway) answer { return g.app("oauth/par", "redirect_uri", "https://evil.example") })},
	{"revocation", "POST /oauth/revoke", "srrt", "", func(g *gateway) func() answer {
		token := g.signIn(ada())
		return func() answer { return g.app("oauth/revoke", "token", token.RefreshToken) }
	}},
	{"revocation of an access token", "POST /oauth/revoke", "sallyport_access_token_revoked", "", func(g *gateway) func() answer {
		token := g.signIn(ada())
		return func() answer { return g.app("oauth/revoke", "token", token.AccessToken) }
	}},
	{"revocation of a JWT", "POST /oauth/revoke", "sallyport_request_refused", "unsupported_token_type", asking(func(g *gateway) answer { return g.app("oauth/revoke", "token", "a.b.c") })},
	{"introspection by a stranger", "POST /oauth/introspect", "sallyport_request_refused", "invalid_client", asking(func(g *gateway) answer {
		return g.post("oauth/introspect", "client_id", "app", "client_secret", "wrong", "token", "t")
	})},
	{"introspection", "POST /oauth/introspect", "", "", asking(func(g *gateway) answer { return g.app("oauth/introspect", "token", "t") })},
	{"userinfo with a token that is wrong", "GET /userinfo", "sallyport_request_refused", "invalid_token", asking(func(g *gateway) answer { return g.get("userinfo", "Authorization", "Bearer wrong") })},
	{"userinfo without a token", "POST /userinfo", "sallyport_request_refused", "invalid_token", asking(func(g *gateway) answer { return g.post("userinfo") })},

	{"sign-in", "GET /login/callback", "s", "", asking(func(g *gateway) answer { g.visit(ada()); return answer{} })},
	{"sign-in that is denied", "GET /login/callback", "f", "access_denied", asking(func(g *gateway) answer {
		g.trigger("user-inactive", simulator.Target{})
		g.visit(ada())
		return answer{}
	})},
	{"sign-in of a user who is blocked", "GET /login/callback", "f", "access_denied", func(g *gateway) func() answer {
		g.signIn(ada())
		g.block()
		return func() answer { g.visit(ada()); return answer{} }
	}},
	{"callback of nobody's", "GET /login/callback", "f", "invalid_request", asking(func(g *gateway) answer { return g.get("login/callback?state=x&code=y") })},
	{"callback of nobody's, of a connection", "GET /login/callback/:connection", "f", "invalid_request", asking(func(g *gateway) answer { return g.get("login/callback/own?state=x&code=y") })},
	{"sign-in by the session", "GET /authorize", "s", "", visiting(authorizePath())},
	{"silent sign-in", "GET /authorize", "ssa", "", visiting(authorizePath("prompt", "none"))},
	{"silent sign-in of nobody", "GET /authorize", "fsa", "login_required", asking(func(g *gateway) answer { return g.get(authorizePath("prompt", "none")(g)) })},
	{"authorization request of nobody's", "POST /authorize", "f", "invalid_request", asking(func(g *gateway) answer { return g.post("authorize", "client_id", "unknown") })},
	{"reconnect", "GET /login/callback", "connected_accounts_connection_succeeded", "", func(g *gateway) func() answer {
		g.same("second")
		p := ada()
		token := g.signIn(p, oauth2.SetAuthURLParam("connection", "salesforce"))
		refused := g.exchange(token.RefreshToken, "connection", "second")
		return func() answer { g.connect(p, simulator.DefaultUsers()[1], refused); return answer{} }
	}},
	{"reconnect by a link that is over", "GET /login/reconnect", "connected_accounts_connection_failed", "invalid_request", asking(func(g *gateway) answer { return g.get("login/reconnect?ticket=unknown") })},
	{"consent", "POST /consent", "sallyport_consent_given", "", func(g *gateway) func() answer {
		g.thirdParty()
		p := ada()
		_, interaction := g.asked(p)
		return func() answer { g.decide(p, interaction, "allow"); return answer{} }
	}},
	{"consent denied", "POST /consent", "sallyport_consent_denied", "access_denied", func(g *gateway) func() answer {
		g.thirdParty()
		p := ada()
		_, interaction := g.asked(p)
		return func() answer { g.decide(p, interaction, "deny"); return answer{} }
	}},
	{"question that is over", "GET /consent", "f", "invalid_request", asking(func(g *gateway) answer { return g.get("consent?interaction=unknown") })},
	{"logout", "GET /oidc/logout", "slo", "", func(g *gateway) func() answer {
		p := ada()
		hint, _ := g.signIn(p).Extra("id_token").(string)
		return func() answer {
			_, _ = p.Visit(g.issuer+"oidc/logout?"+form("id_token_hint", hint, "post_logout_redirect_uri", appURL+"/").Encode(), appURL)
			return answer{}
		}
	}},
	{"logout to where it may not", "GET /oidc/logout", "flo", "invalid_request", asking(func(g *gateway) answer {
		return g.get("oidc/logout?client_id=app&post_logout_redirect_uri=https://evil.example/")
	})},
	{"logout to where it may not, posted", "POST /oidc/logout", "flo", "invalid_request", asking(func(g *gateway) answer {
		return g.post("oidc/logout", "client_id", "app", "post_logout_redirect_uri", "https://evil.example/")
	})},
	{"logout that was confirmed", "POST /oidc/logout/confirm", "slo", "", func(g *gateway) func() answer {
		p := ada()
		g.signIn(p)
		return func() answer {
			resp, err := p.Client.PostForm(g.issuer+"oidc/logout/confirm", form("client_id", "app"))
			if err == nil {
				resp.Body.Close()
			}
			return answer{}
		}
	}},
	{"Auth0's logout", "GET /v2/logout", "slo", "", visiting(func(*gateway) string { return "v2/logout?client_id=app&returnTo=" + url.QueryEscape(appURL+"/") })},
	{"Auth0's logout to where it may not", "GET /v2/logout", "flo", "invalid_request", asking(func(g *gateway) answer { return g.get("v2/logout?client_id=app&returnTo=https://evil.example/") })},

	{"client changed", "PATCH /api/v2/clients/:id", "sapi", "", managing("PATCH", "api/v2/clients/app", `{"name":"New name","app_type":"regular_web"}`)},
	{"client that there is not changed", "PATCH /api/v2/clients/:id", "fapi", "inexistent_client", managing("PATCH", "api/v2/clients/nobody", `{"name":"New name"}`)},
	{"secret rotated", "POST /api/v2/clients/:id/rotate-secret", "sapi", "", managing("POST", "api/v2/clients/app/rotate-secret", ``)},
	{"secret rotated, badly", "POST /api/v2/clients/:id/rotate-secret", "fapi", "invalid_body", managing("POST", "api/v2/clients/app/rotate-secret", `{"x":1}`)},
	{"grants deleted", "DELETE /api/v2/grants", "sapi", "", managing("DELETE", "api/v2/grants?user_id=nobody", ``)},
	{"grant deleted", "DELETE /api/v2/grants/:id", "sapi", "", func(g *gateway) func() answer {
		g.thirdParty()
		g.allowed()
		manager := g.manager()
		id := list(g.t, g.call(manager, "GET", "api/v2/grants", ""))[0]["id"].(string)
		return func() answer { return g.call(manager, "DELETE", "api/v2/grants/"+id, "") }
	}},
	{"grant that there is not deleted", "DELETE /api/v2/grants/:id", "fapi", "inexistent_grant", managing("DELETE", "api/v2/grants/unknown", ``)},
	{"vault rekeyed", "POST /api/v2/keys/vault/rekey", "sapi", "", managing("POST", "api/v2/keys/vault/rekey", `{}`)},
	{"vault rekeyed without a newer root key", "POST /api/v2/keys/vault/rekey", "fapi", "no_newer_root_key", managing("POST", "api/v2/keys/vault/rekey", `{"only_root":true}`)},
	{"keys rotated", "POST /api/v2/keys/signing/rotate", "sapi", "", managing("POST", "api/v2/keys/signing/rotate", `{}`)},
	{"move begun", "POST /api/v2/moves", "sapi", "", managing("POST", "api/v2/moves", `{"to":"elsewhere"}`)},
	{"move of nobody's carried on", "PATCH /api/v2/moves/:id", "", "", managing("PATCH", "api/v2/moves/unknown", `{}`)},
	{"move given up", "DELETE /api/v2/moves", "sapi", "", func(g *gateway) func() answer {
		manager := g.manager()
		g.call(manager, "POST", "api/v2/moves", `{"to":"elsewhere"}`)
		return func() answer { return g.call(manager, "DELETE", "api/v2/moves", "") }
	}},
	{"backup", "GET /api/v2/backup", "mgmt_api_read", "", managing("GET", "api/v2/backup", ``)},
	{"log exported", "GET /api/v2/logs/export", "sallyport_logs_exported", "", managing("GET", "api/v2/logs/export", ``)},
	{"webhook made", "POST /api/v2/webhooks", "sapi", "", managing("POST", "api/v2/webhooks", `{"name":"ops","url":"https://ops.example/"}`)},
	{"webhook made, badly", "POST /api/v2/webhooks", "fapi", "invalid_body", managing("POST", "api/v2/webhooks", `{"name":"ops","url":"http://ops.example/"}`)},
	{"webhook changed", "PATCH /api/v2/webhooks/:name", "sapi", "", hooking("PATCH", "api/v2/webhooks/ops", `{"enabled":false}`)},
	{"webhook's secret rotated", "POST /api/v2/webhooks/:name/rotate-secret", "sapi", "", hooking("POST", "api/v2/webhooks/ops/rotate-secret", ``)},
	{"webhook tried", "POST /api/v2/webhooks/:name/test", "sapi", "", hooking("POST", "api/v2/webhooks/ops/test", ``)},
	{"messages sent again", "POST /api/v2/webhooks/:name/replay", "sapi", "", hooking("POST", "api/v2/webhooks/ops/replay", `{"since":"2026-11-22T00:00:00Z"}`)},
	{"message that there is not sent again", "POST /api/v2/webhooks/:name/replay", "fapi", "inexistent_delivery", hooking("POST", "api/v2/webhooks/ops/replay", `{"message_id":"msg_1"}`)},
	{"webhook deleted", "DELETE /api/v2/webhooks/:name", "sapi", "", hooking("DELETE", "api/v2/webhooks/ops", ``)},
	{"clients read", "GET /api/v2/clients", "", "", managing("GET", "api/v2/clients", ``)},
	{"clients read by a stranger", "GET /api/v2/clients", "fapi", "invalid_token", asking(func(g *gateway) answer { return g.call("", "GET", "api/v2/clients", "") })},
	{"log read by who may not", "GET /api/v2/logs", "fapi", "insufficient_scope", func(g *gateway) func() answer {
		manager := g.manager("read:clients")
		return func() answer { return g.call(manager, "GET", "api/v2/logs", "") }
	}},
	{"user deleted", "DELETE /api/v2/users/:id", "sapi", "", managing("DELETE", "api/v2/users/nobody", ``)},
	{"token set deleted", "DELETE /api/v2/users/:id/federated-connections-tokensets/:tokenset", "sapi", "", func(g *gateway) func() answer {
		list, _ := g.accounts(g.me(ada()), "")
		token := g.manager()
		user := "api/v2/users/salesforce%7C" + simulator.DefaultUsers()[0].ID
		return func() answer {
			return g.call(token, "DELETE", user+"/federated-connections-tokensets/"+list[0].ID, "")
		}
	}},
	{"all accounts disconnected", "POST /api/v2/connections/:id/disconnect", "sapi", "", managing("POST", "api/v2/connections/salesforce/disconnect", `{"all":true}`)},
	{"all accounts of nothing disconnected", "POST /api/v2/connections/:id/disconnect", "fapi", "inexistent_connection", managing("POST", "api/v2/connections/nothing/disconnect", `{"all":true}`)},
	{"account disconnected on the own page", "POST /account/disconnect", "sallyport_account_disconnected", "", onOwnPage("disconnect")},
	{"access taken back on the own page", "POST /account/take-back", "sallyport_consent_withdrawn", "", onOwnPage("take-back")},
	{"signed out on the own page", "POST /account/sign-out", "slo", "", onOwnPage("sign-out")},
	{"sign-in to the own page", "GET /login/callback", "s", "", func(g *gateway) func() answer {
		g.signIn(ada())
		return func() answer { g.own(ada()); return answer{} }
	}},
	{"own account disconnected", "DELETE /me/v1/connected-accounts/accounts/:id", "sallyport_account_disconnected", "", func(g *gateway) func() answer {
		token := g.me(ada())
		list, _ := g.accounts(token, "")
		return func() answer { return g.call(token, "DELETE", "me/v1/connected-accounts/accounts/"+list[0].ID, "") }
	}},
	{"own grant taken back", "DELETE /me/v1/grants/:id", "sallyport_consent_withdrawn", "", func(g *gateway) func() answer {
		g.thirdParty()
		token := g.allowed(oauth2.SetAuthURLParam("audience", g.issuer+"me/"), oauth2.SetAuthURLParam("scope", "openid read:me:grants delete:me:grants"))
		id := list(g.t, g.call(token.AccessToken, "GET", "me/v1/grants", ""))[0]["id"].(string)
		return func() answer { return g.call(token.AccessToken, "DELETE", "me/v1/grants/"+id, "") }
	}},
	{"grants taken back by a stranger", "DELETE /me/v1/grants/:id", "sallyport_request_refused", "invalid_token", asking(func(g *gateway) answer { return g.call("wrong", "DELETE", "me/v1/grants/x", "") })},
}

func managing(method, path, body string) func(*gateway) func() answer {
	return func(g *gateway) func() answer {
		manager := g.manager()
		return func() answer { return g.call(manager, method, path, body) }
	}
}
