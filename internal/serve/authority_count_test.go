package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
)

// Law: what is counted is what a brute-force filter of everything leaves:
// search, facets, pages, sources, and each asset asked for by name.
func TestCountsAreThoseOfBruteForce(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{3, 5} {
		w := newWriter(t, seed)
		app := w.open(w.account)
		items := w.account.last()
		for _, who := range w.people {
			s := w.seer(who)
			b := w.letIn(app, who, w.serving(app))
			if diff := cmp.Diff(countedBy(s, items), w.told(b)); diff != "" {
				t.Errorf("seed %d, %+v with %+v (-filter +answers):\n%s", seed, who, s.filter, diff)
			}
		}
	}
}

// counted is what can be counted of a catalog.
type counted struct {
	Total   int
	Kinds   map[string]int
	Sources map[string]int
	// Owners are the twenty who own the most, with how much, and how many more
	// there are.
	Owners []string
	// Assets are the visibilities and numbers of columns by ref.
	Assets map[string]string
}

// countedBy counts by the filter alone.
func countedBy(s seer, items graph.Snapshot) counted {
	see := s.judge(items)
	c := counted{Kinds: map[string]int{}, Sources: map[string]int{"warehouse": 0, "lake": 0, "streams": 0, "boards": 0, "tracker": 0}, Assets: map[string]string{}}
	owners := map[string]map[graph.Ref]bool{}
	columns := map[graph.Ref]int{}
	for _, i := range items {
		if column, ok := i.(graph.Column); ok && see(column.Ref) == graph.Visible {
			columns[column.Ref.Asset()]++
		}
	}
	for _, o := range ownersThatCount(items) {
		if see(o.Asset) != graph.Hidden {
			if owners[o.Principal] == nil {
				owners[o.Principal] = map[graph.Ref]bool{}
			}
			owners[o.Principal][o.Asset] = true
		}
	}
	c.Owners = mostOf(owners)
	for _, i := range items {
		a, ok := i.(graph.Asset)
		if !ok || see(a.Ref) == graph.Hidden {
			continue
		}
		c.Total++
		c.Kinds[string(a.Kind)]++
		c.Assets[a.Ref.String()] = fmt.Sprint(see(a.Ref), " ", columns[a.Ref])
		if _, listed := c.Sources[a.Source]; listed && see(a.Ref) == graph.Visible {
			c.Sources[a.Source]++
		}
	}
	return c
}

// ownersThatCount are those of all assets.
func ownersThatCount(items graph.Snapshot) []graph.Owner {
	var all []graph.Owner
	for _, i := range items {
		if o, ok := i.(graph.Owner); ok {
			all = append(all, o)
		}
	}
	return graph.EffectiveOwners(all)
}

// mostOf counts the twenty who own the most, and how many others there are.
func mostOf(owners map[string]map[graph.Ref]bool) []string {
	names := slices.SortedFunc(maps.Keys(owners), func(x, y string) int {
		if d := len(owners[y]) - len(owners[x]); d != 0 {
			return d
		}
		return strings.Compare(x, y)
	})
	shown := names[:min(len(names), 20)]
	var out []string
	for _, name := range shown {
		out = append(out, fmt.Sprint(name, " ", len(owners[name])))
	}
	return append(out, fmt.Sprint("more ", len(names)-len(shown)))
}

// told asks for the same, page by page and name by name.
func (w *writer) told(b browserOf) counted {
	w.t.Helper()
	c := counted{Kinds: map[string]int{}, Sources: map[string]int{}, Assets: map[string]string{}}
	type found struct {
		Total    int
		Edges    []struct{ Node struct{ Ref string } }
		PageInfo struct {
			HasNextPage bool
			EndCursor   string
		}
		Facets []struct {
			Attribute string
			Values    []struct {
				Value string
				Count int
			}
			More int
		}
	}
	paged := map[string]bool{}
	for after := ""; ; {
		var page struct{ Search found }
		w.read(b, fmt.Sprintf(`{ search(query: "", first: 7, after: %q) { total edges { node { ref } } pageInfo { hasNextPage endCursor } facets { attribute values { value count } more } } }`, after), &page)
		for _, e := range page.Search.Edges {
			paged[e.Node.Ref] = true
		}
		c.Total, after = page.Search.Total, page.Search.PageInfo.EndCursor
		c.Owners = nil
		for _, f := range page.Search.Facets {
			if f.Attribute == "owner" {
				for _, v := range f.Values {
					c.Owners = append(c.Owners, fmt.Sprint(v.Value, " ", v.Count))
				}
				c.Owners = append(c.Owners, fmt.Sprint("more ", f.More))
			}
			for _, v := range f.Values {
				if f.Attribute == "kind" {
					c.Kinds[v.Value] = v.Count
				}
			}
		}
		if !page.Search.PageInfo.HasNextPage {
			break
		}
	}
	if len(paged) != c.Total {
		w.t.Errorf("%d assets on all pages of %d", len(paged), c.Total)
	}
	var all struct {
		Sources []struct {
			Name   string
			Assets int
		}
	}
	w.read(b, `{ sources { name assets } }`, &all)
	for _, s := range all.Sources {
		c.Sources[s.Name] = s.Assets
	}
	for _, ref := range append([]graph.Ref{clock(0).Ref}, refsOf(w.things)...) {
		var one struct {
			Asset *struct {
				Visibility string
				Columns    []struct{ Path string }
			}
		}
		w.read(b, fmt.Sprintf(`{ asset(ref: %q) { visibility columns { path } } }`, ref), &one)
		if one.Asset != nil {
			c.Assets[ref.String()] = fmt.Sprint(one.Asset.Visibility, " ", len(one.Asset.Columns))
		}
	}
	return c
}

func refsOf(things []*thing) []graph.Ref {
	out := make([]graph.Ref, 0, len(things))
	for _, t := range things {
		out = append(out, t.asset.Ref)
	}
	return out
}

// read asks for data that must be answered.
func (w *writer) read(b browserOf, document string, into any) {
	w.t.Helper()
	var reply struct {
		Data   json.RawMessage
		Errors []any
	}
	a := b.ask(document)
	if err := json.Unmarshal([]byte(a.body), &reply); err != nil || len(reply.Errors) > 0 {
		w.t.Fatalf("%s: %v %s", document, err, a.body)
	}
	if err := json.Unmarshal(reply.Data, into); err != nil {
		w.t.Fatal(err)
	}
}

// Nobody who is not signed in is told anything, whatever they send and
// wherever: no answer of any path bears a word of the catalog, and each is
// the one that an empty catalog gives.
func TestWhoIsNotSignedInIsToldNothing(t *testing.T) {
	t.Parallel()
	w := newWriter(t, 3)
	here, empty := w.open(w.account), w.open(account{moments: []moment{{items: graph.NewSnapshot(clock(0))}}})
	stranger := browserOf{t, w.serving(here), nil}
	beside := browserOf{t, w.serving(empty), nil}
	thing := w.things[estateDatasets]
	paths := []string{
		"/", "/graphql", "/graphql/", "/healthz", "/readyz", "/metrics", "/auth/login", "/auth/callback?code=a&state=b", "/auth/none",
		"/assets/none.js", "/asset/" + thing.asset.Ref.String(), "/api/v1/facts", "/api/v1/assets", "/audit/export", "/debug/pprof/", "/../cadastre.db", "/.git/config",
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		for _, path := range paths {
			body := fmt.Appendf(nil, `{"query": "{ asset(ref: %s) { ref } search(query: \"\") { total } }"}`, strings.ReplaceAll(fmt.Sprintf("%q", thing.asset.Ref), `"`, `\"`))
			a, same := stranger.do(method, path, body), beside.do(method, path, body)
			// Signing in draws a state by chance.
			a.header.Del("Location")
			same.header.Del("Location")
			if diff := cmp.Diff(readable(same), readable(a)); diff != "" {
				t.Errorf("%s %s tells of the catalog (-empty +here):\n%s", method, path, diff)
			}
			for _, word := range w.allWords() {
				if strings.Contains(a.text(), word) && !strings.Contains(path, word) {
					t.Errorf("%s %s tells %q: %s", method, path, word, a.text())
				}
			}
			if path == "/graphql" && a.status != http.StatusUnauthorized {
				t.Errorf("%s %s is answered %d", method, path, a.status)
			}
		}
	}
}
