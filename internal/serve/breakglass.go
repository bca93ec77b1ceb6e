package serve

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/scs/v2"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/audit"
)

// The audit log's words for a person who sees all of the catalog for a short
// time: that it began, what was seen that would have been hidden, and that it
// ended. The object of the first and last is the same name.
const (
	actionBreakGlass     = "break_glass"
	actionBreakGlassRead = "break_glass_read"
	actionBreakGlassEnd  = "break_glass_end"
)

// maxGlassReason is how many characters a reason to break the glass may have.
const maxGlassReason = 500

// brokenGlass is what a session holds while the glass is broken.
type brokenGlass struct {
	// ID names this time in the audit log.
	ID string `json:"id"`
	// Who broke it, so that nobody inherits it who signs in by the same
	// browser.
	Who    string    `json:"who"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
}

// glass breaks the glass in sessions.
type glass struct {
	app      *App
	sessions *scs.SessionManager
}

var _ api.Glass = glass{}

// sessionGlass is the key of a brokenGlass in a session.
const sessionGlass = "glass"

// of returns what the session of a person holds; false where the glass is
// whole by now. That it was ended is read from the log: a request that was
// under way meanwhile may have written the session as it was before.
func (g glass) of(ctx context.Context, who graph.Principal) (brokenGlass, bool) {
	var b brokenGlass
	data := g.sessions.GetBytes(ctx, sessionGlass)
	if data == nil || json.Unmarshal(data, &b) != nil || b.ID == "" || b.Who != who.ID || !b.Until.After(g.app.now()) {
		return brokenGlass{}, false
	}
	ended, err := g.app.store.Recorded(ctx, store.EventsIn{Action: actionBreakGlassEnd, Object: b.ID})
	if err != nil || len(ended) > 0 {
		return brokenGlass{}, false
	}
	return b, true
}

// BreakGlass lets the person of the session see all of the catalog until the
// configured time has passed.
func (g glass) BreakGlass(ctx context.Context, who graph.Principal, reason string) error {
	if err := g.app.may(ctx, who, graph.ActionBreakGlass, graph.Asset{}, nil); err != nil {
		return err
	}
	reason = strings.TrimSpace(strings.ToValidUTF8(reason, "\uFFFD"))
	if n := utf8.RuneCountInString(reason); n == 0 || n > maxGlassReason {
		return fmt.Errorf("break the glass: say why, in 1 to %d characters; it is kept in the audit log: %w", maxGlassReason, graph.ErrInvalid)
	}
	if _, broken := g.of(ctx, who); broken {
		return fmt.Errorf("break the glass: it is broken already; end that first: %w", graph.ErrConflict)
	}
	b := brokenGlass{ID: rand.Text(), Who: who.ID, Until: g.app.now().UTC().Add(g.app.config.Audit.breakGlass()).Truncate(time.Second), Reason: reason}
	data, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("break the glass: %w", err)
	}
	// First the log, then the session: nothing is seen that is not told.
	err = g.app.record(ctx, who, audit.Event{Action: actionBreakGlass, Object: b.ID, Detail: map[string]string{
		"reason": reason, "until": b.Until.Format(time.RFC3339),
	}})
	if err != nil {
		return err
	}
	g.sessions.Put(ctx, sessionGlass, data)
	return nil
}

// EndBreakGlass ends it before its time.
func (g glass) EndBreakGlass(ctx context.Context, who graph.Principal) error {
	return g.end(ctx, who, "ended")
}

// end mends the glass of a session, for a reason of the program's.
func (g glass) end(ctx context.Context, who graph.Principal, why string) error {
	b, broken := g.of(ctx, who)
	g.sessions.Remove(ctx, sessionGlass)
	if !broken {
		return nil
	}
	return g.app.endGlass(ctx, who, b.ID, who.ID, why)
}

// Broken says until when and why the glass is broken.
func (g glass) Broken(ctx context.Context, who graph.Principal) *shape.BreakGlass {
	b, broken := g.of(ctx, who)
	if !broken {
		return nil
	}
	return &shape.BreakGlass{Until: b.Until, Reason: b.Reason}
}

// endGlass records that somebody's time of seeing everything ended, once.
func (a *App) endGlass(ctx context.Context, by graph.Principal, id, who, why string) error {
	_, err := a.store.Commit(ctx, by, actionBreakGlassEnd, func(tx *store.Tx) error {
		told, err := tx.Recorded(ctx, store.EventsIn{Action: actionBreakGlassEnd, Object: id})
		if err == nil && len(told) == 0 {
			tx.Record(audit.Event{Action: actionBreakGlassEnd, Object: id, Detail: map[string]string{"who": who, "how": why}})
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("end break glass: %w", err)
	}
	return nil
}

// longestGlass is how far back a glass can be that nobody was told to have
// ended: the longest that the configuration allows, and a day in which no
// program ran.
const longestGlass = 32 * time.Hour

// endLapsed records the end of each time of seeing everything that is over and
// that nobody ended. Whether it is over does not depend on this: sessions look
// at the clock.
func (a *App) endLapsed(ctx context.Context) error {
	since := a.now().Add(-longestGlass)
	began, err := a.store.Recorded(ctx, store.EventsIn{Action: actionBreakGlass, Since: since})
	if err != nil || len(began) == 0 {
		return err
	}
	ended, err := a.store.Recorded(ctx, store.EventsIn{Action: actionBreakGlassEnd, Since: since})
	if err != nil {
		return err
	}
	over := objectsOf(ended)
	for _, e := range began {
		until, err := time.Parse(time.RFC3339, e.Detail["until"])
		if err != nil || until.After(a.now()) || slices.Contains(over, e.Object) {
			continue
		}
		if err := a.endGlass(ctx, system(), e.Object, e.Actor, "lapsed"); err != nil {
			return err
		}
	}
	return nil
}

// glassOf returns the name of the time for which whoever asks sees everything;
// empty while the glass is whole.
func glassOf(ctx context.Context) string {
	id, _ := ctx.Value(glassKey).(string)
	return id
}

// catalogReader is reader for the ways in which a person looks at the catalog:
// with the glass broken nothing is hidden. Whatever acts asks reader.
func (a *App) catalogReader(ctx context.Context, who graph.Principal, at graph.Revision) (*store.Reader, error) {
	if glassOf(ctx) == "" {
		return a.reader(ctx, who, at)
	}
	return a.readerThrough(ctx, who, graph.Everything(), at)
}

// seenThroughGlass records which of the assets that a person is about to see
// would have been hidden, or shown by their names alone: each once a minute.
func (a *App) seenThroughGlass(ctx context.Context, who graph.Principal, refs ...graph.Ref) error {
	id := glassOf(ctx)
	if id == "" || len(refs) == 0 {
		return nil
	}
	own, err := a.reader(ctx, who, 0)
	if err != nil {
		return err
	}
	seen, err := own.Visibility(ctx, refs...)
	if err != nil {
		return err
	}
	slices.SortFunc(refs, graph.CompareRefs)
	for _, ref := range slices.Compact(refs) {
		if seen[ref.Asset()] == graph.Visible {
			continue
		}
		e := audit.Event{Action: actionBreakGlassRead, Object: ref.Asset().String(), Detail: map[string]string{"glass": id}}
		if err := a.recordBounded(ctx, who, e); err != nil {
			return err
		}
	}
	return nil
}
