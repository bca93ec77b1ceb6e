package bigquery

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
)

func TestFlattenRefusesWhatNoTableHas(t *testing.T) {
	t.Parallel()
	deep := &bq.TableFieldSchema{Name: "leaf", Type: "STRING"}
	for i := range maxDepth {
		deep = &bq.TableFieldSchema{Name: fmt.Sprintf("r%d", i), Type: "RECORD", Fields: []*bq.TableFieldSchema{deep}}
	}
	many := make([]*bq.TableFieldSchema, maxColumns+1)
	for i := range many {
		many[i] = &bq.TableFieldSchema{Name: fmt.Sprintf("c%d", i), Type: "STRING"}
	}
	tests := []struct {
		name   string
		fields []*bq.TableFieldSchema
		ok     bool
	}{
		{"as deep as may be", deep.Fields, true},
		{"too deep", []*bq.TableFieldSchema{deep}, false},
		{"as many as may be", many[1:], true},
		{"too many", many, false},
		{"no name", []*bq.TableFieldSchema{{Type: "STRING"}}, false},
		{"twice but for case", []*bq.TableFieldSchema{{Name: "a"}, {Name: "A"}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := flatten(graph.BigQueryRef("p", "d", "t"), tt.fields); (err == nil) != tt.ok || err != nil && !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("flatten = %v, want success: %v", err, tt.ok)
			}
		})
	}
}

func TestTypeModeAndKind(t *testing.T) {
	t.Parallel()
	ranged := &bq.TableFieldSchema{Type: "RANGE", RangeElementType: &bq.TableFieldSchemaRangeElementType{Type: "date"}}
	if got := typeOf(ranged); got != "RANGE<DATE>" {
		t.Errorf("type %q", got)
	}
	modes := map[string]graph.Mode{"": graph.ModeNullable, "NULLABLE": graph.ModeNullable, "required": graph.ModeRequired, "REPEATED": graph.ModeRepeated}
	for in, want := range modes {
		if got := modeOf(&bq.TableFieldSchema{Mode: in}); got != want {
			t.Errorf("mode of %q is %q, want %q", in, got, want)
		}
	}
	kinds := map[string]graph.Kind{
		"TABLE": graph.KindTable, "VIEW": graph.KindView, "MATERIALIZED_VIEW": graph.KindMaterializedView,
		"EXTERNAL": graph.KindExternalTable, "SNAPSHOT": graph.KindSnapshot, "CLONE": graph.KindTable,
	}
	for in, want := range kinds {
		if got := kindOf(&bq.Table{Type: in}); got != want {
			t.Errorf("kind of %q is %q, want %q", in, got, want)
		}
	}
}

func TestDefinition(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		table *bq.Table
		want  string
	}{
		{"table", &bq.Table{}, ""},
		{"view verbatim", &bq.Table{View: &bq.ViewDefinition{Query: " SELECT 'x' -- y\n"}}, " SELECT 'x' -- y\n"},
		{"materialized view", &bq.Table{MaterializedView: &bq.MaterializedViewDefinition{Query: "SELECT 1"}}, "SELECT 1"},
		{"legacy view bears BigQuery's mark", &bq.Table{View: &bq.ViewDefinition{Query: "SELECT 1", UseLegacySql: true}}, "#legacySQL\nSELECT 1"},
		{"marked already", &bq.Table{View: &bq.ViewDefinition{Query: "#standardSQL\nSELECT 1", UseLegacySql: true}}, "#standardSQL\nSELECT 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := definition(tt.table); got != tt.want {
				t.Errorf("definition %q, want %q", got, tt.want)
			}
		})
	}
}

func TestGrants(t *testing.T) {
	t.Parallel()
	s := &Source{cfg: Config{Name: "w"}}
	d := graph.BigQueryRef("p", "d")
	conditional := &bq.DatasetAccess{Role: "READER", GroupByEmail: "g@x", Condition: &bq.Expr{Expression: "request.time < x"}}
	got := s.grants(d, []*bq.DatasetAccess{
		conditional,
		{Role: "READER", IamMember: "allUsers"},
		{Role: "READER", IamMember: "principalSet://pool"},
		{Routine: &bq.RoutineReference{ProjectId: "p", DatasetId: "d", RoutineId: "f"}},
		{Role: "READER"},
		{UserByEmail: "no-role@x"},
		{Dataset: &bq.DatasetAccessEntry{}},
	})
	says := graph.Provenance{Kind: graph.BySource, Name: "w"}
	sometimes := says
	sometimes.Why = "only where request.time < x"
	want := []graph.Grant{
		{On: d, Principal: "group:g@x", Role: "READER", Provenance: sometimes},
		{On: d, Principal: "principalSet://pool", Role: "READER", Provenance: says},
		{On: d, Principal: "routine:bigquery/p.d.f", Role: graph.RoleAuthorized, Provenance: says},
		{On: d, Principal: "special:allUsers", Role: "READER", Provenance: says},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("grants (-want +got):\n%s", diff)
	}
	both := s.grants(d, []*bq.DatasetAccess{conditional, {Role: "READER", GroupByEmail: "g@x"}})
	if len(both) != 1 || both[0].Provenance.Why != "" {
		t.Errorf("grants %+v, want the one without a condition", both)
	}
}

func TestCursorIsReadBack(t *testing.T) {
	t.Parallel()
	cfg := Config{Name: "w", OwnerLabels: []string{"owner"}}
	c := newCursor(cfg)
	c.dataset("x.com:p.d", "h")["t"] = seenTable{ETag: "e"}
	b, err := c.bytes()
	if err != nil {
		t.Fatal(err)
	}
	back := readCursor(b, cfg)
	if diff := cmp.Diff(c, back); diff != "" {
		t.Errorf("read back (-wrote +read):\n%s", diff)
	}
	if got := back.tables("x.com:p.d", "h"); got["t"].ETag != "e" {
		t.Errorf("tables %v", got)
	}
	if got := back.tables("x.com:p.d", "other"); got != nil {
		t.Errorf("tables %v of a dataset whose owners changed, want none", got)
	}
	if diff := cmp.Diff([]string{"x.com:p.d"}, back.datasetsOf("x.com:p")); diff != "" {
		t.Errorf("datasets (-want +got):\n%s", diff)
	}
	if other := readCursor(b, Config{Name: "v"}); len(other.Datasets) != 0 {
		t.Errorf("cursor of another configuration was read: %v", other)
	}
}

func FuzzReadCursor(f *testing.F) {
	cfg := Config{Name: "w"}
	good, err := newCursor(cfg).bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(good))
	f.Add([]byte(`{"version":1,"datasets":{"p.d":null}}`))
	f.Add([]byte("["))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := readCursor(ingest.Cursor(b), cfg)
		if c.Version != cursorVersion || c.Config != shape(cfg) || c.Datasets == nil {
			t.Fatalf("cursor %+v is none of this version and configuration", c)
		}
	})
}
