package view_test

import (
	"slices"
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

// What a view could not name without doubt is refused, and nothing is planned
// over it.
func TestSchemasThatAreRefused(t *testing.T) {
	t.Parallel()
	deep := []string{"a RECORD"}
	for path := "a"; len(deep) < 16; {
		path += ".a"
		deep = append(deep, path+" RECORD")
	}
	wide := make([]string, 10_001)
	for i := range wide {
		wide[i] = "c" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/182) + " STRING"
	}
	for _, test := range []struct {
		name    string
		columns []string
		says    string
	}{
		{"two columns of one name", []string{"id STRING", "id STRING"}, "twice"},
		{"two columns of one name but for case", []string{"id STRING", "ID STRING"}, "twice"},
		{"a field without its record", []string{"contact.email STRING"}, "no record holds it"},
		{"a field of a scalar", []string{"contact STRING", "contact.email STRING"}, "no record holds it"},
		{"a field that does not say that its record is repeated", []string{"contact RECORD repeated", "contact.email STRING"}, "no record holds it"},
		{"a field without a name", []string{"contact RECORD", "contact. STRING"}, "without a name"},
		{"a control character", []string{"a\u2028b STRING"}, "control character"},
		{"too deep", append(deep, strings.TrimSuffix(deep[15], " RECORD")+".leaf STRING"), "nested deeper"},
		{"too many", wide, "10001 columns"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, false)
			odd := viewtest.Base(viewtest.Payments(), test.columns...)
			if test.name == "a control character" {
				odd.Columns[0].Ref.Path = "a\u2028b"
			}
			w.desired.Bases[1] = odd
			for _, c := range odd.Columns {
				viewtest.Decide(&w.desired, "analysts", c.Class, graph.EffectAllow, "", "")
			}
			plan := w.plan(t)
			if !slices.ContainsFunc(plan.Findings, func(f graph.Finding) bool {
				return f.Code == "unbuildable" && f.Ref == viewtest.Payments() && strings.Contains(f.What, test.says)
			}) {
				t.Errorf("findings %+v, want one that says %q", plan.Findings, test.says)
			}
			for _, s := range plan.Steps {
				if s.Base == viewtest.Payments() {
					t.Errorf("%s is planned", line(s))
				}
			}
		})
	}
}

// Fifteen levels are as deep as BigQuery goes.
func TestDeepestSchema(t *testing.T) {
	t.Parallel()
	columns, path := []string{}, "a"
	for len(columns) < 14 {
		columns = append(columns, path+" RECORD repeated")
		path += "[].a"
	}
	b := viewtest.Base(viewtest.Payments(), append(columns, path+" STRING")...)
	w := newWorld(t, false)
	w.desired.Bases, w.present.Bases[viewtest.Payments()] = []view.Base{b}, viewtest.TableOf(b)
	viewtest.Decide(&w.desired, "analysts", b.Columns[14].Class, graph.EffectAllow, "", "")
	if plan := w.plan(t); len(plan.Findings) > 0 || !slices.Contains(lines(plan), "create_view house.cadastre_analysts.raw__payments") {
		t.Errorf("plan %q with %+v, want a view", lines(plan), plan.Findings)
	}
}

// A record without a visible leaf is not in the view.
func TestEmptyRecordsVanish(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	for _, path := range []string{"contact.home.city", "contact.home.street", "contact.phones"} {
		viewtest.Decide(&w.desired, "analysts", viewtest.Class(viewtest.Customers(), path), graph.EffectDeny, "", "")
	}
	for _, s := range w.plan(t).Steps {
		if s.Object.Name == "house.cadastre_analysts.raw__customers" && (strings.Contains(s.After, "home") || !strings.Contains(s.After, "contact.email")) {
			t.Errorf("the view is\n%s", s.After)
		}
	}
}

// A base of which nobody is shown anything is neither read nor reported, even
// where nothing could be planned over it.
func TestWhatNobodyIsShownIsNotRead(t *testing.T) {
	t.Parallel()
	for _, columns := range [][]string{nil, {"looked_at_by_nobody STRING"}, {"a STRING", "a STRING"}} {
		w := newWorld(t, false)
		w.desired.Bases[1] = viewtest.Base(viewtest.Payments(), columns...)
		if slices.Contains(w.desired.Want().Bases, viewtest.Payments()) {
			t.Errorf("%q: it is read", columns)
		}
		delete(w.present.Bases, viewtest.Payments())
		if plan := w.plan(t); len(plan.Findings) > 0 {
			t.Errorf("%q: findings %+v", columns, plan.Findings)
		}
	}
}
