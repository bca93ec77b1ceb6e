package graph

import (
	"fmt"
	"strings"
)

// Ref is the one identifier of the graph: OpenLineage's (namespace, name) and,
// for a column, its path within the asset. Case is preserved; Key folds it by
// the platform's rule. The zero Ref names nothing.
//
// Source: OpenLineage, "Naming conventions".
type Ref struct {
	// Namespace is the platform, "bigquery" or "kafka://host:port".
	Namespace string
	// Name is the asset within it, "project.dataset.table" or a topic.
	Name string
	// Path is the column within the asset, "address.geo.lat" or
	// "items[].sku"; empty for the asset itself.
	Path string
}

// The namespaces with rules of their own.
const (
	// NamespaceBigQuery holds every BigQuery asset of the world, as
	// "project.dataset" and "project.dataset.table".
	NamespaceBigQuery = "bigquery"
)

// BigQueryRef names a BigQuery container or table from its parts, outermost
// first.
func BigQueryRef(parts ...string) Ref {
	return Ref{Namespace: NamespaceBigQuery, Name: strings.Join(parts, ".")}
}

// Column returns the ref of the column at path within r's asset.
func (r Ref) Column(path string) Ref { r.Path = path; return r }

// Asset returns the ref without its column path.
func (r Ref) Asset() Ref { r.Path = ""; return r }

// IsColumn says whether r names a column.
func (r Ref) IsColumn() bool { return r.Path != "" }

// IsZero says whether r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// Base returns the last part of the asset's name: the table, the topic.
func (r Ref) Base() string {
	if r.Namespace == NamespaceBigQuery {
		return r.Name[strings.LastIndexByte(r.Name, '.')+1:]
	}
	return r.Name[strings.LastIndexByte(r.Name, '/')+1:]
}

// Parent returns the ref of a BigQuery table's container, and the zero Ref
// where the platform has none.
func (r Ref) Parent() Ref {
	if r.Namespace != NamespaceBigQuery || strings.Count(r.Name, ".") < 2 {
		return Ref{}
	}
	return Ref{Namespace: r.Namespace, Name: r.Name[:strings.LastIndexByte(r.Name, '.')]}
}

// String writes r as namespace/name#path. "%" and "#" are percent-encoded in
// namespace and name, "/" in the name alone, so that ParseRef(r.String()) == r.
func (r Ref) String() string {
	if !strings.ContainsAny(r.Namespace, "%#") && !strings.ContainsAny(r.Name, "%#/") {
		// Nearly all refs, and every row of the catalog is read by one.
		if r.Path == "" {
			return r.Namespace + "/" + r.Name
		}
		return r.Namespace + "/" + r.Name + "#" + r.Path
	}
	var b strings.Builder
	b.Grow(len(r.Namespace) + len(r.Name) + len(r.Path) + 2)
	_, _ = refNamespace.WriteString(&b, r.Namespace)
	b.WriteByte('/')
	_, _ = refName.WriteString(&b, r.Name)
	if r.Path != "" {
		b.WriteByte('#')
		b.WriteString(r.Path)
	}
	return b.String()
}

var (
	refNamespace = strings.NewReplacer("%", "%25", "#", "%23")
	refName      = strings.NewReplacer("%", "%25", "#", "%23", "/", "%2F")
	refDecode    = strings.NewReplacer("%25", "%", "%23", "#", "%2F", "/")
)

// ParseRef reads what String writes. Anything else is ErrInvalid: an empty
// namespace or name, a "%" that begins no escape, an empty path after "#".
func ParseRef(s string) (Ref, error) {
	asset, path, isColumn := strings.Cut(s, "#")
	slash := strings.LastIndexByte(asset, '/')
	if slash < 1 || slash == len(asset)-1 || (isColumn && path == "") {
		return Ref{}, fmt.Errorf("ref %q: want namespace/name or namespace/name#path: %w", s, ErrInvalid)
	}
	r := Ref{Namespace: refDecode.Replace(asset[:slash]), Name: refDecode.Replace(asset[slash+1:]), Path: path}
	if r.String() != s {
		return Ref{}, fmt.Errorf("ref %q: not in its one spelling, want %q: %w", s, r.String(), ErrInvalid)
	}
	return r, nil
}

// Key is the folded form by which two spellings of one thing are found to be
// the same. BigQuery's columns are case-insensitive, its tables are not; other
// platforms keep their case.
func (r Ref) Key() string {
	if r.Path != "" && r.Namespace == NamespaceBigQuery {
		r.Path = strings.ToLower(r.Path)
	}
	return r.String()
}

// MarshalText writes String, so that a Ref is a string in JSON.
func (r Ref) MarshalText() ([]byte, error) {
	if r.IsZero() {
		return nil, nil
	}
	return []byte(r.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (r *Ref) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*r = Ref{}
		return nil
	}
	parsed, err := ParseRef(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// CompareRefs orders refs by namespace, name and path, so that what is sorted
// does not depend on the order in which it was seen.
func CompareRefs(a, b Ref) int {
	if c := strings.Compare(a.Namespace, b.Namespace); c != 0 {
		return c
	}
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return strings.Compare(a.Path, b.Path)
}
