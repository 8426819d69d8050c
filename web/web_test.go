package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func built() fstest.MapFS {
	return fstest.MapFS{
		".gitkeep":            {},
		"index.html":          {Data: []byte("<!doctype html><title>page</title>")},
		"favicon.svg":         {Data: []byte("<svg/>")},
		"assets/main-1a2b.js": {Data: []byte("export {}")},
		"assets/main-1a2b.css": {
			Data: []byte("a{}"),
		},
		"assets/kiosk-3c.wasm": {Data: []byte("\x00asm")},
		"assets/odd-4d.xyz":    {Data: []byte("?")},
	}
}

func get(t *testing.T, h http.Handler, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestFiles(t *testing.T) {
	const forever = "public, max-age=31536000, immutable"
	for _, c := range []struct {
		method, path string
		status       int
		kind, cache  string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/index.html", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/favicon.svg", 200, "image/svg+xml", "no-cache"},
		{"GET", "/assets/main-1a2b.js", 200, "text/javascript; charset=utf-8", forever},
		{"GET", "/assets/main-1a2b.css", 200, "text/css; charset=utf-8", forever},
		{"GET", "/assets/kiosk-3c.wasm", 200, "application/wasm", forever},
		{"GET", "/assets/odd-4d.xyz", 200, "application/octet-stream", forever},
		{"GET", "/assets/../index.html", 200, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/assets", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/.gitkeep", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/assets/.secret", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/absent", 404, "text/plain; charset=utf-8", ""},
		{"GET", "/../../etc/passwd", 404, "text/plain; charset=utf-8", ""},
		{"POST", "/", 405, "text/plain; charset=utf-8", ""},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			got := get(t, Handler(built()), c.method, c.path)
			if got.StatusCode != c.status {
				t.Errorf("status %d, want %d", got.StatusCode, c.status)
			}
			if kind := got.Header.Get("Content-Type"); kind != c.kind {
				t.Errorf("Content-Type %q, want %q", kind, c.kind)
			}
			if cache := got.Header.Get("Cache-Control"); cache != c.cache {
				t.Errorf("Cache-Control %q, want %q", cache, c.cache)
			}
			for name, want := range map[string]string{
				"Content-Security-Policy":      policy,
				"X-Content-Type-Options":       "nosniff",
				"Referrer-Policy":              "no-referrer",
				"Cross-Origin-Resource-Policy": "same-origin",
			} {
				if v := got.Header.Get(name); v != want {
					t.Errorf("%s %q, want %q", name, v, want)
				}
			}
		})
	}
}

func TestPolicyAllowsNothingElse(t *testing.T) {
	if !strings.HasPrefix(policy, "default-src 'none';") {
		t.Errorf("policy %q does not begin by forbidding everything", policy)
	}
	for _, open := range []string{"*", "http", "'unsafe-inline'", "'unsafe-eval'"} {
		if strings.Contains(policy, open) {
			t.Errorf("policy %q contains %s", policy, open)
		}
	}
}

func TestUnchangedPageIsNotSentAgain(t *testing.T) {
	h := Handler(built())
	tag := get(t, h, "GET", "/").Header.Get("ETag")
	if tag == "" {
		t.Fatal("no ETag")
	}
	if got := get(t, h, "GET", "/", "If-None-Match", tag); got.StatusCode != http.StatusNotModified {
		t.Errorf("status %d for the page that the reader has, want 304", got.StatusCode)
	}
	if got := get(t, h, "GET", "/", "If-None-Match", `"other"`); got.StatusCode != http.StatusOK {
		t.Errorf("status %d for another page, want 200", got.StatusCode)
	}
}

func TestWithoutNode(t *testing.T) {
	h := Handler(fstest.MapFS{".gitkeep": {}})
	got := get(t, h, "GET", "/")
	var body strings.Builder
	if err := got.Write(&body); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"200 OK", "text/html", "npm run build", "APIs work"} {
		if !strings.Contains(body.String(), want) {
			t.Errorf("the answer lacks %q:\n%s", want, body.String())
		}
	}
	if got := get(t, h, "GET", "/favicon.svg"); got.StatusCode != http.StatusNotFound {
		t.Errorf("status %d for a file that is not there, want 404", got.StatusCode)
	}
}

func TestEmbedded(t *testing.T) {
	if got := get(t, Handler(nil), "GET", "/"); got.StatusCode != http.StatusOK {
		t.Errorf("status %d, want 200", got.StatusCode)
	}
}
