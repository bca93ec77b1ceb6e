package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/ent/store/storetest"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// A log that contradicts the checkpoint before is never signed, and the note
// of the tree beside it is worth nothing by itself.
func TestNoCheckpointOfALogThatWasChanged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, change string
		want         error
	}{
		{"nothing", "SELECT 1", nil},
		{"the tree's note is lost", "DELETE FROM meta WHERE id = 'audit_tree'", nil},
		{"the tree's note is damaged", "UPDATE meta SET value = 'x' WHERE id = 'audit_tree'", nil},
		{"the tree's note is of another log", "UPDATE meta SET value = '1 ' || substr(value, 4, 44) || ' ' || substr(value, 4, 44) WHERE id = 'audit_tree'", nil},
		{"an event behind the checkpoint", "UPDATE events SET actor = 'eve' WHERE id = 23", graph.ErrConflict},
		{"the last event is gone", "DELETE FROM events WHERE id = (SELECT max(id) FROM events)", graph.ErrConflict},
		{"the end's note is gone", "DELETE FROM meta WHERE id = 'audit_end'", graph.ErrConflict},
		{"the checkpoint is of fewer events", "UPDATE checkpoints SET id = 7", graph.ErrConflict},
		{"the checkpoint's note", "UPDATE checkpoints SET note = replace(note, '20', '19')", graph.ErrConflict},
		{"an event before it, and the tree's note lost", "UPDATE events SET actor = 'eve' WHERE id = 3; DELETE FROM meta WHERE id = 'audit_tree'", graph.ErrConflict},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "store.db")
			filled(t, path)
			s, pen := openAt(t, path), storetest.NewPen(t, 1)
			checkpoint := func() (made store.Checkpoint, err error) {
				_, err = s.Commit(t.Context(), boss, "checkpoint", func(tx *store.Tx) error {
					made, err = tx.Checkpoint(t.Context(), pen)
					return err
				})
				return made, err
			}
			if made, err := checkpoint(); err != nil || made.Size != 20 {
				t.Fatalf("%+v, %v", made, err)
			}
			for range 3 {
				if _, err := s.Commit(t.Context(), boss, "test", func(tx *store.Tx) error {
					tx.Record(audit.Event{Action: "sign_in"})
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
			raw(t, path, test.change)
			made, err := checkpoint()
			if !errors.Is(err, test.want) {
				t.Fatalf("%+v, %v, want %v", made, err, test.want)
			}
			if test.want != nil {
				return
			}
			said, err := pen.Open([]byte(made.Note))
			if whole := audit.Verify(s.Events(t.Context()), said); err != nil || !whole.OK || said.Size != 24 {
				t.Errorf("%+v: %+v, %v", said, whole, err)
			}
		})
	}
}

// A checkpoint costs as much as what is new, however long the log is.
func BenchmarkCheckpointBehindALongLog(b *testing.B) {
	for _, events := range []int{1_000, 50_000} {
		b.Run(fmt.Sprint(events), func(b *testing.B) {
			s, err := store.Open(b.Context(), store.Config{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // a private store
			pen := storetest.NewPen(b, 1)
			commit := func(n int, sign bool) {
				_, err := s.Commit(b.Context(), boss, "test", func(tx *store.Tx) error {
					for range n {
						tx.Record(audit.Event{Action: "sign_in", Object: "session"})
					}
					if !sign {
						return nil
					}
					_, err := tx.Checkpoint(b.Context(), pen)
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			commit(events, false)
			commit(0, true)
			for b.Loop() {
				commit(1, false)
				commit(0, true)
			}
		})
	}
}
