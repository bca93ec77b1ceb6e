package api_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/graphtest"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
)

// fake is everything that the API needs, over the small company. Ana sees what
// AnalystFilter shows, Olu and Uma everything, everybody else nothing. Olu
// tags, plans and crawls; Uma approves, applies and audits.
type fake struct {
	company graphtest.Company
	index   *search.Index
	walks   *walk.Graph
	// err is what every call answers, where it is set.
	err error

	mu    sync.Mutex
	calls map[string]int
	// asked counts the revisions at which anything was asked.
	asked map[graph.AsOf]int
	plans []graph.SavedPlan
	glass *shape.BreakGlass
}

var (
	_ api.Catalog       = (*fake)(nil)
	_ api.Governor      = (*fake)(nil)
	_ api.Tagger        = (*fake)(nil)
	_ api.Describer     = (*fake)(nil)
	_ api.Planner       = (*fake)(nil)
	_ api.Auditor       = (*fake)(nil)
	_ api.Operator      = (*fake)(nil)
	_ api.Undoer        = (*fake)(nil)
	_ api.Administrator = (*fake)(nil)
	_ api.Glass         = (*fake)(nil)
	_ api.Reader        = fakeReader{}
)

const fakeHead graph.Revision = 7

func fakeNow() time.Time { return time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC) }

func newFake() *fake {
	f := &fake{company: graphtest.NewCompany(), index: search.New(), calls: map[string]int{}, asked: map[graph.AsOf]int{}}
	f.walks = walk.New(graphtest.Of[graph.Edge](f.company.Items), graphtest.Of[graph.Statement](f.company.Items))
	for _, a := range graphtest.Of[graph.Asset](f.company.Items) {
		doc := search.Doc{Asset: a}
		for _, o := range f.ownersOf(a.Ref) {
			doc.Owners = append(doc.Owners, o.Principal)
		}
		for _, c := range f.columnsOf(a.Ref) {
			doc.Columns = append(doc.Columns, search.DocColumn{Ref: c.Ref, Description: c.Description})
		}
		for _, t := range f.tagsOf(a.Ref) {
			if t.Label != graph.LabelNone && t.State != graph.TagRejected {
				doc.Labels = append(doc.Labels, t.Label)
			}
		}
		f.index.Put(doc)
	}
	return f
}

// config wires the API to the fake, asked by who.
func (f *fake) config(who graph.Principal) api.Config {
	return api.Config{
		Catalog: f, Governor: f, Tagger: f, Describer: f, Planner: f, Auditor: f, Operator: f, Undoer: f, Administrator: f, Glass: f,
		Principal: func(context.Context) (graph.Principal, bool) { return who, who.ID != "" },
		RequestID: func(context.Context) string { return "request-1" },
	}
}

// called counts a call and returns the error that it must answer.
func (f *fake) called(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[name]++
	return f.err
}

// counted returns how often each call was made.
func (f *fake) counted() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.calls)
}

func (f *fake) filter(who graph.Principal) graph.Filter {
	switch who.ID {
	case graphtest.Olu().ID, graphtest.Uma().ID:
		return graph.Everything()
	case graphtest.Ana().ID:
		return f.company.AnalystFilter()
	}
	return graph.Filter{}
}

func itemsOf[T graph.Item](f *fake, asset graph.Ref) []T {
	var out []T
	for _, i := range graphtest.Of[T](f.company.Items) {
		if i.About() == asset {
			out = append(out, i)
		}
	}
	return out
}

func (f *fake) ownersOf(asset graph.Ref) []graph.Owner { return itemsOf[graph.Owner](f, asset) }

func (f *fake) tagsOf(asset graph.Ref) []graph.Tag { return itemsOf[graph.Tag](f, asset) }

func (f *fake) columnsOf(asset graph.Ref) []graph.Column {
	columns := itemsOf[graph.Column](f, asset)
	slices.SortFunc(columns, func(a, b graph.Column) int { return a.Position - b.Position })
	return columns
}

// may refuses a person who is none of those named.
func may(who graph.Principal, people ...graph.Principal) error {
	if slices.ContainsFunc(people, func(p graph.Principal) bool { return p.ID == who.ID }) {
		return nil
	}
	return fmt.Errorf("%s may not: %w", who.ID, graph.ErrDenied)
}

func (f *fake) Reader(ctx context.Context, who graph.Principal) (api.Reader, error) {
	f.noted(ctx)
	return fakeReader{f, f.filter(who), graph.AsOfFrom(ctx).Revision}, f.called("Reader")
}

// LastSeen tells the time for what is visible.
func (f *fake) LastSeen(_ context.Context, who graph.Principal, assets ...graph.Ref) (map[graph.Ref]time.Time, error) {
	out := map[graph.Ref]time.Time{}
	for _, ref := range assets {
		if (fakeReader{f, f.filter(who), fakeHead}).visibility(ref) == graph.Visible {
			out[ref] = fakeNow()
		}
	}
	return out, f.called("LastSeen")
}

type fakeReader struct {
	*fake
	sees graph.Filter
	at   graph.Revision
}

func (r fakeReader) Revision() graph.Revision { return r.at }

func (r fakeReader) visibility(ref graph.Ref) graph.Visibility {
	a, ok := r.company.Snapshot().Get(graph.Asset{Ref: ref})
	if !ok {
		return graph.Hidden
	}
	return r.sees.Of(a.(graph.Asset), nil)
}

func (r fakeReader) Assets(_ context.Context, refs ...graph.Ref) (map[graph.Ref]shape.AssetView, error) {
	out := map[graph.Ref]shape.AssetView{}
	for _, a := range graphtest.Of[graph.Asset](r.company.Items) {
		if v := r.visibility(a.Ref); slices.Contains(refs, a.Ref) && v != graph.Hidden {
			view := shape.AssetView{Asset: a, Visibility: v, Owners: r.ownersOf(a.Ref), Annotations: itemsOf[graph.Annotation](r.fake, a.Ref)}
			if v == graph.Discoverable {
				view.Asset, view.Annotations = graph.Asset{Ref: a.Ref, Kind: a.Kind}, nil
			}
			out[a.Ref] = view
		}
	}
	return out, r.called("Assets")
}

// ofVisible returns what get returns for those of the assets that are visible.
func ofVisible[T any](r fakeReader, assets []graph.Ref, get func(graph.Ref) []T) map[graph.Ref][]T {
	out := map[graph.Ref][]T{}
	for _, a := range assets {
		if r.visibility(a) == graph.Visible {
			out[a] = get(a)
		}
	}
	return out
}

func (r fakeReader) Columns(_ context.Context, assets ...graph.Ref) (map[graph.Ref][]graph.Column, error) {
	return ofVisible(r, assets, r.columnsOf), r.called("Columns")
}

func (r fakeReader) Tags(_ context.Context, assets ...graph.Ref) (map[graph.Ref][]graph.Tag, error) {
	return ofVisible(r, assets, r.tagsOf), r.called("Tags")
}

func (r fakeReader) Statements(_ context.Context, targets ...graph.Ref) (map[graph.Ref][]graph.Statement, error) {
	return ofVisible(r, targets, func(ref graph.Ref) []graph.Statement { return itemsOf[graph.Statement](r.fake, ref) }), r.called("Statements")
}

func (r fakeReader) Search(_ context.Context, q search.Query) (search.Result, error) {
	if err := r.called("Search"); err != nil {
		return search.Result{}, err
	}
	return r.index.Query(q, r.sees)
}

func (r fakeReader) Walk(_ context.Context, q walk.Query) (walk.Result, map[string]graph.Statement, error) {
	q.Visibility = r.visibility
	statements := map[string]graph.Statement{}
	for _, s := range graphtest.Of[graph.Statement](r.company.Items) {
		statements[s.ID] = s
	}
	return r.walks.Walk(q), statements, r.called("Walk")
}

func (f *fake) Audiences() []graph.Audience { return graphtest.Audiences() }

func (f *fake) Vocabulary() []shape.LabelTerm {
	return []shape.LabelTerm{
		{Label: graphtest.LabelEmail, Title: "E-mail address", Description: "Where somebody gets e-mail."},
		{Label: "user.health", Title: "Health", Description: "What is said of somebody's health.", Special: true},
	}
}

func (f *fake) Actions(_ context.Context, who graph.Principal) ([]string, error) {
	actions := map[string][]string{
		graphtest.Olu().ID: {"tag", "describe", "plan", "crawl"}, graphtest.Uma().ID: {"approve", "apply", "audit"},
	}
	return actions[who.ID], f.called("Actions")
}

// ExplainColumns denies what nobody looked at, masks what is tagged and allows
// the rest.
func (f *fake) ExplainColumns(ctx context.Context, who graph.Principal, assets []graph.Ref, audiences []string) (map[graph.Ref][]shape.Explanation, error) {
	f.noted(ctx)
	out := map[graph.Ref][]shape.Explanation{}
	reader := fakeReader{f, f.filter(who), fakeHead}
	for _, columns := range ofVisible(reader, assets, f.columnsOf) {
		for _, c := range columns {
			var tags []graph.Tag
			for _, t := range f.tagsOf(c.About()) {
				if t.Ref == c.Ref {
					tags = append(tags, t)
				}
			}
			for _, a := range graphtest.Audiences() {
				if len(audiences) == 0 || slices.Contains(audiences, a.Name) {
					out[c.Ref] = append(out[c.Ref], explanation(c.Ref, a.Name, graph.Assess(tags)))
				}
			}
		}
	}
	return out, f.called("ExplainColumns")
}

func explanation(column graph.Ref, audience string, assessment graph.Assessment) shape.Explanation {
	d := graph.Decision{Audience: audience, Policy: "p0"}
	example := ""
	switch assessment {
	case graph.Untouched:
		d.Effect, d.Rules = graph.EffectDeny, []graph.Rule{{ID: "deny.untouched", Why: "nobody has looked at it"}}
	case graph.Tagged:
		d.Effect, d.Method, d.Rules = graph.EffectMask, "null", []graph.Rule{{ID: "mask.personal", Why: "it is personal"}}
		example = "NULL"
	case graph.AssessedNone:
		d.Effect, d.Rules, example = graph.EffectAllow, []graph.Rule{{ID: "allow.none", Why: "nothing personal"}}, "abc"
	}
	return shape.NewExplanation(column, d, example)
}

func (f *fake) Views(ctx context.Context, who graph.Principal, bases ...graph.Ref) (map[graph.Ref][]shape.PublishedView, error) {
	f.noted(ctx)
	out := map[graph.Ref][]shape.PublishedView{}
	if slices.Contains(bases, f.company.Core) && (fakeReader{f, f.filter(who), fakeHead}).visibility(f.company.Core) == graph.Visible {
		out[f.company.Core] = []shape.PublishedView{{Ref: graph.BigQueryRef("shop", "view_analysts", "customers"), Audience: "analysts"}}
	}
	return out, f.called("Views")
}

// May lets Olu tag and describe what is visible, but for topics.
func (f *fake) May(ctx context.Context, who graph.Principal, action graph.Action, assets ...graph.Ref) (map[graph.Ref]bool, error) {
	f.noted(ctx)
	out := map[graph.Ref]bool{}
	for _, a := range assets {
		visible := fakeReader{f, f.filter(who), fakeHead}.visibility(a) == graph.Visible
		out[a] = visible && who.ID == graphtest.Olu().ID && a.Namespace == graph.NamespaceBigQuery
	}
	return out, f.called("May " + string(action))
}

func (f *fake) WhoCouldSee(ctx context.Context, who graph.Principal, column graph.Ref, revision graph.Revision, at time.Time) (shape.WhoCouldSee, error) {
	f.noted(ctx)
	if err := may(who, graphtest.Uma()); err != nil {
		return shape.WhoCouldSee{}, err
	}
	if _, ok := f.company.Snapshot().Get(graph.Column{Ref: column}); !ok {
		return shape.WhoCouldSee{}, fmt.Errorf("column %s: %w", column, graph.ErrNotFound)
	}
	if revision == 0 {
		revision = graph.AsOfFrom(ctx).Revision
	}
	if at.IsZero() {
		at = fakeNow()
	}
	return shape.WhoCouldSee{
		Column: column, Revision: revision, At: at,
		Ways: []shape.Way{
			{Principal: "group:fraud@example.org", Through: column.Asset(), Form: "clear", Why: "a grant on the asset", Since: 2},
			{Principal: "group:analysts@example.org", Audience: "analysts", Through: f.company.View, Form: "masked", Method: "null", Why: "mask.personal", Since: 3},
		},
		Reasons: []string{"the members of groups are not known"},
	}, f.called("WhoCouldSee")
}
