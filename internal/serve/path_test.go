package serve

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// sourceAs is a configured source as somebody sees it.
func (h *house) sourceAs(who graph.Principal, name string) shape.Source {
	h.t.Helper()
	all, err := h.app().Sources(h.t.Context(), who)
	if err != nil {
		h.t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(s shape.Source) bool { return s.Name == name })
	if i < 0 {
		h.t.Fatalf("there is no source %s", name)
	}
	return all[i]
}

// crawl crawls everything and returns the reports by source.
func (h *house) crawl() map[string]CrawlReport {
	h.t.Helper()
	reports, err := h.app().Crawl(h.t.Context(), system(), nil, "")
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]CrawlReport{}
	for _, r := range reports {
		out[r.Source] = r
	}
	return out
}

func TestASecondCrawlMakesNoRevision(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	before := h.head()
	h.crawl()
	if after := h.head(); after != before {
		t.Errorf("revision %d follows %d though nothing changed", after, before)
	}
}

func TestAnUnreachableSourceDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	h.reopen(func(c *Config) { c.Sources[1].Registry.URL = "http://127.0.0.1:1/registry" })
	reports := h.crawl()
	if r := reports["warehouse"]; r.Assets == 0 || len(r.Problems) > 0 {
		t.Errorf("the source that is there: %+v", r)
	}
	problems := reports["registry"].Problems
	if len(problems) != 1 || !strings.Contains(problems[0], "127.0.0.1:1") || !strings.Contains(problems[0], "crawl again") {
		t.Errorf("the problem does not say what, where and what to do: %q", problems)
	}
	shown := h.sourceAs(otto(), "registry")
	if !slices.Equal(shown.Problems, problems) || shown.CrawledAt != nil {
		t.Errorf("the owner is shown %+v", shown)
	}
	if shown := h.sourceAs(ana(), "registry"); len(shown.Problems) > 0 {
		t.Errorf("problems may name what is hidden, and an analyst is shown %q", shown.Problems)
	}
}

func TestOneForbiddenDatasetIsAProblemAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	before := h.sourceAs(otto(), "warehouse").Assets
	h.fault(bigquery.Fault{Method: "bigquery.tables.list", Dataset: company.Core, Status: http.StatusForbidden})
	reports := h.crawl()
	problems := reports["warehouse"].Problems
	if len(problems) == 0 || !strings.Contains(strings.Join(problems, " "), company.Core) {
		t.Errorf("the problems are %q", problems)
	}
	if after := h.sourceAs(otto(), "warehouse").Assets; after != before {
		t.Errorf("%d assets became %d: what was not seen is not gone", before, after)
	}
	h.demo.sandbox.ClearFaults()
	if again := h.crawl()["warehouse"].Problems; len(again) > 0 {
		t.Errorf("when it is mended, the problems are %q", again)
	}
}

func TestAnExpiredTokenIsSaidToBe(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	expired := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(expired, []byte("expired-7f3a"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.reopen(func(c *Config) { c.Sources[0].BigQuery.Token = "file:" + expired })
	problems := strings.Join(h.crawl()["warehouse"].Problems, " ")
	if !strings.Contains(problems, "401") && !strings.Contains(strings.ToLower(problems), "token") && !strings.Contains(strings.ToLower(problems), "credential") {
		t.Errorf("the problem does not tell of the token: %q", problems)
	}
	if strings.Contains(problems+h.log.String(), "expired-7f3a") {
		t.Error("the token itself is told")
	}
	findings := h.app().Doctor(t.Context())
	if !slices.ContainsFunc(findings, func(f graph.Finding) bool { return f.Do != "" && f.Code != "no-worker" }) {
		t.Errorf("the doctor sees nothing: %+v", findings)
	}
}

func TestJobsThatMayNotBeListedLeaveTheViewsAnalyzed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.fault(bigquery.Fault{Method: "bigquery.jobs.list", Status: http.StatusForbidden})
	problems := strings.Join(h.crawl()["warehouse"].Problems, " ")
	if !strings.Contains(problems, "jobs") {
		t.Errorf("the problems are %q", problems)
	}
	r, err := h.app().reader(t.Context(), system(), 0)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := r.Counts(t.Context())
	if err != nil || counts.Edges == 0 {
		t.Errorf("there are %d edges, %v", counts.Edges, err)
	}
}

func TestWithoutAWorkerLineageIsUnanalyzedAndSaidToBe(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	r, err := h.app().reader(t.Context(), system(), 0)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := r.Counts(t.Context())
	if err != nil || counts.Outcomes[graph.OutcomeUnanalyzed] == 0 || counts.Outcomes[graph.OutcomeExact] > 0 {
		t.Errorf("the outcomes are %v, %v", counts.Outcomes, err)
	}
	findings := h.app().Doctor(t.Context())
	if !slices.ContainsFunc(findings, func(f graph.Finding) bool { return f.Code == "no-worker" && f.Do != "" }) {
		t.Errorf("the doctor says %+v", findings)
	}
	if found, err := h.app().Search(t.Context(), otto(), search.Query{Text: "customers"}); err != nil || found.Total == 0 {
		t.Errorf("searching stopped too: %d, %v", found.Total, err)
	}
}

func TestWhenAWorkerComesAllIsAnalyzed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.reopen(func(c *Config) { c.Worker.Path = filepath.Join(t.TempDir(), "none") })
	h.crawl()
	h.reopen(func(c *Config) { c.Worker.Path = workerPath() })
	h.crawl()
	r, err := h.app().reader(t.Context(), system(), 0)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := r.Counts(t.Context())
	if err != nil || counts.Outcomes[graph.OutcomeUnanalyzed] > 0 || counts.Outcomes[graph.OutcomeExact] == 0 {
		t.Errorf("the outcomes are %v, %v", counts.Outcomes, err)
	}
}

func TestOnlyWhoMayCrawls(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t)
	mustBe(t, h.app().StartCrawl(t.Context(), ana(), "warehouse", ""), graph.ErrDenied)
	mustBe(t, h.app().StartCrawl(t.Context(), otto(), "nothing", ""), graph.ErrNotFound)
	_, err := h.app().Crawl(t.Context(), system(), []string{"warehouse", "nothing"}, "")
	mustBe(t, err, graph.ErrNotFound)
	if !strings.Contains(err.Error(), "registry") {
		t.Errorf("the error does not tell what there is: %v", err)
	}
	if pending, err := h.app().Activity(t.Context(), otto()); err != nil || len(pending) > 0 {
		t.Errorf("jobs are due: %v, %v", pending, err)
	}
	if err := h.app().StartCrawl(t.Context(), otto(), "warehouse", ""); err != nil {
		t.Error(err)
	}
	if pending, err := h.app().Activity(t.Context(), otto()); err != nil || len(pending) != 1 || pending[0].Kind != "crawl" {
		t.Errorf("the jobs are %v, %v", pending, err)
	}
}

// No value of a column may be in what the program keeps or says.
func TestNoValueOfAColumnIsKeptOrSaid(t *testing.T) {
	t.Parallel()
	h := newHouse(t).crawled()
	h.tag(otto(), said("raw.customers", "contact.email", "user.contact.email", "confirmed"))
	h.published()
	w := &walker{demo: h.demo, url: "", proof: &Proof{}, http: http.DefaultTransport}
	rows, err := w.customersAs(t.Context(), company.Token(company.Fay()), w.view("fraud"))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.app().Close(); err != nil {
		t.Fatal(err)
	}
	kept := h.log.String()
	for _, name := range []string{databaseFile, databaseFile + "-wal", ConfigFile} {
		data, err := os.ReadFile(filepath.Join(h.demo.o.DataDir, name))
		if err == nil {
			kept += string(data)
		}
	}
	looked := 0
	for _, row := range rows {
		if row.email == "" {
			continue
		}
		looked++
		if strings.Contains(kept, row.email) {
			t.Fatal("an address of a customer is in the catalog or the log")
		}
	}
	if looked == 0 || len(kept) < 10_000 {
		t.Errorf("%d addresses were looked for in %d bytes", looked, len(kept))
	}
}
