package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
	"cadastre.dev/cadastre/graph/walk"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/policy/mask"
	"cadastre.dev/cadastre/policy/view"
)

// Search searches as the principal.
func (a *App) Search(ctx context.Context, who graph.Principal, q search.Query) (search.Result, error) {
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return search.Result{}, err
	}
	return r.Search(ctx, q)
}

// Lineage follows lineage from a column or asset as the principal.
func (a *App) Lineage(ctx context.Context, who graph.Principal, q walk.Query) (walk.Result, error) {
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return walk.Result{}, err
	}
	view, err := r.Asset(ctx, q.Root)
	if errors.Is(err, graph.ErrNotFound) {
		a.missed(who, q.Root.Asset())
	}
	if err != nil {
		return walk.Result{}, fmt.Errorf("lineage of %s: %w", q.Root, err)
	}
	if !q.Root.IsColumn() {
		q.Root = view.Asset.Ref
	}
	result, err := r.Walk(ctx, q)
	if err != nil || len(result.Edges) > 0 || !q.Root.IsColumn() {
		return result, err
	}
	// An edge may name a column that no source has shown; without one a name
	// that is wrong would read as a column without lineage.
	columns, err := r.Columns(ctx, view.Asset.Ref)
	if err == nil && len(within(columns[view.Asset.Ref], view.Asset.Ref.Column(q.Root.Path))) == 0 {
		err = fmt.Errorf("lineage: column %s: %w", q.Root, graph.ErrNotFound)
	}
	return result, err
}

// doctorBound is how long the doctor waits for all sources together, and for
// the target: long enough for a slow answer, and too short for all the retries
// that a crawl would make.
const doctorBound = 15 * time.Second

// Doctor looks at everything the program needs and returns what is missing.
func (a *App) Doctor(ctx context.Context) []graph.Finding {
	findings := []graph.Finding{}
	if a.workerErr != nil {
		findings = append(findings, graph.Finding{
			Level: graph.FindingWarn, Code: "no-worker", What: "the GoogleSQL worker is missing, so lineage stays unanalyzed: " + a.workerErr.Error(),
			Do: "build it with `make build`, or set worker.path",
		})
	}
	if a.config.SSO.Issuer == "" {
		findings = append(findings, graph.Finding{
			Level: graph.FindingBlock, Code: "no-sso", What: "no identity provider is configured, so nobody can sign in", Do: "set sso.issuer and sso.client_id",
		})
	}
	if err := a.auditKeyFault(ctx); err != nil {
		findings = append(findings, graph.Finding{Level: graph.FindingBlock, Code: "no-audit-key", What: "the audit log cannot be signed: " + err.Error(), Do: "see audit in docs/audit.md"})
	}
	if len(a.sources) == 0 {
		findings = append(findings, graph.Finding{Level: graph.FindingWarn, Code: "no-source", What: "no source is configured, so the catalog stays empty", Do: "add one under sources"})
	}
	asking, done := context.WithTimeout(ctx, doctorBound)
	defer done()
	for _, s := range a.sources {
		if checker, ok := s.source.(ingest.Checker); ok {
			findings = append(findings, checker.Check(asking)...)
		}
	}
	if a.target != nil {
		reading, read := context.WithTimeout(ctx, doctorBound)
		defer read()
		if _, err := a.target.target.Present(reading, view.Want{Names: a.target.naming}); err != nil {
			findings = append(findings, graph.Finding{
				Level: graph.FindingWarn, Code: "no-target", What: "the warehouse to publish in cannot be read: " + err.Error(),
				Do: "check target.endpoint and target.token, and the publisher's rights",
			})
		}
	}
	return append(findings, a.checkHistory(ctx)...)
}

// AnalyzeSQL answers questions about SQL, one JSON document a line, in order.
func AnalyzeSQL(ctx context.Context, config Worker, r io.Reader, w io.Writer) error {
	pool, err := googlesql.NewPool(googlesql.Config{Path: config.Path, Workers: config.Processes, MemoryLimit: int64(config.MemoryMiB) << 20})
	if err != nil {
		return fmt.Errorf("analyze SQL: %w", err)
	}
	return errors.Join(pool.Batch(ctx, r, w), pool.Close())
}

// Mask applies one of BigQuery's masking rules to a value.
func Mask(rule, typ, value string) (string, error) { return mask.Native(rule, typ, value) }

// MaskBatch applies masking rules to values, one JSON document a line, in
// order.
func MaskBatch(ctx context.Context, r io.Reader, w io.Writer) error { return mask.Batch(ctx, r, w) }
