package identity_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"cadastre.dev/cadastre/internal/sandbox/identity"
	"cadastre.dev/cadastre/internal/sandbox/journal"
)

// clock is a time that a test sets, and many may read.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Now().UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) pass(d time.Duration)    { c.nanos.Add(int64(d)) }
func (c *clock) config() identity.Config { return identity.Config{Now: c.now} }

// endpoint is an address of the discovery document.
func (f *flow) endpoint(name string) string {
	f.t.Helper()
	var all map[string]any
	if err := f.oidc.Claims(&all); err != nil {
		f.t.Fatal(err)
	}
	at, ok := all[name].(string)
	if !ok {
		f.t.Fatalf("the discovery document has no %s", name)
	}
	return at
}

// post sends a form and returns the status and the error's word, if any.
func (f *flow) post(address string, form url.Values) (int, string) {
	f.t.Helper()
	in, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		f.t.Fatal(err)
	}
	in.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	out, err := http.DefaultClient.Do(in)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	text, err := io.ReadAll(out.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(text, &said) != nil {
		return out.StatusCode, string(text)
	}
	return out.StatusCode, said.Error
}

// code goes through the page and returns a code with the verifier it is for.
func (f *flow) code() (code, verifier string) {
	f.t.Helper()
	verifier = oauth2.GenerateVerifier()
	_, request := f.page(f.app.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
	_, back := f.choose(request, "ana@x.example")
	if back.Get("code") == "" {
		f.t.Fatalf("sent back with %v", back)
	}
	return back.Get("code"), verifier
}

// TestTokensAreGivenForTheRightCodeAlone sends what an application may get
// wrong when it takes a token, one thing at a time.
func TestTokensAreGivenForTheRightCodeAlone(t *testing.T) {
	t.Parallel()
	f := begin(t, identity.Config{})
	at := f.endpoint("token_endpoint")
	for _, tt := range []struct {
		name   string
		change func(url.Values)
	}{
		{"another address than was asked for", func(v url.Values) { v.Set("redirect_uri", "http://127.0.0.1:2/elsewhere") }},
		{"no address", func(v url.Values) { v.Del("redirect_uri") }},
		{"another client", func(v url.Values) { v.Set("client_id", "another") }},
		{"no client", func(v url.Values) { v.Del("client_id") }},
		{"no code", func(v url.Values) { v.Del("code") }},
		{"a code that was not given", func(v url.Values) { v.Set("code", v.Get("code")+"x") }},
		{"no verifier", func(v url.Values) { v.Del("code_verifier") }},
		{"another verifier", func(v url.Values) { v.Set("code_verifier", oauth2.GenerateVerifier()) }},
		{"the challenge as the verifier", func(v url.Values) {
			v.Set("code_verifier", oauth2.S256ChallengeFromVerifier(v.Get("code_verifier")))
		}},
		{"no kind of grant", func(v url.Values) { v.Del("grant_type") }},
		{"refreshing", func(v url.Values) { v.Set("grant_type", "refresh_token"); v.Set("refresh_token", v.Get("code")) }},
		{"credentials of a client", func(v url.Values) { v.Set("grant_type", "client_credentials") }},
		{"a password", func(v url.Values) { v.Set("grant_type", "password"); v.Set("username", "ana@x.example") }},
		{"a token of a service", func(v url.Values) {
			v.Set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
			v.Set("assertion", "e30.e30.")
		}},
	} {
		code, verifier := f.code()
		form := url.Values{
			"grant_type": {"authorization_code"}, "client_id": {"cadastre"}, "redirect_uri": {redirect},
			"code": {code}, "code_verifier": {verifier},
		}
		tt.change(form)
		if status, why := f.post(at, form); status < 400 || status >= 500 {
			t.Errorf("%s: %d %s, want a refusal", tt.name, status, why)
		}
	}
	code, verifier := f.code()
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"cadastre"}, "redirect_uri": {redirect},
		"code": {code}, "code_verifier": {verifier},
	}
	if status, why := f.post(at, form); status != http.StatusOK {
		t.Errorf("nothing wrong: %d %s", status, why)
	}
}

// TestNoRefresh holds that a session lasts as long as its token: none can be
// had that outlives it.
func TestNoRefresh(t *testing.T) {
	t.Parallel()
	f := begin(t, identity.Config{})
	f.app.Scopes = append(f.app.Scopes, "offline_access")
	token, _ := f.signIn("ana@x.example")
	if token.RefreshToken != "" {
		t.Errorf("a refresh token was given: %q", token.RefreshToken)
	}
	if left := time.Until(token.Expiry); left <= 0 || left > time.Hour {
		t.Errorf("the token lasts %s, want up to an hour", left)
	}
}

// TestSignInTakesNoLongerThanItMay lets time pass at each step of a sign-in.
func TestSignInTakesNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	const life = 15 * time.Minute
	for _, tt := range []struct {
		name                       string
		beforeChoice, beforeChange time.Duration
		works                      bool
	}{
		{"at once", 0, 0, true},
		{"as long as it may", life, 0, true},
		{"too long at the page", life + time.Second, 0, false},
		{"as long as it may in all", life / 2, life / 2, true},
		{"too long in all", life / 2, life/2 + time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			f := begin(t, c.config())
			verifier := oauth2.GenerateVerifier()
			_, request := f.page(f.app.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
			c.pass(tt.beforeChoice)
			status, back := f.choose(request, "ana@x.example")
			c.pass(tt.beforeChange)
			_, err := f.app.Exchange(t.Context(), back.Get("code"), oauth2.VerifierOption(verifier))
			if works := err == nil; works != tt.works {
				t.Errorf("signed in: %v, want %v (the page answered %d: %v)", works, tt.works, status, err)
			}
		})
	}
}

// TestAnEndedSignInIsForgotten holds that beginning another one clears it away
// and touches no other.
func TestAnEndedSignInIsForgotten(t *testing.T) {
	t.Parallel()
	c := newClock()
	f := begin(t, c.config())
	ask := func() string {
		_, request := f.page(f.app.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
		return request
	}
	old := ask()
	c.pass(10 * time.Minute)
	young := ask()
	c.pass(10 * time.Minute)
	newest := ask()
	for name, want := range map[string]int{old: http.StatusBadRequest, young: http.StatusFound, newest: http.StatusFound} {
		if status, _ := f.choose(name, "ana@x.example"); status != want {
			t.Errorf("a sign-in answers %d, want %d", status, want)
		}
	}
}

// TestScopesSayHowMuchIsTold asks for less and less of a person.
func TestScopesSayHowMuchIsTold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		scopes []string
		want   []string // claims that tell of the person, sorted
	}{
		{"all", []string{"openid", "email", "profile", "groups"}, []string{"email", "email_verified", "groups", "name", "preferred_username"}},
		{"e-mail", []string{"openid", "email"}, []string{"email", "email_verified"}},
		{"profile", []string{"openid", "profile"}, []string{"name", "preferred_username"}},
		{"groups", []string{"openid", "groups"}, []string{"groups"}},
		{"who it is and no more", []string{"openid"}, nil},
		{"what is not offered", []string{"openid", "phone", "address", "admin"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := begin(t, identity.Config{})
			f.app.Scopes = tt.scopes
			token, id := f.signIn("ana@x.example")
			info, err := f.oidc.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
			if err != nil || info.Subject != "ana@x.example" {
				t.Fatalf("user info %+v, %v", info, err)
			}
			for where, claims := range map[string]interface{ Claims(any) error }{"the ID token": id, "the user info": info} {
				var all map[string]any
				if err := claims.Claims(&all); err != nil {
					t.Fatal(err)
				}
				var told []string
				for _, claim := range []string{"address", "email", "email_verified", "groups", "name", "phone_number", "preferred_username"} {
					if _, ok := all[claim]; ok {
						told = append(told, claim)
					}
				}
				if diff := cmp.Diff(tt.want, told); diff != "" {
					t.Errorf("%s (-want +told):\n%s", where, diff)
				}
			}
		})
	}
}

// TestTokensOfOthersStand ends one person's session and looks at the others'.
func TestTokensOfOthersStand(t *testing.T) {
	t.Parallel()
	f := begin(t, identity.Config{})
	ana, _ := f.signIn("ana@x.example")
	again, _ := f.signIn("ana@x.example")
	otto, _ := f.signIn("otto@x.example")
	revoke(t, f, ana.AccessToken)
	for token, want := range map[*oauth2.Token]string{ana: "", again: "ana@x.example", otto: "otto@x.example"} {
		if email, ok := f.provider.Whose(token.AccessToken); email != want || ok != (want != "") {
			t.Errorf("after one token was revoked another is %q's, want %q's", email, want)
		}
	}
	hint, _ := again.Extra("id_token").(string)
	in, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.endpoint("end_session_endpoint")+"?"+url.Values{"id_token_hint": {hint}}.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := http.DefaultTransport.RoundTrip(in)
	if err != nil {
		t.Fatal(err)
	}
	_ = out.Body.Close()
	if email, ok := f.provider.Whose(again.AccessToken); ok {
		t.Errorf("after signing out the token is %q's", email)
	}
	if email, _ := f.provider.Whose(otto.AccessToken); email != "otto@x.example" {
		t.Errorf("when Ana signs out, Otto's token is %q's", email)
	}
}

// TestTokensAreOfTheProviderThatMadeThem shows a token to a provider with other
// keys, which must not know it.
func TestTokensAreOfTheProviderThatMadeThem(t *testing.T) {
	t.Parallel()
	one, other := begin(t, identity.Config{}), begin(t, identity.Config{})
	token, _ := one.signIn("ana@x.example")
	if email, ok := other.provider.Whose(token.AccessToken); ok {
		t.Errorf("a stranger's token is %q's", email)
	}
	raw, _ := token.Extra("id_token").(string)
	if _, err := other.oidc.Verifier(&oidc.Config{ClientID: "cadastre"}).Verify(t.Context(), raw); err == nil {
		t.Error("a stranger's ID token is believed")
	}
	if _, err := one.oidc.Verifier(&oidc.Config{ClientID: "another"}).Verify(t.Context(), raw); err == nil {
		t.Error("an ID token is believed by a client that it is not for")
	}
}

// TestExpiredTokensAreForgotten holds that the state does not grow with tokens
// that nobody can use.
func TestExpiredTokensAreForgotten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tokens := func() (n int, records []journal.Record) {
		j, records, err := journal.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if r.Kind == "token" {
				n++
			}
		}
		return n, records
	}
	j, records, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := newClock()
	cfg := c.config()
	cfg.Journal, cfg.Records, cfg.TokenLifetime = j, records, time.Minute
	f := begin(t, cfg)
	f.signIn("ana@x.example")
	f.signIn("otto@x.example")
	c.pass(2 * time.Minute)
	last, _ := f.signIn("ana@x.example")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	n, records := tokens()
	if n != 1 {
		t.Errorf("%d tokens are kept, want the one that is valid", n)
	}
	again := begin(t, identity.Config{Records: records, Now: c.now})
	if email, ok := again.provider.Whose(last.AccessToken); !ok || email != "ana@x.example" {
		t.Errorf("the one that is valid is %q's, %v", email, ok)
	}
}

func TestStateThatCannotBeRead(t *testing.T) {
	t.Parallel()
	keys := func(value string) []journal.Record {
		return []journal.Record{{Kind: "identity", Key: "keys", Value: json.RawMessage(value)}}
	}
	for _, tt := range []struct {
		name    string
		records []journal.Record
	}{
		{"keys that are none", keys(`[]`)},
		{"a key that is none", keys(`{"id":"x","rsa":"eA=="}`)},
		{"a token that is none", []journal.Record{{Kind: "token", Key: "x", Value: json.RawMessage(`[]`)}}},
	} {
		if _, err := identity.New(identity.Config{Directory: people(t), Records: tt.records}); err == nil || !strings.HasPrefix(err.Error(), "sandbox identity: ") {
			t.Errorf("%s: %v, want an error that says where", tt.name, err)
		}
	}
	j, _, err := journal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.New(identity.Config{Directory: people(t), Journal: j}); err == nil {
		t.Error("made with keys that cannot be kept")
	}
}

// TestATokenThatCannotBeKeptIsNotGiven closes the state under a provider.
func TestATokenThatCannotBeKeptIsNotGiven(t *testing.T) {
	t.Parallel()
	j, records, err := journal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := begin(t, identity.Config{Journal: j, Records: records})
	code, verifier := f.code()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if token, err := f.app.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err == nil {
		t.Errorf("a token was given: %+v", token)
	}
}

// TestPageIsNoPlaceForScripts looks at what keeps the page to itself.
func TestPageIsNoPlaceForScripts(t *testing.T) {
	t.Parallel()
	f := begin(t, identity.Config{})
	in, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+"/identity/sign-in?request="+url.QueryEscape(`"><script>alert(1)</script>`), nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.browser.Do(in)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	text, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "<script") {
		t.Errorf("what a link says stands in the page as it is: %s", text)
	}
	policy := out.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the page's policy is %q, without %q", policy, want)
		}
	}
	if got := out.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("the page may be kept: %q", got)
	}
}
