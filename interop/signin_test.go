package interop

import (
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func TestStrangerSignsInAndCallsSalesforce(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	p := ada(t)
	token := g.signIn(p)
	if !token.Valid() || token.RefreshToken == "" {
		t.Fatalf("token type %q, expiry %v", token.TokenType, token.Expiry)
	}

	raw, _ := token.Extra("id_token").(string)
	id, err := g.provider.VerifierContext(g.context(), &oidc.Config{ClientID: clientID}).Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Name, Email string }
	if err := id.Claims(&claims); err != nil || !strings.HasPrefix(id.Subject, "salesforce|005") || id.Nonce != nonce ||
		claims.Email != "ada@example.com" || claims.Name != "Ada Lovelace" {
		t.Errorf("ID token of %s: %+v, %v", id.Subject, claims, err)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		t.Error(err)
	}
	info, err := g.provider.UserInfo(g.context(), oauth2.StaticTokenSource(token))
	if err != nil || info.Subject != id.Subject || info.Email != claims.Email || !info.EmailVerified {
		t.Errorf("userinfo %+v, %v", info, err)
	}

	for name, l := range map[string]lent{
		"Auth0's shape, refresh token": g.mustExchange(token.RefreshToken),
		"Auth0's shape, access token":  g.mustExchange(token.AccessToken, "subject_token_type", accessType),
		"RFC 8693": g.mustExchange(token.RefreshToken, "grant_type", exchangeGrant, "requested_token_type", accessType,
			"audience", "salesforce", "connection", ""),
	} {
		want := federatedType
		if name == "RFC 8693" {
			want = accessType
		}
		if l.IssuedTokenType != want || l.TokenType != "Bearer" || l.ExpiresIn <= 0 || !strings.Contains(l.Scope, "api") ||
			l.Account == "" || l.RefreshToken != "" {
			t.Errorf("%s: %+v", name, l)
		}
		if accounts := g.accounts(l); !slices.Contains(accounts, "Difference Loom Works") {
			t.Errorf("%s: Salesforce knows the accounts %v", name, accounts)
		}
	}

	again, err := g.refresh(token.RefreshToken)
	if err != nil || again.RefreshToken == token.RefreshToken || again.AccessToken == token.AccessToken || again.Extra("id_token") == nil {
		t.Fatalf("refresh: %+v, %v", again, err)
	}
	g.accounts(g.mustExchange(again.RefreshToken))
	if l, err := g.exchange(token.RefreshToken); err != nil || l.Error == "" {
		t.Errorf("the refresh token before is still good: %+v, %v", l, err)
	}
}

func TestSignedInBrowserNeedsNoDetour(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	p := ada(t)
	if answer := g.authorize(p, promptNone); answer.Get("error") != "login_required" {
		t.Errorf("before the sign-in: %v", answer)
	}
	g.signIn(p)
	p.visited = nil
	if answer := g.authorize(p, promptNone); answer.Get("code") == "" || len(p.visited) != 1 {
		t.Errorf("after the sign-in: %v, by way of %v", answer, p.visited)
	}
}

func TestRejectedTokenBringsAnother(t *testing.T) {
	t.Parallel()
	g := newGateway(t, nil)
	token := g.signIn(ada(t))
	first := g.mustExchange(token.RefreshToken)
	resp, err := g.http.Get(first.InstanceURL + "/services/oauth2/revoke?token=" + first.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if same := g.mustExchange(token.RefreshToken); same.AccessToken != first.AccessToken {
		t.Fatal("the gateway cannot know, and gives another token all the same")
	}
	second := g.mustExchange(token.RefreshToken, "rejected_token", first.AccessToken)
	if second.AccessToken == first.AccessToken {
		t.Error("the rejected token came back")
	}
	g.accounts(second)
}
