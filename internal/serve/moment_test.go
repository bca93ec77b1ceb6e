package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/graphtest"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
	"cadastre.dev/cadastre/internal/sandbox/company"
	"cadastre.dev/cadastre/policy/view"
)

// graphql asks an app as somebody, and returns the whole answer.
func graphql(t *testing.T, a *App, who graph.Principal, query string) string {
	t.Helper()
	handler := api.New(api.Config{
		Catalog: apiCatalog{a}, Governor: a, Tagger: a, Planner: a, Auditor: a, Operator: a,
		Principal:  func(context.Context) (graph.Principal, bool) { return who, true },
		Complexity: 1_000_000,
	})
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Body.String()
}

// everything asks for all that has an answer as of the past. What tells of now
// beside it (me, and which revision is the newest) is left out.
const everything = `{
  standing { revision at }
  inbox(first: 100) { total edges { node { ref label state evidence provenance { kind name why } } } }
  search(query: "", first: 100) {
    total revision facets { attribute values { value count } }
    edges { why node {
      ref name kind visibility source parent location title description labels { key value } definition unread
      owners { principal role provenance { kind name why } } tags { label state form confidence evidence provenance { kind name why } }
      statement { id sql outcome reason unresolved } views { ref audience } mayTag
      history(first: 30) { complete edges { node { revision at actor why changes { how noun ref name attributes { name from to } } } } }
      columns { ref dataType mode description policyTags assessment tags { label state provenance { kind name } } whatISee { audience effect method example policy rules { id why } } }
    } }
  }
}`

// everythingAsOf is the answer to all that can be asked as of a revision,
// beside the catalog each ref by itself: one that is not found takes the rest
// of its document with it.
func everythingAsOf(t *testing.T, a *App, who graph.Principal, at graph.Revision, refs []graph.Ref) string {
	t.Helper()
	directive := fmt.Sprintf("query @asOf(revision: %d) ", at)
	answers := []string{graphql(t, a, who, directive+everything)}
	for _, ref := range refs {
		for _, field := range []string{
			fmt.Sprintf("lineage(ref: %q, direction: BOTH, depth: 9) { root nodes { ref name labels distance more } edges { from to kind outcome statement { id sql } } complete reasons }", ref),
			fmt.Sprintf("asset(ref: %q) { columns { path } }", ref),
			fmt.Sprintf("explain(column: %q) { audience effect method policy rules { id why } }", ref.Column("a")),
			fmt.Sprintf("whoCouldSee(column: %q) { revision at reasons ways { principal audience through form method why since } }", ref.Column("a")),
		} {
			answers = append(answers, graphql(t, a, who, directive+"{ "+field+" }"))
		}
	}
	return strings.Join(answers, "\n")
}

// Law: whatever is committed later, the whole answer as of a revision is byte
// for byte what it was, to those who see all and to those who see some.
func TestTheWholeAnswerAsOfARevisionNeverChanges(t *testing.T) {
	t.Parallel()
	olga := graph.Principal{ID: "olga@shop.example", Groups: []string{"owners@shop.example", "auditors@shop.example", "analysts@shop.example"}}
	for seed := range uint64(2) {
		b := newBench(t)
		r := rand.New(rand.NewPCG(seed, 11))
		refs := []graph.Ref{people().Ref}
		for _, item := range graphtest.RandomSnapshot(r, 40).Sorted() {
			if ref := item.About(); !slices.Contains(refs, ref) && !ref.IsZero() && len(refs) < 4 {
				refs = append(refs, ref)
			}
		}
		then := map[graph.Revision][2]string{}
		ask := func(at graph.Revision) [2]string {
			return [2]string{everythingAsOf(t, b.app, b.app.LocalPrincipal(), at, refs), everythingAsOf(t, b.app, olga, at, refs)}
		}
		for round := range 9 {
			b.change(func(next graph.Snapshot) { scramble(r, next, round) })
			then[b.head()] = ask(b.head())
			if r.IntN(3) > 0 {
				b.decided()
				then[b.head()] = ask(b.head())
			}
		}
		if len(then) < 10 {
			t.Fatalf("seed %d: %d revisions are too few", seed, len(then))
		}
		for at, want := range then {
			if diff := cmp.Diff(want, ask(at)); diff != "" {
				t.Errorf("seed %d: as of revision %d (-then +now):\n%s", seed, at, diff)
			}
			if !strings.Contains(want[1], `"visibility":"visible"`) {
				t.Errorf("seed %d: as of revision %d Olga sees nothing", seed, at)
			}
			for _, part := range []string{fmt.Sprintf(`"standing":{"revision":%d,`, at), `"attributes":[{`, `"whoCouldSee":{"revision"`, `"explain":[{`, `"lineage":{`} {
				if !strings.Contains(want[0], part) {
					t.Errorf("seed %d: as of revision %d the answer lacks %s: %s", seed, at, part, want[0])
				}
			}
		}
	}
}

// scramble draws the next state of a catalog in which people's table stands.
func scramble(r *rand.Rand, next graph.Snapshot, round int) {
	for key := range next {
		if r.IntN(4) == 0 {
			delete(next, key)
		}
	}
	for _, item := range graphtest.RandomSnapshot(r, 15) {
		next.Put(item)
	}
	table := people()
	table.Title = fmt.Sprint(round)
	next.Put(table)
	next.Put(leaf(table, "a", "STRING", 0))
}

func (b *bench) head() graph.Revision {
	b.t.Helper()
	head, err := b.app.store.Head(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return head
}

func TestAMomentNamesARevision(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	b := newBenchAt(t, func() time.Time { return now })
	if _, err := b.app.AsOf(t.Context(), graph.Moment{Time: now}); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("the empty catalog is asked as of now: %v", err)
	}
	for day := range 3 {
		asset := people()
		asset.Title = fmt.Sprint(day)
		b.put(asset)
		now = now.AddDate(0, 0, 1)
	}
	for _, tt := range []struct {
		name string
		m    graph.Moment
		want graph.AsOf
		kind error
		text string
	}{
		{name: "now", want: graph.AsOf{Revision: 3}},
		{name: "a revision", m: graph.Moment{Revision: 2}, want: graph.AsOf{Revision: 2, Past: true}},
		{name: "the newest by number", m: graph.Moment{Revision: 3}, want: graph.AsOf{Revision: 3, Past: true}},
		{name: "the time of a commit", m: graph.Moment{Time: now.AddDate(0, 0, -2)}, want: graph.AsOf{Revision: 2, Past: true}},
		{name: "just before it", m: graph.Moment{Time: now.AddDate(0, 0, -2).Add(-time.Microsecond)}, want: graph.AsOf{Revision: 1, Past: true}},
		{name: "the end of today", m: graph.Moment{Time: graph.EndOfDay(now)}, want: graph.AsOf{Revision: 3, Past: true}},
		{name: "later today", m: graph.Moment{Time: now.Add(time.Hour)}, kind: graph.ErrInvalid, text: "has not come yet"},
		{name: "tomorrow", m: graph.Moment{Time: graph.EndOfDay(now.AddDate(0, 0, 1))}, kind: graph.ErrInvalid, text: "has not come yet"},
		{name: "not there yet", m: graph.Moment{Revision: 4}, kind: graph.ErrNotFound, text: "the newest is 3"},
		{name: "negative", m: graph.Moment{Revision: -1}, kind: graph.ErrInvalid, text: "count from 1"},
		{name: "before the first", m: graph.Moment{Time: now.AddDate(-1, 0, 0)}, kind: graph.ErrNotFound, text: "begins later, at 2026-03-03T12:00:00Z"},
		{name: "two moments", m: graph.Moment{Revision: 1, Time: now}, kind: graph.ErrInvalid, text: "one moment"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := b.app.AsOf(t.Context(), tt.m)
			if tt.kind == nil && err != nil || tt.kind != nil && (err == nil || !strings.Contains(err.Error(), tt.text)) {
				t.Fatalf("got %v, want %v with %q", err, tt.kind, tt.text)
			}
			if tt.kind != nil {
				mustBe(t, err, tt.kind)
			}
			if got != tt.want {
				t.Errorf("%s is %+v, want %+v", tt.m, got, tt.want)
			}
		})
	}
}

// newBenchAt is a bench whose clock the test moves.
func newBenchAt(t *testing.T, now func() time.Time) *bench {
	t.Helper()
	b := newBench(t)
	config := b.app.config
	if err := b.app.Close(); err != nil {
		t.Fatal(err)
	}
	config.DataDir = t.TempDir()
	app, err := Open(t.Context(), config, Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	*b.app = App{} // closed above; what closes the bench closes the new one
	t.Cleanup(func() {
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{t: t, app: app, now: graph.Snapshot{}}
}

// In the past the ledger answers, not the policy of today: under a policy that
// moved since, with audiences that have gone, for a column nothing was decided
// of yet.
func TestThePastIsExplainedByTheLedger(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := people()
	name := leaf(a, "name", "STRING", 0)
	crawled := b.put(a, name, word(name.Ref, "user.name", graph.TagConfirmed))
	b.decided()
	decided := b.head()
	policyThen := b.app.policy.Hash()
	held, err := b.app.Explain(t.Context(), b.app.LocalPrincipal(), name.Ref, "")
	if err != nil {
		t.Fatal(err)
	}
	config := b.app.config
	config.Audiences = []AudienceConfig{{Name: "interns", Groups: []string{"interns@shop.example"}, Purpose: "analytics"}}
	later := b.reopened(config)
	b.decided()

	past := func(at graph.Revision) context.Context {
		then, err := later.AsOf(t.Context(), graph.Moment{Revision: at})
		if err != nil {
			t.Fatal(err)
		}
		return graph.WithAsOf(t.Context(), then)
	}
	if later.policy.Hash() == policyThen {
		t.Fatal("the policy did not move")
	}
	got, err := later.Explain(past(decided), later.LocalPrincipal(), name.Ref, "")
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(held, func(x, y graph.Decision) int { return strings.Compare(x.Audience, y.Audience) })
	if diff := cmp.Diff(held, got); diff != "" || got[0].Policy != policyThen {
		t.Errorf("as of revision %d (-then +now):\n%s", decided, diff)
	}
	got, err = later.Explain(past(crawled), later.LocalPrincipal(), name.Ref, "interns")
	if err != nil || len(got) != 1 || got[0].Effect != graph.EffectDeny || got[0].Rules[0].ID != "undecided" {
		t.Errorf("before anything was decided: %+v, %v", got, err)
	}
	if _, err := later.Explain(past(decided), later.LocalPrincipal(), name.Ref, "nobody"); err == nil {
		t.Error("an audience that never was is explained")
	}
	if now, err := later.Explain(t.Context(), later.LocalPrincipal(), name.Ref, ""); err != nil || len(now) != 1 || now[0].Audience != "interns" {
		t.Errorf("now: %+v, %v", now, err)
	}
	found, err := later.ExplainColumns(past(decided), later.LocalPrincipal(), []graph.Ref{a.Ref}, []string{"analysts"})
	if want := shape.NewExplanation(name.Ref, held[0], ""); err != nil || len(found[name.Ref]) != 1 || found[name.Ref][0].Effect != want.Effect || found[name.Ref][0].Policy != policyThen {
		t.Errorf("by asset: %+v, %v", found, err)
	}
}

// reopened opens the bench's catalog with another configuration.
func (b *bench) reopened(config Config) *App {
	b.t.Helper()
	if err := b.app.Close(); err != nil {
		b.t.Fatal(err)
	}
	app, err := Open(b.t.Context(), config, Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	*b.app = App{} // closed above
	b.app = app
	b.t.Cleanup(func() {
		if err := app.Close(); err != nil {
			b.t.Error(err)
		}
	})
	return app
}

// Views and what could be tagged are those of the moment.
func TestViewsAreThoseThatStoodThen(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := people()
	before := b.put(a, leaf(a, "name", "STRING", 0))
	published, items := b.publishedView(a, "analysts", view.Field{Name: "name", Path: "name", Mode: graph.ModeNullable, Type: "STRING", Effect: graph.EffectAllow})
	during := b.put(items...)
	after := b.end(items...)
	who := b.app.LocalPrincipal()
	for at, want := range map[graph.Revision]int{before: 0, during: 1, after: 0} {
		ctx := graph.WithAsOf(t.Context(), graph.AsOf{Revision: at, Past: true})
		views, err := b.app.Views(ctx, who, a.Ref)
		if err != nil || len(views[a.Ref]) != want || (want == 1 && views[a.Ref][0].Ref != published.Ref) {
			t.Errorf("as of %d the views are %+v, %v", at, views, err)
		}
		if may, err := b.app.May(ctx, who, graph.ActionTag, a.Ref); err != nil || may[a.Ref] {
			t.Errorf("as of %d somebody may tag: %v", at, err)
		}
	}
	if may, err := b.app.May(t.Context(), who, graph.ActionTag, a.Ref); err != nil || !may[a.Ref] {
		t.Errorf("now nobody may tag: %v", err)
	}
}

// Search and lineage read where the context says.
func TestEveryReadIsAtTheMoment(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := people()
	raw := leaf(a, "name", "STRING", 0)
	first := b.put(a, raw)
	made := people()
	made.Ref = graph.BigQueryRef("shop", "core", "persons")
	b.put(made, leaf(made, "name", "STRING", 0), graphtest.Identity(raw.Ref, made.Ref.Column("name"), ""))
	ctx := graph.WithAsOf(t.Context(), graph.AsOf{Revision: first, Past: true})
	who := b.app.LocalPrincipal()
	for _, tt := range []struct {
		name          string
		ctx           context.Context
		found, walked int
	}{{"then", ctx, 1, 0}, {"now", t.Context(), 2, 1}} {
		found, err := b.app.Search(tt.ctx, who, search.Query{})
		if err != nil || found.Total != tt.found {
			t.Errorf("%s %d are found, %v", tt.name, found.Total, err)
		}
		walked, err := b.app.Lineage(tt.ctx, who, walk.Query{Root: a.Ref, Direction: walk.Down, Depth: 3})
		if err != nil || len(walked.Edges) != tt.walked {
			t.Errorf("%s %d edges lead down, %v", tt.name, len(walked.Edges), err)
		}
	}
}

// What a person said survives that the table is dropped and made again: it
// holds the moment the column is there, the decision follows from it, and at
// each revision the answer is what was so then.
func TestAPersonsWordSurvivesADroppedTable(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	const path = "/datasets/raw/tables"
	address := column("raw.customers", "contact.email")
	h.tag(otto(), said("raw.customers", "contact.email", "user.contact.email", "confirmed"))
	tagged := h.head()
	was := h.warehouseAs(company.Otto(), http.MethodGet, path+"/customers", nil)

	h.warehouseAs(company.Otto(), http.MethodDelete, path+"/customers", nil)
	h.crawl()
	dropped := h.head()
	var resource map[string]any
	if err := json.Unmarshal(was, &resource); err != nil {
		t.Fatal(err)
	}
	fresh, err := json.Marshal(map[string]any{"tableReference": resource["tableReference"], "schema": resource["schema"], "labels": resource["labels"]})
	if err != nil {
		t.Fatal(err)
	}
	h.warehouseAs(company.Otto(), http.MethodPost, path, fresh)
	h.crawl()
	again := h.head()
	h.crawl()
	if dropped <= tagged || again <= dropped || h.head() != again {
		t.Fatalf("revisions %d, %d, %d", tagged, dropped, again)
	}

	for _, tt := range []struct {
		name   string
		at     graph.Revision
		stands bool
	}{{"tagged", tagged, true}, {"dropped", dropped, false}, {"made again", again, true}} {
		answer := graphql(t, h.app(), otto(), fmt.Sprintf(`query @asOf(revision: %d) {
			standing { revision } asset(ref: %q) { columns { path assessment tags { label state provenance { kind name } } } }
			explain(column: %q, audience: "analysts") { effect method policy } }`, tt.at, address.Asset(), address))
		confirmed := strings.Contains(answer, `"label":"user.contact.email","state":"confirmed","provenance":{"kind":"person","name":"`+company.Otto().Email)
		masked := strings.Contains(answer, `"explain":[{"effect":"mask","method":"hash"`)
		if confirmed != tt.stands || masked != tt.stands || strings.Contains(answer, `"asset":{`) != tt.stands && strings.Contains(answer, `"errors"`) == tt.stands {
			t.Errorf("%s, as of revision %d: %s", tt.name, tt.at, answer)
		}
	}
	// At the very revision at which the crawl found it again the word held,
	// before anything else was said or decided.
	history, err := h.app().History(t.Context(), otto(), address.Asset(), 50, "")
	if err != nil {
		t.Fatal(err)
	}
	began := history.Edges[0].Node
	for _, edge := range history.Edges {
		if slices.ContainsFunc(edge.Node.Changes, func(c shape.HistoryChange) bool { return c.Noun == "asset" && c.How == "began" }) {
			began = edge.Node
			break
		}
	}
	if began.Revision <= dropped || began.Actor != system().ID || !strings.Contains(began.Why, "crawl") {
		t.Fatalf("it began again in %+v", began)
	}
	r, err := h.app().reader(t.Context(), system(), began.Revision)
	if err != nil {
		t.Fatal(err)
	}
	tags, err := r.Tags(t.Context(), address.Asset())
	if err != nil || !slices.ContainsFunc(tags[address.Asset()], func(tag graph.Tag) bool {
		return tag.Ref == address && tag.State == graph.TagConfirmed && tag.Provenance.Kind == graph.ByPerson
	}) {
		t.Errorf("at revision %d the tags are %+v, %v", began.Revision, tags, err)
	}
}

// Who sees the past is today's policy, over the asset as it was then: a right
// that somebody lost shows them nothing of it any more, and an owner of then
// is one only of then.
func TestTodaysPolicyDecidesWhoSeesThePast(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	sam := graph.Principal{ID: "sam@shop.example", Groups: []string{"some@shop.example"}}
	a := people()
	owned := graph.Owner{Asset: a.Ref, Principal: "user:" + sam.ID, Role: graph.OwnerTechnical, Provenance: graph.Provenance{Kind: graph.BySource, Name: "warehouse"}}
	during := b.put(a, leaf(a, "name", "STRING", 0), owned)
	after := b.end(owned)
	ask := func(app *App, at graph.Revision) string {
		return graphql(t, app, sam, fmt.Sprintf(`query @asOf(revision: %d) { asset(ref: %q) { ref history { edges { node { revision } } } } search(query: "") { total edges { node { ref } } } }`, at, a.Ref))
	}
	const nothing = `{"data":{"asset":null,"search":{"total":0,`
	if got := ask(b.app, during); !strings.Contains(got, `"ref":"bigquery/shop.raw.people"`) || !strings.Contains(got, `"total":1`) {
		t.Errorf("the owner of then is answered %s", got)
	}
	if got := ask(b.app, after); !strings.HasPrefix(got, nothing) {
		t.Errorf("who is no owner any more is answered %s", got)
	}
	config := b.app.config
	config.Policy.Visibility = []VisibilityConfig{{Groups: []string{"some@shop.example"}, Visibility: "visible", Where: map[string][]string{"kind": {"table"}}}}
	if got := ask(b.reopened(config), after); !strings.Contains(got, `"total":1`) {
		t.Errorf("who was given a right today is answered %s of the past", got)
	}
	config.Policy.Visibility = nil
	if got := ask(b.reopened(config), after); !strings.HasPrefix(got, nothing) {
		t.Errorf("who lost it is answered %s", got)
	}
}
