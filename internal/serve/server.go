package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/ui"
)

// shutdownBound is how long requests may take to end when the program stops.
const shutdownBound = 10 * time.Second

// Serve serves until ctx ends. ready is told the address once it is listened
// on.
func (a *App) Serve(ctx context.Context, ready func(url string)) error {
	if a.config.SSO.Issuer == "" {
		return fmt.Errorf("serve: sso.issuer is not set, so nobody could sign in: %w", graph.ErrInvalid)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.config.Listen)
	if err != nil {
		return listenError(a.config.Listen, err)
	}
	handler, err := a.Handler()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if _, err := a.pen(ctx); err != nil {
		return errors.Join(fmt.Errorf("serve: %w", err), listener.Close())
	}
	if err := a.startJobs(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	watching, blind := context.WithCancel(ctx)
	defer blind()
	watched, err := a.serveMetrics(watching)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { blind(); <-watched }()
	working, rest := context.WithCancel(ctx)
	var keeper sync.WaitGroup
	keeper.Go(func() { a.keepWorking(working) })
	keeper.Go(func() { a.warm(working) })
	keeper.Go(func() { a.keepCheckpoints(working) })
	daily := time.NewTicker(retainAgain)
	defer daily.Stop()
	keeper.Go(func() { a.keepRetaining(working, daily.C) })
	defer keeper.Wait()
	defer rest()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	ready(a.config.URL)
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownBound)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

// warm makes the search ready while others are let in already. Where it cannot,
// the first search tries again and tells.
func (a *App) warm(ctx context.Context) {
	began := a.now()
	if err := a.store.Warm(ctx); err != nil {
		if ctx.Err() == nil {
			a.logger.WarnContext(ctx, "search is not ready", "err", err)
		}
		return
	}
	// What the building left behind is more than what it built.
	debug.FreeOSMemory()
	a.logger.InfoContext(ctx, "search is ready", "dur", a.now().Sub(began))
}

// Handler is all that is served: the API and the app for those who are signed
// in, signing in, a sign of life, and whether the program can serve.
func (a *App) Handler() (http.Handler, error) {
	secret, err := resolveSecret(a.config.SSO.ClientSecret)
	if err != nil {
		return nil, err
	}
	sso := a.config.SSO
	sso.secret = secret
	sessions := newSessions(a.store.Sessions(), a.config.URL)
	s := &signIn{
		config: sso, base: a.config.URL, sessions: sessions, logger: a.logger,
		client: &http.Client{Timeout: 15 * time.Second}, signedIn: a.signedIn, signedOut: a.signedOut,
		glass: glass{a, sessions},
	}
	sessions.ErrorFunc = s.sessionLost
	graphql := api.New(api.Config{
		Catalog: apiCatalog{a}, Governor: a, Tagger: a, Describer: a, Planner: a, Auditor: a, Operator: a, Undoer: a, Administrator: a, Glass: s.glass,
		Principal: signedInAs, RequestID: requestID, Logger: a.logger, Observe: a.observeAPI,
	})
	signedIn := http.NewServeMux()
	s.routes(signedIn)
	signedIn.Handle("/graphql", requireSignIn(s, graphql))
	a.auditRoutes(signedIn, s)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", a.serveReady)
	mux.Handle("/graphql", sessions.LoadAndSave(signedIn))
	mux.Handle("/auth/", sessions.LoadAndSave(signedIn))
	a.pushRoutes(mux)
	mux.Handle("GET /audit/export", sessions.LoadAndSave(signedIn))
	mux.Handle("GET /audit/checkpoint", sessions.LoadAndSave(signedIn))
	mux.Handle("/", serveUI(ui.Files(), ui.Built()))
	return a.watch.Requests(guard(a.watch.Routes(mux), a.logger)), nil
}

// signedIn records who signed in, and who was refused: of those, and of all
// that nobody knows, one a minute.
func (a *App) signedIn(ctx context.Context, p graph.Principal, refused error) {
	if p.ID == "" {
		p.ID = "unknown"
	}
	var err error
	if refused != nil {
		err = a.recordBounded(ctx, p, audit.Event{Action: "refused", Object: "session"})
	} else {
		err = a.record(ctx, p, audit.Event{Action: "sign_in", Object: "session"})
	}
	if err != nil {
		a.logger.ErrorContext(ctx, "audit event lost", "actor", p.ID, "err", err)
	}
}

// signedOut records who signed out.
func (a *App) signedOut(ctx context.Context, p graph.Principal) {
	if err := a.record(ctx, p, audit.Event{Action: "sign_out", Object: "session"}); err != nil {
		a.logger.ErrorContext(ctx, "audit event lost", "actor", p.ID, "err", err)
	}
}

// ListenOn returns the configuration with another address to serve on. Port 0
// takes a free one.
func (c Config) ListenOn(ctx context.Context, address string) (Config, error) {
	if _, port, err := net.SplitHostPort(address); err == nil && port == "0" {
		free, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			return c, fmt.Errorf("find a free port: %w: %w", err, graph.ErrUnavailable)
		}
		address = free.Addr().String()
		if err := free.Close(); err != nil {
			return c, fmt.Errorf("find a free port: %w", err)
		}
	}
	if c.URL == "http://"+c.Listen {
		c.URL = "http://" + address
	}
	c.Listen = address
	return c, c.Validate()
}

// listenError says what to do where an address cannot be listened on.
func listenError(address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s: the address is in use, perhaps by another Cadastre; stop that, or choose another with --listen: %w", address, graph.ErrUnavailable)
	}
	return fmt.Errorf("listen on %s: %w: %w", address, err, graph.ErrUnavailable)
}
