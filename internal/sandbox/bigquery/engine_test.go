package bigquery_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	client "cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/directory"
)

// TestWorkerThatDiesIsReplaced runs a statement that never ends: it fails, and
// the next one finds its tables again.
func TestWorkerThatDiesIsReplaced(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	who, err := directory.New(people())
	if err != nil {
		t.Fatal(err)
	}
	cfg := worker()
	cfg.Deadline = 2 * time.Second
	warehouse, err := bigquery.New(bigquery.Config{Directory: who, Worker: cfg})
	if err != nil {
		t.Fatal(err)
	}
	w := serveWarehouse(t, warehouse)
	customers(w)
	if rows := w.must(admin, "SELECT id FROM raw.customers"); len(rows) != 2 {
		t.Fatal(rows)
	}
	const endless = "SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 100000)) AS a, UNNEST(GENERATE_ARRAY(1, 100000)) AS b WHERE MOD(a * b, 7) = 1"
	code, body, _ := w.send(admin, http.MethodPost, "projects/p/queries", `{"query":"`+endless+`","useLegacySql":false}`)
	if code != http.StatusBadRequest || !strings.Contains(body, "resourcesExceeded") {
		t.Errorf("got %d %s", code, body)
	}
	if rows := w.must(admin, "SELECT id FROM raw.customers"); len(rows) != 2 {
		t.Errorf("after the worker was replaced: %v", rows)
	}
}

// TestCallerWhoGoesAway leaves a statement behind; the next caller gets his.
func TestCallerWhoGoesAway(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := newWorld(t)
	customers(w)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.as(admin).Query("SELECT id FROM raw.customers").Read(ctx); err == nil {
		t.Error("a call that was given up has an answer")
	}
	if rows := w.must(admin, "SELECT id FROM raw.customers"); len(rows) != 2 {
		t.Error(rows)
	}
}

// TestNarrowedRowsStayThemselves holds that hiding a leaf changes nothing else:
// a NULL record stays NULL, an array keeps its order and its length.
func TestNarrowedRowsStayThemselves(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := newWorld(t)
	w.dataset("d", &client.AccessEntry{Role: client.ReaderRole, EntityType: client.GroupEmailEntity, Entity: "readers@x.example"})
	hidden := func(name string) *client.FieldSchema {
		return &client.FieldSchema{Name: name, Type: client.StringFieldType, PolicyTags: &client.PolicyTagList{Names: []string{secretTag}}}
	}
	open := func(name string) *client.FieldSchema {
		return &client.FieldSchema{Name: name, Type: client.StringFieldType}
	}
	schema := client.Schema{
		{Name: "id", Type: client.IntegerFieldType},
		{Name: "r", Type: client.RecordFieldType, Schema: client.Schema{
			open("a"), hidden("b"),
			{Name: "deep", Type: client.RecordFieldType, Schema: client.Schema{hidden("c"), open("d")}},
		}},
		{Name: "l", Type: client.RecordFieldType, Repeated: true, Schema: client.Schema{
			open("a"), hidden("b"),
			{Name: "m", Type: client.RecordFieldType, Repeated: true, Schema: client.Schema{open("x"), hidden("y")}},
		}},
		{Name: "all", Type: client.RecordFieldType, Schema: client.Schema{hidden("b")}},
	}
	if err := w.as(admin).Dataset("d").Table("t").Create(t.Context(), &client.TableMetadata{Schema: schema}); err != nil {
		t.Fatal(err)
	}
	const rows = `{"rows":[{"json":{"id":1,"r":{"a":"1","b":"s","deep":{"c":"s","d":"2"}},
		"l":[{"a":"3","b":"s","m":[{"x":"4","y":"s"},{"x":"5"}]},{"a":"6"}]}},{"json":{"id":2,"r":{"b":"s"}}},{"json":{"id":3}}]}`
	if code, body, _ := w.send(admin, http.MethodPost, "projects/p/datasets/d/tables/t/insertAll", rows); code != 200 || strings.Contains(body, "insertErrors") {
		t.Fatal(body)
	}
	questions := map[string]string{
		"SELECT id, r IS NULL, r.a, r.deep.d, ARRAY_LENGTH(l) FROM d.t ORDER BY id":                    "[[1 false 1 2 2] [2 false <nil> <nil> 0] [3 true <nil> <nil> 0]]",
		"SELECT id, e.a, o FROM d.t, UNNEST(l) AS e WITH OFFSET AS o ORDER BY id, o":                   "[[1 3 0] [1 6 1]]",
		"SELECT id, i.x, p FROM d.t, UNNEST(l) AS e, UNNEST(e.m) AS i WITH OFFSET AS p ORDER BY id, p": "[[1 4 0] [1 5 1]]",
	}
	for question, want := range questions {
		for _, who := range []string{cleared, analyst} {
			if diff := cmp.Diff(want, fmt.Sprint(w.must(who, question))); diff != "" {
				t.Errorf("%s as %s:\n%s", question, who, diff)
			}
		}
	}
	if _, err := w.rows(analyst, "SELECT r FROM d.t"); status(t, err) != http.StatusForbidden {
		t.Errorf("the whole record: %v", err)
	}
	if code, body, _ := w.send(analyst, http.MethodGet, "projects/p/datasets/d/tables/t/data", ""); code != http.StatusForbidden || !strings.Contains(body, "p.d.t.l.m.y") {
		t.Errorf("the rows as they are: %d %s", code, body)
	}
	if code, body, _ := w.send(cleared, http.MethodGet, "projects/p/datasets/d/tables/t/data", ""); code != http.StatusOK {
		t.Errorf("the reader of the tag: %d %s", code, body)
	}
}

// TestManyAtOnce reads, writes and queries from many sides; the race detector
// and the last count judge.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := plain(t)
	const writers, each = 4, 5
	var work sync.WaitGroup
	for i := range writers {
		work.Go(func() {
			for n := range each {
				body := fmt.Sprintf(`{"rows":[{"json":{"k":%d}}]}`, i*each+n)
				if code, answer, _ := w.send(admin, http.MethodPost, "projects/p/datasets/d/tables/t/insertAll", body); code != 200 {
					t.Errorf("insert: %d %s", code, answer)
				}
			}
		})
		work.Go(func() {
			for range each {
				code, answer, _ := w.send(admin, http.MethodPost, "projects/p/queries", `{"query":"SELECT COUNT(*) FROM d.t","useLegacySql":false}`)
				if code != 200 {
					t.Errorf("query: %d %s", code, answer)
				}
				w.send(librarian, http.MethodGet, "projects/p/jobs?allUsers=true&projection=full", "")
				w.send(admin, http.MethodPatch, "projects/p/datasets/d", fmt.Sprintf(`{"description":"%d"}`, i))
			}
		})
	}
	work.Wait()
	if got := w.must(admin, "SELECT COUNT(DISTINCT k) FROM d.t"); got[0][0] != int64(writers*each) {
		t.Errorf("got %v rows", got)
	}
}

// TestCustomRole holds that a role of the world gives what it says and no
// more.
func TestCustomRole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.dataset("d", &client.AccessEntry{Role: "projects/p/roles/looker", EntityType: client.UserEmailEntity, Entity: stranger})
	if _, err := w.as(stranger).Dataset("d").Metadata(t.Context()); err != nil {
		t.Errorf("what the role gives: %v", err)
	}
	if code, body, _ := w.send(stranger, http.MethodGet, "projects/p/datasets/d/tables", ""); code != http.StatusForbidden {
		t.Errorf("what it does not give: %d %s", code, body)
	}
	if _, body, _ := w.send(stranger, http.MethodGet, "projects", ""); !strings.Contains(body, `"id":"p"`) {
		t.Errorf("the project of a dataset that one knows: %s", body)
	}
}
