package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/audit"
)

// Checkpoint is a signed checkpoint with what checks it.
type Checkpoint struct {
	// Size is how many events it covers.
	Size int64 `json:"size"`
	// At is when it was signed.
	At time.Time `json:"at"`
	// Note is the text to keep elsewhere.
	Note string `json:"note"`
	// Key is the verifier key, to keep elsewhere too.
	Key string `json:"key"`
}

// Checkpoint returns a signed checkpoint of the whole log, for somebody who
// may read all of it: a new one where events came since the last.
func (a *App) Checkpoint(ctx context.Context, who graph.Principal) (Checkpoint, error) {
	if err := a.mayReadWholeLog(ctx, who); err != nil {
		return Checkpoint{}, err
	}
	return a.checkpoint(ctx, who, nil)
}

// Signing returns what signs the log, and the newest checkpoint, for somebody
// who may read all of it.
func (a *App) Signing(ctx context.Context, who graph.Principal) (shape.AuditSigning, error) {
	if err := a.mayReadWholeLog(ctx, who); err != nil {
		return shape.AuditSigning{}, err
	}
	var out shape.AuditSigning
	p, err := a.pen(ctx)
	switch {
	case errors.Is(err, graph.ErrInvalid):
		out.Problem = err.Error()
	case err != nil:
		return shape.AuditSigning{}, err
	}
	out.Key = p.key
	last, err := a.store.LastCheckpoint(ctx)
	if errors.Is(err, graph.ErrNotFound) {
		return out, nil
	}
	out.Checkpoint = &shape.AuditCheckpoint{Size: last.Size, At: last.At, Note: last.Note}
	return out, err
}

// signerOf returns which of the keys signed a note; empty for none.
func signerOf(signed string, keys []string) string {
	for _, key := range keys {
		if _, err := audit.OpenWith([]byte(signed), key); err == nil {
			return key
		}
	}
	return ""
}

// checkpoint signs the log, and records in the same transaction what then
// returns of the checkpoint.
func (a *App) checkpoint(ctx context.Context, who graph.Principal, then func(store.Checkpoint) audit.Event) (Checkpoint, error) {
	p, err := a.pen(ctx)
	if err != nil {
		return Checkpoint{}, err
	}
	var made store.Checkpoint
	_, err = a.store.Commit(ctx, who, "checkpoint", func(tx *store.Tx) error {
		if made, err = tx.Checkpoint(ctx, p); err == nil && then != nil {
			tx.Record(then(made))
		}
		return err
	})
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign the audit log: %w", err)
	}
	return Checkpoint{Size: made.Size, At: made.At, Note: made.Note, Key: signerOf(made.Note, p.known)}, nil
}

// checkpointAgain is how often the server asks whether a checkpoint is due.
const checkpointAgain = 10 * time.Second

// keepCheckpoints signs the log when a checkpoint is due, and ends what lasts
// for a time, until ctx ends. A fault is told once, and again when it is
// another.
func (a *App) keepCheckpoints(ctx context.Context) {
	tick := time.NewTicker(checkpointAgain)
	defer tick.Stop()
	told := ""
	for {
		err := errors.Join(a.checkpointIfDue(ctx), a.endLapsed(ctx))
		switch {
		case err == nil || ctx.Err() != nil:
			told = ""
		case err.Error() != told:
			told = err.Error()
			a.logger.ErrorContext(ctx, "the audit log is not signed", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// checkpointIfDue signs the log where enough events came since the last
// checkpoint, or one has waited long enough.
func (a *App) checkpointIfDue(ctx context.Context) error {
	n, since, err := a.store.Unsigned(ctx)
	if err != nil || n == 0 || (n < a.config.Audit.Events && a.now().Sub(since) < a.config.Audit.every()) {
		return err
	}
	_, err = a.checkpoint(ctx, system(), nil)
	return err
}

// AuditExport is a whole log on its way out.
type AuditExport struct {
	// Header is its first line.
	Header audit.Header
	app    *App
}

// ExportAudit signs the log and records the export in one transaction, for
// somebody who may read all of it. Write then writes the events that were signed.
func (a *App) ExportAudit(ctx context.Context, who graph.Principal) (AuditExport, error) {
	if err := a.mayReadWholeLog(ctx, who); err != nil {
		return AuditExport{}, err
	}
	c, err := a.checkpoint(ctx, who, func(c store.Checkpoint) audit.Event {
		return audit.Event{Action: "export", Object: "audit log", Detail: map[string]string{"events": strconv.FormatInt(c.Size, 10)}}
	})
	if err != nil {
		return AuditExport{}, err
	}
	return AuditExport{audit.Header{Events: c.Size, Key: c.Key, Checkpoint: c.Note}, a}, nil
}

// Write writes the export as lines of JSON.
func (e AuditExport) Write(ctx context.Context, w io.Writer) error {
	return audit.WriteExport(w, e.Header, e.app.store.Events(ctx))
}

// ProveEvent proves to outsiders that one event is in the log, for somebody
// who may read all of the log, and records that it was shown.
func (a *App) ProveEvent(ctx context.Context, who graph.Principal, seq int64) (audit.Proof, error) {
	if err := a.mayReadWholeLog(ctx, who); err != nil {
		return audit.Proof{}, err
	}
	end, _, err := a.store.EventsEnd(ctx)
	if err != nil {
		return audit.Proof{}, err
	}
	if seq < 1 || seq > end {
		return audit.Proof{}, fmt.Errorf("prove event %d: the log has events 1 to %d: %w", seq, end, graph.ErrNotFound)
	}
	c, err := a.checkpoint(ctx, who, func(store.Checkpoint) audit.Event {
		return audit.Event{Action: "export", Object: "audit event " + strconv.FormatInt(seq, 10)}
	})
	if err != nil {
		return audit.Proof{}, err
	}
	said, err := audit.OpenWith([]byte(c.Note), c.Key)
	if err != nil {
		return audit.Proof{}, err
	}
	proof, err := audit.Prove(a.store.Events(ctx), seq, said)
	proof.Key, proof.Checkpoint = c.Key, c.Note
	return proof, err
}
