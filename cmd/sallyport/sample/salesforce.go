package sample

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// salesforceToken is the gateway's answer to the exchange.
type salesforceToken struct {
	AccessToken string `json:"access_token"`
	Scope       string `json:"scope"`
	ExpiresIn   int    `json:"expires_in"`   // seconds
	InstanceURL string `json:"instance_url"` // where the user's org answers
}

// Minutes that the token is still good for.
func (t *salesforceToken) Minutes() int { return t.ExpiresIn / 60 }

// account of the user's company in Salesforce: a customer, not a sign-in.
type account struct{ ID, Name, Industry, Phone string }

const query = "SELECT Id, Name, Industry, Phone FROM Account ORDER BY Name"

// errRejected tells that Salesforce no longer takes the access token.
var errRejected = errors.New("Salesforce rejected the access token")

// exchange gives the application's refresh token and gets an access token for Salesforce (the Token
// Vault grant). The refresh token stays as it is: only a refresh grant may replace it. A token that
// Salesforce has refused is named in rejected, which is otherwise empty.
func (a *App) exchange(ctx context.Context, refreshToken, rejected string) (*salesforceToken, error) {
	form := url.Values{
		"grant_type":           {"urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"},
		"client_id":            {a.ClientID},
		"client_secret":        {a.ClientSecret},
		"subject_token_type":   {"urn:ietf:params:oauth:token-type:refresh_token"},
		"subject_token":        {refreshToken},
		"requested_token_type": {"http://auth0.com/oauth/token-type/federated-connection-access-token"},
		"connection":           {a.Connection},
	}
	if rejected != "" {
		form.Set("rejected_token", rejected)
	}
	req, err := http.NewRequestWithContext(ctx, "POST", a.Issuer+"oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body, err := a.do(req)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, refusal(status, body)
	}
	var token salesforceToken
	if err := json.Unmarshal(body, &token); err != nil {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	return &token, nil
}

// refusal reads the gateway's error: an OAuth error with more that a program can act on.
func refusal(status int, body []byte) error {
	var e struct {
		Error         string `json:"error"`
		Description   string `json:"error_description"`
		Reason        string `json:"reason"`
		ReasonClass   string `json:"reason_class"`
		ReconnectURI  string `json:"reconnect_uri"`
		CorrelationID string `json:"correlation_id"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return fmt.Errorf("exchange: status %d: %w", status, err)
	}
	p := &problem{Status: http.StatusBadGateway, Cause: cmp.Or(e.Description, "The gateway gave no token for Salesforce."),
		Code: cmp.Or(e.Reason, e.Error), Reconnect: e.ReconnectURI, Reference: e.CorrelationID}
	switch e.ReasonClass {
	case "user":
		p.Status, p.Fix = http.StatusForbidden, "Connect your Salesforce account again; nothing else is lost."
	case "operator":
		p.Fix = "Trying again does not help: whoever runs the gateway has to change a setting."
	case "retry":
		p.Status, p.Fix = http.StatusServiceUnavailable, "It is likely to pass: try again in a moment."
	default:
		p.Fix = "Sign out and in again."
	}
	return p
}

// query reads the accounts that the user may see.
func (a *App) query(ctx context.Context, token *salesforceToken) ([]account, error) {
	address := token.InstanceURL + "/services/data/v62.0/query?" + url.Values{"q": {query}}.Encode()
	req, err := http.NewRequestWithContext(ctx, "GET", address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	status, body, err := a.do(req)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusUnauthorized:
		return nil, errRejected
	case status != http.StatusOK:
		var errs []struct{ Message, ErrorCode string }
		if json.Unmarshal(body, &errs) != nil || len(errs) == 0 {
			return nil, fmt.Errorf("query: status %d", status)
		}
		return nil, &problem{Status: http.StatusBadGateway, Cause: "Salesforce says: " + errs[0].Message,
			Fix: "Ask an administrator of the Salesforce org.", Code: errs[0].ErrorCode}
	}
	var answer struct{ Records []account }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	return answer.Records, nil
}

// do sends a request and reads the answer, of a megabyte at most.
func (a *App) do(req *http.Request) (status int, body []byte, err error) {
	resp, err := a.client().Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, body, err
}

func (a *App) client() *http.Client { return cmp.Or(a.HTTP, http.DefaultClient) }
