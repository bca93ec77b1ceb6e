package googlesql

// Outcome says how far an answer may be trusted. The set is closed: lineage
// either is known, is known in part with what lacks named, or is not known.
type Outcome string

const (
	// Exact means that every table's columns were known and nothing guessed.
	Exact Outcome = "exact"
	// Partial means that something was assumed or left out; the answer's
	// Unresolved names it.
	Partial Outcome = "partial"
	// Failed means that no lineage was found; the answer's Error says why.
	Failed Outcome = "failed"
)

// Kind says how a source column reaches an output. The set is closed, as
// everything downstream (tags, edges, words in the UI) must treat each.
type Kind string

const (
	// Identity is a value copied as it is.
	Identity Kind = "identity"
	// Transformation is a value computed from the source, row by row.
	Transformation Kind = "transformation"
	// Aggregation is a value computed over a group of the source's rows.
	Aggregation Kind = "aggregation"
	// Window is a key of a window's PARTITION BY or ORDER BY.
	Window Kind = "window"
	// Filter is an influence: the column decides which rows there are.
	Filter Kind = "filter"
	// Join is an influence: the column decides which rows meet.
	Join Kind = "join"
	// Group is an influence: the column decides which rows are one group.
	Group Kind = "group"
)

// Source is one column that an output or a statement draws on.
type Source struct {
	// Asset is the full name of the table the column belongs to.
	Asset string `json:"asset"`
	// Column is the path to the leaf that was read ("contact.email",
	// "items[].sku"); a struct copied whole stays one path. "*" is all columns
	// of a table whose columns are not known.
	Column string `json:"column"`
	// Kind is identity, transformation, aggregation or window in an output's
	// sources; filter, join or group in a statement's influences.
	Kind Kind `json:"kind"`
	// Function is the outermost function that made it a transformation or an
	// aggregation, in upper case; empty for an operator or a copy.
	Function string `json:"function,omitempty"`
	// Masking says that the value reaches the output only through a masking
	// function (a hash, a keyed hash, an encryption), which Function names.
	Masking bool `json:"masking,omitempty"`
}

// Output is one column of a statement's result.
type Output struct {
	// Output is the full name of the table written; empty for a bare SELECT.
	Output string `json:"output"`
	// Column is the name or the path of the column written; "*" where a star
	// is over a table whose columns are not known, and f0_, f1_, ... where
	// there is no name.
	Column string `json:"column"`
	// Sources are the columns that reach its value, sorted.
	Sources []Source `json:"sources"`
}

// Statement is one statement of a script.
type Statement struct {
	// Start and End are byte offsets into the request's SQL. Positions in
	// errors ("[at 2:5]") count from the statement's own start.
	Start int `json:"start"`
	End   int `json:"end"`
	// Kind is the statement's kind in the analyzer's words ("CreateViewStmt").
	Kind string `json:"kind,omitempty"`
	// Outcome, Inputs, Outputs, Columns, Influences, Unresolved and Error are
	// the statement's own share of the answer.
	Outcome    Outcome  `json:"outcome"`
	Inputs     []string `json:"inputs"`
	Outputs    []string `json:"outputs"`
	Columns    []Output `json:"columns"`
	Influences []Source `json:"influences,omitempty"`
	Unresolved []string `json:"unresolved,omitempty"`
	Error      string   `json:"error,omitempty"`
}

// Answer is what is known of a Request.
type Answer struct {
	// Parsed says that the text is grammatical, whatever else went wrong.
	Parsed bool `json:"parsed"`
	// Outcome is the worst of the statements' outcomes, save that a script of
	// which some statements failed is partial.
	Outcome Outcome `json:"outcome"`
	// Inputs are the tables read and Outputs the tables written, sorted, full
	// names. Temporary tables of a script are followed through, not listed.
	Inputs  []string `json:"inputs"`
	Outputs []string `json:"outputs"`
	// Columns has one entry for each output column in the statement's order;
	// for a script, those of all statements.
	Columns []Output `json:"columns"`
	// Influences are columns that decide which rows there are.
	Influences []Source `json:"influences,omitempty"`
	// Unresolved names what was assumed or not found, each with its kind
	// ("table p.d.t: schema unknown").
	Unresolved []string `json:"unresolved,omitempty"`
	// Error says why the outcome is failed, or what a partial one lost.
	Error string `json:"error,omitempty"`
	// Statements are the single statements, in order, when there are several.
	Statements []Statement `json:"statements,omitempty"`
}

// Names is what the syntax alone tells of a text: which tables to look up
// before the question that needs their schemas is asked.
type Names struct {
	// Parsed says that the text is grammatical; Error says why it is not.
	Parsed bool   `json:"parsed"`
	Error  string `json:"error,omitempty"`
	// Tables are the full names of the tables that the text may name, read or
	// written. A common table expression is not among them.
	Tables []string `json:"tables"`
	// Functions are the dotted functions called that are not built in.
	Functions []string `json:"functions,omitempty"`
}
