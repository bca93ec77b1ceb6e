package lineage_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest/lineage"
)

// author writes statements by chance. It writes one text in two ways: with the
// literals, spacing and comments of each run.
type author struct {
	rnd *rand.Rand
	// secrets are the literals of the run.
	secrets []string
}

func (a *author) one(of ...string) string { return of[a.rnd.IntN(len(of))] }

// secret is a word that nothing else of a text has in it.
func (a *author) secret() string {
	s := fmt.Sprintf("q%dz%d", 100+a.rnd.IntN(900), 100+a.rnd.IntN(900))
	a.secrets = append(a.secrets, s)
	return s
}

func (a *author) number() string {
	s := fmt.Sprint(700_000 + a.rnd.IntN(99_999))
	a.secrets = append(a.secrets, s)
	return s + a.one("", ".5", "e3", ".25e-7")
}

func (a *author) literal() string {
	s := a.secret()
	return a.one("'"+s+"'", `"`+s+`"`, "r'"+s+`\'s'`, `b"`+s+`"`, "'''it's "+s+"'''", `"""a "`+s+`" b"""`, `'\'`+s+`'`, a.number())
}

func (a *author) gap() string {
	return a.one(" ", "\n", "\t ", " -- "+a.secret()+" it's\n", "/* "+a.secret()+" ' */", " # "+a.secret()+"\n")
}

// write fills a pattern: "?" is a literal, a space any gap.
func (a *author) write(pattern string) string {
	a.secrets = nil
	var b strings.Builder
	for _, r := range pattern {
		switch r {
		case '?':
			b.WriteString(a.literal())
		case ' ':
			b.WriteString(a.gap())
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

var patterns = []string{
	"SELECT a , b.c FROM `p-1.d.t` WHERE mail = ? AND n > ?",
	"SELECT * FROM shop-123456.d.t AS x JOIN d.2024_t USING (id) WHERE x.day BETWEEN DATE ? AND ?",
	"INSERT INTO d.out (a,b) VALUES (?,?),(?,?)",
	"MERGE d.out AS o USING d.new AS n ON o.id = n.id WHEN MATCHED THEN UPDATE SET a = ? WHEN NOT MATCHED THEN INSERT ROW",
	"CREATE TEMP TABLE x AS SELECT @p1 , @@project , STRUCT( ? AS k ) ; SELECT CASE WHEN a = ? THEN ? ELSE `it's` END FROM x",
	"SELECT a-? , -? , arr[OFFSET( ? )] , größe FROM t",
}

// Laws of what is kept of a text: no literal and no comment survives, keeping
// it twice keeps the same, what is left is the same for every run of one query,
// and the names of its tables are still there.
func TestNoLiteralOfARunIsKept(t *testing.T) {
	t.Parallel()
	a := &author{rnd: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // Chance that can be repeated.
	for range 400 {
		for _, pattern := range patterns {
			text := a.write(pattern)
			kept := lineage.Redact(text)
			for _, secret := range a.secrets {
				if strings.Contains(kept, secret) {
					t.Fatalf("%q is left of %q: %q", secret, text, kept)
				}
			}
			if again := lineage.Redact(kept); again != kept {
				t.Fatalf("kept twice: %q, then %q", kept, again)
			}
			for word := range strings.FieldsFuncSeq(pattern, func(r rune) bool { return strings.ContainsRune(" ?(),[];=", r) }) {
				if !strings.Contains(kept, strings.TrimSuffix(word, "-")) {
					t.Fatalf("%q is lost from %q: %q", word, text, kept)
				}
			}
		}
	}
}

func TestRunsOfOneQueryAreOneStatement(t *testing.T) {
	t.Parallel()
	a := &author{rnd: rand.New(rand.NewPCG(3, 4))} //nolint:gosec // Chance that can be repeated.
	ids := map[string]string{}
	for _, pattern := range patterns {
		id := func(sql string) string { return lineage.JobID(graph.Statement{SQL: sql, Target: at("out")}) }
		first := id(a.write(pattern))
		for range 100 {
			text := a.write(pattern)
			if a.rnd.IntN(2) == 0 {
				text = "\n" + text + " -- done"
			}
			if got := id(text); got != first {
				t.Fatalf("another run of %q is another statement: %q", pattern, text)
			}
		}
		if other, taken := ids[first]; taken {
			t.Errorf("%q and %q are one statement", other, pattern)
		}
		ids[first] = pattern
	}
}

func TestDigitsOfNamesAreNoLiterals(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, sql, want string }{
		{"project with a number", "FROM shop-123456.sales.orders", "FROM shop-123456.sales.orders"},
		{"several dashes", "FROM my-shop-x7-42.sales.orders", "FROM my-shop-x7-42.sales.orders"},
		{"between dashes it could be subtracted", "a-42-b.c", "a-0-b.c"},
		{"table that begins with digits", "FROM sales.2024_orders", "FROM sales.2024_orders"},
		{"after backticks", "FROM `shop`.2024_orders", "FROM `shop`.2024_orders"},
		{"both", "FROM shop-1.2024_sales.9a", "FROM shop-1.2024_sales.9a"},
		{"what is subtracted", "a-123456", "a-0"},
		{"fraction that is subtracted", "a-123.456", "a-0"},
		{"exponent that is subtracted", "a-12.e5", "a-0"},
		{"exponent after a keyword", "WHERE.5e3", "WHERE0"},
		{"dash apart from the name", "a - 123.b", "a - 0"},
		{"number after a number", "1-123.b", "0-0"},
		{"digits alone after a dot", "sales.20240101", "sales0"},
		{"after a string", "'x'.5a", "'?'0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := lineage.Redact(tt.sql)
			if got != tt.want || lineage.Redact(got) != got {
				t.Errorf("Redact(%q) = %q, then %q; want %q", tt.sql, got, lineage.Redact(got), tt.want)
			}
		})
	}
	id := func(sql string) string { return lineage.JobID(graph.Statement{SQL: sql}) }
	if id("SELECT a FROM shop-123456.d.t") == id("SELECT a FROM shop-123456.d.other") {
		t.Error("queries of two tables of a project with a number are one statement")
	}
}

// town is a house that is changed by chance: tables with and without columns,
// views over tables and views, and jobs.
type town struct {
	*house
	rnd    *rand.Rand
	tables []string
}

func newTown(t *testing.T, seed uint64) *town {
	t.Helper()
	w := &town{house: newHouse(t), rnd: rand.New(rand.NewPCG(seed, 11))} //nolint:gosec // Chance that can be repeated.
	w.tables = []string{"t1", "t2", "t3"}
	for _, name := range w.tables {
		w.schemas[at(name)] = w.columns(name)
	}
	return w
}

func (w *town) columns(name string) []graph.Column {
	if w.rnd.IntN(4) == 0 {
		return nil
	}
	var out []graph.Column
	for _, path := range []string{"a", "b", "c"} {
		if w.rnd.IntN(3) > 0 {
			out = append(out, graph.Column{Ref: at(name).Column(path), Position: len(out), Type: "STRING", Mode: graph.ModeNullable})
		}
	}
	return out
}

// text reads a table, or a view that comes before the one it is for.
func (w *town) text(below int) string {
	from := w.tables[w.rnd.IntN(len(w.tables))]
	if below > 0 && w.rnd.IntN(2) == 0 {
		from = fmt.Sprintf("v%d", w.rnd.IntN(below))
	}
	switch w.rnd.IntN(6) {
	case 0:
		return "broken from " + from
	case 1, 2:
		return "*=" + from + ".* from " + from
	case 3:
		return fmt.Sprintf("x=%s.a y=%s.b from %s %s", from, from, from, w.tables[0])
	}
	return fmt.Sprintf("x=%s.%c from %s", from, 'a'+rune(w.rnd.IntN(3)), from)
}

// change does one thing and returns the asset that it touched.
func (w *town) change() string {
	switch what := w.rnd.IntN(8); {
	case what < 3:
		name := w.tables[w.rnd.IntN(len(w.tables))]
		w.schemas[at(name)] = w.columns(name)
		return name
	case what == 3:
		name := fmt.Sprintf("v%d", w.rnd.IntN(6))
		delete(w.views, name)
		delete(w.schemas, at(name))
		return name
	case what == 4:
		name := fmt.Sprintf("out%d", w.rnd.IntN(4))
		w.job(name, w.text(6))
		return name
	}
	i := w.rnd.IntN(6)
	name := fmt.Sprintf("v%d", i)
	w.views[name] = w.text(i)
	if delete(w.schemas, at(name)); w.rnd.IntN(2) == 0 {
		w.schemas[at(name)] = w.columns(name)
	}
	return name
}

// Law: brought up to date change by change, the lineage is what analyzing all
// of it from nothing finds; a person's edges stay whatever happens; and nothing
// to do changes nothing.
func TestUpdatesAddUpToTheWhole(t *testing.T) {
	t.Parallel()
	drawn := graph.Edge{From: at("t1"), To: at("v1"), Kind: graph.EdgeReads, Outcome: graph.OutcomeExact, Because: graph.EvidencePerson}
	for seed := range uint64(60) {
		w := newTown(t, seed)
		w.known.Put(drawn)
		for step := range 15 {
			var changed []string
			for range 1 + w.rnd.IntN(3) {
				changed = append(changed, w.change())
			}
			w.update(w.input(changed...))

			fresh := &house{t: t, toy: &toy{}, known: graph.Snapshot{}, schemas: w.schemas, views: w.views, jobs: w.jobs}
			fresh.known.Put(drawn)
			in := fresh.input()
			in.Full = true
			fresh.update(in)
			if diff := cmp.Diff(fresh.known, w.known, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("seed %d, step %d, after a change of %v (-from nothing +change by change):\n%s", seed, step, changed, diff)
			}
			if _, ok := w.known.Get(drawn); !ok {
				t.Fatalf("seed %d, step %d: a person's edge is gone", seed, step)
			}
			if delta, _ := w.update(w.input()); len(delta) != 0 {
				t.Fatalf("seed %d, step %d: nothing happened, and yet %v", seed, step, delta)
			}
		}
	}
}

func TestAViewThatIsMendedIsAnalyzedAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "t: a STRING")
	h.views["v"] = "broken from t"
	_, report := h.update(h.input())
	if report.Failed != 1 || len(h.edges()) != 0 {
		t.Fatalf("report %+v, edges %v; want it to fail and have none", report, h.edges())
	}
	h.views["v"] = "x=t.a from t"
	_, report = h.update(h.input("v"))
	if diff := cmp.Diff([]string{"t#a > v#x identity"}, h.edges()); diff != "" || report.Exact != 1 || report.Failed != 0 {
		t.Errorf("report %+v, edges (-want +got):\n%s", report, diff)
	}
	delete(h.views, "v")
	h.update(h.input("v"))
	if len(h.known) != 0 {
		t.Errorf("what is known of a view that is gone: %v", h.known.Sorted())
	}
}
