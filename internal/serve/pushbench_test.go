package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/push"
)

// benchApp is an app over a store on disk, as it runs.
func benchApp(b *testing.B) *App {
	b.Helper()
	config := Config{DataDir: b.TempDir(), Worker: Worker{Path: filepath.Join(b.TempDir(), "none")}}.withDefaults()
	app, err := Open(b.Context(), config, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = app.Close() })
	return app
}

// body is a batch of assets with 20 columns each, none of which was pushed
// before.
func body(batch, assets int) []byte {
	type columns []map[string]string
	facts := make([]map[string]any, 0, assets)
	for n := range assets {
		var of columns
		for c := range 20 {
			of = append(of, map[string]string{"path": fmt.Sprintf("payload.metrics.field_%03d", c), "type": "STRING", "description": "one of many columns of this table"})
		}
		facts = append(facts, map[string]any{"asset": map[string]any{
			"ref": fmt.Sprintf("crm/estate.schema_%03d.table_%d_%05d", n%50, batch, n), "kind": "table", "columns": of,
			"owners": []map[string]string{{"principal": "group:data@example.org", "role": "technical"}},
		}})
	}
	data, err := json.Marshal(map[string]any{"source": "crm", "key": fmt.Sprint(batch), "facts": facts})
	if err != nil {
		panic(err)
	}
	return data
}

// BenchmarkPush pushes new assets of 20 columns each over HTTP, in batches, and
// beside it writes the same assets with Tx.Apply alone.
func BenchmarkPush(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			app := benchApp(b)
			made, err := app.CreateToken(b.Context(), app.LocalPrincipal(), "loader", []string{"crm"}, 1)
			if err != nil {
				b.Fatal(err)
			}
			handler, err := app.Handler()
			if err != nil {
				b.Fatal(err)
			}
			server := httptest.NewServer(handler)
			defer server.Close()
			raw := benchApp(b)
			var pushing, writing time.Duration
			n := 0
			for ; b.Loop(); n++ {
				b.StopTimer()
				data := body(n, size)
				b.StartTimer()
				began := time.Now()
				send(b, server.URL, made.Secret, data)
				pushing += time.Since(began)
				b.StopTimer()
				delta := deltaOf(b, data)
				began = time.Now()
				if _, err := raw.store.Commit(b.Context(), system(), "raw", func(tx *store.Tx) error { return tx.Apply(b.Context(), delta) }); err != nil {
					b.Fatal(err)
				}
				writing += time.Since(began)
				b.StartTimer()
			}
			b.ReportMetric(float64(n*size)/pushing.Seconds(), "assets/s")
			b.ReportMetric(float64(n*size)/writing.Seconds(), "raw-assets/s")
		})
	}
}

func send(b *testing.B, url, secret string, data []byte) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/api/v1/facts", bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+secret)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read to the end
	var text bytes.Buffer
	_, _ = text.ReadFrom(answer.Body)
	if answer.StatusCode != http.StatusOK {
		b.Fatalf("status %d: %s", answer.StatusCode, text.String())
	}
}

// deltaOf is what a batch of new assets changes.
func deltaOf(b *testing.B, data []byte) graph.Delta {
	b.Helper()
	batch, err := push.Read(bytes.NewReader(data), push.Document, "", push.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	return graph.Diff(graph.Observe(nil, batch.Facts))
}

// BenchmarkCrawl crawls an estate into an empty store, and beside it crawls
// again what did not change.
func BenchmarkCrawl(b *testing.B) {
	batch, err := push.Read(bytes.NewReader(body(0, 2000)), push.Document, "", push.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	source := &script{name: "crm", crawl: func(_ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
		for _, f := range batch.Facts {
			if err := emit(f); err != nil {
				return nil, err
			}
		}
		return ingest.Cursor("1"), emit(graph.ScopeDone{Scope: graph.Scope{Source: "crm"}})
	}}
	var first, again time.Duration
	n := 0
	for ; b.Loop(); n++ {
		b.StopTimer()
		app := benchApp(b)
		catalog := fenced(b, app, store.AnalyzeArgs{Source: "crm"})
		run := func() time.Duration {
			began := time.Now()
			if _, err := ingest.Run(b.Context(), source, catalog, ingest.RunConfig{}); err != nil {
				b.Fatal(err)
			}
			return time.Since(began)
		}
		b.StartTimer()
		first += run()
		again += run()
	}
	b.ReportMetric(float64(n*2000)/first.Seconds(), "new-assets/s")
	b.ReportMetric(float64(n*2000)/again.Seconds(), "unchanged-assets/s")
	b.ReportMetric(first.Seconds()/again.Seconds(), "times-faster")
}
