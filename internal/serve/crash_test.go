package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/internal/crashtest"
	"cadastre.dev/cadastre/internal/pgtest"
	"cadastre.dev/cadastre/internal/sandbox/registry"
)

// TestMain is also every victim of this package.
func TestMain(m *testing.M) {
	crashtest.Main(m, map[string]func(context.Context) error{
		"crawl": crawlAsVictim, "plan": planAsVictim, "replica": workAsVictim,
	})
}

// victimConfig is the variable that tells a victim where its configuration is,
// in JSON, and victimPlan which plan it is about.
const (
	victimConfig = "CADASTRE_VICTIM_CONFIG"
	victimPlan   = "CADASTRE_VICTIM_PLAN"
)

// quickJobs are jobs that wait for nothing for long.
func quickJobs() store.JobConfig {
	return store.JobConfig{Look: 200 * time.Millisecond, Poll: 20 * time.Millisecond}
}

// asVictim writes a configuration where a victim finds it.
func asVictim(t *testing.T, config Config) string {
	t.Helper()
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return victimConfig + "=" + path
}

// openVictim opens what the configuration of a victim says.
func openVictim(ctx context.Context, log *slog.Logger) (*App, error) {
	data, err := os.ReadFile(os.Getenv(victimConfig))
	if err != nil {
		return nil, err
	}
	var config Config
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, err
	}
	app, err := Open(ctx, config, Options{Logger: log})
	if err != nil {
		return nil, err
	}
	app.jobConfig = quickJobs()
	return app, nil
}

// asked is said by a victim once the crawl it wants is acknowledged.
const asked = "asked"

// crawlAsVictim crawls, and follows the path as far as decisions.
func crawlAsVictim(ctx context.Context) error {
	app, err := openVictim(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Println(crashtest.Begin)
	if err := app.StartCrawl(ctx, system(), "registry", ""); err != nil {
		return err
	}
	fmt.Println(asked)
	if err := app.Settle(ctx); err != nil {
		return err
	}
	fmt.Println(crashtest.End)
	<-ctx.Done()
	return app.Close()
}

// topics is a schema registry with some subjects, at an address of its own.
// What differs from one to the next is their first number.
func topics(t *testing.T, first, subjects int) http.Handler {
	t.Helper()
	r, err := registry.New(registry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range subjects {
		name := fmt.Sprintf("topic%d", first+n)
		schema := fmt.Sprintf(`{"type":"record","name":"R%d","doc":"The %s.","fields":[
			{"name":"id","type":"long"},{"name":"mail","type":"string","confluent:tags":["PII"]},
			{"name":"at","type":{"type":"record","name":"At","fields":[{"name":"city","type":"string"},{"name":"n%d","type":"int"}]}}]}`, n, name, n)
		if _, err := r.Register(registry.Registration{Subject: name + "-value", Schema: schema}); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// crawling is a configuration with one source, nothing of which was crawled.
func crawling(t *testing.T, url string) Config {
	t.Helper()
	tables := map[string]string{}
	for n := range 40 {
		tables[fmt.Sprintf("topic%d", n)] = fmt.Sprintf("warehouse.landing.table%d", n)
	}
	return Config{
		DataDir: t.TempDir(),
		Sources: []SourceConfig{{Name: "registry", Registry: &RegistrySource{URL: url, Cluster: "kafka.example.org:9092", Tables: tables}}},
		Audiences: []AudienceConfig{
			{Name: "analysts", Groups: []string{"analysts"}, Purpose: "analytics"},
		},
	}.withDefaults()
}

// openQuick opens an app whose jobs wait for nothing for long.
func openQuick(t *testing.T, config Config) *App {
	t.Helper()
	app, err := Open(t.Context(), config, Options{})
	if err != nil {
		t.Fatal(err)
	}
	app.jobConfig = quickJobs()
	return app
}

// course is a catalog from its first revision to its newest.
type course struct {
	items     []graph.Snapshot
	decisions []graph.Held
	cursors   []store.Cursor
}

// courseOf reads the whole history of a catalog.
func courseOf(t *testing.T, s *store.Store) course { t.Helper(); return courseFrom(t, s, 1) }

func courseFrom(t *testing.T, s *store.Store, first graph.Revision) course {
	t.Helper()
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var c course
	for at := first; at <= head; at++ {
		r, err := s.Reader(t.Context(), system(), graph.Everything(), at)
		if err != nil {
			t.Fatal(err)
		}
		items, err := r.Snapshot(t.Context(), graph.Scope{})
		if err != nil {
			t.Fatal(err)
		}
		c.items = append(c.items, items)
		if c.decisions, err = r.Decisions(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if c.cursors, err = s.Cursors(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, cursor := range c.cursors {
		// When it was crawled, and at which revision it was last analyzed, is
		// what a crawl that is done twice may change.
		c.cursors[i] = store.Cursor{Source: cursor.Source, Problems: cursor.Problems}
	}
	return c
}

// wantBeginning holds that a catalog went the first part of a course, revision
// by revision.
func wantBeginning(t *testing.T, of, got course) {
	t.Helper()
	if len(got.items) > len(of.items) {
		t.Fatalf("there are %d revisions, and %d when nobody is killed", len(got.items), len(of.items))
	}
	for i, items := range got.items {
		if differ := graph.Diff(of.items[i], items); len(differ) > 0 {
			t.Errorf("revision %d differs in %d items, first %+v", i+1, len(differ), differ[0])
		}
	}
}

// TestKilledWhileItCrawls kills a program somewhere between the demand for a
// crawl and the decisions that follow from it. What it left is the beginning of
// what an undisturbed crawl leaves, and the next program, which is asked for
// nothing that was acknowledged, brings it to exactly the same end.
func TestKilledWhileItCrawls(t *testing.T) {
	t.Parallel()
	killCrawls(t, crashtest.NewPhase(t, "crawl, sqlite", 24, 300*time.Millisecond), func(int) string { return "" })
}

// TestKilledWhileItCrawlsInPostgres does the same in schemas of one database.
func TestKilledWhileItCrawlsInPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Database(t)
	killCrawls(t, crashtest.NewPhase(t, "crawl, postgres", 12, 300*time.Millisecond), func(n int) string {
		schema := fmt.Sprint("s", n)
		server.Exec(t, "t1", "CREATE SCHEMA "+schema)
		return url + "&search_path=" + schema
	})
}

func killCrawls(t *testing.T, phase *crashtest.Phase, fresh func(int) string) {
	t.Helper()
	server := httptest.NewServer(topics(t, 0, 40))
	t.Cleanup(server.Close)
	undisturbed := openQuick(t, crawling(t, server.URL))
	if _, err := undisturbed.Crawl(t.Context(), system(), nil, ""); err != nil {
		t.Fatal(err)
	}
	want := courseOf(t, undisturbed.store)
	if err := undisturbed.Close(); err != nil || len(want.items) < 3 || len(want.decisions) == 0 {
		t.Fatalf("an undisturbed crawl makes %d revisions, %v", len(want.items), err)
	}
	died := make([]int, len(want.items)+1)
	for n := 0; phase.More(); n++ {
		config := crawling(t, server.URL)
		if url := fresh(n); url != "" {
			file := filepath.Join(config.DataDir, "url")
			if err := os.WriteFile(file, []byte(url), 0o600); err != nil {
				t.Fatal(err)
			}
			config.Database.URL = "file:" + file
		}
		said, _ := phase.Strike(t, "crawl", asVictim(t, config))
		app := openQuick(t, config)
		left := courseOf(t, app.store)
		died[len(left.items)]++
		wantBeginning(t, want, left)
		wantVerified(t, app)
		if !slices.Contains(said, asked) {
			if err := app.StartCrawl(t.Context(), system(), "registry", ""); err != nil {
				t.Fatal(err)
			}
		}
		if err := app.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, courseOf(t, app.store), cmp.AllowUnexported(course{})); diff != "" {
			t.Errorf("an undisturbed crawl leaves something else (-want +got):\n%s", diff)
		}
		wantVerified(t, app)
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("victims left 0 to %d revisions: %v", len(want.items), died)
}

func wantVerified(t *testing.T, app *App) {
	t.Helper()
	if report, err := app.VerifyAudit(t.Context(), KeptAudit{}); err != nil || !report.OK {
		t.Errorf("audit: %+v, %v", report, err)
	}
}

// planAsVictim applies or undoes the plan that is due.
func planAsVictim(ctx context.Context) error {
	app, err := openVictim(ctx, nil)
	if err != nil {
		return err
	}
	fmt.Println(crashtest.Begin)
	if err := app.startJobs(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		plan, err := app.SavedPlan(ctx, system(), os.Getenv(victimPlan))
		if err != nil {
			return err
		}
		if plan.State != graph.PlanApplying {
			break
		}
		<-tick.C
	}
	fmt.Println(crashtest.End)
	<-ctx.Done()
	return app.Close()
}

// TestKilledWhileItApplies kills one program after another that applies a plan
// to the warehouse, or takes it back. The next goes on where it was, without a
// step that is recorded twice or not at all, and what then stands is what was
// planned.
func TestKilledWhileItApplies(t *testing.T) {
	t.Parallel()
	newHouse(t).killPlans(crashtest.NewPhase(t, "apply, sqlite", 20, 500*time.Millisecond))
}

// TestKilledWhileItAppliesInPostgres does the same with the catalog there.
func TestKilledWhileItAppliesInPostgres(t *testing.T) {
	t.Parallel()
	newHouse(t).onPostgres().killPlans(crashtest.NewPhase(t, "apply, postgres", 16, 500*time.Millisecond))
}

func (h *house) killPlans(phase *crashtest.Phase) {
	h.t.Helper()
	h.app().jobConfig = quickJobs()
	h.crawled()
	h.crawl() // the audit of a second crawl finds nothing new
	views := 0
	for phase.More() {
		plan, err := h.app().Plan(h.t.Context(), otto(), nil)
		if err != nil {
			h.t.Fatal(err)
		}
		if _, err := h.app().Approve(h.t.Context(), otto(), plan.ID); err != nil {
			h.t.Fatal(err)
		}
		if n := viewsIn(plan.Plan); views == 0 {
			views = n
		} else if n != views {
			h.t.Errorf("after what was applied is undone a plan makes %d views, want %d", n, views)
		}
		h.killPlan(phase, plan.ID, graph.PlanApplied, h.app().Apply)
		again, err := h.app().Plan(h.t.Context(), otto(), nil)
		if err != nil || !again.Plan.IsEmpty() {
			h.t.Errorf("what stands is not what was planned: %d steps, %v", len(again.Plan.Steps), err)
		}
		h.killPlan(phase, plan.ID, graph.PlanUndone, h.app().Undo)
		h.settled()
	}
}

func viewsIn(p graph.Plan) (n int) {
	for _, s := range p.Steps {
		if s.Kind == graph.StepCreateView {
			n++
		}
	}
	return n
}

// killPlan makes a plan due and kills up to four who work on it; then this
// program ends it.
func (h *house) killPlan(phase *crashtest.Phase, id string, end graph.PlanState, start func(context.Context, graph.Principal, string) (graph.SavedPlan, error)) {
	h.t.Helper()
	if err := h.app().stopJobs(); err != nil {
		h.t.Fatal(err)
	}
	if _, err := start(h.t.Context(), otto(), id); err != nil {
		h.t.Fatal(err)
	}
	for i, inside := 0, true; i < 4 && inside && phase.More(); i++ {
		_, inside = phase.Strike(h.t, "plan", asVictim(h.t, h.app().config), victimPlan+"="+id)
		beside, err := h.app().config.openStore(h.t.Context(), store.Config{})
		if err != nil {
			h.t.Fatal(err)
		}
		if err := beside.Close(); err != nil {
			h.t.Error(err)
		}
		h.wantSteps(id)
	}
	h.settled()
	plan := h.wantSteps(id)
	if plan.State != end {
		h.t.Errorf("the plan is %s, want %s: %s", plan.State, end, plan.Reason)
	}
}

// wantSteps holds that the audit log tells of each step once each way, and the
// plan of as many.
func (h *house) wantSteps(id string) graph.SavedPlan {
	h.t.Helper()
	plan, err := h.app().SavedPlan(h.t.Context(), otto(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	var applied, undone int
	var steps []string
	for e, err := range h.app().store.Events(h.t.Context()) {
		if err != nil {
			h.t.Fatal(err)
		}
		if e.Action != "step" || e.Detail["plan"] != id {
			continue
		}
		steps = append(steps, describeStep(e))
		if e.Detail["way"] == "undo" {
			undone++
		} else {
			applied++
		}
	}
	slices.Sort(steps)
	if once := slices.Compact(slices.Clone(steps)); len(once) != len(steps) {
		h.t.Errorf("%d steps are recorded twice", len(steps)-len(once))
	}
	if plan.Done != applied-undone {
		h.t.Errorf("%d steps of the plan are done, and the audit log tells of %d made and %d undone", plan.Done, applied, undone)
	}
	if plan.State == graph.PlanStopped || plan.State == graph.PlanStale {
		h.t.Errorf("the plan came to rest: %s", plan.Reason)
	}
	wantVerified(h.t, h.app())
	return plan
}

// describeStep tells steps apart: what they are made of, and which way.
func describeStep(e audit.Event) string {
	return fmt.Sprint(e.Object, e.Detail["kind"], e.Detail["audience"], e.Detail["principal"], e.Detail["way"])
}

// workAsVictim works jobs until it dies.
func workAsVictim(ctx context.Context) error {
	app, err := openVictim(ctx, slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	fmt.Println(crashtest.Begin)
	working, stop := context.WithCancel(ctx)
	defer stop()
	app.keepWorking(working)
	return errors.Join(app.Close(), ctx.Err())
}
