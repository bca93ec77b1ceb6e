// Package identity is the sandbox's OpenID Connect provider: a sign-in page
// that shows the people of the sandbox as buttons, and behind it the code flow
// with PKCE, state and nonce as any provider has it.
//
// It owns the page, the codes and tokens it issued, and its keys, which live
// in the state so that a restart ends nobody's session. It does not own the
// people (internal/sandbox/directory) and asks nobody for a password: it is
// for demos and tests, and says so on its page.
//
// Only internal/sandbox and its tests may import it.
package identity

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"

	"cadastre.dev/cadastre/internal/sandbox/directory"
	"cadastre.dev/cadastre/internal/sandbox/journal"
)

// Config says whom the provider knows and whom it answers. Directory is
// required, the rest has defaults.
type Config struct {
	// Directory holds the people who can sign in.
	Directory *directory.Directory
	// Path is where the provider is mounted, which is part of its issuer.
	// Defaults to "/": at the root.
	Path string
	// ClientID is the one client it knows: public, so it proves itself by
	// PKCE. Defaults to "cadastre".
	ClientID string
	// RedirectURIs are where people may be sent back to. Defaults to none.
	RedirectURIs []string
	// TokenLifetime is how long its tokens are valid. Defaults to one hour.
	TokenLifetime time.Duration
	// Journal keeps keys and tokens. Defaults to nil: memory only.
	Journal *journal.Journal
	// Records are what the journal held when it was opened.
	Records []journal.Record
	// Now is the clock for the life of access tokens and of sign-ins. Defaults
	// to time.Now.
	Now func() time.Time
	// Logger receives what the provider has to say. Defaults to discarding it.
	Logger *slog.Logger
}

// Provider is the service. It is safe for concurrent use.
type Provider struct {
	cfg     Config
	keys    keys
	op      *op.Provider
	handler http.Handler

	mu        sync.Mutex
	redirects []string
	requests  map[string]*request // by id
	codes     map[string]string   // code → id of its request
	tokens    map[string]token    // by id
}

// keys are what survives a restart so that tokens stay valid.
type keys struct {
	ID     string   `json:"id"`
	RSA    []byte   `json:"rsa"` // PKCS #1
	Crypto [32]byte `json:"crypto"`
	signer *rsa.PrivateKey
}

// token is an access token that was issued.
type token struct {
	Email   string    `json:"email"`
	Client  string    `json:"client"`
	Scopes  []string  `json:"scopes"`
	Expires time.Time `json:"expires"`
}

const keyBits = 2048

// New returns a provider with the keys of the records, or with new ones.
func New(cfg Config) (*Provider, error) {
	if cfg.Directory == nil {
		return nil, errors.New("sandbox identity: no directory")
	}
	cfg = cfg.withDefaults()
	p := &Provider{cfg: cfg, redirects: cfg.RedirectURIs, requests: map[string]*request{}, codes: map[string]string{}, tokens: map[string]token{}}
	if err := p.restore(); err != nil {
		return nil, fmt.Errorf("sandbox identity: %w", err)
	}
	provider, err := op.NewProvider(&op.Config{CryptoKey: p.keys.Crypto, CodeMethodS256: true, SupportedScopes: scopes()},
		&storage{p}, op.IssuerFromHost(cfg.Path), op.WithAllowInsecure(), op.WithCORSOptions(nil), op.WithLogger(cfg.Logger))
	if err != nil {
		return nil, fmt.Errorf("sandbox identity: %w", err)
	}
	p.op = provider
	p.handler = p.routes()
	return p, nil
}

func (c Config) withDefaults() Config {
	if c.ClientID == "" {
		c.ClientID = "cadastre"
	}
	if c.TokenLifetime <= 0 {
		c.TokenLifetime = time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// restore takes keys and tokens out of the records; without keys it makes and
// stores new ones.
func (p *Provider) restore() error {
	for _, r := range p.cfg.Records {
		var err error
		switch r.Kind {
		case "identity":
			err = json.Unmarshal(r.Value, &p.keys)
		case "token":
			var t token
			err = json.Unmarshal(r.Value, &t)
			p.tokens[r.Key] = t
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", r.Kind, err)
		}
	}
	if p.keys.ID != "" {
		signer, err := x509.ParsePKCS1PrivateKey(p.keys.RSA)
		p.keys.signer = signer
		return err
	}
	signer, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	p.keys = keys{ID: rand.Text(), RSA: x509.MarshalPKCS1PrivateKey(signer), signer: signer}
	if _, err := rand.Read(p.keys.Crypto[:]); err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	record, err := journal.Put("identity", "keys", p.keys)
	if err != nil {
		return err
	}
	return p.cfg.Journal.Write(record)
}

// AllowRedirect adds an address where people may be sent back to.
func (p *Provider) AllowRedirect(uri string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.redirects = append(p.redirects[:len(p.redirects):len(p.redirects)], uri)
}

// Whose names the person to whom an access token was issued. A token that is
// not the provider's, expired or ended by signing out is nobody's.
func (p *Provider) Whose(accessToken string) (email string, ok bool) {
	plain, err := p.op.Crypto().Decrypt(accessToken)
	if err != nil {
		return "", false
	}
	id, subject, _ := strings.Cut(plain, ":")
	p.mu.Lock()
	defer p.mu.Unlock()
	t, ok := p.tokens[id]
	if !ok || t.Email != subject || !t.Expires.After(p.cfg.Now()) {
		return "", false
	}
	return t.Email, true
}

// ServeHTTP answers below the provider's path, which is cut off before.
func (p *Provider) ServeHTTP(out http.ResponseWriter, in *http.Request) { p.handler.ServeHTTP(out, in) }

func (p *Provider) routes() http.Handler {
	mux := http.NewServeMux()
	issuer := op.NewIssuerInterceptor(p.op.IssuerFromRequest)
	mux.HandleFunc("GET /sign-in", p.showPeople)
	mux.HandleFunc("POST /sign-in", issuer.HandlerFunc(p.choosePerson))
	mux.Handle("/", p.op)
	return mux
}

// finish marks a request as signed in by a person and returns where to go.
func (p *Provider) finish(ctx context.Context, id, email string) (string, error) {
	who, ok := p.cfg.Directory.Lookup(email)
	if !ok || who.ServiceAccount {
		return "", fmt.Errorf("nobody of that name can sign in")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.underWay(id)
	if r == nil {
		return "", fmt.Errorf("this sign-in has ended: start again from where you came")
	}
	signed := *r
	signed.email, signed.done, signed.at = who.Email, true, time.Now()
	p.requests[id] = &signed
	return op.AuthCallbackURL(p.op)(ctx, id), nil
}
