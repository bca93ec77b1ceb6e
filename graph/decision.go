package graph

// Effect is what an audience gets of a column.
type Effect string

// The effects, most protective first.
const (
	// EffectDeny leaves the column out of the audience's views. It is what
	// follows from anything unknown.
	EffectDeny Effect = "deny"
	// EffectMask shows the column through a masking method.
	EffectMask Effect = "mask"
	// EffectAllow shows the column as it is.
	EffectAllow Effect = "allow"
)

// ColumnFacts are all that a policy may look at of a column. Columns with
// equal facts cannot be told apart by any policy: they are one access class.
type ColumnFacts struct {
	Assessment Assessment `json:"assessment"`
	// Labels are those of the effective tags without LabelNone, sorted.
	Labels []LabelFact `json:"labels"`
	// Type is the column's platform type, for methods that fit some only.
	Type string `json:"type"`
	// Domain, Kind and Source are the asset's; Domain is its label "domain".
	Domain string `json:"domain"`
	Kind   Kind   `json:"kind"`
	Source string `json:"source"`
}

// LabelFact is one effective tag as policy sees it.
type LabelFact struct {
	Label string   `json:"label"`
	State TagState `json:"state"`
	Form  TagForm  `json:"form"`
}

// Class identifies an access class: a hash over the facts that the policy
// reads. Equal classes have equal decisions for every audience.
type Class string

// Decision is what one audience gets of the columns of one class, and why.
type Decision struct {
	Audience string `json:"audience"`
	Class    Class  `json:"class"`
	Effect   Effect `json:"effect"`
	// Method names the masking method where Effect is EffectMask, and
	// Domain the key domain of keyed methods.
	Method string `json:"method,omitempty"`
	Domain string `json:"domain,omitempty"`
	// Rules are those that decided, in words, most decisive first; never
	// empty, for a denial by default says so too.
	Rules []Rule `json:"rules"`
	// Policy is the hash of the policy that decided.
	Policy string `json:"policy"`
}

// Rule is one reason of a decision.
type Rule struct {
	// ID is the rule's name in the policy, "mask.contact".
	ID string `json:"id"`
	// Why is one sentence for people.
	Why string `json:"why"`
}

// Held is a decision with the revisions between which it held: a line of the
// access ledger. Ended is 0 while it holds.
type Held struct {
	Decision     Decision
	Began, Ended Revision
}

// Action is something that a principal may be allowed to do, beside seeing.
type Action string

// The actions that policy decides on.
const (
	ActionTag Action = "tag"
	// ActionDescribe is to say what an asset is and who owns it.
	ActionDescribe Action = "describe"
	ActionPlan     Action = "plan"
	ActionApprove  Action = "approve"
	ActionApply    Action = "apply"
	ActionAudit    Action = "audit"
	ActionCrawl    Action = "crawl"
	// ActionAdminister is to say which services may push.
	ActionAdminister Action = "administer"
	// ActionBreakGlass is to see all metadata for a short time, for a reason
	// that is recorded.
	ActionBreakGlass Action = "break_glass"
)

// FindingLevel says how much a finding matters.
type FindingLevel string

// The levels. A plan with a finding of level FindingBlock cannot be approved.
const (
	FindingInfo  FindingLevel = "info"
	FindingWarn  FindingLevel = "warn"
	FindingBlock FindingLevel = "block"
)

// Finding is something that a person should know: a risk, a conflict, a gap.
type Finding struct {
	Ref   Ref          `json:"ref"`
	Level FindingLevel `json:"level"`
	// Code is stable, "direct-read"; What and Do are sentences.
	Code string `json:"code"`
	What string `json:"what"`
	Do   string `json:"do"`
	// About are the assets that the sentences name beside Ref: who may know
	// of one of them not may not read the finding.
	About []Ref `json:"about,omitempty"`
}
