package graph_test

import (
	"errors"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
)

func TestParseMoment(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       graph.Moment
		refused    bool
	}{
		{name: "a revision", text: "42", want: graph.Moment{Revision: 42}},
		{name: "a time", text: "2026-03-03T12:00:00Z", want: graph.Moment{Time: time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)}},
		{name: "a time elsewhere", text: "2026-03-03T12:00:00+02:00", want: graph.Moment{Time: time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC)}},
		{name: "a date is the end of its day", text: "2026-03-03", want: graph.Moment{Time: time.Date(2026, 3, 3, 23, 59, 59, 999_999_000, time.UTC)}},
		{name: "nothing", text: "", refused: true},
		{name: "the empty catalog", text: "0", refused: true},
		{name: "before it", text: "-1", refused: true},
		{name: "a word", text: "yesterday", refused: true},
		{name: "a day that is none", text: "2026-02-30", refused: true},
		{name: "a time without zone", text: "2026-03-03T12:00:00", refused: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := graph.ParseMoment(tt.text)
			if got != tt.want || errors.Is(err, graph.ErrInvalid) != tt.refused {
				t.Errorf("%q is read as %v, %v", tt.text, got, err)
			}
		})
	}
}

// Law: a moment is read as it was written.
func FuzzMoment(f *testing.F) {
	f.Add("7")
	f.Add("2026-03-03")
	f.Add("2026-03-03T12:00:00.000001+14:00")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := graph.ParseMoment(text)
		if err != nil {
			if !errors.Is(err, graph.ErrInvalid) || !m.IsZero() {
				t.Fatalf("%q is refused as %v with %v", text, err, m)
			}
			return
		}
		if again, err := graph.ParseMoment(m.String()); err != nil || !again.Time.Equal(m.Time) || again.Revision != m.Revision {
			t.Fatalf("%q is written as %s and read again as %v, %v", text, m, again, err)
		}
		if m.IsZero() || (m.Revision != 0) == !m.Time.IsZero() {
			t.Fatalf("%q names %+v, which is not one moment", text, m)
		}
	})
}

func TestNowIsWrittenAsAWord(t *testing.T) {
	t.Parallel()
	if got := (graph.Moment{}).String(); got != "now" {
		t.Errorf("the zero moment is %q", got)
	}
}

func TestAsOfIsCarried(t *testing.T) {
	t.Parallel()
	if got := graph.AsOfFrom(t.Context()); got != (graph.AsOf{}) {
		t.Errorf("without one there is %+v", got)
	}
	want := graph.AsOf{Revision: 7, Past: true}
	if got := graph.AsOfFrom(graph.WithAsOf(t.Context(), want)); got != want {
		t.Errorf("%+v is carried as %+v", want, got)
	}
}
