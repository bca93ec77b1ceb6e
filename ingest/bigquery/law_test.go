package bigquery_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/bigquery"
	"cadastre.dev/cadastre/ingest/ingesttest"
	sandbox "cadastre.dev/cadastre/internal/sandbox/bigquery"
)

// random is a world that is changed and broken by chance.
type random struct {
	*world
	rnd *rand.Rand
	// there is what the warehouse has: dataset → tables.
	there map[string][]string
	made  int
}

func newRandom(t *testing.T, seed uint64) *random {
	t.Helper()
	r := &random{world: newWorld(t, sandbox.Seed{}), rnd: rand.New(rand.NewPCG(seed, 7)), there: map[string][]string{}} //nolint:gosec // Chance that can be repeated.
	for range 12 {
		r.change()
	}
	return r
}

func (r *random) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// pick returns one of the names by chance, "" where there are none.
func pick[T any](rnd *rand.Rand, of map[string]T) string {
	names := make([]string, 0, len(of))
	for name := range of {
		names = append(names, name)
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return names[rnd.IntN(len(names))]
}

// change does one thing to the warehouse that anybody may do to theirs.
func (r *random) change() {
	r.t.Helper()
	admin, d := r.admin(), pick(r.rnd, r.there)
	r.made++
	if d == "" || r.rnd.IntN(6) == 0 {
		d = fmt.Sprintf("d%d", r.made)
		_, err := admin.Datasets.Insert(project, dataset(d)).Do()
		r.must(err)
		r.there[d] = nil
		return
	}
	tables := r.there[d]
	switch what := r.rnd.IntN(10); {
	case what == 0:
		r.must(admin.Datasets.Delete(project, d).DeleteContents(true).Do())
		delete(r.there, d)
	case what == 1:
		_, err := admin.Datasets.Patch(project, d, &bq.Dataset{Labels: map[string]string{"owner": fmt.Sprintf("team%d", r.made)}}).Do()
		r.must(err)
	case what == 2 && len(tables) > 0:
		i := r.rnd.IntN(len(tables))
		r.must(admin.Tables.Delete(project, d, tables[i]).Do())
		r.there[d] = slices.Delete(tables, i, i+1)
	case what <= 5 && len(tables) > 0:
		patch := &bq.Table{Description: fmt.Sprint("now ", r.made), Labels: map[string]string{"team": fmt.Sprint("t", r.made)}}
		_, err := admin.Tables.Patch(project, d, tables[r.rnd.IntN(len(tables))], patch).Do()
		r.must(err)
	default:
		name := fmt.Sprintf("t%d", r.made)
		if r.rnd.IntN(3) == 0 {
			name = fmt.Sprintf("day_202601%02d", 1+r.made%28)
		}
		if slices.Contains(tables, name) {
			return
		}
		_, err := admin.Tables.Insert(project, d, table(d, name, column("a", "STRING"), column(fmt.Sprintf("c%d", r.made), "INTEGER"))).Do()
		r.must(err)
		r.there[d] = append(tables, name)
	}
}

// fault breaks something for the crawler, for once or until it is mended.
func (r *random) fault() {
	methods := []string{"bigquery.datasets.list", "bigquery.datasets.get", "bigquery.tables.list", "bigquery.tables.get"}
	f := sandbox.Fault{Method: methods[r.rnd.IntN(len(methods))], Status: []int{401, 403, 403, 500, 503}[r.rnd.IntN(5)], Times: r.rnd.IntN(3)}
	if f.Method != "bigquery.datasets.list" && r.rnd.IntN(3) > 0 {
		f.Dataset = pick(r.rnd, r.there)
	}
	r.warehouse.Fault(f)
}

// lost are the assets of before that the catalog has no more, though the
// warehouse has them.
func (r *random) lost(before, after []string) []string {
	var out []string
	for _, name := range before {
		parts := strings.Split(name, ".")
		tables, there := r.there[parts[1]]
		if len(parts) == 3 {
			there = slices.ContainsFunc(tables, func(table string) bool {
				return table == parts[2] || parts[2] == "day_*" && strings.HasPrefix(table, "day_")
			})
		}
		if there && !slices.Contains(after, name) {
			out = append(out, name)
		}
	}
	return out
}

// Laws, under changes and faults by chance: a crawl that fails commits nothing,
// one that is partial takes nothing away that is there, and the first one that
// goes well leaves exactly what a crawl from nothing would.
func TestFaultsByChance(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := newRandom(t, seed)
			s, c := r.source(nil), &ingesttest.Catalog{}
			r.run(s, c)
			for range 8 {
				for range r.rnd.IntN(4) {
					r.change()
				}
				for range 1 + r.rnd.IntN(2) {
					r.fault()
				}
				before, names := c.All(), assetsOf(c)
				cursor, _ := c.Cursor(t.Context(), s.Name())
				report, err := ingest.Run(t.Context(), s, c, ingest.RunConfig{Removal: ingest.Removal{Threshold: 1}})
				if err != nil {
					after, _ := c.Cursor(t.Context(), s.Name())
					if diff := cmp.Diff(before, c.All()); diff != "" || string(after) != string(cursor) || len(c.Problems(s.Name())) == 0 {
						t.Fatalf("a failed crawl (%v) moved the catalog or its cursor, or told no problem:\n%s", err, diff)
					}
				} else if lost := r.lost(names, assetsOf(c)); len(lost) > 0 {
					t.Fatalf("lost %v, with the problems %+v", lost, report.Problems)
				}
				r.warehouse.ClearFaults()
				if r.rnd.IntN(2) == 0 {
					continue // so that faults pile up on faults
				}
				report = r.run(s, c)
				fresh := &ingesttest.Catalog{}
				r.run(s, fresh)
				if diff := cmp.Diff(fresh.All(), c.All(), cmpopts.EquateEmpty()); diff != "" || len(report.Problems) != 0 {
					t.Fatalf("problems %v; what is known is not what is there (-there +known):\n%s", report.Problems, diff)
				}
			}
		})
	}
}

// Law: to be stopped at any call is the end of the context, and leaves nothing.
func TestStoppedAtEachCall(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	for at := range 8 {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, small())
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			client := w.client(crawler)
			client.Transport = &stopper{next: client.Transport, after: at, stop: func() { cancel(enough) }}
			s, c := w.source(func(cfg *bigquery.Config) { cfg.HTTPClient, cfg.Concurrency = client, 1 }), &ingesttest.Catalog{}
			if _, err := ingest.Run(ctx, s, c, ingest.RunConfig{}); !errors.Is(err, enough) {
				t.Errorf("error %v, want the cause of the end", err)
			}
			if cursor, _ := c.Cursor(t.Context(), s.Name()); len(c.All()) != 0 || cursor != nil || c.Problems(s.Name()) != nil {
				t.Errorf("%d items, cursor %s, problems %v; want no trace", len(c.All()), cursor, c.Problems(s.Name()))
			}
		})
	}
}

// stopper ends something before it sends a request.
type stopper struct {
	next  http.RoundTripper
	after int
	stop  func()
	sent  int
}

func (s *stopper) RoundTrip(req *http.Request) (*http.Response, error) {
	if s.sent++; s.sent > s.after {
		s.stop()
	}
	return s.next.RoundTrip(req)
}

func TestDatasetThatIsNoLongerCrawledIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	c := &ingesttest.Catalog{}
	w.run(w.source(nil), c)
	w.run(w.source(func(cfg *bigquery.Config) { cfg.Exclude = []string{"b"} }), c)
	if diff := cmp.Diff([]string{"p.a", "p.a.bare", "p.a.t1", "p.a.t2"}, assetsOf(c)); diff != "" || w.count("datasets/b") != 0 {
		t.Errorf("asked %d times about what is excluded; assets (-want +got):\n%s", w.count("datasets/b"), diff)
	}
	w.run(w.source(func(cfg *bigquery.Config) { cfg.Datasets = []string{"b"} }), c)
	if diff := cmp.Diff([]string{"p.b", "p.b.u"}, assetsOf(c)); diff != "" {
		t.Errorf("once only the other is crawled (-want +got):\n%s", diff)
	}
}
