package bigquery_test

import (
	"fmt"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
	"cadastre.dev/cadastre/policy/view/bigquery"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

// estate is a desired state of many tables of twelve columns for five
// audiences, with what stands in the warehouse of its bases.
func estate(tables int) (view.Desired, *viewtest.Warehouse) {
	d := view.Desired{Names: viewtest.Names(), Decisions: map[view.Asked]graph.Decision{}}
	for i := range 5 {
		name := fmt.Sprintf("audience%d", i)
		d.Audiences = append(d.Audiences, graph.Audience{Name: name, Groups: []string{name + "@house.example"}})
	}
	for i := range tables {
		ref := graph.BigQueryRef(viewtest.Project, fmt.Sprintf("source%d", i%50), fmt.Sprintf("table%d", i))
		d.Bases = append(d.Bases, viewtest.Base(ref, "id INTEGER", "name STRING", "email STRING", "contact RECORD",
			"contact.phone STRING", "contact.city STRING", "items RECORD repeated", "items[].sku STRING", "items[].note STRING",
			"amount NUMERIC", "at TIMESTAMP", "looked_at_by_nobody STRING"))
		for j := range d.Bases[i].Columns {
			c := &d.Bases[i].Columns[j]
			c.Class = graph.Class(c.Name())
		}
	}
	for _, a := range d.Audiences {
		for _, c := range d.Bases[0].Columns {
			viewtest.Decide(&d, a.Name, c.Class, graph.EffectAllow, "", "")
		}
		viewtest.Decide(&d, a.Name, "email", graph.EffectMask, "hash", "email")
		viewtest.Decide(&d, a.Name, "name", graph.EffectDeny, "", "")
	}
	return d, viewtest.NewWarehouse(d.Names, d.Bases...)
}

// BenchmarkPlan plans 10,000 tables for five audiences, first on an empty
// target and then again when all of it stands. It reports the time of the
// second as a share of the first.
func BenchmarkPlan(b *testing.B) {
	d, target := estate(10_000)
	empty, err := target.Present(b.Context(), d.Want())
	if err != nil {
		b.Fatal(err)
	}
	plan, err := view.Plan(d, empty, bigquery.Dialect{})
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range plan.Steps {
		if err := target.Do(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
	full, err := target.Present(b.Context(), d.Want())
	if err != nil {
		b.Fatal(err)
	}
	var first, again time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := view.Plan(d, empty, bigquery.Dialect{}); err != nil {
			b.Fatal(err)
		}
		first += time.Since(start)
		start = time.Now()
		unchanged, err := view.Plan(d, full, bigquery.Dialect{})
		if err != nil || !unchanged.IsEmpty() {
			b.Fatalf("%d steps, %v; want none", len(unchanged.Steps), err)
		}
		again += time.Since(start)
	}
	b.ReportMetric(first.Seconds()/float64(b.N), "s/plan")
	b.ReportMetric(float64(again)/float64(first), "unchanged/full")
}
