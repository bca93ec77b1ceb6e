package serve

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
)

func sam() graph.Principal { return graph.Principal{ID: "sam@shop.example", Name: "Sam"} }

// told are the events of an action as they stand by now, the oldest first.
func told(t *testing.T, app *App, action string) []audit.Event {
	t.Helper()
	app.lookout.wait()
	found, err := app.store.Recorded(t.Context(), store.EventsIn{Action: action})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Every way to ask for something by name tells the log of what was hidden, and
// the person nothing.
func TestADeniedReadIsToldToTheLogAndNotToThePerson(t *testing.T) {
	t.Parallel()
	missing := graph.BigQueryRef("shop", "raw", "nothing")
	for _, test := range []struct {
		name string
		ask  func(t *testing.T, app *App, ref graph.Ref) error
	}{
		{"an asset over the API", func(t *testing.T, app *App, ref graph.Ref) error {
			r, err := apiCatalog{app}.Reader(t.Context(), sam())
			if err != nil {
				return err
			}
			found, err := r.Assets(t.Context(), ref)
			if len(found) > 0 {
				t.Errorf("found %+v", found)
			}
			return err
		}},
		{"lineage", func(t *testing.T, app *App, ref graph.Ref) error {
			_, err := app.Lineage(t.Context(), sam(), walk.Query{Root: ref, Direction: walk.Up, Depth: 1, Limit: 10})
			mustBe(t, err, graph.ErrNotFound)
			return nil
		}},
		{"an explanation", func(t *testing.T, app *App, ref graph.Ref) error {
			_, err := app.Explain(t.Context(), sam(), ref.Column("email"), "")
			mustBe(t, err, graph.ErrNotFound)
			return nil
		}},
		{"explanations over the API", func(t *testing.T, app *App, ref graph.Ref) error {
			found, err := app.ExplainColumns(t.Context(), sam(), []graph.Ref{ref}, nil)
			if len(found) > 0 {
				t.Errorf("found %+v", found)
			}
			return err
		}},
		{"a tag", func(t *testing.T, app *App, ref graph.Ref) error {
			_, _, err := app.Tag(t.Context(), sam(), []graph.TagRequest{{Ref: ref.Column("email"), Label: "user.name", State: "confirmed"}})
			mustBe(t, err, graph.ErrNotFound)
			return nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.put(people(), graph.Column{Ref: people().Ref.Column("email"), Type: "STRING"})
			for _, ref := range []graph.Ref{missing, people().Ref} {
				if err := test.ask(t, b.app, ref); err != nil {
					t.Fatal(err)
				}
			}
			got := told(t, b.app, actionDeniedRead)
			if len(got) != 1 || got[0].Actor != sam().ID || got[0].Object != people().Ref.String() || got[0].Detail != nil {
				t.Errorf("the log tells %+v", got)
			}
		})
	}
}

// What was not asked for by name is no attempt.
func TestASearchIsNoDeniedRead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(people())
	if found, err := b.app.Search(t.Context(), sam(), search.Query{Text: "people", First: 10}); err != nil || found.Total != 0 {
		t.Fatalf("%+v, %v", found, err)
	}
	b.app.missed(system(), people().Ref)
	if got := told(t, b.app, actionDeniedRead); len(got) != 0 {
		t.Errorf("the log tells %+v", got)
	}
}

// Somebody who probes writes one event a minute for each thing, and the next
// one counts the rest.
func TestProbingDoesNotFloodTheLog(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	b.app.now = func() time.Time { return now }
	other := people()
	other.Ref = graph.BigQueryRef("shop", "raw", "others")
	b.put(people(), other)
	probe := func(times int) {
		for range times {
			b.app.missed(sam(), people().Ref, other.Ref)
			b.app.missed(graph.Principal{ID: "pat@shop.example"}, people().Ref)
		}
		b.app.lookout.wait()
	}
	probe(50)
	if got := told(t, b.app, actionDeniedRead); len(got) != 3 {
		t.Fatalf("within a minute there are %d events, want one a person and object", len(got))
	}
	now = now.Add(time.Minute)
	probe(20)
	got := told(t, b.app, actionDeniedRead)
	if len(got) != 6 {
		t.Fatalf("in the second minute there are %d events", len(got))
	}
	for _, e := range got[3:] {
		if e.Detail["suppressed"] != "49" {
			t.Errorf("%+v does not count the 49 before", e)
		}
	}
	// What was counted last is told when the program stops.
	if err := b.app.recordRest(t.Context()); err != nil {
		t.Fatal(err)
	}
	got = told(t, b.app, actionDeniedRead)
	if len(got) != 9 || got[8].Detail["suppressed"] != "19" || !slices.ContainsFunc(got[6:], func(e audit.Event) bool { return e.Actor == "pat@shop.example" }) {
		t.Errorf("at the end the log tells %+v", got[6:])
	}
	if err := b.app.recordRest(t.Context()); err != nil || len(told(t, b.app, actionDeniedRead)) != 9 {
		t.Errorf("told twice: %v", err)
	}
}

// Law: however attempts fall, each is written or counted, and no window of a
// minute has two.
func TestTheBoundLosesNothing(t *testing.T) {
	t.Parallel()
	var b bounded
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	written, counted := 0, 0
	last := time.Time{}
	for i := range 500 {
		now = now.Add(time.Duration(i%37) * time.Second)
		e, ok := b.admit(now, "sam", audit.Event{Action: "refused", Object: "audit"})
		if !ok {
			continue
		}
		if now.Sub(last) < boundWindow {
			t.Errorf("two within %v", now.Sub(last))
		}
		last = now
		written++
		counted += suppressedOf(t, e)
	}
	for _, rest := range b.rest() {
		for _, e := range rest {
			counted += suppressedOf(t, e)
		}
	}
	if written+counted != 500 {
		t.Errorf("%d were written and %d counted, of 500", written, counted)
	}
}

func suppressedOf(t *testing.T, e audit.Event) int {
	t.Helper()
	n := 0
	for _, digit := range e.Detail["suppressed"] {
		n = 10*n + int(digit-'0')
	}
	return n
}

// What has no more to say takes no memory.
func TestTheBoundForgets(t *testing.T) {
	t.Parallel()
	var b bounded
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 100 {
		b.admit(now, "sam", audit.Event{Object: strings.Repeat("x", i)})
	}
	b.admit(now.Add(boundWindow), "sam", audit.Event{Object: "y"})
	if len(b.seen) != 1 {
		t.Errorf("%d are remembered", len(b.seen))
	}
}

func TestSigningInAndOutIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t, newProvider(t, nil).server.URL, nil)
	d.get(d.begin("/"))
	d.do(http.MethodPost, d.base+"/auth/logout", "")
	d.do(http.MethodPost, d.base+"/auth/logout", "")
	for range 20 {
		if p := d.get(d.base + "/auth/callback?state=guessed"); p.StatusCode != http.StatusBadRequest {
			t.Fatalf("a guess is answered %d", p.StatusCode)
		}
	}
	got := d.events()
	slices.Reverse(got)
	want := []string{"ana@lumen.example sign_in", "ana@lumen.example sign_out", "unknown refused", "audra@lumen.example read"}
	if !slices.Equal(got, want) {
		t.Errorf("the log tells %q, want %q", got, want)
	}
}
