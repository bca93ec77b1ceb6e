package bigquery_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/bigquery"
	"cadastre.dev/cadastre/ingest/ingesttest"
	sandbox "cadastre.dev/cadastre/internal/sandbox/bigquery"
)

// rewriter changes answers on their way to the crawler.
type rewriter struct {
	next   http.RoundTripper
	change func(req *http.Request, body string) string
}

func (r rewriter) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	changed := r.change(req, string(body))
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(changed)), int64(len(changed))
	resp.Header.Del("Content-Length")
	return resp, nil
}

func (w *world) rewritten(change func(req *http.Request, body string) string) *bigquery.Source {
	return w.source(func(cfg *bigquery.Config) {
		cfg.HTTPClient = w.client(crawler)
		cfg.HTTPClient.Transport = rewriter{next: cfg.HTTPClient.Transport, change: change}
	})
}

func TestWhatEachFaultMeans(t *testing.T) {
	t.Parallel()
	const all = 0 // of the calls
	tests := []struct {
		name  string
		fault sandbox.Fault
		code  string   // of the findings; empty: none
		refs  []string // that the findings name
		keeps bool     // whether all assets of the run before stay
		fails error    // what the run fails with
	}{
		{"a dataset is closed", sandbox.Fault{Method: "bigquery.datasets.get", Dataset: "a", Status: 403}, ingest.CodeDenied, []string{"p.a"}, true, nil},
		{"a dataset's tables are closed", sandbox.Fault{Method: "bigquery.tables.list", Dataset: "b", Status: 403}, ingest.CodeDenied, []string{"p.b"}, true, nil},
		{"a table is closed", sandbox.Fault{Method: "bigquery.tables.get", Table: "t1", Status: 403}, ingest.CodeDenied, []string{"p.a.t1"}, true, nil},
		{"a table does not answer", sandbox.Fault{Method: "bigquery.tables.get", Table: "t1", Status: 503}, ingest.CodeUnavailable, []string{"p.a.t1"}, true, nil},
		{"a table's answer makes no sense", sandbox.Fault{Method: "bigquery.tables.get", Table: "u", Status: 400}, ingest.CodeInvalid, []string{"p.b.u"}, true, nil},
		{"the token ends in the middle", sandbox.Fault{Method: "bigquery.tables.get", Status: 401}, ingest.CodeDenied, []string{"p.a.bare", "p.a.t1", "p.a.t2", "p.b.u"}, true, nil},
		{"the day's quota is used up in the middle", sandbox.Fault{Method: "bigquery.tables.list", Status: 403, Reason: "quotaExceeded"}, ingest.CodeUnavailable, []string{"p.a", "p.b"}, true, nil},
		{"too fast for a moment", sandbox.Fault{Method: "bigquery.tables.list", Status: 403, Reason: "rateLimitExceeded", Times: 2}, "", nil, true, nil},
		{"busy for a moment", sandbox.Fault{Status: 429, Times: 3}, "", nil, true, nil},
		{"slow", sandbox.Fault{DelayMilliseconds: 2}, "", nil, true, nil},
		{"a dataset goes between list and get", sandbox.Fault{Method: "bigquery.datasets.get", Dataset: "b", Status: 404}, "", nil, false, nil},
		{"a dataset goes between get and list", sandbox.Fault{Method: "bigquery.tables.list", Dataset: "b", Status: 404}, "", nil, false, nil},
		{"a table goes between list and get", sandbox.Fault{Method: "bigquery.tables.get", Table: "u", Status: 404}, "", nil, false, nil},
		{"the only project is closed", sandbox.Fault{Method: "bigquery.datasets.list", Status: 403, Times: all}, ingest.CodeDenied, []string{""}, true, graph.ErrDenied},
		{"the only project is gone", sandbox.Fault{Method: "bigquery.datasets.list", Status: 404, Times: all}, ingest.CodeInvalid, []string{""}, true, graph.ErrNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, small())
			s, c := w.source(nil), &ingesttest.Catalog{}
			w.run(s, c)
			before := assetsOf(c)
			w.warehouse.Fault(tt.fault)
			_, err := ingest.Run(t.Context(), s, c, ingest.RunConfig{Removal: ingest.Removal{Threshold: 1}})
			if !errors.Is(err, tt.fails) {
				t.Errorf("error %v, want %v", err, tt.fails)
			}
			var refs []string
			for _, p := range c.Problems(s.Name()) {
				refs = append(refs, p.Ref.Name)
				if p.Code != tt.code || p.What == "" || p.Do == "" || p.Level != graph.FindingWarn {
					t.Errorf("finding %+v, want code %s, what and what to do", p, tt.code)
				}
			}
			if diff := cmp.Diff(tt.refs, refs); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if kept := len(assetsOf(c)) == len(before); kept != tt.keeps {
				t.Errorf("assets %v of %v, want all kept: %v", assetsOf(c), before, tt.keeps)
			}
			if slices.Contains(assetsOf(c), "p.b.u") != tt.keeps {
				t.Error("what goes between list and get must end, and nothing else")
			}
		})
	}
}

// Law: how many entries a page has changes nothing of what is told.
func TestPages(t *testing.T) {
	t.Parallel()
	seed := sandbox.Seed{}
	for i := range 23 {
		seed.Datasets = append(seed.Datasets, dataset(fmt.Sprintf("d%02d", i)))
		seed.Tables = append(seed.Tables, table("d00", fmt.Sprintf("t%02d", i), column("x", "STRING")), table("d01", fmt.Sprintf("day_202601%02d", i+1), column("x", "STRING")))
		seed.Jobs = append(seed.Jobs, job(fmt.Sprintf("j%02d", i), i, fmt.Sprintf("SELECT c%d FROM t", i), fmt.Sprintf("d00.o%d", i), nil))
	}
	w := newWorld(t, seed)
	want := ingesttest.Facts(t, w.source(nil), nil)
	wantJobs, _, err := listed(t, w.source(nil), nil)
	if err != nil || len(wantJobs) != 23 {
		t.Fatalf("%d statements, %v", len(wantJobs), err)
	}
	for _, size := range []string{"1", "7", "23"} {
		w.forget()
		s := w.source(func(cfg *bigquery.Config) {
			cfg.HTTPClient = w.client(crawler)
			cfg.HTTPClient.Transport = smaller{cfg.HTTPClient.Transport, size}
		})
		if diff := cmp.Diff(want, ingesttest.Facts(t, s, nil), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("pages of %s: facts (-want +got):\n%s", size, diff)
		}
		jobs, _, err := listed(t, s, nil)
		if diff := cmp.Diff(wantJobs, jobs); diff != "" || err != nil {
			t.Errorf("pages of %s: statements (-want +got), error %v:\n%s", size, err, diff)
		}
		if size == "7" && w.count("d00/tables") < 4 {
			t.Error("the pages were no smaller")
		}
	}
}

// smaller asks for smaller pages than the crawler does.
type smaller struct {
	next http.RoundTripper
	size string
}

func (s smaller) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Query().Has("maxResults") {
		req = req.Clone(req.Context())
		q := req.URL.Query()
		q.Set("maxResults", s.size)
		req.URL.RawQuery = q.Encode()
	}
	return s.next.RoundTrip(req)
}

func TestAFaultOnALaterPageTellsNothingOfTheList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	c := &ingesttest.Catalog{}
	w.run(w.source(nil), c)
	before := assetsOf(c)
	s := w.source(func(cfg *bigquery.Config) {
		cfg.HTTPClient = w.client(crawler)
		cfg.HTTPClient.Transport = laterPage{smaller{cfg.HTTPClient.Transport, "1"}}
	})
	report, err := ingest.Run(t.Context(), s, c, ingest.RunConfig{})
	if !errors.Is(err, graph.ErrDenied) || len(report.Delta) != 0 {
		t.Errorf("error %v, delta %v; want the denial of the second page of datasets and no change", err, report.Delta)
	}
	if diff := cmp.Diff(before, assetsOf(c)); diff != "" {
		t.Errorf("assets (-before +after):\n%s", diff)
	}
}

// laterPage refuses every page of a list but the first.
type laterPage struct{ next http.RoundTripper }

func (l laterPage) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Query().Get("pageToken") == "" {
		return l.next.RoundTrip(req)
	}
	return &http.Response{
		StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(`{"error":{"code":403,"message":"no further"}}`)),
	}, nil
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	t.Parallel()
	deep := func(levels int) string {
		field := `{"name":"leaf","type":"STRING"}`
		for i := range levels {
			field = fmt.Sprintf(`{"name":"r%d","type":"RECORD","mode":"REPEATED","fields":[%s]}`, i, field)
		}
		return `{"fields":[` + field + `]}`
	}
	tests := []struct {
		name, schema string
		columns      int
		problem      string
	}{
		{"as deep as BigQuery allows", deep(14), 15, ""},
		{"deeper", deep(15), 0, "nested more than 15 deep"},
		{"a column without a name", `{"fields":[{"type":"STRING"}]}`, 0, "has no name"},
		{"two columns of one name", `{"fields":[{"name":"a","type":"STRING"},{"name":"A","type":"STRING"}]}`, 0, "is there twice"},
		{"a type that is new", `{"fields":[{"name":"a","type":"FOREIGN"}]}`, 1, ""},
		{"names beyond ASCII, with spaces", `{"fields":[{"name":"größe in cm","type":"STRING"},{"name":"名前","type":"RECORD","fields":[{"name":"姓","type":"STRING"}]}]}`, 3, ""},
		{"no fields", `{"fields":[]}`, 0, ""},
		{"null", `null`, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Seed{Datasets: []*bq.Dataset{dataset("d")}, Tables: []*bq.Table{table("d", "good", column("x", "STRING")), table("d", "odd", column("STANDIN", "STRING"))}})
			s := w.rewritten(func(req *http.Request, body string) string {
				if strings.HasSuffix(req.URL.Path, "/tables/odd") {
					start := strings.Index(body, `"schema":`)
					end := start + strings.Index(body[start:], "]") // the one field's list
					return body[:start] + `"schema":` + tt.schema + strings.TrimLeft(body[end+1:], " \n")[1:]
				}
				return body
			})
			c := &ingesttest.Catalog{}
			report := w.run(s, c)
			columns := 0
			for _, col := range ingesttest.Of[graph.Column](c.All()) {
				if col.Ref.Name == "p.d.odd" {
					columns++
				}
			}
			if columns != tt.columns || (len(report.Problems) == 1) != (tt.problem != "") {
				t.Fatalf("%d columns and problems %+v, want %d", columns, report.Problems, tt.columns)
			}
			if tt.problem != "" && (!strings.Contains(report.Problems[0].What, tt.problem) || report.Problems[0].Ref.Name != "p.d.odd") {
				t.Errorf("problem %+v, want one of p.d.odd that says %q", report.Problems[0], tt.problem)
			}
			if !slices.Contains(assetsOf(c), "p.d.good") {
				t.Error("the other table was not crawled")
			}
		})
	}
}

func TestSchemaChangesAreSeenByTheEtag(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	s, c := w.source(nil), &ingesttest.Catalog{}
	w.run(s, c)
	wider := &bq.Table{Schema: &bq.TableSchema{Fields: []*bq.TableFieldSchema{column("x", "STRING"), column("r", "RECORD", column("mail", "STRING"))}}}
	if _, err := w.admin().Tables.Patch(project, "a", "t1", wider).Do(); err != nil {
		t.Fatal(err)
	}
	report := w.run(s, c)
	var paths []string
	for _, change := range report.Delta {
		if began, ok := change.(graph.Began); ok {
			paths = append(paths, began.Item().(graph.Column).Ref.Path)
		}
	}
	if diff := cmp.Diff([]string{"r", "r.mail"}, paths); diff != "" || w.count("Not Modified") != 3 {
		t.Errorf("%d tables not modified; columns that began (-want +got):\n%s", w.count("Not Modified"), diff)
	}
	// A table made anew under its name is another one, though it looks alike.
	if err := w.admin().Tables.Delete(project, "a", "t1").Do(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.admin().Tables.Insert(project, "a", table("a", "t1", column("z", "STRING"))).Do(); err != nil {
		t.Fatal(err)
	}
	w.run(s, c)
	if got := ingesttest.Schemas(c.All())[graph.BigQueryRef(project, "a", "t1")]; len(got) != 1 || got[0].Ref.Path != "z" {
		t.Errorf("columns %+v, want those of the new table", got)
	}
}

func TestViewsOfAllSorts(t *testing.T) {
	t.Parallel()
	view := func(name, typ string, change func(*bq.Table)) *bq.Table {
		v := table("d", name)
		v.Type = typ
		change(v)
		return v
	}
	w := newWorld(t, sandbox.Seed{Datasets: []*bq.Dataset{dataset("d")}, Tables: []*bq.Table{
		view("plain", "VIEW", func(v *bq.Table) { v.View = &bq.ViewDefinition{Query: "SELECT 1 AS x"} }),
		view("old", "VIEW", func(v *bq.Table) { v.View = &bq.ViewDefinition{Query: "SELECT 1 AS x", UseLegacySql: true} }),
		view("kept", "MATERIALIZED_VIEW", func(v *bq.Table) { v.MaterializedView = &bq.MaterializedViewDefinition{Query: "SELECT 1 AS x"} }),
		view("outside", "EXTERNAL", func(v *bq.Table) {
			v.ExternalDataConfiguration = &bq.ExternalDataConfiguration{SourceUris: []string{"gs://secret-bucket/x"}}
		}),
		view("day_20260101", "VIEW", func(v *bq.Table) { v.View = &bq.ViewDefinition{Query: "SELECT 1 AS x"} }),
	}})
	c := &ingesttest.Catalog{}
	w.run(w.source(nil), c)
	got := map[string]string{}
	for _, a := range ingesttest.Of[graph.Asset](c.All()) {
		got[a.Ref.Base()] = string(a.Kind) + "|" + a.Definition
		if a.Kind != graph.KindDataset && (a.Unread == "" || a.Location != "EU") {
			t.Errorf("%s lies in %q and says of its lack of columns %q", a.Ref, a.Location, a.Unread)
		}
	}
	want := map[string]string{
		"d": "dataset|", "plain": "view|SELECT 1 AS x", "old": "view|#legacySQL\nSELECT 1 AS x",
		"kept": string(graph.KindMaterializedView) + "|SELECT 1 AS x", "outside": string(graph.KindExternalTable) + "|",
		"day_20260101": "view|SELECT 1 AS x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds and definitions (-want +got):\n%s", diff)
	}
}

func TestOwnersRules(t *testing.T) {
	t.Parallel()
	const none = ""
	tests := []struct {
		name           string
		dataset, table map[string]string
		access         []*bq.DatasetAccess
		want           []string
	}{
		{"nobody", nil, nil, nil, nil},
		{"the dataset's label stands for the table", map[string]string{"owner": "otto"}, nil, nil, []string{"user:otto@x.example accountable"}},
		{"the table's own label wins", map[string]string{"owner": "otto"}, map[string]string{"team": "grid"}, nil, []string{"team:grid accountable"}},
		{"an empty label names nobody", map[string]string{"owner": "otto"}, map[string]string{"team": none}, nil, []string{"user:otto@x.example accountable"}},
		{"one who is named twice is one", nil, map[string]string{"owner": "otto", "owner1": "otto", "owner2": "ana"}, nil, []string{"user:otto@x.example accountable", "team:ana accountable"}},
		{"letters that labels allow", nil, map[string]string{"owner": "équipe-données_7"}, nil, []string{"team:équipe-données_7 accountable"}},
		{
			"who owns by access is technical, sorted, each once", nil, nil,
			[]*bq.DatasetAccess{{Role: "OWNER", UserByEmail: "zoe@x"}, {Role: "roles/bigquery.dataOwner", GroupByEmail: "g@x"}, {Role: "OWNER", UserByEmail: "zoe@x"}, {Role: "OWNER", SpecialGroup: "projectOwners"}, {Role: "WRITER", UserByEmail: "w@x"}},
			[]string{"group:g@x technical", "user:zoe@x technical"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d, held := dataset("d", tt.access...), table("d", "t", column("x", "STRING"))
			d.Labels, held.Labels = tt.dataset, tt.table
			w := newWorld(t, sandbox.Seed{Datasets: []*bq.Dataset{d}, Tables: []*bq.Table{held}})
			var got []string
			for _, f := range ingesttest.Facts(t, w.source(nil), nil) {
				if seen, ok := f.(graph.AssetSeen); ok && seen.Asset.Ref.Base() == "t" {
					for _, o := range seen.Owners {
						got = append(got, o.Principal+" "+string(o.Role))
					}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("owners (-want +got):\n%s", diff)
			}
		})
	}
}
