package bigquery_test

import (
	"net/http"
	"strings"
	"testing"

	client "cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"
)

// customers fills raw.customers: flat, nested and repeated columns.
func customers(w *world) {
	w.t.Helper()
	w.dataset("raw")
	schema := client.Schema{
		{Name: "id", Type: client.IntegerFieldType, Required: true},
		{Name: "email", Type: client.StringFieldType},
		{Name: "contact", Type: client.RecordFieldType, Schema: client.Schema{
			{Name: "phone", Type: client.StringFieldType},
			{Name: "address", Type: client.RecordFieldType, Schema: client.Schema{{Name: "city", Type: client.StringFieldType}}},
		}},
		{Name: "contracts", Type: client.RecordFieldType, Repeated: true, Schema: client.Schema{
			{Name: "number", Type: client.StringFieldType}, {Name: "since", Type: client.DateFieldType},
		}},
		{Name: "born_at", Type: client.TimestampFieldType},
	}
	table := w.as(admin).Dataset("raw").Table("customers")
	if err := table.Create(w.t.Context(), &client.TableMetadata{Schema: schema}); err != nil {
		w.t.Fatal(err)
	}
	rows := []*client.ValuesSaver{
		{Schema: schema, Row: []client.Value{
			1, "a@x.example",
			[]client.Value{"+44 1", []client.Value{"Bath"}},
			[]client.Value{[]client.Value{"c1", "2020-01-01"}, []client.Value{"c2", "2021-01-01"}},
			"1980-02-03T04:05:06Z",
		}},
		{Schema: schema, Row: []client.Value{2, nil, nil, nil, nil}},
	}
	if err := table.Inserter().Put(w.t.Context(), rows); err != nil {
		w.t.Fatal(err)
	}
}

// TestAuthorizedDatasetStory is the main way of the demo: a view in a dataset
// that the base's dataset authorises, queried by one who may not read the base.
func TestAuthorizedDatasetStory(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := newWorld(t)
	customers(w)
	w.dataset("views", &client.AccessEntry{Role: client.ReaderRole, EntityType: client.GroupEmailEntity, Entity: "readers@x.example"})
	view := w.as(admin).Dataset("views").Table("customers")
	err := view.Create(t.Context(), &client.TableMetadata{ViewQuery: "SELECT id, TO_HEX(SHA256(email)) AS email, " +
		"IF(contact IS NULL, NULL, STRUCT('x' AS phone)) AS contact, ARRAY(SELECT AS STRUCT c.number FROM UNNEST(contracts) AS c " +
		"WITH OFFSET o ORDER BY o) AS contracts FROM `p.raw.customers`"})
	if err != nil {
		t.Fatal(err)
	}
	const ofView = "SELECT email IS NOT NULL AS hashed, contact, contracts FROM views.customers ORDER BY id"
	if _, err := w.rows(analyst, ofView); status(t, err) != http.StatusForbidden {
		t.Fatalf("a view without authority read its base: %v", err)
	}
	authorize(w, "raw", &client.AccessEntry{EntityType: client.DatasetEntity, Dataset: &client.DatasetAccessEntry{
		Dataset: w.as(admin).Dataset("views"), TargetTypes: []string{"VIEWS"},
	}})
	want := [][]client.Value{
		{true, []client.Value{"x"}, []client.Value{[]client.Value{"c1"}, []client.Value{"c2"}}},
		{false, nil, []client.Value{}},
	}
	if diff := cmp.Diff(want, w.must(analyst, ofView), emptyIsNil()); diff != "" {
		t.Error(diff)
	}
	_, err = w.rows(analyst, "SELECT * FROM raw.customers")
	if status(t, err) != http.StatusForbidden {
		t.Fatalf("the base was read: %v", err)
	}
	const words = "Access Denied: Table p:raw.customers: User does not have permission to query table p:raw.customers, or perhaps it does not exist."
	if !strings.Contains(err.Error(), words) {
		t.Errorf("want BigQuery's words, got %v", err)
	}
	if _, err := w.rows(analyst, "SELECT v.id FROM views.customers AS v JOIN `p.raw.customers` AS b USING (id)"); status(t, err) != http.StatusForbidden {
		t.Errorf("the view's authority was lent to the query around it: %v", err)
	}
}

// authorize adds an entry to a dataset's access list.
func authorize(w *world, dataset string, entry *client.AccessEntry) {
	w.t.Helper()
	d := w.as(admin).Dataset(dataset)
	meta, err := d.Metadata(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := d.Update(w.t.Context(), client.DatasetMetadataToUpdate{Access: append(meta.Access, entry)}, meta.ETag); err != nil {
		w.t.Fatal(err)
	}
}

// emptyIsNil lets an empty array equal one that the client left out.
func emptyIsNil() cmp.Option {
	return cmp.Transformer("empty", func(v []client.Value) []client.Value {
		if len(v) == 0 {
			return nil
		}
		return v
	})
}

// TestAuthorizedViewStory shows that replacing an authorised view ends its
// authority until it is granted again.
func TestAuthorizedViewStory(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := newWorld(t)
	customers(w)
	w.dataset("views", &client.AccessEntry{Role: client.ReaderRole, EntityType: client.UserEmailEntity, Entity: analyst})
	view := w.as(admin).Dataset("views").Table("v")
	if err := view.Create(t.Context(), &client.TableMetadata{ViewQuery: "SELECT id FROM `p.raw.customers`"}); err != nil {
		t.Fatal(err)
	}
	authorize(w, "raw", &client.AccessEntry{EntityType: client.ViewEntity, View: view})
	if rows := w.must(analyst, "SELECT id FROM views.v"); len(rows) != 2 {
		t.Fatalf("got %v", rows)
	}
	for _, change := range []struct{ name, sql string }{
		{"by DDL", "CREATE OR REPLACE VIEW views.v AS SELECT id, email FROM `p.raw.customers`"},
		{"by dropping it", "DROP VIEW views.v"},
	} {
		w.must(admin, change.sql)
		if change.name == "by dropping it" {
			w.must(admin, "CREATE VIEW views.v AS SELECT id FROM `p.raw.customers`")
		}
		if _, err := w.rows(analyst, "SELECT id FROM views.v"); status(t, err) != http.StatusForbidden {
			t.Fatalf("%s: a replaced view kept its authority: %v", change.name, err)
		}
		authorizeAgain(w, "raw")
		if rows := w.must(analyst, "SELECT id FROM views.v"); len(rows) != 2 {
			t.Fatalf("%s: authorised again, got %v", change.name, rows)
		}
	}
	if _, err := view.Update(t.Context(), client.TableMetadataToUpdate{Description: "a word"}, ""); err != nil {
		t.Fatal(err)
	}
	if rows := w.must(analyst, "SELECT id FROM views.v"); len(rows) != 2 {
		t.Errorf("a new description ended the authority: %v", rows)
	}
}

// authorizeAgain writes a dataset's access list as it is.
func authorizeAgain(w *world, dataset string) {
	w.t.Helper()
	d := w.as(admin).Dataset(dataset)
	meta, err := d.Metadata(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := d.Update(w.t.Context(), client.DatasetMetadataToUpdate{Access: meta.Access}, meta.ETag); err != nil {
		w.t.Fatal(err)
	}
}

// TestNestedViewStory shows that each view is judged on what itself names.
func TestNestedViewStory(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := newWorld(t)
	customers(w)
	w.dataset("middle")
	w.dataset("front", &client.AccessEntry{Role: client.ReaderRole, EntityType: client.UserEmailEntity, Entity: analyst})
	w.must(admin, "CREATE VIEW middle.v AS SELECT id FROM `p.raw.customers`")
	w.must(admin, "CREATE VIEW front.v AS SELECT id FROM `p.middle.v`")
	views := func(id string) *client.AccessEntry {
		return &client.AccessEntry{EntityType: client.DatasetEntity, Dataset: &client.DatasetAccessEntry{
			Dataset: w.as(admin).Dataset(id), TargetTypes: []string{"VIEWS"},
		}}
	}
	denied := func(when string) {
		t.Helper()
		if _, err := w.rows(analyst, "SELECT id FROM front.v"); status(t, err) != http.StatusForbidden {
			t.Fatalf("%s: %v", when, err)
		}
	}
	denied("nothing is authorised")
	authorize(w, "middle", views("front"))
	denied("the inner view has no authority")
	authorize(w, "raw", views("middle"))
	if rows := w.must(analyst, "SELECT id FROM front.v"); len(rows) != 2 {
		t.Fatalf("got %v", rows)
	}
}

// TestProtectedColumnStory shows that a policy tag denies through an authorised
// view as well, and denies only those who are no fine-grained readers.
func TestProtectedColumnStory(t *testing.T) {
	t.Parallel()
	needsWorker(t)
	w := newWorld(t)
	w.dataset("raw", &client.AccessEntry{Role: client.ReaderRole, EntityType: client.GroupEmailEntity, Entity: "readers@x.example"})
	schema := client.Schema{
		{Name: "id", Type: client.IntegerFieldType},
		{Name: "note", Type: client.StringFieldType, PolicyTags: &client.PolicyTagList{Names: []string{secretTag}}},
		{Name: "who", Type: client.RecordFieldType, Repeated: true, Schema: client.Schema{
			{Name: "name", Type: client.StringFieldType},
			{Name: "pin", Type: client.StringFieldType, PolicyTags: &client.PolicyTagList{Names: []string{secretTag}}},
		}},
	}
	table := w.as(admin).Dataset("raw").Table("notes")
	if err := table.Create(t.Context(), &client.TableMetadata{Schema: schema}); err != nil {
		t.Fatal(err)
	}
	w.must(admin, "INSERT INTO raw.notes (id) VALUES (1)")
	w.dataset("views", &client.AccessEntry{Role: client.ReaderRole, EntityType: client.GroupEmailEntity, Entity: "readers@x.example"})
	w.must(admin, "CREATE VIEW views.notes AS SELECT id, MD5(note) AS note FROM `p.raw.notes`")
	authorize(w, "raw", &client.AccessEntry{EntityType: client.ViewEntity, View: w.as(admin).Dataset("views").Table("notes")})
	tests := []struct {
		name, sql string
		denied    bool
	}{
		{"an open column", "SELECT id FROM raw.notes", false},
		{"the protected column", "SELECT note FROM raw.notes", true},
		{"in a condition", "SELECT id FROM raw.notes WHERE note IS NULL", true},
		{"by a star", "SELECT * FROM raw.notes", true},
		{"a star without it", "SELECT * EXCEPT (note, who) FROM raw.notes", false},
		{"a protected leaf", "SELECT w.pin FROM raw.notes, UNNEST(who) AS w", true},
		{"its neighbour", "SELECT w.name FROM raw.notes, UNNEST(who) AS w", false},
		{"the record around it", "SELECT who FROM raw.notes", true},
		{"through an authorised view", "SELECT note FROM views.notes", true},
	}
	for _, tt := range tests {
		if _, err := w.rows(analyst, tt.sql); (status(t, err) == http.StatusForbidden) != tt.denied {
			t.Errorf("%s: denied must be %v, got %v", tt.name, tt.denied, err)
		}
		if _, err := w.rows(cleared, tt.sql); err != nil {
			t.Errorf("%s: the fine-grained reader got %v", tt.name, err)
		}
	}
}
