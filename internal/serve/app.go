package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/ingest/lineage"
	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/serve/watch"
	"cadastre.dev/cadastre/policy"
)

// ConfigFile is the name of the configuration in a data directory.
const ConfigFile = "cadastre.yaml"

// localPrefix begins the ID of who uses the command line.
const localPrefix = "local:"

// Progress is told how far a work is; total is 0 while it is not known. It may
// be called from any goroutine.
type Progress func(what string, done, total int)

// Options are what the caller of Open hands over.
type Options struct {
	// Logger takes what operators should know. Defaults to discarding.
	Logger *slog.Logger
	// Progress shows long works. Defaults to nothing.
	Progress Progress
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Version is that of the program, as metrics and traces tell it. Defaults
	// to unversioned.
	Version string
}

// App is the program without its command line: the store, the policy, the
// sources, the target, and the jobs that lead from one to the next. Its
// methods may be called concurrently.
type App struct {
	config   Config
	logger   *slog.Logger
	now      func() time.Time
	progress *board
	watch    *watch.Watch

	store     *store.Store
	policy    *policy.Engine
	worker    *googlesql.Pool
	workerErr error
	analyzer  lineage.Analyzer
	sources   []crawled
	target    *publisher

	bounded bounded
	lookout *lookout

	jobConfig store.JobConfig // its defaults, but in tests that cannot wait
	jobsMu    sync.Mutex
	jobs      *store.JobClient
	turn      io.Closer // given back when the jobs are stopped

	use io.Closer // the share of the data directory; given back at the end
}

// system is the principal of what the program does by itself.
func system() graph.Principal { return graph.Principal{ID: "service:cadastre", Name: "Cadastre"} }

// Open opens the catalog in the configured data directory and prepares what
// works on it; nothing runs yet. The caller closes it.
func Open(ctx context.Context, config Config, o Options) (*App, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("open data directory: %w: %w", err, graph.ErrInvalid)
	}
	use, err := shareData(config.DataDir)
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	logger := slog.New(withRequest{o.Logger.Handler()})
	a := &App{config: config, logger: logger, now: o.Now, progress: newBoard(o.Progress), use: use}
	a.lookout = newLookout(a)
	err = a.wireWatch(ctx, o.Version)
	if err == nil {
		err = a.wire(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// Close stops the jobs, waits for them, and closes what Open opened; what it
// did not come to open is left out.
func (a *App) Close() error {
	var faults []error
	if a.lookout != nil {
		a.lookout.stop()
	}
	if err := a.stopJobs(); err != nil {
		faults = append(faults, err)
	}
	if a.store != nil {
		faults = append(faults, a.recordRest(context.Background()))
	}
	if a.worker != nil {
		faults = append(faults, a.worker.Close())
	}
	if a.store != nil {
		faults = append(faults, a.store.Close())
	}
	if a.watch != nil {
		faults = append(faults, a.watch.Close())
	}
	if a.use != nil {
		if err := a.use.Close(); !errors.Is(err, os.ErrClosed) {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// LocalPrincipal is who uses the command line: whoever holds the data
// directory. Nothing is hidden from or forbidden to them.
func (a *App) LocalPrincipal() graph.Principal { return localPrincipal() }

func localPrincipal() graph.Principal {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return graph.Principal{ID: localPrefix + name, Name: name}
}

// isTrusted says whether nothing is hidden from or forbidden to the principal:
// the program itself, and who holds its data directory. No identity provider
// can vouch for such an ID, since those are addresses.
func isTrusted(p graph.Principal) bool {
	return strings.HasPrefix(p.ID, localPrefix) || p.ID == system().ID
}

// reader returns what the principal may read, at a revision; 0 is the one that
// the context's question is answered at, and else the newest.
func (a *App) reader(ctx context.Context, who graph.Principal, at graph.Revision) (*store.Reader, error) {
	filter := graph.Everything()
	if !isTrusted(who) {
		var err error
		if filter, err = a.policy.Filter(ctx, who); err != nil {
			return nil, fmt.Errorf("make the filter of %s: %w", who.ID, err)
		}
	}
	return a.readerThrough(ctx, who, filter, at)
}

// readerThrough is reader through a filter.
func (a *App) readerThrough(ctx context.Context, who graph.Principal, filter graph.Filter, at graph.Revision) (*store.Reader, error) {
	if at == 0 {
		at = graph.AsOfFrom(ctx).Revision
	}
	return a.store.Reader(ctx, who, filter, at)
}

// may refuses with ErrDenied what the policy does not allow, and records the
// refusal.
func (a *App) may(ctx context.Context, who graph.Principal, action graph.Action, on graph.Asset, owners []graph.Owner) error {
	ok, rules, err := a.allows(ctx, who, action, on, owners)
	if err != nil || ok {
		return err
	}
	why := "no rule allows it"
	if len(rules) > 0 {
		why = strings.TrimSuffix(rules[0].Why, ".")
	}
	return a.refuse(ctx, who, action, on, why)
}

// allows says whether the policy lets the principal do something, and the
// rules that say so. owners are all whom anybody names; those that count are
// asked about.
func (a *App) allows(ctx context.Context, who graph.Principal, action graph.Action, on graph.Asset, owners []graph.Owner) (bool, []graph.Rule, error) {
	if isTrusted(who) {
		return true, nil, nil
	}
	ok, rules, err := a.policy.May(ctx, who, action, on, graph.Principals(owners))
	if err != nil {
		return false, nil, fmt.Errorf("ask whether %s may %s: %w", who.ID, action, err)
	}
	return ok, rules, nil
}

// refuse records that somebody tried what is not theirs to do, once a minute,
// and returns ErrDenied with the reason.
func (a *App) refuse(ctx context.Context, who graph.Principal, action graph.Action, on graph.Asset, why string) error {
	object := string(action)
	if !on.Ref.IsZero() {
		object = on.Ref.String()
	}
	if err := a.recordBounded(ctx, who, audit.Event{Action: "refused", Object: object, Detail: map[string]string{"action": string(action)}}); err != nil {
		return err
	}
	return fmt.Errorf("%s: %s: %w", action, why, graph.ErrDenied)
}

// record writes one event in a transaction of its own.
func (a *App) record(ctx context.Context, who graph.Principal, e audit.Event) error {
	_, err := a.store.Commit(ctx, who, e.Action, func(tx *store.Tx) error {
		tx.Record(e)
		return nil
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", e.Action, err)
	}
	return nil
}

// Explain says what an audience, or each where none is named, gets of a column;
// in the past what it got, which the ledger tells.
func (a *App) Explain(ctx context.Context, who graph.Principal, column graph.Ref, audience string) ([]graph.Decision, error) {
	if !column.IsColumn() {
		return nil, fmt.Errorf("explain %s: that is an asset; name a column of it, as %s#path: %w", column, column, graph.ErrInvalid)
	}
	var asked []string
	if audience != "" {
		asked = []string{audience}
	}
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return nil, err
	}
	asset, facts, err := columnFacts(ctx, r, column)
	if errors.Is(err, graph.ErrNotFound) {
		a.missed(who, column.Asset())
	}
	if err != nil {
		return nil, err
	}
	known, err := a.audiencesAt(ctx, r)
	if err != nil {
		return nil, err
	}
	decisions, err := a.decisionsOn(ctx, r, facts, asked)
	if err != nil {
		return nil, err
	}
	if of, ok := a.publishedFor(asset, known); ok {
		for i := range decisions {
			decisions[i] = asPublished(decisions[i], of)
		}
	}
	return decisions, nil
}

// decisionsOn asks the policy what audiences get of a column with the facts,
// and in the past the ledger.
func (a *App) decisionsOn(ctx context.Context, r *store.Reader, facts graph.ColumnFacts, audiences []string) ([]graph.Decision, error) {
	if graph.AsOfFrom(ctx).Past {
		held, err := a.heldFor(ctx, r, []assessed{{facts: facts}}, audiences)
		return held[graph.Ref{}], err
	}
	names, err := a.chooseAudiences(audiences)
	if err != nil {
		return nil, err
	}
	var questions []policy.Question
	for _, name := range names {
		questions = append(questions, policy.Question{Audience: name, Facts: facts})
	}
	return a.policy.Decide(ctx, questions)
}

// columnFacts gathers what the policy may know of one visible column, and
// returns the asset that it is of.
func columnFacts(ctx context.Context, r *store.Reader, column graph.Ref) (graph.Asset, graph.ColumnFacts, error) {
	view, err := r.Asset(ctx, column)
	if err != nil {
		return graph.Asset{}, graph.ColumnFacts{}, err
	}
	columns, err := r.Columns(ctx, column.Asset())
	if err != nil {
		return graph.Asset{}, graph.ColumnFacts{}, err
	}
	tags, err := r.Tags(ctx, column.Asset())
	if err != nil {
		return graph.Asset{}, graph.ColumnFacts{}, err
	}
	all := columns[column.Asset()]
	i := slices.IndexFunc(all, func(c graph.Column) bool { return c.Key() == column.Key() })
	if i < 0 {
		return graph.Asset{}, graph.ColumnFacts{}, fmt.Errorf("column %s: %w", column, graph.ErrNotFound)
	}
	return view.Asset, policy.Facts(all[i], view.Asset, graph.TagsFor(all[i].Ref, tagsByKey(tags[column.Asset()]))), nil
}

func tagsByKey(tags []graph.Tag) map[string][]graph.Tag {
	byKey := map[string][]graph.Tag{}
	for _, t := range tags {
		byKey[t.Ref.Key()] = append(byKey[t.Ref.Key()], t)
	}
	return byKey
}

func tagsOn(tags []graph.Tag, ref graph.Ref) []graph.Tag {
	var on []graph.Tag
	for _, t := range tags {
		if t.Ref.Key() == ref.Key() {
			on = append(on, t)
		}
	}
	return on
}

// sourceNames resolves what the caller named; none means all.
func (a *App) sourceNames(names []string) ([]string, error) {
	known := make([]string, 0, len(a.sources))
	for _, s := range a.sources {
		known = append(known, s.name)
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("no source is configured; add one under sources in %s, or name the folder of a catalog with --data-dir: %w", ConfigFile, graph.ErrInvalid)
	}
	if len(names) == 0 {
		return known, nil
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, fmt.Errorf("source %q is not configured; there are %q: %w", n, known, graph.ErrNotFound)
		}
	}
	return names, nil
}

func (a *App) path(name string) string { return filepath.Join(a.config.DataDir, name) }
