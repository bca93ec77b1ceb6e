package serve

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/pgtest"
)

// onPostgres moves the house's catalog, which is empty, to a database of a
// server of its own.
func (h *house) onPostgres() *house {
	h.t.Helper()
	file := filepath.Join(h.t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(pgtest.Start(h.t).Database(h.t)), 0o600); err != nil {
		h.t.Fatal(err)
	}
	h.reopen(func(c *Config) { c.Database.URL = "file:" + file })
	return h
}

// everything is the whole catalog in words, with nothing hidden. The address
// of the house's own registry is left out: it is another each time.
func (h *house) everything() []string {
	h.t.Helper()
	r, err := h.app().reader(h.t.Context(), system(), 0)
	if err != nil {
		h.t.Fatal(err)
	}
	items, err := r.Snapshot(h.t.Context(), graph.Scope{})
	if err != nil {
		h.t.Fatal(err)
	}
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`)
	var out []string
	for _, item := range items.Sorted() {
		text, err := json.Marshal(item)
		if err != nil {
			h.t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%T %s", item, address.ReplaceAll(text, []byte("registry"))))
	}
	slices.Sort(out)
	return out
}

// TestTheWholePathOnPostgres crawls, tags, publishes and crawls again on both
// databases: the catalogs are the same, and so are the plans but for the
// catalog that they name.
func TestTheWholePathOnPostgres(t *testing.T) {
	t.Parallel()
	lite, pg := newHouse(t), newHouse(t).onPostgres()
	var plans []graph.SavedPlan
	for _, h := range []*house{lite, pg} {
		h.crawled()
		h.tag(otto(), graph.TagRequest{Ref: column("raw.customers", "contact.email"), Label: "user.contact.email", State: string(graph.TagConfirmed)})
		plan := h.published()
		if plan.State != graph.PlanApplied {
			t.Errorf("the plan is %s: %s", plan.State, plan.Reason)
		}
		plans = append(plans, plan)
		h.crawl()
		before := h.head()
		h.crawl()
		if after := h.head(); after != before {
			t.Errorf("revision %d follows %d though nothing changed", after, before)
		}
		if report, err := h.app().VerifyAudit(t.Context(), KeptAudit{}); err != nil || !report.OK {
			t.Errorf("audit: %+v, %v", report, err)
		}
	}
	if diff := cmp.Diff(lite.everything(), pg.everything()); diff != "" {
		t.Errorf("the catalogs differ (-sqlite +postgres):\n%s", diff)
	}
	if a, b := plans[0].Plan, plans[1].Plan; len(a.Steps) != len(b.Steps) || len(a.Steps) == 0 {
		t.Errorf("the plans have %d and %d steps", len(a.Steps), len(b.Steps))
	}
}
