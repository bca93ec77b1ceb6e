package serve

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/alexedwards/scs/v2"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"cadastre.dev/cadastre/graph"
)

// The keys of what a session holds. Only the principal outlives signing in.
const (
	sessionPrincipal = "principal"
	sessionState     = "state"
	sessionNonce     = "nonce"
	sessionVerifier  = "verifier"
	sessionReturn    = "return"
)

// signInBound is how long signing in may take. Anybody may begin it, and what
// they begin takes a row of the store until then.
const signInBound = 15 * time.Minute

// signIn signs people in by OpenID Connect: authorization code flow with PKCE
// (RFC 7636), state and nonce. The browser holds an opaque cookie, the session
// is a row in the store.
//
// The provider is looked up at first use and again after a failure, so that
// the program starts while the provider is down.
type signIn struct {
	config   SSO
	base     string
	sessions *scs.SessionManager
	client   *http.Client
	logger   *slog.Logger
	// signedIn is told of each person who signs in or is refused.
	signedIn func(ctx context.Context, p graph.Principal, refused error)
	// signedOut is told of each person who signs out.
	signedOut func(ctx context.Context, p graph.Principal)
	// glass is mended when somebody signs out or in.
	glass glass

	mu       sync.Mutex
	provider *oidc.Provider
}

func newSessions(store scs.Store, baseURL string) *scs.SessionManager {
	m := scs.New()
	m.Store = store
	m.Lifetime = 12 * time.Hour
	m.IdleTimeout = 2 * time.Hour
	m.HashTokenInStore = true
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.Cookie.Persist = false
	// A cookie named __Host- must be Secure, which plain HTTP on the loopback
	// address cannot keep in every browser.
	if strings.HasPrefix(baseURL, "https://") {
		m.Cookie.Name = "__Host-cadastre"
		m.Cookie.Secure = true
	} else {
		m.Cookie.Name = "cadastre"
	}
	return m
}

func (s *signIn) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /auth/login", s.login)
	mux.HandleFunc("GET /auth/callback", s.callback)
	mux.HandleFunc("POST /auth/logout", s.logout)
}

// Principal returns who is signed in, and false where nobody is.
func (s *signIn) principal(ctx context.Context) (graph.Principal, bool) {
	data := s.sessions.GetBytes(ctx, sessionPrincipal)
	if data == nil {
		return graph.Principal{}, false
	}
	var p graph.Principal
	if err := json.Unmarshal(data, &p); err != nil || p.ID == "" {
		return graph.Principal{}, false
	}
	return p, true
}

func (s *signIn) login(w http.ResponseWriter, r *http.Request) {
	provider, err := s.discover(r.Context())
	if err != nil {
		s.fail(w, r, http.StatusBadGateway, "the identity provider cannot be reached; try again in a moment", err)
		return
	}
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	s.sessions.Put(r.Context(), sessionState, state)
	s.sessions.Put(r.Context(), sessionNonce, nonce)
	s.sessions.Put(r.Context(), sessionVerifier, verifier)
	s.sessions.Put(r.Context(), sessionReturn, localPath(r.URL.Query().Get("return")))
	if _, was := s.principal(r.Context()); !was {
		s.sessions.SetDeadline(r.Context(), time.Now().Add(signInBound))
	}
	http.Redirect(w, r, s.oauth(provider).AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), http.StatusFound)
}

func (s *signIn) callback(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	state := s.sessions.PopString(ctx, sessionState)
	nonce := s.sessions.PopString(ctx, sessionNonce)
	verifier := s.sessions.PopString(ctx, sessionVerifier)
	returnTo := localPath(s.sessions.PopString(ctx, sessionReturn))
	query := r.URL.Query()
	switch {
	case state == "" || subtle.ConstantTimeCompare([]byte(state), []byte(query.Get("state"))) != 1:
		s.signedIn(ctx, graph.Principal{}, graph.ErrDenied)
		s.fail(w, r, http.StatusBadRequest, "this sign-in was not begun in this browser, or it took too long; sign in again", errors.New("state differs"))
		return
	case query.Get("error") != "":
		s.signedIn(ctx, graph.Principal{}, graph.ErrDenied)
		s.fail(w, r, http.StatusForbidden, "the identity provider refused the sign-in", errors.New("provider answered an error"))
		return
	}
	p, err := s.exchange(ctx, query.Get("code"), verifier, nonce)
	if err != nil {
		s.signedIn(ctx, p, err)
		s.fail(w, r, http.StatusForbidden, publicSignInError(err), err)
		return
	}
	if before, was := s.principal(ctx); was {
		s.mend(ctx, before)
	}
	if err := s.sessions.RenewToken(ctx); err != nil {
		s.fail(w, r, http.StatusInternalServerError, "the session could not be kept; try again", err)
		return
	}
	data, err := json.Marshal(p)
	if err != nil {
		s.fail(w, r, http.StatusInternalServerError, "the session could not be kept; try again", err)
		return
	}
	s.sessions.Put(ctx, sessionPrincipal, data)
	s.signedIn(ctx, p, nil)
	http.Redirect(w, r, returnTo, http.StatusSeeOther)
}

func (s *signIn) logout(w http.ResponseWriter, r *http.Request) {
	p, was := s.principal(r.Context())
	s.mend(r.Context(), p)
	if err := s.sessions.Destroy(r.Context()); err != nil {
		s.fail(w, r, http.StatusInternalServerError, "the session could not be ended; try again", err)
		return
	}
	if was {
		s.signedOut(r.Context(), p)
	}
	w.WriteHeader(http.StatusNoContent)
}

// mend ends the time in which somebody sees everything: it lasts no longer
// than their session.
func (s *signIn) mend(ctx context.Context, who graph.Principal) {
	if s.glass.app == nil {
		return
	}
	if err := s.glass.end(ctx, who, "signed out"); err != nil {
		s.logger.ErrorContext(ctx, "audit event lost", "actor", who.ID, "err", err)
	}
}

// exchange turns the code into a verified principal.
func (s *signIn) exchange(ctx context.Context, code, verifier, nonce string) (graph.Principal, error) {
	provider, err := s.discover(ctx)
	if err != nil {
		return graph.Principal{}, err
	}
	ctx = oidc.ClientContext(ctx, s.client)
	token, err := s.oauth(provider).Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return graph.Principal{}, fmt.Errorf("exchange code: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return graph.Principal{}, fmt.Errorf("exchange code: the answer holds no id_token: %w", graph.ErrDenied)
	}
	idToken, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: s.config.ClientID}).Verify(ctx, raw)
	if err != nil {
		return graph.Principal{}, fmt.Errorf("verify id token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(idToken.Nonce), []byte(nonce)) != 1 {
		return graph.Principal{}, fmt.Errorf("verify id token: nonce differs: %w", graph.ErrDenied)
	}
	var claims map[string]json.RawMessage
	if err := idToken.Claims(&claims); err != nil {
		return graph.Principal{}, fmt.Errorf("read claims: %w", err)
	}
	return principalOf(claims, s.config)
}

// principalOf reads the claims that name a person and their groups. A group
// claim that the provider left out because it is too long is an error: who is
// in which group is then not known, and guessing opens doors.
func principalOf(claims map[string]json.RawMessage, config SSO) (graph.Principal, error) {
	text := func(name string) string {
		var v string
		if json.Unmarshal(claims[name], &v) != nil {
			return ""
		}
		return v
	}
	p := graph.Principal{ID: lowerASCII(text("email")), Name: text("name")}
	// A name that may be somebody else's stands in no event as who did it.
	if !isAddress(p.ID) || isTrusted(p) {
		return graph.Principal{}, fmt.Errorf("claim email is missing or no address: ask for the scope email: %w", graph.ErrDenied)
	}
	if verified, ok := claims["email_verified"]; ok && string(verified) != "true" && string(verified) != `"true"` {
		return graph.Principal{}, fmt.Errorf("the provider has not verified the address: %w", graph.ErrDenied)
	}
	if p.Name == "" {
		p.Name = p.ID
	}
	var elsewhere map[string]json.RawMessage
	_ = json.Unmarshal(claims["_claim_names"], &elsewhere)
	if _, moved := elsewhere[config.GroupsClaim]; moved || len(claims["hasgroups"]) > 0 {
		return p, fmt.Errorf("%w: %w", errGroupOverage, graph.ErrDenied)
	}
	if raw, ok := claims[config.GroupsClaim]; ok {
		if err := json.Unmarshal(raw, &p.Groups); err != nil {
			return p, fmt.Errorf("claim %s is not a list of names: %w", config.GroupsClaim, graph.ErrDenied)
		}
	}
	return p, nil
}

// maxAddress is how many bytes an address may have, as mail has it.
const maxAddress = 320

// isAddress says whether something can be the address of a person: in one line,
// and nothing that reads as a service.
func isAddress(id string) bool {
	odd := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }
	return strings.Contains(id, "@") && len(id) <= maxAddress && !strings.HasPrefix(id, servicePrefix) && !strings.ContainsFunc(id, odd)
}

// lowerASCII lowers A to Z alone. Other letters may become another person's:
// the sign for kelvin becomes a k.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, text)
}

var errGroupOverage = errors.New("the token leaves out the groups because there are too many")

func publicSignInError(err error) string {
	if errors.Is(err, errGroupOverage) {
		return "you are in more groups than the identity provider puts in a token; ask its administrator to send only the groups of this application"
	}
	return "the sign-in could not be verified; sign in again, and tell your administrator if it stays so"
}

func (s *signIn) discover(ctx context.Context) (*oidc.Provider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.provider != nil {
		return s.provider, nil
	}
	// The provider keeps its context for fetching keys later, when this
	// request is over.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), s.client), s.config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w: %w", s.config.Issuer, err, graph.ErrUnavailable)
	}
	s.provider = provider
	return provider, nil
}

func (s *signIn) oauth(provider *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: s.config.ClientID, ClientSecret: s.config.secret,
		Endpoint: provider.Endpoint(), RedirectURL: s.base + "/auth/callback",
		Scopes: append([]string{oidc.ScopeOpenID, "profile", "email"}, s.config.Scopes...),
	}
}

func (s *signIn) fail(w http.ResponseWriter, r *http.Request, status int, public string, err error) {
	s.logger.WarnContext(r.Context(), "sign-in refused", "request", requestID(r.Context()), "err", err)
	plainPage(w, status, "Sign-in", public)
}

// sessionLost answers where a session cannot be read or kept. That the browser
// left meanwhile is no fault of anybody.
func (s *signIn) sessionLost(w http.ResponseWriter, r *http.Request, err error) {
	level := slog.LevelError
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		level = slog.LevelDebug
	}
	s.logger.Log(r.Context(), level, "session lost", "request", requestID(r.Context()), "err", err)
	const message = "your session could not be read or kept, because the catalog's database is not available; nothing is lost, try again"
	if r.URL.Path == "/graphql" {
		answerGraphQL(w, http.StatusServiceUnavailable, "UNAVAILABLE", message)
		return
	}
	plainPage(w, http.StatusServiceUnavailable, "Not available now", message)
}

// localPath returns where to send somebody back to: a path of this program,
// never another host.
func localPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
		return "/"
	}
	return to
}
