package bigquery_test

import (
	"errors"
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

func TestConformance(t *testing.T) {
	t.Parallel()
	parts := map[string]sandbox.Fault{
		"dataset": {Method: "bigquery.datasets.get", Dataset: "b", Status: 403},
		"list":    {Method: "bigquery.tables.list", Dataset: "b", Status: 503},
		"table":   {Method: "bigquery.tables.get", Dataset: "b", Table: "u", Status: 403},
		"project": {Method: "bigquery.datasets.list", Status: 503},
	}
	for name, fault := range parts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ingesttest.Conformance(t, func(t *testing.T) ingesttest.World {
				w := newWorld(t, small())
				return ingesttest.World{Source: w.source(nil), Break: func() { w.warehouse.Fault(fault) }}
			})
		})
	}
}

func TestCrawlTellsWhatIsThere(t *testing.T) {
	t.Parallel()
	d := dataset(
		"d",
		&bq.DatasetAccess{Role: "OWNER", UserByEmail: "ana@x.example"},
		&bq.DatasetAccess{Role: "READER", GroupByEmail: "g@x.example"},
		&bq.DatasetAccess{Role: "WRITER", SpecialGroup: "projectWriters"},
		&bq.DatasetAccess{Role: "READER", Domain: "x.example"},
		&bq.DatasetAccess{Role: "READER", IamMember: "serviceAccount:s@x.example"},
		&bq.DatasetAccess{View: &bq.TableReference{ProjectId: project, DatasetId: "d", TableId: "v"}},
		&bq.DatasetAccess{Dataset: &bq.DatasetAccessEntry{Dataset: &bq.DatasetReference{ProjectId: project, DatasetId: "d"}, TargetTypes: []string{"VIEWS"}}},
	)
	d.FriendlyName, d.Description, d.Labels = "Title", "About", map[string]string{"owner": "otto"}
	protected := column("mail", "STRING")
	protected.PolicyTags = &bq.TableFieldSchemaPolicyTags{Names: []string{"projects/p/locations/eu/taxonomies/1/policyTags/2"}}
	protected.Mode, protected.Description = "REQUIRED", "Where to write."
	list := column("items", "RECORD", column("sku", "STRING"), column("geo", "RECORD", column("lat", "FLOAT")))
	list.Mode = "REPEATED"
	nested := table("d", "nested", protected, list)
	nested.Labels, nested.FriendlyName = map[string]string{"owner1": "otto", "team": "grid", "owner2": "otto"}, "Nested"
	view := table("d", "v", column("mail", "STRING"))
	view.Type, view.View = "VIEW", &bq.ViewDefinition{Query: "SELECT mail FROM `p.d.nested`"}
	w := newWorld(t, sandbox.Seed{Datasets: []*bq.Dataset{d}, Tables: []*bq.Table{nested, view, table("d", "bare")}})

	says := graph.Provenance{Kind: graph.BySource, Name: "w"}
	ref := graph.BigQueryRef(project, "d")
	at := func(name string) graph.Ref { return graph.BigQueryRef(project, "d", name) }
	owner := func(asset graph.Ref, who string, role graph.OwnerRole) graph.Owner {
		return graph.Owner{Asset: asset, Principal: who, Role: role, Provenance: says}
	}
	grant := func(who, role string) graph.Grant {
		return graph.Grant{On: ref, Principal: who, Role: role, Provenance: says}
	}
	inherited := func(name string) []graph.Owner {
		return []graph.Owner{owner(at(name), "user:otto@x.example", graph.OwnerAccountable), owner(at(name), "user:ana@x.example", graph.OwnerTechnical)}
	}
	want := []graph.Fact{
		graph.AssetSeen{
			Asset:  graph.Asset{Ref: ref, Kind: graph.KindDataset, Source: "w", Location: "EU", Title: "Title", Description: "About", Labels: map[string]string{"owner": "otto"}},
			Owners: []graph.Owner{owner(ref, "user:otto@x.example", graph.OwnerAccountable), owner(ref, "user:ana@x.example", graph.OwnerTechnical)},
			Grants: []graph.Grant{
				grant("dataset:bigquery/p.d", graph.RoleAuthorized), grant("domain:x.example", "READER"), grant("group:g@x.example", "READER"),
				grant("special:projectWriters", "WRITER"), grant("user:ana@x.example", "OWNER"), grant("user:s@x.example", "READER"),
				grant("view:bigquery/p.d.v", graph.RoleAuthorized),
			},
		},
		graph.AssetSeen{
			Asset: graph.Asset{
				Ref: at("bare"), Kind: graph.KindTable, Source: "w", Parent: ref, Location: "EU",
				Unread: "BigQuery gave no schema of this table: it has no columns yet, or the crawler's identity may not see them (permission bigquery.tables.get).",
			},
			Owners: inherited("bare"),
		},
		graph.AssetSeen{
			Asset: graph.Asset{
				Ref: at("nested"), Kind: graph.KindTable, Source: "w", Parent: ref, Location: "EU", Title: "Nested",
				Labels: map[string]string{"owner1": "otto", "team": "grid", "owner2": "otto"},
			},
			Columns: []graph.Column{
				{Ref: at("nested").Column("mail"), Position: 0, Type: "STRING", Mode: graph.ModeRequired, Description: "Where to write.", PolicyTags: protected.PolicyTags.Names},
				{Ref: at("nested").Column("items"), Position: 1, Type: "RECORD", Mode: graph.ModeRepeated},
				{Ref: at("nested").Column("items[].sku"), Position: 2, Type: "STRING", Mode: graph.ModeNullable},
				{Ref: at("nested").Column("items[].geo"), Position: 3, Type: "RECORD", Mode: graph.ModeNullable},
				{Ref: at("nested").Column("items[].geo.lat"), Position: 4, Type: "FLOAT", Mode: graph.ModeNullable},
			},
			Owners: []graph.Owner{
				owner(at("nested"), "user:otto@x.example", graph.OwnerAccountable), owner(at("nested"), "team:grid", graph.OwnerAccountable),
				owner(at("nested"), "user:ana@x.example", graph.OwnerTechnical),
			},
		},
		graph.AssetSeen{
			Asset: graph.Asset{
				Ref: at("v"), Kind: graph.KindView, Source: "w", Parent: ref, Location: "EU", Definition: "SELECT mail FROM `p.d.nested`",
			},
			Columns: []graph.Column{{Ref: at("v").Column("mail"), Type: "STRING", Mode: graph.ModeNullable}},
			Owners:  inherited("v"),
		},
		graph.ScopeDone{Scope: graph.Scope{Source: "w", Parent: ref}},
		graph.ScopeDone{Scope: graph.Scope{Source: "w"}},
	}
	if diff := cmp.Diff(want, ingesttest.Facts(t, w.source(nil), nil), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

func TestUnchangedTablesAreNotReadAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	s, c := w.source(nil), &ingesttest.Catalog{}
	w.run(s, c)
	report := w.run(s, c)
	if got := w.count("Not Modified", "/tables/"); got != 4 || report.Seen.Unchanged != 4 || len(report.Delta) != 0 {
		t.Errorf("second run: %d tables not modified, seen %+v, delta %v; want all four and none", got, report.Seen, report.Delta)
	}

	patch := &bq.Table{Description: "new"}
	if _, err := w.admin().Tables.Patch(project, "a", "t1", patch).Do(); err != nil {
		t.Fatal(err)
	}
	report = w.run(s, c)
	if len(report.Delta) != 1 || report.Delta[0].Item().(graph.Asset).Description != "new" || w.count("Not Modified") != 3 {
		t.Errorf("after a change: delta %v, %d not modified; want the description of t1 and three", report.Delta, w.count("Not Modified"))
	}

	owned := &bq.Dataset{Access: []*bq.DatasetAccess{{Role: "OWNER", UserByEmail: "ana@x.example"}}}
	if _, err := w.admin().Datasets.Patch(project, "a", owned).Do(); err != nil {
		t.Fatal(err)
	}
	w.run(s, c)
	owners := ingesttest.Of[graph.Owner](c.All())
	if len(owners) != 4 || w.count("Not Modified") != 1 {
		t.Errorf("after the dataset has an owner: %v, %d not modified; want it and its three tables owned, and b's table not read", owners, w.count("Not Modified"))
	}
	renamed := w.source(func(cfg *bigquery.Config) { cfg.OwnerLabels = []string{"who"} })
	if w.run(renamed, c); w.count("Not Modified") != 0 {
		t.Error("another configuration must read all again")
	}
}

func TestShardsAreOneAsset(t *testing.T) {
	t.Parallel()
	seed := sandbox.Seed{Datasets: []*bq.Dataset{dataset("d")}, Tables: []*bq.Table{
		table("d", "events_20260101", column("old", "STRING")), table("d", "events_20260103", column("new", "STRING")),
		table("d", "events_20260102", column("mid", "STRING")), table("d", "events_20261301", column("x", "STRING")), table("d", "v_1", column("x", "STRING")),
	}}
	w := newWorld(t, seed)
	s, c := w.source(nil), &ingesttest.Catalog{}
	w.run(s, c)
	if diff := cmp.Diff([]string{"p.d", "p.d.events_*", "p.d.events_20261301", "p.d.v_1"}, assetsOf(c)); diff != "" {
		t.Errorf("assets (-want +got):\n%s", diff)
	}
	shards := func() string {
		for _, col := range ingesttest.Of[graph.Column](c.All()) {
			if col.Ref.Name == "p.d.events_*" {
				return col.Ref.Path
			}
		}
		return ""
	}
	if got := shards(); got != "new" {
		t.Errorf("column %q, want the newest shard's", got)
	}
	next := table("d", "events_20260104", column("new", "STRING"))
	if _, err := w.admin().Tables.Insert(project, "d", next).Do(); err != nil {
		t.Fatal(err)
	}
	if report := w.run(s, c); len(report.Delta) != 0 || w.count("OK", "events_20260104") != 1 {
		t.Errorf("a new day: delta %v, want it read and nothing changed", report.Delta)
	}
}

func TestDeniedDatasetIsAProblemAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	s, c := w.source(nil), &ingesttest.Catalog{}
	w.warehouse.Fault(sandbox.Fault{Method: "bigquery.datasets.get", Dataset: "a", Status: 403, Message: "Access Denied: Dataset p:a"})
	report := w.run(s, c)
	if diff := cmp.Diff([]string{"p.b", "p.b.u"}, assetsOf(c)); diff != "" {
		t.Errorf("assets (-want +got):\n%s", diff)
	}
	if len(report.Problems) != 1 {
		t.Fatalf("problems %+v, want one", report.Problems)
	}
	p := report.Problems[0]
	if p.Code != ingest.CodeDenied || p.Ref != graph.BigQueryRef(project, "a") || p.Do == "" ||
		!strings.Contains(p.What, "p.a") || !strings.Contains(p.What, "Access Denied") || !strings.Contains(p.What, "bigquery.datasets.get") {
		t.Errorf("problem %+v, want what, where and what to do", p)
	}
	w.warehouse.ClearFaults()
	if report := w.run(s, c); len(report.Problems) != 0 || len(assetsOf(c)) != 6 {
		t.Errorf("once it may be read: problems %v, assets %v", report.Problems, assetsOf(c))
	}
}

func TestDatasetThatIsGoneEndsThoughAnotherIsDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	s, c := w.source(nil), &ingesttest.Catalog{}
	w.run(s, c)
	if err := w.admin().Datasets.Delete(project, "b").DeleteContents(true).Do(); err != nil {
		t.Fatal(err)
	}
	w.warehouse.Fault(sandbox.Fault{Method: "bigquery.tables.list", Dataset: "a", Status: 403})
	w.run(s, c)
	if diff := cmp.Diff([]string{"p.a", "p.a.bare", "p.a.t1", "p.a.t2"}, assetsOf(c)); diff != "" {
		t.Errorf("assets (-want +got):\n%s", diff)
	}
}

func TestTableThatGoesBetweenListAndGetIsNoProblem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	s, c := w.source(nil), &ingesttest.Catalog{}
	w.run(s, c)
	w.warehouse.Fault(sandbox.Fault{Method: "bigquery.tables.get", Table: "t2", Status: 404, Times: 1})
	report := w.run(s, c)
	if len(report.Problems) != 0 || slices.Contains(assetsOf(c), "p.a.t2") || len(assetsOf(c)) != 5 {
		t.Errorf("problems %v, assets %v; want all but t2", report.Problems, assetsOf(c))
	}
	w.warehouse.Fault(sandbox.Fault{Method: "bigquery.datasets.get", Dataset: "b", Status: 404, Times: 1})
	if report = w.run(s, c); len(report.Problems) != 0 || slices.Contains(assetsOf(c), "p.b.u") {
		t.Errorf("a dataset that went: problems %v, assets %v", report.Problems, assetsOf(c))
	}
}

func TestFaultsThatPassChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	want := ingesttest.Facts(t, w.source(nil), nil)
	for _, method := range []string{"bigquery.datasets.list", "bigquery.datasets.get", "bigquery.tables.list", "bigquery.tables.get"} {
		for _, status := range []int{429, 500, 503} {
			w.warehouse.Fault(sandbox.Fault{Method: method, Status: status, Times: 1})
		}
	}
	if diff := cmp.Diff(want, ingesttest.Facts(t, w.source(nil), nil), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("facts (-quiet +faulty):\n%s", diff)
	}
}

func TestExpiredTokenFailsTheCrawlAndSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, small())
	s, c := w.source(func(cfg *bigquery.Config) { cfg.HTTPClient = w.client("expired") }), &ingesttest.Catalog{}
	_, err := ingest.Run(t.Context(), s, c, ingest.RunConfig{})
	if !errors.Is(err, graph.ErrDenied) || !strings.Contains(err.Error(), "token expired or unknown") || !strings.Contains(err.Error(), "crawl w") {
		t.Errorf("error %v, want a denial that names the token and the source", err)
	}
	if strings.Contains(err.Error(), "Bearer") || len(c.All()) != 0 || len(c.Problems("w")) != 1 {
		t.Errorf("error %v, %d items, problems %v", err, len(c.All()), c.Problems("w"))
	}
}

func TestPatternsAndProjects(t *testing.T) {
	t.Parallel()
	seed := sandbox.Seed{Datasets: []*bq.Dataset{dataset("raw_a"), dataset("raw_b"), dataset("tmp")}}
	q := dataset("raw_q")
	q.DatasetReference.ProjectId = "q"
	seed.Datasets = append(seed.Datasets, q)
	tests := []struct {
		name   string
		change func(*bigquery.Config)
		want   []string
	}{
		{"all of one project", nil, []string{"p.raw_a", "p.raw_b", "p.tmp"}},
		{"included", func(c *bigquery.Config) { c.Datasets = []string{"raw_*"} }, []string{"p.raw_a", "p.raw_b"}},
		{"excluded wins", func(c *bigquery.Config) { c.Datasets, c.Exclude = []string{"raw_*"}, []string{"*_b"} }, []string{"p.raw_a"}},
		{"two projects", func(c *bigquery.Config) { c.Projects, c.Datasets = []string{"p", "q"}, []string{"raw_*"} }, []string{"p.raw_a", "p.raw_b", "q.raw_q"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, seed)
			c := &ingesttest.Catalog{}
			w.run(w.source(tt.change), c)
			if diff := cmp.Diff(tt.want, assetsOf(c)); diff != "" {
				t.Errorf("assets (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProjectThatCannotBeListedKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	seed := small()
	q := dataset("c")
	q.DatasetReference.ProjectId = "q"
	seed.Datasets = append(seed.Datasets, q)
	w := newWorld(t, seed)
	s, c := w.source(func(c *bigquery.Config) { c.Projects = []string{"q", "p"} }), &ingesttest.Catalog{}
	w.run(s, c)
	w.warehouse.Fault(sandbox.Fault{Method: "bigquery.datasets.list", Project: "p", Status: 403})
	if report := w.run(s, c); len(report.Problems) != 1 || len(assetsOf(c)) != 7 {
		t.Errorf("problems %v, assets %v; want one and all kept", report.Problems, assetsOf(c))
	}
	w.warehouse.ClearFaults()
	if w.run(s, c); w.count("Not Modified") != 4 {
		t.Errorf("%d tables not modified, want the etags of the run before the fault kept", w.count("Not Modified"))
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	good := bigquery.Config{Name: "w", Projects: []string{"p"}, HTTPClient: http.DefaultClient}
	tests := []struct {
		name   string
		change func(*bigquery.Config)
		ok     bool
	}{
		{"good", func(*bigquery.Config) {}, true},
		{"no name", func(c *bigquery.Config) { c.Name = "" }, false},
		{"no project", func(c *bigquery.Config) { c.Projects = nil }, false},
		{"no client", func(c *bigquery.Config) { c.HTTPClient = nil }, false},
		{"bad pattern", func(c *bigquery.Config) { c.Exclude = []string{"["} }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := good
			tt.change(&cfg)
			if _, err := bigquery.New(cfg); (err == nil) != tt.ok || err != nil && !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("New = %v, want success: %v", err, tt.ok)
			}
		})
	}
}

func TestCheckNamesPermissions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, who string
		want      []graph.FindingLevel
		says      string
	}{
		{"all there", crawler, nil, ""},
		{"no jobs of others", "poor@x.example", []graph.FindingLevel{graph.FindingWarn}, "roles/bigquery.resourceViewer"},
		{"unknown token", "expired", []graph.FindingLevel{graph.FindingBlock}, "roles/bigquery.metadataViewer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, small())
			findings := w.source(func(c *bigquery.Config) { c.HTTPClient = w.client(tt.who) }).Check(t.Context())
			var levels []graph.FindingLevel
			for _, f := range findings {
				levels = append(levels, f.Level)
				if !strings.Contains(f.Do, tt.says) || f.What == "" || f.Ref != graph.BigQueryRef(project) {
					t.Errorf("finding %+v, want it to name %s", f, tt.says)
				}
			}
			if diff := cmp.Diff(tt.want, levels); diff != "" {
				t.Errorf("levels (-want +got):\n%s\n%+v", diff, findings)
			}
		})
	}
}
