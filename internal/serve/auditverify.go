package serve

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// KeptAudit is what an auditor kept elsewhere and holds the log against.
type KeptAudit struct {
	// Checkpoints are signed notes.
	Checkpoints [][]byte
	// Keys are the verifier keys that may have signed them. Defaults to those
	// that the log itself tells of, which whoever can write the whole catalog
	// anew can change.
	Keys []string
}

// VerifyAudit recomputes the whole audit log, and holds it against what stands
// beside it: the note of its end, the newest revision, every signed checkpoint
// and the tree that they grow from. Somebody who has the signing key and
// writes all of that anew is found by a checkpoint that was kept elsewhere,
// and by nothing here.
func (a *App) VerifyAudit(ctx context.Context, kept KeptAudit) (audit.Report, error) {
	return verifyAudit(ctx, a.store, kept)
}

func verifyAudit(ctx context.Context, s *store.Store, kept KeptAudit) (audit.Report, error) {
	v := verification{store: s}
	if err := v.read(ctx, kept); err != nil {
		return audit.Report{}, err
	}
	report := audit.Verify(v.watch(s.Events(ctx)), v.checkpoints...)
	report.Checkpoints = int64(len(v.checkpoints))
	if report.OK {
		report.Broken, report.Reason = v.beside(report)
		report.OK = report.Reason == ""
	}
	if !report.OK && v.isStrange(kept) {
		report.Reason += "; no key that was given has ever signed this log: it is another one, or was put in the place of yours"
	}
	return report, nil
}

// verification is one look at the log and what stands beside it.
type verification struct {
	store *store.Store
	// head is the newest revision; end and hash are the note of the log's end,
	// and noEnd says why it cannot be read.
	head  graph.Revision
	end   int64
	hash  audit.Hash
	noEnd string
	// keys are the verifier keys by the index of events, of which the first
	// early were there when the end was noted; stored are the checkpoints of
	// the store; checkpoints are all that could be opened.
	keys        []string
	early       int
	stored      []audit.Checkpoint
	checkpoints []audit.Checkpoint
	tree        audit.Tree
	// faults are what was wrong before the log was read.
	faults []string

	// What the log itself tells up to end, as it is read.
	last    graph.Revision
	there   audit.Hash
	toldKey []string
	told    []audit.Checkpoint
}

// read gathers what the log is held against. The end is read first: what is
// written meanwhile lies behind it.
func (v *verification) read(ctx context.Context, kept KeptAudit) error {
	var err error
	if v.head, err = v.store.Head(ctx); err != nil {
		return err
	}
	v.end, v.hash, err = v.store.EventsEnd(ctx)
	if errors.Is(err, graph.ErrInvalid) {
		v.noEnd = err.Error()
	} else if err != nil {
		return err
	}
	if v.tree, err = v.store.Tree(ctx); v.isFault(err) {
		return err
	}
	keyed, err := v.store.Recorded(ctx, store.EventsIn{Action: actionAuditKey})
	if v.isFault(err) {
		return err
	}
	v.keys = objectsOf(keyed)
	for _, e := range keyed {
		if e.Seq <= v.end {
			v.early++
		}
	}
	stored, err := v.store.Checkpoints(ctx)
	if err != nil {
		return err
	}
	for _, row := range stored {
		c, err := audit.OpenWith([]byte(row.Note), v.keys...)
		if err == nil && c.Size != row.Size {
			err = fmt.Errorf("it says that it has %d", c.Size)
		}
		if err != nil {
			v.faults = append(v.faults, fmt.Sprintf("the stored checkpoint of %d events cannot be trusted: %v", row.Size, err))
			continue
		}
		v.stored = append(v.stored, c)
	}
	v.checkpoints = slices.Clone(v.stored)
	keys := kept.Keys
	if len(keys) == 0 {
		keys = v.keys
	}
	for i, signed := range kept.Checkpoints {
		c, err := audit.OpenWith(signed, keys...)
		if err != nil {
			v.faults = append(v.faults, fmt.Sprintf("kept checkpoint %d cannot be trusted: %v", i+1, err))
			continue
		}
		v.checkpoints = append(v.checkpoints, c)
	}
	return nil
}

// isStrange says whether the auditor keeps checkpoints and keys, of which none
// is the log's.
func (v *verification) isStrange(kept KeptAudit) bool {
	known := func(key string) bool { return slices.Contains(v.keys, key) }
	return len(kept.Checkpoints) > 0 && len(kept.Keys) > 0 && !slices.ContainsFunc(kept.Keys, known)
}

// isFault keeps what is damaged as a fault, and says of other errors that
// nothing can be verified.
func (v *verification) isFault(err error) bool {
	if errors.Is(err, graph.ErrInvalid) {
		v.faults = append(v.faults, err.Error())
		return false
	}
	return err != nil
}

// watch notes what the log tells of itself while it is read.
func (v *verification) watch(log iter.Seq2[audit.Event, error]) iter.Seq2[audit.Event, error] {
	return func(yield func(audit.Event, error) bool) {
		for e, err := range log {
			v.last = max(v.last, e.Revision)
			if e.Seq == v.end {
				v.there = e.Hash
			}
			switch {
			case e.Seq > v.end:
			case e.Action == actionAuditKey:
				v.toldKey = append(v.toldKey, e.Object)
			case e.Action == store.ActionCheckpoint:
				v.told = append(v.told, toldCheckpoint(e))
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// toldCheckpoint reads what an event tells of a checkpoint; what cannot be
// read is one that is nowhere.
func toldCheckpoint(e audit.Event) audit.Checkpoint {
	size, err := strconv.ParseInt(e.Object, 10, 64)
	root, notRoot := base64.StdEncoding.DecodeString(e.Detail["root"])
	if err != nil || notRoot != nil || len(root) != len(audit.Hash{}) {
		return audit.Checkpoint{Size: -1}
	}
	return audit.Checkpoint{Size: size, Root: audit.Hash(root)}
}

// beside holds a log that is whole in itself against what stands beside it,
// and returns where and why they differ.
func (v *verification) beside(report audit.Report) (broken int64, reason string) {
	cut := v.last < v.head || report.Events < v.end || v.there != v.hash || (v.end == 0 && report.Events > 0)
	switch {
	case v.noEnd != "":
		return report.Events + 1, v.noEnd
	case cut:
		return report.Events + 1, fmt.Sprintf("the log ends at event %d and revision %d, and was written to event %d and revision %d: its end was cut off", report.Events, v.last, v.end, v.head)
	case len(v.faults) > 0:
		return 0, v.faults[0]
	}
	if !slices.Equal(v.keys[:v.early], v.toldKey) {
		return 0, fmt.Sprintf("the log tells of the keys %q, and its index of %q", v.toldKey, v.keys)
	}
	known := 0
	for known < len(v.stored) && v.stored[known].Size < v.end {
		known++
	}
	if !slices.Equal(v.stored[:known], v.told) {
		return 0, fmt.Sprintf("the log tells of %d checkpoints, and those that are stored are %d or others: some were taken away or put in", len(v.told), known)
	}
	newest := append([]audit.Checkpoint{{}}, v.stored...)[known:]
	if !slices.Contains(newest, v.tree.Checkpoint()) {
		return 0, "the tree noted beside the log is not that of its newest checkpoint"
	}
	return 0, ""
}

// Verification verifies the whole audit log for somebody who may read all of
// it.
func (a *App) Verification(ctx context.Context, who graph.Principal) (audit.Report, error) {
	if err := a.mayReadWholeLog(ctx, who); err != nil {
		return audit.Report{}, err
	}
	return a.VerifyAudit(ctx, KeptAudit{})
}
