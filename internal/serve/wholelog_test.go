package serve

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/internal/sandbox/company"
	"cadastre.dev/cadastre/policy/rego"
)

// limitedAudit is an app with a table that auditors see, of which two events
// tell, and one that is hidden from them.
func limitedAudit(t *testing.T) (app *App, shown, hidden graph.Ref) {
	t.Helper()
	bundle := t.TempDir()
	if err := os.CopyFS(bundle, rego.Bundle()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(bundle, "visibility", "auditor.rego")); err != nil {
		t.Fatal(err)
	}
	shown, hidden = graph.BigQueryRef("shop", "raw", "shown"), graph.BigQueryRef("shop", "raw", "hidden")
	app = auditApp(t, t.TempDir(), func(c *Config) {
		c.Policy.Bundle = bundle
		c.Policy.Visibility = []VisibilityConfig{{Groups: []string{company.Auditors}, Visibility: "visible", Where: map[string][]string{"ref": {shown.String()}}}}
	})
	_, err := app.store.Commit(t.Context(), system(), "put", func(tx *store.Tx) error {
		now := graph.NewSnapshot(graph.Asset{Ref: shown, Kind: graph.KindTable}, graph.Asset{Ref: hidden, Kind: graph.KindTable})
		tx.Record(audit.Event{Action: "look", Object: hidden.String()})
		return tx.Apply(t.Context(), graph.Diff(nil, now))
	})
	if err != nil {
		t.Fatal(err)
	}
	look(t, app, shown)
	look(t, app, shown)
	return app, shown, hidden
}

func look(t *testing.T, app *App, ref graph.Ref) {
	t.Helper()
	if err := app.record(t.Context(), otto(), audit.Event{Action: "look", Object: ref.String()}); err != nil {
		t.Fatal(err)
	}
}

// A question about what is hidden is noted, and nothing that an auditor is
// told afterwards differs from what it is after one about what never was.
func TestALimitedAuditorDoesNotLearnThatADeniedReadWasNoted(t *testing.T) {
	t.Parallel()
	app, shown, hidden := limitedAudit(t)
	after := func(ref graph.Ref) []audit.Event {
		app.missed(audra(), ref)
		app.lookout.wait()
		look(t, app, shown)
		found, _, err := app.Events(t.Context(), audra(), "", "", "", 1, "")
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	none, denied := after(graph.BigQueryRef("shop", "raw", "never")), after(hidden)
	if len(told(t, app, actionDeniedRead)) != 1 {
		t.Fatal("the denied read was not noted")
	}
	if len(none) != 1 || len(denied) != 1 || none[0].Seq != 3 || denied[0].Seq != 4 {
		t.Errorf("the log tells %+v, and then %+v; want the third and fourth event on what they see", none, denied)
	}
}

// What is said of the whole log is said to whom nothing is hidden.
func TestTheWholeLogIsForThoseFromWhomNothingIsHidden(t *testing.T) {
	t.Parallel()
	app, _, _ := limitedAudit(t)
	ways := map[string]func(context.Context, graph.Principal) error{
		"verify":     func(ctx context.Context, who graph.Principal) error { _, err := app.Verification(ctx, who); return err },
		"signing":    func(ctx context.Context, who graph.Principal) error { _, err := app.Signing(ctx, who); return err },
		"checkpoint": func(ctx context.Context, who graph.Principal) error { _, err := app.Checkpoint(ctx, who); return err },
		"export":     func(ctx context.Context, who graph.Principal) error { _, err := app.ExportAudit(ctx, who); return err },
		"prove": func(ctx context.Context, who graph.Principal) error {
			_, err := app.ProveEvent(ctx, who, 1)
			return err
		},
	}
	for name, ask := range ways {
		err := ask(t.Context(), audra())
		mustBe(t, err, graph.ErrDenied)
		if !strings.Contains(err.Error(), "ask an auditor who sees all") {
			t.Errorf("%s: %v", name, err)
		}
		if err := ask(t.Context(), app.LocalPrincipal()); err != nil {
			t.Errorf("%s to who holds the data: %v", name, err)
		}
	}
	var refused []string
	for _, e := range told(t, app, "refused") {
		refused = append(refused, e.Actor+" "+e.Object)
	}
	// Once a minute, however often they try.
	if diff := cmp.Diff([]string{audra().ID + " audit"}, slices.Compact(refused)); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

// Over the browser it is a page of words, and no byte of the log.
func TestALimitedAuditorDownloadsNothing(t *testing.T) {
	t.Parallel()
	app, shown, hidden := limitedAudit(t)
	handler, err := app.Handler()
	if err != nil {
		t.Fatal(err)
	}
	desk := (&court{t: t}).letIn(app, audra(), handler)
	for _, path := range []string{"/audit/export", "/audit/checkpoint"} {
		a := desk.do(http.MethodGet, path, nil)
		if a.status != http.StatusForbidden || !strings.Contains(a.body, "from whom nothing is hidden") {
			t.Errorf("%s is answered %d %s", path, a.status, a.body)
		}
		if strings.Contains(a.body, shown.String()) || strings.Contains(a.body, hidden.String()) {
			t.Errorf("%s tells %s", path, a.body)
		}
	}
}
