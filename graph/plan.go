package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// PlanState says how far a plan is. The same words are shown in the UI.
type PlanState string

// The states of a plan.
const (
	PlanPlanned  PlanState = "planned"
	PlanApproved PlanState = "approved"
	PlanApplying PlanState = "applying"
	PlanApplied  PlanState = "applied"
	PlanStale    PlanState = "stale"
	PlanStopped  PlanState = "stopped"
	PlanUndone   PlanState = "undone"
)

// Plan is the ordered difference between the desired and the present state of
// a target. It is hashed, saved, approved and then applied verbatim.
type Plan struct {
	// Catalog identifies the catalog that planned; another refuses it.
	Catalog string `json:"catalog"`
	// Target names the configured warehouse.
	Target string `json:"target"`
	// Revision and Policy are what the plan was made from.
	Revision Revision `json:"revision"`
	Policy   string   `json:"policy"`
	// Audiences are those planned for, sorted.
	Audiences     []string       `json:"audiences"`
	Preconditions []Precondition `json:"preconditions"`
	Steps         []Step         `json:"steps"`
	Findings      []Finding      `json:"findings"`
}

// Precondition is what must still be so in the target when the plan is
// applied. All are checked before the first write.
type Precondition struct {
	Object Ref `json:"object"`
	// Etag is the object's version as planned; empty: it must not exist.
	Etag string `json:"etag"`
}

// StepKind says what a step does. The set is closed, for every target must be
// able to do and undo each.
type StepKind string

// The kinds of step.
const (
	StepCreateContainer StepKind = "create_container"
	StepPutKey          StepKind = "put_key"
	StepCreateView      StepKind = "create_view"
	StepReplaceView     StepKind = "replace_view"
	StepDropView        StepKind = "drop_view"
	StepAuthorize       StepKind = "authorize"
	StepGrant           StepKind = "grant"
	StepRevoke          StepKind = "revoke"
)

// Step is one write: what it does, why, and how to undo it.
type Step struct {
	Kind   StepKind `json:"kind"`
	Object Ref      `json:"object"`
	// Audience is the one that the step serves; empty for shared objects.
	Audience string `json:"audience,omitempty"`
	// Base is the asset behind a view, or the container that authorizes.
	Base Ref    `json:"base,omitzero"`
	Why  string `json:"why"`
	// Before and After are the view's SQL, or the grant in words.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Principal and Role are what a grant or authorization gives.
	Principal string `json:"principal,omitempty"`
	Role      string `json:"role,omitempty"`
	Location  string `json:"location,omitempty"`
	// Columns says for every leaf of the base what the view does with it.
	Columns []ColumnEffect `json:"columns,omitempty"`
	// Undo says in words how the step is undone; Before holds what to put
	// back.
	Undo string `json:"undo"`
}

// ColumnEffect says what a view does with a column of its base, now and
// before.
type ColumnEffect struct {
	Path   string `json:"path"`
	Effect Effect `json:"effect"`
	Method string `json:"method,omitempty"`
	Rules  []Rule `json:"rules"`
	// Was is the effect in the view as it stands; empty where the column or
	// the view is new.
	Was Effect `json:"was,omitempty"`
}

// Hash identifies the plan by its content: SHA-256 of its JSON in hex. Two
// plans with one hash do the same.
func (p Plan) Hash() (string, error) {
	data, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("hash plan: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// IsEmpty says whether there is nothing to do.
func (p Plan) IsEmpty() bool { return len(p.Steps) == 0 }

// Blocked says whether a finding forbids to approve the plan.
func (p Plan) Blocked() bool {
	for _, f := range p.Findings {
		if f.Level == FindingBlock {
			return true
		}
	}
	return false
}

// SavedPlan is a plan in the store, with what became of it; none of this is
// in its hash.
type SavedPlan struct {
	// ID is the plan's hash.
	ID                    string
	Plan                  Plan
	State                 PlanState
	PlannedBy, ApprovedBy string
	PlannedAt, ChangedAt  time.Time
	// Done counts the steps that were applied; Reason says why it stopped
	// or went stale.
	Done   int
	Reason string
}
