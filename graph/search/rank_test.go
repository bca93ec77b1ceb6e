package search

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/graphtest"
)

// table is a document of a table with columns.
func table(container, name string, columns ...string) Doc {
	ref := graph.BigQueryRef("p", container, name)
	d := Doc{Asset: graph.Asset{Ref: ref, Kind: graph.KindTable, Source: "warehouse", Parent: ref.Parent()}}
	for _, c := range columns {
		d.Columns = append(d.Columns, DocColumn{Ref: ref.Column(c)})
	}
	return d
}

func described(d Doc, text string) Doc { d.Asset.Description = text; return d }

func estate() *Index {
	x := New()
	for _, d := range []Doc{
		described(table("sales", "d_ab_customer_orders"), "orders"),
		table("sales", "customer_orders_daily"),
		table("sales", "customer_orders"),
		table("sales", "ordersCustomer"),
		table("sales", "accounts", "customer_orders", "customer.email"),
		table("customer", "orders"),
		described(table("sales", "notes"), "what customers say of their orders"),
		described(table("billing", "customer_orders", "id"), "a copy"),
		table("meters", "meterReadings", "meter_id", "readAt"),
		{Asset: graph.Asset{Ref: graph.Ref{Namespace: "kafka://b", Name: "customer.events"}, Kind: graph.KindTopic, Source: "registry"}, Columns: []DocColumn{
			{Ref: graph.Ref{Namespace: "kafka://b", Name: "customer.events", Path: "payload.ipAddr"}, Description: "where they came from"},
		}},
	} {
		x.Put(d)
	}
	return x
}

func TestRanking(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{
			name: "the exact name before all that have its words", text: "d_ab_customer_orders",
			want: []string{"exact name p.sales.d_ab_customer_orders"},
		},
		{
			name: "exact names, names, structure, description", text: "customer_orders",
			want: []string{
				"exact name p.billing.customer_orders", "exact name p.sales.customer_orders",
				"name p.sales.ordersCustomer", "name p.sales.customer_orders_daily", "name p.sales.d_ab_customer_orders",
				"column or container p.sales.accounts", "column or container p.customer.orders",
				"description p.sales.notes",
			},
		},
		{
			name: "an exact name in words", text: "Meter readings",
			want: []string{"exact name p.meters.meterReadings"},
		},
		{
			name: "an exact name in full", text: "p.sales.customer_orders",
			want: []string{
				"exact name p.sales.customer_orders",
				"column or container p.sales.accounts", "column or container p.sales.ordersCustomer",
				"column or container p.sales.customer_orders_daily", "column or container p.sales.d_ab_customer_orders",
				"description p.sales.notes",
			},
		},
		{name: "a container and a name", text: "billing customer", want: []string{"column or container p.billing.customer_orders"}},
		{name: "a column of a topic", text: "ip", want: []string{"column or container customer.events"}},
		{name: "the beginning of a compound name", text: "meterRead", want: []string{"name p.meters.meterReadings"}},
		{name: "a misspelt name", text: "acounts", want: []string{"name, spelled a little differently p.sales.accounts"}},
		{name: "a misspelt short word stands for nothing", text: "ipp", want: nil},
		{name: "a column's description", text: "came from", want: []string{"description customer.events"}},
		{name: "nothing of the kind", text: "zebra", want: nil},
		{name: "one word of two is missing", text: "accounts zebra", want: nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, h := range query(t, estate(), Query{Text: tt.text}, graph.Everything()).Hits {
				got = append(got, h.Why+" "+h.Asset.Ref.Name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("hits of %q (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

// An empty query lists all by name; the alphabet does not see case.
func TestEmptyQueryListsAll(t *testing.T) {
	t.Parallel()
	x := New()
	for _, name := range []string{"beta", "Alpha", "gamma_ray", "alphabet"} {
		x.Put(table("d", name))
	}
	r := query(t, x, Query{}, graph.Everything())
	var got []string
	for _, h := range r.Hits {
		got = append(got, h.Why+": "+h.Asset.Ref.Base())
	}
	want := []string{"all, by name: Alpha", "all, by name: alphabet", "all, by name: beta", "all, by name: gamma_ray"}
	if diff := cmp.Diff(want, got); diff != "" || r.Total != 4 || r.HasNext {
		t.Errorf("total %d, next %v (-want +got):\n%s", r.Total, r.HasNext, diff)
	}
}

// shownParts cuts the spans out of a text.
func shownParts(text string, spans []Span) (parts []string) {
	for _, s := range spans {
		parts = append(parts, string([]rune(text)[s.Start:s.End]))
	}
	return parts
}

func TestHighlights(t *testing.T) {
	t.Parallel()
	x := New()
	x.Put(table("d", "Kunden_größe", "größe", "address.city", "cities[].name", "city", "name", "size.city", "cityCode", "e", "city2"))
	for _, tt := range []struct {
		name, text string
		want       []string
		columns    map[string][]string
	}{
		{name: "the beginning of a word", text: "kund", want: []string{"Kund"}},
		{name: "letters of several bytes", text: "größ", want: []string{"größ"}, columns: map[string][]string{"größe": {"größ"}}},
		{name: "a misspelt word as a whole", text: "kundne", want: []string{"Kunden"}},
		{
			name: "the columns whose own name matches first, at most five", text: "city",
			columns: map[string][]string{"address.city": {"city"}, "city": {"city"}, "size.city": {"city"}, "cityCode": {"city"}, "city2": {"city"}},
		},
		{name: "all words of the query", text: "code city", columns: map[string][]string{
			"cityCode": {"city", "Code"}, "address.city": {"city"}, "city": {"city"}, "size.city": {"city"}, "city2": {"city"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := query(t, x, Query{Text: tt.text}, graph.Everything())
			if len(r.Hits) != 1 {
				t.Fatalf("%d hits", len(r.Hits))
			}
			h := r.Hits[0]
			if diff := cmp.Diff(tt.want, shownParts(h.Asset.Ref.Base(), h.Highlights)); diff != "" {
				t.Errorf("name (-want +got):\n%s", diff)
			}
			var columns map[string][]string
			for _, c := range h.Columns {
				if columns == nil {
					columns = map[string][]string{}
				}
				columns[c.Ref.Path] = shownParts(c.Ref.Path, c.Highlights)
			}
			if diff := cmp.Diff(tt.columns, columns); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
		})
	}
}

// The columns that match best come first, in the order of the schema among
// equals.
func TestColumnsAreRanked(t *testing.T) {
	t.Parallel()
	x := New()
	x.Put(table("d", "t", "email.domain", "home.email", "home.address", "email", "home.email.domain"))
	r := query(t, x, Query{Text: "home email"}, graph.Everything())
	var got []string
	for _, c := range r.Hits[0].Columns {
		got = append(got, c.Ref.Path)
	}
	if diff := cmp.Diff([]string{"home.email", "email", "home.email.domain", "email.domain", "home.address"}, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}

func TestDiscoverableHit(t *testing.T) {
	t.Parallel()
	c := graphtest.NewCompany()
	x := New()
	raw := Doc{
		Asset:  graph.Asset{Ref: c.Raw, Kind: graph.KindTable, Source: "warehouse", Parent: c.Dataset, Description: "As the topic delivers it", Title: "Raw", Labels: map[string]string{"domain": "customer"}},
		Owners: []string{"group:customer-data@example.org"}, Labels: []string{graphtest.LabelEmail},
		Columns: []DocColumn{{Ref: c.Raw.Column("contact.email"), Description: "where we write to"}},
	}
	x.Put(raw)
	for _, tt := range []struct {
		name  string
		query Query
		found bool
	}{
		{"its name", Query{Text: "customers raw"}, true},
		{"the beginning of its name", Query{Text: "cust"}, true},
		{"its name in full", Query{Text: "shop.sales.customers_raw"}, true},
		{"its misspelt name", Query{Text: "custmers"}, true},
		{"its kind", Query{Kinds: []string{"table"}}, true},
		{"its owner", Query{Owners: raw.Owners}, true},
		{"its column", Query{Text: "email"}, false},
		{"its name and a column", Query{Text: "customers email"}, false},
		{"its description", Query{Text: "topic"}, false},
		{"its title and its name", Query{Text: "raw delivers"}, false},
		{"its label", Query{Text: "domain"}, false},
		{"the filter of its source", Query{Sources: []string{"warehouse"}}, false},
		{"the filter of its container", Query{Parents: []graph.Ref{c.Dataset}}, false},
		{"the filter of its tags", Query{Labels: raw.Labels}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if all := query(t, x, tt.query, graph.Everything()); all.Total != 1 {
				t.Fatalf("who sees all finds %d", all.Total)
			}
			r := query(t, x, tt.query, c.AnalystFilter())
			if (r.Total == 1) != tt.found || len(r.Hits) != r.Total {
				t.Fatalf("found %d, want found: %v", r.Total, tt.found)
			}
			if !tt.found {
				return
			}
			want := graph.Asset{Ref: c.Raw, Kind: graph.KindTable}
			if diff := cmp.Diff(want, r.Hits[0].Asset); diff != "" || r.Hits[0].Columns != nil || r.Hits[0].Visibility != graph.Discoverable {
				t.Errorf("%s is told, with columns %v (-want +got):\n%s", r.Hits[0].Visibility, r.Hits[0].Columns, diff)
			}
			for _, f := range r.Facets {
				if open := f.Attribute == "kind" || f.Attribute == "owner"; open != (len(f.Values) == 1) {
					t.Errorf("facet %s has %v", f.Attribute, f.Values)
				}
			}
		})
	}
}

// A hidden asset whose name is spelled as somebody misspells another does not
// keep them from finding what they may see.
func TestHiddenWordIsNoWord(t *testing.T) {
	t.Parallel()
	x := New()
	x.Put(table("open", "customers"))
	x.Put(table("vault", "custmers"))
	filter := graph.Filter{Visible: []graph.Clause{{{Attribute: graph.AttributeParent, In: []string{"bigquery/p.open"}}}}}
	if r := query(t, x, Query{Text: "custmers"}, filter); r.Total != 1 || r.Hits[0].Asset.Ref.Base() != "customers" {
		t.Errorf("%+v", r)
	}
	if r := query(t, x, Query{Text: "custmers"}, graph.Everything()); r.Total != 1 || r.Hits[0].Asset.Ref.Base() != "custmers" {
		t.Errorf("%+v", r)
	}
}

func TestPageSizes(t *testing.T) {
	t.Parallel()
	x := New()
	for i := range 250 {
		x.Put(table("d", fmt.Sprintf("t%03d", i)))
	}
	for first, want := range map[int]int{-1: 25, 0: 25, 1: 1, 200: 200, 201: 200, 1000: 200} {
		if r := query(t, x, Query{First: first}, graph.Everything()); len(r.Hits) != want || !r.HasNext || r.Total != 250 {
			t.Errorf("first %d: %d hits of %d, next %v", first, len(r.Hits), r.Total, r.HasNext)
		}
	}
}

// A query finds what was put in after the query before it, and nothing that
// was taken out.
func TestChangesAreSeenAtOnce(t *testing.T) {
	t.Parallel()
	x := New()
	d := table("d", "zebras")
	for range 2 {
		if r := query(t, x, Query{Text: "zeb"}, graph.Everything()); r.Total != 0 {
			t.Fatalf("found %d before it was put in", r.Total)
		}
		x.Put(table("d", "anchors"))
		query(t, x, Query{Text: "zeb"}, graph.Everything())
		x.Put(d)
		if r := query(t, x, Query{Text: "zeb"}, graph.Everything()); r.Total != 1 {
			t.Fatalf("found %d after it was put in", r.Total)
		}
		x.Remove(d.Asset.Ref)
	}
}

// A page that ends with the last hit has none behind it.
func TestLastPageHasNoNext(t *testing.T) {
	t.Parallel()
	x := New()
	for i := range 4 {
		x.Put(table("d", fmt.Sprintf("t%d", i)))
	}
	first := query(t, x, Query{First: 2}, graph.Everything())
	last := query(t, x, Query{First: 2, After: first.Hits[1].Cursor}, graph.Everything())
	if !first.HasNext || len(last.Hits) != 2 || last.HasNext {
		t.Errorf("first page: next %v; last: %d hits, next %v", first.HasNext, len(last.Hits), last.HasNext)
	}
	if behind := query(t, x, Query{After: last.Hits[1].Cursor}, graph.Everything()); behind.HasNext || behind.Hits != nil || behind.Total != 4 {
		t.Errorf("behind the last: %+v", behind)
	}
}

// A facet shows its twenty most frequent values, equals by the alphabet.
func TestFacetsAreCapped(t *testing.T) {
	t.Parallel()
	x := New()
	for i := range 30 {
		d := table(fmt.Sprintf("d%02d", i), "t")
		d.Owners = []string{"user:a", "user:a"}
		x.Put(d)
	}
	x.Put(table("d29", "u"))
	r := query(t, x, Query{}, graph.Everything())
	for _, f := range r.Facets {
		switch f.Attribute {
		case "parent":
			if len(f.Values) != 20 || f.More != 10 || f.Values[0] != (FacetValue{"bigquery/p.d29", 2}) || f.Values[1] != (FacetValue{"bigquery/p.d00", 1}) {
				t.Errorf("parents: %v", f.Values)
			}
		case "owner":
			if diff := cmp.Diff([]FacetValue{{"user:a", 30}}, f.Values); diff != "" || f.More != 0 {
				t.Errorf("an owner who is named twice counts once (-want +got):\n%s", diff)
			}
		}
	}
}

func TestInvalidQueries(t *testing.T) {
	t.Parallel()
	x := estate()
	for _, tt := range []struct {
		name  string
		query Query
	}{
		{"a cursor that is no base64", Query{After: "%"}},
		{"a cursor that is no JSON", Query{After: "AAAA"}},
		{"a cursor that is other JSON", Query{After: "W10"}},
		{"a cursor of another list", Query{After: "e30"}},
		{"too many words", Query{Text: strings.Repeat("a ", maxWords+1)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := x.Query(tt.query, graph.Everything()); !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("err = %v, want ErrInvalid", err)
			}
		})
	}
	if _, err := x.Query(Query{Text: strings.Repeat("a ", maxWords)}, graph.Everything()); err != nil {
		t.Errorf("as many words as may be: %v", err)
	}
}

func ExampleIndex_Query() {
	x := New()
	x.Put(table("sales", "customers", "id", "contact.email"))
	x.Put(table("sales", "emails"))
	result, err := x.Query(Query{Text: "email"}, graph.Everything())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, h := range result.Hits {
		fmt.Println(h.Asset.Ref.Base(), "by", h.Why)
	}
	// Output:
	// emails by name
	// customers by column or container
}
