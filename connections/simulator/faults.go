package simulator

import (
	"slices"
	"time"
)

// Faults are all faults that have names, in the order of the documentation.
func Faults() []Fault {
	return slices.Concat(refreshFaults, grantFaults, appFaults, userFaults, answerFaults, hostFaults, tokenFaults, apiFaults)
}

// refreshFaults happen around a refresh.
var refreshFaults = []Fault{
	{Name: "refresh-held", Takes: "endpoint, times, for", Does: "a refresh waits half-way, for 5 seconds; others of the same token are refused meanwhile",
		do: onRequests("token:refresh_token", func(s *Salesforce, endpoint string, t Target) {
			s.holdFor(endpoint, orElse(t.For, 5*time.Second))
		})},
	{Name: "response-lost", Takes: "endpoint, times", Does: "a refresh is done, and the connection breaks before the answer",
		do: onRequests("token:refresh_token", func(s *Salesforce, endpoint string, _ Target) { s.Lose(endpoint) })},
	{Name: "token-used-elsewhere", Takes: "user", Does: "somebody else uses the refresh tokens: the next use here is a replay, which ends all of the grant", Late: true,
		do: onUsers((*Salesforce).UseElsewhere)},
	{Name: "busy-in-old-words", Takes: "org", Lasts: true, Does: "a refresh while another is under way is refused with \"expired authorization code\"",
		do: onOrgs(func(o *Org, _ Target, on bool) { o.LegacyBusy = on })},
	{Name: "refresh-expired", Takes: "app", Lasts: true, Does: "refresh token policy: immediately expire",
		do: onApps(func(_ *Salesforce, a *App, _ Target, on bool) { a.RefreshAtOnce = on })},
	{Name: "refresh-unused", Takes: "app, for", Lasts: true, Does: "refresh token policy: expire if not used for 30 days",
		do: onApps(func(_ *Salesforce, a *App, t Target, on bool) {
			a.RefreshUnused = onlyIf(on, orElse(t.For, 30*24*time.Hour))
		})},
	{Name: "refresh-lifetime", Takes: "app, for", Lasts: true, Does: "refresh token policy: expire a day after the authorization",
		do: onApps(func(_ *Salesforce, a *App, t Target, on bool) {
			a.RefreshLifetime = onlyIf(on, orElse(t.For, 24*time.Hour))
		})},
}

// grantFaults end what was granted.
var grantFaults = []Fault{
	{Name: "approvals-evicted", Takes: "user", Does: "five more approvals elsewhere evict what was granted before", Late: true,
		do: onUsers((*Salesforce).ApproveElsewhere)},
	{Name: "user-revoked", Takes: "user", Does: "an administrator revokes all that the user has approved", Late: true,
		do: onUsers((*Salesforce).RevokeUser)},
	{Name: "app-revoked", Takes: "app", Does: "an administrator revokes all that users have approved to the app", Late: true,
		do: func(s *Salesforce, t Target, _ bool) {
			for _, key := range s.consumerKeys(t.App) {
				s.RevokeApp(key)
			}
		}},
	{Name: "all-revoked", Does: "an administrator revokes everything", Late: true,
		do: func(s *Salesforce, _ Target, _ bool) { s.RevokeAll() }},
	{Name: "shared-token-revoked", Takes: "user", Does: "the user's last grant is revoked, and with it the access token that older grants share", Late: true,
		do: onUsers((*Salesforce).RevokeNewest)},
	{Name: "sessions-ended", Does: "every access token ends before its time; refresh tokens stay", Late: true,
		do: func(s *Salesforce, _ Target, _ bool) { s.ExpireSessions() }},
	{Name: "sandbox-refreshed", Takes: "org", Does: "a sandbox is copied anew: its ID is another, and all tokens in it end", Late: true,
		do: func(s *Salesforce, t Target, _ bool) {
			for _, o := range s.orgs() {
				if o.Sandbox && (t.Org == "" || o.MyDomain == t.Org) || t.Org != "" && o.MyDomain == t.Org {
					s.RefreshSandbox(o.MyDomain)
				}
			}
		}},
}

// appFaults are of an app and its settings.
var appFaults = []Fault{
	{Name: "secret-applied", Takes: "app", Does: "the app's secret is applied anew: its tokens end, and for 10 minutes every other request is refused with invalid_client", Late: true,
		do: func(s *Salesforce, t Target, _ bool) {
			for _, key := range s.consumerKeys(t.App) {
				s.ApplySecret(key, "")
			}
		}},
	{Name: "app-not-known-yet", Takes: "app, for", Lasts: true, Does: "the app is new, and invalid_client_id for 10 minutes",
		do: onApps(func(s *Salesforce, a *App, t Target, on bool) {
			a.KnownFrom = time.Time{}
			if on {
				a.KnownFrom = s.now().Add(orElse(t.For, 10*time.Minute))
			}
		})},
	{Name: "app-blocked", Takes: "app", Lasts: true, Does: "an administrator blocks the app",
		do: onApps(func(_ *Salesforce, a *App, _ Target, on bool) { a.Blocked = on })},
	{Name: "app-uninstalled", Takes: "app", Lasts: true, Does: "no org has the app installed any more",
		do: onApps(func(_ *Salesforce, a *App, _ Target, on bool) {
			a.InstalledIn = nil
			if on {
				a.InstalledIn = []string{}
			}
		})},
	{Name: "scopes-withheld", Takes: "app", Lasts: true, Does: "refresh_token is not granted, though asked for",
		do: onApps(func(_ *Salesforce, a *App, _ Target, on bool) {
			a.Withheld = nil
			if on {
				a.Withheld = slices.Clone(synonyms[1])
			}
		})},
	{Name: "assertions-once", Takes: "org", Lasts: true, Does: "an assertion that brought a token is refused when it comes again",
		do: onOrgs(func(o *Org, _ Target, on bool) { o.OnceAssertions = on })},
	{Name: "dpop-nonce", Takes: "app", Lasts: true, Does: "token requests are refused with use_dpop_nonce, unless they prove possession of a key with the nonce they are told",
		do: func(s *Salesforce, t Target, on bool) {
			s.RenewNonce()
			s.changeApps(t.App, func(a *App) { a.DPoP = on })
		}},
}

// userFaults keep users out.
var userFaults = []Fault{
	{Name: "user-inactive", Takes: "user", Lasts: true, Does: "the user is frozen: inactive_user",
		do: func(s *Salesforce, t Target, on bool) {
			s.changeUsers(t.User, func(u *User) { u.Inactive = on })
		}},
	{Name: "org-suspended", Takes: "org", Lasts: true, Does: "the org is suspended: inactive_org",
		do: onOrgs(func(o *Org, _ Target, on bool) { o.Suspended = on })},
	{Name: "ip-restricted", Takes: "user", Lasts: true, Does: "the user comes from an address, or at an hour, that is not allowed",
		do: func(s *Salesforce, t Target, on bool) {
			s.changeUsers(t.User, func(u *User) { u.Restricted = on })
		}},
	{Name: "login-rate", Takes: "user", Does: "the user's 3600 logins of this hour are used up",
		do: onUsers((*Salesforce).ExhaustLogins)},
}

// orElse is d, or what it is if nobody said.
func orElse(d, usual time.Duration) time.Duration {
	if d == 0 {
		return usual
	}
	return d
}

func onlyIf(on bool, d time.Duration) time.Duration {
	if on {
		return d
	}
	return 0
}
