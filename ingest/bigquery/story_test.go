package bigquery_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/bigquery"
	"cadastre.dev/cadastre/ingest/ingesttest"
	"cadastre.dev/cadastre/internal/gcp"
	"cadastre.dev/cadastre/internal/sandbox"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// TestCompany crawls the demo's company with the identity that the demo gives
// to a crawler, which may read no row.
func TestCompany(t *testing.T) {
	t.Parallel()
	house, err := sandbox.New(sandbox.Config{World: company.World(noon)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(house.Handler())
	t.Cleanup(server.Close)
	client, err := gcp.Client(t.Context(), gcp.Config{Token: company.Token(company.Crawler()), PerSecond: -1})
	if err != nil {
		t.Fatal(err)
	}
	s, err := bigquery.New(bigquery.Config{
		Name: "warehouse", Projects: []string{company.Project}, Endpoint: sandbox.AddressesAt(server.URL).BigQuery, HTTPClient: client, Lookback: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if findings := s.Check(t.Context()); len(findings) != 0 {
		t.Errorf("the demo's crawler lacks something: %+v", findings)
	}
	var c ingesttest.Catalog
	for run := range 2 {
		report, err := ingest.Run(t.Context(), s, &c, ingest.RunConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if report.Revision != 1 || len(report.Problems) != 0 {
			t.Errorf("run %d: revision %d, problems %v; want revision 1 and none", run, report.Revision, report.Problems)
		}
	}
	email := graph.BigQueryRef(company.Project, company.Raw, "customers").Column("contact.email")
	if _, ok := c.All().Get(graph.Column{Ref: email}); !ok {
		t.Errorf("column %s was not seen", email)
	}
	statements, _, err := listed(t, s, nil)
	if err != nil || len(statements) < 5 {
		t.Errorf("%d statements, %v; want the company's scheduled queries", len(statements), err)
	}
	twice := slices.ContainsFunc(statements, func(a graph.Statement) bool {
		return slices.ContainsFunc(statements, func(b graph.Statement) bool { return a.Author != b.Author && a.ID == b.ID })
	})
	if twice {
		t.Error("one statement is told twice")
	}
}

// TestEstate crawls a real estate where one is to be had.
func TestEstate(t *testing.T) {
	t.Parallel()
	cases := os.Getenv("CADASTRE_CASES")
	if cases == "" {
		t.Skip("CADASTRE_CASES does not name a folder of real cases")
	}
	const reader = "reader@x.example"
	world := company.World(noon)
	for i := range world.Principals {
		if world.Principals[i].Email == company.Crawler().Email {
			world.Principals[i].Tokens = append(world.Principals[i].Tokens, reader)
		}
	}
	house, err := sandbox.New(sandbox.Config{World: world, Estate: filepath.Join(cases, "estates", "mozilla"), EstateReaders: []string{company.Crawler().Email}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(house.Handler())
	t.Cleanup(server.Close)
	client, err := gcp.Client(t.Context(), gcp.Config{Token: reader, PerSecond: -1})
	if err != nil {
		t.Fatal(err)
	}
	s, err := bigquery.New(bigquery.Config{
		Name: "estate", Projects: []string{"glam-fenix-dev", "moz-fx-data-shared-prod"}, Endpoint: sandbox.AddressesAt(server.URL).BigQuery,
		HTTPClient: client, Lookback: -1, Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	var c ingesttest.Catalog
	first, err := ingest.Run(t.Context(), s, &c, ingest.RunConfig{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := ingest.Run(t.Context(), s, &c, ingest.RunConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if first.Seen.Assets < 2000 || len(second.Delta) != 0 || second.Seen.Unchanged < 2000 {
		t.Errorf("first %+v, second %+v with %d changes; want all read once and then unchanged", first.Seen, second.Seen, len(second.Delta))
	}
}
