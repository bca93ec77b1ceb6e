package policy

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	opa "github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/mask"
	"cadastre.dev/cadastre/policy/rego"
)

// corpus makes n random questions from a seed: known and unknown labels,
// audiences, types, states and forms.
func corpus(e *Engine, seed uint64, n int) []Question {
	random := rand.New(rand.NewPCG(seed, 1))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	labels := []string{"user.shoe_size", ""}
	for _, l := range e.Vocabulary() {
		labels = append(labels, l.Key)
	}
	audiences := []string{"nobody", ""}
	for _, a := range e.Audiences() {
		audiences = append(audiences, a.Name)
	}
	types := []string{"GEOMETRY", ""}
	for _, t := range mask.Types() {
		types = append(types, string(t))
	}
	questions := make([]Question, n)
	for i := range questions {
		facts := graph.ColumnFacts{
			Assessment: graph.Assessment(pick("untouched", "none", "tagged", "tagged", "tagged", "odd")),
			Type:       pick(types...),
			Domain:     pick("", "customer", "network"),
			Kind:       graph.Kind(pick("table", "view", "topic")),
			Source:     pick("warehouse", "registry"),
		}
		for range random.IntN(4) {
			facts.Labels = append(facts.Labels, graph.LabelFact{
				Label: pick(labels...),
				State: graph.TagState(pick("proposed", "confirmed", "confirmed", "odd")),
				Form:  graph.TagForm(pick("clear", "clear", "pseudonymous")),
			})
		}
		questions[i] = Question{Audience: pick(audiences...), Facts: facts}
	}
	return questions
}

// plainOPA is the bundle prepared by OPA itself, with nothing of the engine's
// loading, projection or batching but the data that both are given.
func plainOPA(t testing.TB, config Data) opa.PreparedEvalQuery {
	t.Helper()
	_, data, err := read(rego.Bundle())
	if err != nil {
		t.Fatal(err)
	}
	if err := addConfig(data, config); err != nil {
		t.Fatal(err)
	}
	options := []func(*opa.Rego){opa.Query("data.cadastre.column.decision"), opa.Store(inmem.NewFromObject(data))}
	err = fs.WalkDir(rego.Bundle(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".rego" || strings.HasSuffix(name, "_test.rego") {
			return err
		}
		content, err := fs.ReadFile(rego.Bundle(), name)
		options = append(options, opa.Module(name, string(content)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := opa.New(options...).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return prepared
}

// askPlain asks OPA one question as JSON.
func askPlain(t testing.TB, prepared opa.PreparedEvalQuery, q Question) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(map[string]any{"audience": q.Audience, "column": q.Facts})
	if err != nil {
		t.Fatal(err)
	}
	var input map[string]any
	if err := json.Unmarshal(encoded, &input); err != nil {
		t.Fatal(err)
	}
	if input["column"].(map[string]any)["labels"] == nil {
		input["column"].(map[string]any)["labels"] = []any{}
	}
	results, err := prepared.Eval(t.Context(), opa.EvalInput(input))
	if err != nil {
		t.Fatal(err)
	}
	if len(results) == 0 {
		return nil
	}
	return results[0].Expressions[0].Value.(map[string]any)
}

// Law: what the engine decides equals what plain OPA answers to each question
// alone; where OPA has no answer, or the audience does not exist, it denies.
func TestDecisionsEqualPlainOPA(t *testing.T) {
	t.Parallel()
	e := engine(t, Config{})
	plain := plainOPA(t, company())
	questions := corpus(e, 7, 1500)
	decisions, err := e.Decide(t.Context(), questions)
	if err != nil {
		t.Fatal(err)
	}
	effects := map[graph.Effect]int{}
	for i, q := range questions {
		got := decisions[i]
		effects[got.Effect]++
		answer := askPlain(t, plain, q)
		unknown := !slices.ContainsFunc(e.Audiences(), func(a graph.Audience) bool { return a.Name == q.Audience })
		if answer == nil || unknown {
			if got.Effect != graph.EffectDeny {
				t.Errorf("%+v: %s, want a denial", q, got.Effect)
			}
			continue
		}
		text := func(key string) string { s, _ := answer[key].(string); return s }
		rules, _ := rulesOf(answer["rules"])
		want := graph.Decision{
			Audience: q.Audience, Class: e.Class(q.Facts), Effect: graph.Effect(text("effect")),
			Method: text("method"), Domain: text("domain"), Rules: rules, Policy: e.Hash(),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%+v (-plain +engine):\n%s", q, diff)
		}
	}
	for _, effect := range []graph.Effect{graph.EffectDeny, graph.EffectMask, graph.EffectAllow} {
		if effects[effect] < 50 {
			t.Errorf("the corpus has %d of effect %s: it tests nothing", effects[effect], effect)
		}
	}
}

// Law: decisions depend neither on the order of questions nor on that of
// labels, nor on how many are asked at once.
func TestDecisionsDoNotDependOnOrder(t *testing.T) {
	t.Parallel()
	e := engine(t, Config{})
	questions := corpus(e, 8, 1200)
	want, err := e.Decide(t.Context(), questions)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(9, 9))
	order := random.Perm(len(questions))
	shuffled := make([]Question, len(questions))
	for i, from := range order {
		q := questions[from]
		q.Facts.Labels = slices.Clone(q.Facts.Labels)
		random.Shuffle(len(q.Facts.Labels), func(a, b int) {
			q.Facts.Labels[a], q.Facts.Labels[b] = q.Facts.Labels[b], q.Facts.Labels[a]
		})
		shuffled[i] = q
	}
	got, err := e.Decide(t.Context(), shuffled)
	if err != nil {
		t.Fatal(err)
	}
	for i, from := range order {
		if diff := cmp.Diff(want[from], got[i]); diff != "" {
			t.Fatalf("%+v (-in order +shuffled):\n%s", questions[from], diff)
		}
	}
	for i := 0; i < len(questions); i += 50 {
		alone, err := e.Explain(t.Context(), questions[i])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[i], alone.Decision); diff != "" {
			t.Errorf("%+v (-together +alone):\n%s", questions[i], diff)
		}
	}
}

// Law: one class has one decision for each audience.
func TestOneClassHasOneDecision(t *testing.T) {
	t.Parallel()
	e := engine(t, Config{})
	questions := corpus(e, 10, 2000)
	decisions, err := e.Decide(t.Context(), questions)
	if err != nil {
		t.Fatal(err)
	}
	first := map[string]graph.Decision{}
	shared := 0
	for _, d := range decisions {
		key := d.Audience + " " + string(d.Class)
		was, ok := first[key]
		if !ok {
			first[key] = d
			continue
		}
		shared++
		if diff := cmp.Diff(was, d); diff != "" {
			t.Errorf("%s has two decisions:\n%s", key, diff)
		}
	}
	if shared == 0 {
		t.Error("no two questions share a class: the corpus tests nothing")
	}
}

// Law: every decision can be carried out, and says why.
func TestEveryDecisionCanBeCarriedOut(t *testing.T) {
	t.Parallel()
	e := engine(t, Config{})
	questions := corpus(e, 11, 1000)
	decisions, err := e.Decide(t.Context(), questions)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range decisions {
		if len(d.Rules) == 0 {
			t.Errorf("%+v: no reason", questions[i])
		}
		if d.Effect != graph.EffectMask {
			continue
		}
		m, err := mask.ByName(d.Method)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.SQL(mask.GoogleSQL, "x", mask.Type(questions[i].Facts.Type), mask.Params{Domain: d.Domain, KeyAlias: "k"}); err != nil {
			t.Errorf("%+v: %v", questions[i], err)
		}
	}
}

// Law: another label never shows more, except to say that an unassessed or
// undecided column is something.
func TestAnotherLabelNeverShowsMore(t *testing.T) {
	t.Parallel()
	e := engine(t, Config{})
	rank := func(d graph.Decision) int {
		order := []string{"allow", "mask email", "mask hash", "mask null", "deny"}
		return slices.Index(order, strings.TrimSpace(string(d.Effect)+" "+d.Method))
	}
	for _, q := range corpus(e, 12, 100) {
		if q.Facts.Assessment != graph.Tagged || len(q.Facts.Labels) == 0 {
			continue
		}
		more := q
		for _, l := range e.Vocabulary()[:12] {
			more.Facts.Labels = append(slices.Clone(q.Facts.Labels), graph.LabelFact{Label: l.Key, State: graph.TagConfirmed, Form: graph.FormClear})
			if slices.ContainsFunc(q.Facts.Labels, func(f graph.LabelFact) bool { return f.Label == l.Key }) {
				continue // effective tags hold a label once
			}
			decisions, err := e.Decide(t.Context(), []Question{q, more})
			if err != nil {
				t.Fatal(err)
			}
			if rank(decisions[1]) < rank(decisions[0]) {
				t.Errorf("%+v: %s %s, with %s: %s %s", q, decisions[0].Effect, decisions[0].Method, l.Key, decisions[1].Effect, decisions[1].Method)
			}
		}
	}
}

// The benchmarks decide the columns of one catalog: 20,000 columns for five
// audiences.
func catalogQuestions(e *Engine) []Question {
	classes := corpus(e, 13, 200)
	var questions []Question
	for i := range 20_000 {
		for _, a := range e.Audiences() {
			questions = append(questions, Question{Audience: a.Name, Facts: classes[i%len(classes)].Facts})
		}
	}
	return questions
}

func BenchmarkDecide(b *testing.B) {
	e := engine(b, Config{})
	questions := catalogQuestions(e)
	for b.Loop() {
		if _, err := e.Decide(b.Context(), questions); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(questions)*b.N)/b.Elapsed().Seconds(), "columns/s")
}

// BenchmarkDecideAgainstPlainOPA reports how many times as fast the engine
// decides a catalog as plain OPA asked column by column, and how many times as
// fast it evaluates distinct classes alone, without what is saved by deciding
// each class once.
func BenchmarkDecideAgainstPlainOPA(b *testing.B) {
	e := engine(b, Config{})
	plain := plainOPA(b, company())
	questions := catalogQuestions(e)
	sample := questions[:2000]
	distinct := slices.CompactFunc(slices.Clone(corpus(e, 14, 1000)), func(a, b Question) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
	var ours, theirs, oursDistinct, theirsDistinct time.Duration
	timed := func(into *time.Duration, what func()) { began := time.Now(); what(); *into += time.Since(began) }
	decide := func(questions []Question) func() {
		return func() {
			if _, err := e.Decide(b.Context(), questions); err != nil {
				b.Fatal(err)
			}
		}
	}
	ask := func(questions []Question) func() {
		return func() {
			for _, q := range questions {
				askPlain(b, plain, q)
			}
		}
	}
	for b.Loop() {
		timed(&ours, decide(questions))
		timed(&theirs, ask(sample))
		timed(&oursDistinct, decide(distinct))
		timed(&theirsDistinct, ask(distinct))
	}
	scale := float64(len(questions)) / float64(len(sample))
	b.ReportMetric(scale*theirs.Seconds()/ours.Seconds(), "catalog-ratio")
	b.ReportMetric(theirsDistinct.Seconds()/oursDistinct.Seconds(), "distinct-ratio")
}
