package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/ingesttest"
	"cadastre.dev/cadastre/ingest/registry"
	"cadastre.dev/cadastre/internal/sandbox/company"
	sandbox "cadastre.dev/cadastre/internal/sandbox/registry"
)

// world is a registry behind a server that can be broken.
type world struct {
	t        *testing.T
	registry *sandbox.Registry
	url      string
	// noBulk makes it a registry without GET /schemas; broken answers 503 to
	// what has the text in its path.
	noBulk atomic.Bool
	broken atomic.Pointer[string]
}

func newWorld(t *testing.T, subjects ...sandbox.Registration) *world {
	t.Helper()
	r, err := sandbox.New(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range subjects {
		if _, err := r.Register(s); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{t: t, registry: r}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *world) ServeHTTP(out http.ResponseWriter, in *http.Request) {
	if part := w.broken.Load(); part != nil && strings.Contains(in.URL.Path, *part) {
		http.Error(out, `{"error_code":50003,"message":"no leader"}`, http.StatusServiceUnavailable)
		return
	}
	if w.noBulk.Load() && in.URL.Path == "/schemas" {
		http.NotFound(out, in)
		return
	}
	w.registry.ServeHTTP(out, in)
}

func (w *world) source(change func(*registry.Config)) *registry.Source {
	w.t.Helper()
	cfg := registry.Config{Name: "r", URL: w.url, Cluster: "kafka:9092", Owners: map[string]string{"otto": "user:otto@x.example"}}
	if change != nil {
		change(&cfg)
	}
	s, err := registry.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) subject(name string) graph.Ref {
	return graph.Ref{Namespace: "schemaregistry://" + strings.TrimPrefix(w.url, "http://"), Name: name}
}

func topic(name string) graph.Ref { return graph.Ref{Namespace: "kafka://kafka:9092", Name: name} }

const (
	order = `{"type":"record","name":"Order","namespace":"com.acme","doc":"An order.","fields":[
		{"name":"id","type":"string"},
		{"name":"mail","type":["null","string"],"confluent:tags":["PII"]},
		{"name":"lines","type":{"type":"array","items":{"type":"record","name":"Line","fields":[{"name":"sku","type":"string"}]}}}]}`
	orderKey = `{"type":"record","name":"Key","fields":[{"name":"id","type":"string"}]}`
)

func orders() sandbox.Registration {
	return sandbox.Registration{Subject: "orders-value", Schema: order}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T) (*world, *registry.Source) {
		w := newWorld(t, orders(), sandbox.Registration{Subject: "other-com.acme.Order", Schema: order}, sandbox.Registration{Subject: "keyed-key", Schema: orderKey})
		return w, w.source(func(c *registry.Config) { c.Tables = map[string]string{"orders": "p.d.orders"} })
	}
	t.Run("in one call", func(t *testing.T) {
		t.Parallel()
		ingesttest.Conformance(t, func(t *testing.T) ingesttest.World {
			w, s := open(t)
			part := "/schemas"
			return ingesttest.World{Source: s, Break: func() { w.broken.Store(&part) }}
		})
	})
	t.Run("subject by subject", func(t *testing.T) {
		t.Parallel()
		ingesttest.Conformance(t, func(t *testing.T) ingesttest.World {
			w, s := open(t)
			w.noBulk.Store(true)
			part := "other-com.acme.Order"
			return ingesttest.World{Source: s, Break: func() { w.broken.Store(&part) }}
		})
	})
}

func TestCrawlTellsSubjectsTopicsAndTables(t *testing.T) {
	t.Parallel()
	value := orders()
	value.Metadata = &sandbox.Metadata{
		Tags:       map[string][]string{"com.acme.Line.sku": {"user.unique_id", "INTERNAL"}},
		Properties: map[string]string{"owner": "otto", "team": "billing", "domain": "sales", "oncall": "secret"}, Sensitive: []string{"oncall"},
	}
	w := newWorld(t, value, sandbox.Registration{Subject: "orders-key", Schema: orderKey})
	s := w.source(func(c *registry.Config) {
		c.Tables, c.Topics = map[string]string{"orders": "p.d.orders"}, []string{"silent"}
	})

	says := graph.Provenance{Kind: graph.BySource, Name: "r"}
	subject, key, orders, silent := w.subject("orders-value"), w.subject("orders-key"), topic("orders"), topic("silent")
	owners := func(ref graph.Ref) []graph.Owner {
		return []graph.Owner{
			{Asset: ref, Principal: "user:otto@x.example", Role: graph.OwnerAccountable, Provenance: says},
			{Asset: ref, Principal: "team:billing", Role: graph.OwnerAccountable, Provenance: says},
		}
	}
	column := func(ref graph.Ref, path string, at int, typ string, mode graph.Mode) graph.Column {
		return graph.Column{Ref: ref.Column(path), Position: at, Type: typ, Mode: mode}
	}
	columns := func(ref graph.Ref) []graph.Column {
		return []graph.Column{
			column(ref, "id", 0, "string", graph.ModeRequired), column(ref, "mail", 1, "string", graph.ModeNullable),
			column(ref, "lines", 2, "RECORD", graph.ModeRepeated), column(ref, "lines[].sku", 3, "string", graph.ModeRequired),
		}
	}
	tag := func(ref graph.Ref, label, evidence string) graph.Fact {
		return graph.TagSeen{Tag: graph.Tag{Ref: ref, Label: label, State: graph.TagProposed, Form: graph.FormClear, Confidence: 0.9, Evidence: []string{evidence}, Provenance: says}}
	}
	edge := func(from, to graph.Ref, because graph.EvidenceKind) graph.Fact {
		return graph.EdgeSeen{Edge: graph.Edge{From: from, To: to, Kind: graph.EdgeIdentity, Outcome: graph.OutcomeExact, Because: because}}
	}
	const pii, id = "The schema of subject %s declares the tag PII.", "The schema of subject %s declares the tag user.unique_id."
	both := "orders-key, orders-value"
	table := graph.BigQueryRef("p", "d", "orders")
	want := []graph.Fact{
		graph.AssetSeen{
			Asset:   graph.Asset{Ref: key, Kind: graph.KindSubject, Source: "r", Labels: map[string]string{"schemaType": "AVRO"}, Definition: orderKey},
			Columns: []graph.Column{column(key, "id", 0, "string", graph.ModeRequired)},
		},
		edge(key.Column("id"), orders.Column("__key.id"), graph.EvidenceSchema),
		graph.AssetSeen{
			Asset: graph.Asset{
				Ref: subject, Kind: graph.KindSubject, Source: "r", Description: "An order.",
				Labels: map[string]string{"schemaType": "AVRO", "owner": "otto", "team": "billing", "domain": "sales"},
			},
			Columns: columns(subject), Owners: owners(subject),
		},
		tag(subject.Column("mail"), "user", fmt.Sprintf(pii, "orders-value")),
		tag(subject.Column("lines[].sku"), "user.unique_id", fmt.Sprintf(id, "orders-value")),
		edge(subject.Column("id"), orders.Column("id"), graph.EvidenceSchema),
		edge(subject.Column("mail"), orders.Column("mail"), graph.EvidenceSchema),
		edge(subject.Column("lines[].sku"), orders.Column("lines[].sku"), graph.EvidenceSchema),
		graph.AssetSeen{
			Asset: graph.Asset{
				Ref: orders, Kind: graph.KindTopic, Source: "r", Description: "An order.",
				Labels: map[string]string{"owner": "otto", "team": "billing", "domain": "sales"},
			},
			Columns: append(columns(orders), column(orders, "__key", 4, "RECORD", graph.ModeRequired), column(orders, "__key.id", 5, "string", graph.ModeRequired)),
			Owners:  owners(orders),
		},
		tag(orders.Column("mail"), "user", fmt.Sprintf(pii, both)),
		tag(orders.Column("lines[].sku"), "user.unique_id", fmt.Sprintf(id, both)),
		edge(orders.Column("id"), table.Column("id"), graph.EvidenceConnector),
		edge(orders.Column("mail"), table.Column("mail"), graph.EvidenceConnector),
		edge(orders.Column("lines[].sku"), table.Column("lines[].sku"), graph.EvidenceConnector),
		graph.AssetSeen{Asset: graph.Asset{Ref: silent, Kind: graph.KindTopic, Source: "r", Unread: "No subject in Avro of the registry describes this topic."}},
		graph.ScopeDone{Scope: graph.Scope{Source: "r"}},
	}
	got := ingesttest.Facts(t, s, nil)
	for i, f := range got {
		if seen, ok := f.(graph.AssetSeen); ok && seen.Asset.Ref == subject {
			if strings.Contains(seen.Asset.Definition, "\n") || !strings.Contains(seen.Asset.Definition, `"Order"`) {
				t.Errorf("definition %q", seen.Asset.Definition)
			}
			seen.Asset.Definition = ""
			got[i] = seen
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	for _, f := range got {
		if strings.Contains(fmt.Sprintf("%+v", f), "secret") {
			t.Errorf("a sensitive property is told: %+v", f)
		}
	}
}

func TestBothWaysOfListingTellTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, company.World(time.Unix(1_780_000_000, 0)).Subjects...)
	s := w.source(nil)
	bulk := ingesttest.Facts(t, s, nil)
	w.noBulk.Store(true)
	if diff := cmp.Diff(bulk, ingesttest.Facts(t, s, nil), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("facts (-in one call +subject by subject):\n%s", diff)
	}
}

func TestInvalidAvroIsAProblemAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, orders(), sandbox.Registration{Subject: "fine-value", Schema: strings.Replace(order, "Order", "Fine", 1)})
	s, c := w.source(nil), &ingesttest.Catalog{}
	mustRun(t, s, c)
	before := len(c.All())

	// A registry checks what it is given; one that does not is played here.
	bad := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		recorder := httptest.NewRecorder()
		w.ServeHTTP(recorder, in)
		body := strings.Replace(recorder.Body.String(), `\"mail\"`, `\"mail.\"`, 1)
		out.WriteHeader(recorder.Code)
		_, _ = out.Write([]byte(body))
	}))
	t.Cleanup(bad.Close)
	broken := w.source(func(c *registry.Config) {
		c.HTTPClient = &http.Client{Transport: redirect{to: strings.TrimPrefix(bad.URL, "http://")}}
	})
	report, err := ingest.Run(t.Context(), broken, c, ingest.RunConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Problems) != 1 || report.Problems[0].Code != ingest.CodeInvalid || !strings.Contains(report.Problems[0].What, `field "mail.": not a name`) {
		t.Errorf("problems %+v, want one that names the subject and the field", report.Problems)
	}
	if len(c.All()) != before || len(report.Delta) != 0 {
		t.Errorf("%d items became %d: %v; want all kept", before, len(c.All()), report.Delta)
	}
}

// redirect sends every request to another host, so that refs stay the same.
type redirect struct{ to string }

func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Host = r.to
	return http.DefaultTransport.RoundTrip(req)
}

func TestReferencesAreFollowed(t *testing.T) {
	t.Parallel()
	line := `{"type":"record","name":"Line","namespace":"com.acme","fields":[{"name":"sku","type":"string"}]}`
	uses := `{"type":"record","name":"Order","namespace":"com.acme","fields":[{"name":"line","type":"com.acme.Line"}]}`
	tests := []struct {
		name, context string
		deleted       bool
	}{{"beside it", "", false}, {"deleted since", "", true}, {"in a context", ":.eu:", false}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t,
				sandbox.Registration{Subject: tt.context + "com.acme.Line", Schema: line},
				sandbox.Registration{Subject: tt.context + "orders-value", Schema: uses, References: []sandbox.Reference{{Name: "com.acme.Line", Subject: tt.context + "com.acme.Line", Version: 1}}},
			)
			if tt.deleted {
				req := httptest.NewRequest(http.MethodDelete, "/subjects/com.acme.Line", http.NoBody)
				answer := httptest.NewRecorder()
				w.registry.ServeHTTP(answer, req)
				if answer.Code != http.StatusOK && answer.Code != http.StatusUnprocessableEntity {
					t.Fatalf("delete: %s", answer.Body)
				}
			}
			c := &ingesttest.Catalog{}
			if report := mustRun(t, w.source(nil), c); len(report.Problems) != 0 {
				t.Errorf("problems %v", report.Problems)
			}
			if _, ok := c.All().Get(graph.Column{Ref: w.subject(tt.context + "orders-value").Column("line.sku")}); !ok {
				t.Error("the column of the schema referred to is not there")
			}
		})
	}
}

func TestOtherLanguagesAreSaidToBeUnread(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Registration{Subject: "events-value", Type: "JSON", Schema: `{"type":"object"}`})
	c := &ingesttest.Catalog{}
	mustRun(t, w.source(nil), c)
	assets := ingesttest.Of[graph.Asset](c.All())
	if len(assets) != 2 || !slices.ContainsFunc(assets, func(a graph.Asset) bool { return strings.Contains(a.Unread, "JSON") }) {
		t.Errorf("assets %+v, want the subject, which says that it is in JSON, and its topic", assets)
	}
}

func TestTheCompany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, company.World(time.Unix(1_780_000_000, 0)).Subjects...)
	s, c := w.source(func(cfg *registry.Config) { cfg.Tables = map[string]string{"customers": "lumen-prod.raw.customers"} }), &ingesttest.Catalog{}
	if report := mustRun(t, s, c); len(report.Problems) != 0 {
		t.Errorf("problems %v", report.Problems)
	}
	email := topic("customers").Column("contact.email")
	if _, ok := c.All().Get(graph.Tag{Ref: email, Label: "user", Provenance: graph.Provenance{Kind: graph.BySource}}); !ok {
		t.Errorf("%s is not proposed as personal, though its schema says so", email)
	}
	raw := graph.BigQueryRef("lumen-prod", "raw", "customers").Column("contact.email")
	if _, ok := c.All().Get(graph.Edge{From: email, To: raw, Kind: graph.EdgeIdentity}); !ok {
		t.Errorf("no edge from %s to %s", email, raw)
	}
	for _, a := range ingesttest.Of[graph.Asset](c.All()) {
		if strings.Contains(fmt.Sprint(a.Labels), "7700") {
			t.Errorf("%s shows a sensitive property: %v", a.Ref, a.Labels)
		}
		if a.Kind == graph.KindTopic && strings.Contains(a.Ref.Name, "staging") {
			t.Errorf("topic %s is of another context", a.Ref)
		}
	}
}

func TestRefusalsHaveKinds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		body   string
		kind   error
		code   string
	}{
		{"no credentials", 401, `{"error_code":401,"message":"Unauthorized"}`, graph.ErrDenied, ingest.CodeDenied},
		{"no permission", 403, `{}`, graph.ErrDenied, ingest.CodeDenied},
		{"busy", 429, ``, graph.ErrUnavailable, ingest.CodeUnavailable},
		{"broken", 500, `<html>`, graph.ErrUnavailable, ingest.CodeUnavailable},
		{"not a registry", 404, `not here`, graph.ErrNotFound, ingest.CodeInvalid},
		{"refused", 422, `{"message":"bad prefix"}`, graph.ErrInvalid, ingest.CodeInvalid},
		{"nonsense", 200, `<html>`, graph.ErrInvalid, ingest.CodeInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
				if user, password, ok := in.BasicAuth(); !ok || user != "u" || password != "hidden" {
					t.Errorf("signed in as %q", user)
				}
				out.WriteHeader(tt.status)
				_, _ = out.Write([]byte(tt.body))
			}))
			t.Cleanup(server.Close)
			s, err := registry.New(registry.Config{Name: "r", URL: server.URL, User: "u", Password: "hidden"})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Crawl(t.Context(), nil, func(graph.Fact) error { return nil })
			if !errors.Is(err, tt.kind) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("crawl: %v, want %v", err, tt.kind)
			}
			findings := s.Check(t.Context())
			if len(findings) != 1 || findings[0].Code != tt.code || findings[0].Level != graph.FindingBlock || findings[0].Do == "" {
				t.Errorf("check: %+v, want one finding with code %s", findings, tt.code)
			}
		})
	}
}

func TestUnreachableRegistry(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	s, err := registry.New(registry.Config{Name: "r", URL: server.URL, Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Crawl(t.Context(), nil, func(graph.Fact) error { return nil }); !errors.Is(err, graph.ErrUnavailable) || !strings.Contains(err.Error(), "registry 127.0.0.1") {
		t.Errorf("crawl: %v, want ErrUnavailable that names the registry", err)
	}
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		cfg  registry.Config
		ok   bool
	}{
		{"good", registry.Config{Name: "r", URL: "http://127.0.0.1:1/"}, true},
		{"no name", registry.Config{URL: "http://x:8081"}, false},
		{"no address", registry.Config{Name: "r"}, false},
		{"no URL", registry.Config{Name: "r", URL: "x"}, false},
		{"table of two parts", registry.Config{Name: "r", URL: "http://x", Tables: map[string]string{"t": "d.t"}}, false},
		{"table with an empty part", registry.Config{Name: "r", URL: "http://x", Tables: map[string]string{"t": "p..t"}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := registry.New(tt.cfg)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, graph.ErrInvalid) {
				t.Fatalf("New = %v, want success: %v", err, tt.ok)
			}
			if tt.ok && (s.Name() != "r" || s.Check(t.Context()) == nil) {
				t.Errorf("source %q; nobody answers there, and Check must say so", s.Name())
			}
		})
	}
}

func mustRun(t *testing.T, s ingest.Source, c ingest.Catalog) ingest.Report {
	t.Helper()
	report, err := ingest.Run(t.Context(), s, c, ingest.RunConfig{Removal: ingest.Removal{Threshold: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestManySubjectsAreReadInPages(t *testing.T) {
	t.Parallel()
	const many = 1200
	var subjects []sandbox.Registration
	for i := range many {
		subjects = append(subjects, sandbox.Registration{Subject: fmt.Sprintf("t%d-key", i), Schema: `"string"`})
	}
	c := &ingesttest.Catalog{}
	mustRun(t, newWorld(t, subjects...).source(nil), c)
	if n := len(ingesttest.Of[graph.Asset](c.All())); n != 2*many {
		t.Errorf("%d assets, want a subject and a topic for each of %d", n, many)
	}
}
