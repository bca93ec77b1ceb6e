package bigquery_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	client "cloud.google.com/go/bigquery"
	"golang.org/x/oauth2"
	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/directory"
	"cadastre.dev/cadastre/internal/sandbox/journal"
)

const project = "p"

// The people of these tests. Each may do one kind of thing.
const (
	admin     = "admin@x.example"     // everything
	analyst   = "analyst@x.example"   // runs queries, in group readers@x.example
	stranger  = "stranger@y.example"  // no role at all
	librarian = "librarian@x.example" // metadata and everybody's jobs
	lister    = "lister@x.example"    // knows that there are jobs, not what they are
	cleared   = "cleared@x.example"   // as analyst, and fine-grained reader of the tag
)

const secretTag = "projects/p/locations/us/taxonomies/1/policyTags/2"

func people() []directory.Principal {
	role := func(names ...string) map[string][]string {
		roles := map[string][]string{}
		for _, n := range names {
			roles[project] = append(roles[project], "roles/bigquery."+n)
		}
		return roles
	}
	return []directory.Principal{
		{Email: admin, Roles: role("admin"), Tokens: []string{admin}},
		{Email: analyst, Roles: role("jobUser"), Groups: []string{"readers@x.example"}, Tokens: []string{analyst}},
		{Email: stranger, Tokens: []string{stranger}},
		{Email: librarian, Roles: role("metadataViewer", "resourceViewer", "jobUser"), Tokens: []string{librarian}},
		{Email: lister, Roles: role("user"), Tokens: []string{lister}},
		{Email: cleared, Roles: role("jobUser"), Groups: []string{"readers@x.example"}, FineGrained: []string{secretTag}, Tokens: []string{cleared}},
	}
}

// world is a warehouse behind a test server.
type world struct {
	t         *testing.T
	url       string
	warehouse *bigquery.Warehouse
}

func newWorld(t *testing.T) *world { return worldIn(t, "") }

// worldIn is a warehouse whose state is in dir.
func worldIn(t *testing.T, dir string) *world {
	t.Helper()
	who, err := directory.New(people())
	if err != nil {
		t.Fatal(err)
	}
	j, records, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := bigquery.New(bigquery.Config{
		Directory: who, Journal: j, Records: records, Worker: worker(),
		Roles: map[string][]string{"projects/p/roles/looker": {"bigquery.datasets.get"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return serveWarehouse(t, w)
}

// serveWarehouse puts a warehouse behind a server that holds its answers to
// Google's description.
func serveWarehouse(t *testing.T, w *bigquery.Warehouse) *world {
	t.Helper()
	server := httptest.NewServer(held(t, w))
	t.Cleanup(func() {
		server.Close()
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{t: t, url: server.URL, warehouse: w}
}

// worker is how the program that runs queries is found: by name, or where the
// build leaves it.
func worker() googlesql.Config {
	if path := os.Getenv("CADASTRE_GOOGLESQL"); path != "" {
		return googlesql.Config{Path: path, Deadline: time.Minute}
	}
	return googlesql.Config{Path: filepath.Join("..", "..", "..", "bin", googlesql.Program), Deadline: time.Minute}
}

// needsWorker skips a test that runs queries where there is nothing to run
// them.
func needsWorker(t *testing.T) {
	t.Helper()
	if _, err := googlesql.Locate(worker().Path); err != nil {
		t.Skipf("runs queries: %v", err)
	}
}

// as is Google's client with somebody's token.
func (w *world) as(email string) *client.Client {
	w.t.Helper()
	c, err := client.NewClient(w.t.Context(), project, option.WithEndpoint(w.url+"/bigquery/v2/"), option.WithTokenSource(source(email)))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

// raw is the generated client with somebody's token.
func (w *world) raw(email string) *bq.Service {
	w.t.Helper()
	s, err := bq.NewService(w.t.Context(), option.WithEndpoint(w.url+"/bigquery/v2/"), option.WithTokenSource(source(email)))
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func source(email string) oauth2.TokenSource {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: email})
}

// rows runs a query and reads all of its rows.
func (w *world) rows(email, sql string) ([][]client.Value, error) {
	w.t.Helper()
	it, err := w.as(email).Query(sql).Read(w.t.Context())
	if err != nil {
		return nil, err
	}
	var all [][]client.Value
	for {
		var row []client.Value
		err := it.Next(&row)
		if errors.Is(err, iterator.Done) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
}

// must runs a query that works.
func (w *world) must(email, sql string) [][]client.Value {
	w.t.Helper()
	rows, err := w.rows(email, sql)
	if err != nil {
		w.t.Fatalf("%s as %s: %v", sql, email, err)
	}
	return rows
}

// dataset makes a dataset with the given access entries beside the admin's.
func (w *world) dataset(id string, access ...*client.AccessEntry) *client.Dataset {
	w.t.Helper()
	d := w.as(admin).Dataset(id)
	access = append(access, &client.AccessEntry{Role: client.OwnerRole, EntityType: client.UserEmailEntity, Entity: admin})
	if err := d.Create(w.t.Context(), &client.DatasetMetadata{Access: access}); err != nil {
		w.t.Fatal(err)
	}
	return d
}

// status is the HTTP status of an error, 200 for none.
func status(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return http.StatusOK
	}
	var api *googleapi.Error
	if !errors.As(err, &api) {
		t.Fatalf("not an error of the API: %v", err)
	}
	return api.Code
}
