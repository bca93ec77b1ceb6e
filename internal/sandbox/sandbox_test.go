package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	client "cloud.google.com/go/bigquery"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox"
	"cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/company"
	"cadastre.dev/cadastre/internal/sandbox/directory"
)

func now() time.Time { return time.Date(2026, time.October, 9, 12, 0, 0, 0, time.UTC) }

// config is the company in a folder.
func config(dir string) sandbox.Config {
	path := os.Getenv("CADASTRE_GOOGLESQL")
	if path == "" {
		path = filepath.Join("..", "..", "bin", googlesql.Program)
	}
	return sandbox.Config{Dir: dir, World: company.World(now()), Worker: googlesql.Config{Path: path}}
}

func start(t *testing.T, cfg sandbox.Config) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *sandbox.Sandbox) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func raw(t *testing.T, at sandbox.Addresses, token string) *bq.Service {
	t.Helper()
	s, err := bq.NewService(t.Context(), option.WithEndpoint(at.BigQuery),
		option.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStartAndStopAreIdempotent(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(sandbox.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Addresses(); got != (sandbox.Addresses{}) {
		t.Errorf("before the start: %+v", got)
	}
	for range 2 {
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	at := s.Addresses()
	out, err := http.Get(at.Root)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(out.Body)
	_ = out.Body.Close()
	if err != nil || !strings.Contains(string(text), at.BigQuery) || !strings.Contains(string(text), at.Issuer) {
		t.Errorf("the first page: %s, %v", text, err)
	}
	for range 2 {
		stop(t, s)
	}
	if again, err := http.Get(at.Root); err == nil {
		_ = again.Body.Close()
		t.Error("still serves")
	}
}

// TestNothingIsLost changes each room, stops, starts, and finds it so.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	cfg := config(t.TempDir())
	first := start(t, cfg)
	at := first.Addresses()
	otto := raw(t, at, company.Token(company.Otto()))
	if _, err := otto.Datasets.Patch(company.Project, company.Raw, &bq.Dataset{Description: "changed"}).Do(); err != nil {
		t.Fatal(err)
	}
	before, err := otto.Datasets.Get(company.Project, company.Raw).Do()
	if err != nil {
		t.Fatal(err)
	}
	body := strings.NewReader(`{"schema":"\"string\""}`)
	out, err := http.Post(at.Registry+"/subjects/new-value/versions", "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	_ = out.Body.Close()
	stop(t, first)

	second := start(t, cfg)
	after, err := raw(t, second.Addresses(), company.Token(company.Otto())).Datasets.Get(company.Project, company.Raw).Do()
	if err != nil {
		t.Fatal(err)
	}
	if after.Etag != before.Etag || after.Description != "changed" {
		t.Errorf("was %s %q, is %s %q", before.Etag, before.Description, after.Etag, after.Description)
	}
	if got := subjects(t, second.Addresses()); len(got) != 8 {
		t.Errorf("subjects: %q", got)
	}
	stop(t, second)

	cfg.Estate = t.TempDir()
	if _, err := sandbox.New(cfg); err == nil || !strings.Contains(err.Error(), "another folder") {
		t.Errorf("a state was mixed with an estate: %v", err)
	}
}

func subjects(t *testing.T, at sandbox.Addresses) []string {
	t.Helper()
	out, err := http.Get(at.Registry + "/subjects")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	var names []string
	if err := json.NewDecoder(out.Body).Decode(&names); err != nil {
		t.Fatal(err)
	}
	return names
}

// TestOneIdentityEverywhere signs Ana in and lets her token call the
// warehouse, which knows her by it.
func TestOneIdentityEverywhere(t *testing.T) {
	t.Parallel()
	cfg := config("")
	cfg.RedirectURIs = []string{"http://127.0.0.1:1/callback"}
	s := start(t, cfg)
	token := signIn(t, s.Addresses(), company.Ana())
	svc := raw(t, s.Addresses(), token)
	projects, err := svc.Projects.List().Do()
	if err != nil || len(projects.Projects) != 1 || projects.Projects[0].Id != company.Project {
		t.Errorf("projects: %+v, %v", projects, err)
	}
	_, err = svc.Datasets.Get(company.Project, company.Raw).Do()
	var api *googleapi.Error
	if !errors.As(err, &api) || api.Code != http.StatusForbidden {
		t.Errorf("raw: %v", err)
	}
}

// signIn goes through the code flow as a browser does.
func signIn(t *testing.T, at sandbox.Addresses, who directory.Principal) string {
	t.Helper()
	provider, err := oidc.NewProvider(t.Context(), at.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	app := oauth2.Config{ClientID: company.ClientID, RedirectURL: "http://127.0.0.1:1/callback", Endpoint: provider.Endpoint(), Scopes: []string{"openid"}}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(next.URL.String(), app.RedirectURL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	verifier := oauth2.GenerateVerifier()
	out, err := browser.Get(app.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(out.Body)
	_ = out.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	request := regexp.MustCompile(`name="request" value="([^"]*)"`).FindSubmatch(text)[1]
	out, err = browser.PostForm(at.Issuer+"/sign-in", url.Values{"request": {string(request)}, "person": {who.Email}})
	if err != nil {
		t.Fatal(err)
	}
	_ = out.Body.Close()
	back, err := url.Parse(out.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	token, err := app.Exchange(t.Context(), back.Query().Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

func TestFaultsFromOutside(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(config(""))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	t.Cleanup(func() { stop(t, s) })
	get := func() int {
		_, err := raw(t, sandbox.AddressesAt(server.URL), company.Token(company.Crawler())).Datasets.Get(company.Project, company.Core).Do()
		var api *googleapi.Error
		if errors.As(err, &api) {
			return api.Code
		}
		return http.StatusOK
	}
	send := func(verb, body string) int {
		in, err := http.NewRequestWithContext(t.Context(), verb, server.URL+"/faults", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		out, err := http.DefaultClient.Do(in)
		if err != nil {
			t.Fatal(err)
		}
		_ = out.Body.Close()
		return out.StatusCode
	}
	if code := send(http.MethodPost, `{"dataset":"core","status":403}`); code != http.StatusNoContent || get() != http.StatusForbidden {
		t.Errorf("a fault was sent: %d", code)
	}
	if code := send(http.MethodDelete, ""); code != http.StatusOK || get() != http.StatusOK {
		t.Errorf("faults were ended: %d", code)
	}
	s.Fault(bigquery.Fault{Dataset: "core", Status: http.StatusForbidden})
	if get() != http.StatusForbidden {
		t.Error("a fault by value did not strike")
	}
	s.ClearFaults()
	if code := send(http.MethodPost, `{"datset":"core"}`); code != http.StatusBadRequest || get() != http.StatusOK {
		t.Errorf("a misspelt fault: %d", code)
	}
}

// TestFillingThatBrokeOffIsDoneAgain loses the record that says that the state
// is filled, as a crash does.
func TestFillingThatBrokeOffIsDoneAgain(t *testing.T) {
	t.Parallel()
	cfg := config(t.TempDir())
	stop(t, start(t, cfg))
	path := filepath.Join(cfg.Dir, "state.jsonl")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept := strings.SplitAfter(string(data), "\n")
	kept = kept[:len(kept)/2]
	if err := os.WriteFile(path, []byte(strings.Join(kept, "")+`{"kind":"ta`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, cfg)
	if got := subjects(t, s.Addresses()); len(got) != 7 {
		t.Errorf("subjects: %q", got)
	}
	tables, err := raw(t, s.Addresses(), company.Token(company.Crawler())).Tables.List(company.Project, company.Reporting).Do()
	if err != nil || len(tables.Tables) != 5 {
		t.Errorf("tables: %v, %v", tables, err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	twice := sandbox.World{Principals: []directory.Principal{{Email: "a@x"}, {Email: "a@x"}}}
	orphan := sandbox.World{Warehouse: bigquery.Seed{Tables: []*bq.Table{{TableReference: &bq.TableReference{ProjectId: "p", DatasetId: "d", TableId: "t"}}}}}
	notDir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		cfg  sandbox.Config
		want string
	}{
		{"a person twice", sandbox.Config{World: twice}, "twice"},
		{"a table without a dataset", sandbox.Config{World: orphan}, "p.d.t"},
		{"an estate that is not there", sandbox.Config{Estate: filepath.Join(t.TempDir(), "none")}, "datasets.jsonl"},
		{"a state in a file", sandbox.Config{Dir: notDir}, "open state"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := sandbox.New(tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want %q, got %v", tt.want, err)
			}
		})
	}
	busy := start(t, sandbox.Config{})
	s, err := sandbox.New(sandbox.Config{Listen: strings.TrimPrefix(busy.Addresses().Root, "http://")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	if err := s.Start(t.Context()); err == nil {
		t.Error("an address was taken twice")
	}
}

// TestEstateReaders gives a crawler its roles in the projects of an estate, and
// nobody else any.
func TestEstateReaders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{
		"datasets.jsonl": `{"datasetReference":{"projectId":"elsewhere","datasetId":"d"}}`,
		"tables.jsonl":   `{"tableReference":{"projectId":"elsewhere","datasetId":"d","tableId":"t"}}`,
		"jobs.jsonl":     `{"jobReference":{"projectId":"third","jobId":"j"}}`,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, sandbox.Config{Estate: dir, EstateReaders: []string{company.Crawler().Email}, World: sandbox.World{Principals: company.Principals()}})
	crawler := raw(t, s.Addresses(), company.Token(company.Crawler()))
	if _, err := crawler.Tables.Get("elsewhere", "d", "t").Do(); err != nil {
		t.Errorf("the reader: %v", err)
	}
	jobs, err := crawler.Jobs.List("third").AllUsers(true).Do()
	if err != nil || len(jobs.Jobs) != 1 {
		t.Errorf("the reader's jobs: %+v, %v", jobs, err)
	}
	_, err = raw(t, s.Addresses(), company.Token(company.Ana())).Tables.Get("elsewhere", "d", "t").Do()
	var api *googleapi.Error
	if !errors.As(err, &api) || api.Code != http.StatusForbidden {
		t.Errorf("another: %v", err)
	}
	if company.Crawler().Roles["elsewhere"] != nil {
		t.Error("the world itself was changed")
	}
}

// TestAllowRedirect lets an application in that was not known at the start.
func TestAllowRedirect(t *testing.T) {
	t.Parallel()
	s := start(t, config(""))
	s.AllowRedirect("http://127.0.0.1:1/callback")
	if token := signIn(t, s.Addresses(), company.Otto()); token == "" {
		t.Error("no token")
	}
}

// TestRealEstate serves the estate that CADASTRE_CASES holds, if it is set, to
// a crawler that reads all of it.
func TestRealEstate(t *testing.T) {
	t.Parallel()
	cases := os.Getenv("CADASTRE_CASES")
	if cases == "" {
		t.Skip("CADASTRE_CASES is not set")
	}
	estate := filepath.Join(cases, "estates", "mozilla")
	seed, err := bigquery.LoadEstate(estate)
	if err != nil {
		t.Fatal(err)
	}
	projects, err := bigquery.EstateProjects(estate)
	if err != nil {
		t.Fatal(err)
	}
	cfg := sandbox.Config{
		Dir: t.TempDir(), Estate: estate, EstateReaders: []string{company.Crawler().Email},
		World: sandbox.World{Principals: company.Principals()},
	}
	stop(t, start(t, cfg))
	s := start(t, cfg)
	svc := raw(t, s.Addresses(), company.Token(company.Crawler()))
	datasets, tables, jobs := 0, 0, 0
	for _, p := range projects {
		err := svc.Datasets.List(p).MaxResults(1000).Pages(t.Context(), func(l *bq.DatasetList) error {
			for _, d := range l.Datasets {
				datasets++
				err := svc.Tables.List(p, d.DatasetReference.DatasetId).MaxResults(1000).Pages(t.Context(), func(l *bq.TableList) error {
					for _, table := range l.Tables {
						tables++
						if _, err := svc.Tables.Get(p, d.DatasetReference.DatasetId, table.TableReference.TableId).Do(); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = svc.Jobs.List(p).AllUsers(true).Projection("full").MaxResults(200).Pages(t.Context(), func(l *bq.JobList) error {
			jobs += len(l.Jobs)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]int{len(seed.Datasets), len(seed.Tables), len(seed.Jobs)}, []int{datasets, tables, jobs}); diff != "" {
		t.Error(diff)
	}
}

// Example shows a sandbox from its start to a first call by Google's client.
func Example() {
	ctx := context.Background()
	s, err := sandbox.New(sandbox.Config{World: company.World(time.Now())})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Stop(ctx) }()
	if err := s.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	token := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: company.Token(company.Crawler())})
	warehouse, err := client.NewClient(ctx, company.Project, option.WithEndpoint(s.Addresses().BigQuery), option.WithTokenSource(token))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = warehouse.Close() }()
	meta, err := warehouse.Dataset(company.Raw).Table("customers").Metadata(ctx)
	fmt.Println(meta.NumRows, err)
	// Output: 120 <nil>
}
