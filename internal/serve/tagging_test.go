package serve

import (
	"slices"
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// said is what somebody says of a column of the company.
func said(table, path, label, state string) graph.TagRequest {
	return graph.TagRequest{Ref: column(table, path), Label: label, State: state, Reason: "I know it"}
}

// ofPersons are the tags by which people said something of a column.
func (h *house) ofPersons(ref graph.Ref) []string {
	h.t.Helper()
	r, err := h.app().reader(h.t.Context(), system(), 0)
	if err != nil {
		h.t.Fatal(err)
	}
	tags, err := r.Tags(h.t.Context(), ref.Asset())
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, tag := range tags[ref.Asset()] {
		if tag.Ref == ref && tag.Provenance.Kind == graph.ByPerson {
			out = append(out, string(tag.State)+" "+tag.Label+" by "+tag.Provenance.Name)
		}
	}
	return out
}

func TestWhatMakesNoSenseIsNotTagged(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	for _, test := range []struct {
		name     string
		who      graph.Principal
		requests []graph.TagRequest
		kind     error
		want     string
	}{
		{"nothing", otto(), nil, graph.ErrInvalid, "nothing was said"},
		{"a label that is none", otto(), []graph.TagRequest{said("raw.customers", "full_name", "user.nam", "confirmed")}, graph.ErrInvalid, "user.name"},
		{"a label out of nowhere", otto(), []graph.TagRequest{said("raw.customers", "full_name", "colour", "confirmed")}, graph.ErrInvalid, "user.contact"},
		{"no label", otto(), []graph.TagRequest{said("raw.customers", "full_name", "", "confirmed")}, graph.ErrInvalid, "vocabulary"},
		{"a state that is none", otto(), []graph.TagRequest{said("raw.customers", "full_name", "user.name", "sure")}, graph.ErrInvalid, "confirmed, rejected, withdrawn"},
		{"a proposal is no person's", otto(), []graph.TagRequest{said("raw.customers", "full_name", "user.name", "proposed")}, graph.ErrInvalid, "confirmed"},
		{"a column that is not", otto(), []graph.TagRequest{said("raw.customers", "fulname", "user.name", "confirmed")}, graph.ErrNotFound, "fulname"},
		{"an asset that is not", otto(), []graph.TagRequest{said("raw.nothing", "a", "user.name", "confirmed")}, graph.ErrNotFound, "raw.nothing"},
		{"what one may only discover", ana(), []graph.TagRequest{said("raw.support_tickets", "body", "user.name", "confirmed")}, graph.ErrDenied, "ask its owners"},
		{
			"one label twice of one column", otto(),
			[]graph.TagRequest{said("raw.customers", "full_name", "user.name", "confirmed"), said("raw.customers", "FULL_NAME", "user.name", "rejected")},
			graph.ErrInvalid, "twice",
		},
		{
			"a reason without end", otto(),
			[]graph.TagRequest{{Ref: column("raw.customers", "full_name"), Label: "user.name", State: "confirmed", Reason: strings.Repeat("ä", maxReason+1)}},
			graph.ErrInvalid, "reason",
		},
		{"another's asset", ana(), []graph.TagRequest{said("raw.customers", "full_name", "user.name", "confirmed")}, graph.ErrDenied, "tag"},
		{
			"one of two that makes no sense", otto(),
			[]graph.TagRequest{said("raw.customers", "full_name", "user.name", "confirmed"), said("raw.customers", "nothing", "user.name", "confirmed")},
			graph.ErrNotFound, "nothing",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := h.head()
			_, _, err := h.app().Tag(t.Context(), test.who, test.requests)
			mustBe(t, err, test.kind)
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error does not tell of %q: %v", test.want, err)
			}
			if after := h.head(); after != before {
				t.Errorf("revision %d was made", after)
			}
			if got := h.ofPersons(column("raw.customers", "full_name")); len(got) > 0 {
				t.Errorf("something was said all the same: %v", got)
			}
		})
	}
	if got := h.events("refused"); !slices.ContainsFunc(got, func(e string) bool {
		return strings.HasPrefix(e, company.Ana().Email) && strings.Contains(e, "raw.customers")
	}) || !slices.ContainsFunc(got, func(e string) bool {
		return strings.HasPrefix(e, company.Ana().Email) && strings.Contains(e, "raw.support_tickets")
	}) {
		t.Errorf("the audit log does not tell whom it refused: %v", got)
	}
}

// To tag what is hidden must answer as to tag what does not exist.
func TestWhatIsHiddenIsTaggedAsIfItWereNot(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	stranger := graph.Principal{ID: "sam@lumen.example", Name: "Sam", Groups: []string{"nobody@lumen.example"}}
	answer := func(table string) string {
		_, _, err := h.app().Tag(t.Context(), stranger, []graph.TagRequest{said(table, "full_name", "user.name", "confirmed")})
		mustBe(t, err, graph.ErrNotFound)
		return strings.ReplaceAll(err.Error(), table, "TABLE")
	}
	if hidden, missing := answer("raw.customers"), answer("raw.nothing"); hidden != missing {
		t.Errorf("hidden: %s\nmissing: %s", hidden, missing)
	}
	if got := h.events("refused"); slices.ContainsFunc(got, func(e string) bool { return strings.Contains(e, "sam@") }) {
		t.Errorf("the log says that something was refused, so it is there: %v", got)
	}
}

func TestAWordIsSaidChangedAndTakenBack(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	name := column("raw.customers", "full_name")
	for _, step := range []struct{ state, want string }{
		{"confirmed", "confirmed user.name by otto@lumen.example"},
		{"rejected", "rejected user.name by otto@lumen.example"},
		{"withdrawn", ""},
		{"withdrawn", ""},
	} {
		h.tag(otto(), said("raw.customers", "full_name", "user.name", step.state))
		if got := strings.Join(h.ofPersons(name), "; "); got != step.want {
			t.Errorf("after %s: %q, want %q", step.state, got, step.want)
		}
	}
}

func TestAColumnIsSpelledAsTheCatalogDoes(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	h.tag(otto(), said("raw.customers", "Full_Name", "user.name", "confirmed"))
	if got := h.ofPersons(column("raw.customers", "full_name")); len(got) != 1 {
		t.Errorf("the column bears %v", got)
	}
}

func TestATagOfTheOwnerIsDecidedUpon(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	effect := func() string {
		decisions, err := h.app().Explain(t.Context(), otto(), column("raw.customers", "contact.email"), "analysts")
		if err != nil || len(decisions) != 1 {
			t.Fatalf("got %v, %v", decisions, err)
		}
		return string(decisions[0].Effect)
	}
	if got := effect(); got != "deny" {
		t.Errorf("untouched, the column is %s", got)
	}
	h.tag(otto(), said("raw.customers", "contact.email", "user.contact.email", "confirmed"))
	if got := effect(); got != "mask" {
		t.Errorf("confirmed, the column is %s", got)
	}
	h.tag(otto(), said("raw.customers", "contact.email", "user.contact.email", "withdrawn"))
	if got := effect(); got != "deny" {
		t.Errorf("withdrawn, the column is %s", got)
	}
}

func TestExplainSaysWhatItCannotExplain(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	for _, test := range []struct {
		name, audience string
		ref            graph.Ref
		kind           error
		want           string
	}{
		{"an asset", "", graph.BigQueryRef(company.Project, "raw.customers"), graph.ErrInvalid, "#path"},
		{"no column", "", column("raw.customers", "nothing"), graph.ErrNotFound, "nothing"},
		{"no audience", "nobody", column("raw.customers", "full_name"), graph.ErrNotFound, "analysts"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := h.app().Explain(t.Context(), otto(), test.ref, test.audience)
			mustBe(t, err, test.kind)
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error does not tell of %q: %v", test.want, err)
			}
		})
	}
}

func TestTheInboxHoldsWhatIsMineToAnswer(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	mine, err := h.app().Inbox(t.Context(), otto())
	if err != nil || len(mine) == 0 {
		t.Fatalf("the owner's inbox holds %d, %v", len(mine), err)
	}
	if others, err := h.app().Inbox(t.Context(), ana()); err != nil || len(others) > 0 {
		t.Errorf("an analyst is asked %v, %v", others, err)
	}
	first := mine[0]
	h.tag(otto(), graph.TagRequest{Ref: first.Ref, Label: first.Label, State: string(graph.TagRejected)})
	left, err := h.app().Inbox(t.Context(), otto())
	if err != nil || slices.ContainsFunc(left, func(x graph.Tag) bool { return x.Ref == first.Ref && x.Label == first.Label }) {
		t.Errorf("what was answered is asked again: %v", err)
	}
}

// What the app offers and what the program lets through are one answer.
func TestWhoMayTagIsToldByAsset(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	tables := []string{"raw.customers", "raw.support_tickets", "core.customers"}
	for _, test := range []struct {
		name string
		who  graph.Principal
		want bool
	}{
		{"the owner", otto(), true},
		{"an analyst", ana(), false},
		{"a stranger", graph.Principal{ID: "sam@lumen.example", Groups: []string{"nobody@lumen.example"}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := h.head()
			for _, table := range tables {
				ref := column(table, "customer_id").Asset()
				may, err := h.app().May(t.Context(), test.who, graph.ActionTag, ref)
				if err != nil {
					t.Fatal(err)
				}
				if may[ref] != test.want {
					t.Errorf("%s: may tag %v, want %v", table, may[ref], test.want)
				}
			}
			if got := h.events("refused"); len(got) > 0 || h.head() != before {
				t.Errorf("to ask is no attempt: %v", got)
			}
		})
	}
}
