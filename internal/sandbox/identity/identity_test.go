package identity_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"cadastre.dev/cadastre/internal/sandbox/directory"
	"cadastre.dev/cadastre/internal/sandbox/identity"
	"cadastre.dev/cadastre/internal/sandbox/journal"
)

const redirect = "http://127.0.0.1:1/callback"

func people(t *testing.T) *directory.Directory {
	t.Helper()
	d, err := directory.New([]directory.Principal{
		{Email: "ana@x.example", Name: "Ana", Title: "Analyst", Groups: []string{"analysts@x.example"}},
		{Email: "otto@x.example", Name: "Otto <owner>"},
		{Email: "robot@x.example", ServiceAccount: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// flow is one application that signs people in.
type flow struct {
	t        *testing.T
	provider *identity.Provider
	oidc     *oidc.Provider
	app      oauth2.Config
	browser  *http.Client
	url      string
}

// begin serves a provider below /identity and discovers it.
func begin(t *testing.T, cfg identity.Config) *flow {
	t.Helper()
	if cfg.Directory == nil {
		cfg.Directory = people(t)
	}
	cfg.Path, cfg.RedirectURIs = "/identity", []string{redirect}
	p, err := identity.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/identity/", http.StripPrefix("/identity", p))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	found, err := oidc.NewProvider(t.Context(), server.URL+"/identity")
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(next.URL.String(), redirect) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return &flow{
		t: t, provider: p, oidc: found, browser: browser, url: server.URL,
		app: oauth2.Config{ClientID: "cadastre", RedirectURL: redirect, Endpoint: found.Endpoint(), Scopes: []string{"openid", "email", "profile", "groups"}},
	}
}

// page opens the sign-in page and returns its text and the request it is for.
func (f *flow) page(address string) (string, string) {
	f.t.Helper()
	in, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	out, err := f.browser.Do(in)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	text, err := io.ReadAll(out.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	hidden := regexp.MustCompile(`name="request" value="([^"]*)"`).FindSubmatch(text)
	if hidden == nil {
		return string(text), ""
	}
	return string(text), string(hidden[1])
}

// choose presses a person's button; it returns the status and where the
// browser was sent.
func (f *flow) choose(request, person string) (int, url.Values) {
	f.t.Helper()
	form := url.Values{"request": {request}, "person": {person}}
	in, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.url+"/identity/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		f.t.Fatal(err)
	}
	in.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	out, err := f.browser.Do(in)
	if err != nil {
		f.t.Fatal(err)
	}
	_ = out.Body.Close()
	to, err := url.Parse(out.Header.Get("Location"))
	if err != nil {
		f.t.Fatal(err)
	}
	return out.StatusCode, to.Query()
}

// signIn is the whole flow for a person.
func (f *flow) signIn(person string) (*oauth2.Token, *oidc.IDToken) {
	f.t.Helper()
	verifier := oauth2.GenerateVerifier()
	_, request := f.page(f.app.AuthCodeURL("the state", oidc.Nonce("the nonce"), oauth2.S256ChallengeOption(verifier)))
	_, back := f.choose(request, person)
	if back.Get("state") != "the state" {
		f.t.Fatalf("sent back with %v", back)
	}
	token, err := f.app.Exchange(f.t.Context(), back.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		f.t.Fatal(err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := f.oidc.Verifier(&oidc.Config{ClientID: "cadastre"}).Verify(f.t.Context(), raw)
	if err != nil {
		f.t.Fatal(err)
	}
	return token, id
}

// TestSignInStory goes through the flow as an application does.
func TestSignInStory(t *testing.T) {
	t.Parallel()
	f := begin(t, identity.Config{})
	token, id := f.signIn("ana@x.example")
	var claims struct {
		Email  string   `json:"email"`
		Name   string   `json:"name"`
		Groups []string `json:"groups"`
	}
	if err := id.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if id.Nonce != "the nonce" || id.Subject != "ana@x.example" {
		t.Errorf("nonce %q, subject %q", id.Nonce, id.Subject)
	}
	if diff := cmp.Diff([]string{"ana@x.example", "Ana", "analysts@x.example"}, append([]string{claims.Email, claims.Name}, claims.Groups...)); diff != "" {
		t.Error(diff)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		t.Error(err)
	}
	info, err := f.oidc.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
	if err != nil || info.Email != "ana@x.example" {
		t.Errorf("user info: %+v, %v", info, err)
	}
	if email, ok := f.provider.Whose(token.AccessToken); !ok || email != "ana@x.example" {
		t.Errorf("the access token is %q's, %v", email, ok)
	}
	for _, other := range []string{"", "x", token.AccessToken + "x", token.AccessToken[1:]} {
		if email, ok := f.provider.Whose(other); ok {
			t.Errorf("%q is %s's", other, email)
		}
	}
}

func TestCodeIsGoodOnceAndForItsVerifier(t *testing.T) {
	t.Parallel()
	f := begin(t, identity.Config{})
	verifier := oauth2.GenerateVerifier()
	code := func(options ...oauth2.AuthCodeOption) string {
		_, request := f.page(f.app.AuthCodeURL("s", options...))
		_, back := f.choose(request, "ana@x.example")
		return back.Get("code")
	}
	stolen := code(oauth2.S256ChallengeOption(verifier))
	if _, err := f.app.Exchange(t.Context(), stolen, oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
		t.Error("a code was taken from one who did not ask for it")
	}
	good := code(oauth2.S256ChallengeOption(verifier))
	if _, err := f.app.Exchange(t.Context(), good, oauth2.VerifierOption(verifier)); err != nil {
		t.Error(err)
	}
	if _, err := f.app.Exchange(t.Context(), good, oauth2.VerifierOption(verifier)); err == nil {
		t.Error("a code was taken twice")
	}
	if bare := code(); bare != "" {
		if _, err := f.app.Exchange(t.Context(), bare); err == nil {
			t.Error("a code without PKCE was taken")
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	f := begin(t, identity.Config{})
	text, request := f.page(f.app.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
	for _, want := range []string{"demo identity provider", `value="ana@x.example"`, "Otto &lt;owner&gt;"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "robot") || strings.Contains(text, "password\"") {
		t.Error("the page shows a service account or asks for a password")
	}
	tests := []struct{ name, request, person string }{
		{"a service account", request, "robot@x.example"},
		{"nobody", request, "nobody@x.example"},
		{"no such sign-in", "x", "ana@x.example"},
	}
	for _, tt := range tests {
		if code, back := f.choose(tt.request, tt.person); code != http.StatusBadRequest || len(back) > 0 {
			t.Errorf("%s: %d, sent to %v", tt.name, code, back)
		}
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	f := begin(t, identity.Config{})
	challenge := oauth2.S256ChallengeOption(oauth2.GenerateVerifier())
	other := f.app
	other.RedirectURL = "http://127.0.0.1:2/elsewhere"
	if text, request := f.page(other.AuthCodeURL("s", challenge)); request != "" {
		t.Errorf("an address that is not allowed: %s", text)
	}
	f.provider.AllowRedirect(other.RedirectURL)
	if _, request := f.page(other.AuthCodeURL("s", challenge)); request == "" {
		t.Error("an address that was allowed since is refused")
	}
	unknown := f.app
	unknown.ClientID = "another"
	if _, request := f.page(unknown.AuthCodeURL("s", challenge)); request != "" {
		t.Error("an unknown client was let in")
	}
	if _, request := f.page(f.app.AuthCodeURL("s", challenge, oauth2.SetAuthURLParam("prompt", "none"))); request != "" {
		t.Error("prompt=none showed a page")
	}
}

func TestTokensEnd(t *testing.T) {
	t.Parallel()
	at := time.Now()
	f := begin(t, identity.Config{TokenLifetime: time.Minute, Now: func() time.Time { return at }})
	token, _ := f.signIn("ana@x.example")
	revoke(t, f, token.AccessToken)
	if _, ok := f.provider.Whose(token.AccessToken); ok {
		t.Error("a revoked token is still somebody's")
	}
	token, _ = f.signIn("ana@x.example")
	at = at.Add(2 * time.Minute)
	if _, ok := f.provider.Whose(token.AccessToken); ok {
		t.Error("an expired token is still somebody's")
	}
	if _, err := f.oidc.UserInfo(t.Context(), oauth2.StaticTokenSource(token)); err == nil {
		t.Error("an expired token tells about its person")
	}
}

func revoke(t *testing.T, f *flow, token string) {
	t.Helper()
	var found struct {
		Revoke string `json:"revocation_endpoint"`
	}
	if err := f.oidc.Claims(&found); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"token": {token}, "client_id": {"cadastre"}}
	in, err := http.NewRequestWithContext(t.Context(), http.MethodPost, found.Revoke, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	in.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	out, err := http.DefaultClient.Do(in)
	if err != nil {
		t.Fatal(err)
	}
	_ = out.Body.Close()
	if out.StatusCode != http.StatusOK {
		t.Fatalf("revoke: %s", out.Status)
	}
}

// TestSignOut ends the person's tokens and goes back to the application only.
func TestSignOut(t *testing.T) {
	t.Parallel()
	f := begin(t, identity.Config{})
	token, _ := f.signIn("ana@x.example")
	var found struct {
		End string `json:"end_session_endpoint"`
	}
	if err := f.oidc.Claims(&found); err != nil {
		t.Fatal(err)
	}
	hint, _ := token.Extra("id_token").(string)
	leave := func(to string) (int, string) {
		t.Helper()
		in, err := http.NewRequestWithContext(t.Context(), http.MethodGet, found.End+"?"+url.Values{
			"id_token_hint":            {hint},
			"post_logout_redirect_uri": {to},
		}.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := http.DefaultTransport.RoundTrip(in)
		if err != nil {
			t.Fatal(err)
		}
		_ = out.Body.Close()
		return out.StatusCode, out.Header.Get("Location")
	}
	if code, to := leave("http://127.0.0.1:2/"); code != http.StatusBadRequest {
		t.Errorf("sent to a stranger: %d %s", code, to)
	}
	if _, ok := f.provider.Whose(token.AccessToken); !ok {
		t.Error("a refused sign-out ended the token")
	}
	if code, to := leave("http://127.0.0.1:1/"); code != http.StatusFound || to != "http://127.0.0.1:1/" {
		t.Errorf("sent to %d %s", code, to)
	}
	if _, ok := f.provider.Whose(token.AccessToken); ok {
		t.Error("the token outlived the sign-out")
	}
}

// TestRestartEndsNoSession holds that keys and tokens are in the state.
func TestRestartEndsNoSession(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, records, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	first := begin(t, identity.Config{Journal: j, Records: records})
	token, _ := first.signIn("ana@x.example")
	keys := keysOf(t, first)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, records, err = journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	second := begin(t, identity.Config{Journal: j, Records: records})
	if email, ok := second.provider.Whose(token.AccessToken); !ok || email != "ana@x.example" {
		t.Errorf("after a restart the token is %q's, %v", email, ok)
	}
	if diff := cmp.Diff(keys, keysOf(t, second)); diff != "" {
		t.Errorf("after a restart there are other keys:\n%s", diff)
	}
}

func keysOf(t *testing.T, f *flow) string {
	t.Helper()
	text, _ := f.page(f.url + "/identity/keys")
	if !json.Valid([]byte(text)) {
		t.Fatalf("no keys: %s", text)
	}
	return text
}

func TestNeedsDirectory(t *testing.T) {
	t.Parallel()
	if _, err := identity.New(identity.Config{}); err == nil {
		t.Error("made without a directory")
	}
}
