package walk

import (
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// Way returns the columns by which a tag came down the lineage, the one that
// its origin is or holds first and its own column last: what a reader must be
// allowed to see before it is shown the tag's evidence. It is false where the
// tag was not propagated, or its evidence cannot be read: then nothing of it
// can be told to be harmless.
func Way(t graph.Tag) ([]graph.Ref, bool) {
	if t.Provenance.Kind != graph.ByPropagation || len(t.Evidence) == 0 {
		return nil, false
	}
	at, err := graph.ParseRef(t.Provenance.Name)
	if err != nil {
		return nil, false
	}
	var way []graph.Ref
	for _, line := range t.Evidence {
		e, ok := readStep(line)
		if !ok || !holds(at, e.From) {
			return nil, false
		}
		way, at = append(way, e.From, e.To), e.To
	}
	return slices.CompactFunc(way, func(a, b graph.Ref) bool { return a.Key() == b.Key() }), at.Key() == t.Ref.Key()
}

// holds says whether a column is, or lies within, what at names.
func holds(at, column graph.Ref) bool {
	for column.Key() != at.Key() {
		if !column.IsColumn() {
			return false
		}
		column = column.Column(graph.ParentPath(column.Path))
	}
	return true
}

const (
	stepArrow = " → "
	stepHow   = " ("
	// stepMasking ends what is said of a step that masks.
	stepMasking = ", masking"
)

// readStep reads what step writes.
func readStep(line string) (e graph.Edge, ok bool) {
	open := strings.LastIndex(line, stepHow)
	if open < 0 {
		return e, false
	}
	left, right, found := strings.Cut(line[:open], stepArrow)
	how, closed := strings.CutSuffix(line[open+len(stepHow):], ")")
	how, e.Masking = strings.CutSuffix(how, stepMasking)
	kind, function, _ := strings.Cut(how, " ")
	e.Kind, e.Function = graph.EdgeKind(kind), function
	var errFrom, errTo error
	e.From, errFrom = graph.ParseRef(left)
	e.To, errTo = graph.ParseRef(right)
	return e, found && closed && errFrom == nil && errTo == nil
}

// Tell says a tag's evidence in sentences, for people: of a propagated tag
// what its column is made from, and that from what, back to the origin. What
// is no way is told as it stands.
func Tell(t graph.Tag) []string {
	if _, ok := Way(t); !ok {
		return t.Evidence
	}
	told := make([]string, 0, len(t.Evidence))
	for _, line := range slices.Backward(t.Evidence) {
		e, _ := readStep(line)
		how := "computed"
		switch {
		case e.Masking:
			how = "masked"
		case e.Kind == graph.EdgeIdentity:
			how = "copied"
		}
		if e.Function != "" {
			how += " by " + e.Function
		}
		if len(told) == 0 {
			how = strings.ToUpper(how[:1]) + how[1:]
		} else {
			how = "That is " + how
		}
		told = append(told, how+" from "+spoken(e.From)+".")
	}
	return told
}

// spoken names a column as people do.
func spoken(r graph.Ref) string {
	if strings.HasPrefix(r.Namespace, "kafka://") {
		return r.Path + " of the topic " + r.Name
	}
	return r.Path + " of " + r.Name
}
