package bigquery_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/option"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/googlesql"
	sandbox "cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/directory"
	"cadastre.dev/cadastre/policy/view"
	"cadastre.dev/cadastre/policy/view/bigquery"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

// The people of these tests; each one's address is also the token.
const (
	admin     = "admin@house.example"
	publisher = "publisher@house.example"
	analyst   = "ana@house.example"
	fraud     = "fay@house.example"
)

// sourceRole is what a source gives to the publisher, and no more.
const sourceRole = "projects/house/roles/viewPublisher"

// house is a sandbox in which the suite's bases stand, as a viewtest.World.
type house struct {
	t         *testing.T
	warehouse *sandbox.Warehouse
	url       string
	target    *bigquery.Target
}

// worker says where the program is that runs queries, and skips where it was
// not built.
func worker(t *testing.T) googlesql.Config {
	t.Helper()
	cfg := googlesql.Config{Path: os.Getenv("CADASTRE_GOOGLESQL"), Deadline: time.Minute}
	if cfg.Path == "" {
		cfg.Path = filepath.Join("..", "..", "..", "bin", googlesql.Program)
	}
	if _, err := googlesql.Locate(cfg.Path); err != nil {
		t.Skip(err)
	}
	return cfg
}

func newSession(t *testing.T) *googlesql.Session {
	t.Helper()
	s, err := googlesql.NewSession(t.Context(), worker(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// newHouse skips where there is no worker: making a view is analyzing it.
func newHouse(t *testing.T) *house {
	t.Helper()
	engine := worker(t)
	role := func(names ...string) map[string][]string { return map[string][]string{viewtest.Project: names} }
	people, err := directory.New([]directory.Principal{
		{Email: admin, Roles: role("roles/bigquery.admin"), Tokens: []string{admin}},
		{Email: publisher, Roles: role("roles/bigquery.user"), Tokens: []string{publisher}},
		{Email: analyst, Roles: role("roles/bigquery.jobUser"), Groups: []string{"analysts@house.example"}, Tokens: []string{analyst}},
		{Email: fraud, Roles: role("roles/bigquery.jobUser"), Groups: []string{"fraud@house.example"}, Tokens: []string{fraud}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t}
	h.warehouse, err = sandbox.New(sandbox.Config{Directory: people, Worker: engine, Roles: map[string][]string{sourceRole: {
		"bigquery.datasets.get", "bigquery.datasets.update", "bigquery.tables.list", "bigquery.tables.get", "bigquery.tables.getData",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.warehouse.Fill(seed()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h.warehouse)
	t.Cleanup(func() { server.Close(); _ = h.warehouse.Close() })
	h.url = server.URL + "/bigquery/v2/"
	h.target, err = bigquery.NewTarget(bigquery.Config{
		Service: h.as(publisher), Names: viewtest.Names(), Publisher: publisher, Keys: keys{}, Parallel: 2,
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// keys makes a key from its id; it is worth as little as the sandbox's data.
type keys struct{}

func (keys) Key(_ context.Context, id string) ([]byte, error) {
	if strings.HasPrefix(id, "lost") {
		return nil, graph.ErrNotFound
	}
	return []byte("a key of no worth: " + id), nil
}

// seed writes the suite's bases as REST resources, with a few rows.
func seed() sandbox.Seed {
	s := sandbox.Seed{Rows: map[string][]map[string]any{
		"house.raw.customers": {
			{
				"id": "1", "contact": map[string]any{"email": "Ana@Example.org ", "phones": []any{"+49 30 1", "+49 30 2"}, "home": map[string]any{"city": "Köln", "street": "Ring 1"}},
				"orders": []any{map[string]any{"sku": "b", "note": "call me"}, map[string]any{"sku": "a", "note": nil}},
			},
			{"id": "2", "contact": nil, "orders": []any{}},
		},
		"house.raw.payments": {{"id": "1", "iban": "DE02 1203", "amount": "12.5", "paid_at": "2026-01-02T03:04:05Z"}},
	}}
	s.Datasets = []*bq.Dataset{{
		DatasetReference: &bq.DatasetReference{ProjectId: viewtest.Project, DatasetId: viewtest.Source}, Location: viewtest.Location,
		Access: []*bq.DatasetAccess{{Role: "OWNER", UserByEmail: admin}, {Role: sourceRole, UserByEmail: publisher}},
	}}
	for _, b := range viewtest.Bases() {
		s.Tables = append(s.Tables, &bq.Table{
			TableReference: &bq.TableReference{ProjectId: viewtest.Project, DatasetId: viewtest.Source, TableId: b.Asset.Ref.Base()},
			Location:       viewtest.Location, Type: "TABLE",
			Schema: &bq.TableSchema{Fields: fieldsOf(b.Columns, "")},
		})
	}
	return s
}

func fieldsOf(columns []view.Column, parent string) []*bq.TableFieldSchema {
	var fields []*bq.TableFieldSchema
	for _, c := range columns {
		if graph.ParentPath(c.Ref.Path) == parent {
			fields = append(fields, &bq.TableFieldSchema{
				Name: c.Name(), Type: c.Type, Mode: strings.ToUpper(string(c.Mode)), Fields: fieldsOf(columns, c.Ref.Path),
			})
		}
	}
	return fields
}

// as returns a client signed in as somebody.
func (h *house) as(who string) *bq.Service {
	h.t.Helper()
	s, err := bq.NewService(context.WithoutCancel(h.t.Context()), option.WithEndpoint(h.url),
		option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: who})))
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// query runs a query as somebody and returns the rows as the service wrote
// them.
func (h *house) query(who, sql string) ([]*bq.TableRow, error) {
	h.t.Helper()
	no := false
	answer, err := h.as(who).Jobs.Query(viewtest.Project, &bq.QueryRequest{Query: sql, UseLegacySql: &no}).Context(h.t.Context()).Do()
	if err != nil {
		return nil, err
	}
	return answer.Rows, nil
}

func parts(ref graph.Ref) (project, dataset, table string) {
	p := strings.Split(ref.Name, ".")
	return p[0], p[1], p[len(p)-1]
}

// EditView changes a view as an administrator.
func (h *house) EditView(ctx context.Context, ref graph.Ref) error {
	project, dataset, table := parts(ref)
	_, err := h.as(admin).Tables.Patch(project, dataset, table, &bq.Table{
		View: &bq.ViewDefinition{Query: "SELECT 1 AS everything", ForceSendFields: []string{"UseLegacySql"}},
	}).Context(ctx).Do()
	return err
}

// PutView makes a view as an administrator.
func (h *house) PutView(ctx context.Context, ref graph.Ref) error {
	project, dataset, table := parts(ref)
	_, err := h.as(admin).Tables.Insert(project, dataset, &bq.Table{
		TableReference: &bq.TableReference{ProjectId: project, DatasetId: dataset, TableId: table},
		View:           &bq.ViewDefinition{Query: "SELECT 1 AS one", ForceSendFields: []string{"UseLegacySql"}},
	}).Context(ctx).Do()
	return err
}

// AddColumn adds a column as an administrator.
func (h *house) AddColumn(ctx context.Context, base graph.Ref, name string) error {
	project, dataset, table := parts(base)
	now, err := h.as(admin).Tables.Get(project, dataset, table).Context(ctx).Do()
	if err != nil {
		return err
	}
	now.Schema.Fields = append(now.Schema.Fields, &bq.TableFieldSchema{Name: name, Type: "STRING"})
	_, err = h.as(admin).Tables.Patch(project, dataset, table, &bq.Table{Schema: now.Schema}).Context(ctx).Do()
	return err
}

// Admit lets a group read as an administrator.
func (h *house) Admit(ctx context.Context, container graph.Ref, group string) error {
	return h.setAccess(ctx, container, func(access []*bq.DatasetAccess) []*bq.DatasetAccess {
		return append(access, &bq.DatasetAccess{Role: "READER", GroupByEmail: group})
	})
}

func (h *house) setAccess(ctx context.Context, container graph.Ref, change func([]*bq.DatasetAccess) []*bq.DatasetAccess) error {
	project, dataset, _ := parts(container)
	now, err := h.as(admin).Datasets.Get(project, dataset).AccessPolicyVersion(3).Context(ctx).Do()
	if err != nil {
		return err
	}
	_, err = h.as(admin).Datasets.Patch(project, dataset, &bq.Dataset{Access: change(now.Access)}).AccessPolicyVersion(3).Context(ctx).Do()
	return err
}

func (h *house) subject() viewtest.Subject {
	return viewtest.Subject{Target: h.target, Dialect: bigquery.Dialect{}, Publisher: "user:" + publisher, World: h}
}

// publish applies what the suite desires.
func (h *house) publish() graph.Plan {
	h.t.Helper()
	return h.publishAs(viewtest.Desired("user:" + publisher))
}

func (h *house) publishAs(d view.Desired) graph.Plan {
	h.t.Helper()
	present, err := h.target.Present(h.t.Context(), d.Want())
	if err != nil {
		h.t.Fatal(err)
	}
	plan, err := view.Plan(d, present, bigquery.Dialect{})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := view.Apply(h.t.Context(), plan, 0, h.target, &viewtest.Log{}); err != nil {
		h.t.Fatal(err)
	}
	return plan
}

func TestTarget(t *testing.T) {
	t.Parallel()
	viewtest.Run(t, func(t *testing.T) viewtest.Subject { return newHouse(t).subject() })
}

func errorsIs(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("%v, want %v", err, kind)
	}
}
