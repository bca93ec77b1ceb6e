package push

import (
	"fmt"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// maxName is how long what names something may be, in bytes: longer ones do
// not fit the indexes of databases.
const maxName = 1024

// isName says whether something can name a thing: not empty, without control
// characters, which separate the parts of keys.
func isName(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// isText says whether a text can be kept in every database.
func isText(s string) bool { return !strings.Contains(s, "\x00") }

func isMode(m graph.Mode) bool {
	return m == graph.ModeNullable || m == graph.ModeRequired || m == graph.ModeRepeated
}

func (r *reader) name(at, s string, needed bool) {
	switch {
	case s == "" && needed:
		r.fault(at, "is empty", "fill it in")
	case s != "" && !isName(s):
		r.fault(at, fmt.Sprintf("has control characters, or more than %d bytes", maxName), "write a name in one line")
	}
}

func (r *reader) text(at, s string) {
	if !isText(s) {
		r.fault(at, "holds a NUL character", "leave it out")
	}
}

func (r *reader) oneOf(at, s string, all []string) {
	if !slices.Contains(all, s) {
		r.fault(at, fmt.Sprintf("%.60q is not known", s), "write one of "+strings.Join(all, ", "))
	}
}

func (r *reader) once(at, key string, had map[string]bool) {
	if had[key] {
		r.fault(at, "is there twice", "write it once")
	}
	had[key] = true
}

func (r *reader) principal(at, s string, prefixes ...string) {
	if !isName(s) || !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) && len(s) > len(p) }) {
		r.fault(at, fmt.Sprintf("%.60q names nobody", s), "write "+strings.Join(prefixes, ", ")+" and who it is")
	}
}

// ref reads a ref in its one spelling.
func (r *reader) ref(at, s string, column bool) graph.Ref {
	ref, err := graph.ParseRef(s)
	switch {
	case !isName(s):
		r.name(at, s, true)
	case err != nil:
		r.fault(at, fmt.Sprintf("%.200q is no ref", s), "write namespace/name, or namespace/name#path for a column, with % as %25, # as %23 and / in the name as %2F")
	case ref.IsColumn() != column:
		r.fault(at, fmt.Sprintf("%.200q is of the wrong sort", s), "name an asset here; both ends of an edge are assets, or both are columns")
	default:
		return ref
	}
	return graph.Ref{}
}

func kinds() []string {
	return []string{
		string(graph.KindTopic), string(graph.KindSubject), string(graph.KindDataset), string(graph.KindTable), string(graph.KindView),
		string(graph.KindMaterializedView), string(graph.KindExternalTable), string(graph.KindSnapshot), string(graph.KindJob),
		string(graph.KindModel), string(graph.KindDashboard), string(graph.KindBucket),
	}
}

func edgeKinds() []string {
	return []string{
		string(graph.EdgeIdentity), string(graph.EdgeTransformation), string(graph.EdgeAggregation), string(graph.EdgeWindow),
		string(graph.EdgeFilter), string(graph.EdgeJoin), string(graph.EdgeGroup), string(graph.EdgeReads),
	}
}
