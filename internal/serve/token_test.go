package serve

import (
	"errors"
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
)

func TestWhatATokenMustBe(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.on(&script{name: "warehouse"})
	for _, test := range []struct {
		name, service string
		sources       []string
		days          int
		want          []string // what the error says; none where it is good
	}{
		{"good", "loader-2", []string{"crm", "dbt_core"}, 90, nil},
		{"the longest", strings.Repeat("a", 64), []string{"crm"}, 3650, nil},
		{"no name", "", []string{"crm"}, 1, []string{"name"}},
		{"a long name", strings.Repeat("a", 65), []string{"crm"}, 1, []string{"name"}},
		{"a name with a colon", "a:b", []string{"crm"}, 1, []string{"name"}},
		{"the program's own", "cadastre", []string{"crm"}, 1, []string{"the program's own"}},
		{"no source", "loader", nil, 1, []string{"no source"}},
		{"a crawled source", "loader", []string{"warehouse"}, 1, []string{`"warehouse" is crawled`}},
		{"a source twice", "loader", []string{"crm", "crm"}, 1, []string{"twice"}},
		{"no days", "loader", []string{"crm"}, 0, []string{"0 days"}},
		{"too many days", "loader", []string{"crm"}, 3651, []string{"3651 days"}},
		{"all of it", "A", []string{"B c"}, -1, []string{`name "A"`, `source "B c"`, "-1 days"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			made, err := b.app.CreateToken(t.Context(), b.app.LocalPrincipal(), test.service, test.sources, test.days)
			if len(test.want) == 0 {
				if err != nil || !strings.HasPrefix(made.Secret, tokenPrefix) || len(made.Secret) != len(tokenPrefix)+43 {
					t.Errorf("token %+v, %v", made, err)
				}
				return
			}
			if !errors.Is(err, graph.ErrInvalid) || made.Secret != "" {
				t.Fatalf("got %v, want invalid", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

// Only administrators keep tokens; what they do is recorded, the secret never.
func TestTokensAreAdministrators(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app.config.Policy.Roles["administrator"] = []string{"admins@shop.example"}
	b = b.again()
	admin := graph.Principal{ID: "ada@shop.example", Groups: []string{"admins@shop.example"}}
	owner := graph.Principal{ID: "olga@shop.example", Groups: []string{"owners@shop.example"}}
	ctx := t.Context()
	_, list := b.app.Tokens(ctx, owner)
	_, create := b.app.CreateToken(ctx, owner, "loader", []string{"crm"}, 1)
	_, revoke := b.app.RevokeToken(ctx, owner, "x")
	for _, err := range []error{list, create, revoke} {
		mustBe(t, err, graph.ErrDenied)
	}
	made, err := b.app.CreateToken(ctx, admin, "loader", []string{"crm"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // revoking twice is one event
		revoked, err := b.app.RevokeToken(ctx, admin, made.Token.ID)
		if err != nil || revoked.RevokedAt == nil {
			t.Fatalf("revoked %+v, %v", revoked, err)
		}
	}
	mustBe(t, errorOf(b.app.RevokeToken(ctx, admin, "none")), graph.ErrNotFound)
	all, err := b.app.Tokens(ctx, admin)
	if err != nil || len(all) != 1 || all[0].CreatedBy != admin.ID || all[0].RevokedAt == nil || all[0].LastUsedAt != nil {
		t.Errorf("tokens %+v, %v", all, err)
	}
	events, _, err := b.app.Events(ctx, b.app.LocalPrincipal(), admin.ID, "", "", 10, "")
	if err != nil || len(events) != 2 || events[1].Action != "create_token" || events[0].Action != "revoke_token" || events[1].Object != made.Token.ID {
		t.Errorf("recorded %+v, %v", events, err)
	}
	for _, e := range events {
		for _, v := range e.Detail {
			if strings.Contains(v, strings.TrimPrefix(made.Secret, tokenPrefix)) {
				t.Error("the audit log holds the secret")
			}
		}
	}
	actions, err := b.app.Actions(ctx, admin)
	if err != nil || len(actions) != 1 || actions[0] != "administer" {
		t.Errorf("an administrator may %v, %v", actions, err)
	}
}

func errorOf[T any](_ T, err error) error { return err }

// again opens the bench's catalog anew with its configuration as it is now.
func (b *bench) again() *bench {
	b.t.Helper()
	config := b.app.config
	if err := b.app.Close(); err != nil {
		b.t.Fatal(err)
	}
	app, err := Open(b.t.Context(), config, Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = app.Close() })
	b.app = app
	return b
}

func TestRemovalAndPushAreValidated(t *testing.T) {
	t.Parallel()
	config := Config{Removal: RemovalConfig{Threshold: 1.5, Least: -1}, Push: PushConfig{MaxMiB: -1, MaxFacts: -1, KeepKeysDays: -1}}.withDefaults()
	err := config.Validate()
	for _, want := range []string{"removal.threshold", "removal.least", "push.max_mib", "push.max_facts", "push.keep_keys_days"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
