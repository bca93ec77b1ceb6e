package serve

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// boundWindow is the time in which somebody's attempt on one object is told
// once.
const boundWindow = time.Minute

// bounded keeps somebody who probes from flooding the audit log: of each
// person, action and object it admits one event a minute, and counts those
// that it does not admit. The count goes into the next one that it does, or
// into one of its own when the program stops. Its zero value is ready.
//
// The bound is each program's own: two replicas admit two.
type bounded struct {
	mu   sync.Mutex
	seen map[attempt]*window
}

// attempt is what is told once in a window. Each time of seeing everything is
// one of its own, so that the log tells of each what was seen in it.
type attempt struct{ actor, action, object, glass string }

type window struct {
	began      time.Time
	suppressed int
	event      audit.Event
}

// admit says whether an event is to be written, with the number of those that
// were not since the last one in its detail.
func (b *bounded) admit(now time.Time, actor string, e audit.Event) (audit.Event, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := attempt{actor, e.Action, e.Object, e.Detail["glass"]}
	w := b.seen[key]
	if w != nil && now.Sub(w.began) < boundWindow {
		w.suppressed++
		return e, false
	}
	suppressed := 0
	if w != nil {
		suppressed = w.suppressed
	}
	b.forget(now)
	if b.seen == nil {
		b.seen = map[attempt]*window{}
	}
	b.seen[key] = &window{began: now, event: e}
	return withSuppressed(e, suppressed), true
}

// forget drops what has no more to say.
func (b *bounded) forget(now time.Time) {
	maps.DeleteFunc(b.seen, func(_ attempt, w *window) bool { return w.suppressed == 0 && now.Sub(w.began) >= boundWindow })
}

// rest returns an event for each that is still counted and was not told, by
// actor, and forgets all.
func (b *bounded) rest() map[string][]audit.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string][]audit.Event{}
	for key, w := range b.seen {
		if w.suppressed > 0 {
			out[key.actor] = append(out[key.actor], withSuppressed(w.event, w.suppressed))
		}
	}
	b.seen = nil
	return out
}

func withSuppressed(e audit.Event, n int) audit.Event {
	e.Detail = maps.Clone(e.Detail)
	if n > 0 {
		if e.Detail == nil {
			e.Detail = map[string]string{}
		}
		e.Detail["suppressed"] = strconv.Itoa(n)
	}
	return e
}

// recordBounded writes an event unless one like it was written within the
// minute.
func (a *App) recordBounded(ctx context.Context, who graph.Principal, e audit.Event) error {
	e, ok := a.bounded.admit(a.now(), who.ID, e)
	if !ok {
		return nil
	}
	return a.record(ctx, who, e)
}

// recordRest writes what was counted and not told.
func (a *App) recordRest(ctx context.Context) error {
	rest := a.bounded.rest()
	if len(rest) == 0 {
		return nil
	}
	_, err := a.store.Commit(ctx, system(), "stop", func(tx *store.Tx) error {
		for _, actor := range slices.Sorted(maps.Keys(rest)) {
			for _, e := range rest[actor] {
				e.Actor = actor
				tx.Record(e)
			}
		}
		return nil
	})
	return err
}
