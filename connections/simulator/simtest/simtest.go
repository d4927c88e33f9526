// Package simtest has a person with a browser, who signs in at the simulated
// Salesforce: for tests and measurements of what lies around it.
package simtest

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Person is somebody with a browser of their own, who logs in when asked to and
// allows what they are asked.
type Person struct {
	Username, Password string
	Client             *http.Client // keeps cookies, and follows no redirect by itself
	Visited            []string     // URLs, without their queries, in order
}

// NewPerson returns a person whose browser is empty.
func NewPerson(username, password string) *Person {
	jar, _ := cookiejar.New(nil) // fails for no options
	return &Person{Username: username, Password: password, Client: &http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Page is where a person ended up.
type Page struct {
	URL    *url.URL
	Status int // 0 if it was not loaded
	Body   string
}

var (
	action = regexp.MustCompile(`<form method="post" action="([^"]*/sim/[a-z]+)"`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// Visit opens a URL and follows where it leads, through the pages of the
// simulated Salesforce, until it gets to a page that is not one of those, or to
// a URL that begins with stop, which is not loaded. An empty stop stops nowhere.
func (p *Person) Visit(address, stop string) (Page, error) {
	method, form := http.MethodGet, url.Values(nil)
	for range 30 {
		at, err := url.Parse(address)
		if err != nil {
			return Page{}, err
		}
		if stop != "" && strings.HasPrefix(address, stop) {
			return Page{URL: at}, nil
		}
		p.Visited = append(p.Visited, at.Scheme+"://"+at.Host+at.Path)
		req, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
		if err != nil {
			return Page{}, err
		}
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		resp, err := p.Client.Do(req)
		if err != nil {
			return Page{}, err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return Page{}, err
		}
		page := Page{at, resp.StatusCode, string(body)}
		if location, err := resp.Location(); err == nil {
			address, method, form = location.String(), http.MethodGet, nil
			continue
		}
		next := action.FindStringSubmatch(page.Body)
		if next == nil || resp.StatusCode != http.StatusOK {
			return page, nil
		}
		form = p.fill(page.Body, next[1])
		address, method = at.Scheme+"://"+at.Host+next[1], http.MethodPost
	}
	return Page{}, fmt.Errorf("simtest: no end to the redirects after %s", strings.Join(p.Visited, ", "))
}

// fill fills in a form of the simulated Salesforce.
func (p *Person) fill(body, action string) url.Values {
	form := url.Values{}
	for _, field := range hidden.FindAllStringSubmatch(body, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	switch path.Base(action) {
	case "login":
		form.Set("username", p.Username)
		form.Set("password", p.Password)
	case "consent":
		form.Set("decision", "allow")
	}
	return form
}
