package serve

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"cadastre.dev/cadastre/graph"
)

// provider is an identity provider that says what a test lets it say, where
// the sandbox's says what is right.
type provider struct {
	t      *testing.T
	key    *rsa.PrivateKey
	server *httptest.Server
	// claims changes what the token says; nil in it takes a claim away.
	claims map[string]any
	// nonce and challenge are those of the last sign-in.
	nonce, challenge string
	// verifier is what the application proved itself with.
	verifier string
	// noToken leaves the ID token out.
	noToken bool
}

func newProvider(t *testing.T, claims map[string]any) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, key: key, claims: claims}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	return p
}

func (p *provider) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

func (p *provider) discovery(w http.ResponseWriter, _ *http.Request) {
	at := p.server.URL
	p.answer(w, map[string]any{
		"issuer": at, "authorization_endpoint": at + "/authorize", "token_endpoint": at + "/token", "jwks_uri": at + "/keys",
		"id_token_signing_alg_values_supported": []string{"RS256"},
	})
}

func (p *provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.answer(w, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one",
		"n": base64.RawURLEncoding.EncodeToString(p.key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(p.key.E)).Bytes()),
	}}})
}

// authorize signs everybody in without asking.
func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.nonce, p.challenge = q.Get("nonce"), q.Get("code_challenge")
	back := q.Get("redirect_uri") + "?" + url.Values{"code": {"good"}, "state": {q.Get("state")}}.Encode()
	http.Redirect(w, r, back, http.StatusFound)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.verifier = r.PostFormValue("code_verifier")
	if r.PostFormValue("code") != "good" {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	claims := map[string]any{
		"iss": p.server.URL, "sub": "1", "aud": "cadastre", "nonce": p.nonce, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"email": "Ana@Lumen.Example", "email_verified": true, "name": "Ana", "groups": []string{"analysts@lumen.example"},
	}
	for name, value := range p.claims {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	text, err := json.Marshal(claims)
	if err != nil {
		p.t.Error(err)
	}
	answer := map[string]any{"access_token": "opaque", "token_type": "Bearer"}
	if !p.noToken {
		answer["id_token"] = oidctest.SignIDToken(p.key, "one", "RS256", string(text))
	}
	p.answer(w, answer)
}

// desk is an app of nothing but its sign-in, on a hand-written provider.
type desk struct {
	*browser
	app  *App
	log  *lines
	base string
}

func newDesk(t *testing.T, issuer string, change func(*Config)) *desk {
	t.Helper()
	d := &desk{browser: newBrowser(t), log: new(lines)}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	d.base = server.URL
	config := Config{DataDir: t.TempDir(), URL: server.URL, SSO: SSO{Issuer: issuer, ClientID: "cadastre"}}.withDefaults()
	config.Policy.Roles = map[string][]string{"auditor": {"auditors@lumen.example"}}
	if change != nil {
		change(&config)
	}
	var err error
	d.app, err = Open(t.Context(), config, Options{Logger: slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.app.Close(); err != nil {
			t.Error(err)
		}
	})
	if handler, err = d.app.Handler(); err != nil {
		t.Fatal(err)
	}
	return d
}

// begin asks to sign in and returns where the provider sends the browser back.
func (d *desk) begin(returnTo string) string {
	d.t.Helper()
	login := d.get(d.base + "/auth/login?return=" + url.QueryEscape(returnTo))
	if login.StatusCode != http.StatusFound {
		d.t.Fatalf("login answered %d: %s", login.StatusCode, login.body)
	}
	return d.get(login.Header.Get("Location")).Header.Get("Location")
}

// events are the audit log of the desk.
func (d *desk) events() []string {
	d.t.Helper()
	found, _, err := d.app.Events(d.t.Context(), graph.Principal{ID: "audra@lumen.example", Groups: []string{"auditors@lumen.example"}}, "", "", "", 100, "")
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, e := range found {
		out = append(out, e.Actor+" "+e.Action)
	}
	return out
}
