package serve

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"cadastre.dev/cadastre/graph"
)

// readyCheck is one thing that must be well for the program to serve. Its text
// is for everybody: it names nothing of the catalog, and no version.
type readyCheck struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`
}

// readyBound is how long the store may take to answer.
const readyBound = 3 * time.Second

// ready looks at what the program needs in order to serve.
func (a *App) ready(ctx context.Context) []readyCheck {
	ctx, cancel := context.WithTimeout(ctx, readyBound)
	defer cancel()
	return []readyCheck{a.storeReady(ctx), a.jobsReady(ctx), {"policy", a.policy != nil, "the policy is loaded"}}
}

func allReady(checks []readyCheck) bool {
	for _, c := range checks {
		if !c.OK {
			return false
		}
	}
	return true
}

// storeReady says whether the store answers with the tables that this program
// knows. Why not is in the log.
func (a *App) storeReady(ctx context.Context) readyCheck {
	err := a.store.Ready(ctx)
	if err == nil {
		return readyCheck{"store", true, "it answers, and its tables are up to date"}
	}
	a.logger.WarnContext(ctx, "not ready", "err", err)
	if errors.Is(err, graph.ErrConflict) {
		return readyCheck{"store", false, "a newer program has migrated the tables; start that one"}
	}
	return readyCheck{"store", false, "it does not answer; see the log"}
}

// jobsReady says whether somebody works the jobs.
func (a *App) jobsReady(ctx context.Context) readyCheck {
	a.jobsMu.Lock()
	here := a.jobs != nil
	a.jobsMu.Unlock()
	if here {
		return readyCheck{"jobs", true, "worked here"}
	}
	if a.config.Database.URL != "" {
		return readyCheck{"jobs", false, "not worked here yet"}
	}
	turn, err := a.takeTurn()
	switch {
	case err != nil:
		a.logger.WarnContext(ctx, "not ready", "err", err)
		return readyCheck{"jobs", false, "it cannot be told who works them; see the log"}
	case turn == nil:
		return readyCheck{"jobs", true, "worked by another process"}
	}
	if err := turn.Close(); err != nil {
		a.logger.WarnContext(ctx, "give back the turn", "err", err)
	}
	return readyCheck{"jobs", false, "nobody works them yet"}
}

// serveReady answers whether the program can serve: 200, or 503 with what is
// not well.
func (a *App) serveReady(w http.ResponseWriter, r *http.Request) {
	checks := a.ready(r.Context())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !allReady(checks) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(struct {
		Ready  bool         `json:"ready"`
		Checks []readyCheck `json:"checks"`
	}{allReady(checks), checks})
}
