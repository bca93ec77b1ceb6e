package policy

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
)

// bundle is a policy of one module a package.
func bundle(modules ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for i, m := range modules {
		files[string(rune('a'+i))+".rego"] = &fstest.MapFile{Data: []byte(m)}
	}
	return files
}

// allowWhy is a rule list, so that what fails in a test is what it is about.
const allowWhy = `"rules": [{"id": "x", "why": "Because."}]`

func TestWhatThePolicyGetsWrongIsDenied(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, module, rule string }{
		{"no decision", `other := 1`, "engine.undefined"},
		{"undefined", `decision := {"effect": "allow", ` + allowWhy + `} if input.column.type == "BYTES"`, "engine.undefined"},
		{"not an object", `decision := "allow"`, "engine.invalid"},
		{"true", `decision := true`, "engine.invalid"},
		{"null", `decision := null`, "engine.undefined"},
		{"no effect", `decision := {` + allowWhy + `}`, "engine.invalid"},
		{"unknown effect", `decision := {"effect": "show", ` + allowWhy + `}`, "engine.invalid"},
		{"effect in capitals", `decision := {"effect": "ALLOW", ` + allowWhy + `}`, "engine.invalid"},
		{"no rules", `decision := {"effect": "allow"}`, "engine.invalid"},
		{"empty rules", `decision := {"effect": "allow", "rules": []}`, "engine.invalid"},
		{"rule without why", `decision := {"effect": "allow", "rules": [{"id": "x"}]}`, "engine.invalid"},
		{"rules as texts", `decision := {"effect": "allow", "rules": ["x"]}`, "engine.invalid"},
		{"overruled as a text", `decision := {"effect": "allow", "overruled": "x", ` + allowWhy + `}`, "engine.invalid"},
		{"mask without method", `decision := {"effect": "mask", ` + allowWhy + `}`, "engine.invalid"},
		{"unknown method", `decision := {"effect": "mask", "method": "rot13", ` + allowWhy + `}`, "engine.invalid"},
		{"hash without domain", `decision := {"effect": "mask", "method": "hash", ` + allowWhy + `}`, "engine.invalid"},
		{"hash with a domain that is no name", `decision := {"effect": "mask", "method": "hash", "domain": "a'b", ` + allowWhy + `}`, "engine.invalid"},
		{"null with a domain", `decision := {"effect": "mask", "method": "null", "domain": "x", ` + allowWhy + `}`, "engine.invalid"},
		{"method that does not fit the type", `decision := {"effect": "mask", "method": "email", ` + allowWhy + `}`, "engine.invalid"},
		{"allow with a method", `decision := {"effect": "allow", "method": "null", ` + allowWhy + `}`, "engine.invalid"},
		{"method of another type", `decision := {"effect": "mask", "method": ["null"], ` + allowWhy + `}`, "engine.invalid"},
		{"two decisions", `decision := {"effect": "allow", ` + allowWhy + `} if input.column.type
			decision := {"effect": "deny", ` + allowWhy + `} if input.column.type`, "engine.error"},
		{"an error in a builtin", `decision := {"effect": "allow", ` + allowWhy + `} if not 1 / to_number(input.column.type) == 0`, "engine.error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := engine(t, Config{Bundle: bundle("package cadastre.column\n" + tt.module)})
			got, err := e.Decide(t.Context(), []Question{{Audience: "fraud", Facts: graph.ColumnFacts{Assessment: graph.AssessedNone, Type: "INT64"}}})
			if err != nil {
				t.Fatal(err)
			}
			want := graph.Decision{Audience: "fraud", Class: got[0].Class, Policy: e.Hash(), Effect: graph.EffectDeny, Rules: got[0].Rules}
			if diff := cmp.Diff(want, got[0]); diff != "" || len(got[0].Rules) != 1 || got[0].Rules[0].ID != tt.rule {
				t.Errorf("decision %+v, want a denial by %s", got[0], tt.rule)
			}
		})
	}
}

// A fault in one question denies that one and no other, and is logged.
func TestAFaultDeniesNoMoreThanItsQuestion(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e := engine(t, Config{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Bundle: bundle(`package cadastre.column
			decision := {"effect": "allow", ` + allowWhy + `} if input.column.type == "STRING"
			decision := {"effect": "allow", ` + allowWhy + `} if 1 / (count(input.column.type) - 5) != 0`),
	})
	got, err := e.Decide(t.Context(), []Question{
		{Audience: "fraud", Facts: graph.ColumnFacts{Type: "STRING"}},
		{Audience: "fraud", Facts: graph.ColumnFacts{Type: "BYTES"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Effect != graph.EffectAllow || got[1].Effect != graph.EffectDeny || got[1].Rules[0] != ruleError {
		t.Errorf("decisions %+v", got)
	}
	if !strings.Contains(log.String(), "policy evaluation went wrong") {
		t.Errorf("log %q", log.String())
	}
}

func TestAPolicyThatDoesNotEndIsDenied(t *testing.T) {
	t.Parallel()
	e := engine(t, Config{Timeout: 50 * time.Millisecond, Bundle: bundle(`package cadastre.column
		decision := {"effect": "allow", ` + allowWhy + `} if {
			n := numbers.range(1, 3000)
			count([1 | some i in n; some j in n; some k in n; i + j + k < 0]) == 0
		}`)})
	got, err := e.Decide(t.Context(), []Question{{Audience: "fraud"}})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Effect != graph.EffectDeny || got[0].Rules[0] != ruleError {
		t.Errorf("decision %+v", got[0])
	}
}

func TestDecideAnswersNothingOnceTheContextEnded(t *testing.T) {
	t.Parallel()
	e := engine(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := e.Decide(ctx, []Question{{Audience: "fraud"}})
	if got != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("Decide = %v, %v: want nothing and canceled", got, err)
	}
	if _, err := e.Explain(ctx, Question{Audience: "fraud"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Explain: %v", err)
	}
	filter, err := e.Filter(ctx, graph.Principal{Groups: []string{"auditors@example.org"}})
	if err == nil || filter.Visible != nil {
		t.Errorf("Filter = %v, %v: want what hides everything, and an error", filter, err)
	}
	may, rules, err := e.May(ctx, graph.Principal{Groups: []string{"auditors@example.org"}}, graph.ActionAudit, graph.Asset{}, nil)
	if err == nil || may || len(rules) == 0 {
		t.Errorf("May = %v, %v, %v: want a refusal with a reason and an error", may, rules, err)
	}
}

func TestNoQuestionHasNoAnswer(t *testing.T) {
	t.Parallel()
	got, err := engine(t, Config{}).Decide(t.Context(), nil)
	if err != nil || len(got) != 0 {
		t.Errorf("Decide(nil) = %v, %v", got, err)
	}
}

// Without configuration nobody sees, gets or does anything, save that an
// owner keeps what is theirs.
func TestTheEmptyConfigurationGrantsNothing(t *testing.T) {
	t.Parallel()
	e, err := New(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	p := graph.Principal{ID: "x@example.org", Groups: []string{"owner", "auditor", "auditors", ""}}
	filter, err := e.Filter(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if got := filter.Of(graph.Asset{Kind: graph.KindTable}, []string{"user:y@example.org"}); got != graph.Hidden {
		t.Errorf("an asset is %s", got)
	}
	for _, action := range []graph.Action{graph.ActionTag, graph.ActionDescribe, graph.ActionPlan, graph.ActionApprove, graph.ActionApply, graph.ActionAudit, graph.ActionCrawl, graph.ActionAdminister, graph.ActionBreakGlass} {
		may, _, err := e.May(t.Context(), p, action, graph.Asset{}, nil)
		if may || err != nil {
			t.Errorf("May(%s) = %v, %v", action, may, err)
		}
	}
	got, err := e.Decide(t.Context(), []Question{{Audience: "analysts", Facts: graph.ColumnFacts{Assessment: graph.AssessedNone}}})
	if err != nil || got[0].Effect != graph.EffectDeny {
		t.Errorf("Decide = %v, %v", got, err)
	}
}

func TestAFilterThatCannotBeReadHidesEverything(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, module string }{
		{"unknown attribute", `filter := {"visible": [[{"attribute": "colour", "in": ["red"]}]]}`},
		{"unknown key", `filter := {"visible": [], "everything": true}`},
		{"unknown key of a condition", `filter := {"visible": [[{"attribute": "kind", "not_in": ["table"]}]]}`},
		{"clause null", `filter := {"visible": [null]}`},
		{"visible is true", `filter := {"visible": true}`},
		{"not an object", `filter := true`},
		{"a value that is no text", `filter := {"visible": [[{"attribute": "kind", "in": [1]}]]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := engine(t, Config{Bundle: bundle("package cadastre.visibility\n" + tt.module)})
			got, err := e.Filter(t.Context(), graph.Principal{ID: "x"})
			if !errors.Is(err, graph.ErrInvalid) || got.Visible != nil || got.Discoverable != nil {
				t.Errorf("Filter = %v, %v: want what hides everything, and ErrInvalid", got, err)
			}
		})
	}
	undefined := engine(t, Config{Bundle: bundle("package cadastre.visibility\nother := 1")})
	if got, err := undefined.Filter(t.Context(), graph.Principal{}); err != nil || got.Visible != nil || got.Discoverable != nil {
		t.Errorf("undefined: Filter = %v, %v: want what hides everything", got, err)
	}
}

func TestAnAnswerThatCannotBeReadPermitsNothing(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, module, rule string }{
		{"undefined", `other := 1`, "engine.undefined"},
		{"true", `answer := true`, "engine.undefined"},
		{"no reason", `answer := {"allow": true}`, "engine.invalid"},
		{"reason without why", `answer := {"allow": true, "rules": [{"id": "x"}]}`, "engine.invalid"},
		{"allow as a text", `answer := {"allow": "true", ` + allowWhy + `}`, "engine.invalid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := engine(t, Config{Bundle: bundle("package cadastre.action\n" + tt.module)})
			may, rules, err := e.May(t.Context(), graph.Principal{}, graph.ActionAudit, graph.Asset{}, nil)
			if may || err != nil || len(rules) != 1 || rules[0].ID != tt.rule {
				t.Errorf("May = %v, %v, %v: want a refusal by %s", may, rules, err, tt.rule)
			}
		})
	}
}

// What reaches out of the process, or answers differently the next time, does
// not compile.
func TestForbiddenBuiltinsDoNotCompile(t *testing.T) {
	t.Parallel()
	for _, call := range []string{
		`http.send({"method": "get", "url": "http://localhost"})`, `opa.runtime()`, `net.lookup_ip_addr("localhost")`,
		`rand.intn("x", 7)`, `time.now_ns()`, `uuid.rfc4122("x")`,
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			_, err := New(t.Context(), Config{Bundle: bundle("package cadastre.column\ndecision := " + call)})
			if !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("New = %v, want ErrInvalid", err)
			}
		})
	}
}
