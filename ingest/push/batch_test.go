package push_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/push"
)

// whole is a batch with everything that a batch may have.
const whole = `{
  "source": "crm", "key": "1", "facts": [
    {"asset": {
      "ref": "crm/customers", "kind": "table", "parent": "crm/db", "location": "EU", "title": "Customers", "description": "Who buys",
      "labels": {"domain": "customer"}, "definition": "", "unread": "",
      "columns": [
        {"path": "id", "type": "INTEGER", "mode": "required"},
        {"path": "contact", "type": "RECORD"},
        {"path": "contact.email", "type": "STRING", "description": "where to write"}],
      "owners": [{"principal": "group:crm@example.org"}, {"principal": "user:ana@example.org", "role": "technical"}],
      "grants": [{"principal": "group:sales@example.org", "role": "READER"}],
      "tags": [{"column": "contact.email", "label": "user.contact.email", "confidence": 0.9, "evidence": ["the form asks for it"]}, {"label": "internal"}]}},
    {"edge": {"from": "crm/customers#contact.email", "to": "bi/sales#who", "masking": true, "function": "SHA256"}},
    {"edge": {"from": "crm/customers", "to": "bi/sales", "outcome": "partial"}},
    {"removed": {"asset": "crm/old"}},
    {"removed": {"edge": {"from": "crm/customers", "to": "bi/old"}}},
    {"scopeDone": {"parent": "crm/db"}},
    {"scopeDone": {}}
  ]}`

func read(text string, form push.Form) (push.Batch, error) {
	return push.Read(strings.NewReader(text), form, "", push.Limits{})
}

func ref(text string) graph.Ref {
	r, err := graph.ParseRef(text)
	if err != nil {
		panic(err)
	}
	return r
}

func TestABatchBecomesFacts(t *testing.T) {
	t.Parallel()
	b, err := read(whole, push.Document)
	if err != nil {
		t.Fatal(err)
	}
	says := graph.Provenance{Kind: graph.BySource, Name: "crm"}
	customers := ref("crm/customers")
	want := []graph.Fact{
		graph.AssetSeen{
			Asset: graph.Asset{
				Ref: customers, Kind: graph.KindTable, Source: "crm", Parent: ref("crm/db"), Location: "EU", Title: "Customers",
				Description: "Who buys", Labels: map[string]string{"domain": "customer"},
			},
			Columns: []graph.Column{
				{Ref: customers.Column("id"), Position: 0, Type: "INTEGER", Mode: graph.ModeRequired},
				{Ref: customers.Column("contact"), Position: 1, Type: "RECORD", Mode: graph.ModeNullable},
				{Ref: customers.Column("contact.email"), Position: 2, Type: "STRING", Mode: graph.ModeNullable, Description: "where to write"},
			},
			Owners: []graph.Owner{
				{Asset: customers, Principal: "group:crm@example.org", Role: graph.OwnerAccountable, Provenance: says},
				{Asset: customers, Principal: "user:ana@example.org", Role: graph.OwnerTechnical, Provenance: says},
			},
			Grants: []graph.Grant{{On: customers, Principal: "group:sales@example.org", Role: "READER", Provenance: says}},
		},
		graph.TagSeen{Tag: graph.Tag{
			Ref: customers.Column("contact.email"), Label: "user.contact.email", State: graph.TagProposed, Form: graph.FormClear,
			Confidence: 0.9, Evidence: []string{"the form asks for it"}, Provenance: says,
		}},
		graph.TagSeen{Tag: graph.Tag{Ref: customers, Label: "internal", State: graph.TagProposed, Form: graph.FormClear, Confidence: 1, Provenance: says}},
		graph.EdgeSeen{Edge: graph.Edge{
			From: customers.Column("contact.email"), To: ref("bi/sales#who"), Kind: graph.EdgeTransformation, Function: "SHA256", Masking: true,
			Outcome: graph.OutcomeExact, Because: graph.EvidencePush,
		}},
		graph.EdgeSeen{Edge: graph.Edge{From: customers, To: ref("bi/sales"), Kind: graph.EdgeReads, Outcome: graph.OutcomePartial, Because: graph.EvidencePush}},
		graph.EdgeGone{Edge: graph.Edge{From: customers, To: ref("bi/old"), Kind: graph.EdgeReads, Outcome: graph.OutcomeExact, Because: graph.EvidencePush}},
		graph.ScopeDone{Scope: graph.Scope{Source: "crm", Parent: ref("crm/db")}},
		graph.ScopeDone{Scope: graph.Scope{Source: "crm"}},
	}
	if diff := cmp.Diff(want, b.Facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if b.Source != "crm" || b.Key != "1" || !cmp.Equal(b.Gone, []graph.Ref{ref("crm/old")}) || b.At(customers) != "facts[0].asset" {
		t.Errorf("batch of %q under %q, gone %v, at %q", b.Source, b.Key, b.Gone, b.At(customers))
	}
}

// one is a batch of one fact.
func one(fact string) string {
	return `{"facts": [` + fact + `], "key": "1", "source": "crm"}`
}

func asset(more string) string {
	return one(`{"asset": {"ref": "crm/a", "kind": "table"` + more + `}}`)
}

func TestEachFaultSaysWhere(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2000)
	tests := []struct {
		name, body, at, what string
	}{
		{"nothing", ``, "", "ends too early"},
		{"no object", `[]`, "", "no JSON object"},
		{"no JSON", `{"source"= 1}`, "source", "no JSON"},
		{"cut off", `{"source": "crm", "key": "1", "facts": [{"ass`, "facts[0]", "ends too early"},
		{"two batches", asset("") + asset(""), "", "follows the batch"},
		{"no source", `{"key": "1", "facts": [{"scopeDone": {}}]}`, "source", "empty"},
		{"no key", `{"source": "crm", "facts": [{"scopeDone": {}}]}`, "key", "empty"},
		{"a long key", `{"source": "crm", "key": "` + long[:201] + `", "facts": [{"scopeDone": {}}]}`, "key", "more than 200"},
		{"a key of two lines", `{"source": "crm", "key": "a\nb", "facts": [{"scopeDone": {}}]}`, "key", "control"},
		{"no facts", `{"source": "crm", "key": "1", "facts": []}`, "facts", "there is none"},
		{"facts that are none", `{"source": "crm", "key": "1", "facts": {}}`, "facts", "no list"},
		{"a key twice", `{"source": "crm", "key": "1", "key": "2", "facts": [{"scopeDone": {}}]}`, "key", "twice"},
		{"a field of a batch", `{"source": "crm", "key": "1", "fact": [], "facts": [{"scopeDone": {}}]}`, "fact", "not a field"},
		{"a number for a text", `{"source": 1, "key": "1", "facts": [{"scopeDone": {}}]}`, "source", "JSON number"},
		{"an empty fact", one(`{}`), "facts[0]", "says 0 things"},
		{"two facts in one", one(`{"scopeDone": {}, "removed": {"asset": "crm/a"}}`), "facts[0]", "says 2 things"},
		{"a field that is none", asset(`, "colums": []`), "facts[0]", "colums"},
		{"a list for a text", asset(`, "title": []`), "facts[0].asset.title", "JSON array"},
		{"no ref", one(`{"asset": {"kind": "table"}}`), "facts[0].asset.ref", "empty"},
		{"a ref without namespace", one(`{"asset": {"ref": "a", "kind": "table"}}`), "facts[0].asset.ref", "no ref"},
		{"a ref in another spelling", one(`{"asset": {"ref": "crm/a%20b", "kind": "table"}}`), "facts[0].asset.ref", "no ref"},
		{"a ref with NUL", one(`{"asset": {"ref": "crm/a\u0000b", "kind": "table"}}`), "facts[0].asset.ref", "control"},
		{"a ref with what separates keys", one(`{"asset": {"ref": "crm/a\u001fb", "kind": "table"}}`), "facts[0].asset.ref", "control"},
		{"a long ref", one(`{"asset": {"ref": "crm/` + long + `", "kind": "table"}}`), "facts[0].asset.ref", "1024"},
		{"a column for an asset", one(`{"asset": {"ref": "crm/a#b", "kind": "table"}}`), "facts[0].asset.ref", "wrong sort"},
		{"a kind that is none", one(`{"asset": {"ref": "crm/a", "kind": "sheet"}}`), "facts[0].asset.kind", `"sheet" is not known`},
		{"a parent that is a column", asset(`, "parent": "crm/db#x"`), "facts[0].asset.parent", "wrong sort"},
		{"NUL in a text", asset(`, "description": "a\u0000"`), "facts[0].asset.description", "NUL"},
		{"NUL in a label", asset(`, "labels": {"a": "\u0000"}`), "facts[0].asset.labels.a", "NUL"},
		{"a label without key", asset(`, "labels": {"": "x"}`), "facts[0].asset.labels", "empty"},
		{"a column without path", asset(`, "columns": [{"type": "text"}]`), "facts[0].asset.columns[0].path", "empty"},
		{"a column without type", asset(`, "columns": [{"path": "a"}]`), "facts[0].asset.columns[0].type", "empty"},
		{"a column twice", asset(`, "columns": [{"path": "a", "type": "t"}, {"path": "a", "type": "t"}]`), "facts[0].asset.columns[1].path", "another column"},
		{"a mode", asset(`, "columns": [{"path": "a", "type": "t", "mode": "NULLABLE"}]`), "facts[0].asset.columns[0].mode", "not known"},
		{"an owner of no sort", asset(`, "owners": [{"principal": "ana"}]`), "facts[0].asset.owners[0].principal", "names nobody"},
		{"an owner without name", asset(`, "owners": [{"principal": "user:"}]`), "facts[0].asset.owners[0].principal", "names nobody"},
		{"an owner of no role", asset(`, "owners": [{"principal": "user:a", "role": "king"}]`), "facts[0].asset.owners[0].role", "not known"},
		{"an owner twice", asset(`, "owners": [{"principal": "user:a"}, {"principal": "user:a"}]`), "facts[0].asset.owners[1]", "twice"},
		{"a grant without role", asset(`, "grants": [{"principal": "user:a"}]`), "facts[0].asset.grants[0].role", "empty"},
		{"a grant twice", asset(`, "grants": [{"principal": "user:a", "role": "R"}, {"principal": "user:a", "role": "R"}]`), "facts[0].asset.grants[1]", "twice"},
		{"a tag on no column", asset(`, "tags": [{"column": "x", "label": "user"}]`), "facts[0].asset.tags[0].column", "no column of the asset"},
		{"a tag without label", asset(`, "tags": [{}]`), "facts[0].asset.tags[0].label", "empty"},
		{"a tag that is too sure", asset(`, "tags": [{"label": "user", "confidence": 1.1}]`), "facts[0].asset.tags[0].confidence", "1.1"},
		{"a tag of a form", asset(`, "tags": [{"label": "user", "form": "blurred"}]`), "facts[0].asset.tags[0].form", "not known"},
		{"a tag twice", asset(`, "tags": [{"label": "user"}, {"label": "user"}]`), "facts[0].asset.tags[1]", "twice"},
		{"evidence with NUL", asset(`, "tags": [{"label": "user", "evidence": ["\u0000"]}]`), "facts[0].asset.tags[0].evidence", "NUL"},
		{"an edge of an asset and a column", one(`{"edge": {"from": "crm/a#x", "to": "crm/b"}}`), "facts[0].edge.to", "wrong sort"},
		{"an edge of a kind", one(`{"edge": {"from": "crm/a", "to": "crm/b", "kind": "copies"}}`), "facts[0].edge.kind", "not known"},
		{"an edge of an outcome", one(`{"edge": {"from": "crm/a", "to": "crm/b", "outcome": "failed"}}`), "facts[0].edge.outcome", "not known"},
		{"nothing removed", one(`{"removed": {}}`), "facts[0].removed", "or neither"},
		{"a scope that is a column", one(`{"scopeDone": {"parent": "crm/a#x"}}`), "facts[0].scopeDone.parent", "wrong sort"},
		{
			"an asset twice", one(`{"asset": {"ref": "crm/a", "kind": "table"}}, {"asset": {"ref": "crm/a", "kind": "view"}}`),
			"facts[1].asset.ref", "told by facts[0].asset already",
		},
		{
			"told and removed", one(`{"asset": {"ref": "crm/a", "kind": "table"}}, {"removed": {"asset": "crm/a"}}`),
			"facts[0].asset", "the same batch removes",
		},
		{"no UTF-8", asset(", \"title\": \"\xff\""), "", "not UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := read(tt.body, push.Document)
			var faults *push.FaultsError
			if !errors.As(err, &faults) || !errors.Is(err, graph.ErrInvalid) {
				t.Fatalf("read: %v, want faults", err)
			}
			first := faults.Faults[0]
			if first.At != tt.at || !strings.Contains(first.What, tt.what) || first.Do == "" {
				t.Errorf("fault %+v, want at %q that it %s", first, tt.at, tt.what)
			}
			if !strings.Contains(err.Error(), first.What) {
				t.Errorf("the error says %q", err)
			}
		})
	}
}

func TestAllFaultsAreTold(t *testing.T) {
	t.Parallel()
	_, err := read(one(strings.TrimSuffix(strings.Repeat(`{"edge": {"from": "a", "to": "b"}},`, 80), ",")), push.Document)
	var faults *push.FaultsError
	if !errors.As(err, &faults) || len(faults.Faults) != 100 || faults.More != 60 || !strings.Contains(err.Error(), "159 more") {
		t.Errorf("faults %v", err)
	}
}

func TestABatchInLines(t *testing.T) {
	t.Parallel()
	b, err := read("{\"source\": \"crm\", \"key\": \"k\"}\n\n{\"asset\": {\"ref\": \"crm/a\", \"kind\": \"table\"}}\n{\"scopeDone\": {}}", push.Lines)
	if err != nil || b.Source != "crm" || b.Key != "k" || len(b.Facts) != 2 || b.At(ref("crm/a")) != "line 2.asset" {
		t.Errorf("batch %+v, %v", b, err)
	}
	_, err = read("{\"source\": \"crm\", \"key\": \"k\"}\n{\"asset\": {\"ref\": \"crm/a\"}}\n{\"asset\": 1}\n{", push.Lines)
	var faults *push.FaultsError
	if !errors.As(err, &faults) || len(faults.Faults) != 3 || faults.Faults[0].At != "line 2.asset.kind" || faults.Faults[1].At != "line 3.asset" || faults.Faults[2].At != "line 4" {
		t.Errorf("faults %+v", faults)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	limits := push.Limits{Bytes: 400, Facts: 2, Columns: 2}
	edge := `{"edge": {"from": "crm/a", "to": "crm/b"}}`
	column := `{"path": %q, "type": "t"}`
	for _, tt := range []struct {
		name, body string
		ok         bool
	}{
		{"small", one(edge + "," + edge), true},
		{"facts", one(edge + "," + edge + "," + edge), false},
		{"bytes", one(edge) + strings.Repeat(" ", 400), false},
		{"columns", asset(`, "columns": [` + fmt.Sprintf(column+","+column+","+column, "a", "b", "c") + `]`), false},
		{"owners, grants and tags", asset(`, "owners": [{"principal": "user:a"}], "grants": [{"principal": "user:a", "role": "R"}], "tags": [{"label": "user"}]`), false},
		{"owners and tags", asset(`, "owners": [{"principal": "user:a"}], "tags": [{"label": "user"}]`), true},
		{"deep", strings.Repeat("[", 390), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := push.Read(strings.NewReader(tt.body), push.Document, "", limits); errors.Is(err, push.ErrTooLarge) == tt.ok {
				t.Errorf("read: %v, want it within the limits: %v", err, tt.ok)
			}
		})
	}
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 1_000_000)
	if _, err := read(one(deep), push.Document); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("a million objects in one another: %v", err)
	}
}

// Law: whatever is read as a batch holds valid facts of its source, none twice
// and none without a place; whatever is not is told as faults or as too large.
func FuzzRead(f *testing.F) {
	for _, body := range []string{whole, one(`{}`), asset(`, "columns": [{"path": "a", "type": "t"}]`), `{"source": "\u0000"}`, "[", asset(`, "title": "\ud800"`)} {
		f.Add(body, false)
	}
	f.Add("{\"source\": \"crm\", \"key\": \"k\"}\n{\"scopeDone\": {}}", true)
	f.Fuzz(func(t *testing.T, body string, lines bool) {
		form := push.Document
		if lines {
			form = push.Lines
		}
		b, err := push.Read(strings.NewReader(body), form, "", push.Limits{Bytes: 1 << 16, Facts: 50, Columns: 50})
		if err != nil {
			var faults *push.FaultsError
			if !errors.Is(err, push.ErrTooLarge) && (!errors.As(err, &faults) || len(faults.Faults) == 0) {
				t.Errorf("an error that says nothing: %v", err)
			}
			return
		}
		seen := map[graph.Ref]bool{}
		for _, fact := range b.Facts {
			if err := ingest.CheckFact(b.Source, fact); err != nil {
				t.Error(err)
			}
			if a, ok := fact.(graph.AssetSeen); ok {
				if seen[a.Asset.Ref] || b.At(a.Asset.Ref) == "" {
					t.Errorf("%s is told twice, or nowhere", a.Asset.Ref)
				}
				seen[a.Asset.Ref] = true
				for i, c := range a.Columns {
					if c.Position != i || strings.ContainsAny(c.Ref.Path, "\x00\x1f") {
						t.Errorf("column %+v at %d", c, i)
					}
				}
			}
		}
	})
}
