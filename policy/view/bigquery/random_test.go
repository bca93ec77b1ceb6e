package bigquery_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/policy/mask"
	"cadastre.dev/cadastre/policy/view"
	"cadastre.dev/cadastre/policy/view/bigquery"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

// random is a table of random columns with random decisions for one audience.
type random struct {
	*rand.Rand
	desired view.Desired
	base    view.Base
	fields  []googlesql.Field
	// want is the effect of each leaf by path, as it should be in the view.
	want map[string]graph.Decision
}

// awkward are names that have a meaning somewhere else: words of SQL, aliases
// of the view, and letters that are none of ASCII's.
var awkward = []string{"select", "from", "base", "key1", "item1", "item2", "at1", "ipad", "id", "order", "base_", "Größe", "a-b", "struct", "offset", "x"}

// scalars are the leaf types, in the words of the catalog.
var scalars = []string{"STRING", "INTEGER", "BOOLEAN", "FLOAT", "DATE", "TIMESTAMP", "BYTES", "NUMERIC"}

// newRandom makes a table; the same seed makes the same one.
func newRandom(seed uint64) *random {
	r := &random{Rand: rand.New(rand.NewPCG(seed, 1)), want: map[string]graph.Decision{}}
	ref := graph.BigQueryRef(viewtest.Project, viewtest.Source, "random")
	r.desired = view.Desired{
		Names: viewtest.Names(), Audiences: viewtest.Audiences()[:1], Decisions: map[view.Asked]graph.Decision{},
	}
	r.base = view.Base{Asset: graph.Asset{Ref: ref, Kind: graph.KindTable, Parent: ref.Parent(), Location: viewtest.Location}}
	r.fields = r.record("", 1)
	r.desired.Bases = []view.Base{r.base}
	return r
}

func (r *random) record(prefix string, depth int) []googlesql.Field {
	var fields []googlesql.Field
	for _, i := range r.Perm(len(awkward))[:1+r.IntN(5)] {
		f := googlesql.Field{Name: awkward[i], Mode: []string{"NULLABLE", "NULLABLE", "REPEATED"}[r.IntN(3)]}
		if r.IntN(3) == 0 && depth < 4 {
			f.Type = "RECORD"
		} else {
			f.Type = scalars[r.IntN(len(scalars))]
		}
		path := prefix + f.Name
		r.column(path, f)
		if f.Type == "RECORD" {
			below := path + "."
			if f.Mode == "REPEATED" {
				below = path + "[]."
			}
			f.Fields = r.record(below, depth+1)
		}
		fields = append(fields, f)
	}
	return fields
}

// column adds a column of the catalog and, for a leaf, a decision.
func (r *random) column(path string, f googlesql.Field) {
	c := view.Column{
		Column: graph.Column{Ref: r.base.Asset.Ref.Column(path), Position: len(r.base.Columns), Type: f.Type, Mode: graph.Mode(strings.ToLower(f.Mode))},
		Class:  graph.Class(path), Assessment: graph.Tagged,
	}
	if !c.IsRecord() {
		want, assessed := r.decision(c)
		if !assessed {
			c.Assessment = graph.Untouched
		}
		r.want[path] = want
	}
	r.base.Columns = append(r.base.Columns, c)
}

// decision makes a decision, sound or not, and says what must come of it.
func (r *random) decision(c view.Column) (want graph.Decision, assessed bool) {
	method := []string{"null", "hash", "email", "rot13"}[r.IntN(4)]
	d := graph.Decision{Audience: "analysts", Class: c.Class, Rules: []graph.Rule{{ID: "random", Why: "By chance."}}}
	switch r.IntN(7) {
	case 0, 1:
		d.Effect = graph.EffectAllow
		want = d
	case 2, 3:
		d.Effect, d.Method, d.Domain = graph.EffectMask, method, []string{"email", "phone", "other"}[r.IntN(3)]
		if want = d; !(bigquery.Dialect{}).Masks(method, c.Type) {
			want = graph.Decision{Effect: graph.EffectDeny}
		}
	case 4:
		d.Effect, want.Effect = graph.EffectDeny, graph.EffectDeny
	case 5:
		d.Effect, want.Effect = "show", graph.EffectDeny
	case 6: // none at all
		return graph.Decision{Effect: graph.EffectDeny}, true
	}
	r.desired.Decisions[view.Asked{Audience: "analysts", Class: c.Class}] = d
	if r.IntN(6) == 0 {
		return graph.Decision{Effect: graph.EffectDeny}, false
	}
	return want, true
}

// plan returns the text of the one view, and false where nothing is visible.
func (r *random) plan() (sql string, visible bool, err error) {
	table := viewtest.TableOf(r.base)
	present := view.Present{
		Containers: map[graph.Ref]view.Container{r.base.Asset.Ref.Parent(): {Etag: "1", Location: viewtest.Location}},
		Bases:      map[graph.Ref]view.Table{r.base.Asset.Ref: table},
	}
	plan, err := view.Plan(r.desired, present, bigquery.Dialect{})
	if err != nil {
		return "", false, err
	}
	if len(plan.Findings) > 0 {
		return "", false, fmt.Errorf("findings: %+v", plan.Findings)
	}
	for _, s := range plan.Steps {
		if s.Kind == graph.StepCreateView {
			return s.After, true, nil
		}
	}
	return "", false, nil
}

// rows makes rows with NULLs and empty arrays at every depth.
func (r *random) rows(n int) []googlesql.Row {
	rows := make([]googlesql.Row, n)
	for i := range rows {
		rows[i] = r.values(r.fields)
	}
	return rows
}

func (r *random) values(fields []googlesql.Field) []any {
	out := make([]any, len(fields))
	for i, f := range fields {
		if f.Mode != "REPEATED" {
			out[i] = r.value(f, true)
			continue
		}
		if r.IntN(5) == 0 {
			continue
		}
		items := make([]any, r.IntN(4))
		for j := range items {
			items[j] = r.value(f, false)
		}
		out[i] = items
	}
	return out
}

func (r *random) value(f googlesql.Field, nullable bool) any {
	if nullable && r.IntN(4) == 0 {
		return nil
	}
	n := r.IntN(100)
	switch f.Type {
	case "RECORD":
		return r.values(f.Fields)
	case "STRING":
		return []string{"", "plain", "ana@example.org", "it's `odd` \\ \"x\"", "+49 30 12" + strconv.Itoa(n)}[r.IntN(5)]
	case "INTEGER":
		return strconv.Itoa(n - 50)
	case "BOOLEAN":
		return strconv.FormatBool(n%2 == 0)
	case "FLOAT":
		return strconv.FormatFloat(float64(n)/4, 'g', -1, 64)
	case "DATE":
		return fmt.Sprintf("2026-01-%02d", 1+n%28)
	case "TIMESTAMP":
		return fmt.Sprintf("2026-01-%02dT01:02:03Z", 1+n%28)
	case "BYTES":
		return base64.StdEncoding.EncodeToString([]byte{byte(n), 0, 255})
	}
	return strconv.Itoa(n) + ".5"
}

// project is what the view should show of a row, written in Go: the visible
// fields alone, masks applied leaf by leaf, NULL and empty as they were.
func (r *random) project(fields []googlesql.Field, row []any, prefix string, masked func(d graph.Decision, t, value string) any) []any {
	var out []any
	for i, f := range fields {
		path := prefix + f.Name
		if f.Type == "RECORD" {
			below := path + "."
			if f.Mode == "REPEATED" {
				below = path + "[]."
			}
			if !r.shows(f.Fields, below) {
				continue
			}
			out = append(out, each(f, row[i], func(v any) any { return r.project(f.Fields, v.([]any), below, masked) }))
			continue
		}
		switch d := r.want[path]; {
		case d.Effect == graph.EffectAllow:
			out = append(out, row[i])
		case d.Effect == graph.EffectMask && d.Method == (mask.Null{}).Name():
			out = append(out, nil)
		case d.Effect == graph.EffectMask:
			out = append(out, each(f, row[i], func(v any) any { return masked(d, f.Type, v.(string)) }))
		}
	}
	return out
}

// each applies a function to a value, or to every element of an array, and
// leaves NULL alone.
func each(f googlesql.Field, value any, do func(any) any) any {
	if value == nil {
		return nil
	}
	if f.Mode != "REPEATED" {
		return do(value)
	}
	out := make([]any, len(value.([]any)))
	for i, v := range value.([]any) {
		out[i] = do(v)
	}
	return out
}

// shows says whether a record has a visible leaf.
func (r *random) shows(fields []googlesql.Field, prefix string) bool {
	for _, f := range fields {
		path := prefix + f.Name
		switch {
		case f.Type == "RECORD" && f.Mode == "REPEATED":
			path += "[]."
		case f.Type == "RECORD":
			path += "."
		default:
			if r.want[path].Effect != graph.EffectDeny {
				return true
			}
			continue
		}
		if r.shows(f.Fields, path) {
			return true
		}
	}
	return false
}
