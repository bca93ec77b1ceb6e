package serve

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
)

// How far a crawl is counts assets that are hidden from most, and a job on a
// plan tells that there is one: each is told to those who may know.
func TestActivityTellsNoMoreThanOneMayKnow(t *testing.T) {
	t.Parallel()
	c := newCourt(t, 7)
	plan := graph.Plan{Target: "warehouse", Steps: []graph.Step{{Kind: graph.StepCreateView, Object: graph.BigQueryRef("p", "views_fraud", "v"), Base: c.things[estateDatasets].asset.Ref}}}
	app := c.open(account{moments: c.account.moments, crawled: 41})
	plan.Catalog = app.store.Catalog()
	id, err := plan.Hash()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.store.Commit(t.Context(), system(), "plan", func(tx *store.Tx) error {
		if _, err := tx.SavePlan(t.Context(), plan); err != nil {
			return err
		}
		return tx.Enqueue(t.Context(), store.ApplyArgs{Plan: id})
	}); err != nil {
		t.Fatal(err)
	}
	app.progress.set("apply", id, 2, 3)
	stranger := graph.Principal{ID: "nobody@corp.example"}
	boss := graph.Principal{ID: "boss@corp.example", Groups: c.config.Policy.Roles["owner"]}
	for _, test := range []struct {
		name string
		who  graph.Principal
		want []shape.Activity
	}{
		{"to a stranger", stranger, []shape.Activity{{Kind: "crawl", Subject: "lake", State: stateWaiting, Attempts: 5}}},
		{"to who operates and plans", boss, []shape.Activity{
			{Kind: "crawl", Subject: "lake", State: stateWaiting, Attempts: 5, Done: 41}, {Kind: "apply", Subject: id, State: stateWaiting, Attempts: 5, Done: 2, Total: 3},
		}},
		{"to who holds the data directory", app.LocalPrincipal(), []shape.Activity{
			{Kind: "crawl", Subject: "lake", State: stateWaiting, Attempts: 5, Done: 41}, {Kind: "apply", Subject: id, State: stateWaiting, Attempts: 5, Done: 2, Total: 3},
		}},
	} {
		got, err := app.Activity(t.Context(), test.who)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
