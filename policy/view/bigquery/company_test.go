package bigquery_test

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/option"

	"cadastre.dev/cadastre/graph"
	sandbox "cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/company"
	"cadastre.dev/cadastre/internal/sandbox/directory"
	"cadastre.dev/cadastre/policy/view"
	"cadastre.dev/cadastre/policy/view/bigquery"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

// Every table and view of the demo's company has a view that runs, save those
// of which the plan warned: the analysts get as many rows as there are, and no
// address.
func TestTheWholeCompany(t *testing.T) {
	t.Parallel()
	world := company.World(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	people, err := directory.New(world.Principals)
	if err != nil {
		t.Fatal(err)
	}
	warehouse, err := sandbox.New(sandbox.Config{Directory: people, Roles: world.Roles, Worker: worker(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := warehouse.Fill(world.Warehouse); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(warehouse)
	t.Cleanup(func() { server.Close(); _ = warehouse.Close() })
	as := func(who directory.Principal) *bq.Service {
		token := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: company.Token(who)})
		s, err := bq.NewService(t.Context(), option.WithEndpoint(server.URL+"/bigquery/v2/"), option.WithTokenSource(token))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	names := view.Naming{Project: company.Project}
	publisher := company.Publisher().Email
	target, err := bigquery.NewTarget(bigquery.Config{Service: as(company.Publisher()), Names: names, Publisher: publisher, Keys: keys{}})
	if err != nil {
		t.Fatal(err)
	}
	desired := view.Desired{
		Names: names, Publisher: "user:" + publisher, Decisions: map[view.Asked]graph.Decision{},
		Audiences: []graph.Audience{{Name: "analysts", Groups: []string{company.Analysts}}},
		Bases:     companyBases(t, as(company.Crawler())),
	}
	for _, b := range desired.Bases {
		for _, c := range b.Columns {
			decideByName(&desired, c)
		}
	}
	present, err := target.Present(t.Context(), desired.Want())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := view.Plan(desired, present, bigquery.Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	refused := map[graph.Ref]bool{}
	for _, f := range plan.Findings {
		if f.Code != "base-unauthorized" {
			t.Fatalf("finding %+v", f)
		}
		refused[f.Ref] = true
	}
	if err := view.Apply(t.Context(), plan, 0, target, &viewtest.Log{}); err != nil {
		t.Fatal(err)
	}
	no, views := false, 0
	for _, s := range plan.Steps {
		if s.Kind != graph.StepCreateView {
			continue
		}
		views++
		_, dataset, table := parts(s.Object)
		answer, err := as(company.Ana()).Jobs.Query(company.Project, &bq.QueryRequest{
			Query: "SELECT TO_JSON_STRING(t) FROM `" + company.Project + "." + dataset + "." + table + "` AS t", UseLegacySql: &no,
		}).Do()
		if refused[s.Base] != (err != nil) {
			t.Errorf("%s: %v; the plan warned of it: %t", s.Object.Name, err, refused[s.Base])
		}
		if err != nil {
			continue
		}
		if rows := world.Warehouse.Rows[s.Base.Name]; len(rows) > 0 && int(answer.TotalRows) != len(rows) {
			t.Errorf("%s has %d rows, its base %d", s.Object.Name, answer.TotalRows, len(rows))
		}
		for _, row := range answer.Rows {
			if text := row.F[0].V.(string); strings.Contains(text, "@") {
				t.Errorf("%s shows an address", s.Object.Name)
				break
			}
		}
	}
	if views != len(desired.Bases) || views == 0 {
		t.Errorf("%d views over %d bases", views, len(desired.Bases))
	}
}

// reads finds the tables that a view of the company names.
var reads = regexp.MustCompile(`\b(raw|core|reporting)\.([a-z_]+)`)

// companyBases crawls by hand what there is: tables and views with schemas.
func companyBases(t *testing.T, s *bq.Service) []view.Base {
	t.Helper()
	var bases []view.Base
	for _, dataset := range []string{company.Raw, company.Core, company.Reporting} {
		list, err := s.Tables.List(company.Project, dataset).MaxResults(1000).Do()
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range list.Tables {
			table, err := s.Tables.Get(company.Project, dataset, entry.TableReference.TableId).Do()
			if err != nil {
				t.Fatal(err)
			}
			ref := graph.BigQueryRef(company.Project, dataset, entry.TableReference.TableId)
			b := view.Base{Asset: graph.Asset{Ref: ref, Kind: graph.KindTable, Location: table.Location}}
			b.Columns = columnsOf(ref, table.Schema.Fields, "", nil)
			if table.View != nil {
				b.Asset.Kind = graph.KindView
				for _, m := range reads.FindAllStringSubmatch(table.View.Query, -1) {
					b.Reads = append(b.Reads, graph.BigQueryRef(company.Project, m[1], m[2]))
				}
			}
			bases = append(bases, b)
		}
	}
	return bases
}

func columnsOf(ref graph.Ref, fields []*bq.TableFieldSchema, prefix string, into []view.Column) []view.Column {
	for _, f := range fields {
		c := graph.Column{Ref: ref.Column(prefix + f.Name), Position: len(into), Type: f.Type, Mode: graph.Mode(strings.ToLower(f.Mode))}
		if c.Mode == "" {
			c.Mode = graph.ModeNullable
		}
		class := f.Name + " " + f.Type
		if f.PolicyTags != nil {
			c.PolicyTags, class = f.PolicyTags.Names, "protected"
		}
		into = append(into, view.Column{Column: c, Class: graph.Class(class), Assessment: graph.AssessedNone})
		below := prefix + f.Name + "."
		if c.Mode == graph.ModeRepeated {
			below = prefix + f.Name + "[]."
		}
		into = columnsOf(ref, f.Fields, below, into)
	}
	return into
}

// decideByName hashes texts that may identify, leaves the protected out and
// shows the rest.
func decideByName(d *view.Desired, c view.Column) {
	switch name, text := c.Name(), c.Type == "STRING"; {
	case c.Class == "protected":
		viewtest.Decide(d, "analysts", c.Class, graph.EffectDeny, "", "")
	case text && strings.Contains(name, "email"):
		viewtest.Decide(d, "analysts", c.Class, graph.EffectMask, "hash", "email")
	case text && !strings.HasSuffix(name, "_id") && name != "city":
		viewtest.Decide(d, "analysts", c.Class, graph.EffectMask, "hash", "other")
	default:
		viewtest.Decide(d, "analysts", c.Class, graph.EffectAllow, "", "")
	}
}
