package googlesql

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// customers is a table as a warehouse knows it.
var customers = map[string]Schema{"shop.raw.customers": {
	{"id", "INT64"}, {"contact", "STRUCT<email STRING, phone STRING>"}, {"orders", "ARRAY<STRUCT<sku STRING, price NUMERIC>>"},
}}

func TestRealAnalyze(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{Path: realWorker(t)})
	got, err := p.Analyze(t.Context(), Request{
		SQL: "CREATE OR REPLACE VIEW `shop.bi.spending` AS SELECT id, TO_HEX(SHA256(contact.email)) AS who, " +
			"(SELECT SUM(o.price) FROM UNNEST(orders) AS o) AS spent FROM raw.customers WHERE contact.phone IS NOT NULL",
		DefaultProject: "shop", Schemas: customers,
	})
	if err != nil {
		t.Fatal(err)
	}
	const in, out = "shop.raw.customers", "shop.bi.spending"
	want := Answer{
		Parsed: true, Outcome: Exact, Inputs: []string{in}, Outputs: []string{out},
		Columns: []Output{
			{out, "id", []Source{{Asset: in, Column: "id", Kind: Identity}}},
			{out, "who", []Source{{Asset: in, Column: "contact.email", Kind: Transformation, Function: "SHA256", Masking: true}}},
			{out, "spent", []Source{{Asset: in, Column: "orders[].price", Kind: Aggregation, Function: "SUM"}}},
		},
		Influences: []Source{{Asset: in, Column: "contact.phone", Kind: Filter}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRealNames(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{Path: realWorker(t)})
	got, err := p.Names(t.Context(), Request{
		SQL:            "WITH c AS (SELECT * FROM raw.customers) SELECT bi.pretty(x) FROM c, c.orders AS o JOIN `other.d.t` USING (id)",
		DefaultProject: "shop",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Names{Parsed: true, Tables: []string{"other.d.t", "shop.raw.customers"}, Functions: []string{"bi.pretty"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got, err = p.Names(t.Context(), Request{SQL: "SELEC 1"})
	if err != nil || got.Parsed || got.Error == "" {
		t.Errorf("names of what does not parse: %+v, %v", got, err)
	}
}

func TestRealBatch(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{Path: realWorker(t)})
	in := `{"id":"1","dialect":"bigquery","sql":"SELECT a.b AS c FROM d.t","schemas":{"p.d.t":{"a":"STRUCT<b INT64>"}},"default_project":"p"}
{"id":"2","sql":"SELEC"}
`
	var out bytes.Buffer
	if err := p.Batch(t.Context(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	want := `{"id":"1","parsed":true,"outcome":"exact","inputs":["p.d.t"],"outputs":[],` +
		`"columns":[{"output":null,"column":"c","sources":[{"asset":"p.d.t","column":"a.b","kind":"identity"}]}]}`
	if diff := cmp.Diff(want, lines[0]); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(lines[1], `{"id":"2","parsed":false,"outcome":"failed"`) {
		t.Errorf("the second answer is %s", lines[1])
	}
}

func TestRealSession(t *testing.T) {
	t.Parallel()
	s := newSession(t, Config{Path: realWorker(t)})
	schema := []Field{
		{Name: "id", Type: "INTEGER"},
		{Name: "contact", Type: "RECORD", Fields: []Field{{Name: "email", Type: "STRING"}, {Name: "seen", Type: "TIMESTAMP"}}},
		{Name: "orders", Type: "RECORD", Mode: "REPEATED", Fields: []Field{{Name: "sku", Type: "STRING"}, {Name: "price", Type: "NUMERIC"}}},
	}
	rows := []Row{
		{"1", []Cell{"a@example.org", "2030-07-17T01:45:06.5Z"}, []Cell{[]Cell{"s1", "1.5"}, []Cell{"s2", nil}}},
		{"2", nil, []Cell{}},
	}
	if err := s.CreateTable(t.Context(), "shop.raw.customers", schema); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(t.Context(), "shop.raw.customers", schema, rows); err != nil {
		t.Fatal(err)
	}
	view := Query{SQL: "SELECT id, IF(contact IS NULL, NULL, (SELECT AS STRUCT contact.* REPLACE ('***' AS email))) AS contact, orders FROM raw.customers", DefaultProject: "shop"}
	if err := s.CreateView(t.Context(), "shop.bi.customers", view); err != nil {
		t.Fatal(err)
	}
	got, err := s.Exec(t.Context(), Query{
		SQL: "SELECT * FROM bi.customers WHERE id >= @least ORDER BY id", DefaultProject: "shop",
		Params: []Param{{Name: "least", Type: "INTEGER", Value: "1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	wantRows := []Row{
		{"1", []Cell{"***", "2030-07-17T01:45:06.5Z"}, []Cell{[]Cell{"s1", "1.5"}, []Cell{"s2", nil}}},
		{"2", nil, []Cell{}},
	}
	if diff := cmp.Diff(wantRows, got.Rows); diff != "" {
		t.Error(diff)
	}
	d, err := s.Describe(t.Context(), Query{SQL: "SELECT id FROM shop.bi.customers"})
	if err != nil {
		t.Fatal(err)
	}
	want := Description{Kind: "QueryStatement", Schema: []Field{{Name: "id", Type: "INTEGER", Mode: "NULLABLE"}}, Inputs: []string{"shop.bi.customers"}, Outputs: []string{}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	if err := s.Drop(t.Context(), "shop.bi.customers"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Exec(t.Context(), Query{SQL: "SELECT * FROM shop.bi.customers"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("a query of a dropped view ends with %v", err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Exec(t.Context(), Query{SQL: "SELECT * FROM shop.raw.customers"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("after a restart the table is still there: %v", err)
	}
}

// BenchmarkAnalyze is one statement whose tables are known, by one worker.
func BenchmarkAnalyze(b *testing.B) {
	p, err := NewPool(Config{Path: realWorker(b), Workers: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	r := Request{SQL: "SELECT id, contact.email, o.sku, SUM(o.price) OVER (PARTITION BY id) FROM raw.customers, UNNEST(orders) AS o", DefaultProject: "shop", Schemas: customers}
	for b.Loop() {
		a, err := p.Analyze(b.Context(), r)
		if err != nil || a.Outcome != Exact {
			b.Fatalf("%+v, %v", a, err)
		}
	}
}
