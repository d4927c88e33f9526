package interop

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// person has a browser, and an account at the simulated Salesforce.
type person struct {
	username, password string
	browser            *http.Client
	visited            []string // URLs without their queries
}

func ada(t *testing.T) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &person{username: "ada@example.com", password: "engine-of-1843", browser: &http.Client{
		Jar:           jar,
		Transport:     &http.Transport{DisableKeepAlives: true}, // the gateway may be another process by the next request
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// visit opens a URL, logs in and allows where Salesforce asks for it, and
// returns the URL beginning with stop that the browser is sent to in the end.
func (p *person) visit(address, stop string) (*url.URL, error) {
	var form url.Values
	for range 20 {
		at, err := url.Parse(address)
		if err != nil || strings.HasPrefix(address, stop) {
			return at, err
		}
		p.visited = append(p.visited, at.Scheme+"://"+at.Host+at.Path)
		req, err := http.NewRequest(http.MethodGet, address, nil)
		if form != nil {
			req, err = http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
		}
		if err != nil {
			return nil, err
		}
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		resp, err := p.browser.Do(req)
		if err != nil {
			return nil, err
		}
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return nil, err
		}
		next, err := resp.Location()
		if form = nil; err != nil {
			next, form = p.fill(at, string(page))
		}
		if next == nil {
			return nil, fmt.Errorf("came to a page without a way on, %s, status %d:\n%s", address, resp.StatusCode, page)
		}
		address = next.String()
	}
	return nil, fmt.Errorf("no end to it: %v", p.visited)
}

var (
	formTag  = regexp.MustCompile(`<form method="post" action="([^"]+)"`)
	inputTag = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
)

// fill fills in the form of a page, if it is one that a person would.
func (p *person) fill(at *url.URL, page string) (*url.URL, url.Values) {
	tag := formTag.FindStringSubmatch(page)
	if tag == nil {
		return nil, nil
	}
	action, err := at.Parse(html.UnescapeString(tag[1]))
	if err != nil {
		return nil, nil
	}
	form := url.Values{}
	for _, input := range inputTag.FindAllStringSubmatch(page, -1) {
		form.Set(input[1], html.UnescapeString(input[2]))
	}
	switch {
	case strings.HasSuffix(action.Path, "/sim/login"):
		form.Set("username", p.username)
		form.Set("password", p.password)
	case strings.HasSuffix(action.Path, "/sim/consent"):
		form.Set("decision", "allow")
	default:
		return nil, nil
	}
	return action, form
}
