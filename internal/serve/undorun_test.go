package serve

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/walk"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// runs are the last runs of the warehouse, as its owner sees them.
func (h *house) runs() []shape.Run {
	h.t.Helper()
	runs, err := h.app().Runs(h.t.Context(), otto(), "warehouse", 10)
	if err != nil {
		h.t.Fatal(err)
	}
	return runs
}

// undo takes a run back as the owner, and waits until decisions have followed.
func (h *house) undo(run graph.Revision) shape.UndoRun {
	h.t.Helper()
	did, err := h.app().UndoRun(h.t.Context(), otto(), run, false)
	if err != nil {
		h.t.Fatal(err)
	}
	h.settled()
	return did
}

// decided are the decisions that hold, by class and audience.
func (h *house) decided() map[string]graph.Decision {
	h.t.Helper()
	r, err := h.app().reader(h.t.Context(), system(), 0)
	if err != nil {
		h.t.Fatal(err)
	}
	held, err := r.Decisions(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]graph.Decision{}
	for _, d := range held {
		if d.Ended == 0 {
			out[d.Decision.Audience+" "+string(d.Decision.Class)] = d.Decision
		}
	}
	return out
}

func same(t *testing.T, what string, want, got graph.Snapshot) {
	t.Helper()
	for _, c := range graph.Diff(want, got) {
		t.Errorf("%s: %T %T %s", what, c, c.Item(), c.Item().Key())
	}
}

// A table was dropped, a crawl took it from the catalog, and that run is
// undone: the table is back with its columns, tags, lineage and decisions, and
// what somebody said meanwhile stays. The next crawl reads everything again,
// and so sees that the table is gone.
func TestAnUndoneCrawlBringsBackWhatItRemoved(t *testing.T) {
	t.Parallel()
	h := newHouse(t).crawled()
	ctx := t.Context()
	table := column("raw.customers", "").Asset()
	h.tag(otto(), said("raw.customers", "contact.email", "user.contact.email", "confirmed"))
	before, decidedBefore := h.snapshot(), h.decided()
	h.drop(company.Raw, "customers")
	h.crawl()
	if _, stands := h.snapshot().Get(graph.Asset{Ref: table}); stands {
		t.Fatal("the table was dropped and stands in the catalog")
	}
	if diff := cmp.Diff(decidedBefore, h.decided()); diff == "" {
		t.Error("nothing was decided otherwise, so that this shows less than it should")
	}
	meanwhile := graph.Annotation{
		Ref: column("core.customers", "").Asset(), Attribute: graph.AttributeTitle, Value: "Said meanwhile",
		Provenance: graph.Provenance{Kind: graph.ByPerson, Name: otto().ID},
	}
	h.describe(meanwhile.Ref, meanwhile.Attribute, meanwhile.Value)
	run := h.runs()[0]
	would, err := h.app().UndoPreview(ctx, otto(), run.Revision)
	if err != nil {
		t.Fatal(err)
	}
	if would.Made != nil || len(would.Changes) == 0 || would.Changes[0] != (shape.Changes{What: "assets", Began: 1}) {
		t.Errorf("it would change %+v", would)
	}
	did := h.undo(run.Revision)
	if did.Made == nil || !cmp.Equal(did.Changes, would.Changes) || did.Source != "warehouse" {
		t.Errorf("it would change %+v, and changed %+v", would, did)
	}
	want := graph.Apply(before, graph.Delta{graph.Began{Now: meanwhile}})
	same(t, "after undoing", want, h.snapshot())
	if diff := cmp.Diff(decidedBefore, h.decided()); diff != "" {
		t.Errorf("decided (-before the crawl +after undoing it):\n%s", diff)
	}
	r, err := h.app().reader(ctx, otto(), 0)
	if err != nil {
		t.Fatal(err)
	}
	lineage, err := r.Walk(ctx, walk.Query{Root: table.Column("contact.email"), Direction: walk.Down, Depth: 3, Columns: true})
	if err != nil || len(lineage.Edges) == 0 {
		t.Errorf("what was made from the column that is back: %+v, %v", lineage, err)
	}
	if got := h.events("undo_run"); !slices.Equal(got, []string{otto().ID + " undo_run warehouse"}) {
		t.Errorf("the audit log has %v", got)
	}
	if report, err := h.app().VerifyAudit(ctx, KeptAudit{}); err != nil || !report.OK {
		t.Errorf("the audit log: %+v, %v", report, err)
	}
	h.crawl()
	if _, stands := h.snapshot().Get(graph.Asset{Ref: table}); stands {
		t.Error("the next crawl did not see that the table is gone")
	}
}

// A crawl that is undone can be undone again: the runs tell which took back
// which, and the catalog is as the crawl had it.
func TestAnUndoingIsARunToo(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	h.drop(company.Raw, "customers")
	h.crawl()
	after := h.snapshot()
	crawl := h.runs()[0]
	if crawl.Actor != system().ID || crawl.Undid != nil || crawl.UndoneBy != nil || crawl.At.IsZero() {
		t.Errorf("the crawl is told as %+v", crawl)
	}
	undoing := h.undo(crawl.Revision)
	runs := h.runs()
	if u := runs[0]; u.Revision != *undoing.Made || u.Undid == nil || *u.Undid != crawl.Revision || u.Actor != otto().ID {
		t.Errorf("the undoing is told as %+v", u)
	}
	if c := runs[1]; c.Revision != crawl.Revision || c.UndoneBy == nil || *c.UndoneBy != *undoing.Made {
		t.Errorf("the crawl that was undone is told as %+v", c)
	}
	if _, err := h.app().UndoRun(t.Context(), otto(), crawl.Revision, true); !errors.Is(err, graph.ErrConflict) || !strings.Contains(err.Error(), "already") {
		t.Errorf("it is undone already, and the answer is %v", err)
	}
	again := h.undo(*undoing.Made)
	same(t, "undone twice", after, h.snapshot())
	runs = h.runs()
	if u, c := runs[1], runs[2]; u.UndoneBy == nil || *u.UndoneBy != *again.Made || c.UndoneBy != nil {
		t.Errorf("the undoing was undone, so that the crawl stands: %+v, %+v", u, c)
	}
	h.undo(crawl.Revision)
}

// After an undoing the source is asked for everything, and what it still says
// stands again by its next crawl, whatever it remembered.
func TestTheNextCrawlMendsWhatWasUndone(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	before := h.snapshot()
	first := h.runs()
	h.undo(first[len(first)-1].Revision)
	gone := h.snapshot()
	for _, i := range gone {
		if a, ok := i.(graph.Asset); ok && a.Source == "warehouse" {
			t.Fatalf("the first crawl was undone, and %s stands", a.Ref)
		}
	}
	cursor, err := h.app().store.Cursor(t.Context(), "warehouse")
	if err != nil || cursor.Cursor != nil || cursor.CrawledAt.IsZero() {
		t.Errorf("what the source remembers is %q of %s, %v", cursor.Cursor, cursor.CrawledAt, err)
	}
	h.crawl()
	same(t, "crawled again", before, h.snapshot())
}

// What later commits changed is in the way, and named to none who may not know
// of it; to keep it is another word.
func TestWhatIsLaterIsInTheWay(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	ctx := t.Context()
	create := h.drop(company.Raw, "customers")
	h.crawl()
	run := h.runs()[0].Revision
	create("made anew")
	h.crawl()
	if len(h.runs()) < 3 {
		t.Fatalf("the runs are %+v", h.runs())
	}
	before := h.head()
	_, err := h.app().UndoRun(ctx, otto(), run, false)
	mustBe(t, err, graph.ErrConflict)
	if strings.Contains(err.Error(), "customers") {
		t.Errorf("the error names what may be hidden: %v", err)
	}
	if _, err := h.app().UndoRun(ctx, h.app().LocalPrincipal(), run, false); !errors.Is(err, graph.ErrConflict) || !strings.Contains(err.Error(), "raw.customers") {
		t.Errorf("who holds the data directory is told %v", err)
	}
	if after := h.head(); after != before {
		t.Errorf("revision %d was made", after)
	}
	would, err := h.app().UndoPreview(ctx, otto(), run)
	if err != nil || would.LaterTotal == 0 || !slices.Contains(would.Later, column("raw.customers", "").Asset()) {
		t.Errorf("what would stay is %+v, %v", would, err)
	}
	did, err := h.app().UndoRun(ctx, otto(), run, true)
	if err != nil || did.LaterTotal != would.LaterTotal {
		t.Errorf("it kept %+v, %v", did, err)
	}
}

func TestWhatIsNoRunIsNotUndone(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	ctx := t.Context()
	run := h.runs()[0].Revision
	h.describe(column("raw.customers", "").Asset(), graph.AttributeTitle, "said")
	saying := h.head()
	before := h.head()
	for _, test := range []struct {
		name string
		who  graph.Principal
		run  graph.Revision
		kind error
	}{
		{"by whom it is not", ana(), run, graph.ErrDenied},
		{"by an owner of nothing", audra(), run, graph.ErrDenied},
		{"what is not there", otto(), before + 1, graph.ErrNotFound},
		{"what a person said", otto(), saying, graph.ErrInvalid},
	} {
		_, err := h.app().UndoRun(ctx, test.who, test.run, true)
		if !errors.Is(err, test.kind) {
			t.Errorf("%s: %v, want %v", test.name, err, test.kind)
		}
		if _, err := h.app().UndoPreview(ctx, test.who, test.run); !errors.Is(err, test.kind) {
			t.Errorf("%s, foreseen: %v, want %v", test.name, err, test.kind)
		}
	}
	if _, err := h.app().Runs(ctx, ana(), "warehouse", 3); !errors.Is(err, graph.ErrDenied) {
		t.Errorf("the runs are told to whom they are not: %v", err)
	}
	if _, err := h.app().Runs(ctx, otto(), "nothing", 3); !errors.Is(err, graph.ErrNotFound) {
		t.Errorf("the runs of no source: %v", err)
	}
	if after := h.head(); after != before {
		t.Errorf("revision %d was made", after)
	}
}

// While a source is crawled its runs stay: the crawl compares with them.
func TestARunningCrawlIsInTheWayOfUndoing(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	run := h.runs()[0].Revision
	_, err := h.app().store.Commit(t.Context(), system(), "crawl", func(tx *store.Tx) error {
		return tx.Enqueue(t.Context(), store.CrawlArgs{Source: "warehouse"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.app().noCrawlOf(t.Context(), "warehouse"); err != nil {
		t.Errorf("a crawl that waits is in the way: %v", err)
	}
	h.fault(bigquery.Fault{Method: "bigquery.tables.list", DelayMilliseconds: 1500})
	if err := h.app().startJobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "the crawl runs", func(ctx context.Context) bool {
		pending, err := h.app().store.Pending(ctx)
		return err == nil && slices.ContainsFunc(pending, func(j store.Job) bool { return j.Kind == "crawl" && j.State == "running" })
	})
	_, err = h.app().UndoRun(t.Context(), otto(), run, true)
	mustBe(t, err, graph.ErrConflict)
	h.demo.sandbox.ClearFaults()
}

func TestOnlyRunsAreRuns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		actor, why string
		source     string
		undid      graph.Revision
		ok         bool
	}{
		{system().ID, crawlWhy("warehouse"), "warehouse", 0, true},
		{system().ID, crawlWhy(ingest.StatementsOf("warehouse")), "", 0, false},
		{otto().ID, crawlWhy("warehouse"), "", 0, false},
		{otto().ID, undoWhy(12, "ware of house"), "ware of house", 12, true},
		{otto().ID, "undo run twelve of warehouse", "", 0, false},
		{otto().ID, "undo run 12", "", 0, false},
		{otto().ID, "describe", "", 0, false},
		{system().ID, "decide", "", 0, false},
	} {
		info := store.RevisionInfo{Number: 20, At: time.Now(), Actor: test.actor, Why: test.why}
		source, undid, ok := runOf(info)
		if ok != test.ok || ok && (source != test.source || undid != test.undid) {
			t.Errorf("%q by %s: %q, %d, %v", test.why, test.actor, source, undid, ok)
		}
	}
}
