package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"sallyport/server/admin"
	"sallyport/vault"
)

const (
	pageGoal  = 50 // milliseconds
	pageTimes = 20 // that each is opened, by one administrator, one after another
)

// invite makes a link for an administrator, and leaves it in a file.
func (g *gateway) invite(file string) error {
	link, err := admin.Invite(context.Background(), g.vault, g.issuer, vault.AdminInvite{Role: vault.Owner, By: "bench"}, vault.Event{})
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(link), 0o600)
}

// console is a browser that an administrator is signed in with.
type console struct {
	browser http.Client
	at      string // URL of the gateway
}

var (
	sharedSecret = regexp.MustCompile(`<code>([A-Z2-7]{32})</code>`)
	linkToEvent  = regexp.MustCompile(`/admin/events/[0-9A-Z]{30,}`)
)

// signInToConsole takes an invitation up, with a password and one-time passwords.
func signInToConsole(gateway *child) (*console, error) {
	f, err := os.CreateTemp("", "sallyport-bench-invitation-")
	if err != nil {
		return nil, err
	}
	f.Close()
	defer os.Remove(f.Name())
	if _, err := gateway.ask("invite " + f.Name()); err != nil {
		return nil, err
	}
	link, err := os.ReadFile(f.Name())
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	c := &console{http.Client{Jar: jar}, "http://" + gateway.address}
	if _, err := c.browser.Get(string(link)); err != nil {
		return nil, err
	}
	page, err := c.post("/admin/welcome", url.Values{"name": {"bench"}, "password": {benchSecret}, "again": {benchSecret}})
	if err != nil {
		return nil, err
	}
	found := sharedSecret.FindStringSubmatch(page)
	if found == nil {
		return nil, errors.New("the console's welcome shows no secret of one-time passwords")
	}
	code, err := totp.GenerateCode(found[1], time.Now())
	if err != nil {
		return nil, err
	}
	_, err = c.post("/admin/welcome/confirm", url.Values{"code": {code}})
	return c, err
}

func (c *console) post(path string, form url.Values) (string, error) {
	req, err := http.NewRequest(http.MethodPost, c.at+path, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", c.at)
	return answered(c.browser.Do(req))
}

func answered(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d", resp.Request.URL.Path, resp.StatusCode)
	}
	return string(b), err
}

// consolePages prints how long the console's pages take until the last byte is
// there: of the events that the operations left, and of the accounts.
func consolePages(gateway *child, accounts int) error {
	c, err := signInToConsole(gateway)
	if err != nil {
		return fmt.Errorf("the console: %w", err)
	}
	list, err := answered(c.browser.Get(c.at + "/admin/events"))
	if err != nil {
		return err
	}
	user := "/admin/users/" + url.PathEscape(userID(accounts/2))
	fmt.Printf("%-36s %9s %8s %9s\n", "pages of the console", "median ms", "(goal)", "slowest")
	for _, page := range []struct{ name, path string }{
		{"dashboard", "/admin"},
		{"users", "/admin/users"},
		{"users, by an address", "/admin/users?q=" + url.QueryEscape(profileOf(accounts/2).Email)},
		{"users, who is not there", "/admin/users?q=nobody@example.com"},
		{"a user", user},
		{"an account", user + "/accounts/cac_" + accountID(accounts/2)},
		{"accounts, those that are well", "/admin/accounts?state=healthy"},
		{"connections", "/admin/connections"},
		{"a connection", "/admin/connections/" + lasting},
		{"applications", "/admin/clients"},
		{"an application", "/admin/clients/" + clientES256},
		{"policy", "/admin/policy?" + url.Values{"ask": {"1"}, "user": {userID(accounts / 2)}, "client": {clientES256}, "connection": {lasting}}.Encode()},
		{"events", "/admin/events"},
		{"events that failed", "/admin/events?outcome=failed"},
		{"events of a user", "/admin/events?user=" + url.QueryEscape(userID(accounts/2))},
		{"events, a correlation ID not there", "/admin/events?correlation=AAAAAAAAAAAAAAAA"},
		{"an event", linkToEvent.FindString(list)},
		{"audit", "/admin/audit"},
		{"keys", "/admin/keys"},
		{"settings", "/admin/settings"},
	} {
		var took []time.Duration
		for range pageTimes {
			began := time.Now()
			if _, err := answered(c.browser.Get(c.at + page.path)); err != nil {
				return fmt.Errorf("%s: %w", page.name, err)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		fmt.Printf("%-36s %9.1f %8s %9.1f\n", page.name, milliseconds(took[pageTimes/2]), bracketed("%.0f", pageGoal), milliseconds(took[pageTimes-1]))
	}
	fmt.Println()
	return nil
}
