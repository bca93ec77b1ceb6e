package serve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/internal/sandbox/company"
)

// whoAmI is asked as whoever is signed in.
const whoAmI = `{me{id}}`

func TestSomebodySignsInAndOutAgain(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	d := newDesk(t, p.server.URL, nil)
	if status, code := d.ask(d.base, whoAmI); status != http.StatusUnauthorized || code != "UNAUTHENTICATED" {
		t.Errorf("before signing in the API answers %d %s", status, code)
	}
	before := d.cookie()
	back := d.begin("/search?q=a")
	during := d.cookie()
	done := d.get(back)
	if done.StatusCode != http.StatusSeeOther || done.Header.Get("Location") != "/search?q=a" {
		t.Fatalf("signing in ended with %d at %q: %s", done.StatusCode, done.Header.Get("Location"), done.body)
	}
	if status, code := d.ask(d.base, whoAmI); status != http.StatusOK || code != "" {
		t.Errorf("after signing in the API answers %d %s", status, code)
	}
	sum := sha256.Sum256([]byte(p.verifier))
	if p.verifier == "" || base64.RawURLEncoding.EncodeToString(sum[:]) != p.challenge {
		t.Error("the code was exchanged without the proof that was promised")
	}
	if after := d.cookie(); before != "" || during == "" || after == during {
		t.Error("the session keeps its name when somebody signs in: whoever planted it would be signed in too")
	}
	if out := d.do(http.MethodPost, d.base+"/auth/logout", ""); out.StatusCode != http.StatusNoContent {
		t.Errorf("logout answered %d", out.StatusCode)
	}
	if status, _ := d.ask(d.base, whoAmI); status != http.StatusUnauthorized {
		t.Errorf("after signing out the API answers %d", status)
	}
	if got := d.events(); !slices.Contains(got, "ana@lumen.example sign_in") {
		t.Errorf("the audit log does not tell who signed in: %v", got)
	}
}

// cookie is the value of the session's cookie.
func (d *desk) cookie() string {
	d.t.Helper()
	u, err := url.Parse(d.base)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, c := range d.client.Jar.Cookies(u) {
		if c.Name == "cadastre" {
			return c.Value
		}
	}
	return ""
}

func TestAnEndedSessionCannotBeTakenUpAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t, newProvider(t, nil).server.URL, nil)
	d.get(d.begin("/"))
	stolen := d.cookie()
	d.do(http.MethodPost, d.base+"/auth/logout", "")
	thief := newBrowser(t)
	answer := thief.do(http.MethodPost, d.base+"/graphql", `{"query":"{me{id}}"}`, "Content-Type", "application/json", "Cookie", "cadastre="+stolen)
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a cookie of an ended session is answered %d", answer.StatusCode)
	}
}

func TestAStrangersCallbackIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(d *desk, back *url.URL)
	}{
		{"no sign-in was begun", func(d *desk, back *url.URL) { *d.browser = *newBrowser(d.t) }},
		{"another state", func(_ *desk, back *url.URL) { set(back, "state", "another") }},
		{"no state", func(_ *desk, back *url.URL) { set(back, "state", "") }},
		{"another code", func(_ *desk, back *url.URL) { set(back, "code", "stolen") }},
		{"the provider says no", func(_ *desk, back *url.URL) { set(back, "error", "access_denied") }},
		{"a second time", func(d *desk, back *url.URL) {
			d.get(back.String())
			d.do(http.MethodPost, d.base+"/auth/logout", "")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, newProvider(t, nil).server.URL, nil)
			back, err := url.Parse(d.begin("/"))
			if err != nil {
				t.Fatal(err)
			}
			test.change(d, back)
			answer := d.get(back.String())
			if answer.StatusCode != http.StatusBadRequest && answer.StatusCode != http.StatusForbidden {
				t.Errorf("got %d", answer.StatusCode)
			}
			if status, _ := d.ask(d.base, whoAmI); status != http.StatusUnauthorized {
				t.Errorf("somebody is signed in: %d", status)
			}
		})
	}
}

func set(u *url.URL, key, value string) {
	q := u.Query()
	q.Set(key, value)
	u.RawQuery = q.Encode()
}

func TestATokenThatCannotBeTrustedIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		claims  map[string]any
		noToken bool
		want    string
	}{
		{name: "another nonce", claims: map[string]any{"nonce": "another"}},
		{name: "no nonce", claims: map[string]any{"nonce": nil}},
		{name: "no token", noToken: true},
		{name: "another audience", claims: map[string]any{"aud": "somebody-else"}},
		{name: "another issuer", claims: map[string]any{"iss": "https://evil.example"}},
		{name: "expired", claims: map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}},
		{name: "no email", claims: map[string]any{"email": nil}},
		{name: "no address", claims: map[string]any{"email": "ana"}},
		{name: "a list for an email", claims: map[string]any{"email": []string{"ana@lumen.example"}}},
		{name: "the name of this machine", claims: map[string]any{"email": "local:root@lumen.example"}},
		{name: "the name of the program", claims: map[string]any{"email": "service:cadastre"}},
		{name: "the name of a service", claims: map[string]any{"email": "service:loader@lumen.example"}},
		{name: "an address of two lines", claims: map[string]any{"email": "ana@lumen.example\nroot"}},
		{name: "an address without end", claims: map[string]any{"email": strings.Repeat("a", 400) + "@lumen.example"}},
		{name: "address not verified", claims: map[string]any{"email_verified": false}},
		{name: "address not verified, in words", claims: map[string]any{"email_verified": "false"}},
		{name: "groups are elsewhere", claims: map[string]any{"groups": nil, "_claim_names": map[string]string{"groups": "src1"}, "_claim_sources": map[string]any{"src1": map[string]string{"endpoint": "https://graph.example/getMemberObjects"}}}, want: "more groups"},
		{name: "there are groups", claims: map[string]any{"groups": nil, "hasgroups": true}, want: "more groups"},
		{name: "groups are no list", claims: map[string]any{"groups": "analysts@lumen.example"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, test.claims)
			p.noToken = test.noToken
			d := newDesk(t, p.server.URL, nil)
			answer := d.get(d.begin("/"))
			if answer.StatusCode != http.StatusForbidden {
				t.Errorf("got %d: %s", answer.StatusCode, answer.body)
			}
			if !strings.Contains(answer.body, test.want) {
				t.Errorf("the page does not say what is wrong: %s", answer.body)
			}
			if status, _ := d.ask(d.base, whoAmI); status != http.StatusUnauthorized {
				t.Errorf("somebody is signed in: %d", status)
			}
			if got := d.events(); !slices.ContainsFunc(got, func(e string) bool { return strings.HasSuffix(e, " refused") }) {
				t.Errorf("the audit log does not tell of the refusal: %v", got)
			}
		})
	}
}

func TestAPrincipalIsWhatTheTokenSays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		claims map[string]any
		claim  string
	}{
		{name: "verified in words", claims: map[string]any{"email_verified": "true"}},
		{name: "a provider that says nothing of verifying", claims: map[string]any{"email_verified": nil}},
		{name: "nobody's groups", claims: map[string]any{"groups": nil}},
		{name: "groups under another name", claims: map[string]any{"roles": []string{"analysts@lumen.example"}, "_claim_names": map[string]string{"groups": "src1"}, "_claim_sources": map[string]any{"src1": map[string]string{"endpoint": "https://graph.example/getMemberObjects"}}}, claim: "roles"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, newProvider(t, test.claims).server.URL, func(c *Config) { c.SSO.GroupsClaim = orDefault(test.claim, "groups") })
			if answer := d.get(d.begin("/")); answer.StatusCode != http.StatusSeeOther {
				t.Fatalf("got %d: %s", answer.StatusCode, answer.body)
			}
			s := &session{url: d.base, client: d.client}
			var me struct{ Me struct{ ID string } }
			if err := s.ask(t.Context(), whoAmI, nil, &me); err != nil || me.Me.ID != "ana@lumen.example" {
				t.Errorf("signed in as %q: %v", me.Me.ID, err)
			}
		})
	}
}

func TestAProviderThatIsDownIsAskedAgain(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	d := newDesk(t, p.server.URL, nil)
	working := p.server.Config.Handler
	p.server.Config.Handler = http.NotFoundHandler()
	if answer := d.get(d.base + "/auth/login"); answer.StatusCode != http.StatusBadGateway || !strings.Contains(answer.body, "try again") {
		t.Errorf("got %d: %s", answer.StatusCode, answer.body)
	}
	p.server.Config.Handler = working
	if answer := d.get(d.begin("/")); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("once it is up again, signing in answers %d", answer.StatusCode)
	}
}

func TestCookiesAreClosedToAllButThisSite(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, url, cookie string
		secure            bool
	}{
		{name: "loopback", cookie: "cadastre"},
		{name: "https", url: "https://catalog.lumen.example", cookie: "__Host-cadastre", secure: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, newProvider(t, nil).server.URL, func(c *Config) { c.URL = orDefault(test.url, c.URL) })
			answer := d.get(d.base + "/auth/login")
			cookies := answer.Cookies()
			if len(cookies) != 1 {
				t.Fatalf("got %d cookies", len(cookies))
			}
			c := cookies[0]
			if c.Name != test.cookie || c.Secure != test.secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge > 0 {
				t.Errorf("the cookie is %s", c)
			}
			if to := answer.Header.Get("Location"); test.url != "" && !strings.Contains(to, url.QueryEscape(test.url+"/auth/callback")) {
				t.Errorf("people are not sent back to where they came from: %s", to)
			}
		})
	}
}

func TestOtherSitesCanDoNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, newProvider(t, nil).server.URL, nil)
	d.get(d.begin("/"))
	const question = `{"query":"{me{id}}"}`
	for _, header := range [][]string{
		{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "null"},
	} {
		for _, path := range []string{"/graphql", "/auth/logout"} {
			answer := d.do(http.MethodPost, d.base+path, question, append(header, "Content-Type", "application/json")...)
			if answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s of %s answered %d", path, header, answer.StatusCode)
			}
		}
	}
	for _, request := range [][2]string{
		{http.MethodGet, "/graphql?query=" + url.QueryEscape("{me{id}}")}, {http.MethodGet, "/auth/logout"},
	} {
		if answer := d.do(request[0], d.base+request[1], ""); answer.StatusCode == http.StatusOK && strings.Contains(answer.body, "ana@") {
			t.Errorf("a link to %s is answered %d: %s", request[1], answer.StatusCode, answer.body)
		}
	}
	if answer := d.do(http.MethodPost, d.base+"/graphql", "query={me{id}}", "Content-Type", "application/x-www-form-urlencoded"); strings.Contains(answer.body, "ana@") {
		t.Errorf("a form is answered: %s", answer.body)
	}
	if status, _ := d.ask(d.base, whoAmI); status != http.StatusOK {
		t.Errorf("the person is not signed in any more: %d", status)
	}
}

func TestEveryAnswerBearsTheHeaders(t *testing.T) {
	t.Parallel()
	d := newDesk(t, newProvider(t, nil).server.URL, nil)
	ids := map[string]bool{}
	for _, path := range []string{"/", "/healthz", "/auth/login", "/auth/callback", "/graphql", "/assets/none.js", "/asset/x"} {
		h := d.get(d.base + path).Header
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s lacks headers: %v", path, h)
		}
		if id := h.Get("X-Request-Id"); id == "" || ids[id] {
			t.Errorf("%s has the request id %q, which is missing or used", path, id)
		}
		ids[h.Get("X-Request-Id")] = true
	}
}

func TestNoSecretOfASignInIsLogged(t *testing.T) {
	t.Parallel()
	p := newProvider(t, map[string]any{"nonce": "another"})
	d := newDesk(t, p.server.URL, nil)
	back := d.begin("/")
	d.get(back)
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	text := d.log.String()
	for _, secret := range []string{u.Query().Get("state"), p.nonce, p.verifier, "opaque", d.cookie()} {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !strings.Contains(text, "sign-in refused") {
		t.Errorf("the log does not tell of the refusal: %s", text)
	}
}

func TestSessionsOutliveTheProgram(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	url := h.serve()
	s := h.signIn(url, company.Otto())
	h.reopen(func(*Config) {})
	s.url = h.serve()
	// The cookie is the host's, whatever the port.
	var me struct{ Me struct{ ID string } }
	if err := s.ask(t.Context(), whoAmI, nil, &me); err != nil || me.Me.ID != company.Otto().Email {
		t.Errorf("after the restart: %q, %v", me.Me.ID, err)
	}
}

func TestEveryoneOfTheDemoSignsIn(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	url := h.serve()
	for _, person := range []string{"ana", "otto", "audra", "fay"} {
		if _, err := signInToDemo(t.Context(), http.DefaultTransport, url, person+"@"+company.Domain); err != nil {
			t.Errorf("%s: %v", person, err)
		}
	}
	if _, err := signInToDemo(t.Context(), http.DefaultTransport, url, company.Crawler().Email); err == nil {
		t.Error("a service signed in as a person")
	}
}

// A session that cannot be kept is an error of ours, unless the browser left.
func TestALostSessionIsAnErrorUnlessTheBrowserLeft(t *testing.T) {
	t.Parallel()
	left, leave := context.WithCancel(t.Context())
	leave()
	for _, test := range []struct {
		name string
		ctx  context.Context
		err  error
		want bool
	}{
		{"the browser left", left, fmt.Errorf("keep session: %w", context.Canceled), false},
		{"the disk failed", t.Context(), errors.New("disk I/O error"), true},
		{"the disk failed when the browser left", left, errors.New("disk I/O error"), true},
		{"something else was cancelled", t.Context(), context.Canceled, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			s := &signIn{logger: slog.New(slog.NewTextHandler(&log, nil))}
			w := httptest.NewRecorder()
			s.sessionLost(w, httptest.NewRequestWithContext(test.ctx, http.MethodGet, "/auth/login", nil), test.err)
			if got := strings.Contains(log.String(), "level=ERROR"); got != test.want {
				t.Errorf("logged as an error: %v, want %v: %s", got, test.want, log.String())
			}
			if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), test.err.Error()) {
				t.Errorf("answer %d %s", w.Code, w.Body.String())
			}
		})
	}
}
