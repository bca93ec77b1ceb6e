package bigquery_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/directory"
)

const (
	estateDatasets = `{"datasetReference":{"projectId":"p","datasetId":"d"},"location":"EU","access":[{"role":"roles/bigquery.dataViewer","userByEmail":"a@x.example"}]}
{"datasetReference":{"projectId":"q","datasetId":"e"}}
`
	estateTables = `{"id":"p:d.t","tableReference":{"projectId":"p","datasetId":"d","tableId":"t"},"numRows":"12","creationTime":"5","lastModifiedTime":"6"}

{"id":"p:d.v","tableReference":{"projectId":"p","datasetId":"d","tableId":"v"},"view":{"query":"SELECT 1 AS x","useLegacySql":false}}
`
	estateJobs = `{"jobReference":{"projectId":"r","jobId":"j"},"statistics":{"creationTime":"7"},"configuration":{"query":{"query":"SELECT 1"}}}
`
)

// estate writes files into a folder; a name that ends in .gz is compressed.
func estate(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		data := []byte(text)
		if strings.HasSuffix(name, ".gz") {
			var packed bytes.Buffer
			out := gzip.NewWriter(&packed)
			if _, err := out.Write(data); err != nil {
				t.Fatal(err)
			}
			if err := out.Close(); err != nil {
				t.Fatal(err)
			}
			data = packed.Bytes()
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoadEstate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files map[string]string
		jobs  int
	}{
		{"plain", map[string]string{"datasets.jsonl": estateDatasets, "tables.jsonl": estateTables, "jobs.jsonl": estateJobs}, 1},
		{"compressed", map[string]string{"datasets.jsonl.gz": estateDatasets, "tables.jsonl.gz": estateTables, "jobs.jsonl.gz": estateJobs}, 1},
		{"without jobs", map[string]string{"datasets.jsonl": estateDatasets, "tables.jsonl.gz": estateTables}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := estate(t, tt.files)
			seed, err := bigquery.LoadEstate(dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(seed.Datasets) != 2 || len(seed.Tables) != 2 || len(seed.Jobs) != tt.jobs {
				t.Errorf("got %d datasets, %d tables, %d jobs", len(seed.Datasets), len(seed.Tables), len(seed.Jobs))
			}
			projects, err := bigquery.EstateProjects(dir)
			if want := []string{"p", "q", "r"}[:2+tt.jobs]; err != nil || !slices.Equal(projects, want) {
				t.Errorf("projects %v, %v", projects, err)
			}
		})
	}
}

// TestBadEstateNamesFileAndLine holds for each way in which a line is bad.
func TestBadEstateNamesFileAndLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no datasets", map[string]string{"tables.jsonl": estateTables}, "neither"},
		{"no tables", map[string]string{"datasets.jsonl": estateDatasets}, "neither"},
		{"not JSON", map[string]string{"datasets.jsonl": estateDatasets + "{\n", "tables.jsonl": estateTables}, "datasets.jsonl line 3"},
		{"a number for a word", map[string]string{"datasets.jsonl": `{"location":1}`, "tables.jsonl": estateTables}, "datasets.jsonl line 1"},
		{"no name", map[string]string{"datasets.jsonl.gz": "{}\n", "tables.jsonl": estateTables}, "datasets.jsonl.gz line 1"},
		{"table without a name", map[string]string{"datasets.jsonl": estateDatasets, "tables.jsonl": estateTables + "{}\n"}, "tables.jsonl line 4"},
		{"table of no dataset", map[string]string{"datasets.jsonl": "", "tables.jsonl": estateTables}, "tables.jsonl line 1"},
		{"job without a name", map[string]string{"datasets.jsonl": estateDatasets, "tables.jsonl": estateTables, "jobs.jsonl": "{}"}, "jobs.jsonl line 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := bigquery.LoadEstate(estate(t, tt.files)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want %q, got %v", tt.want, err)
			}
		})
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "datasets.jsonl.gz"), []byte("not compressed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bigquery.LoadEstate(broken); err == nil || !strings.Contains(err.Error(), "datasets.jsonl.gz") {
		t.Errorf("not compressed: %v", err)
	}
}

// TestEstateIsServedAsItIs holds that times and counts of the estate are kept,
// and that names of roles are answered as BigQuery answers them.
func TestEstateIsServedAsItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seed, err := bigquery.LoadEstate(estate(t, map[string]string{"datasets.jsonl": estateDatasets, "tables.jsonl": estateTables, "jobs.jsonl": estateJobs}))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.warehouse.Fill(seed); err != nil {
		t.Fatal(err)
	}
	raw := w.raw(librarian)
	table, err := raw.Tables.Get("p", "d", "t").Do()
	if err != nil || table.NumRows != 12 || table.CreationTime != 5 || table.LastModifiedTime != 6 || table.Schema != nil || table.Location != "EU" {
		t.Errorf("got %+v, %v", table, err)
	}
	view, err := raw.Tables.Get("p", "d", "v").Do()
	if err != nil || view.Type != "VIEW" || view.View.Query != "SELECT 1 AS x" {
		t.Errorf("got %+v, %v", view, err)
	}
	d, err := raw.Datasets.Get("p", "d").Do()
	if err != nil || d.Access[0].Role != "READER" || d.Etag == "" {
		t.Errorf("got %+v, %v", d, err)
	}
}

// TestOneSeedFillsSeveral holds that a warehouse keeps to its own copy.
func TestOneSeedFillsSeveral(t *testing.T) {
	t.Parallel()
	seed, err := bigquery.LoadEstate(estate(t, map[string]string{"datasets.jsonl": estateDatasets, "tables.jsonl": estateTables}))
	if err != nil {
		t.Fatal(err)
	}
	one, two := newWorld(t), newWorld(t)
	for _, w := range []*world{one, two} {
		if err := w.warehouse.Fill(seed); err != nil {
			t.Fatal(err)
		}
	}
	if seed.Datasets[0].Etag != "" {
		t.Error("the seed itself was changed")
	}
	first, err := one.raw(librarian).Datasets.Get("p", "d").Do()
	if err != nil {
		t.Fatal(err)
	}
	second, err := two.raw(librarian).Datasets.Get("p", "d").Do()
	if err != nil || first.Etag == second.Etag {
		t.Errorf("two warehouses share a dataset: %v", err)
	}
}

func TestFillRefuses(t *testing.T) {
	t.Parallel()
	dataset := func() []*bq.Dataset {
		return []*bq.Dataset{{DatasetReference: &bq.DatasetReference{ProjectId: "p", DatasetId: "d"}}}
	}
	table := func(fields ...*bq.TableFieldSchema) []*bq.Table {
		return []*bq.Table{{TableReference: &bq.TableReference{ProjectId: "p", DatasetId: "d", TableId: "t"}, Schema: &bq.TableSchema{Fields: fields}}}
	}
	column := &bq.TableFieldSchema{Name: "k", Type: "INTEGER"}
	tests := []struct {
		name string
		seed bigquery.Seed
		want string
	}{
		{"dataset without a name", bigquery.Seed{Datasets: []*bq.Dataset{{Id: "nameless"}}}, "nameless"},
		{"table without a name", bigquery.Seed{Tables: []*bq.Table{{Id: "nameless"}}}, "nameless"},
		{"table of no dataset", bigquery.Seed{Tables: table(column)}, "no such dataset"},
		{"column of no type", bigquery.Seed{Datasets: dataset(), Tables: table(&bq.TableFieldSchema{Name: "k"})}, "p.d.t"},
		{"row that does not fit", bigquery.Seed{Datasets: dataset(), Tables: table(column), Rows: map[string][]map[string]any{"p.d.t": {{"k": 1}, {"z": 1}}}}, "row 2"},
		{"job without a name", bigquery.Seed{Jobs: []*bq.Job{{}}}, "job"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := newWorld(t).warehouse.Fill(tt.seed); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want %q, got %v", tt.want, err)
			}
		})
	}
	if _, err := bigquery.New(bigquery.Config{}); err == nil {
		t.Error("a warehouse without a directory")
	}
	if _, err := directory.New(nil); err != nil {
		t.Error(err)
	}
}
