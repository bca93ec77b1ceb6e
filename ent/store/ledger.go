package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cadastre.dev/cadastre/ent/gen"
	"cadastre.dev/cadastre/ent/gen/decision"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// HoldDecisions makes the decisions the ones that hold from this revision on:
// those that held and are not among them end, those that differ end and begin
// anew, equal ones write nothing. Where any ended or began, an event tells how
// many of each audience, and by which policy.
func (t *Tx) HoldDecisions(ctx context.Context, decisions []graph.Decision) error {
	type line struct {
		audience string
		class    graph.Class
	}
	now := make(map[line]string, len(decisions))
	for _, d := range decisions {
		content, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("hold decision of %s: %w", d.Audience, err)
		}
		l := line{d.Audience, d.Class}
		if was, ok := now[l]; ok && was != string(content) {
			return fmt.Errorf("hold decisions of %s: two for class %s: %w", d.Audience, d.Class, graph.ErrInvalid)
		}
		now[l] = string(content)
	}
	held, err := t.rows.Decision.Query().Where(decision.EndedIsNil()).All(ctx)
	if err != nil {
		return fmt.Errorf("read the access ledger: %w", err)
	}
	var ends []int
	told := map[string]int{}
	for _, row := range held {
		l := line{row.Audience, graph.Class(row.Class)}
		if now[l] == row.Content {
			delete(now, l)
			continue
		}
		ends = append(ends, row.ID)
		told["ended."+row.Audience]++
	}
	for part := range slices.Chunk(ends, chunk) {
		if err := t.rows.Decision.Update().Where(decision.IDIn(part...)).SetEnded(int64(t.next())).Exec(ctx); err != nil {
			return fmt.Errorf("end decisions: %w", err)
		}
	}
	begins := make([]*gen.DecisionCreate, 0, len(now))
	for l, content := range now {
		begins = append(begins, t.rows.Decision.Create().SetAudience(l.audience).SetClass(string(l.class)).
			SetContent(content).SetBegan(int64(t.next())))
		told["began."+l.audience]++
	}
	for part := range slices.Chunk(begins, chunk) {
		if err := t.rows.Decision.CreateBulk(part...).Exec(ctx); err != nil {
			return fmt.Errorf("begin decisions: %w", err)
		}
	}
	t.count("decisions", "began", len(begins))
	t.count("decisions", "ended", len(ends))
	t.recordDecisions(decisions, told)
	return nil
}

// recordDecisions tells who decided what changed: how many decisions of each
// audience, and the policies that the present ones are of.
func (t *Tx) recordDecisions(now []graph.Decision, changed map[string]int) {
	if len(changed) == 0 {
		return
	}
	var policies []string
	for _, d := range now {
		if !slices.Contains(policies, d.Policy) {
			policies = append(policies, d.Policy)
		}
	}
	slices.Sort(policies)
	detail := make(map[string]string, len(changed))
	for what, n := range changed {
		detail[what] = strconv.Itoa(n)
	}
	t.Record(audit.Event{Action: "decide", Object: strings.Join(policies, " "), Detail: detail})
}

// Decisions returns the access ledger's lines for the classes, ended ones too,
// up to the reader's revision, oldest first. Without classes it returns all of
// them, and graph.ErrDenied where something may be less than visible to the
// principal: the list would tell of classes that no visible column has.
func (r *Reader) Decisions(ctx context.Context, classes ...graph.Class) ([]graph.Held, error) {
	if len(classes) > 0 {
		var out []graph.Held
		for part := range slices.Chunk(classNames(classes), chunk) {
			lines, err := r.decisions(ctx, r.store.rows.Decision.Query().Where(decision.ClassIn(part...)))
			if err != nil {
				return nil, err
			}
			out = append(out, lines...)
		}
		return sortHeld(out), nil
	}
	if !r.all {
		return nil, fmt.Errorf("list decisions without classes: %w", graph.ErrDenied)
	}
	out, err := r.decisions(ctx, r.store.rows.Decision.Query())
	return sortHeld(out), err
}

func (r *Reader) decisions(ctx context.Context, q *gen.DecisionQuery) ([]graph.Held, error) {
	rows, err := q.Where(decision.BeganLTE(int64(r.at))).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the access ledger: %w", err)
	}
	out := make([]graph.Held, 0, len(rows))
	for _, row := range rows {
		h := graph.Held{Began: graph.Revision(row.Began)}
		if err := json.Unmarshal([]byte(row.Content), &h.Decision); err != nil {
			return nil, fmt.Errorf("read decision of %s: %w", row.Audience, err)
		}
		if row.Ended != nil {
			h.Ended = r.clip(graph.Revision(*row.Ended))
		}
		if h.Ended != h.Began {
			out = append(out, h)
		}
	}
	return out, nil
}

// clip hides that something ended after the reader's revision.
func (r *Reader) clip(ended graph.Revision) graph.Revision {
	if ended > r.at {
		return 0
	}
	return ended
}

func classNames(classes []graph.Class) []string {
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = string(c)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
