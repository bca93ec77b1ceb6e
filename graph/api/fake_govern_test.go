package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/shape"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/graph/graphtest"
)

func (f *fake) Tag(_ context.Context, who graph.Principal, requests []graph.TagRequest) ([]graph.Tag, graph.Revision, error) {
	if err := may(who, graphtest.Olu()); err != nil {
		return nil, 0, err
	}
	var out []graph.Tag
	for _, r := range requests {
		state := graph.TagState(r.State)
		if state != graph.TagConfirmed && state != graph.TagRejected {
			return nil, 0, fmt.Errorf("tag %s: state %q is none that a person gives: %w", r.Ref, r.State, graph.ErrInvalid)
		}
		tag := graphtest.Confirmed(r.Ref, r.Label, who.ID)
		tag.State, tag.Provenance.Why = state, r.Reason
		out = append(out, tag)
	}
	return out, fakeHead + 1, f.called("Tag")
}

// Inbox holds three proposals for Olu and none for others.
func (f *fake) Inbox(ctx context.Context, who graph.Principal) ([]graph.Tag, error) {
	f.noted(ctx)
	if who.ID != graphtest.Olu().ID {
		return nil, f.called("Inbox")
	}
	return []graph.Tag{
		graphtest.Proposed(f.company.Core.Column("email"), graphtest.LabelEmail, "names", 0.9),
		graphtest.Proposed(f.company.Core.Column("name"), graphtest.LabelName, "names", 0.8),
		graphtest.Proposed(f.company.Raw.Column("name"), graphtest.LabelName, "names", 0.7),
	}, f.called("Inbox")
}

func (f *fake) newPlan(audiences []string) graph.Plan {
	c := f.company
	return graph.Plan{
		Catalog: "c0", Target: "warehouse", Revision: fakeHead, Policy: "p0", Audiences: audiences,
		Steps: []graph.Step{{
			Kind: graph.StepCreateView, Object: graph.BigQueryRef("shop", "view_analysts", "customers"), Audience: "analysts",
			Base: c.Core, Why: "analysts are to see customers", After: "SELECT NULL AS email, city FROM `shop.sales.customers`",
			Columns: []graph.ColumnEffect{
				{Path: "email", Effect: graph.EffectMask, Method: "null", Rules: []graph.Rule{{ID: "mask.personal", Why: "it is personal"}}, Was: graph.EffectDeny},
				{Path: "city", Effect: graph.EffectAllow, Rules: []graph.Rule{{ID: "allow.none", Why: "nothing personal"}}},
			},
			Undo: "drop the view",
		}, {
			Kind: graph.StepGrant, Object: graph.BigQueryRef("shop", "view_analysts"), Audience: "analysts",
			Why: "analysts are to read their views", Principal: "group:analysts@example.org", Role: "READER", Undo: "revoke the grant",
		}},
		Findings: []graph.Finding{{
			Ref: c.Core, Level: graph.FindingWarn, Code: "direct-read", What: "fraud reads the table itself", Do: "look whether they must",
		}},
	}
}

func (f *fake) Plan(_ context.Context, who graph.Principal, audiences []string) (graph.SavedPlan, error) {
	if err := may(who, graphtest.Olu()); err != nil {
		return graph.SavedPlan{}, err
	}
	if audiences == nil {
		audiences = []string{"analysts", "fraud"}
	}
	plan := f.newPlan(audiences)
	id, err := plan.Hash()
	if err != nil {
		return graph.SavedPlan{}, err
	}
	saved := graph.SavedPlan{ID: id, Plan: plan, State: graph.PlanPlanned, PlannedBy: who.ID, PlannedAt: fakeNow(), ChangedAt: fakeNow()}
	err = f.called("Plan")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plans = append(f.plans, saved)
	return saved, err
}

// Plans pages by the place in the list, newest first.
func (f *fake) Plans(_ context.Context, _ graph.Principal, first int, after string) ([]graph.SavedPlan, string, error) {
	err := f.called("Plans")
	f.mu.Lock()
	defer f.mu.Unlock()
	rest := slices.Clone(f.plans)
	slices.Reverse(rest)
	last, isKey := keyOf[string](after)
	if !isKey {
		return nil, "", fmt.Errorf("cursor %q: %w", after, graph.ErrInvalid)
	}
	if i := slices.IndexFunc(rest, func(p graph.SavedPlan) bool { return p.ID == last }); i >= 0 {
		rest = rest[i+1:]
	}
	if len(rest) <= first {
		return rest, "", err
	}
	return rest[:first], "more", err
}

// keyOf reads the cursors that the API makes.
func keyOf[K any](cursor string) (key K, ok bool) {
	if cursor == "" {
		return key, true
	}
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	return key, err == nil && json.Unmarshal(data, &key) == nil
}

func (f *fake) SavedPlan(_ context.Context, _ graph.Principal, id string) (graph.SavedPlan, error) {
	return f.change("SavedPlan", id, func(*graph.SavedPlan) error { return nil })
}

func (f *fake) Approve(_ context.Context, who graph.Principal, id string) (graph.SavedPlan, error) {
	return f.move(who, "Approve", id, graph.PlanPlanned, graph.PlanApproved)
}

func (f *fake) Apply(_ context.Context, who graph.Principal, id string) (graph.SavedPlan, error) {
	return f.move(who, "Apply", id, graph.PlanApproved, graph.PlanApplying)
}

func (f *fake) Undo(_ context.Context, who graph.Principal, id string) (graph.SavedPlan, error) {
	return f.move(who, "Undo", id, graph.PlanApplying, graph.PlanUndone)
}

func (f *fake) move(who graph.Principal, name, id string, from, to graph.PlanState) (graph.SavedPlan, error) {
	if err := may(who, graphtest.Uma()); err != nil {
		return graph.SavedPlan{}, err
	}
	return f.change(name, id, func(p *graph.SavedPlan) error {
		if p.State != from {
			return fmt.Errorf("the plan is %s, not %s: %w", p.State, from, graph.ErrConflict)
		}
		p.State = to
		if to == graph.PlanApproved {
			p.ApprovedBy = who.ID
		}
		return nil
	})
}

func (f *fake) change(name, id string, do func(*graph.SavedPlan) error) (graph.SavedPlan, error) {
	if err := f.called(name); err != nil {
		return graph.SavedPlan{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.plans, func(p graph.SavedPlan) bool { return p.ID == id })
	if i < 0 {
		return graph.SavedPlan{}, fmt.Errorf("plan %s: %w", id, graph.ErrNotFound)
	}
	err := do(&f.plans[i])
	return f.plans[i], err
}

// log is three events, oldest first.
func (f *fake) log() []audit.Event {
	events := []audit.Event{
		{Actor: "service:crawl", Action: "crawl", Object: "warehouse", Revision: 1},
		{Actor: graphtest.Olu().ID, Action: "tag", Object: f.company.Core.Column("email").String(), Revision: 2, Detail: map[string]string{"label": graphtest.LabelEmail}},
		{Actor: graphtest.Pat().ID, Action: "refused", Object: "audit"},
	}
	var head audit.Hash
	for i := range events {
		events[i].Seq, events[i].At = int64(i+1), fakeNow()
		hash, err := audit.Next(head, events[i])
		if err != nil {
			panic(err)
		}
		events[i].Hash, head = hash, hash
	}
	return events
}

func (f *fake) Events(_ context.Context, who graph.Principal, actor, action, object string, first int, after string) ([]audit.Event, string, error) {
	if err := may(who, graphtest.Uma()); err != nil {
		return nil, "", err
	}
	last, isKey := keyOf[int64](after)
	if !isKey {
		return nil, "", fmt.Errorf("cursor %q: %w", after, graph.ErrInvalid)
	}
	asked := func(want, have string) bool { return want == "" || want == have }
	var page []audit.Event
	events := f.log()
	slices.Reverse(events)
	for _, e := range events {
		behind := after == "" || e.Seq < last
		if behind && asked(actor, e.Actor) && asked(action, e.Action) && asked(object, e.Object) {
			page = append(page, e)
		}
	}
	if len(page) <= first {
		return page, "", f.called("Events")
	}
	return page[:first], "more", f.called("Events")
}

func (f *fake) Verification(_ context.Context, who graph.Principal) (audit.Report, error) {
	if err := may(who, graphtest.Uma()); err != nil {
		return audit.Report{}, err
	}
	events := f.log()
	events[1].Action = "crawl"
	return audit.Verify(func(yield func(audit.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}), f.called("Verification")
}

func (f *fake) Signing(_ context.Context, who graph.Principal) (shape.AuditSigning, error) {
	if err := may(who, graphtest.Uma()); err != nil {
		return shape.AuditSigning{}, err
	}
	return shape.AuditSigning{
		Key:        "shop+0a0b0c0d+AQ==",
		Checkpoint: &shape.AuditCheckpoint{Size: 2, At: fakeNow(), Note: "shop\n2\nroot\n\n— shop signature\n"},
	}, f.called("Signing")
}

func (f *fake) BreakGlass(_ context.Context, who graph.Principal, reason string) error {
	if err := may(who, graphtest.Olu()); err != nil {
		return err
	}
	if reason == "" {
		return fmt.Errorf("break the glass: say why: %w", graph.ErrInvalid)
	}
	f.mu.Lock()
	f.glass = &shape.BreakGlass{Until: fakeNow().Add(30 * time.Minute), Reason: reason}
	f.mu.Unlock()
	return f.called("BreakGlass")
}

func (f *fake) EndBreakGlass(context.Context, graph.Principal) error {
	f.mu.Lock()
	f.glass = nil
	f.mu.Unlock()
	return f.called("EndBreakGlass")
}

func (f *fake) Broken(context.Context, graph.Principal) *shape.BreakGlass {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.glass
}

func (f *fake) Sources(context.Context, graph.Principal) ([]shape.Source, error) {
	crawled, hourly, next := fakeNow(), "@hourly", fakeNow().Add(time.Hour)
	return []shape.Source{
		{Name: "registry", Platform: "registry", Problems: []string{"the registry refuses the password: look at its configuration"}, Held: &shape.HeldRemoval{
			Hash: "0a1b", At: crawled, Total: 5, Examples: []graph.Ref{f.company.Core},
			Scopes: []shape.HeldScope{{Ends: 5, Of: 8}, {Parent: f.company.Core.Parent(), Ends: 5, Of: 5}},
		}},
		{Name: "warehouse", Platform: "bigquery", Assets: 5, CrawledAt: &crawled, Schedule: &hourly, NextCrawlAt: &next},
	}, f.called("Sources")
}

func (f *fake) Activity(context.Context, graph.Principal) ([]shape.Activity, error) {
	started, next := fakeNow(), fakeNow().Add(time.Minute)
	return []shape.Activity{
		{Kind: "crawl", Subject: "warehouse", State: "running", Done: 2, Total: 5, Attempt: 1, Attempts: 5, StartedAt: &started},
		{Kind: "analyze", Subject: "registry", State: "retrying", Attempt: 2, Attempts: 5, StartedAt: &started, NextAt: &next, Error: "the worker died"},
	}, f.called("Activity")
}

func (f *fake) StartCrawl(_ context.Context, who graph.Principal, source, remove string) error {
	if err := may(who, graphtest.Olu()); err != nil {
		return err
	}
	if source != "warehouse" && source != "registry" {
		return fmt.Errorf("source %q: %w", source, graph.ErrNotFound)
	}
	if remove != "" && (source != "registry" || remove != "0a1b") {
		return fmt.Errorf("removal %q of %q: %w", remove, source, graph.ErrConflict)
	}
	return f.called("StartCrawl")
}

// token is the one that there is.
func token() shape.Token {
	at := fakeNow()
	return shape.Token{ID: "t1", Name: "loader", Sources: []string{"crm"}, CreatedBy: graphtest.Uma().ID, CreatedAt: at, ExpiresAt: at.AddDate(0, 0, 90)}
}

func (f *fake) Tokens(_ context.Context, who graph.Principal) ([]shape.Token, error) {
	if err := may(who, graphtest.Uma()); err != nil {
		return nil, err
	}
	return []shape.Token{token()}, f.called("Tokens")
}

func (f *fake) CreateToken(_ context.Context, who graph.Principal, name string, sources []string, days int) (shape.NewToken, error) {
	if err := may(who, graphtest.Uma()); err != nil {
		return shape.NewToken{}, err
	}
	t := token()
	t.Name, t.Sources, t.ExpiresAt = name, sources, t.CreatedAt.AddDate(0, 0, days)
	return shape.NewToken{Token: t, Secret: "cdst_made_up"}, f.called("CreateToken")
}

func (f *fake) RevokeToken(_ context.Context, who graph.Principal, id string) (shape.Token, error) {
	if err := may(who, graphtest.Uma()); err != nil {
		return shape.Token{}, err
	}
	t, at := token(), fakeNow()
	if id != t.ID {
		return shape.Token{}, fmt.Errorf("token %s: %w", id, graph.ErrNotFound)
	}
	t.RevokedAt = &at
	return t, f.called("RevokeToken")
}
