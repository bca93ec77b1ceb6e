package serve

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
)

// leak is the API of an app with one thing that it tells too much of.
type leak struct {
	name string
	// field is the root field by which it is asked for.
	field string
	spoil func(*App, *api.Config)
}

// leaks are the ways in which filtering is broken on purpose.
func leaks() []leak {
	reader := func(name, field string) leak {
		return leak{name, field, func(app *App, c *api.Config) { c.Catalog = leakyCatalog{apiCatalog{app}, name} }}
	}
	return []leak{
		reader("hidden assets are shown", "asset"),
		reader("discoverable assets are shown whole", "asset"),
		reader("owners tell who says so", "asset"),
		reader("words of people are told of the discoverable", "asset"),
		reader("the past is everybody's", "search"),
		reader("history is told of everything", "asset"),
		reader("tags tell their way", "asset"),
		reader("statements tell their SQL", "asset"),
		reader("search finds everything", "search"),
		reader("search counts everything", "search"),
		reader("facets count everything", "search"),
		reader("another page follows", "search"),
		reader("lineage goes through everything", "lineage"),
		reader("lineage counts what is further on", "lineage"),
		reader("lineage says what it lacks", "lineage"),
		{"what is hidden is explained", "explain", func(app *App, c *api.Config) { c.Governor = leakyGovernor{app, app, true} }},
		{"hidden views are named", "asset", func(app *App, c *api.Config) { c.Governor = leakyGovernor{app, app, false} }},
		{"the inbox is everybody's", "inbox", func(app *App, c *api.Config) { c.Tagger = leakyTagger{app, app, true} }},
		{"what is hidden is denied, not missing", "tag", func(app *App, c *api.Config) { c.Tagger = leakyTagger{app, app, false} }},
		{"plans are everybody's", "plans", func(app *App, c *api.Config) { c.Planner = leakyPlanner{app, app} }},
		{"jobs are everybody's", "activity", func(app *App, c *api.Config) { c.Operator = leakyOperator{app, app, true} }},
		{"sources count everything", "sources", func(app *App, c *api.Config) { c.Operator = leakyOperator{app, app, false} }},
	}
}

// everybody is the principal to whom leaking parts listen.
func everybody() graph.Principal { return system() }

type leakyCatalog struct {
	apiCatalog
	what string
}

func (l leakyCatalog) Reader(ctx context.Context, who graph.Principal) (api.Reader, error) {
	honest, err := l.apiCatalog.Reader(ctx, who)
	if err != nil {
		return nil, err
	}
	all, err := l.apiCatalog.Reader(ctx, everybody())
	if l.what == "the past is everybody's" && graph.AsOfFrom(ctx).Past {
		return all, err
	}
	return leakyReader{honest, all, l.what}, err
}

func (l leakyCatalog) History(ctx context.Context, who graph.Principal, asset graph.Ref, first int, after string) (shape.History, error) {
	if l.what == "history is told of everything" {
		who = everybody()
	}
	return l.apiCatalog.History(ctx, who, asset, first, after)
}

// leakyReader is an honest reader that answers one thing as if nothing was
// hidden.
type leakyReader struct {
	api.Reader
	all  api.Reader
	what string
}

func (l leakyReader) Assets(ctx context.Context, refs ...graph.Ref) (map[graph.Ref]shape.AssetView, error) {
	honest, err := l.Reader.Assets(ctx, refs...)
	all, also := l.all.Assets(ctx, refs...)
	if err != nil || also != nil {
		return nil, fmt.Errorf("%w, %w", err, also)
	}
	for ref, v := range all {
		h, shown := honest[ref]
		switch {
		case l.what == "hidden assets are shown" && !shown:
			honest[ref] = v
		case l.what == "discoverable assets are shown whole" && h.Visibility == graph.Discoverable:
			v.Visibility = graph.Discoverable
			honest[ref] = v
		case l.what == "owners tell who says so" && shown:
			h.Owners = v.Owners
			honest[ref] = h
		case l.what == "words of people are told of the discoverable" && h.Visibility == graph.Discoverable:
			h.Annotations = v.Annotations
			honest[ref] = h
		}
	}
	return honest, nil
}

func (l leakyReader) Tags(ctx context.Context, assets ...graph.Ref) (map[graph.Ref][]graph.Tag, error) {
	if l.what == "tags tell their way" {
		return l.all.Tags(ctx, assets...)
	}
	return l.Reader.Tags(ctx, assets...)
}

func (l leakyReader) Statements(ctx context.Context, targets ...graph.Ref) (map[graph.Ref][]graph.Statement, error) {
	if l.what == "statements tell their SQL" {
		return l.all.Statements(ctx, targets...)
	}
	return l.Reader.Statements(ctx, targets...)
}

func (l leakyReader) Search(ctx context.Context, q search.Query) (search.Result, error) {
	honest, err := l.Reader.Search(ctx, q)
	if err != nil {
		return honest, err
	}
	all, err := l.all.Search(ctx, q)
	switch l.what {
	case "search finds everything":
		honest = all
	case "search counts everything":
		honest.Total = all.Total
	case "facets count everything":
		honest.Facets = all.Facets
	case "another page follows":
		honest.HasNext = all.HasNext
	}
	return honest, err
}

func (l leakyReader) Walk(ctx context.Context, q walk.Query) (walk.Result, map[string]graph.Statement, error) {
	honest, statements, err := l.Reader.Walk(ctx, q)
	if err != nil {
		return honest, statements, err
	}
	all, said, err := l.all.Walk(ctx, q)
	switch l.what {
	case "lineage goes through everything":
		return all, said, err
	case "lineage says what it lacks":
		honest.Complete, honest.Reasons = all.Complete, all.Reasons
	case "lineage counts what is further on":
		more := map[graph.Ref]int{}
		for _, n := range all.Nodes {
			more[n.Ref] = n.More
		}
		for i, n := range honest.Nodes {
			honest.Nodes[i].More = max(n.More, more[n.Ref])
		}
	}
	return honest, statements, err
}

type leakyGovernor struct {
	api.Governor
	app      *App
	explains bool
}

func (l leakyGovernor) ExplainColumns(ctx context.Context, who graph.Principal, assets []graph.Ref, audiences []string) (map[graph.Ref][]shape.Explanation, error) {
	if l.explains {
		who = everybody()
	}
	return l.app.ExplainColumns(ctx, who, assets, audiences)
}

func (l leakyGovernor) Views(ctx context.Context, who graph.Principal, bases ...graph.Ref) (map[graph.Ref][]shape.PublishedView, error) {
	if !l.explains {
		who = everybody()
	}
	return l.app.Views(ctx, who, bases...)
}

type leakyTagger struct {
	api.Tagger
	app   *App
	inbox bool
}

func (l leakyTagger) Inbox(ctx context.Context, who graph.Principal) ([]graph.Tag, error) {
	if l.inbox {
		return l.app.Inbox(ctx, graph.Principal{ID: "p1@corp.example", Groups: append(groups(), who.Groups...)})
	}
	return l.app.Inbox(ctx, who)
}

func (l leakyTagger) Tag(ctx context.Context, who graph.Principal, requests []graph.TagRequest) ([]graph.Tag, graph.Revision, error) {
	all, err := l.app.reader(ctx, everybody(), 0)
	if err != nil {
		return nil, 0, err
	}
	if !l.inbox && len(requests) > 0 {
		mine, err := l.app.May(ctx, who, graph.ActionTag, requests[0].Ref.Asset())
		if _, there := all.Asset(ctx, requests[0].Ref); err == nil && there == nil && !mine[requests[0].Ref.Asset()] {
			return nil, 0, fmt.Errorf("tag: it is not yours: %w", graph.ErrDenied)
		}
	}
	return l.app.Tag(ctx, who, requests)
}

type leakyPlanner struct {
	api.Planner
	app *App
}

func (l leakyPlanner) Plans(ctx context.Context, _ graph.Principal, first int, after string) ([]graph.SavedPlan, string, error) {
	return l.app.Plans(ctx, everybody(), first, after)
}

type leakyOperator struct {
	api.Operator
	app  *App
	jobs bool
}

func (l leakyOperator) Activity(ctx context.Context, who graph.Principal) ([]shape.Activity, error) {
	if l.jobs {
		who = l.app.LocalPrincipal()
	}
	return l.app.Activity(ctx, who)
}

func (l leakyOperator) Sources(ctx context.Context, who graph.Principal) ([]shape.Source, error) {
	honest, err := l.app.Sources(ctx, who)
	if err != nil || l.jobs {
		return honest, err
	}
	all, err := l.app.Sources(ctx, everybody())
	for i := range honest {
		honest[i].Assets = all[i].Assets
	}
	return honest, err
}

// The law can fail: whatever is told too much of, some answer gives it away.
func TestEachLeakIsFound(t *testing.T) {
	t.Parallel()
	hearings := unequal(t, 3)
	for _, l := range leaks() {
		if document, fault := found(hearings, l); fault == "" {
			t.Errorf("nobody found that %s", l.name)
		} else {
			t.Logf("%s: %.200s\n%.300s", l.name, document, fault)
		}
	}
}

// unequal are hearings of people who see some, may discover some, and must not
// know of some, and who are not told whole plans. To the last a published view
// is hidden over a base that they see.
func unequal(t *testing.T, n int) []*hearing {
	t.Helper()
	var out []*hearing
	for seed := uint64(1); len(out) < n; seed++ {
		w := newWriter(t, seed)
		for _, who := range w.people {
			s := w.seer(who)
			see, count := s.judge(w.account.last()), map[graph.Visibility]int{}
			view := false
			for _, t := range w.things {
				count[see(t.asset.Ref)]++
				_, stands := w.account.last().Get(t.asset)
				view = view || stands && t.base != nil && see(t.asset.Ref) == graph.Hidden && see(t.base.asset.Ref) == graph.Visible
			}
			some := count[graph.Visible] > 4 && count[graph.Hidden] > 4 && count[graph.Discoverable] > 1
			if !s.plans && !s.operates && len(out) < n && (some && len(out) < n-1 || view && len(out) == n-1) {
				out = append(out, newHearing(w, who, w.serving))
			}
		}
	}
	return out
}

// found asks until an answer gives a leak away.
func found(hearings []*hearing, l leak) (document, fault string) {
	for _, h := range hearings {
		h.here.handler, h.twin.handler = h.leaking(h.apps[0], h.s.who, l.spoil), h.leaking(h.apps[1], h.s.who, l.spoil)
	}
	for range 60 {
		for _, h := range hearings {
			word, root := "query", h.schema.Query
			f := root.Fields.ForName(l.field)
			if f == nil {
				word, root = "mutation", h.schema.Mutation
				f = root.Fields.ForName(l.field)
			}
			h.prefer()
			document := h.whole(word, root, f)
			if fault := h.ask(document); fault != "" && !strings.HasPrefix(fault, internalFault) {
				return document, fault
			}
		}
	}
	return "", ""
}
