package server

import (
	"net/http"

	"sallyport/server/oidc"
	"sallyport/templates"
)

// told is an error that users are told of in their language, by words of the
// catalogues; its description is what they say in English.
func told(words string, code oidc.Code, status int) *oidc.Error {
	return &oidc.Error{Code: code, HTTPStatus: status, Words: words, Description: templates.English.Say(words + ".message")}
}

// problemOf is the page of an error. What the catalogues have no words for is for
// whoever runs the application, and stays in English, below what its user can do.
func problemOf(a *oidc.Error) templates.Problem {
	if a.Words != "" {
		return templates.Problem{Words: a.Words, Code: string(a.Code)}
	}
	return templates.Problem{Words: wordsOf(a.Status()), Detail: a.Description, Code: string(a.Code)}
}

// wordsOf are what there is to say of a status.
func wordsOf(status int) string {
	switch {
	case status == http.StatusNotFound:
		return "problem.not-found"
	case status == http.StatusTooManyRequests:
		return "problem.too-many"
	case status == http.StatusServiceUnavailable:
		return "problem.unavailable"
	case status >= 500:
		return "problem.upstream"
	case status == http.StatusForbidden:
		return "problem.not-allowed"
	}
	return "problem.refused"
}
