package registry_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/ingesttest"
	"cadastre.dev/cadastre/ingest/registry"
	sandbox "cadastre.dev/cadastre/internal/sandbox/registry"
)

// played is a registry that answers as it is told, by path; what it was not
// told of is not found.
func played(t *testing.T, answers map[string]string) *registry.Source {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		answer, ok := answers[in.URL.Path]
		if !ok {
			out.WriteHeader(http.StatusNotFound)
			answer = `{"error_code":40403,"message":"Schema not found"}`
		}
		if code, body, failed := strings.Cut(answer, "|"); failed {
			var status int
			if _, err := fmt.Sscan(code, &status); err == nil {
				out.WriteHeader(status)
				answer = body
			}
		}
		_, _ = out.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	s, err := registry.New(registry.Config{Name: "r", URL: server.URL, Cluster: "kafka:9092"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// told is a version as a registry tells it.
func told(subject, schema string, rest string) string {
	return fmt.Sprintf(`{"subject":%q,"version":1,"id":1,"schema":%q%s}`, subject, schema, rest)
}

func refers(name, subject string, version int) string {
	return fmt.Sprintf(`,"references":[{"name":%q,"subject":%q,"version":%d}]`, name, subject, version)
}

func TestEachErrorOfASubject(t *testing.T) {
	t.Parallel()
	const fine = `{"type":"record","name":"Fine","fields":[{"name":"a","type":"string"}]}`
	uses := func(name string) string {
		return fmt.Sprintf(`{"type":"record","name":"U","fields":[{"name":"r","type":%q}]}`, name)
	}
	tests := []struct {
		name, answer string
		more         map[string]string
		code, says   string // of the problem; none: the subject is no more
	}{
		{name: "subject is gone", answer: `404|{"error_code":40401,"message":"Subject 'bad-value' not found."}`},
		{name: "version is gone", answer: `404|{"error_code":40402,"message":"Version latest not found."}`},
		{name: "schema is gone", answer: `404|{"error_code":40403,"message":"Schema not found"}`},
		{name: "invalid subject", answer: `422|{"error_code":42208,"message":"The specified subject is not a valid."}`, code: ingest.CodeInvalid, says: "422 Unprocessable Entity: The specified subject"},
		{name: "store error", answer: `500|{"error_code":50001,"message":"Error in the backend datastore"}`, code: ingest.CodeUnavailable, says: "backend datastore"},
		{name: "timed out", answer: `500|{"error_code":50002,"message":"Operation timed out"}`, code: ingest.CodeUnavailable, says: "timed out"},
		{name: "no leader", answer: `503|{"error_code":50003,"message":"Error while forwarding the request to the primary"}`, code: ingest.CodeUnavailable, says: "forwarding"},
		{name: "not allowed", answer: `403|{"error_code":40301,"message":"User is denied operation Read"}`, code: ingest.CodeDenied, says: "denied operation Read"},
		{name: "signed out", answer: `401|{"error_code":40101,"message":"Unauthorized"}`, code: ingest.CodeDenied, says: "missing, expired or unknown"},
		{name: "no JSON", answer: `<html>`, code: ingest.CodeInvalid, says: "not what a schema registry answers"},
		{name: "schema with comments", answer: told("bad-value", "{\n// why\n\"type\":\"string\"}", ""), code: ingest.CodeInvalid, says: "not JSON"},
		{name: "schema of nothing", answer: told("bad-value", "", ""), code: ingest.CodeInvalid, says: "not JSON"},
		{name: "reference that is missing", answer: told("bad-value", uses("Gone"), refers("Gone", "gone", 3)), code: ingest.CodeInvalid, says: "reference Gone: get version 3 of subject gone"},
		{name: "reference that may not be read", answer: told("bad-value", uses("Shut"), refers("Shut", "shut", 1)), more: map[string]string{"/subjects/shut/versions/1": `403|{"message":"denied"}`}, code: ingest.CodeDenied, says: "reference Shut"},
		{name: "reference that is invalid", answer: told("bad-value", uses("Odd"), refers("Odd", "odd", 1)), more: map[string]string{"/subjects/odd/versions/1": told("odd", `{"type":"record"}`, "")}, code: ingest.CodeInvalid, says: "reference Odd: avro"},
		{name: "reference that does not hold the type", answer: told("bad-value", uses("Lack"), refers("Lack", "lack", 1)), more: map[string]string{"/subjects/lack/versions/1": told("lack", fine, "")}, code: ingest.CodeInvalid, says: `type "Lack" is not defined`},
		{name: "reference to itself", answer: told("bad-value", uses("Self"), refers("Self", "bad-value", 1)), code: ingest.CodeInvalid, says: "in a circle"},
		{
			name: "references in a circle", answer: told("bad-value", uses("A"), refers("A", "a", 1)),
			more: map[string]string{"/subjects/a/versions/1": told("a", uses("B"), refers("B", "b", 1)), "/subjects/b/versions/1": told("b", uses("A"), refers("A", "a", 1))},
			code: ingest.CodeInvalid, says: "refers to itself in a circle",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answers := map[string]string{
				"/subjects":                            `["bad-value","fine-value"]`,
				"/subjects/fine-value/versions/latest": told("fine-value", fine, ""),
				"/subjects/bad-value/versions/latest":  tt.answer,
			}
			for path, answer := range tt.more {
				answers[path] = answer
			}
			s, c := played(t, answers), &ingesttest.Catalog{}
			report := mustRun(t, s, c)
			var names []string
			for _, a := range ingesttest.Of[graph.Asset](c.All()) {
				names = append(names, a.Ref.Name)
			}
			if diff := cmp.Diff([]string{"fine", "fine-value"}, names); diff != "" {
				t.Errorf("assets (-want +got):\n%s", diff)
			}
			if tt.code == "" {
				if len(report.Problems) != 0 {
					t.Errorf("problems %+v, want none", report.Problems)
				}
				return
			}
			if len(report.Problems) != 1 {
				t.Fatalf("problems %+v, want one", report.Problems)
			}
			p := report.Problems[0]
			if p.Code != tt.code || p.Ref.Name != "bad-value" || !strings.Contains(p.What, tt.says) || p.Do == "" {
				t.Errorf("problem %+v, want code %s and %q", p, tt.code, tt.says)
			}
		})
	}
}

// Law: following references costs what there is to read, not how many ways
// lead to it.
func TestReferencesThatMultiplyAreReadOnce(t *testing.T) {
	t.Parallel()
	answers := map[string]string{"/subjects": `["l0"]`}
	for level := range 30 {
		next := fmt.Sprintf("l%d", level+1)
		twice := fmt.Sprintf(`,"references":[{"name":"x","subject":%q,"version":1},{"name":"y","subject":%q,"version":1}]`, next, next)
		if level == 29 {
			twice = ""
		}
		which := "1"
		if level == 0 {
			which = "latest"
		}
		answers[fmt.Sprintf("/subjects/l%d/versions/%s", level, which)] = told(fmt.Sprintf("l%d", level), `"string"`, twice)
	}
	c := &ingesttest.Catalog{}
	if report := mustRun(t, played(t, answers), c); len(report.Problems) != 0 || len(ingesttest.Of[graph.Asset](c.All())) != 1 {
		t.Errorf("problems %v, %d items", report.Problems, len(c.All()))
	}
}

func TestSubjectsOfOneTopicAddUp(t *testing.T) {
	t.Parallel()
	record := func(name, tags string) string {
		return fmt.Sprintf(`{"type":"record","name":%q,"namespace":"c","fields":[{"name":"id","type":"string"},{"name":"mail","type":"string"%s}]}`, name, tags)
	}
	w := newWorld(t,
		sandbox.Registration{Subject: "orders-c.Made", Schema: record("Made", "")},
		sandbox.Registration{Subject: "orders-c.Paid", Schema: record("Paid", `,"confluent:tags":["PII"]`)},
		sandbox.Registration{Subject: "orders-key", Schema: `{"type":"record","name":"key","fields":[{"name":"id","type":"string"}]}`},
		sandbox.Registration{Subject: "orders-returns-value", Schema: record("Back", "")},
	)
	c := &ingesttest.Catalog{}
	mustRun(t, w.source(nil), c)
	paths := map[string][]string{}
	for ref, columns := range ingesttest.Schemas(c.All()) {
		for _, column := range columns {
			if ref == topic("orders") || ref == topic("orders-returns") {
				paths[ref.Name] = append(paths[ref.Name], column.Ref.Path)
			}
		}
	}
	want := map[string][]string{"orders": {"id", "mail", "__key", "__key.id"}, "orders-returns": {"id", "mail"}}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("columns of the topics (-want +got):\n%s", diff)
	}
	var tagged []string
	for _, tag := range ingesttest.Of[graph.Tag](c.All()) {
		tagged = append(tagged, tag.Ref.Name+"#"+tag.Ref.Path)
	}
	slices.Sort(tagged)
	if diff := cmp.Diff([]string{"orders#mail", "orders-c.Paid#mail"}, tagged); diff != "" {
		t.Errorf("what one of the records declares holds for the topic (-want +got):\n%s", diff)
	}
}

func TestContextsAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, orders(), sandbox.Registration{Subject: ":.eu:orders-value", Schema: strings.Replace(order, `"mail"`, `"post"`, 1)})
	c := &ingesttest.Catalog{}
	mustRun(t, w.source(nil), c)
	all := c.All()
	for _, want := range []graph.Ref{w.subject("orders-value").Column("mail"), w.subject(":.eu:orders-value").Column("post"), topic("orders").Column("mail")} {
		if _, ok := all.Get(graph.Column{Ref: want}); !ok {
			t.Errorf("no column %s", want)
		}
	}
	if _, ok := all.Get(graph.Column{Ref: topic("orders").Column("post")}); ok {
		t.Error("a subject of another context describes a topic of this one")
	}
}

// delete deletes a subject, softly.
func (w *world) delete(subject string) {
	w.t.Helper()
	answer := httptest.NewRecorder()
	w.registry.ServeHTTP(answer, httptest.NewRequest(http.MethodDelete, "/subjects/"+subject, http.NoBody))
	if answer.Code != http.StatusOK {
		w.t.Fatalf("delete %s: %s", subject, answer.Body)
	}
}

func TestADeletedSubjectEndsWithItsTopic(t *testing.T) {
	t.Parallel()
	for _, bulk := range []bool{true, false} {
		t.Run(fmt.Sprint("in one call: ", bulk), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, orders(), sandbox.Registration{Subject: "kept-value", Schema: strings.Replace(order, "Order", "Kept", 1)})
			w.noBulk.Store(!bulk)
			s, c := w.source(nil), &ingesttest.Catalog{}
			mustRun(t, s, c)
			w.delete("orders-value")
			mustRun(t, s, c)
			for _, item := range c.All().Sorted() {
				if strings.Contains(item.About().Name, "orders") {
					t.Errorf("%+v is still there", item)
				}
			}
			if len(c.All()) == 0 {
				t.Error("the other subject ended too")
			}
		})
	}
}

// Laws, under changes and faults by chance: a crawl that fails or is partial
// takes nothing away, and the first that goes well leaves exactly what a crawl
// from nothing would.
func TestFaultsByChance(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // Chance that can be repeated.
			w := newWorld(t)
			there, made := []string{}, 0
			change := func() {
				made++
				if len(there) > 0 && rnd.IntN(4) == 0 {
					i := rnd.IntN(len(there))
					w.delete(there[i])
					there = slices.Delete(there, i, i+1)
					return
				}
				name := fmt.Sprintf("t%d-%s", made, []string{"value", "key", fmt.Sprintf("c.R%d", made)}[rnd.IntN(3)])
				schema := fmt.Sprintf(`{"type":"record","name":"R%d","namespace":"c","fields":[{"name":"f%d","type":"string","confluent:tags":["PII"]}]}`, made, made)
				if _, err := w.registry.Register(sandbox.Registration{Subject: name, Schema: schema}); err != nil {
					t.Fatal(err)
				}
				there = append(there, name)
			}
			for range 5 {
				change()
			}
			w.noBulk.Store(seed%2 == 0)
			s, c := w.source(nil), &ingesttest.Catalog{}
			mustRun(t, s, c)
			for range 6 {
				for range 1 + rnd.IntN(3) {
					change()
				}
				known := ingesttest.Of[graph.Asset](c.All())
				part := "/subjects/" + there[rnd.IntN(len(there))] + "/"
				if rnd.IntN(3) == 0 {
					part = "/s"
				}
				w.broken.Store(&part)
				if _, err := ingest.Run(t.Context(), s, c, ingest.RunConfig{Removal: ingest.Removal{Threshold: 1}}); err != nil && !errors.Is(err, graph.ErrUnavailable) {
					t.Fatal(err)
				}
				for _, a := range known {
					subject := a.Kind == graph.KindSubject && slices.Contains(there, a.Ref.Name)
					if _, ok := c.All().Get(a); subject && !ok {
						t.Fatalf("%s was lost while %s did not answer", a.Ref, part)
					}
				}
				w.broken.Store(nil)
				fresh := &ingesttest.Catalog{}
				mustRun(t, s, c)
				mustRun(t, s, fresh)
				if diff := cmp.Diff(fresh.All(), c.All(), cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("what is known is not what is there (-there +known):\n%s", diff)
				}
			}
		})
	}
}
