package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"cadastre.dev/cadastre/internal/sandbox/journal"
)

// storage is what the protocol's library asks of us. What this provider does
// not offer (refresh tokens, keys of services, sign-in by JWT) is refused in
// the words that the library expects for it.
type storage struct{ *Provider }

var errNotOffered = errors.New("not offered by this provider")

// requestLife is how long a sign-in may take.
const requestLife = 15 * time.Minute

func (s *storage) CreateAuthRequest(_ context.Context, asked *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if slices.Contains(asked.Prompt, oidc.PromptNone) {
		return nil, oidc.ErrLoginRequired()
	}
	r := &request{id: rand.Text(), asked: *asked, made: s.cfg.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.requests {
		if s.underWay(id) == nil {
			s.forget(id)
		}
	}
	s.requests[r.id] = r
	return r, nil
}

func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.underWay(id); r != nil {
		return r, nil
	}
	return nil, errors.New("no such sign-in")
}

// underWay returns a sign-in that has not taken too long, or nil.
func (p *Provider) underWay(id string) *request {
	if r := p.requests[id]; r != nil && p.cfg.Now().Sub(r.made) <= requestLife {
		return r
	}
	return nil
}

func (s *storage) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	id := s.codes[code]
	s.mu.Unlock()
	return s.AuthRequestByID(ctx, id)
}

func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes[code] = id
	return nil
}

func (s *storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(id)
	return nil
}

// forget ends a sign-in and the codes given for it: each is good once.
func (p *Provider) forget(id string) {
	delete(p.requests, id)
	for code, of := range p.codes {
		if of == id {
			delete(p.codes, code)
		}
	}
}

func (s *storage) CreateAccessToken(_ context.Context, r op.TokenRequest) (string, time.Time, error) {
	t := token{Email: r.GetSubject(), Client: s.cfg.ClientID, Scopes: r.GetScopes(), Expires: s.cfg.Now().Add(s.cfg.TokenLifetime)}
	id := rand.Text()
	record, err := journal.Put("token", id, t)
	if err != nil {
		return "", time.Time{}, err
	}
	records := []journal.Record{record}
	s.mu.Lock()
	defer s.mu.Unlock()
	for old, t := range s.tokens {
		if !t.Expires.After(s.cfg.Now()) {
			delete(s.tokens, old)
			records = append(records, journal.Gone("token", old))
		}
	}
	s.tokens[id] = t
	return id, t.Expires, s.cfg.Journal.Write(records...)
}

func (s *storage) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (string, string, time.Time, error) {
	return "", "", time.Time{}, errNotOffered
}

func (s *storage) TokenRequestByRefreshToken(context.Context, string) (op.RefreshTokenRequest, error) {
	return nil, op.ErrInvalidRefreshToken
}

func (s *storage) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}

// TerminateSession ends all tokens that a person has of a client.
func (s *storage) TerminateSession(_ context.Context, email, clientID string) error {
	return s.end(func(_ string, t token) bool { return t.Email == email && t.Client == clientID })
}

func (s *storage) RevokeToken(_ context.Context, id, _, _ string) *oidc.Error {
	if err := s.end(func(of string, _ token) bool { return of == id }); err != nil {
		return oidc.ErrServerError().WithParent(err)
	}
	return nil
}

func (s *storage) end(which func(id string, t token) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var records []journal.Record
	for id, t := range s.tokens {
		if which(id, t) {
			delete(s.tokens, id)
			records = append(records, journal.Gone("token", id))
		}
	}
	return s.cfg.Journal.Write(records...)
}

func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != s.cfg.ClientID {
		return nil, errors.New("no such client")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &client{id: id, redirects: s.redirects, login: s.cfg.Path + "/sign-in?request=", lifetime: s.cfg.TokenLifetime}, nil
}

func (s *storage) AuthorizeClientIDSecret(context.Context, string, string) error {
	return errNotOffered
}

// SetUserinfoFromScopes does nothing: SetUserinfoFromRequest does.
func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

func (s *storage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, r op.IDTokenRequest, scopes []string) error {
	return s.describe(info, r.GetSubject(), scopes)
}

func (s *storage) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, id, email, _ string) error {
	s.mu.Lock()
	t, ok := s.tokens[id]
	s.mu.Unlock()
	if !ok || t.Email != email || !t.Expires.After(s.cfg.Now()) {
		return errors.New("the token has ended")
	}
	return s.describe(info, email, t.Scopes)
}

// describe says of a person what the scopes ask for.
func (s *storage) describe(info *oidc.UserInfo, email string, scopes []string) error {
	who, ok := s.cfg.Directory.Lookup(email)
	if !ok {
		return errors.New("no such person")
	}
	info.Subject = who.Email
	for _, scope := range scopes {
		switch scope {
		case oidc.ScopeEmail:
			info.Email, info.EmailVerified = who.Email, true
		case oidc.ScopeProfile:
			info.Name, info.PreferredUsername = who.Name, who.Email
		case "groups":
			info.AppendClaims("groups", who.Groups)
		}
	}
	return nil
}

func (s *storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errNotOffered
}

func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return map[string]any{}, nil
}

func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errNotOffered
}

func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errNotOffered
}

func (s *storage) SigningKey(context.Context) (op.SigningKey, error) { return signingKey{s.keys}, nil }

func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

func (s *storage) KeySet(context.Context) ([]op.Key, error) { return []op.Key{publicKey{s.keys}}, nil }

func (s *storage) Health(context.Context) error { return nil }

type signingKey struct{ keys }

func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k signingKey) Key() any                                    { return k.signer }
func (k signingKey) ID() string                                  { return k.keys.ID }

type publicKey struct{ keys }

func (k publicKey) ID() string                         { return k.keys.ID }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return &k.signer.PublicKey }
