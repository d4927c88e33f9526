package api

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"
)

// ExplainRequest asks whether a client would get an access token.
type ExplainRequest struct {
	Connection string
	Client     string
	User       string // "" if the client asks in its own name
	LoginHint  string
	Scopes     []string
	Address    netip.Addr // that it would ask from
}

// Explanation is what came of the rules, in their order, up to the one that
// denied it. None is told that comes after.
type Explanation struct {
	Allowed       bool            `json:"allowed"`
	Reason        string          `json:"reason,omitempty"` // of the exchange that would be refused
	MissingScopes []string        `json:"missing_scopes,omitempty"`
	Rules         []ExplainedRule `json:"rules"`
}

// ExplainedRule is what came of one rule.
type ExplainedRule struct {
	Rule   string `json:"rule"`
	Passed bool   `json:"passed"`
	Why    string `json:"why"`
}

// explain answers whether an exchange would be granted.
func (a *API) explain(c echo.Context, _ Caller) error {
	q := ExplainRequest{Connection: parameter(c, "id"), Client: c.QueryParam("client_id"), User: c.QueryParam("user_id"),
		LoginHint: c.QueryParam("login_hint"), Scopes: strings.Fields(c.QueryParam("scope"))}
	if q.Client == "" {
		return invalidQuery("client_id is missing: say for which application.")
	}
	if address := c.QueryParam("address"); address != "" {
		var err error
		if q.Address, err = netip.ParseAddr(address); err != nil {
			return invalidQuery("address should be an IP address.")
		}
	}
	answer, err := a.Explain(c.Request().Context(), q)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, answer)
}

func invalidQuery(problem string) *Problem {
	return &Problem{Status: http.StatusBadRequest, Code: "invalid_query_string", Message: "Query validation error: " + problem}
}
