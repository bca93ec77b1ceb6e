package serve

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheAppIsServed(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"index.html":         {Data: []byte("<title>Cadastre</title>")},
		"favicon.svg":        {Data: []byte("<svg/>")},
		"assets/app-1f3a.js": {Data: []byte("start()")},
	}
	for _, test := range []struct {
		name, path string
		built      bool
		status     int
		body       string
		cache      string
	}{
		{"the first page", "/", true, 200, "Cadastre", "no-cache"},
		{"a page of the app", "/asset/bigquery/a.b.c", true, 200, "Cadastre", "no-cache"},
		{"a file", "/favicon.svg", true, 200, "<svg/>", ""},
		{"a built file is kept", "/assets/app-1f3a.js", true, 200, "start()", "public, max-age=31536000, immutable"},
		{"a built file that is gone is no page", "/assets/app-old.js", true, 404, "not found", ""},
		{"the folder of built files is not listed", "/assets/", true, 200, "Cadastre", "no-cache"},
		{"out of the folder", "/../../etc/passwd", true, 400, "invalid", ""},
		{"not built", "/", false, 503, "make build", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answer := httptest.NewRecorder()
			serveUI(files, test.built).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, test.path, nil))
			if answer.Code != test.status || !strings.Contains(answer.Body.String(), test.body) || answer.Header().Get("Cache-Control") != test.cache {
				t.Errorf("got %d, %q, %q", answer.Code, answer.Header().Get("Cache-Control"), answer.Body)
			}
		})
	}
}

func TestAPlainPageShowsTextAsText(t *testing.T) {
	t.Parallel()
	answer := httptest.NewRecorder()
	plainPage(answer, http.StatusForbidden, "<b>", `"><script>alert(1)</script>`)
	if body := answer.Body.String(); answer.Code != http.StatusForbidden || strings.Contains(body, "<script>") || strings.Contains(body, "<b>") {
		t.Errorf("got %d, %s", answer.Code, body)
	}
}

func TestTheSignOfLifeNeedsNoSignIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "http://127.0.0.1:1", nil)
	if answer := d.get(d.base + "/healthz"); answer.StatusCode != http.StatusOK || answer.body != "ok\n" || len(answer.Cookies()) > 0 {
		t.Errorf("got %d, %q", answer.StatusCode, answer.body)
	}
}
