package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/policy"
	"cadastre.dev/cadastre/policy/rego"
	"cadastre.dev/cadastre/policy/view"
	bigqueryview "cadastre.dev/cadastre/policy/view/bigquery"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

// court is a random estate under a random policy, of which catalogs are made.
type court struct {
	*estate
	t        *testing.T
	config   Config
	engine   *policy.Engine
	template []byte // an empty catalog, so that all have one identity
	account  account
	people   []graph.Principal
}

// newCourt draws the court of a seed.
func newCourt(t *testing.T, seed uint64) *court {
	t.Helper()
	c := &court{estate: newEstate(seed), t: t, account: account{problems: map[string][]string{}}}
	c.template = emptyCatalog(t)
	c.account.moments = c.history(3)
	c.account.crawled, c.account.held = len(c.account.last()), c.holdBack()
	for _, source := range c.sources() {
		c.account.problems[source.name] = []string{"no right to read " + one(c, c.things...).asset.Ref.String() + "; grant it"}
	}
	c.drawPolicy()
	for n := range 4 {
		who := graph.Principal{ID: []string{"p0", "p1", "p2", "p3"}[n] + "@corp.example", Name: "P"}
		for _, g := range groups() {
			if c.IntN(3) == 0 {
				who.Groups = append(who.Groups, g)
			}
		}
		c.people = append(c.people, who)
	}
	c.account.decisions = c.decide()
	c.account.plans = c.plans()
	return c
}

func groups() []string {
	return []string{"g0@corp.example", "g1@corp.example", "g2@corp.example", "g3@corp.example", "g4@corp.example"}
}

func (c *court) sources() []crawled {
	return []crawled{{name: "warehouse", platform: "bigquery"}, {name: "lake", platform: "bigquery"}, {name: "streams", platform: "registry"}, {name: "boards", platform: "registry"}}
}

// emptyCatalog is the file of a catalog in which nothing was committed.
func emptyCatalog(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), databaseFile)
	s, err := store.Open(t.Context(), store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// drawPolicy draws roles, domains, audiences and what groups see by every
// attribute; every third court has rules of its own beside.
func (c *court) drawPolicy() {
	group := func() []string { return []string{one(c, groups()...)} }
	c.config = Config{
		URL:       "http://127.0.0.1:1",
		Audiences: []AudienceConfig{{Name: "analysts", Groups: group(), Purpose: "analytics"}, {Name: "fraud", Groups: group(), Purpose: "fraud_detection"}},
		Target:    Target{Name: "warehouse", Project: c.naming.Project, Prefix: c.naming.Prefix, Home: c.naming.Home, Publisher: "robot@corp.example"},
		Audit:     AuditConfig{Name: "court", Key: "file:" + c.auditKey()},
		Policy:    Policy{Roles: map[string][]string{}, Domains: map[string][]string{"billing": group()}},
	}
	for _, role := range []string{"owner", "auditor", "publisher", "administrator", "break_glass"} {
		c.config.Policy.Roles[role] = group()
	}
	for range 2 + c.IntN(5) {
		some := one(c, c.things...).asset
		where := one(c,
			map[string][]string{"ref": {some.Ref.String(), one(c, c.things...).asset.Ref.String()}},
			map[string][]string{"kind": {string(some.Kind)}}, map[string][]string{"source": {some.Source}},
			map[string][]string{"parent": {some.Parent.String()}}, map[string][]string{"namespace": {some.Ref.Namespace}},
			map[string][]string{"owner": {"group:g0@corp.example", "user:p1@corp.example"}},
			map[string][]string{"kind": {string(some.Kind), "table"}, "source": {some.Source}},
			map[string][]string{},
		)
		visibility := one(c, "visible", "discoverable")
		if len(where) == 0 {
			visibility = "discoverable"
		}
		c.config.Policy.Visibility = append(c.config.Policy.Visibility, VisibilityConfig{Groups: group(), Visibility: visibility, Where: where})
	}
	if c.IntN(3) == 0 {
		c.config.Policy.Bundle = c.drawBundle()
	}
	var err error
	if c.engine, err = policy.New(c.t.Context(), (&App{config: c.config}).policyConfig()); err != nil {
		c.t.Fatal(err)
	}
}

// auditKey is the key that signs the log of every catalog of the court.
func (c *court) auditKey() string {
	c.t.Helper()
	secret, _, err := note.GenerateKey(nil, "court")
	path := filepath.Join(c.t.TempDir(), "audit.key")
	if err == nil {
		err = os.WriteFile(path, []byte(secret+"\n"), 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return path
}

// drawBundle is the built-in policy without the rule that auditors see all,
// and with a rule of somebody's own.
func (c *court) drawBundle() string {
	dir := c.t.TempDir()
	if err := os.CopyFS(dir, rego.Bundle()); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "visibility", "auditor.rego")); err != nil {
		c.t.Fatal(err)
	}
	own := "package cadastre.visibility\n\n" + one(c, "visible", "discoverable") + ` contains [{"attribute": "kind", "in": ["` +
		one(c, "table", "view", "topic") + `"]}, {"attribute": "source", "in": ["warehouse", "streams"]}] if not "g0@corp.example" in input.principal.groups` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "visibility", "own.rego"), []byte(own), fs.FileMode(0o600)); err != nil {
		c.t.Fatal(err)
	}
	return dir
}

// seer is what the policy gives a principal.
func (c *court) seer(who graph.Principal) seer {
	c.t.Helper()
	filter, err := c.engine.Filter(c.t.Context(), who)
	if err != nil {
		c.t.Fatal(err)
	}
	may := func(action graph.Action) bool {
		ok, _, err := c.engine.May(c.t.Context(), who, action, graph.Asset{}, nil)
		if err != nil {
			c.t.Fatal(err)
		}
		return ok
	}
	return seer{
		who: who, filter: filter, operates: may(graph.ActionCrawl), audits: may(graph.ActionAudit),
		plans:       may(graph.ActionPlan) || may(graph.ActionApprove) || may(graph.ActionApply) || may(graph.ActionAudit),
		administers: may(graph.ActionAdminister), breaks: may(graph.ActionBreakGlass),
	}
}

// plans are real plans over the estate, whole and in parts, some of them on
// their way.
func (c *court) plans() []draft {
	c.t.Helper()
	app := c.open(c.account)
	desired, err := app.desired(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	plan, err := view.Plan(desired, c.present(desired), app.target.dialect)
	if err != nil {
		c.t.Fatal(err)
	}
	out := []draft{{plan: plan}}
	moves := []store.PlanMove{
		{From: []graph.PlanState{graph.PlanPlanned}, To: graph.PlanApproved},
		{From: []graph.PlanState{graph.PlanApproved}, To: graph.PlanApplying},
		{From: []graph.PlanState{graph.PlanApplying}, To: graph.PlanStopped, Done: 1, Reason: "the warehouse moved"},
	}
	for i := range 8 {
		part := plan
		part.Steps, part.Findings, part.Preconditions = some(c, plan.Steps, 2), some(c, plan.Findings, 2), some(c, plan.Preconditions, 1)
		part.Audiences = []string{one(c, "analysts", "fraud")}
		if i%2 == 0 {
			part.Findings = slices.DeleteFunc(part.Findings, func(f graph.Finding) bool { return f.Level == graph.FindingBlock })
		}
		d := draft{plan: part}
		if !part.Blocked() {
			d.moves = moves[:i/2]
		}
		if id, err := part.Hash(); err == nil && !slices.ContainsFunc(out, func(o draft) bool { was, _ := o.plan.Hash(); return was == id }) {
			out = append(out, d)
		}
	}
	return out
}

// some draws at most n of a list, in its order.
func some[T any](r *court, from []T, n int) []T {
	out := []T{}
	for i, v := range from {
		if len(out) < n && r.IntN(len(from)-i) < n {
			out = append(out, v)
		}
	}
	return out
}

// present is a warehouse that has the bases, and in it rights of assets on
// assets as people give them.
func (c *court) present(desired view.Desired) view.Present {
	c.t.Helper()
	warehouse := viewtest.NewWarehouse(c.naming, desired.Bases...)
	present, err := warehouse.Present(c.t.Context(), desired.Want())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, audience := range []string{"analysts", "fraud"} {
		ref := c.naming.Container(audience, "EU")
		foreign := graph.Grant{On: ref, Principal: "view:" + one(c, c.things...).asset.Ref.String(), Role: "READER"}
		present.Containers[ref] = view.Container{Etag: "e", Location: "EU", Managed: true, Access: []graph.Grant{foreign}}
		for _, b := range desired.Bases {
			if b.Asset.Ref.Parent().IsZero() || c.naming.Owns(b.Asset.Ref.Parent()) {
				continue
			}
			def := view.Definition{View: c.naming.View(ref, b.Asset.Ref), Base: b.Asset.Ref, Audience: audience, Keys: c.naming.Keys("EU"), Fields: []view.Field{{Name: "id", Path: "id", Type: "INT64", Effect: graph.EffectAllow}}}
			sql, err := bigqueryview.Dialect{}.SQL(def)
			if err != nil {
				c.t.Fatal(err)
			}
			if c.IntN(2) == 0 {
				present.Views[def.View] = view.View{Etag: "v", SQL: sql, Managed: c.IntN(4) > 0}
			}
		}
	}
	return present
}

// browserOf is the browser of one principal at one app.
type browserOf struct {
	t       *testing.T
	handler http.Handler
	cookie  *http.Cookie
}

// letIn signs a principal in at an app that serves. Who sees all of the
// catalog anyway has broken the glass, which shows them nothing else.
func (c *court) letIn(app *App, who graph.Principal, handler http.Handler) browserOf {
	c.t.Helper()
	data, err := json.Marshal(who)
	if err != nil {
		c.t.Fatal(err)
	}
	all := c.engine != nil && c.seer(who).all()
	glass, err := json.Marshal(brokenGlass{ID: "glass", Who: who.ID, Until: standingAt().Add(time.Hour), Reason: "a reason"})
	if err != nil {
		c.t.Fatal(err)
	}
	sessions := newSessions(app.store.Sessions(), app.config.URL)
	begun := httptest.NewRecorder()
	sessions.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sessions.Put(r.Context(), sessionPrincipal, data)
		if all {
			sessions.Put(r.Context(), sessionGlass, glass)
		}
	})).
		ServeHTTP(begun, httptest.NewRequestWithContext(c.t.Context(), http.MethodGet, "/", nil))
	return browserOf{c.t, handler, begun.Result().Cookies()[0]}
}

// serving is all that an app serves.
func (c *court) serving(app *App) http.Handler {
	c.t.Helper()
	handler, err := app.Handler()
	if err != nil {
		c.t.Fatal(err)
	}
	return handler
}

// leaking serves the API of an app with parts that are broken on purpose.
func (c *court) leaking(app *App, who graph.Principal, spoil func(*App, *api.Config)) http.Handler {
	config := api.Config{
		Catalog: apiCatalog{app}, Governor: app, Tagger: app, Describer: app, Planner: app, Auditor: app, Operator: app, Undoer: app, Administrator: app,
		Principal: func(context.Context) (graph.Principal, bool) { return who, true },
	}
	spoil(app, &config)
	return api.New(config)
}

// answer is all of an answer that its reader gets to see.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask posts a document.
func (d browserOf) ask(document string) answer {
	d.t.Helper()
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		d.t.Fatal(err)
	}
	return d.do(http.MethodPost, "/graphql", body)
}

func (d browserOf) do(method, path string, body []byte) answer {
	d.t.Helper()
	request := httptest.NewRequestWithContext(d.t.Context(), method, path, bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	if d.cookie != nil {
		request.AddCookie(d.cookie)
	}
	recorder := httptest.NewRecorder()
	d.handler.ServeHTTP(recorder, request)
	header := recorder.Result().Header
	// Each request has a number of its own, drawn by chance.
	header.Del("X-Request-Id")
	// Whether the session was prolonged follows from the clock of the machine.
	header.Del("Set-Cookie")
	return answer{recorder.Code, header, inOrder(recorder.Body.String())}
}

// inOrder sorts the errors of an answer: the root fields of a query are
// answered at once, and their errors stand in the order in which they came.
func inOrder(body string) string {
	var reply struct {
		Errors []json.RawMessage `json:"errors,omitempty"`
		Data   json.RawMessage   `json:"data"`
	}
	if json.Unmarshal([]byte(body), &reply) != nil || len(reply.Errors) < 2 {
		return body
	}
	slices.SortFunc(reply.Errors, func(a, b json.RawMessage) int { return bytes.Compare(a, b) })
	sorted, err := json.Marshal(reply)
	if err != nil {
		return body
	}
	return string(sorted)
}

// text is all of an answer in which words are searched for.
func (a answer) text() string {
	var b strings.Builder
	_ = a.header.Write(&b)
	return b.String() + a.body + "\n" + strings.Join(opened(a.body), "\n")
}
