package serve

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/audit"
)

var _ api.Administrator = (*App)(nil)

const (
	// tokenPrefix begins every token, so that one that leaked into a text is
	// found by those who look for such.
	tokenPrefix = "cdst_"
	tokenBytes  = 32
	// maxTokenDays is how long a token may be good for.
	maxTokenDays = 3650
	// servicePrefix begins the ID of a service.
	servicePrefix = "service:"
)

// hashToken is what is stored of a token. There is so much chance in one that
// a plain hash cannot be undone.
func hashToken(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// Tokens returns all tokens, newest first.
func (a *App) Tokens(ctx context.Context, who graph.Principal) ([]shape.Token, error) {
	if err := a.may(ctx, who, graph.ActionAdminister, graph.Asset{}, nil); err != nil {
		return nil, err
	}
	all, err := a.store.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]shape.Token, 0, len(all))
	for _, k := range all {
		out = append(out, tokenShape(k))
	}
	return out, nil
}

// CreateToken makes a token for a service, good for so many days. The secret
// is in the answer and nowhere else.
func (a *App) CreateToken(ctx context.Context, who graph.Principal, name string, sources []string, days int) (shape.NewToken, error) {
	if err := a.may(ctx, who, graph.ActionAdminister, graph.Asset{}, nil); err != nil {
		return shape.NewToken{}, err
	}
	if err := a.checkToken(name, sources, days); err != nil {
		return shape.NewToken{}, err
	}
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // never fails
	secret := tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	now := a.now().UTC().Truncate(time.Microsecond)
	k := store.Token{
		ID: strings.ToLower(rand.Text()[:10]), Name: name, Sources: slices.Sorted(slices.Values(sources)), CreatedBy: who.ID,
		CreatedAt: now, ExpiresAt: now.AddDate(0, 0, days),
	}
	_, err := a.store.Commit(ctx, who, "create token", func(tx *store.Tx) error {
		tx.Record(audit.Event{Action: "create_token", Object: k.ID, Detail: map[string]string{
			"service": servicePrefix + name, "sources": strings.Join(k.Sources, " "), "expires": k.ExpiresAt.Format(time.RFC3339),
		}})
		return tx.PutToken(ctx, k, hashToken(secret))
	})
	if err != nil {
		return shape.NewToken{}, fmt.Errorf("create token for %s: %w", name, err)
	}
	return shape.NewToken{Token: tokenShape(k), Secret: secret}, nil
}

// checkToken tells all that is wrong with what is asked for.
func (a *App) checkToken(name string, sources []string, days int) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("token: "+format+": %w", append(args, graph.ErrInvalid)...))
	}
	if !isServiceName(name) {
		fault("name %q is not a word of a-z, 0-9, _ and -, of 64 letters at most", name)
	}
	if servicePrefix+name == system().ID {
		fault("name %q is the program's own", name)
	}
	if len(sources) == 0 {
		fault("it names no source, so that nothing could be pushed with it")
	}
	for i, s := range sources {
		switch {
		case !isServiceName(s):
			fault("source %q is not a word of a-z, 0-9, _ and -, of 64 letters at most", s)
		case a.isCrawled(s):
			fault("source %q is crawled; choose a name of its own for what is pushed", s)
		case slices.Contains(sources[:i], s):
			fault("source %q is named twice", s)
		}
	}
	if days < 1 || days > maxTokenDays {
		fault("%d days are not 1 to %d", days, maxTokenDays)
	}
	return errors.Join(faults...)
}

func isServiceName(s string) bool {
	return len(s) <= 64 && isIdentifier(strings.ReplaceAll(s, "-", "_"))
}

func (a *App) isCrawled(source string) bool {
	return slices.ContainsFunc(a.sources, func(c crawled) bool { return c.name == source })
}

// RevokeToken ends a token now.
func (a *App) RevokeToken(ctx context.Context, who graph.Principal, id string) (shape.Token, error) {
	if err := a.may(ctx, who, graph.ActionAdminister, graph.Asset{}, nil); err != nil {
		return shape.Token{}, err
	}
	var revoked store.Token
	_, err := a.store.Commit(ctx, who, "revoke token", func(tx *store.Tx) error {
		now := a.now().UTC().Truncate(time.Microsecond)
		var err error
		if revoked, err = tx.RevokeToken(ctx, id, now); err == nil && revoked.RevokedAt.Equal(now) {
			tx.Record(audit.Event{Action: "revoke_token", Object: id, Detail: map[string]string{"service": servicePrefix + revoked.Name}})
		}
		return err
	})
	if err != nil {
		return shape.Token{}, fmt.Errorf("revoke: %w", err)
	}
	return tokenShape(revoked), nil
}

func tokenShape(k store.Token) shape.Token {
	t := shape.Token{ID: k.ID, Name: k.Name, Sources: append([]string{}, k.Sources...), CreatedBy: k.CreatedBy, CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt}
	if !k.RevokedAt.IsZero() {
		t.RevokedAt = &k.RevokedAt
	}
	if !k.LastUsedAt.IsZero() {
		t.LastUsedAt = &k.LastUsedAt
	}
	return t
}

// errToken says that a token is none, or may no longer be used: why is told to
// nobody who only holds it.
var errToken = errors.New("the token is unknown, expired or revoked; ask an administrator for another")

// authenticate returns the token with the secret. That a revoked or expired
// one was used is recorded, once a minute; an unknown one is nobody's.
func (a *App) authenticate(ctx context.Context, secret string) (store.Token, error) {
	if !strings.HasPrefix(secret, tokenPrefix) {
		return store.Token{}, errToken
	}
	k, err := a.store.TokenBy(ctx, hashToken(secret))
	if errors.Is(err, graph.ErrNotFound) {
		return store.Token{}, errToken
	}
	if err != nil {
		return store.Token{}, err
	}
	now := a.now()
	var why string
	switch {
	case !k.RevokedAt.IsZero():
		why = "the token is revoked"
	case !now.Before(k.ExpiresAt):
		why = "the token has expired"
	default:
		return k, nil
	}
	err = a.recordBounded(ctx, service(k), audit.Event{Action: "refused", Object: k.ID, Detail: map[string]string{"action": "push", "why": why}})
	return store.Token{}, errors.Join(errToken, err)
}

// service is who acts with a token.
func service(k store.Token) graph.Principal {
	return graph.Principal{ID: servicePrefix + k.Name, Name: k.Name}
}

// pushedSources are the sources that tokens name and nothing crawls, by name.
func (a *App) pushedSources(ctx context.Context) ([]string, error) {
	all, err := a.store.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, k := range all {
		for _, s := range k.Sources {
			if !a.isCrawled(s) {
				names = append(names, s)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
