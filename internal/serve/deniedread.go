package serve

import (
	"context"
	"maps"
	"slices"
	"sync"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// actionDeniedRead is the audit log's word for asking by name for an asset
// that is hidden from the person. The answer was that there is no such asset,
// and the person does not learn that it was recorded.
const actionDeniedRead = "denied_read"

// lookout records denied reads beside the answers: whether something was
// recorded must not show in how long an answer took.
type lookout struct {
	app   *App
	asked chan sighting
	done  chan struct{}

	// mu keeps a question from coming after the end.
	mu    sync.RWMutex
	ended bool
}

// sighting is somebody who asked for assets and was told of none.
type sighting struct {
	who  graph.Principal
	refs []graph.Ref
	// seen, where it is set, is closed once all before it was looked at.
	seen chan struct{}
}

// lookoutQueue is how many questions may wait to be looked at. Beyond it
// whoever asks waits, whether anything is hidden or not.
const lookoutQueue = 1024

func newLookout(a *App) *lookout {
	l := &lookout{app: a, asked: make(chan sighting, lookoutQueue), done: make(chan struct{})}
	go l.watch()
	return l
}

func (l *lookout) watch() {
	defer close(l.done)
	for s := range l.asked {
		if s.seen != nil {
			close(s.seen)
			continue
		}
		if err := l.app.lookInto(context.Background(), s); err != nil {
			l.app.logger.Error("audit event lost", "actor", s.who.ID, "err", err)
		}
	}
}

func (l *lookout) ask(s sighting) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if !l.ended {
		l.asked <- s
	} else if s.seen != nil {
		close(s.seen)
	}
}

// wait returns when all that was asked before was looked at.
func (l *lookout) wait() {
	seen := make(chan struct{})
	l.ask(sighting{seen: seen})
	<-seen
}

// stop looks at what still waits. Stopping twice is no error.
func (l *lookout) stop() {
	l.mu.Lock()
	if !l.ended {
		l.ended = true
		close(l.asked)
	}
	l.mu.Unlock()
	<-l.done
}

// missed is told of each ask by name that was answered with nothing. Whether
// it was a denied read is found out later.
func (a *App) missed(who graph.Principal, refs ...graph.Ref) {
	if len(refs) > 0 && !isTrusted(who) {
		a.lookout.ask(sighting{who: who, refs: refs})
	}
}

// lookInto records which of the assets stand and are hidden from the person,
// each as the catalog spells it: what somebody typed is in no event.
func (a *App) lookInto(ctx context.Context, s sighting) error {
	all, err := a.reader(ctx, system(), 0)
	if err != nil {
		return err
	}
	own, err := a.reader(ctx, s.who, 0)
	if err != nil {
		return err
	}
	standing, err := all.Assets(ctx, s.refs...)
	if err != nil {
		return err
	}
	seen, err := own.Visibility(ctx, slices.Collect(maps.Keys(standing))...)
	if err != nil {
		return err
	}
	var hidden []graph.Ref
	for ref := range standing {
		if seen[ref] == graph.Hidden {
			hidden = append(hidden, ref)
		}
	}
	slices.SortFunc(hidden, graph.CompareRefs)
	for _, ref := range hidden {
		if err := a.recordBounded(ctx, s.who, audit.Event{Action: actionDeniedRead, Object: ref.String()}); err != nil {
			return err
		}
	}
	return nil
}

// missing returns those of the refs' assets that are not in an answer.
func missing[V any](asked []graph.Ref, answer map[graph.Ref]V) []graph.Ref {
	var out []graph.Ref
	for _, ref := range asked {
		if _, ok := answer[ref.Asset()]; !ok && !slices.Contains(out, ref.Asset()) {
			out = append(out, ref.Asset())
		}
	}
	return out
}
