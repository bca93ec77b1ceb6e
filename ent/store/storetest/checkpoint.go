package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
)

// Pen is a store.Signer with a key drawn from a seed.
type Pen struct {
	signer note.Signer
	key    string
	// Err is returned in place of a signature, where it is set.
	Err error
}

// NewPen makes the pen of a seed.
func NewPen(t testing.TB, seed byte) *Pen {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.NewChaCha8([32]byte{seed}), "catalog")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return &Pen{signer: signer, key: public}
}

// Sign signs with the pen's key.
func (p *Pen) Sign(c audit.Checkpoint) ([]byte, error) {
	if p.Err != nil {
		return nil, p.Err
	}
	return c.Sign(p.signer.Name(), p.signer)
}

// Open opens what the pen's key signed.
func (p *Pen) Open(signed []byte) (audit.Checkpoint, error) { return audit.OpenWith(signed, p.key) }

// happened records one event.
func happened(t *testing.T, s *store.Store) {
	t.Helper()
	_, err := s.Commit(t.Context(), boss, "test", func(tx *store.Tx) error {
		tx.Record(audit.Event{Action: "sign_in", Object: "session"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkpointed(t *testing.T, s *store.Store, p *Pen) (store.Checkpoint, error) {
	t.Helper()
	var made store.Checkpoint
	_, err := s.Commit(t.Context(), boss, "checkpoint", func(tx *store.Tx) (err error) {
		made, err = tx.Checkpoint(t.Context(), p)
		return err
	})
	return made, err
}

// checkpointsAreTheLogs holds that each checkpoint is the root of the log as
// it was read whole, however it grew, and that all are kept.
func checkpointsAreTheLogs(t *testing.T, open Open) {
	s, p := open(t, store.Config{}), NewPen(t, 1)
	if _, err := checkpointed(t, s, p); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("of an empty log: %v", err)
	}
	if _, err := s.LastCheckpoint(t.Context()); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("the newest of none: %v", err)
	}
	var want []store.Checkpoint
	for round, more := range []int{1, 2, 1, 30, 3, 600} {
		_, err := s.Commit(t.Context(), boss, "test", func(tx *store.Tx) error {
			for n := range more {
				tx.Record(audit.Event{Action: "tag", Object: fmt.Sprint(round, n)})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		whole := audit.Verify(s.Events(t.Context()))
		made := must[store.Checkpoint](t)(checkpointed(t, s, p))
		said := must[audit.Checkpoint](t)(p.Open([]byte(made.Note)))
		if said != whole.Checkpoint || made.Size != whole.Events {
			t.Fatalf("round %d: %+v, want %+v", round, said, whole.Checkpoint)
		}
		want = append(want, made)
		tree := must[audit.Tree](t)(s.Tree(t.Context()))
		if tree.Checkpoint() != said {
			t.Errorf("round %d: the tree is of %+v", round, tree.Checkpoint())
		}
	}
	got := must[[]store.Checkpoint](t)(s.Checkpoints(t.Context()))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checkpoints (-want +got):\n%s", diff)
	}
	if last := must[store.Checkpoint](t)(s.LastCheckpoint(t.Context())); last != want[len(want)-1] {
		t.Errorf("the newest: %+v", last)
	}
	if r := audit.Verify(s.Events(t.Context())); !r.OK {
		t.Errorf("the log: %+v", r)
	}
}

// aCheckpointIsAnEvent looks at what a checkpoint leaves behind.
func aCheckpointIsAnEvent(t *testing.T, open Open) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s, p := open(t, store.Config{Now: func() time.Time { return now }}), NewPen(t, 1)
	unsigned := func(want int, since time.Time) {
		t.Helper()
		n, first, err := s.Unsigned(t.Context())
		if err != nil || n != want || !first.Equal(since) {
			t.Errorf("%d are unsigned since %v, %v, want %d since %v", n, first, err, want, since)
		}
	}
	unsigned(0, time.Time{})
	happened(t, s)
	unsigned(1, now)
	made := must[store.Checkpoint](t)(checkpointed(t, s, p))
	unsigned(0, time.Time{})
	log := events(t, s)
	last := log[len(log)-1]
	if last.Action != "checkpoint" || last.Object != "1" || last.Detail["root"] == "" || last.Actor != boss.ID {
		t.Errorf("the event: %+v", last)
	}
	began := now
	now = now.Add(time.Minute)
	happened(t, s)
	now = now.Add(time.Minute)
	happened(t, s)
	unsigned(2, began.Add(time.Minute))
	second := must[store.Checkpoint](t)(checkpointed(t, s, p))
	if made.Size != 1 || second.Size != 4 || !second.At.Equal(now) {
		t.Errorf("%+v, %+v", made, second)
	}
	// That a checkpoint was made is no reason for another.
	if again := must[store.Checkpoint](t)(checkpointed(t, s, p)); again != second {
		t.Errorf("asked again: %+v", again)
	}
	found := must[[]audit.Event](t)(s.Recorded(t.Context(), store.EventsIn{Action: "checkpoint"}))
	objects := make([]string, 0, len(found))
	for _, e := range found {
		objects = append(objects, e.Object)
	}
	if !slices.Equal(objects, []string{"1", "4"}) {
		t.Errorf("recorded: %q", objects)
	}
}

// whatCannotBeSigned leaves nothing behind.
func whatCannotBeSigned(t *testing.T, open Open) {
	s, p := open(t, store.Config{}), NewPen(t, 1)
	happened(t, s)
	p.Err = iotest.ErrTimeout
	if _, err := checkpointed(t, s, p); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("a pen without ink: %v", err)
	}
	p.Err = nil
	_, err := s.Commit(t.Context(), boss, "fails", func(tx *store.Tx) error {
		if _, err := tx.Checkpoint(t.Context(), p); err != nil {
			t.Error(err)
		}
		return errOnPurpose
	})
	if !errors.Is(err, errOnPurpose) {
		t.Errorf("the commit: %v", err)
	}
	if all := must[[]store.Checkpoint](t)(s.Checkpoints(t.Context())); len(all) != 0 || len(events(t, s)) != 1 {
		t.Errorf("left behind: %+v", all)
	}
	must[store.Checkpoint](t)(checkpointed(t, s, p))
	if _, err := checkpointed(t, s, NewPen(t, 2)); !errors.Is(err, graph.ErrConflict) {
		t.Errorf("with a key that did not sign the one before: %v", err)
	}
	if all := must[[]store.Checkpoint](t)(s.Checkpoints(t.Context())); len(all) != 1 {
		t.Errorf("checkpoints: %+v", all)
	}
}

// theLogTellsWhoDecided looks at what a change of the access ledger records.
func theLogTellsWhoDecided(t *testing.T, open Open) {
	s := open(t, store.Config{})
	hold := func(decisions ...graph.Decision) {
		t.Helper()
		_, err := s.Commit(t.Context(), boss, "decide", func(tx *store.Tx) error { return tx.HoldDecisions(t.Context(), decisions) })
		if err != nil {
			t.Fatal(err)
		}
	}
	decision := func(audience, class, policy string, effect graph.Effect) graph.Decision {
		return graph.Decision{Audience: audience, Class: graph.Class(class), Effect: effect, Policy: policy}
	}
	hold(decision("analysts", "a", "p1", graph.EffectDeny), decision("analysts", "b", "p1", graph.EffectDeny), decision("fraud", "a", "p1", graph.EffectAllow))
	hold(decision("analysts", "a", "p2", graph.EffectAllow), decision("analysts", "b", "p1", graph.EffectDeny))
	hold(decision("analysts", "a", "p2", graph.EffectAllow), decision("analysts", "b", "p1", graph.EffectDeny))
	var got []audit.Event
	for _, e := range must[[]audit.Event](t)(s.Recorded(t.Context(), store.EventsIn{Action: "decide"})) {
		got = append(got, audit.Event{Actor: e.Actor, Action: e.Action, Object: e.Object, Revision: e.Revision, Detail: e.Detail})
	}
	want := []audit.Event{
		{Actor: boss.ID, Action: "decide", Object: "p1", Revision: 1, Detail: map[string]string{"began.analysts": "2", "began.fraud": "1"}},
		{Actor: boss.ID, Action: "decide", Object: "p1 p2", Revision: 2, Detail: map[string]string{"began.analysts": "1", "ended.analysts": "1", "ended.fraud": "1"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
}
