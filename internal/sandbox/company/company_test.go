package company_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	client "cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox"
	"cadastre.dev/cadastre/internal/sandbox/company"
	"cadastre.dev/cadastre/internal/sandbox/directory"
)

func now() time.Time { return time.Date(2026, time.October, 9, 12, 0, 0, 0, time.UTC) }

// serve is the company's sandbox from memory.
func serve(t *testing.T) sandbox.Addresses {
	t.Helper()
	s, err := sandbox.New(sandbox.Config{World: company.World(now()), Worker: worker()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := s.Stop(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return sandbox.AddressesAt(server.URL)
}

func worker() googlesql.Config {
	if path := os.Getenv("CADASTRE_GOOGLESQL"); path != "" {
		return googlesql.Config{Path: path, Deadline: time.Minute}
	}
	return googlesql.Config{Path: filepath.Join("..", "..", "..", "bin", googlesql.Program), Deadline: time.Minute}
}

func needsWorker(t *testing.T) {
	t.Helper()
	if _, err := googlesql.Locate(worker().Path); err != nil {
		t.Skipf("runs queries: %v", err)
	}
}

func as(t *testing.T, at sandbox.Addresses, who directory.Principal) *client.Client {
	t.Helper()
	c, err := client.NewClient(t.Context(), company.Project, option.WithEndpoint(at.BigQuery),
		option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: company.Token(who)})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestSameCompanyAtEachStart is the generator's law.
func TestSameCompanyAtEachStart(t *testing.T) {
	t.Parallel()
	one, err := json.Marshal(company.World(now()).Warehouse)
	if err != nil {
		t.Fatal(err)
	}
	two, err := json.Marshal(company.World(now()).Warehouse)
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(two) {
		t.Error("two companies of the same moment differ")
	}
}

// TestRowsAreWhatTheSQLMakes runs the scheduled SQL over the raw rows and
// compares with the rows that the company already has.
func TestRowsAreWhatTheSQLMakes(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	at := serve(t)
	c := as(t, at, company.Scheduler())
	done := map[string]bool{}
	for _, j := range company.World(now()).Warehouse.Jobs {
		q := j.Configuration.Query
		if q.DestinationTable == nil || j.Status.ErrorResult != nil || j.Statistics.Query.StatementType == "MERGE" || done[q.Query] {
			continue
		}
		done[q.Query] = true
		to := q.DestinationTable
		if to.TableId == "customer_scores" {
			continue // its function is nowhere: that is what it is there for
		}
		sql := q.Query
		if _, body, ok := strings.Cut(sql, " AS\nSELECT"); ok && strings.HasPrefix(sql, "CREATE") {
			sql = "SELECT" + body
		}
		want := rows(t, c, sql)
		got := rows(t, c, fmt.Sprintf("SELECT * FROM `%s.%s.%s`", to.ProjectId, to.DatasetId, to.TableId))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s.%s is not what its SQL makes (-sql +rows):\n%s", to.DatasetId, to.TableId, diff)
		}
	}
	if len(done) < 6 {
		t.Errorf("only %d statements ran", len(done))
	}
}

// rows are a query's rows as text, sorted.
func rows(t *testing.T, c *client.Client, sql string) []string {
	t.Helper()
	it, err := c.Query(sql).Read(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var all []string
	for {
		var row []client.Value
		err := it.Next(&row)
		if errors.Is(err, iterator.Done) {
			slices.Sort(all)
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(row))
	}
}

// TestViewsHaveTheColumnsTheySay analyses each view and compares with the
// columns that it was given by hand.
func TestViewsHaveTheColumnsTheySay(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	at := serve(t)
	c := as(t, at, company.Scheduler())
	views := 0
	for _, table := range company.World(now()).Warehouse.Tables {
		if table.View == nil {
			continue
		}
		views++
		q := c.Query(table.View.Query)
		q.DryRun = true
		job, err := q.Run(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", table.TableReference.TableId, err)
		}
		schema := job.LastStatus().Statistics.Details.(*client.QueryStatistics).Schema
		var want, got []string
		for _, f := range table.Schema.Fields {
			want = append(want, f.Name+" "+f.Type)
		}
		for _, f := range schema {
			got = append(got, f.Name+" "+string(f.Type))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", table.TableReference.TableId, diff)
		}
	}
	if views != 3 {
		t.Errorf("got %d views", views)
	}
}

func TestWhoMayRead(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	at := serve(t)
	tests := []struct {
		name string
		who  directory.Principal
		sql  string
		ok   bool
	}{
		{"analyst and the raw table", company.Ana(), "SELECT 1 FROM raw.customers", false},
		{"analyst and the core table", company.Ana(), "SELECT 1 FROM core.customers", false},
		{"analyst and a report", company.Ana(), "SELECT 1 FROM reporting.monthly_revenue", false},
		{"fraud team and the raw table", company.Fay(), "SELECT 1 FROM raw.payments", false},
		{"auditor and the raw table", company.Audra(), "SELECT 1 FROM raw.payments", false},
		{"crawler reads no data", company.Crawler(), "SELECT 1 FROM raw.customers", false},
		{"crawler reads metadata", company.Crawler(), "SELECT 1 FROM `region-eu`.INFORMATION_SCHEMA.COLUMN_FIELD_PATHS LIMIT 1", true},
		{"crawler reads jobs", company.Crawler(), "SELECT 1 FROM `region-eu`.INFORMATION_SCHEMA.JOBS LIMIT 1", true},
		{"owner and his table", company.Otto(), "SELECT 1 FROM raw.customers", true},
		{"owner and the protected column", company.Otto(), "SELECT agent_note FROM raw.support_tickets", false},
		{"publisher reads what views read", company.Publisher(), "SELECT 1 FROM raw.customers", true},
		{"publisher writes nothing", company.Publisher(), "DELETE FROM raw.customers WHERE TRUE", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q := as(t, at, tt.who).Query(tt.sql)
			_, err := q.Read(t.Context())
			var api *googleapi.Error
			if denied := errors.As(err, &api) && api.Code == 403; denied == tt.ok || tt.ok && err != nil {
				t.Errorf("want ok %v, got %v", tt.ok, err)
			}
		})
	}
}

// TestPublisherStory is what the demo does with the publisher's account: a
// dataset, a view in it, the source's authority, and who is denied what.
func TestPublisherStory(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	at := serve(t)
	publisher := as(t, at, company.Publisher())
	views := publisher.Dataset("analyst_views")
	err := views.Create(t.Context(), &client.DatasetMetadata{Location: company.Location, Access: []*client.AccessEntry{
		{Role: client.OwnerRole, EntityType: client.UserEmailEntity, Entity: company.Publisher().Email},
		{Role: client.ReaderRole, EntityType: client.GroupEmailEntity, Entity: company.Analysts},
	}})
	if err != nil {
		t.Fatal(err)
	}
	err = views.Table("customers").Create(t.Context(), &client.TableMetadata{
		ViewQuery: "SELECT customer_id, IF(contact IS NULL, NULL, STRUCT(TO_HEX(SHA256(contact.email)) AS email)) AS contact FROM `lumen-prod.raw.customers`",
	})
	if err != nil {
		t.Fatal(err)
	}
	raw := publisher.Dataset(company.Raw)
	meta, err := raw.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	access := append(slices.Clip(meta.Access), &client.AccessEntry{
		EntityType: client.DatasetEntity,
		Dataset:    &client.DatasetAccessEntry{Dataset: views, TargetTypes: []string{"VIEWS"}},
	})
	if _, err := raw.Update(t.Context(), client.DatasetMetadataToUpdate{Access: access}, meta.ETag); err != nil {
		t.Fatal(err)
	}
	ana := as(t, at, company.Ana())
	if got := rows(t, ana, "SELECT customer_id FROM analyst_views.customers WHERE contact.email LIKE '%@%'"); len(got) != 0 {
		t.Errorf("the view shows addresses: %d rows", len(got))
	}
	if got := rows(t, ana, "SELECT customer_id FROM analyst_views.customers"); len(got) != 120 {
		t.Errorf("got %d customers", len(got))
	}
	addColumn(t, at)
	if got := rows(t, ana, "SELECT column_name FROM analyst_views.INFORMATION_SCHEMA.COLUMNS"); len(got) != 2 {
		t.Errorf("a new column of the base is in the view: %v", got)
	}
}

// addColumn does what the demo's proof does to the base table.
func addColumn(t *testing.T, at sandbox.Addresses) {
	t.Helper()
	table := as(t, at, company.Otto()).Dataset(company.Raw).Table("customers")
	meta, err := table.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	schema := append(slices.Clip(meta.Schema), &client.FieldSchema{Name: "passport_number", Type: client.StringFieldType})
	if _, err := table.Update(t.Context(), client.TableMetadataToUpdate{Schema: schema}, meta.ETag); err != nil {
		t.Fatal(err)
	}
}

// TestJobsTellWhatTheyDid checks what a crawler builds lineage from.
func TestJobsTellWhatTheyDid(t *testing.T) {
	t.Parallel()
	at := serve(t)
	s, err := bq.NewService(t.Context(), option.WithEndpoint(at.BigQuery),
		option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: company.Token(company.Crawler())})))
	if err != nil {
		t.Fatal(err)
	}
	failed, destinations := 0, 0
	err = s.Jobs.List(company.Project).AllUsers(true).Projection("full").MaxResults(5).Pages(t.Context(), func(l *bq.JobList) error {
		for _, j := range l.Jobs {
			if j.Configuration.Query.Query == "" {
				t.Errorf("%s has no text", j.Id)
			}
			if j.ErrorResult != nil {
				failed++
			}
			if j.Configuration.Query.DestinationTable != nil {
				destinations++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if failed != 3 || destinations != 24 {
		t.Errorf("got %d failed jobs and %d with a destination in three nights", failed, destinations)
	}
}
