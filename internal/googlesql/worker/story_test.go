package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Tests that ask an engine are not parallel: a process has one module of
// Google's code, and two questions to it must never interleave. A worker keeps
// that law by reading one line at a time.

var update = flag.Bool("update", false, "rewrite the expected answers of testdata/lineage")

// section is one file of a txtar archive.
type section struct{ name, text string }

// readArchive splits a txtar archive into its comment and its files.
func readArchive(t *testing.T, path string) (comment string, out []section) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(line, "-- "); ok && strings.HasSuffix(line, " --\n") {
			out = append(out, section{name: strings.TrimSuffix(name, " --\n")})
			continue
		}
		if len(out) == 0 {
			comment += line
			continue
		}
		out[len(out)-1].text += line
	}
	return comment, out
}

func writeArchive(t *testing.T, path, comment string, sections []section) {
	t.Helper()
	var b strings.Builder
	b.WriteString(comment)
	for _, s := range sections {
		fmt.Fprintf(&b, "-- %s --\n%s", s.name, s.text)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestLineage reads each archive of testdata/lineage. Its first file, request,
// has the schemas and whatever else its questions share; then each name.sql is
// asked and its answer compared with name.want:
//
//	exact                          the outcome
//	in p.d.t                       a table read
//	out p.d.v                      a table written
//	a = p.d.t#x                    an output copied from a column
//	b <- p.d.t#y SUM(aggregation)  an output made from columns
//	| p.d.t#z (filter)             an influence
//	? table p.d.u: ...             what is not resolved
//	! ...                          the error
func TestLineage(t *testing.T) {
	paths, err := filepath.Glob("testdata/lineage/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { archive(t, path) })
	}
}

func archive(t *testing.T, path string) {
	comment, sections := readArchive(t, path)
	k := newWorker()
	var shared request
	if len(sections) == 0 || sections[0].name != "request" {
		t.Fatalf("%s: the first file is not request", path)
	}
	if err := json.Unmarshal([]byte(sections[0].text), &shared); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(sections); i++ {
		name, ok := strings.CutSuffix(sections[i].name, ".sql")
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			r := shared
			r.SQL = sections[i].text
			a, err := k.analyze(r)
			if err != nil {
				t.Fatal(err)
			}
			got := describe(a)
			if *update {
				if i+1 == len(sections) || sections[i+1].name != name+".want" {
					sections = append(sections[:i+1], append([]section{{name: name + ".want"}}, sections[i+1:]...)...)
				}
				sections[i+1].text = got
				return
			}
			if i+1 == len(sections) || sections[i+1].name != name+".want" {
				t.Fatalf("%s.want is not there: run with -update", name)
			}
			if want := sections[i+1].text; got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
	if *update {
		writeArchive(t, path, comment, sections)
	}
}

// describe writes an answer as the stories have it.
func describe(a textAnswer) string {
	var b strings.Builder
	describeLineage(&b, "", a.lineage)
	for _, s := range a.Statements {
		fmt.Fprintf(&b, "%s %d-%d\n", s.Kind, s.Start, s.End)
		describeLineage(&b, "  ", s.lineage)
	}
	return b.String()
}

func describeLineage(b *strings.Builder, indent string, l lineage) {
	line := func(format string, args ...any) {
		fmt.Fprintf(b, indent+format+"\n", args...)
	}
	line("%s", l.Outcome)
	for _, n := range l.Inputs {
		line("in %s", n)
	}
	for _, n := range l.Outputs {
		line("out %s", n)
	}
	for _, c := range l.Columns {
		line("%s", describeColumn(c))
	}
	for _, s := range l.Influences {
		line("| %s#%s (%s)", s.Asset, s.Column, s.Kind)
	}
	for _, u := range l.Unresolved {
		line("? %s", strings.ReplaceAll(u, "\n", " "))
	}
	if l.Error != "" {
		line("! %s", strings.ReplaceAll(l.Error, "\n", " "))
	}
}

func describeColumn(c output) string {
	if len(c.Sources) == 1 && c.Sources[0].Kind == "identity" && !c.Sources[0].Masking {
		return c.Column + " = " + c.Sources[0].Asset + "#" + c.Sources[0].Column
	}
	out := c.Column + " <-"
	for _, s := range c.Sources {
		out += " " + s.Asset + "#" + s.Column + " " + s.Function + "(" + s.Kind + ")"
		if s.Masking {
			out += " masked"
		}
	}
	return out
}
