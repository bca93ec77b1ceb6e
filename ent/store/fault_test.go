package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"github.com/google/go-cmp/cmp"
)

// TestAFullDiskIsUnavailable lets the file grow no further: the commit that
// would not fit leaves nothing, says so in the kind of its error, and the
// store goes on reading, and writing once there is room.
func TestAFullDiskIsUnavailable(t *testing.T) {
	t.Parallel()
	s := private(t)
	who := graph.Principal{ID: "boss@example.org"}
	small := graph.Asset{Ref: graph.BigQueryRef("p", "d", "small")}
	apply := func(items ...graph.Item) error {
		_, err := s.Commit(t.Context(), who, "grow", func(tx *Tx) error {
			return tx.Apply(t.Context(), graph.Diff(nil, graph.NewSnapshot(items...)))
		})
		return err
	}
	if err := apply(small); err != nil {
		t.Fatal(err)
	}
	var pages int
	if err := sqliteOf(s).writer.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		t.Helper()
		if _, err := sqliteOf(s).writer.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 4)
	large := graph.Asset{Ref: graph.BigQueryRef("p", "d", "large"), Description: strings.Repeat("x", 1<<20)}
	if err := apply(large); !errors.Is(err, graph.ErrUnavailable) {
		t.Errorf("a commit without room: %v, want unavailable", err)
	}
	r, err := s.Reader(t.Context(), who, graph.Everything(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Snapshot(t.Context(), graph.Scope{}); err != nil || len(got) != 1 || r.Revision() != 1 {
		t.Errorf("afterwards: %d items at %d, %v", len(got), r.Revision(), err)
	}
	if report := audit.Verify(s.Events(t.Context())); !report.OK || report.Events != 1 {
		t.Errorf("audit: %+v", report)
	}
	limit(1 << 30)
	if err := apply(large); err != nil {
		t.Errorf("a commit with room: %v", err)
	}
}

// TestBrokenRowsAreErrors puts rows into the tables that the store would never
// write: they are errors that name what is broken, and never an answer.
func TestBrokenRowsAreErrors(t *testing.T) {
	t.Parallel()
	ref := graph.BigQueryRef("p", "d", "t")
	whole := graph.NewSnapshot(
		graph.Asset{Ref: ref, Kind: graph.KindTable}, graph.Column{Ref: ref.Column("c")},
		graph.Tag{Ref: ref.Column("c"), Label: "l"}, graph.Edge{From: ref.Column("a"), To: ref.Column("c")},
		graph.Statement{ID: "job:1", Target: ref},
	)
	for _, breakage := range []string{
		"UPDATE assets SET about = 'no ref'",
		"UPDATE assets SET parent = 'no ref'",
		"UPDATE assets SET labels = '{'",
		"UPDATE columns SET policy_tags = '{}'",
		"UPDATE columns SET position = 'first'",
		"UPDATE tags SET evidence = '['",
		"UPDATE edges SET from_about = '/'",
		"UPDATE statements SET unresolved = '0'",
		"DROP TABLE statements",
	} {
		t.Run(breakage, func(t *testing.T) {
			t.Parallel()
			s := private(t)
			_, err := s.Commit(t.Context(), graph.Principal{}, "whole", func(tx *Tx) error { return tx.Apply(t.Context(), graph.Diff(nil, whole)) })
			if err != nil {
				t.Fatal(err)
			}
			if _, err := sqliteOf(s).writer.ExecContext(t.Context(), breakage); err != nil {
				t.Fatal(err)
			}
			r, err := s.Reader(t.Context(), graph.Principal{}, graph.Everything(), 0)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := r.Snapshot(t.Context(), graph.Scope{}); err == nil {
				t.Errorf("read %d items", len(got))
			}
			_, err = s.Commit(t.Context(), graph.Principal{}, "again", func(tx *Tx) error {
				_, err := tx.Known(t.Context(), graph.Scope{})
				return err
			})
			if err == nil {
				t.Error("a commit knows it")
			}
		})
	}
}

// TestBrokenBesides breaks what has no history: plans, cursors, decisions and
// the audit log.
func TestBrokenBesides(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		breakage string
		read     func(*testing.T, *Store, *Reader) error
	}{
		{"UPDATE plans SET content = 'no plan'", func(t *testing.T, _ *Store, r *Reader) error {
			_, err := r.Plans(t.Context(), Page{})
			return err
		}},
		{"UPDATE cursors SET problems = 'many'", func(t *testing.T, s *Store, _ *Reader) error {
			_, one := s.Cursor(t.Context(), "warehouse")
			_, all := s.Cursors(t.Context())
			if one == nil || all == nil {
				return nil
			}
			return errors.Join(one, all)
		}},
		{"UPDATE decisions SET content = 'no decision'", func(t *testing.T, _ *Store, r *Reader) error {
			_, err := r.Decisions(t.Context())
			return err
		}},
		{"UPDATE events SET detail = 'no detail'", func(t *testing.T, _ *Store, r *Reader) error {
			_, err := r.Events(t.Context(), EventsIn{}, Page{})
			return err
		}},
		{"UPDATE events SET detail = 'no detail' WHERE id = (SELECT MAX(id) FROM events)", func(t *testing.T, s *Store, _ *Reader) error {
			_, err := s.Commit(t.Context(), graph.Principal{}, "goes on behind a broken log", func(tx *Tx) error {
				tx.Record(audit.Event{Action: "read"})
				return nil
			})
			return err
		}},
	} {
		t.Run(c.breakage, func(t *testing.T) {
			t.Parallel()
			s := private(t)
			_, err := s.Commit(t.Context(), graph.Principal{}, "whole", func(tx *Tx) error {
				_, err := tx.SavePlan(t.Context(), graph.Plan{Catalog: s.Catalog()})
				return errors.Join(err, tx.PutCursor(t.Context(), Cursor{Source: "warehouse"}), tx.HoldDecisions(t.Context(), []graph.Decision{{Audience: "a"}}))
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := sqliteOf(s).writer.ExecContext(t.Context(), c.breakage); err != nil {
				t.Fatal(err)
			}
			r, err := s.Reader(t.Context(), graph.Principal{}, graph.Everything(), 0)
			if err != nil {
				t.Fatal(err)
			}
			if c.read(t, s, r) == nil {
				t.Error("it was read")
			}
		})
	}
}

// TestPlanActions keeps the audit log's words for what leads to each state.
func TestPlanActions(t *testing.T) {
	t.Parallel()
	want := map[graph.PlanState]string{
		graph.PlanPlanned: "plan", graph.PlanApproved: "approve", graph.PlanApplying: "apply", graph.PlanApplied: "apply",
		graph.PlanStale: "apply", graph.PlanStopped: "apply", graph.PlanUndone: "undo",
	}
	got := map[graph.PlanState]string{}
	for state := range want {
		got[state] = planAction(state)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

func TestTextThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		"plain": true, "\uFFFD itself": true, `a \ufffd in words`: true, `two \\ufffd`: true, "\xff": false, `\` + "\xff": false, "\\ufffd\xff": false,
		"a\x00b": false, `a \u0000 in words`: true,
	} {
		_, err := digest(graph.Asset{Description: text, Labels: map[string]string{"k": text}})
		if ok != (err == nil) || !ok && !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("%q: %v, want it taken: %v", text, err, ok)
		}
	}
}

// FuzzItems writes tags and columns of any text and reads them back: whatever
// a source says, it is kept as said or refused, and never becomes another
// item.
func FuzzItems(f *testing.F) {
	f.Add("bigquery/p.d.t", "a.b", "user.name", "words")
	f.Add("kafka://h:1/topic", "items[].sku", "l", `"'; DROP TABLE tags --`)
	f.Add("x/y", "\x00", "\xff", "\x1f")
	f.Fuzz(func(t *testing.T, asset, path, label, words string) {
		ref, err := graph.ParseRef(asset)
		if err != nil || ref.IsColumn() || path == "" {
			t.Skip()
		}
		for _, i := range []graph.Item{
			graph.Column{Ref: ref.Column(path), Type: label, Description: words, PolicyTags: []string{words}},
			graph.Tag{Ref: ref.Column(path), Label: label, Evidence: []string{words}, Provenance: graph.Provenance{Name: words}},
			graph.Statement{ID: label, Target: ref, SQL: words, Unresolved: []string{path}},
			graph.Asset{Ref: ref, Description: words, Labels: map[string]string{label: words}},
		} {
			was, err := digest(i)
			all := strings.Join([]string{asset, path, label, words}, " ")
			if errors.Is(err, graph.ErrInvalid) && (!utf8.ValidString(all) || strings.ContainsRune(all, 0)) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			table, err := tableOf(i)
			if err != nil {
				t.Fatal(err)
			}
			row := table.row()
			if err := row.put(i); err != nil {
				t.Fatal(err)
			}
			back, err := row.item(i.Key(), i.About())
			if err != nil {
				t.Fatalf("%+v: %v", i, err)
			}
			now, err := digest(back)
			if err != nil || string(was) != string(now) {
				t.Errorf("%+v became %+v", i, back)
			}
		}
	})
}

func private(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// sqliteOf is the database of a store in SQLite.
func sqliteOf(s *Store) *sqliteDB { return s.db.(*sqliteDB) }
