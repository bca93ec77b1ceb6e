package serve

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/ingest"
)

// dock is where services push: a bench that is served.
type dock struct {
	*bench
	url    string
	secret string
	token  shape.Token
}

func newDock(t *testing.T) *dock {
	t.Helper()
	b := newBench(t)
	handler, err := b.app.Handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	d := &dock{bench: b, url: server.URL + "/api/v1/facts"}
	d.token, d.secret = d.newToken("loader", "crm")
	return d
}

func (d *dock) newToken(name string, sources ...string) (shape.Token, string) {
	d.t.Helper()
	made, err := d.app.CreateToken(d.t.Context(), d.app.LocalPrincipal(), name, sources, 30)
	if err != nil {
		d.t.Fatal(err)
	}
	return made.Token, made.Secret
}

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	PushAnswer
	Error pushError
}

// push sends a body; headers come in pairs and win.
func (d *dock) push(body string, header ...string) reply {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+d.secret)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read to the end
	r := reply{status: answer.StatusCode, header: answer.Header}
	if err := json.NewDecoder(answer.Body).Decode(&r); err != nil {
		d.t.Fatalf("status %d: %v", answer.StatusCode, err)
	}
	return r
}

// batchOf is a batch of one asset.
func batchOf(key string, columns ...string) string {
	var of []string
	for _, c := range columns {
		of = append(of, fmt.Sprintf(`{"path": %q, "type": "text"}`, c))
	}
	return fmt.Sprintf(`{"source": "crm", "key": %q, "facts": [{"asset": {"ref": "crm/customers", "kind": "table", "columns": [%s]}}]}`, key, strings.Join(of, ","))
}

func (d *dock) want(r reply, status int, text string) {
	d.t.Helper()
	if all := fmt.Sprint(r.Error); r.status != status || !strings.Contains(all, text) {
		d.t.Errorf("answered %d %s, want %d with %q", r.status, all, status, text)
	}
}

func TestABatchIsWrittenOnce(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	first := d.push(batchOf("1", "id", "email"))
	if first.status != 200 || first.PushAnswer != (PushAnswer{Revision: 1, Began: 3}) {
		t.Fatalf("first: %+v", first)
	}
	again := d.push(batchOf("1", "id", "email"))
	if again.status != 200 || again.PushAnswer != (PushAnswer{Revision: 1, Began: 3, Replayed: true}) {
		t.Errorf("again: %+v", again)
	}
	d.want(d.push(batchOf("1", "id")), 409, `key "1" was used for another batch`)
	same := d.push(batchOf("2", "id", "email"))
	if same.PushAnswer != (PushAnswer{Revision: 1, Unchanged: 1}) {
		t.Errorf("the same under another key: %+v", same)
	}
	less := d.push(batchOf("3", "id"))
	if less.PushAnswer != (PushAnswer{Revision: 2, Ended: 1}) {
		t.Errorf("a column less: %+v", less)
	}
	if got := d.due(); !slices.Equal(got, []string{"propagate"}) {
		t.Errorf("due are %v; want one job for all batches", got)
	}
	found, _, err := d.app.Events(t.Context(), d.app.LocalPrincipal(), "service:loader", "", "", 10, "")
	if err != nil || len(found) != 2 || found[0].Action != "commit" {
		t.Errorf("recorded %+v, %v; want two commits by the service", found, err)
	}
	sources, err := d.app.Sources(t.Context(), d.app.LocalPrincipal())
	if err != nil || len(sources) != 1 || sources[0].Name != "crm" || sources[0].Platform != "push" || sources[0].Assets != 1 || sources[0].CrawledAt == nil {
		t.Errorf("sources %+v, %v", sources, err)
	}
}

func TestABatchIsReadInEveryForm(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	lines := "{\"source\": \"crm\", \"key\": \"a\"}\n" +
		`{"asset": {"ref": "crm/a", "kind": "table"}}` + "\n" + `{"asset": {"ref": "crm/b", "kind": "table"}}` + "\n"
	if r := d.push(lines, "Content-Type", "application/x-ndjson"); r.Began != 2 {
		t.Errorf("lines: %+v", r)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte(batchOf("", "id")))
	_ = w.Close()
	if r := d.push(packed.String(), "Content-Encoding", "gzip", "Idempotency-Key", "b"); r.status != 400 {
		t.Errorf("a key in the body that is empty: %+v", r)
	}
	headless := strings.Replace(batchOf("", "id"), `"key": "", `, "", 1)
	if r := d.push(headless, "Idempotency-Key", "c"); r.Began != 2 {
		t.Errorf("the key in the header: %+v", r)
	}
	if r := d.push(headless, "Idempotency-Key", "c"); !r.Replayed {
		t.Errorf("the key in the header again: %+v", r)
	}
	d.want(d.push(headless), 400, "key is empty")
	d.want(d.push(headless, "Content-Type", "text/plain"), 415, "application/json")
	d.want(d.push(headless, "Content-Encoding", "br"), 415, "gzip")
	d.want(d.push(headless, "Content-Encoding", "gzip"), 400, "not gzip")
	d.want(d.push(packed.String()[:packed.Len()-6], "Content-Encoding", "gzip"), 400, "")
}

func TestNothingIsWrittenWhereAnythingIsWrong(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	bad := `{"source": "crm", "key": "1", "facts": [
		{"asset": {"ref": "crm/a", "kind": "table"}},
		{"asset": {"ref": "crm/b", "kind": "spreadsheet", "columns": [{"path": "x", "type": "text", "mode": "maybe"}]}},
		{"edge": {"from": "nowhere", "to": "crm/a"}}]}`
	r := d.push(bad)
	var places []string
	for _, f := range r.Error.Faults {
		places = append(places, f.At)
		if f.What == "" || f.Do == "" {
			t.Errorf("a fault says not what and what to do: %+v", f)
		}
	}
	if want := []string{"facts[1].asset.kind", "facts[1].asset.columns[0].mode", "facts[2].edge.from"}; r.status != 400 || !slices.Equal(places, want) {
		t.Errorf("status %d, faults at %q, want %q", r.status, places, want)
	}
	if len(d.everything()) > 0 || len(d.due()) > 0 {
		t.Error("something was written")
	}
}

func TestWhoMayPushAsWhat(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	now := time.Now()
	d.app.now = func() time.Time { return now }
	batch := batchOf("1", "id")
	d.want(d.push(batch, "Authorization", ""), 401, "unknown, expired or revoked")
	d.want(d.push(batch, "Authorization", "Bearer cdst_made-up"), 401, "")
	d.want(d.push(batch, "Authorization", "Basic eDp5"), 401, "")
	d.want(d.push(strings.Replace(batch, `"crm"`, `"erp"`, 1)), 403, "not for source")
	_, other := d.newToken("other", "warehouse")
	d.on(&script{name: "warehouse"})
	d.want(d.push(strings.Replace(batch, `"crm"`, `"warehouse"`, 1), "Authorization", "Bearer "+other), 403, "is crawled")
	if r := d.push(batch); r.status != 200 {
		t.Fatalf("%+v", r)
	}
	if _, err := d.app.RevokeToken(t.Context(), d.app.LocalPrincipal(), d.token.ID); err != nil {
		t.Fatal(err)
	}
	d.want(d.push(batch), 401, "unknown, expired or revoked")
	now = now.AddDate(0, 0, 31)
	d.want(d.push(strings.Replace(batch, `"crm"`, `"warehouse"`, 1), "Authorization", "Bearer "+other), 401, "expired")
	refused, _, err := d.app.Events(t.Context(), d.app.LocalPrincipal(), "", "refused", "", 10, "")
	if err != nil || len(refused) != 4 {
		t.Fatalf("refused: %+v, %v", refused, err)
	}
	for i, want := range []string{"the token has expired", "the token is revoked", "", ""} {
		if got := refused[i].Detail["why"]; got != want {
			t.Errorf("refusal %d says %q, want %q", i, got, want)
		}
	}
	kept, err := os.ReadFile(filepath.Join(d.app.config.DataDir, databaseFile))
	if err != nil || bytes.Contains(kept, []byte(d.secret)) {
		t.Errorf("the database holds the token itself: %v", err)
	}
}

func TestThatATokenIsUsedIsKeptNowAndThen(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	start := time.Now().UTC().Truncate(time.Second)
	now := start
	d.app.now = func() time.Time { return now }
	for i, c := range []struct{ after, want time.Duration }{{0, 0}, {30 * time.Second, 0}, {61 * time.Second, 61 * time.Second}} {
		now = start.Add(c.after)
		d.push(batchOf(fmt.Sprint(i), "id"))
		all, err := d.app.Tokens(t.Context(), d.app.LocalPrincipal())
		if err != nil || all[0].LastUsedAt == nil || !all[0].LastUsedAt.Equal(start.Add(c.want)) {
			t.Errorf("after %s it was last used at %v, %v", c.after, all[0].LastUsedAt, err)
		}
	}
}

// A service tells of what is its own. Another source's assets it may join with
// edges, which that source's crawls leave as they are.
func TestAServiceSpeaksForItselfAlone(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	d.on(&script{name: "warehouse", crawl: func(_ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
		return ingest.Cursor("1"), peopleSeen(emit)
	}})
	if err := d.app.crawl(t.Context(), "warehouse"); err != nil {
		t.Fatal(err)
	}
	ref := people().Ref.String()
	d.want(d.push(`{"source": "crm", "key": "1", "facts": [{"asset": {"ref": "crm/a", "kind": "table"}}, {"asset": {"ref": "`+ref+`", "kind": "table"}}]}`), 409, "facts[1].asset: "+ref+" is told by source warehouse")
	d.want(d.push(`{"source": "crm", "key": "2", "facts": [{"removed": {"asset": "`+ref+`"}}, {"scopeDone": {"parent": "bigquery/shop.raw"}}]}`), 200, "")
	if _, ok := d.everything().Get(people()); !ok {
		t.Error("a service removed another source's asset")
	}
	if r := d.push(`{"source": "crm", "key": "3", "facts": [{"asset": {"ref": "bi/sales", "kind": "dashboard"}}, {"edge": {"from": "` + ref + `", "to": "bi/sales"}}]}`); r.Began != 2 {
		t.Errorf("an edge from another's asset: %+v", r)
	}
	edges := func() (n int) {
		for _, i := range d.everything() {
			if _, ok := i.(graph.Edge); ok {
				n++
			}
		}
		return n
	}
	d.on(&script{name: "warehouse", crawl: func(_ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
		seen := people()
		seen.Description = "changed"
		return ingest.Cursor("2"), errors.Join(emit(graph.AssetSeen{Asset: seen}), emit(graph.ScopeDone{Scope: graph.Scope{Source: "warehouse"}}))
	}})
	if err := d.app.crawl(t.Context(), "warehouse"); err != nil || edges() != 1 {
		t.Errorf("after the crawl %d edges stand, %v; want the pushed one", edges(), err)
	}
	if r := d.push(`{"source": "crm", "key": "4", "facts": [{"removed": {"edge": {"from": "` + ref + `", "to": "bi/sales"}}}]}`); r.Ended != 1 || edges() != 0 {
		t.Errorf("the edge is taken back: %+v, %d stand", r, edges())
	}
}

// A scope that a service calls whole ends what it lacks, up to what may end
// unasked.
func TestAScopeThatIsPushedWhole(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	batch := func(key string, n int) string {
		var facts []string
		for i := range n {
			facts = append(facts, fmt.Sprintf(`{"asset": {"ref": "crm/t%d", "kind": "table", "parent": "crm/db"}}`, i))
		}
		return fmt.Sprintf(`{"source": "crm", "key": %q, "facts": [%s]}`, key, strings.Join(append(facts, `{"scopeDone": {"parent": "crm/db"}}`), ","))
	}
	d.push(batch("1", 10))
	if r := d.push(batch("2", 9)); r.Ended != 1 {
		t.Errorf("one of ten: %+v", r)
	}
	held := d.push(batch("3", 4))
	d.want(held, 409, "5 of 9 assets (55%) of crm/db")
	all, err := d.app.Sources(t.Context(), d.app.LocalPrincipal())
	if err != nil || all[0].Held == nil {
		t.Fatalf("%+v, %v", all, err)
	}
	reports, err := d.app.Crawl(t.Context(), d.app.LocalPrincipal(), []string{"crm"}, all[0].Held.Hash)
	if err != nil || len(reports) != 1 || reports[0].Assets != 9 {
		t.Fatalf("allowed: %+v, %v; want it to wait for the next push", reports, err)
	}
	if r := d.push(batch("3", 4)); r.Ended != 5 || r.Replayed {
		t.Errorf("sent again: %+v", r)
	}
	if r := d.push(`{"source": "crm", "key": "4", "facts": [{"removed": {"asset": "crm/t0"}}, {"removed": {"asset": "crm/t1"}}]}`); r.Ended != 2 {
		t.Errorf("removed by name: %+v", r)
	}
}

// A sender that goes to the wrong place is told so in its own form; the page of
// the app, answered with 200, would pass for success.
func TestAPushThatMissesTheDoorIsToldSo(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	d.want(d.push(`{"source": "crm", "key": "1"}`), http.StatusBadRequest, "one thing is wrong")
	for _, at := range []struct {
		method, url string
		status      int
		told        string
	}{
		{http.MethodPut, d.url, http.StatusMethodNotAllowed, "sent with POST"},
		{http.MethodGet, d.url, http.StatusMethodNotAllowed, "sent with POST"},
		{http.MethodPost, d.url + "/", http.StatusNotFound, "/api/v1/facts"},
		{http.MethodPost, strings.Replace(d.url, "v1", "v2", 1), http.StatusNotFound, "/api/v1/facts"},
		{http.MethodGet, strings.Replace(d.url, "/v1/facts", "/", 1), http.StatusNotFound, "/api/v1/facts"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), at.method, at.url, strings.NewReader(batchOf("1", "id")))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+d.secret)
		request.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != at.status || !strings.Contains(string(body), at.told) || answer.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s is answered %d %s, %v", at.method, at.url, answer.StatusCode, body, err)
		}
		if allow := answer.Header.Get("Allow"); (allow == http.MethodPost) != (at.status == http.StatusMethodNotAllowed) {
			t.Errorf("%s %s allows %q", at.method, at.url, allow)
		}
	}
	if len(d.everything()) > 0 {
		t.Error("something was written")
	}
}

func TestALargeBatchIsRefused(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	d.app.config.Push = PushConfig{MaxMiB: 1, MaxFacts: 3}
	handler, err := d.app.Handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	d.url = server.URL + "/api/v1/facts"
	long := strings.Repeat("x", 1<<20)
	d.want(d.push(strings.Replace(batchOf("1", "id"), `"text"`, `"`+long+`"`, 1)), 413, "in parts")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for range 64 {
		_, _ = w.Write([]byte(long))
	}
	_ = w.Close()
	d.want(d.push(packed.String(), "Content-Encoding", "gzip"), 413, "unpacked")
	four := strings.Repeat(`{"edge": {"from": "a/b", "to": "a/c"}},`, 4)
	d.want(d.push(`{"source": "crm", "key": "1", "facts": [`+strings.TrimSuffix(four, ",")+`]}`), 413, "more than 3 facts")
	if len(d.everything()) > 0 {
		t.Error("something was written")
	}
}

// Of many who send one batch at a time one writes it, and all are told the
// same.
func TestOneOfManyWritesABatch(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	var (
		group sync.WaitGroup
		wrote atomic.Int64
	)
	for range 12 {
		group.Go(func() {
			r := d.push(batchOf("1", "id"))
			if r.status != 200 || r.Began != 2 || r.Revision != 1 {
				t.Errorf("answered %+v", r)
			}
			if !r.Replayed {
				wrote.Add(1)
			}
		})
	}
	group.Wait()
	if wrote.Load() != 1 || d.reader(0).Revision() != 1 {
		t.Errorf("%d wrote it, in %d revisions", wrote.Load(), d.reader(0).Revision())
	}
}

func TestOldKeysAreForgotten(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	d.app.config.Push.KeepKeysDays = 2
	now := time.Now()
	d.app.now = func() time.Time { return now }
	d.push(batchOf("1", "id"))
	now = now.Add(47 * time.Hour)
	if r := d.push(batchOf("1", "id")); !r.Replayed {
		t.Errorf("after 47 hours: %+v", r)
	}
	now = now.Add(2 * time.Hour)
	d.push(batchOf("2", "id")) // sweeps
	if r := d.push(batchOf("1", "id")); r.Replayed || r.Unchanged != 1 {
		t.Errorf("after 49 hours: %+v", r)
	}
}

func TestACatalogThatCannotBeWrittenSaysTryAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err    error
		status int
		code   string
	}{
		{graph.ErrUnavailable, 503, "UNAVAILABLE"},
		{errors.New("bug"), 500, "INTERNAL"},
		{graph.ErrInvalid, 400, "INVALID"},
	} {
		w := httptest.NewRecorder()
		newBench(t).app.pushFailed(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil), fmt.Errorf("disk /var/lib: %w", test.err))
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.code) || (test.status == 503) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%v is answered %d %s", test.err, w.Code, w.Body)
		}
		if test.status >= 500 && strings.Contains(w.Body.String(), "/var/lib") {
			t.Errorf("the answer tells too much: %s", w.Body)
		}
	}
	d := newDock(t)
	if err := d.app.store.Close(); err != nil {
		t.Fatal(err)
	}
	if r := d.push(batchOf("1", "id")); r.status < 500 {
		t.Errorf("a closed store answers %+v", r)
	}
}
