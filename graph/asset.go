package graph

import "strings"

// Kind says what an asset is. It is an attribute and never part of the
// identity: a table that becomes a view stays the same asset.
type Kind string

// The kinds of asset. The set is closed because UI, facets and policy name
// them; a new one is added here.
const (
	KindTopic            Kind = "topic"
	KindSubject          Kind = "subject"
	KindDataset          Kind = "dataset"
	KindTable            Kind = "table"
	KindView             Kind = "view"
	KindMaterializedView Kind = "materialized_view"
	KindExternalTable    Kind = "external_table"
	KindSnapshot         Kind = "snapshot"
	KindJob              Kind = "job"
	KindModel            Kind = "model"
	KindDashboard        Kind = "dashboard"
	KindBucket           Kind = "bucket"
)

// IsView says whether the asset's rows are computed by its definition.
func (k Kind) IsView() bool { return k == KindView || k == KindMaterializedView }

// Asset is anything catalogued. Its columns, owners, tags and grants are items
// of their own that name it.
type Asset struct {
	Ref  Ref  `json:"ref"`
	Kind Kind `json:"kind"`
	// Source is the name of the configured source that saw it.
	Source string `json:"source"`
	// Parent is the container, a BigQuery dataset; zero where there is none.
	Parent Ref `json:"parent,omitzero"`
	// Location is where the data lies, "EU"; empty where the platform does
	// not say.
	Location    string            `json:"location,omitempty"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	// Definition is a view's SQL, verbatim, or a subject's schema.
	Definition string `json:"definition,omitempty"`
	// Unread says why the source could not show the columns; empty when it did.
	Unread string `json:"unread,omitempty"`
}

// Mode says how often a column occurs in one row.
type Mode string

// The modes of BigQuery, into which other platforms translate.
const (
	ModeNullable Mode = "nullable"
	ModeRequired Mode = "required"
	ModeRepeated Mode = "repeated"
)

// Column is a field of an asset at any depth. Its path joins the names with
// dots and marks a repeated parent with "[]": "items[].sku". A repeated column
// itself bears no mark: "items".
type Column struct {
	Ref Ref `json:"ref"`
	// Position counts from 0 in the order of the schema, parents before
	// their children.
	Position int `json:"position"`
	// Type is the platform's type without its fields, "STRING" or "RECORD".
	Type        string `json:"type"`
	Mode        Mode   `json:"mode"`
	Description string `json:"description,omitempty"`
	// PolicyTags are the warehouse's own column security on the column.
	PolicyTags []string `json:"policyTags,omitempty"`
}

// Name returns the last part of the column's path.
func (c Column) Name() string { return c.Ref.Path[strings.LastIndexByte(c.Ref.Path, '.')+1:] }

// IsRecord says whether the column has fields of its own; only the leaves
// bear values and decisions.
func (c Column) IsRecord() bool { return c.Type == "RECORD" || c.Type == "STRUCT" }

// ParentPath returns the path of the record that holds the column at path, and
// "" for a top-level column.
func ParentPath(path string) string {
	dot := strings.LastIndexByte(path, '.')
	if dot < 0 {
		return ""
	}
	return strings.TrimSuffix(path[:dot], "[]")
}

// ChildPath returns the path of the field name within parent.
func ChildPath(parent Column, name string) string {
	if parent.Mode == ModeRepeated {
		return parent.Ref.Path + "[]." + name
	}
	return parent.Ref.Path + "." + name
}

// OwnerRole says in what way somebody answers for an asset.
type OwnerRole string

// The roles of owners.
const (
	OwnerAccountable OwnerRole = "accountable"
	OwnerTechnical   OwnerRole = "technical"
)

// Owner is somebody who answers for an asset.
type Owner struct {
	Asset Ref `json:"asset"`
	// Principal is "user:ana@example.org", "group:data@example.org" or
	// "team:billing" where a source knows no address.
	Principal  string     `json:"principal"`
	Role       OwnerRole  `json:"role"`
	Provenance Provenance `json:"provenance"`
}

// ProvenanceKind says what sort of witness says something.
type ProvenanceKind string

// The sorts of witness, in rising order of authority: a person's word wins.
const (
	ByPropagation ProvenanceKind = "propagation"
	ByDetector    ProvenanceKind = "detector"
	BySource      ProvenanceKind = "source"
	ByPerson      ProvenanceKind = "person"
)

// Provenance says who says so.
type Provenance struct {
	Kind ProvenanceKind `json:"kind"`
	// Name is the source, the detector, the person's address, or the ref
	// from which a tag came down the lineage.
	Name string `json:"name"`
	// Why is a person's reason or the evidence in one sentence; optional.
	Why string `json:"why,omitempty"`
}

// Grant is an access right as the warehouse holds it. On is the container or
// asset it lies on; rights are inherited from a container by its assets.
type Grant struct {
	On Ref `json:"on"`
	// Principal is "user:…", "group:…", "domain:…", "special:projectOwners",
	// "view:ref" or "dataset:ref" (authorized view, authorized dataset).
	Principal string `json:"principal"`
	// Role is BigQuery's: READER, WRITER, OWNER, a full role name, or
	// "authorized" for views and datasets.
	Role       string     `json:"role"`
	Provenance Provenance `json:"provenance"`
}

// RoleAuthorized is the Role of a Grant whose Principal is a view or dataset.
const RoleAuthorized = "authorized"
