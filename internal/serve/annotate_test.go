package serve

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/internal/sandbox/company"
	"cadastre.dev/cadastre/internal/sandbox/directory"
)

// warehouse asks the company's warehouse itself, as its scheduler, who may
// make and drop tables.
func (h *house) warehouse(method, path string, body []byte) []byte {
	h.t.Helper()
	return h.warehouseAs(company.Scheduler(), method, path, body)
}

func (h *house) warehouseAs(who directory.Principal, method, path string, body []byte) []byte {
	h.t.Helper()
	address := strings.TrimSuffix(h.demo.sandbox.Addresses().BigQuery, "/") + "/projects/" + company.Project + path
	request, err := http.NewRequestWithContext(h.t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+company.Token(who))
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		h.t.Fatalf("%s %s: %s %s %v", method, path, answer.Status, text, err)
	}
	return text
}

// drop drops a table of the warehouse and returns what makes it anew, with
// another description where one is given.
func (h *house) drop(dataset, table string) (create func(description string)) {
	h.t.Helper()
	path := "/datasets/" + dataset + "/tables"
	was := h.warehouse(http.MethodGet, path+"/"+table, nil)
	var kept struct {
		TableReference, Schema json.RawMessage
		Description            string
		Labels                 map[string]string
	}
	if err := json.Unmarshal(was, &kept); err != nil {
		h.t.Fatal(err)
	}
	h.warehouse(http.MethodDelete, path+"/"+table, nil)
	return func(description string) {
		h.t.Helper()
		if description != "" {
			kept.Description = description
		}
		body, err := json.Marshal(map[string]any{"tableReference": kept.TableReference, "schema": kept.Schema, "description": kept.Description, "labels": kept.Labels})
		if err != nil {
			h.t.Fatal(err)
		}
		h.warehouse(http.MethodPost, path, body)
	}
}

// describe says something as Otto, on top of what he saw.
func (h *house) describe(ref graph.Ref, attribute graph.TextAttribute, value string) {
	h.t.Helper()
	was := graph.EffectiveText(h.said(ref), attribute)
	_, err := h.app().Annotate(h.t.Context(), otto(), []graph.AnnotateRequest{{Ref: ref, Attribute: attribute, Value: value, Was: &was}})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) said(ref graph.Ref) []graph.Said {
	h.t.Helper()
	said, err := h.app().SaidOf(h.t.Context(), otto(), ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return said
}

func (h *house) snapshot() graph.Snapshot {
	h.t.Helper()
	r, err := h.app().reader(h.t.Context(), system(), 0)
	if err != nil {
		h.t.Fatal(err)
	}
	items, err := r.Snapshot(h.t.Context(), graph.Scope{})
	if err != nil {
		h.t.Fatal(err)
	}
	return items
}

func describing(table, path string, attribute graph.TextAttribute, value string) graph.AnnotateRequest {
	return graph.AnnotateRequest{Ref: column(table, path), Attribute: attribute, Value: value}
}

func TestWhatMakesNoSenseIsNotSaid(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	said := func(r ...graph.AnnotateRequest) []graph.AnnotateRequest { return r }
	long := strings.Repeat("ä", maxDescription+1)
	elsewhere := "what nobody said"
	for _, test := range []struct {
		name     string
		who      graph.Principal
		requests []graph.AnnotateRequest
		kind     error
		want     string
	}{
		{"nothing", otto(), nil, graph.ErrInvalid, "nothing was said"},
		{"the title of a column", otto(), said(describing("raw.customers", "full_name", graph.AttributeTitle, "x")), graph.ErrInvalid, "no title"},
		{"what is no attribute", otto(), said(describing("raw.customers", "", "colour", "x")), graph.ErrInvalid, "colour"},
		{"a description without end", otto(), said(describing("raw.customers", "", graph.AttributeDescription, long)), graph.ErrInvalid, "10000"},
		{"a title of two lines", otto(), said(describing("raw.customers", "", graph.AttributeTitle, "a\nb")), graph.ErrInvalid, "one line"},
		{"a title without end", otto(), said(describing("raw.customers", "", graph.AttributeTitle, long[:2*maxTitle+2])), graph.ErrInvalid, "200"},
		{"what is no text", otto(), said(describing("raw.customers", "", graph.AttributeDescription, "\xff")), graph.ErrInvalid, "UTF-8"},
		{"a column that is not", otto(), said(describing("raw.customers", "fulname", graph.AttributeDescription, "x")), graph.ErrNotFound, "fulname"},
		{"an asset that is not", otto(), said(describing("raw.nothing", "", graph.AttributeDescription, "x")), graph.ErrNotFound, "raw.nothing"},
		{"what one may only discover", ana(), said(describing("raw.support_tickets", "", graph.AttributeDescription, "x")), graph.ErrDenied, "ask its owners"},
		{"another's asset", ana(), said(describing("raw.customers", "full_name", graph.AttributeDescription, "x")), graph.ErrDenied, "describe"},
		{
			"one thing twice", otto(),
			said(describing("raw.customers", "full_name", graph.AttributeDescription, "x"), describing("raw.customers", "FULL_NAME", graph.AttributeDescription, "y")),
			graph.ErrInvalid, "twice",
		},
		{
			"one of two that makes no sense", otto(),
			said(describing("raw.customers", "full_name", graph.AttributeDescription, "x"), describing("raw.customers", "nothing", graph.AttributeDescription, "y")),
			graph.ErrNotFound, "nothing",
		},
		{
			"on top of what does not count", otto(),
			said(describing("raw.customers", "full_name", graph.AttributeDescription, "x"), graph.AnnotateRequest{
				Ref: column("raw.customers", ""), Attribute: graph.AttributeDescription, Value: "y", Was: &elsewhere,
			}),
			graph.ErrConflict, "look again",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := h.head()
			_, err := h.app().Annotate(t.Context(), test.who, test.requests)
			mustBe(t, err, test.kind)
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error does not tell of %q: %v", test.want, err)
			}
			if after := h.head(); after != before {
				t.Errorf("revision %d was made", after)
			}
		})
	}
	if got := h.events("refused"); !slices.ContainsFunc(got, func(e string) bool { return strings.HasPrefix(e, company.Ana().Email) }) {
		t.Errorf("the audit log does not tell whom it refused: %v", got)
	}
}

// A person's word of a table and a column survives crawls, a dropped table and
// one that is made anew; the source's stands beside it all the while.
func TestAPersonsWordSurvivesWhateverTheSourceDoes(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	table, name := column("raw.customers", "").Asset(), column("raw.customers", "full_name")
	fromSource := graph.EffectiveText(h.said(table), graph.AttributeDescription)
	if fromSource == "" {
		t.Fatal("the source says nothing of the table, so that this shows nothing")
	}
	h.describe(table, graph.AttributeDescription, "  Whom we sell power to  ")
	h.describe(table, graph.AttributeTitle, "Customers")
	h.describe(name, graph.AttributeDescription, "As the contract has it")
	holds := func(when string) {
		t.Helper()
		said := h.said(table)
		if got := graph.EffectiveText(said, graph.AttributeDescription); got != "Whom we sell power to" {
			t.Errorf("%s the description is %q", when, got)
		}
		if !slices.ContainsFunc(said, func(s graph.Said) bool {
			return s.Value == fromSource && s.Differs && s.Provenance.Kind == graph.BySource
		}) {
			t.Errorf("%s the source's word does not stand beside it: %+v", when, said)
		}
		if got := graph.EffectiveText(h.said(name), graph.AttributeDescription); got != "As the contract has it" {
			t.Errorf("%s the column's description is %q", when, got)
		}
		if found, err := h.app().Search(t.Context(), otto(), search.Query{Text: "contract"}); err != nil || !slices.ContainsFunc(found.Hits, func(hit search.Hit) bool { return hit.Asset.Ref == table }) {
			t.Errorf("%s the person's word is not found: %v", when, err)
		}
	}
	holds("at first")
	h.crawl()
	holds("after a crawl")
	create := h.drop(company.Raw, "customers")
	h.crawl()
	if _, err := h.app().SaidOf(t.Context(), otto(), table); err == nil {
		t.Fatal("the table was dropped and is still there")
	}
	create("")
	h.crawl()
	holds("when the table is made anew")

	h.describe(table, graph.AttributeDescription, "")
	if got := h.said(table); graph.EffectiveText(got, graph.AttributeDescription) != fromSource || graph.EffectiveText(got, graph.AttributeTitle) != "Customers" {
		t.Errorf("the word was taken back, and what counts is %+v", got)
	}
	events := h.events("describe")
	if len(events) != 4 {
		t.Errorf("the audit log has %v", events)
	}
	found, _, err := h.app().Events(t.Context(), audra(), "", "", "", 200, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		for _, value := range e.Detail {
			if strings.Contains(value, "sell power") || strings.Contains(value, "contract has") {
				t.Errorf("the words themselves stand in the log, which forgets nothing: %+v", e)
			}
		}
	}
}

func TestToSayItAgainIsNoRevision(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	name := column("raw.customers", "full_name")
	h.describe(name, graph.AttributeDescription, "said")
	before := h.head()
	h.describe(name, graph.AttributeDescription, " said ")
	h.describe(column("raw.customers", ""), graph.AttributeTitle, "")
	if after := h.head(); after != before {
		t.Errorf("revision %d follows %d though nothing new was said", after, before)
	}
}

// Of many who edit what they all saw, one wins and the others are told.
func TestNoWordIsLost(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	ref := column("raw.customers", "").Asset()
	was := graph.EffectiveText(h.said(ref), graph.AttributeTitle)
	var (
		group     sync.WaitGroup
		mu        sync.Mutex
		won, lost int
	)
	for _, value := range []string{"a", "b", "c", "d", "e", "f"} {
		group.Go(func() {
			_, err := h.app().Annotate(t.Context(), otto(), []graph.AnnotateRequest{{Ref: ref, Attribute: graph.AttributeTitle, Value: value, Was: &was}})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
				return
			}
			lost++
			mustBe(t, err, graph.ErrConflict)
		})
	}
	group.Wait()
	if won != 1 || lost != 5 {
		t.Errorf("%d won and %d were told", won, lost)
	}
}

func TestWhatMakesNoSenseDoesNotOwn(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	owning := func(table, role string, principals ...string) graph.OwnRequest {
		return graph.OwnRequest{Ref: column(table, "").Asset(), Role: graph.OwnerRole(role), Principals: principals}
	}
	ofColumn := owning("raw.customers", "technical", "user:a@b")
	ofColumn.Ref = column("raw.customers", "full_name")
	late := owning("raw.customers", "technical", "user:a@b")
	late.Was = []string{"user:somebody@else"}
	var crowd []string
	for n := range maxOwners + 1 {
		crowd = append(crowd, "user:"+strings.Repeat("a", n+1)+"@b")
	}
	for _, test := range []struct {
		name    string
		who     graph.Principal
		request []graph.OwnRequest
		kind    error
		want    string
	}{
		{"nothing", otto(), nil, graph.ErrInvalid, "nothing was said"},
		{"a column", otto(), []graph.OwnRequest{ofColumn}, graph.ErrInvalid, "owners of its asset"},
		{"a role that is none", otto(), []graph.OwnRequest{owning("raw.customers", "boss", "user:a@b")}, graph.ErrInvalid, "accountable, technical"},
		{"who is nobody", otto(), []graph.OwnRequest{owning("raw.customers", "technical", "ana")}, graph.ErrInvalid, "user:ADDRESS"},
		{"who has no name", otto(), []graph.OwnRequest{owning("raw.customers", "technical", "user:")}, graph.ErrInvalid, "user:ADDRESS"},
		{"who has spaces", otto(), []graph.OwnRequest{owning("raw.customers", "technical", "user:a b")}, graph.ErrInvalid, "user:ADDRESS"},
		{"a crowd", otto(), []graph.OwnRequest{owning("raw.customers", "technical", crowd...)}, graph.ErrInvalid, "group"},
		{"one role twice", otto(), []graph.OwnRequest{owning("raw.customers", "technical", "user:a@b"), owning("raw.customers", "technical", "user:c@d")}, graph.ErrInvalid, "twice"},
		{"on top of others", otto(), []graph.OwnRequest{owning("raw.customers", "accountable", "user:a@b"), late}, graph.ErrConflict, "look again"},
		{"what is not", otto(), []graph.OwnRequest{owning("raw.nothing", "technical", "user:a@b")}, graph.ErrNotFound, "raw.nothing"},
		{"what one may only discover", ana(), []graph.OwnRequest{owning("raw.support_tickets", "technical", "user:a@b")}, graph.ErrDenied, "ask its owners"},
		{"another's", ana(), []graph.OwnRequest{owning("raw.customers", "technical", "user:ana@lumen.example")}, graph.ErrDenied, "describe"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := h.head()
			_, err := h.app().Own(t.Context(), test.who, test.request)
			mustBe(t, err, test.kind)
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error does not tell of %q: %v", test.want, err)
			}
			if after := h.head(); after != before {
				t.Errorf("revision %d was made", after)
			}
		})
	}
}

// Whom a person names stands in place of the source's owners, through crawls,
// and decides who sees, finds, tags and describes the asset; taken back, the
// source's count again.
func TestAPersonsOwnersDecideWhoSees(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	ctx := t.Context()
	tickets := column("raw.support_tickets", "").Asset()
	all, err := h.app().OwnersOf(ctx, otto(), tickets)
	if err != nil {
		t.Fatal(err)
	}
	const role = graph.OwnerAccountable
	var fromSource, technical []string
	for _, o := range all {
		if o.Role == role {
			fromSource = append(fromSource, o.Principal)
		} else {
			technical = append(technical, o.Principal)
		}
	}
	if len(fromSource) != 2 || len(technical) != 1 {
		t.Fatalf("the source names %+v, so that this shows nothing", all)
	}
	name := func(was []string, principals ...string) {
		t.Helper()
		// As the one who holds the data directory: a person names who owns it,
		// whoever owned it before.
		_, err := h.app().Own(ctx, h.app().LocalPrincipal(), []graph.OwnRequest{{Ref: tickets, Role: role, Principals: principals, Was: was, Reason: "the new team"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	owned := func(who graph.Principal) int {
		t.Helper()
		found, err := h.app().Search(ctx, who, search.Query{Owners: who.Names(), First: 100})
		if err != nil {
			t.Fatal(err)
		}
		return found.Total
	}
	may := func(who graph.Principal) bool {
		t.Helper()
		may, err := h.app().May(ctx, who, graph.ActionTag, tickets)
		if err != nil {
			t.Fatal(err)
		}
		return may[tickets]
	}
	before := owned(ana())
	if may(ana()) {
		t.Fatal("an analyst may tag it from the start")
	}
	name(fromSource, "user:"+ana().ID)
	h.crawl()
	if !may(ana()) || owned(ana()) != before+1 {
		t.Errorf("she was named an owner: she may tag it: %v, and finds %d as her own, want %d", may(ana()), owned(ana()), before+1)
	}
	if _, err := h.app().Annotate(ctx, ana(), []graph.AnnotateRequest{{Ref: tickets, Attribute: graph.AttributeTitle, Value: "Tickets"}}); err != nil {
		t.Errorf("she may not describe it: %v", err)
	}
	after, err := h.app().OwnersOf(ctx, ana(), tickets)
	if err != nil || len(after) != len(all)+1 {
		t.Errorf("source and person do not stand side by side: %+v, %v", after, err)
	}
	if diff := cmp.Diff(append([]string{"user:" + ana().ID}, technical...), graph.Principals(after)); diff != "" {
		t.Errorf("who counts (-want +got):\n%s", diff)
	}
	name([]string{"user:" + ana().ID})
	if may(ana()) || owned(ana()) != before {
		t.Error("it was taken back, and she is an owner still")
	}
	if got := h.events("own"); len(got) != 2 || !strings.Contains(got[0], tickets.String()) {
		t.Errorf("the audit log has %v", got)
	}
}
