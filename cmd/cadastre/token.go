package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
)

type tokenCommand struct {
	Create tokenCreateCommand `cmd:"" help:"Make a token for a service that pushes; it is shown this once."`
	List   tokenListCommand   `cmd:"" help:"List the tokens, newest first."`
	Revoke tokenRevokeCommand `cmd:"" help:"Revoke a token now."`
}

type tokenCreateCommand struct {
	Name    string   `arg:"" help:"The service; it acts as service:NAME."`
	Source  []string `required:"" placeholder:"SOURCE" help:"A source that it may push as; may be repeated."`
	Expires string   `default:"90d" placeholder:"DAYS" help:"For how long it is good, in whole days: 90d or 2160h."`
}

// tokenJSON is a token as --json prints it.
type tokenJSON struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Sources    []string   `json:"sources"`
	CreatedBy  string     `json:"created_by"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  time.Time  `json:"expires_at"`
	RevokedAt  *time.Time `json:"revoked_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	Secret     string     `json:"secret,omitempty"`
}

func tokenOf(t shape.Token) tokenJSON {
	return tokenJSON{t.ID, t.Name, t.Sources, t.CreatedBy, t.CreatedAt, t.ExpiresAt, t.RevokedAt, t.LastUsedAt, ""}
}

// Run makes a token and prints its secret, which nobody can read again.
func (c *tokenCreateCommand) Run(ctx context.Context, all *commands, s *streams) error {
	days, err := daysOf(c.Expires)
	if err != nil {
		return err
	}
	app, err := all.open(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	made, err := app.CreateToken(ctx, app.LocalPrincipal(), c.Name, c.Source, days)
	if err != nil {
		return err
	}
	out := tokenOf(made.Token)
	out.Secret = made.Secret
	return s.print(out, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%s\n", made.Secret)
		_, _ = fmt.Fprintf(s.err, "token %s of service:%s for %s, until %s; it is not shown again\n",
			made.Token.ID, made.Token.Name, strings.Join(made.Token.Sources, ", "), made.Token.ExpiresAt.Format(time.DateOnly))
	})
}

// daysOf reads a number of days, 90d, or a duration of whole days.
func daysOf(text string) (int, error) {
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); err == nil && n == 1 && fmt.Sprintf("%dd", days) == text {
		return days, nil
	}
	const day = 24 * time.Hour
	if d, err := time.ParseDuration(text); err == nil && d > 0 && d%day == 0 {
		return int(d / day), nil
	}
	return 0, fmt.Errorf("--expires %q is no number of whole days like 90d or 2160h: %w", text, graph.ErrInvalid)
}

type tokenListCommand struct{}

// Run lists all tokens, also those that may be used no more.
func (c *tokenListCommand) Run(ctx context.Context, all *commands, s *streams) error {
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	tokens, err := app.Tokens(ctx, app.LocalPrincipal())
	if err != nil {
		return err
	}
	out := make([]tokenJSON, 0, len(tokens))
	for _, t := range tokens {
		out = append(out, tokenOf(t))
	}
	return s.print(out, func(w io.Writer) {
		for _, t := range tokens {
			state := "good until " + t.ExpiresAt.Format(time.DateOnly)
			if t.RevokedAt != nil {
				state = "revoked " + t.RevokedAt.Format(time.DateOnly)
			} else if t.ExpiresAt.Before(time.Now()) {
				state = "expired " + t.ExpiresAt.Format(time.DateOnly)
			}
			used := "never used"
			if t.LastUsedAt != nil {
				used = "used " + t.LastUsedAt.Format(time.DateTime)
			}
			_, _ = fmt.Fprintf(w, "%s\tservice:%s\t%s\t%s\t%s\n", t.ID, t.Name, strings.Join(t.Sources, ","), state, used)
		}
	})
}

type tokenRevokeCommand struct {
	ID string `arg:"" help:"The token's id, as list shows it."`
}

// Run revokes a token.
func (c *tokenRevokeCommand) Run(ctx context.Context, all *commands, s *streams) error {
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	revoked, err := app.RevokeToken(ctx, app.LocalPrincipal(), c.ID)
	if err != nil {
		return err
	}
	return s.print(tokenOf(revoked), func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "token %s of service:%s is revoked\n", revoked.ID, revoked.Name)
	})
}
