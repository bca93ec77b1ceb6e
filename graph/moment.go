package graph

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// Moment names a revision as people do: by its number, or by a time at which
// it was the newest. The zero Moment is now. Exactly one field is set in any
// other.
type Moment struct {
	Revision Revision
	Time     time.Time
}

// IsZero says whether the moment is now.
func (m Moment) IsZero() bool { return m.Revision == 0 && m.Time.IsZero() }

// String writes the moment as ParseMoment reads it, and "now" for the zero
// Moment.
func (m Moment) String() string {
	switch {
	case m.IsZero():
		return "now"
	case m.Revision != 0:
		return strconv.FormatInt(int64(m.Revision), 10)
	}
	return m.Time.UTC().Format(time.RFC3339Nano)
}

// ParseMoment reads a revision, a time by RFC 3339, or a date, which means the
// end of that day in UTC: the catalog with all that happened on it. Anything
// else is ErrInvalid.
func ParseMoment(text string) (Moment, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		return Moment{Revision: Revision(n)}, nil
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil && !at.IsZero() {
		return Moment{Time: at.UTC()}, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return Moment{Time: EndOfDay(day)}, nil
	}
	return Moment{}, fmt.Errorf("moment %q: want a revision from 1, a time such as 2026-03-03T12:00:00Z, or a date such as 2026-03-03: %w", text, ErrInvalid)
}

// EndOfDay returns the last moment of a time's day in UTC that the catalog can
// tell from the next: it counts microseconds.
func EndOfDay(at time.Time) time.Time {
	return at.UTC().Truncate(24 * time.Hour).Add(24*time.Hour - time.Microsecond)
}

// AsOf is the one revision at which all of a question is answered, however
// many reads that takes.
type AsOf struct {
	Revision Revision
	// Past says that somebody asked for this revision, be it the newest or
	// not: then what the ledger holds of it is the answer, which later commits
	// never change, and what has no history is refused. Else the question is
	// about now, and Revision is what was the newest when it was asked.
	Past bool
}

type asOfKey struct{}

// WithAsOf returns a context in which everything is read at one revision. It
// is carried by the context, because a question passes through many hands, and
// one that forgot to pass it on would mix the past with the present.
func WithAsOf(ctx context.Context, at AsOf) context.Context {
	return context.WithValue(ctx, asOfKey{}, at)
}

// AsOfFrom returns the revision at which the context's question is answered.
// The zero AsOf means that none was fixed: each read takes the newest.
func AsOfFrom(ctx context.Context) AsOf {
	at, _ := ctx.Value(asOfKey{}).(AsOf)
	return at
}
