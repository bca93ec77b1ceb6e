package statement_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/internal/sandbox/statement"
)

// writer draws queries together with the tables that they read, so that what
// Parse finds can be held to what was meant. Each table has a name of its own,
// and so has each alias.
type writer struct {
	*rand.Rand
	tables  []string // as show writes them, in the order of the text
	aliases int
	ctes    []string // those in scope
}

func (w *writer) one(of ...string) string { return of[w.IntN(len(of))] }

// gap is white space, or a comment that names a table in vain.
func (w *writer) gap() string {
	return w.one(" ", "  ", "\n", "\t", " /* FROM no.table, */ ", " -- JOIN no.table\n", " # FROM no.table\n")
}

// table draws a table in one of the ways to write it.
func (w *writer) table() string {
	n := len(w.tables)
	dataset, name := fmt.Sprintf("d%d", n), fmt.Sprintf("t%d", n)
	switch w.IntN(5) {
	case 0:
		w.tables = append(w.tables, "my-p|"+dataset+"|"+name)
		return w.one("my-p.", "`my-p`.") + dataset + "." + name
	case 1:
		w.tables = append(w.tables, "my-p|"+dataset+"|"+name)
		return "`my-p." + dataset + "." + name + "`"
	case 2:
		w.tables = append(w.tables, dataset+"."+name)
		return dataset + ".`" + name + "`"
	case 3:
		w.tables = append(w.tables, name)
		return name
	}
	w.tables = append(w.tables, dataset+"."+name)
	return dataset + w.one(".", " . ") + name
}

// alias draws a name, given or not.
func (w *writer) alias() string {
	w.aliases++
	return w.one("", fmt.Sprintf(" AS a%d", w.aliases), fmt.Sprintf(" a%d", w.aliases), fmt.Sprintf(" AS `a%d`", w.aliases))
}

// source draws what may stand after FROM or JOIN.
func (w *writer) source(depth int) string {
	switch n := w.IntN(8); {
	case n == 0 && depth > 0:
		return "(" + w.query(depth-1) + ")" + w.alias()
	case n == 1 && depth > 0:
		return "(" + w.source(depth-1) + " JOIN " + w.source(depth-1) + " ON TRUE)"
	case n == 2:
		return "UNNEST([1, 2])" + w.alias() + w.one("", " WITH OFFSET")
	case n == 3 && len(w.ctes) > 0:
		return w.one(w.ctes...) + w.alias()
	}
	return w.table() + w.alias()
}

func (w *writer) expression(depth int) string {
	switch n := w.IntN(9); {
	case n == 0 && depth > 0:
		return "(" + w.query(depth-1) + ")"
	case n == 1 && depth > 0:
		return "EXISTS(" + w.query(depth-1) + ")"
	case n == 2 && depth > 0:
		return "k IN (" + w.query(depth-1) + ")"
	case n == 3:
		return "EXTRACT(YEAR FROM k)"
	case n == 4:
		return "k IS NOT DISTINCT FROM l"
	case n == 5:
		return w.one("'FROM no.table'", `"it's FROM no.table"`, "r'\\''", "'''FROM no.table, '' '''", "b\"x\"")
	case n == 6:
		return "f(k, l, no.table)"
	}
	return w.one("k", "1", "0xff", "1.5e3", "arr[OFFSET(0)]", "CASE WHEN k THEN l ELSE m END")
}

func (w *writer) query(depth int) string {
	var b strings.Builder
	known := len(w.ctes)
	if depth > 0 && w.IntN(4) == 0 {
		b.WriteString("WITH ")
		for i := range 1 + w.IntN(2) {
			if i > 0 {
				b.WriteString(", ")
			}
			w.aliases++
			name := fmt.Sprintf("c%d", w.aliases)
			b.WriteString(name + " AS (" + w.query(depth-1) + ")")
			w.ctes = append(w.ctes, name)
		}
		b.WriteString(" ")
	}
	b.WriteString(w.one("SELECT ", "select ", "SELECT DISTINCT ") + w.expression(depth))
	b.WriteString(w.gap() + w.one("FROM", "from") + w.gap() + w.source(depth))
	for range w.IntN(3) {
		if w.IntN(3) == 0 {
			b.WriteString("," + w.gap() + w.source(depth))
			continue
		}
		b.WriteString(w.gap() + w.one("JOIN ", "LEFT JOIN ", "CROSS JOIN ", "FULL OUTER JOIN ") + w.source(depth) + w.one("", " ON x = y", " USING (k, l)"))
	}
	if w.IntN(2) == 0 {
		b.WriteString(" WHERE " + w.expression(depth))
	}
	if w.IntN(3) == 0 {
		b.WriteString(" GROUP BY k, l" + w.one("", " HAVING m", " QUALIFY n"))
	}
	if w.IntN(3) == 0 {
		b.WriteString(" ORDER BY k, l" + w.one("", " LIMIT 3"))
	}
	if depth > 0 && w.IntN(5) == 0 {
		b.WriteString(w.one(" UNION ALL ", " EXCEPT DISTINCT ", " INTERSECT DISTINCT ") + w.query(depth-1))
	}
	w.ctes = w.ctes[:known]
	return b.String()
}

// statement draws a whole statement: its text, its kind and its target.
func (w *writer) statement() (text string, kind statement.Kind, target string) {
	const at = "out.target"
	switch w.IntN(7) {
	case 0:
		return "INSERT INTO " + at + " (k, l) " + w.query(2), statement.Insert, at
	case 1:
		return "CREATE OR REPLACE VIEW " + at + " OPTIONS (description = 'AS x') AS " + w.query(2), statement.CreateView, at
	case 2:
		return "CREATE TABLE " + at + " AS " + w.query(2), statement.CreateTableAs, at
	case 3:
		return "DELETE FROM " + at + " WHERE k IN (" + w.query(2) + ")", statement.Delete, at
	case 4:
		return "UPDATE " + at + " SET k = (" + w.query(1) + "), l = 2 WHERE " + w.expression(1), statement.Update, at
	case 5:
		return "MERGE " + at + " AS tt USING (" + w.query(1) + ") ss ON TRUE WHEN NOT MATCHED THEN INSERT (k) VALUES (1)", statement.Merge, at
	}
	return w.query(3), statement.Select, ""
}

// TestParseFindsWhatWasWritten is the law of finding: the tables of a drawn
// statement, all of them, in order, and nothing else.
func TestParseFindsWhatWasWritten(t *testing.T) {
	t.Parallel()
	read := 0
	for seed := range uint64(4000) {
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 1))}
		text, kind, target := w.statement()
		s, err := statement.Parse(text + w.one("", ";", " ; -- end", ";;"))
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, text, err)
		}
		var refs []string
		for _, r := range s.Refs {
			refs = append(refs, show(r))
		}
		got := ""
		if s.Target != nil {
			got = show(*s.Target)
		}
		if s.Kind != kind || got != target || s.Text != text {
			t.Fatalf("seed %d: %s of %q in %q, want %s of %q in %q", seed, s.Kind, got, s.Text, kind, target, text)
		}
		if diff := cmp.Diff(w.tables, refs); diff != "" {
			t.Fatalf("seed %d: %s (-written +found):\n%s", seed, text, diff)
		}
		read += len(refs)
	}
	if read < 8000 {
		t.Errorf("%d tables in all: too few to mean anything", read)
	}
}

// TestRewrittenIsFoundAgain is the law of replacing: once each name is
// replaced, the replacements and nothing else are found, each with a name by
// which the rest of the text still speaks of it, and replacing them by
// themselves changes nothing more.
func TestRewrittenIsFoundAgain(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 2))}
		text, _, target := w.statement()
		s, err := statement.Parse(text)
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, text, err)
		}
		var given []string
		secret := func(r statement.Ref) string {
			name := fmt.Sprintf("secret_%d", len(given))
			given = append(given, name)
			return statement.Quote(name)
		}
		again, err := statement.Parse(s.Rewrite(0, secret))
		if err != nil {
			t.Fatalf("seed %d: %s rewritten: %v", seed, text, err)
		}
		var found []string
		if target != "" {
			found = append(found, show(*again.Target))
		}
		for _, r := range again.Refs {
			found = append(found, show(r))
			if !r.Aliased {
				t.Fatalf("seed %d: %s has no name of before in %s", seed, show(r), again.Text)
			}
		}
		if diff := cmp.Diff(given, found); diff != "" {
			t.Fatalf("seed %d: %s (-given +found):\n%s", seed, again.Text, diff)
		}
		itself := func(r statement.Ref) string { return again.Text[r.Start:r.End] }
		if twice := again.Rewrite(0, itself); twice != again.Text && again.Target == nil {
			t.Fatalf("seed %d: rewritten by itself:\n%s\nbecame\n%s", seed, again.Text, twice)
		}
	}
}

// TestSparedColumnsAreGone takes random columns out of random lists: what was
// taken out is in no list any more, what was not still is, and a second time
// changes nothing.
func TestSparedColumnsAreGone(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		w := &writer{Rand: rand.New(rand.NewPCG(seed, 3))}
		all := []string{"a", "B", "`c d`", "e_1", "F"}
		var gone, listed, kept []string
		for _, c := range all {
			out := w.IntN(2) == 0
			if out {
				gone = append(gone, strings.ToUpper(strings.Trim(c, "`")))
			}
			if w.IntN(2) == 0 {
				listed = append(listed, c)
				if !out {
					kept = append(kept, c)
				}
			}
		}
		if len(listed) == 0 {
			continue
		}
		text := "SELECT t.* EXCEPT (" + strings.Join(listed, ", ") + ") FROM t"
		want := "SELECT t.* FROM t"
		if len(kept) > 0 {
			want = "SELECT t.* EXCEPT (" + strings.Join(kept, ", ") + ") FROM t"
		}
		got := statement.Spare(text, gone)
		if got != want {
			t.Fatalf("seed %d: %s without %v is\n%s\nwant\n%s", seed, text, gone, got, want)
		}
		if twice := statement.Spare(got, gone); twice != got {
			t.Fatalf("seed %d: a second time: %s", seed, twice)
		}
	}
}

// FuzzSpareAndSign hold that neither changes a text that has nothing for them,
// and that both are done after once.
func FuzzSpareAndSign(f *testing.F) {
	for _, seed := range []string{"SELECT * EXCEPT (a) FROM t", "* EXCEPT (`a`, b", "session_user()", "SESSION_USER ( -- x\n)", "x.SESSION_USER()", "'''"} {
		f.Add(seed, "a'\\\n@x")
	}
	f.Fuzz(func(t *testing.T, text, email string) {
		if got := statement.Spare(text, nil); got != text {
			t.Errorf("spared nothing of %q: %q", text, got)
		}
		if once := statement.Spare(text, []string{"a"}); statement.Spare(once, []string{"a"}) != once {
			t.Errorf("%q is not spared at once: %q", text, once)
		}
		signed := statement.Sign(text, email)
		if !strings.Contains(strings.ToUpper(text), "SESSION_USER") && signed != text {
			t.Errorf("signed nothing of %q: %q", text, signed)
		}
		if statement.Sign(signed, email) != signed {
			t.Errorf("%q is not signed at once: %q", text, signed)
		}
	})
}
