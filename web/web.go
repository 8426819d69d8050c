// Package web serves the pages: the application that Vite builds from src,
// embedded in the binary, and the headers that keep it to itself.
//
// It refuses to answer an API, to keep anything of a reader, and to let a page
// load from any other host.
//
// Start with [Handler]; the application begins in src/main.ts.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// all: takes dist/.gitkeep too, so that a clone without Node compiles.
//
//go:embed all:dist
var embedded embed.FS

// policy is the Content-Security-Policy of every answer: scripts, styles and
// connections of this origin only, nothing inline, no frames around the page.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
	"img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// types holds the Content-Type of each extension that a build leaves, so that
// no answer depends on the MIME tables of the machine.
var types = map[string]string{
	".css":   "text/css; charset=utf-8",
	".html":  "text/html; charset=utf-8",
	".ico":   "image/x-icon",
	".js":    "text/javascript; charset=utf-8",
	".json":  "application/json",
	".map":   "application/json",
	".mjs":   "text/javascript; charset=utf-8",
	".png":   "image/png",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".wasm":  "application/wasm",
	".woff2": "font/woff2",
}

// unbuilt is served in place of index.html where there is none.
const unbuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Samovar</title>
<h1>Samovar</h1>
<p>The pages are not part of this binary, because it was built without Node: run
<code>npm ci &amp;&amp; npm run build</code> in the folder <code>web</code> and build again; the APIs work all the
same, see <a href="v1/models">/v1/models</a>.</p>
</html>
`

// Built reports whether the binary holds the pages.
func Built() bool {
	_, err := fs.Stat(embedded, "dist/index.html")
	return err == nil
}

// Handler serves the pages in dist, the folder that Vite wrote: os.DirFS of it
// while the pages are being worked on, or nil for the embedded ones. It
// answers GET and HEAD; what it does not know is 404, and / without an
// index.html says how to build one.
func Handler(dist fs.FS) http.Handler {
	if dist == nil {
		sub, err := fs.Sub(embedded, "dist")
		if err != nil { // only for an invalid path, and this one is constant
			panic(err)
		}
		dist = sub
	}
	return pages{dist}
}

type pages struct{ dist fs.FS }

func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "a page can only be read", http.StatusMethodNotAllowed)
		return
	}
	name, ok := fileName(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	content, err := fs.ReadFile(p.dist, name)
	switch {
	case err == nil:
	case name == "index.html" && errors.Is(err, fs.ErrNotExist):
		content = []byte(unbuilt)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
		http.NotFound(w, r)
		return
	default: // such as a folder
		if info, statErr := fs.Stat(p.dist, name); statErr == nil && info.IsDir() {
			http.NotFound(w, r)
			return
		}
		http.Error(w, "the page could not be read", http.StatusInternalServerError)
		return
	}
	serve(w, r, name, content)
}

// fileName maps the path of a URL to a file of dist; hidden files are not
// served.
func fileName(urlPath string) (string, bool) {
	name := strings.TrimPrefix(path.Clean("/"+urlPath), "/")
	if name == "" {
		return "index.html", true
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return "", false
		}
	}
	return name, fs.ValidPath(name)
}

// serve writes content with its type. What lies under assets carries a hash of
// its content in its name and never changes; everything else is asked for
// again each time, which its tag makes cheap.
func serve(w http.ResponseWriter, r *http.Request, name string, content []byte) {
	h := w.Header()
	mediaType, ok := types[path.Ext(name)]
	if !ok {
		mediaType = "application/octet-stream"
	}
	h.Set("Content-Type", mediaType)
	if strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	sum := sha256.Sum256(content)
	h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
