package graph

// Outcome says how much of a statement's lineage is known. It is kept on every
// edge, and a statement always has one: never silence.
type Outcome string

// The outcomes.
const (
	// OutcomeExact says that every table and function was known and nothing
	// was guessed.
	OutcomeExact Outcome = "exact"
	// OutcomePartial says that something named in Unresolved was not known.
	OutcomePartial Outcome = "partial"
	// OutcomeFailed says that nothing could be learned, and Reason why.
	OutcomeFailed Outcome = "failed"
	// OutcomeUnanalyzed says that no analyzer was there to ask.
	OutcomeUnanalyzed Outcome = "unanalyzed"
)

// EdgeKind says what happens to a value on its way.
type EdgeKind string

// The kinds of edge. The first four carry values and window keys; the others
// only influence which rows or groups there are.
const (
	EdgeIdentity       EdgeKind = "identity"
	EdgeTransformation EdgeKind = "transformation"
	EdgeAggregation    EdgeKind = "aggregation"
	EdgeWindow         EdgeKind = "window"
	EdgeFilter         EdgeKind = "filter"
	EdgeJoin           EdgeKind = "join"
	EdgeGroup          EdgeKind = "group"
	// EdgeReads joins two assets where columns are not known.
	EdgeReads EdgeKind = "reads"
)

// CarriesValue says whether a value of the source reaches the target along
// such an edge.
func (k EdgeKind) CarriesValue() bool {
	return k == EdgeIdentity || k == EdgeTransformation || k == EdgeAggregation
}

// EvidenceKind says where an edge was learned.
type EvidenceKind string

// The kinds of evidence.
const (
	EvidenceView      EvidenceKind = "view"
	EvidenceJob       EvidenceKind = "job"
	EvidenceConnector EvidenceKind = "connector"
	EvidenceSchema    EvidenceKind = "schema"
	EvidencePerson    EvidenceKind = "person"
	// EvidencePush is that of edges which a service pushed. No crawl of either
	// end takes them back: who pushes them does.
	EvidencePush EvidenceKind = "push"
)

// Edge says that To is made from From, and how we know. Both ends are columns,
// or both are assets. (From, To, Kind, Statement) is its identity.
type Edge struct {
	From Ref      `json:"from"`
	To   Ref      `json:"to"`
	Kind EdgeKind `json:"kind"`
	// Function is the function or aggregate last applied; empty for identity.
	Function string `json:"function,omitempty"`
	// Masking says that the value passes a masking function (a keyed or plain
	// hash, encryption) on its way: still personal data, no longer clear.
	Masking bool         `json:"masking,omitempty"`
	Outcome Outcome      `json:"outcome"`
	Because EvidenceKind `json:"because"`
	// Statement is the ID of the Statement it was learned from; empty for
	// edges that no SQL made.
	Statement string `json:"statement,omitempty"`
}

// Statement is a piece of SQL that ran, or that defines a view, and what
// became of its analysis.
type Statement struct {
	// ID is the view's ref, or "job:" and a hash of the normalised text and
	// destination, so that a daily run of one query is one statement.
	ID      string       `json:"id"`
	Source  string       `json:"source"`
	Because EvidenceKind `json:"because"`
	Dialect string       `json:"dialect"`
	// Project and Dataset complete names that the SQL leaves short.
	Project string `json:"project,omitempty"`
	Dataset string `json:"dataset,omitempty"`
	// Target is the asset it writes or defines; zero for a bare SELECT.
	Target Ref `json:"target,omitzero"`
	// SQL is a view's text verbatim; of a job's text the literals are
	// replaced before it is stored.
	SQL        string   `json:"sql"`
	Author     string   `json:"author,omitempty"`
	Outcome    Outcome  `json:"outcome"`
	Unresolved []string `json:"unresolved,omitempty"`
	// Reason says why the outcome is not exact, in one sentence.
	Reason string `json:"reason,omitempty"`
}

// Analysis is what an analyzer learned of one statement.
type Analysis struct {
	Parsed  bool
	Outcome Outcome
	// Inputs and Outputs are assets; Outputs is empty for a bare SELECT.
	Inputs, Outputs []Ref
	// Columns has one entry per output in the statement's order.
	Columns    []OutputColumn
	Influences []ColumnSource
	Unresolved []string
	Reason     string
}

// OutputColumn is one output of a statement and what it is made from.
type OutputColumn struct {
	// Output is the target column; its asset is zero for a bare SELECT.
	Output  Ref
	Name    string
	Sources []ColumnSource
}

// ColumnSource is one column that reaches an output, and how.
type ColumnSource struct {
	Column   Ref
	Kind     EdgeKind
	Function string
	Masking  bool
}
