package bigquery_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/option"

	"cadastre.dev/cadastre/graph"
	sandbox "cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/policy/view"
	"cadastre.dev/cadastre/policy/view/bigquery"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

const customersOf = "SELECT TO_JSON_STRING(t) FROM `house.cadastre_%s.raw__customers` AS t ORDER BY id"

// The analysts read masked rows through their view and nothing of its base;
// the fraud team reads clear ones; neither reads the other's, or the keys.
func TestAudiencesReadWhatIsDecided(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.publish()

	masked := h.rows(analyst, strings.ReplaceAll(customersOf, "%s", "analysts"))
	open := h.rows(fraud, strings.ReplaceAll(customersOf, "%s", "fraud"))
	if !strings.Contains(open, "Ana@Example.org") || !strings.Contains(open, `"call me"`) {
		t.Errorf("the fraud team reads %s, want it in the clear", open)
	}
	for _, secret := range []string{"Ana@", "+49", "call me", "Ring", "street"} {
		if strings.Contains(masked, secret) {
			t.Errorf("the analysts read %q in %s", secret, masked)
		}
	}
	for _, shown := range []string{`"city":"Köln"`, `"contact":null`, `"sku":"b","note":null},{"sku":"a"`} {
		if !strings.Contains(masked, shown) {
			t.Errorf("the analysts do not read %s in %s", shown, masked)
		}
	}
	key, err := keys{}.Key(t.Context(), "email")
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("email|ana@example.org"))
	if want := hex.EncodeToString(mac.Sum(nil)); !strings.Contains(masked, `"email":"`+want+`"`) {
		t.Errorf("the analysts do not read %s in %s", want, masked)
	}
	for _, forbidden := range []struct{ who, table string }{
		{analyst, "house.raw.customers"},
		{fraud, "house.raw.customers"},
		{analyst, "house.cadastre_fraud.raw__customers"},
		{analyst, "house.cadastre_keys.pads"},
		{fraud, "house.cadastre_keys.pads"},
	} {
		if rows, err := h.query(forbidden.who, "SELECT 1 FROM `"+forbidden.table+"`"); err == nil {
			t.Errorf("%s reads %d rows of %s", forbidden.who, len(rows), forbidden.table)
		} else if !strings.Contains(err.Error(), "Access Denied") {
			t.Errorf("%s of %s: %v, want denied", forbidden.who, forbidden.table, err)
		}
	}
}

// A replaced view is still authorized, because its container is.
func TestAReplacedViewIsStillRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.publish()
	d := viewtest.Desired("user:" + publisher)
	viewtest.Decide(&d, "analysts", viewtest.Class(viewtest.Customers(), "contact.email"), graph.EffectDeny, "", "")
	plan := h.publishAs(d)
	if len(plan.Steps) != 1 || plan.Steps[0].Kind != graph.StepReplaceView {
		t.Fatalf("steps %+v, want one replaced view", plan.Steps)
	}
	for _, c := range plan.Steps[0].Columns {
		if c.Path == "contact.email" && (c.Was != graph.EffectMask || c.Effect != graph.EffectDeny) {
			t.Errorf("contact.email was %s and is %s", c.Was, c.Effect)
		}
	}
	if rows := h.rows(analyst, strings.ReplaceAll(customersOf, "%s", "analysts")); strings.Contains(rows, "email") {
		t.Errorf("the analysts still read %s", rows)
	}
}

func (h *house) rows(who, sql string) string {
	h.t.Helper()
	rows, err := h.query(who, sql)
	if err != nil {
		h.t.Fatalf("%s: %v", who, err)
	}
	var texts []string
	for _, r := range rows {
		texts = append(texts, r.F[0].V.(string))
	}
	return strings.Join(texts, "\n")
}

// Nothing of a key is in a plan, a job, a log or a view.
func TestKeysAreNowhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var log strings.Builder
	logged, err := bigquery.NewTarget(bigquery.Config{
		Service: h.as(publisher), Names: viewtest.Names(), Publisher: publisher, Keys: keys{}, Parallel: 1,
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.target = logged
	plan := h.publish()
	text, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := h.as(admin).Jobs.List(viewtest.Project).AllUsers(true).Projection("full").Do()
	if err != nil {
		t.Fatal(err)
	}
	ran, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	pads, err := h.query(admin, "SELECT TO_BASE64(ipad), TO_HEX(opad), TO_BASE64(opad) FROM `house.cadastre_keys.pads`")
	if err != nil || len(pads) != 3 {
		t.Fatalf("%d key rows, %v; want 3", len(pads), err)
	}
	secrets := []string{"a key of no worth"}
	for _, row := range pads {
		for _, cell := range row.F {
			secrets = append(secrets, cell.V.(string))
		}
	}
	for _, secret := range secrets {
		for where, in := range map[string]string{"the plan": string(text), "a job": string(ran), "the log": log.String()} {
			if strings.Contains(in, secret) {
				t.Errorf("%s holds key material", where)
			}
		}
	}
	if !strings.Contains(log.String(), "key put") {
		t.Error("the log does not say that keys were put")
	}
}

// Whoever may read the keys is a reason to block.
func TestReadableKeysBlock(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.publish()
	err := h.setAccess(t.Context(), graph.BigQueryRef("house", "cadastre_keys"), func(a []*bq.DatasetAccess) []*bq.DatasetAccess {
		return append(a, &bq.DatasetAccess{Role: "READER", SpecialGroup: "projectReaders"})
	})
	if err != nil {
		t.Fatal(err)
	}
	plan := h.plan()
	if !plan.Blocked() || !slices.ContainsFunc(plan.Findings, func(f graph.Finding) bool { return f.Code == "key-readable" }) {
		t.Fatalf("findings %+v, want one about the keys", plan.Findings)
	}
	errorsIs(t, view.Apply(t.Context(), plan, 0, h.target, &viewtest.Log{}), graph.ErrInvalid)
}

func (h *house) plan() graph.Plan {
	h.t.Helper()
	d := viewtest.Desired("user:" + publisher)
	present, err := h.target.Present(h.t.Context(), d.Want())
	if err != nil {
		h.t.Fatal(err)
	}
	plan, err := view.Plan(d, present, bigquery.Dialect{})
	if err != nil {
		h.t.Fatal(err)
	}
	return plan
}

// A policy tag that somebody puts on a base is found at the next plan, and
// makes a plan from before stale.
func TestAPolicyTagIsSeen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	before := h.plan()
	now, err := h.as(admin).Tables.Get("house", "raw", "payments").Do()
	if err != nil {
		t.Fatal(err)
	}
	now.Schema.Fields[1].PolicyTags = &bq.TableFieldSchemaPolicyTags{Names: []string{"projects/house/locations/eu/taxonomies/1/policyTags/2"}}
	if _, err := h.as(admin).Tables.Patch("house", "raw", "payments", &bq.Table{Schema: now.Schema}).Do(); err != nil {
		t.Fatal(err)
	}
	err = view.Apply(t.Context(), before, 0, h.target, &viewtest.Log{})
	errorsIs(t, err, graph.ErrStale)
	if !strings.Contains(err.Error(), "house.raw.payments has changed") {
		t.Errorf("%q does not name what moved", err)
	}
	plan := h.plan()
	if !plan.Blocked() {
		t.Fatalf("findings %+v, want a block", plan.Findings)
	}
	for _, s := range plan.Steps {
		if s.Base == viewtest.Payments() {
			t.Errorf("a view over the protected base is planned: %s %s", s.Kind, s.Object)
		}
	}
}

// Other people's access entries go back as they came, conditions and all.
func TestForeignEntriesStay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	foreign := []*bq.DatasetAccess{
		{Role: "READER", UserByEmail: "someone@elsewhere.example"},
		{Role: "WRITER", GroupByEmail: "loaders@house.example"},
		{Role: "roles/bigquery.metadataViewer", Domain: "house.example"},
		{Role: "READER", UserByEmail: "later@house.example", Condition: &bq.Expr{Expression: "request.time < timestamp('2030-01-01T00:00:00Z')", Title: "until 2030"}},
	}
	if err := h.setAccess(t.Context(), viewtest.Customers().Parent(), func(a []*bq.DatasetAccess) []*bq.DatasetAccess { return append(a, foreign...) }); err != nil {
		t.Fatal(err)
	}
	was := h.access(t.Context(), "raw")
	plan := h.publish()
	if err := view.Undo(t.Context(), plan, len(plan.Steps), h.target, &viewtest.Log{}); err != nil {
		t.Fatal(err)
	}
	if now := h.access(t.Context(), "raw"); !slices.Equal(was, now) {
		t.Errorf("entries are %v, want %v", now, was)
	}
}

func (h *house) access(ctx context.Context, dataset string) []string {
	h.t.Helper()
	d, err := h.as(admin).Datasets.Get("house", dataset).AccessPolicyVersion(3).Context(ctx).Do()
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, e := range d.Access {
		text, err := json.Marshal(e)
		if err != nil {
			h.t.Fatal(err)
		}
		out = append(out, string(text))
	}
	slices.Sort(out)
	return out
}

// What is busy is asked again, what was written between is read again, and
// what stays broken is named with its kind.
func TestCallsAreMadeAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault sandbox.Fault
		kind  error // nil: all goes well in the end
	}{
		{"too many calls", sandbox.Fault{Method: "bigquery.datasets.get", Status: 429, Times: 3}, nil},
		{"a server that is down for a moment", sandbox.Fault{Method: "bigquery.tables.insert", Status: 503, Times: 2}, nil},
		{"somebody wrote between", sandbox.Fault{Method: "bigquery.datasets.patch", Status: 412, Times: 2}, nil},
		{"a server that is down", sandbox.Fault{Method: "bigquery.tables.insert", Status: 503}, graph.ErrUnavailable},
		{"a quota that is not met", sandbox.Fault{Method: "bigquery.datasets.patch", Status: 403, Reason: "rateLimitExceeded"}, graph.ErrUnavailable},
		{"a right that is missing", sandbox.Fault{Method: "bigquery.datasets.patch", Status: 403}, graph.ErrDenied},
		{"a write that always comes between", sandbox.Fault{Method: "bigquery.datasets.patch", Status: 412}, graph.ErrConflict},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			plan := h.plan()
			h.warehouse.Fault(test.fault)
			var log viewtest.Log
			err := view.Apply(t.Context(), plan, 0, h.target, &log)
			if test.kind == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			errorsIs(t, err, test.kind)
			h.warehouse.ClearFaults()
			if err := view.Apply(t.Context(), plan, log.Last().Done, h.target, &viewtest.Log{}); err != nil {
				t.Fatalf("resume: %v", err)
			}
		})
	}
}

// A key that nobody has stops the plan before any view.
func TestALostKeyStops(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	d := viewtest.Desired("user:" + publisher)
	d.KeyIDs = map[string]string{"email": "lost/1"}
	present, err := h.target.Present(t.Context(), d.Want())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := view.Plan(d, present, bigquery.Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	errorsIs(t, view.Apply(t.Context(), plan, 0, h.target, &viewtest.Log{}), graph.ErrNotFound)
	after, err := h.target.Present(t.Context(), d.Want())
	if err != nil {
		t.Fatal(err)
	}
	if len(after.Views) > 0 {
		t.Errorf("%d views stand without their key", len(after.Views))
	}
}

func TestNewTarget(t *testing.T) {
	t.Parallel()
	_, err := bigquery.NewTarget(bigquery.Config{Publisher: publisher})
	errorsIs(t, err, graph.ErrInvalid)
	_, err = bigquery.NewTarget(bigquery.Config{Service: &bq.Service{}})
	errorsIs(t, err, graph.ErrInvalid)
}

// An address where nothing answers is unavailable, after as many attempts as
// are allowed.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	service, err := bq.NewService(t.Context(), option.WithEndpoint("http://127.0.0.1:1/"), option.WithHTTPClient(&http.Client{}))
	if err != nil {
		t.Fatal(err)
	}
	waits := 0
	target, err := bigquery.NewTarget(bigquery.Config{
		Service: service, Publisher: publisher, Names: viewtest.Names(), Attempts: 3,
		Wait: func(context.Context, time.Duration) error { waits++; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = target.Present(t.Context(), view.Want{Names: viewtest.Names()})
	errorsIs(t, err, graph.ErrUnavailable)
	if waits != 2 {
		t.Errorf("%d waits between 3 attempts", waits)
	}
}

// between does something of somebody else's just before the first call of a
// method on a path: what a lock would keep out, and a warehouse has none.
type between struct {
	method, path string
	do           func()
	once         sync.Once
}

func (b *between) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == b.method && strings.HasSuffix(r.URL.Path, b.path) {
		b.once.Do(b.do)
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+publisher)
	return http.DefaultTransport.RoundTrip(r)
}

// interrupted is a target before whose first such call something is done.
func (h *house) interrupted(method, path string, do func()) *bigquery.Target {
	h.t.Helper()
	client := &http.Client{Transport: &between{method: method, path: path, do: do}}
	service, err := bq.NewService(h.t.Context(), option.WithEndpoint(h.url), option.WithHTTPClient(client))
	if err != nil {
		h.t.Fatal(err)
	}
	target, err := bigquery.NewTarget(bigquery.Config{
		Service: service, Names: viewtest.Names(), Publisher: publisher, Keys: keys{},
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return target
}

// An access entry that somebody adds between our reading and our writing is
// not lost.
func TestAGrantThatComesBetweenStays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	came := false
	h.target = h.interrupted(http.MethodPatch, "/datasets/raw", func() {
		came = true
		if err := h.Admit(t.Context(), viewtest.Customers().Parent(), "late@house.example"); err != nil {
			t.Error(err)
		}
	})
	h.publish()
	entries := strings.Join(h.access(t.Context(), "raw"), "\n")
	if !came || !strings.Contains(entries, "late@house.example") || !strings.Contains(entries, "cadastre_fraud") {
		t.Errorf("entries are\n%s\nwant both the late one and ours", entries)
	}
}

// A view that somebody changes between our reading and our writing is not
// written over.
func TestAnEditThatComesBetweenStays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.publish()
	mine := viewtest.Names().View(viewtest.Names().Container("analysts", viewtest.Location), viewtest.Payments())
	d := viewtest.Desired("user:" + publisher)
	viewtest.Decide(&d, "analysts", viewtest.Class(viewtest.Payments(), "iban"), graph.EffectDeny, "", "")
	present, err := h.target.Present(t.Context(), d.Want())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := view.Plan(d, present, bigquery.Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	target := h.interrupted(http.MethodPatch, "/tables/raw__payments", func() {
		if err := h.EditView(t.Context(), mine); err != nil {
			t.Error(err)
		}
	})
	errorsIs(t, view.Apply(t.Context(), plan, 0, target, &viewtest.Log{}), graph.ErrConflict)
	now, err := h.as(admin).Tables.Get("house", "cadastre_analysts", "raw__payments").Do()
	if err != nil || now.View.Query != "SELECT 1 AS everything" {
		t.Errorf("the view is %+v, %v; want the edit", now, err)
	}
}

// A table that is loaded all day does not make plans stale.
func TestRowsDoNotMakeAPlanStale(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	plan := h.plan()
	if _, err := h.query(admin, "INSERT INTO `house.raw.payments` (id) VALUES (7)"); err != nil {
		t.Fatal(err)
	}
	if err := view.Apply(t.Context(), plan, 0, h.target, &viewtest.Log{}); err != nil {
		t.Fatal(err)
	}
}

// A container that is not empty is not undone.
func TestAContainerInUseStays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	plan := h.publish()
	foreign := graph.BigQueryRef("house", "cadastre_fraud", "made_by_hand")
	if err := h.PutView(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	var log viewtest.Log
	errorsIs(t, view.Undo(t.Context(), plan, len(plan.Steps), h.target, &log), graph.ErrConflict)
	if step := plan.Steps[log.Last().Done-1]; step.Kind != graph.StepCreateContainer || step.Object != foreign.Parent() {
		t.Errorf("stopped at %s %s", step.Kind, step.Object)
	}
	if _, err := h.as(admin).Tables.Get("house", "cadastre_fraud", "made_by_hand").Do(); err != nil {
		t.Errorf("the foreign view: %v", err)
	}
}
