package storetest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"github.com/google/go-cmp/cmp"
)

// tablesAlone shows tables of the warehouse and lets everything be discovered.
var tablesAlone = graph.Filter{
	Visible:      []graph.Clause{{{Attribute: graph.AttributeKind, In: []string{string(graph.KindTable), string(graph.KindView)}}}},
	Discoverable: []graph.Clause{{}},
}

// discoverableTellsNoMore holds that of an asset which is only discoverable
// nothing is told but ref, kind and owners: not who says that they own it, and
// not its columns in the SQL of others.
func discoverableTellsNoMore(t *testing.T, open Open) {
	s := open(t, store.Config{})
	topic := graph.Asset{Ref: tableRef(4), Kind: graph.KindTopic, Source: "streams"}
	table := graph.Asset{Ref: tableRef(0), Kind: graph.KindTable, Source: "warehouse"}
	view := graph.Asset{Ref: tableRef(1), Kind: graph.KindView, Source: "warehouse", Definition: "SELECT secret FROM topic"}
	other := graph.Asset{Ref: tableRef(2), Kind: graph.KindView, Source: "warehouse", Definition: "SELECT a FROM table"}
	owner := graph.Owner{Asset: topic.Ref, Principal: "user:" + ana.ID, Role: graph.OwnerTechnical, Provenance: graph.Provenance{Kind: graph.BySource, Name: "streams", Why: "the topic says so"}}
	edge := func(from, to graph.Asset) graph.Edge {
		return graph.Edge{From: from.Ref.Column("a"), To: to.Ref.Column("a"), Kind: graph.EdgeIdentity, Outcome: graph.OutcomeExact, Because: graph.EvidenceView, Statement: to.Ref.String()}
	}
	statement := func(a graph.Asset) graph.Statement {
		return graph.Statement{ID: a.Ref.String(), Source: "warehouse", Because: graph.EvidenceView, Target: a.Ref, SQL: a.Definition, Outcome: graph.OutcomeExact}
	}
	put(t, s, topic, table, view, other, owner, edge(topic, view), edge(table, other), statement(view), statement(other))
	r, ctx := reader(t, s, tablesAlone, 0), t.Context()

	named := owner
	named.Provenance = graph.Provenance{Kind: graph.BySource}
	for name, got := range map[string][]graph.Owner{
		"the asset":  must[store.AssetView](t)(r.Asset(ctx, topic.Ref)).Owners,
		"its owners": must[map[graph.Ref][]graph.Owner](t)(r.Owners(ctx, topic.Ref))[topic.Ref],
	} {
		if diff := cmp.Diff([]graph.Owner{named}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, c := range []struct {
		asset graph.Asset
		want  string
	}{{view, ""}, {other, other.Definition}} {
		got := must[store.AssetView](t)(r.Asset(ctx, c.asset.Ref)).Asset.Definition
		if said := must[[]graph.Statement](t)(r.Statements(ctx, c.asset.Ref.String()))[0].SQL; got != c.want || said != c.want {
			t.Errorf("%s is defined as %q by %q, want %q", c.asset.Ref, got, said, c.want)
		}
	}
}

// pastTellsNoMore holds the same of history, of the audit log and of the access
// ledger.
func pastTellsNoMore(t *testing.T, open Open) {
	s := open(t, store.Config{})
	topic := graph.Asset{Ref: tableRef(4), Kind: graph.KindTopic, Source: "streams"}
	view := graph.Asset{Ref: tableRef(1), Kind: graph.KindView, Source: "warehouse", Definition: "SELECT secret FROM topic"}
	put(t, s, topic, view)
	_, err := s.Commit(t.Context(), boss, "look", func(tx *store.Tx) error {
		tx.Record(audit.Event{Action: "read", Object: topic.Ref.String(), Detail: map[string]string{"column": "secret"}})
		tx.Record(audit.Event{Action: "read", Object: view.Ref.String(), Detail: map[string]string{"beside": topic.Ref.Column("secret").String()}})
		return tx.HoldDecisions(t.Context(), []graph.Decision{{Audience: "analysts", Class: "of the topic alone"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	r, ctx := reader(t, s, tablesAlone, 0), t.Context()
	for _, v := range must[[]store.Version](t)(r.History(ctx, view.Ref)) {
		if a, ok := v.Item.(graph.Asset); ok && a.Definition != "" {
			t.Errorf("history tells %q", a.Definition)
		}
	}
	log := must[store.List[audit.Event]](t)(r.Events(ctx, store.EventsIn{}, store.Page{})).Items
	if len(log) != 1 || log[0].Object != view.Ref.String() || log[0].Detail != nil || log[0].Hash != (audit.Hash{}) {
		t.Errorf("the log tells %+v, want of the view alone, without detail", log)
	}
	if _, err := r.Decisions(ctx); !errors.Is(err, graph.ErrDenied) {
		t.Errorf("the whole ledger: %v, want denied", err)
	}
	numbersCountWhatIsShown(t, s, r, topic.Ref, view.Ref)
}

// numbersCountWhatIsShown holds that neither the number of an event nor a
// cursor tells how many there are on what is hidden.
func numbersCountWhatIsShown(t *testing.T, s *store.Store, r *store.Reader, hidden, visible graph.Ref) {
	t.Helper()
	for _, on := range []graph.Ref{hidden, visible, hidden, hidden, visible.Column("id"), hidden} {
		_, err := s.Commit(t.Context(), boss, "look", func(tx *store.Tx) error {
			tx.Record(audit.Event{Action: "look", Object: on.String()})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var told []string
	for page := (store.Page{First: 1}); ; {
		list := must[store.List[audit.Event]](t)(r.Events(t.Context(), store.EventsIn{Action: "look"}, page))
		for _, e := range list.Items {
			told = append(told, fmt.Sprint(e.Seq, " ", e.Object))
		}
		if page.After = list.Next; page.After == "" {
			break
		}
		if data, err := base64.RawURLEncoding.DecodeString(page.After); err != nil || string(data) != "3" {
			t.Errorf("the cursor is %q (%v), want the number that was told", data, err)
		}
	}
	if want := []string{"3 " + visible.Column("id").String(), "2 " + visible.String()}; !slices.Equal(told, want) {
		t.Errorf("the log tells %q, want %q", told, want)
	}
}

// plansTellOfNothingElse holds that a plan is shown only where all that its
// findings say may be known, and that the cursor of one that is not shown is
// as good as none.
func plansTellOfNothingElse(t *testing.T, open Open) {
	s := open(t, store.Config{})
	table := graph.Asset{Ref: tableRef(0), Kind: graph.KindTable, Source: "warehouse"}
	topic := graph.Asset{Ref: tableRef(4), Kind: graph.KindTopic, Source: "streams"}
	put(t, s, table, topic)
	hidden := graph.Filter{Visible: tablesAlone.Visible}
	for _, c := range []struct {
		name    string
		finding graph.Finding
		filter  graph.Filter
		shown   bool
	}{
		{"about what is visible", graph.Finding{Ref: table.Ref}, hidden, true},
		{"about what is only discoverable", graph.Finding{Ref: topic.Ref, What: "secret moved"}, tablesAlone, false},
		{"which names what is hidden", graph.Finding{Ref: table.Ref, About: []graph.Ref{topic.Ref}}, hidden, false},
		{"which names what is discoverable", graph.Finding{Ref: table.Ref, About: []graph.Ref{topic.Ref}, Code: "x"}, tablesAlone, true},
	} {
		var saved graph.SavedPlan
		_, err := s.Commit(t.Context(), boss, "plan", func(tx *store.Tx) (err error) {
			saved, err = tx.SavePlan(t.Context(), graph.Plan{Catalog: s.Catalog(), Findings: []graph.Finding{c.finding}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		r, ctx := reader(t, s, c.filter, 0), t.Context()
		if _, err := r.Plan(ctx, saved.ID); errors.Is(err, graph.ErrNotFound) == c.shown {
			t.Errorf("a plan with a finding %s: %v, want shown %v", c.name, err, c.shown)
		}
		if _, err := r.Plans(ctx, store.Page{After: base64.RawURLEncoding.EncodeToString([]byte(strconv.Quote(saved.ID)))}); errors.Is(err, graph.ErrInvalid) == c.shown {
			t.Errorf("after a plan with a finding %s: %v, want a cursor %v", c.name, err, c.shown)
		}
	}
}
