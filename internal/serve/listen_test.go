package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
)

func TestListeningElsewhere(t *testing.T) {
	t.Parallel()
	standard := Config{}.withDefaults()
	behind := Config{URL: "https://catalog.lumen.example"}.withDefaults()
	for _, test := range []struct {
		name        string
		config      Config
		address     string
		listen, url string
		kind        error
	}{
		{"another port", standard, "127.0.0.1:9999", "127.0.0.1:9999", "http://127.0.0.1:9999", nil},
		{"by name", standard, "localhost:9999", "localhost:9999", "http://localhost:9999", nil},
		{"version six", standard, "[::1]:9999", "[::1]:9999", "http://[::1]:9999", nil},
		{"behind a proxy the URL stays", behind, "0.0.0.0:80", "0.0.0.0:80", "https://catalog.lumen.example", nil},
		{"all the world without a proxy", standard, "0.0.0.0:80", "", "", graph.ErrInvalid},
		{"no port", standard, "127.0.0.1", "", "", graph.ErrInvalid},
		{"nothing", standard, "", "", "", graph.ErrInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, err := test.config.ListenOn(t.Context(), test.address)
			if test.kind != nil {
				mustBe(t, err, test.kind)
				return
			}
			if err != nil || c.Listen != test.listen || c.URL != test.url {
				t.Errorf("got %q at %q, %v", c.Listen, c.URL, err)
			}
		})
	}
}

func TestPortZeroIsAFreeOne(t *testing.T) {
	t.Parallel()
	c, err := Config{}.withDefaults().ListenOn(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(c.Listen)
	if err != nil || port == "0" || c.URL != "http://"+c.Listen {
		t.Errorf("got %q at %q, %v", c.Listen, c.URL, err)
	}
}

func TestAppServesUntilItIsToldToStop(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- h.app().Serve(ctx, func(url string) { ready <- url }) }()
	select {
	case url := <-ready:
		if answer := newBrowser(t).get(url + "/healthz"); answer.StatusCode != http.StatusOK {
			t.Errorf("it answers %d", answer.StatusCode)
		}
	case err := <-ended:
		t.Fatal(err)
	}
	// The search is made ready without anybody searching.
	for deadline := time.Now().Add(time.Minute); !strings.Contains(h.log.String(), "search is ready"); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the search is not made ready")
		}
	}
	second := h.app().Serve(ctx, func(string) { t.Error("two serve on one address") })
	mustBe(t, second, graph.ErrUnavailable)
	if !strings.Contains(second.Error(), "in use") {
		t.Errorf("the error does not say why: %v", second)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Law: whatever stands in return=, people are sent to this host.
func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/", "/search?q=a", "//evil.example", `/\evil.example`, "https://evil.example", "/a//b", "/%2f/evil.example", "/\t/evil.example", "\x00", "/?x=//y"} {
		f.Add(seed)
	}
	base, err := url.Parse("http://127.0.0.1:8080")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, to string) {
		got := localPath(to)
		// Browsers drop tabs and line ends before they read a URL.
		read := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(got)
		u, err := base.Parse(read)
		if err != nil {
			t.Fatalf("%q became %q, which is no URL: %v", to, got, err)
		}
		if u.Host != base.Host || u.Scheme != "http" {
			t.Errorf("%q leads to %s", to, u)
		}
	})
}

// Law: whatever stands in the file, it is read or refused as invalid, and what
// was read is valid.
func FuzzLoadConfig(f *testing.F) {
	f.Add(whole)
	for _, seed := range []string{"", "listen: [", "a: &a [*a]", "sources: {a: b}", "- 1", "policy: {roles: {a.b: [c]}}", "listen: 127.0.0.1:1\nurl: '%zz'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := writeConfig(t, text)
		c, err := LoadConfig(path, nil)
		if err != nil {
			if !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("%v is not of a kind", err)
			}
			return
		}
		if err := c.Validate(); err != nil || c.Listen == "" || c.DataDir == "" {
			t.Errorf("what was read is not valid: %+v, %v", c, err)
		}
	})
}
