package bigquery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
)

// KeySource gives the secret keys by which hashes are made. The caller owns
// them; a Target asks for one only to put its pads in the key table.
type KeySource interface {
	// Key returns the key of an id; graph.ErrNotFound where there is none. The
	// caller may overwrite the result.
	Key(ctx context.Context, id string) ([]byte, error)
}

// Config says how a Target reaches BigQuery.
type Config struct {
	// Service is the client, signed in as Publisher. It must be set.
	Service *bq.Service
	// Names says how containers and views are called; that of the planning.
	Names view.Naming
	// Publisher is the address as which Service is signed in. It owns the
	// containers that are made, and nobody inherits rights on them. It must
	// be set.
	Publisher string
	// Keys gives key material. Defaults to none: a plan that puts a key then
	// fails at that step.
	Keys KeySource
	// Parallel is how many reads run at a time. Defaults to 8.
	Parallel int
	// Attempts is how often a call is made that BigQuery answers with "later"
	// or whose condition somebody else's write broke. Defaults to 6.
	Attempts int
	// Wait waits between attempts. Defaults to a timer.
	Wait func(ctx context.Context, d time.Duration) error
	// Logger hears of writes and of calls made again. Defaults to discarding.
	Logger *slog.Logger
}

// Target publishes views in BigQuery. It is safe for concurrent use, though
// only one plan at a time may be applied.
type Target struct{ cfg Config }

var _ view.Target = (*Target)(nil)

// NewTarget returns a target; a missing Service or Publisher is
// graph.ErrInvalid. It calls nothing.
func NewTarget(cfg Config) (*Target, error) {
	if cfg.Service == nil || cfg.Publisher == "" {
		return nil, fmt.Errorf("bigquery target: want a service and the publisher's address: %w", graph.ErrInvalid)
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 8
	}
	if cfg.Attempts <= 0 {
		cfg.Attempts = 6
	}
	if cfg.Wait == nil {
		cfg.Wait = waitTimer
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Target{cfg: cfg}, nil
}

// The labels by which we know our own things.
const (
	labelManaged = "managed_by"
	managedValue = "cadastre"
	// labelText holds a hash of the text that we wrote, by which a foreign
	// change is seen.
	labelText = "cadastre_text"
)

func isManaged(labels map[string]string) bool { return labels[labelManaged] == managedValue }

// call makes a call until it is answered, waiting longer each time that
// BigQuery says "later", and gives its error one of graph's kinds.
func (t *Target) call(ctx context.Context, do func() error) error {
	for attempt := 1; ; attempt++ {
		err := do()
		if err == nil || !isLater(err) || attempt >= t.cfg.Attempts {
			return kindOf(err)
		}
		t.cfg.Logger.DebugContext(ctx, "call bigquery again", "err", err)
		if wait := t.cfg.Wait(ctx, pause(attempt)); wait != nil {
			return errors.Join(kindOf(err), wait)
		}
	}
}

// pause doubles from half a second to 16, with jitter, so that the quota of
// five updates of a dataset in ten seconds is met again.
func pause(attempt int) time.Duration {
	d := min(500*time.Millisecond<<attempt, 16*time.Second)
	return d/2 + rand.N(d/2) //nolint:gosec // jitter is no secret
}

func waitTimer(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isLater says whether the same call may succeed later.
func isLater(err error) bool {
	var api *googleapi.Error
	if !errors.As(err, &api) {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	if api.Code == http.StatusForbidden {
		return slices.ContainsFunc(api.Errors, func(e googleapi.ErrorItem) bool {
			return e.Reason == "rateLimitExceeded" || e.Reason == "quotaExceeded"
		})
	}
	return api.Code == http.StatusTooManyRequests || api.Code >= http.StatusInternalServerError
}

// kindOf gives an error of the service one of graph's kinds. Messages about
// metadata hold no value of a column.
func kindOf(err error) error {
	if err == nil {
		return nil
	}
	var api *googleapi.Error
	if !errors.As(err, &api) {
		if isLater(err) {
			return fmt.Errorf("%w: %w", graph.ErrUnavailable, err)
		}
		return err
	}
	kind := graph.ErrInvalid
	switch {
	case isLater(err):
		kind = graph.ErrUnavailable
	case api.Code == http.StatusNotFound:
		kind = graph.ErrNotFound
	case api.Code == http.StatusUnauthorized, api.Code == http.StatusForbidden:
		kind = graph.ErrDenied
	case api.Code == http.StatusConflict, api.Code == http.StatusPreconditionFailed:
		kind = graph.ErrConflict
	}
	return fmt.Errorf("%s: %w", api.Message, kind)
}

// getDataset reads a dataset with its conditional access entries whole.
func (t *Target) getDataset(ctx context.Context, ref graph.Ref) (*bq.Dataset, error) {
	project, dataset, _ := split(ref)
	var got *bq.Dataset
	err := t.call(ctx, func() (err error) {
		got, err = t.cfg.Service.Datasets.Get(project, dataset).AccessPolicyVersion(accessVersion).Context(ctx).Do()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("get dataset %s: %w", ref.Name, err)
	}
	return got, nil
}

func (t *Target) getTable(ctx context.Context, ref graph.Ref) (*bq.Table, error) {
	project, dataset, table := split(ref)
	var got *bq.Table
	err := t.call(ctx, func() (err error) {
		got, err = t.cfg.Service.Tables.Get(project, dataset, table).Context(ctx).Do()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("get table %s: %w", ref.Name, err)
	}
	return got, nil
}
