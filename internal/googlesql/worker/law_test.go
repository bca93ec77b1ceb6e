package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// story is one question of the archives and its answer.
type story struct {
	name string
	request
	want string
}

// stories reads the questions of all archives.
func stories(t *testing.T) []story {
	t.Helper()
	paths, err := filepath.Glob("testdata/lineage/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var out []story
	for _, path := range paths {
		_, sections := readArchive(t, path)
		var shared request
		if err := json.Unmarshal([]byte(sections[0].text), &shared); err != nil {
			t.Fatal(err)
		}
		for i := 1; i+1 < len(sections); i += 2 {
			r := shared
			r.SQL = sections[i].text
			out = append(out, story{strings.TrimSuffix(filepath.Base(path), ".txtar") + "/" + sections[i].name, r, sections[i+1].text})
		}
	}
	if len(out) < 100 {
		t.Fatalf("only %d stories", len(out))
	}
	return out
}

func (k *worker) mustAnalyze(t *testing.T, r request) textAnswer {
	t.Helper()
	a, err := k.analyze(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What was asked before does not change an answer: the stories are asked in
// another order, twice.
func TestAnswersDoNotDependOnWhatCameBefore(t *testing.T) {
	k := newWorker()
	all := stories(t)
	slices.Reverse(all)
	for range 2 {
		for _, s := range all {
			if got := describe(k.mustAnalyze(t, s.request)); got != s.want {
				t.Errorf("%s: got\n%s\nwant\n%s", s.name, got, s.want)
			}
		}
	}
}

// A comment and blank lines before a statement change nothing but places.
func TestCommentsDoNotMatter(t *testing.T) {
	k := newWorker()
	for _, s := range stories(t) {
		if strings.HasPrefix(s.want, failed) || strings.Contains(s.want, "[at ") || strings.Contains(s.want, "Statement ") {
			continue // these tell places
		}
		r := s.request
		r.SQL = "-- why this is\n\n/* and how */ " + s.SQL
		if got := describe(k.mustAnalyze(t, r)); got != s.want {
			t.Errorf("%s: got\n%s\nwant\n%s", s.name, got, s.want)
		}
	}
}

// A query has the same columns as a star over it, and as the view it defines.
func TestStarAndViewHaveTheColumnsOfTheirQuery(t *testing.T) {
	k := newWorker()
	asked := 0
	for _, s := range stories(t) {
		a := k.mustAnalyze(t, s.request)
		trimmed := strings.TrimSpace(s.SQL)
		query := strings.HasPrefix(trimmed, "SELECT ") && !strings.HasPrefix(trimmed, "SELECT AS ") || strings.HasPrefix(trimmed, "WITH ")
		if !query || a.Outcome != exact || len(a.Statements) > 0 || strings.Contains(trimmed, "RECURSIVE") || strings.Contains(trimmed, "?") {
			continue
		}
		names := map[string]bool{}
		for _, c := range a.Columns {
			names[c.Column] = true
		}
		if len(names) != len(a.Columns) || names["f0_"] {
			continue // a star cannot tell them apart, or names them anew
		}
		asked++
		star := s.request
		star.SQL = "SELECT * FROM (" + trimmed + "\n)"
		if got := k.mustAnalyze(t, star); !slices.EqualFunc(got.Columns, a.Columns, sameColumn) {
			t.Errorf("%s: the star has %+v, the query %+v", s.name, got.Columns, a.Columns)
		}
		if strings.Contains(trimmed, "@") {
			continue // no view has parameters
		}
		view := s.request
		view.SQL = "CREATE VIEW elsewhere.v AS " + trimmed
		got := k.mustAnalyze(t, view)
		if !slices.EqualFunc(got.Columns, a.Columns, sameColumn) {
			t.Errorf("%s: the view has %+v, the query %+v", s.name, got.Columns, a.Columns)
		}
		if !slices.Equal(got.Outputs, []string{"shop.elsewhere.v"}) {
			t.Errorf("%s: the view writes %v", s.name, got.Outputs)
		}
	}
	if asked < 50 {
		t.Errorf("only %d stories were asked", asked)
	}
}

func sameColumn(a, b output) bool {
	return a.Column == b.Column && slices.Equal(a.Sources, b.Sources)
}

// Without any schema the tables stay the same, and nothing is exact that reads
// one. No statement is worse off than partial for it.
func TestWithoutSchemasTablesStayTheSame(t *testing.T) {
	k := newWorker()
	for _, s := range stories(t) {
		if strings.HasPrefix(s.name, "dialects/") {
			continue // there names depend on what is known
		}
		with := k.mustAnalyze(t, s.request)
		r := s.request
		r.Schemas = nil
		without := k.mustAnalyze(t, r)
		if !slices.Equal(with.Inputs, without.Inputs) || !slices.Equal(with.Outputs, without.Outputs) {
			t.Errorf("%s: in %v out %v, without schemas in %v out %v", s.name, with.Inputs, with.Outputs, without.Inputs, without.Outputs)
		}
		if without.Outcome == exact && len(without.Inputs) > 0 {
			t.Errorf("%s: it is exact without any schema", s.name)
		}
		if with.Outcome != failed && without.Outcome == failed {
			t.Errorf("%s: it failed without schemas: %s", s.name, without.Error)
		}
		if without.Outcome == partial && len(without.Unresolved) == 0 {
			t.Errorf("%s: it is partial and names nothing", s.name)
		}
	}
}

// Every source is of a table that is read (or, in an UPDATE, of the one that is
// written), and of a kind that sources have.
func TestSourcesAreOfInputs(t *testing.T) {
	k := newWorker()
	for _, s := range stories(t) {
		a := k.mustAnalyze(t, s.request)
		tables := append(slices.Clone(a.Inputs), a.Outputs...)
		for _, c := range a.Columns {
			for _, x := range c.Sources {
				if !slices.Contains(tables, x.Asset) {
					t.Errorf("%s: %s has a source of %s, which is not read", s.name, c.Column, x.Asset)
				}
				if !slices.Contains([]string{"identity", "transformation", "aggregation", "window"}, x.Kind) {
					t.Errorf("%s: %s has a source of kind %s", s.name, c.Column, x.Kind)
				}
				if x.Masking && x.Function == "" {
					t.Errorf("%s: %s is masked by nothing", s.name, c.Column)
				}
			}
		}
		for _, x := range a.Influences {
			if !slices.Contains([]string{"filter", "join", "group"}, x.Kind) {
				t.Errorf("%s: an influence of kind %s", s.name, x.Kind)
			}
		}
	}
}
