// Package static holds what the pages need beside their HTML: the stylesheet, the icon, and the
// scripts of the two pages that have one.
//
// A file is served under a URL that carries a hash of its content, /static/app.<hash>.css, so that
// a browser may keep it for ever: a changed file has another URL. A page that was loaded before an
// upgrade may still ask for the hash of yesterday; it gets today's file, not to be kept.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed *.css *.js *.svg
var embedded embed.FS

// prefix begins every URL of this package.
const prefix = "/static/"

// hashLength of the hash in a URL, in hexadecimal digits.
const hashLength = 12

// types of the files, by extension: the host's table of media types is not asked, since a minimal
// container has none.
var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
	".js":  "text/javascript; charset=utf-8",
}

type file struct {
	content     []byte
	contentType string
	hash        string
}

var files = read()

func read() map[string]file {
	entries, err := embedded.ReadDir(".")
	if err != nil {
		panic(err)
	}
	files := make(map[string]file, len(entries))
	for _, entry := range entries {
		content, err := embedded.ReadFile(entry.Name())
		if err != nil {
			panic(err)
		}
		contentType, ok := types[path.Ext(entry.Name())]
		if !ok {
			panic("static: no content type for " + entry.Name())
		}
		sum := sha256.Sum256(content)
		files[entry.Name()] = file{content, contentType, hex.EncodeToString(sum[:])[:hashLength]}
	}
	return files
}

// URL is the path of a file, such as "/static/app.0123456789ab.css" for "app.css". It panics when
// there is no such file: names are written in templates, not sent by anyone.
func URL(name string) string {
	f, ok := files[name]
	if !ok {
		panic("static: no file " + name)
	}
	ext := path.Ext(name)
	return prefix + strings.TrimSuffix(name, ext) + "." + f.hash + ext
}

// Handler serves the files under the paths that [URL] gives, and also under a hash that is not, or
// no longer, that of the file, and under the bare name; these two are not to be kept.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		asked, ok := strings.CutPrefix(r.URL.Path, prefix)
		name, hash := split(asked)
		f, found := files[name]
		if !ok || !found {
			http.NotFound(w, r)
			return
		}
		header := w.Header()
		header.Set("Cache-Control", "no-cache")
		if hash == f.hash {
			header.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		header.Set("Content-Type", f.contentType)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("ETag", `"`+f.hash+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
	})
}

// split takes the hash out of a file name: "app.0123456789ab.css" is "app.css" and the hash.
func split(asked string) (name, hash string) {
	ext := path.Ext(asked)
	stem, hash, ok := cutLast(strings.TrimSuffix(asked, ext), ".")
	if !ok || len(hash) != hashLength || strings.Trim(hash, "0123456789abcdef") != "" {
		return asked, ""
	}
	return stem + ext, hash
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
