package serve

import (
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// waysOf are those of an audience.
func waysOf(w shape.WhoCouldSee, audience string) []shape.Way {
	return slices.DeleteFunc(slices.Clone(w.Ways), func(way shape.Way) bool { return way.Audience != audience })
}

func TestWhoCouldSeeAColumnBeforeAndAfter(t *testing.T) {
	t.Parallel()
	h := newHouse(t).crawled()
	ctx := t.Context()
	address := column("raw.customers", "contact.email")
	before, noon := h.head(), time.Now()
	h.tag(otto(), said("raw.customers", "contact.email", "user.contact.email", "confirmed"))
	h.published()

	then, err := h.app().WhoCouldSee(ctx, audra(), address, before, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if len(waysOf(then, "analysts"))+len(waysOf(then, "fraud")) > 0 || len(then.Ways) == 0 {
		t.Errorf("before, the ways are %+v", then.Ways)
	}
	byTime, err := h.app().WhoCouldSee(ctx, audra(), address, 0, noon)
	if err != nil || byTime.Revision != before {
		t.Errorf("asked by time the revision is %d, not %d: %v", byTime.Revision, before, err)
	}
	now, err := h.app().WhoCouldSee(ctx, audra(), address, 0, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for audience, form := range map[string]string{"analysts": "masked", "fraud": "clear"} {
		ways := waysOf(now, audience)
		if len(ways) != 1 || ways[0].Form != form || ways[0].Why == "" || ways[0].Since <= before || !strings.HasPrefix(ways[0].Principal, "group:") {
			t.Errorf("%s: %+v", audience, ways)
		}
	}
	for _, way := range now.Ways {
		if way.Audience == "" && (way.Form != "clear" || way.Why == "") {
			t.Errorf("a right on the base is told as %+v", way)
		}
	}
	// The newest is that the log itself was opened to look for them.
	got := h.events("read")
	if len(got) != 4 || !strings.HasSuffix(got[0], "audit log") || !strings.HasPrefix(got[1], company.Audra().Email) {
		t.Errorf("the audit log tells of these questions: %v", got)
	}
}

func TestOnlyAuditorsAskWhoCouldSee(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	ctx, app := t.Context(), h.app()
	for _, who := range []graph.Principal{ana(), {ID: "sam@lumen.example"}} {
		_, err := app.WhoCouldSee(ctx, who, column("raw.customers", "full_name"), 0, time.Time{})
		mustBe(t, err, graph.ErrDenied)
		_, _, err = app.Events(ctx, who, "", "", "", 10, "")
		mustBe(t, err, graph.ErrDenied)
		_, err = app.Verification(ctx, who)
		mustBe(t, err, graph.ErrDenied)
	}
	if got := h.events("refused"); len(got) != 2 {
		t.Errorf("two people were refused within a minute, and the log tells of %d", len(got))
	}
	_, err := app.WhoCouldSee(ctx, audra(), column("raw.customers", "nothing"), 0, time.Time{})
	mustBe(t, err, graph.ErrNotFound)
	_, err = app.WhoCouldSee(ctx, audra(), column("raw.customers", "full_name"), 0, time.Unix(0, 0))
	mustBe(t, err, graph.ErrNotFound)
	if !strings.Contains(err.Error(), "begins later") {
		t.Errorf("the error does not tell why: %v", err)
	}
	report, err := app.Verification(ctx, audra())
	if err != nil || !report.OK || report.Events == 0 {
		t.Errorf("the log: %+v, %v", report, err)
	}
}

func TestAFlippedByteOfTheLogIsFound(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	ctx := t.Context()
	plan, err := h.app().Plan(ctx, otto(), nil)
	if err == nil {
		_, err = h.app().Approve(ctx, otto(), plan.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	if found, err := flippedByteIsFound(ctx, h.app()); err != nil || !found {
		t.Errorf("found: %v, %v", found, err)
	}
	if report, err := h.app().VerifyAudit(ctx, KeptAudit{}); err != nil || !report.OK {
		t.Errorf("the log itself: %+v, %v", report, err)
	}
}

// A log that lost its end, or all of it, is not whole: the catalog tells how
// far it must go.
func TestALogThatLostItsEndIsFound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, cut string }{
		{"the newest revision's event", "DELETE FROM events WHERE revision = (SELECT max(revision) FROM events)"},
		{"all behind the first", "DELETE FROM events WHERE id > 1"},
		{"everything", "DELETE FROM events"},
		{"an event behind the newest revision's", "DELETE FROM events WHERE id = (SELECT max(id) FROM events)"},
		{"the note of where it ends", "DELETE FROM meta WHERE id = 'audit_end'"},
		{"a part of that note", "UPDATE meta SET value = 'x' WHERE id = 'audit_end'"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newQuietHouse(t).crawled()
			h.tag(otto(), said("raw.customers", "full_name", "user.name", "confirmed"))
			if err := h.app().record(t.Context(), otto(), audit.Event{Action: "sign_in", Object: "session"}); err != nil {
				t.Fatal(err)
			}
			if report, err := h.app().VerifyAudit(t.Context(), KeptAudit{}); err != nil || !report.OK {
				t.Fatalf("whole: %+v, %v", report, err)
			}
			db, err := sql.Open("sqlite", h.app().path(databaseFile))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			if _, err := db.ExecContext(t.Context(), test.cut); err != nil {
				t.Fatal(err)
			}
			report, err := h.app().VerifyAudit(t.Context(), KeptAudit{})
			if err != nil || report.OK || report.Reason == "" {
				t.Errorf("cut: %+v, %v", report, err)
			}
		})
	}
}
