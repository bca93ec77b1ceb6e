package api_test

import (
	"context"
	"fmt"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
)

// fakeFloor is the oldest revision of the fake; one was made each day, the
// newest at fakeNow.
const fakeFloor graph.Revision = 3

func fakeDay(at graph.Revision) time.Time { return fakeNow().AddDate(0, 0, int(at-fakeHead)) }

// noted counts at which revision something is asked.
func (f *fake) noted(ctx context.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[graph.AsOfFrom(ctx)]++
}

func (f *fake) AsOf(_ context.Context, m graph.Moment) (graph.AsOf, error) {
	if m.IsZero() {
		return graph.AsOf{Revision: fakeHead}, nil
	}
	at := m.Revision
	if at == 0 {
		for at = fakeHead; at > 0 && fakeDay(at).After(m.Time); {
			at--
		}
	}
	switch {
	case at > fakeHead:
		return graph.AsOf{}, fmt.Errorf("as of revision %d: it is not there yet: %w", at, graph.ErrNotFound)
	case at < fakeFloor:
		return graph.AsOf{}, fmt.Errorf("as of %s: history before revision %d was removed: %w", m, fakeFloor, graph.ErrNotFound)
	}
	return graph.AsOf{Revision: at, Past: true}, nil
}

func (f *fake) Standing(ctx context.Context, _ graph.Principal) (shape.Standing, error) {
	f.noted(ctx)
	at := graph.AsOfFrom(ctx).Revision
	return shape.Standing{
		Revision: at, At: fakeDay(at), Newest: at == fakeHead, Head: fakeHead,
		Since: fakeFloor, SinceAt: fakeDay(fakeFloor), ForgottenAt: fakeNow(),
	}, f.called("Standing")
}

func (f *fake) History(ctx context.Context, who graph.Principal, asset graph.Ref, first int, after string) (shape.History, error) {
	f.noted(ctx)
	out := shape.History{Edges: []shape.HistoryEdge{}}
	if after != "" || (fakeReader{f, f.filter(who), fakeHead}).visibility(asset) != graph.Visible {
		return out, f.called("History")
	}
	entry := shape.HistoryEntry{Revision: fakeFloor + 1, At: fakeDay(fakeFloor + 1), Actor: "service:cadastre", Why: "crawl warehouse", Changes: []shape.HistoryChange{
		{How: "changed", Noun: "asset", Ref: asset, Name: asset.Base(), Attributes: []graph.AttributeChange{{Name: "title", From: "", To: "Customers"}}},
		{How: "ended", Noun: "column", Ref: asset.Column("fax"), Name: "fax", Attributes: []graph.AttributeChange{}},
	}}
	out.Edges = append(out.Edges, shape.HistoryEdge{Cursor: "end", Node: entry})
	out.PageInfo = shape.NewPageInfo(false, "end")
	return out, f.called("History")
}
