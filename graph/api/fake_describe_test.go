package api_test

import (
	"context"
	"fmt"
	"slices"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/graphtest"
)

// Annotate lets Olu say what assets and columns are.
func (f *fake) Annotate(_ context.Context, who graph.Principal, requests []graph.AnnotateRequest) (graph.Revision, error) {
	if err := may(who, graphtest.Olu()); err != nil {
		return 0, err
	}
	now := f.company.Snapshot()
	for _, r := range requests {
		said := graphtest.Annotated(r.Ref, r.Attribute, r.Value, who.ID)
		if before, ok := now.Get(said); r.Was != nil && ok && before.(graph.Annotation).Value != *r.Was {
			return 0, fmt.Errorf("describe %s: it was changed: %w", r.Ref, graph.ErrConflict)
		}
		said.Provenance.Why = r.Reason
		now.Put(said)
	}
	f.company.Items = now.Sorted()
	return fakeHead + 1, f.called("Annotate")
}

// Own lets Olu name owners.
func (f *fake) Own(_ context.Context, who graph.Principal, requests []graph.OwnRequest) (graph.Revision, error) {
	if err := may(who, graphtest.Olu()); err != nil {
		return 0, err
	}
	now := f.company.Snapshot()
	for _, r := range requests {
		var counting []string
		for _, o := range graph.EffectiveOwners(f.ownersOf(r.Ref)) {
			if o.Role == r.Role {
				counting = append(counting, o.Principal)
			}
		}
		if !slices.Equal(counting, r.Was) {
			return 0, fmt.Errorf("own %s: %v own it: %w", r.Ref, counting, graph.ErrConflict)
		}
		for _, p := range r.Principals {
			now.Put(graph.Owner{Asset: r.Ref, Principal: p, Role: r.Role, Provenance: graph.Provenance{Kind: graph.ByPerson, Name: who.ID, Why: r.Reason}})
		}
	}
	f.company.Items = now.Sorted()
	return fakeHead + 1, f.called("Own")
}

// Runs are a crawl, one that was undone, and the undoing.
func (f *fake) Runs(_ context.Context, who graph.Principal, source string, first int) ([]shape.Run, error) {
	if err := may(who, graphtest.Olu()); err != nil {
		return nil, err
	}
	if source != "warehouse" {
		return []shape.Run{}, f.called("Runs")
	}
	runs := []shape.Run{
		shape.NewRun(6, fakeNow(), graphtest.Olu().ID, 3, 0, map[string]int{"columns.began": 2}),
		shape.NewRun(3, fakeNow(), "service:cadastre", 0, 6, map[string]int{"columns.ended": 2}),
		shape.NewRun(1, fakeNow(), "service:cadastre", 0, 0, map[string]int{"columns.began": 9, "assets.began": 4, "assets.changed": 1}),
	}
	return runs[:min(first, len(runs))], f.called("Runs")
}

func (f *fake) UndoPreview(_ context.Context, who graph.Principal, run graph.Revision) (shape.UndoRun, error) {
	if err := may(who, graphtest.Olu()); err != nil {
		return shape.UndoRun{}, err
	}
	if run != 3 {
		return shape.UndoRun{}, fmt.Errorf("revision %d is no run: %w", run, graph.ErrInvalid)
	}
	delta := graph.Delta{graph.Began{Now: graph.Column{Ref: f.company.Core.Column("was_there")}}}
	return shape.UndoRun{
		Run: run, Source: "warehouse", Changes: shape.CountChanges(delta), LaterTotal: 2, Later: []graph.Ref{f.company.Core},
	}, f.called("UndoPreview")
}

func (f *fake) UndoRun(ctx context.Context, who graph.Principal, run graph.Revision, keepLater bool) (shape.UndoRun, error) {
	did, err := f.UndoPreview(ctx, who, run)
	if err == nil && !keepLater {
		return did, fmt.Errorf("later commits changed some of it: %w", graph.ErrConflict)
	}
	made := fakeHead + 1
	did.Made = &made
	return did, err
}
