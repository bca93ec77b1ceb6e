package shape

import (
	"encoding/hex"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// Explanation is what an audience gets of a column, and why.
type Explanation struct {
	Column                   graph.Ref
	Audience, Effect, Method string
	Example                  string
	Rules                    []graph.Rule
	Policy                   string
}

// NewExplanation shows a decision about a column. example is made up.
func NewExplanation(column graph.Ref, d graph.Decision, example string) Explanation {
	return Explanation{
		Column: column, Audience: d.Audience, Effect: string(d.Effect), Method: d.Method,
		Example: example, Rules: d.Rules, Policy: d.Policy,
	}
}

// WhoCouldSee says who could see a column at a revision.
type WhoCouldSee struct {
	Column   graph.Ref
	Revision graph.Revision
	At       time.Time
	Ways     []Way
	Reasons  []string
}

// Way is one way by which somebody could read a column.
type Way struct {
	Principal, Audience string
	Through             graph.Ref
	Form, Method, Why   string
	Since               graph.Revision
}

// Plan is a saved plan.
type Plan struct {
	ID, State, Target string
	Revision          graph.Revision
	Policy            string
	Audiences         []string
	PlannedBy         string
	PlannedAt         time.Time
	ApprovedBy        string
	ChangedAt         time.Time
	Done              int
	Reason            string
	Steps             []graph.Step
	Findings          []graph.Finding
}

// NewPlan shows a saved plan.
func NewPlan(p graph.SavedPlan) Plan {
	return Plan{
		ID: p.ID, State: string(p.State), Target: p.Plan.Target, Revision: p.Plan.Revision, Policy: p.Plan.Policy,
		Audiences: p.Plan.Audiences, PlannedBy: p.PlannedBy, PlannedAt: p.PlannedAt, ApprovedBy: p.ApprovedBy,
		ChangedAt: p.ChangedAt, Done: p.Done, Reason: p.Reason, Steps: p.Plan.Steps, Findings: p.Plan.Findings,
	}
}

// PlanConnection is a page of plans.
type PlanConnection struct {
	Edges    []PlanEdge
	PageInfo PageInfo
}

// PlanEdge is one plan of a page.
type PlanEdge struct {
	Cursor string
	Node   Plan
}

// AuditFilter narrows the audit log.
type AuditFilter struct{ Actor, Action, Object *string }

// EventConnection is a page of events.
type EventConnection struct {
	Edges    []EventEdge
	PageInfo PageInfo
}

// EventEdge is one event of a page.
type EventEdge struct {
	Cursor string
	Node   Event
}

// Event is an event of the audit log.
type Event struct {
	Seq                   int64
	At                    time.Time
	Actor, Action, Object string
	Revision              graph.Revision
	Detail                []Label
	Hash                  string
}

// NewEvent shows an event.
func NewEvent(e audit.Event) Event {
	return Event{
		Seq: e.Seq, At: e.At, Actor: e.Actor, Action: e.Action, Object: e.Object,
		Revision: e.Revision, Detail: Labels(e.Detail), Hash: hex.EncodeToString(e.Hash[:]),
	}
}

// AuditVerification says whether the log is whole.
type AuditVerification struct {
	OK                  bool
	Events, Checkpoints int64
	Broken              *int64
	Reason              string
}

// NewAuditVerification shows a report.
func NewAuditVerification(r audit.Report) AuditVerification {
	v := AuditVerification{OK: r.OK, Events: r.Events, Checkpoints: r.Checkpoints, Reason: r.Reason}
	if r.Broken > 0 {
		v.Broken = &r.Broken
	}
	return v
}

// AuditSigning is what signs the audit log.
type AuditSigning struct {
	Key, Problem string
	Checkpoint   *AuditCheckpoint
}

// AuditCheckpoint is a signed note of the log's first events.
type AuditCheckpoint struct {
	Size int64
	At   time.Time
	Note string
}

// BreakGlass says that somebody sees all of the catalog for a short time.
type BreakGlass struct {
	Until  time.Time
	Reason string
}

// Source is a configured source.
type Source struct {
	Name, Platform string
	Assets         int
	CrawledAt      *time.Time
	// Schedule is as configured; nil without one, and NextCrawlAt with it.
	Schedule    *string
	NextCrawlAt *time.Time
	Problems    []string
	Held        *HeldRemoval
}

// HeldRemoval is a removal that waits for somebody's word.
type HeldRemoval struct {
	Hash      string
	At        time.Time
	Scopes    []HeldScope
	Total     int
	Examples  []graph.Ref
	AllowedBy *string
}

// HeldScope is a part of a source of which too much would end.
type HeldScope struct {
	Parent   graph.Ref
	Ends, Of int
}

// Token is what a service shows to push.
type Token struct {
	ID, Name              string
	Sources               []string
	CreatedBy             string
	CreatedAt, ExpiresAt  time.Time
	RevokedAt, LastUsedAt *time.Time
}

// NewToken is a token with its secret.
type NewToken struct {
	Token  Token
	Secret string
}

// Activity is a job of the program.
type Activity struct {
	Kind, Subject, State string
	Done, Total          int
	// Attempt counts the runs so far, of at most Attempts.
	Attempt, Attempts int
	// NextAt is set while it waits to be tried again, EndedAt where it was
	// given up.
	StartedAt, NextAt, EndedAt *time.Time
	// Error is the last run's; empty for those who do not operate.
	Error string
}
