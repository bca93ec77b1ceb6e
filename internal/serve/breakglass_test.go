package serve

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// glassDesk is a desk with a table that is hidden from Ana, who is on call.
func glassDesk(t *testing.T, onCall bool) *desk {
	t.Helper()
	p := newProvider(t, nil)
	d := newDesk(t, p.server.URL, func(c *Config) {
		if onCall {
			c.Policy.Roles["break_glass"] = []string{"analysts@lumen.example"}
		}
	})
	_, err := d.app.store.Commit(t.Context(), system(), "test", func(tx *store.Tx) error {
		return tx.Apply(t.Context(), graph.Delta{
			graph.Began{Now: people()},
			graph.Began{Now: graph.Column{Ref: people().Ref.Column("email"), Type: "STRING"}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	d.get(d.begin("/"))
	return d
}

// query sends a GraphQL operation and returns the answer's text.
func (b *browser) query(base, query string) string {
	b.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(http.MethodPost, base+"/graphql", string(body), "Content-Type", "application/json").body
}

const (
	lookAtPeople  = `{ asset(ref: "bigquery/shop.raw.people") { ref columns { path } } }`
	searchPeople  = `{ search(query: "people") { total } }`
	breakTheGlass = `mutation { breakGlass(reason: " the billing run fails ") { breakGlass { reason until } actions } }`
	mendTheGlass  = `mutation { endBreakGlass { breakGlass { reason } } }`
)

func (d *desk) sees() bool {
	d.t.Helper()
	return strings.Contains(d.query(d.base, lookAtPeople), `"email"`)
}

func (d *desk) told(action string) []audit.Event { d.t.Helper(); return told(d.t, d.app, action) }

func TestTheGlassIsBrokenForAReasonAndATime(t *testing.T) {
	t.Parallel()
	d := glassDesk(t, true)
	if d.sees() {
		t.Fatal("it is seen with the glass whole")
	}
	for _, query := range []string{`mutation { breakGlass(reason: " \n ") { id } }`, `mutation { breakGlass(reason: "` + strings.Repeat("x", 501) + `") { id } }`} {
		if _, code := d.ask(d.base, query); code != "INVALID" {
			t.Errorf("without a fit reason it is answered %s", code)
		}
	}
	if answer := d.query(d.base, breakTheGlass); !strings.Contains(answer, `"reason":"the billing run fails"`) || !strings.Contains(answer, `"break_glass"`) {
		t.Fatalf("breaking it is answered %s", answer)
	}
	if _, code := d.ask(d.base, breakTheGlass); code != "CONFLICT" {
		t.Errorf("breaking it again is answered %s", code)
	}
	for range 3 {
		if !d.sees() || !strings.Contains(d.query(d.base, searchPeople), `"total":1`) {
			t.Fatal("it is not seen with the glass broken")
		}
	}
	other := newBrowser(t)
	other.client.Jar, d.client.Jar = d.client.Jar, other.client.Jar
	d.get(d.begin("/"))
	if d.sees() {
		t.Error("it is seen in another session of the same person")
	}
	other.client.Jar, d.client.Jar = d.client.Jar, other.client.Jar
	if answer := d.query(d.base, mendTheGlass); !strings.Contains(answer, `"breakGlass":null`) || d.sees() {
		t.Errorf("mended: %s", answer)
	}
	if answer := d.query(d.base, mendTheGlass); !strings.Contains(answer, `"breakGlass":null`) {
		t.Errorf("mended again: %s", answer)
	}
	began, read, ended := d.told(actionBreakGlass), d.told(actionBreakGlassRead), d.told(actionBreakGlassEnd)
	if len(began) != 1 || began[0].Actor != "ana@lumen.example" || began[0].Detail["reason"] != "the billing run fails" || began[0].Detail["until"] == "" {
		t.Errorf("the log tells of the beginning: %+v", began)
	}
	if len(read) != 1 || read[0].Object != people().Ref.String() || read[0].Detail["glass"] != began[0].Object {
		t.Errorf("the log tells of what was seen: %+v", read)
	}
	if len(ended) != 1 || ended[0].Object != began[0].Object || ended[0].Detail["how"] != "ended" || ended[0].Detail["who"] != "ana@lumen.example" {
		t.Errorf("the log tells of the end: %+v", ended)
	}
}

// What is seen through a glass is told under its name, also where the same was
// seen through another within the minute.
func TestEachGlassTellsWhatWasSeenThroughIt(t *testing.T) {
	t.Parallel()
	d := glassDesk(t, true)
	for range 2 {
		d.query(d.base, breakTheGlass)
		if !d.sees() {
			t.Fatal("it is not seen with the glass broken")
		}
		d.query(d.base, mendTheGlass)
	}
	began, read := d.told(actionBreakGlass), d.told(actionBreakGlassRead)
	if len(began) != 2 || len(read) != 2 || read[0].Detail["glass"] != began[0].Object || read[1].Detail["glass"] != began[1].Object {
		t.Errorf("of %+v the log tells %+v", began, read)
	}
}

// Only who is on call breaks the glass, and that others tried is told.
func TestOnlyWhoIsOnCallBreaksTheGlass(t *testing.T) {
	t.Parallel()
	d := glassDesk(t, false)
	if _, code := d.ask(d.base, breakTheGlass); code != "DENIED" || d.sees() {
		t.Errorf("it is answered %s", code)
	}
	if refused := d.told("refused"); len(refused) != 1 || refused[0].Object != "break_glass" {
		t.Errorf("the log tells %+v", refused)
	}
	if began := d.told(actionBreakGlass); len(began) != 0 {
		t.Errorf("the log tells %+v", began)
	}
}

// It ends with the time, and with the session: by signing out, or by anybody
// signing in with the same browser.
func TestTheGlassIsMended(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, how string
		mend      func(*desk)
	}{
		{"by signing out", "signed out", func(d *desk) {
			d.do(http.MethodPost, d.base+"/auth/logout", "")
			d.get(d.begin("/"))
		}},
		{"by signing in again", "signed out", func(d *desk) { d.get(d.begin("/")) }},
		{"by time", "lapsed", func(d *desk) {
			later := time.Now().Add(31 * time.Minute)
			d.app.now = func() time.Time { return later }
			if d.sees() {
				d.t.Error("it is seen before the end is told")
			}
			for range 2 {
				if err := d.app.endLapsed(d.t.Context()); err != nil {
					d.t.Fatal(err)
				}
			}
		}},
		{"by another program on the same catalog", "lapsed", func(d *desk) {
			began := d.told(actionBreakGlass)
			if err := d.app.endGlass(d.t.Context(), system(), began[0].Object, began[0].Actor, "lapsed"); err != nil {
				d.t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := glassDesk(t, true)
			d.query(d.base, breakTheGlass)
			if !d.sees() {
				t.Fatal("it is not seen with the glass broken")
			}
			if err := d.app.endLapsed(t.Context()); err != nil || len(d.told(actionBreakGlassEnd)) != 0 {
				t.Fatalf("it ended before its time: %v", err)
			}
			test.mend(d)
			if d.sees() {
				t.Error("it is still seen")
			}
			ended := d.told(actionBreakGlassEnd)
			if len(ended) != 1 || ended[0].Detail["how"] != test.how || ended[0].Detail["who"] != "ana@lumen.example" {
				t.Errorf("the log tells %+v", ended)
			}
		})
	}
}

// With the glass broken a person sees more, and does no more.
func TestABrokenGlassIsForReading(t *testing.T) {
	t.Parallel()
	d := glassDesk(t, true)
	d.query(d.base, breakTheGlass)
	tag := `mutation { tag(input: [{ref: "bigquery/shop.raw.people#email", label: "user.name", state: "confirmed"}]) { revision } }`
	if _, code := d.ask(d.base, tag); code != "NOT_FOUND" {
		t.Errorf("tagging is answered %s", code)
	}
	for _, query := range []string{`mutation { plan { id } }`, `mutation { crawl(source: "x") { name } }`, `{ audit { edges { cursor } } }`} {
		if _, code := d.ask(d.base, query); code != "DENIED" {
			t.Errorf("%s is answered %s", query, code)
		}
	}
}
