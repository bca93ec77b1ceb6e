package bigquery

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/sandbox/directory"
)

// large is a warehouse of as many tables as a company has.
func large(tb testing.TB) *Warehouse {
	tb.Helper()
	people, err := directory.New([]directory.Principal{{
		Email: "c@x", Tokens: []string{"c"},
		Roles: map[string][]string{"p": {"roles/bigquery.metadataViewer", "roles/bigquery.resourceViewer"}},
	}})
	if err != nil {
		tb.Fatal(err)
	}
	w, err := New(Config{Directory: people})
	if err != nil {
		tb.Fatal(err)
	}
	var seed Seed
	for d := range 50 {
		name := fmt.Sprintf("d%02d", d)
		seed.Datasets = append(seed.Datasets, &bq.Dataset{DatasetReference: &bq.DatasetReference{ProjectId: "p", DatasetId: name}})
		for t := range 60 {
			seed.Tables = append(seed.Tables, &bq.Table{
				TableReference: &bq.TableReference{ProjectId: "p", DatasetId: name, TableId: fmt.Sprintf("t%02d", t)},
				Schema:         &bq.TableSchema{Fields: []*bq.TableFieldSchema{leaf("a", "STRING"), nested("r", "REPEATED", leaf("b", "STRING"))}},
			})
		}
	}
	for j := range 3000 {
		seed.Jobs = append(seed.Jobs, &bq.Job{
			JobReference: &bq.JobReference{ProjectId: "p", JobId: fmt.Sprintf("j%04d", j)},
			Statistics:   &bq.JobStatistics{CreationTime: int64(j)}, Configuration: &bq.JobConfiguration{Query: &bq.JobConfigurationQuery{Query: "SELECT 1"}},
		})
	}
	if err := w.Fill(seed); err != nil {
		tb.Fatal(err)
	}
	return w
}

func read(tb testing.TB, w *Warehouse, path string) *httptest.ResponseRecorder {
	tb.Helper()
	in := httptest.NewRequest(http.MethodGet, "/bigquery/v2/projects/p/"+path, nil)
	in.Header.Set("Authorization", "Bearer c")
	out := httptest.NewRecorder()
	w.ServeHTTP(out, in)
	if out.Code != http.StatusOK {
		tb.Fatalf("%s: %d %s", path, out.Code, out.Body)
	}
	return out
}

// TestPagesOfJobsNameEachOnce pages through many jobs, and meets each once
// however they are cut.
func TestPagesOfJobsNameEachOnce(t *testing.T) {
	t.Parallel()
	w := large(t)
	seen := map[string]bool{}
	next := ""
	for range 100 {
		var list bq.JobList
		if err := decode(read(t, w, "jobs?allUsers=true&maxResults=250&pageToken="+next).Body.Bytes(), &list); err != nil {
			t.Fatal(err)
		}
		for _, j := range list.Jobs {
			if seen[j.JobReference.JobId] {
				t.Fatalf("%s twice", j.JobReference.JobId)
			}
			seen[j.JobReference.JobId] = true
		}
		if next = list.NextPageToken; next == "" {
			break
		}
	}
	if len(seen) != 3000 {
		t.Errorf("got %d jobs", len(seen))
	}
}

// The calls of which a crawl of a large warehouse is made.

func BenchmarkListDatasets(b *testing.B) { benchmark(b, "datasets?maxResults=1000") }
func BenchmarkListTables(b *testing.B)   { benchmark(b, "datasets/d07/tables?maxResults=1000") }
func BenchmarkGetTable(b *testing.B)     { benchmark(b, "datasets/d07/tables/t42") }
func BenchmarkListJobs(b *testing.B) {
	benchmark(b, "jobs?allUsers=true&projection=full&maxResults=1000")
}

func benchmark(b *testing.B, path string) {
	w := large(b)
	for b.Loop() {
		read(b, w, path)
	}
}
