package bigquery_test

import (
	"net/http"
	"strings"
	"testing"

	client "cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"
)

// columnsOf are a table's columns with what is said of them.
func columnsOf(t *testing.T, table *client.Table) []string {
	t.Helper()
	meta, err := table.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, f := range meta.Schema {
		columns = append(columns, strings.TrimSpace(f.Name+" "+string(f.Type)+" "+f.Description))
	}
	return columns
}

// TestViewThroughTheAPI makes a view, describes it, changes its query, and
// looks at its columns each time.
func TestViewThroughTheAPI(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := plain(t)
	view := w.as(admin).Dataset("d").Table("v")
	if err := view.Create(t.Context(), &client.TableMetadata{ViewQuery: "SELECT k, v FROM `p.d.t` -- as it is", Description: "words"}); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name   string
		update client.TableMetadataToUpdate
		want   []string // nil if it is refused
	}{
		{"nothing of the columns", client.TableMetadataToUpdate{Description: "other words"}, []string{"k INTEGER", "v STRING"}},
		{
			"say what a column is",
			client.TableMetadataToUpdate{Schema: client.Schema{
				{Name: "k", Type: client.IntegerFieldType, Description: "the key"}, {Name: "v", Type: client.StringFieldType},
			}},
			[]string{"k INTEGER the key", "v STRING"},
		},
		{"a column that it has not", client.TableMetadataToUpdate{Schema: client.Schema{
			{Name: "k", Type: client.IntegerFieldType}, {Name: "v", Type: client.StringFieldType}, {Name: "z", Type: client.StringFieldType},
		}}, nil},
		{"another query forgets", client.TableMetadataToUpdate{ViewQuery: "SELECT k, UPPER(v) AS u FROM `p.d.t`"}, []string{"k INTEGER", "u STRING"}},
		{"another query with its words", client.TableMetadataToUpdate{
			ViewQuery: "SELECT k FROM `p.d.t`",
			Schema:    client.Schema{{Name: "k", Type: client.IntegerFieldType, Description: "the key"}},
		}, []string{"k INTEGER the key"}},
		{"another query with the words of others", client.TableMetadataToUpdate{
			ViewQuery: "SELECT v FROM `p.d.t`",
			Schema:    client.Schema{{Name: "k", Type: client.IntegerFieldType}},
		}, nil},
		{"more words than columns", client.TableMetadataToUpdate{
			ViewQuery: "SELECT v FROM `p.d.t`",
			Schema:    client.Schema{{Name: "v", Type: client.StringFieldType}, {Name: "w", Type: client.StringFieldType}},
		}, nil},
		{"a query that does not resolve", client.TableMetadataToUpdate{ViewQuery: "SELECT z FROM `p.d.t`"}, nil},
		{"a query of what is not there", client.TableMetadataToUpdate{ViewQuery: "SELECT 1 AS x FROM `p.d.q`"}, nil},
		{"a query that is none", client.TableMetadataToUpdate{ViewQuery: "DELETE FROM `p.d.t` WHERE TRUE"}, nil},
	}
	last := columnsOf(t, view)
	for _, s := range steps {
		_, err := view.Update(t.Context(), s.update, "")
		if (err != nil) != (s.want == nil) {
			t.Errorf("%s: %v", s.name, err)
		}
		if s.want != nil {
			last = s.want
		}
		if diff := cmp.Diff(last, columnsOf(t, view)); diff != "" {
			t.Errorf("%s:\n%s", s.name, diff)
		}
	}
	if code, body, _ := w.send(admin, http.MethodPatch, "projects/p/datasets/d/tables/t", `{"view":{"query":"SELECT 1","useLegacySql":false}}`); code != 400 {
		t.Errorf("a table became a view: %d %s", code, body)
	}
	if code, body, _ := w.send(admin, http.MethodGet, "projects/p/datasets/d/tables/v/data", ""); code != 400 {
		t.Errorf("rows of a view: %d %s", code, body)
	}
}

// TestViewsThatGoRoundEnd holds that a view which names itself, by way of
// another, is refused when queried.
func TestViewsThatGoRoundEnd(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := plain(t)
	w.must(admin, "CREATE VIEW d.a AS SELECT k FROM `p.d.t`")
	w.must(admin, "CREATE VIEW d.b AS SELECT k FROM `p.d.a`")
	if _, err := w.rows(admin, "CREATE OR REPLACE VIEW d.a AS SELECT k FROM `p.d.b`"); err == nil {
		_, err = w.rows(admin, "SELECT k FROM d.a")
		if status(t, err) != http.StatusBadRequest {
			t.Errorf("views in a circle: %v", err)
		}
	}
}

// TestQueryReadsAViewAsItIsNow holds that neither a view's text nor a table's
// rows are remembered from an earlier query.
func TestQueryReadsAViewAsItIsNow(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := plain(t)
	w.must(admin, "INSERT INTO d.t (k, v) VALUES (1, 'a')")
	w.must(admin, "CREATE VIEW d.v AS SELECT v AS x FROM `p.d.t`")
	read := func() string {
		t.Helper()
		return w.must(admin, "SELECT v.x FROM d.v AS v")[0][0].(string)
	}
	if got := read(); got != "a" {
		t.Errorf("got %q", got)
	}
	w.must(admin, "UPDATE d.t SET v = 'b' WHERE TRUE")
	if got := read(); got != "b" {
		t.Errorf("after an update: %q", got)
	}
	w.must(admin, "CREATE OR REPLACE VIEW d.v AS SELECT CONCAT(v, '!') AS x FROM `p.d.t`")
	if got := read(); got != "b!" {
		t.Errorf("after a new text: %q", got)
	}
	w.must(admin, "DROP TABLE d.t")
	if _, err := w.rows(admin, "SELECT x FROM d.v"); status(t, err) != http.StatusNotFound {
		t.Errorf("after its table was dropped: %v", err)
	}
}

// TestDefaultDataset completes names of one part, in the caller's text only.
func TestDefaultDataset(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := plain(t)
	w.must(admin, "INSERT INTO d.t (k) VALUES (1)")
	q := w.as(admin).Query("SELECT k FROM t")
	q.DefaultDatasetID = "d"
	it, err := q.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var row []client.Value
	if err := it.Next(&row); err != nil || row[0] != int64(1) {
		t.Errorf("got %v, %v", row, err)
	}
	if code, body, _ := w.send(admin, http.MethodPost, "projects/p/datasets/d/tables",
		`{"tableReference":{"tableId":"v"},"view":{"query":"SELECT k FROM t","useLegacySql":false}}`); code != 400 || !strings.Contains(body, "qualified") {
		t.Errorf("a view over a name of one part: %d %s", code, body)
	}
}

// TestLocations holds that a query stays in one place.
func TestLocations(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := plain(t)
	if err := w.as(admin).Dataset("far").Create(t.Context(), &client.DatasetMetadata{Location: "EU"}); err != nil {
		t.Fatal(err)
	}
	w.must(admin, "CREATE TABLE far.t AS SELECT 1 AS k")
	if _, err := w.rows(admin, "SELECT 1 FROM d.t JOIN far.t AS u USING (k)"); status(t, err) != http.StatusNotFound {
		t.Errorf("a query of two places: %v", err)
	}
	if _, err := w.rows(admin, "CREATE VIEW far.v AS SELECT k FROM `p.d.t`"); status(t, err) != http.StatusNotFound {
		t.Errorf("a view far from its table: %v", err)
	}
	err := w.as(admin).Dataset("far").Table("w").Create(t.Context(), &client.TableMetadata{ViewQuery: "SELECT k FROM `p.d.t`"})
	if status(t, err) != http.StatusNotFound {
		t.Errorf("a view far from its table, by the API: %v", err)
	}
	q := w.as(admin).Query("SELECT k FROM far.t")
	q.Location = "US"
	if _, err := q.Read(t.Context()); status(t, err) != http.StatusNotFound {
		t.Errorf("a job in another place: %v", err)
	}
}

// TestSessionUserIsWhoQueries holds inside a view too, whoever made it.
func TestSessionUserIsWhoQueries(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := newWorld(t)
	w.dataset("d", &client.AccessEntry{Role: client.ReaderRole, EntityType: client.GroupEmailEntity, Entity: "readers@x.example"})
	w.must(admin, "CREATE VIEW d.me AS SELECT SESSION_USER() AS who")
	for _, who := range []string{analyst, admin} {
		if got := w.must(who, "SELECT who, SESSION_USER() FROM d.me")[0]; got[0] != who || got[1] != who {
			t.Errorf("%s is %v", who, got)
		}
	}
}
