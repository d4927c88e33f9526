package server

import (
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"sallyport/server/admin"
	"sallyport/templates"
	"sallyport/vault"
)

// frame is what is around the pages that a request leads to.
type frame struct {
	client  vault.Client
	locales []string // that the user prefers, as the client says
}

// showAs has the pages that a request leads to look as a client's, in a language
// that it asked for: see [templates.Speak]. It is for a client that the request is
// surely of, or that its user is asked about: who merely names one does not get its
// look.
func showAs(c echo.Context, client vault.Client, uiLocales []string) {
	c.Set(frameKey, frame{client, uiLocales})
}

const frameKey = "frame"

func frameOf(c echo.Context) frame {
	f, ok := c.Get(frameKey).(frame)
	if !ok {
		f.locales = strings.Fields(c.QueryParam("ui_locales"))
	}
	return f
}

// languageOf is the language of the pages that a request leads to.
func languageOf(c echo.Context) *templates.Language {
	return templates.Speak(frameOf(c).locales, c.Request().Header.Get("Accept-Language"))
}

// page answers with a page, as it looks to users: as the application's, where there
// is one. In the console it is the gateway's own, and in English.
func (s *Server) page(c echo.Context, status int, name string, data any) error {
	look, language := templates.Brand{}, templates.English
	if !ofConsole(c.Request().URL) {
		look, language = s.lookOf(frameOf(c).client).Brand, languageOf(c)
	}
	var b strings.Builder
	if err := look.Render(&b, language, name, data); err != nil {
		return err
	}
	return c.HTML(status, b.String())
}

// ofConsole reports whether a request is an administrator's: to the console, or on
// the way back to it.
func ofConsole(u *url.URL) bool {
	return u.Path == admin.Path || strings.HasPrefix(u.Path, admin.Path+"/") ||
		strings.HasPrefix(u.Path, "/login/callback") && strings.HasPrefix(u.Query().Get("state"), consoleState)
}

// allowForm lets the form of this page lead to a client's URL: browsers hold the
// redirects that answer a form to the page's policy too, the client's own among
// them, wherever they go.
func allowForm(c echo.Context, uri string) {
	targets := "form-action 'self' https: http:"
	if u, err := url.Parse(uri); err == nil && u.Scheme != "" && u.Scheme != "https" && u.Scheme != "http" {
		targets += " " + u.Scheme + ":"
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "form-action 'self'", targets, 1))
}
