// Package sandbox is a local warehouse, schema registry and identity provider
// for the demo and the tests, so that Cadastre can be tried and judged without
// an account in anybody's cloud.
//
// It owns one server with three rooms: a BigQuery-compatible service that
// Google's own Go clients use unchanged, a Confluent-compatible schema
// registry, and an OpenID Connect provider whose sign-in page shows the
// people of the sandbox as buttons. docs/sandbox.md says call by call what is
// answered and what is left out.
//
// It does not own any rule of Cadastre: it judges what Cadastre publishes, so
// it shares no code with policy and decides access only as BigQuery documents
// it.
//
// Only internal/serve, cmd and tests may import it.
package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/directory"
	"cadastre.dev/cadastre/internal/sandbox/identity"
	"cadastre.dev/cadastre/internal/sandbox/journal"
	"cadastre.dev/cadastre/internal/sandbox/registry"
)

// World is what a sandbox is filled with when its state is empty. The people
// are read at every start and are never part of the state.
type World struct {
	// Principals are the people and service accounts.
	Principals []directory.Principal
	// Roles are custom project roles: name → permissions, beside BigQuery's
	// predefined ones.
	Roles map[string][]string
	// Warehouse is the datasets, tables, rows and jobs.
	Warehouse bigquery.Seed
	// Subjects are the schemas of the registry, registered in this order.
	Subjects []registry.Registration
}

// Config says what a sandbox serves and where. The zero value serves an empty
// warehouse from memory on a free loopback port.
type Config struct {
	// Dir holds the state, which then survives stop and start. It is created
	// if it is not there. Defaults to "": memory only.
	Dir string
	// Listen is the address for Start. Defaults to "127.0.0.1:0".
	Listen string
	// World fills an empty state. Defaults to nothing and nobody.
	World World
	// Estate is a folder of datasets.jsonl, tables.jsonl and jobs.jsonl (each
	// plain or .gz) of REST resources, which fill an empty state beside World.
	// Defaults to none.
	Estate string
	// EstateReaders are the addresses of principals who may read metadata and
	// jobs, and run queries, in every project of the estate: a crawler's roles.
	// Defaults to none.
	EstateReaders []string
	// RedirectURIs are where the identity provider may send people back to.
	// AllowRedirect adds to them. Defaults to none.
	RedirectURIs []string
	// ClientID is what applications call themselves at the identity provider.
	// Defaults to "cadastre".
	ClientID string
	// RegistryNeedsToken makes the registry refuse whoever has no token.
	// Defaults to an open registry.
	RegistryNeedsToken bool
	// TokenLifetime is how long a token of the identity provider is valid.
	// Defaults to one hour.
	TokenLifetime time.Duration
	// Worker says how to start the program that runs queries on rows. Without
	// one, metadata is served and queries answer that there is none.
	Worker googlesql.Config
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Logger receives what the sandbox has to say; never a value of a row.
	// Defaults to discarding it.
	Logger *slog.Logger
}

// Sandbox is a sandbox, serving or not. It is safe for concurrent use.
type Sandbox struct {
	cfg       Config
	journal   *journal.Journal
	warehouse *bigquery.Warehouse
	registry  *registry.Registry
	identity  *identity.Provider
	people    *directory.Directory
	handler   http.Handler

	mu      sync.Mutex
	server  *http.Server
	served  chan error // holds what Serve ended with
	address string
}

// New opens the state, fills it if it is empty, and returns a sandbox that
// does not listen yet. A state that another estate filled is an error: two
// estates are never mixed.
func New(cfg Config) (*Sandbox, error) {
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	principals, err := cfg.principals()
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	people, err := directory.New(principals)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	j, records, err := journal.Open(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s := &Sandbox{cfg: cfg, journal: j, people: people}
	if err := s.furnish(records); err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: %w", err), j.Close())
	}
	people.Trust(s.identity.Whose)
	s.handler = s.routes()
	return s, nil
}

// principals are those of the world, the readers of the estate among them with
// their roles in its projects.
func (c Config) principals() ([]directory.Principal, error) {
	if c.Estate == "" || len(c.EstateReaders) == 0 {
		return c.World.Principals, nil
	}
	projects, err := bigquery.EstateProjects(c.Estate)
	if err != nil {
		return nil, err
	}
	principals := slices.Clone(c.World.Principals)
	for i, p := range principals {
		if !slices.ContainsFunc(c.EstateReaders, func(email string) bool { return strings.EqualFold(email, p.Email) }) {
			continue
		}
		roles := maps.Clone(p.Roles)
		if roles == nil {
			roles = map[string][]string{}
		}
		for _, project := range projects {
			roles[project] = []string{"roles/bigquery.metadataViewer", "roles/bigquery.resourceViewer", "roles/bigquery.jobUser"}
		}
		principals[i].Roles = roles
	}
	return principals, nil
}

// furnish makes the three rooms from the state, and fills them if nobody has.
func (s *Sandbox) furnish(records []journal.Record) error {
	cfg := s.cfg
	var err error
	s.warehouse, err = bigquery.New(bigquery.Config{
		Directory: s.people, Roles: cfg.World.Roles, Journal: s.journal,
		Records: records, Worker: cfg.Worker, Now: cfg.Now, Logger: cfg.Logger,
	})
	if err != nil {
		return err
	}
	callers := s.people
	if !cfg.RegistryNeedsToken {
		callers = nil
	}
	s.registry, err = registry.New(registry.Config{Directory: callers, Journal: s.journal, Records: records, Logger: cfg.Logger})
	if err != nil {
		return err
	}
	s.identity, err = identity.New(identity.Config{
		Directory: s.people, Path: identityPrefix, ClientID: cfg.ClientID,
		RedirectURIs: cfg.RedirectURIs, TokenLifetime: cfg.TokenLifetime, Journal: s.journal, Records: records,
		Now: cfg.Now, Logger: cfg.Logger,
	})
	if err != nil {
		return err
	}
	return s.fill(records)
}

// filled is the record that says what filled the state. It is written last, so
// that a filling that a crash broke off is done again.
type filled struct {
	Estate string `json:"estate"`
}

func (s *Sandbox) fill(records []journal.Record) error {
	estate := s.cfg.Estate
	if estate != "" {
		absolute, err := filepath.Abs(estate)
		if err != nil {
			return fmt.Errorf("find estate: %w", err)
		}
		estate = absolute
	}
	for _, r := range records {
		if r.Kind != "filled" {
			continue
		}
		var was filled
		if err := json.Unmarshal(r.Value, &was); err != nil {
			return fmt.Errorf("read state: %w", err)
		}
		if was.Estate != estate {
			return fmt.Errorf("the state in %s was filled from estate %q, not %q: use another folder for the state", s.cfg.Dir, was.Estate, estate)
		}
		return nil
	}
	if err := s.warehouse.Fill(s.cfg.World.Warehouse); err != nil {
		return err
	}
	if estate != "" {
		seed, err := bigquery.LoadEstate(estate)
		if err != nil {
			return err
		}
		if err := s.warehouse.Fill(seed); err != nil {
			return err
		}
	}
	for _, subject := range s.cfg.World.Subjects {
		if _, err := s.registry.Register(subject); err != nil {
			return fmt.Errorf("register %s: %w", subject.Subject, err)
		}
	}
	record, err := journal.Put("filled", "by", filled{estate})
	if err != nil {
		return err
	}
	return s.journal.Write(record)
}

// Handler serves all three rooms under their paths, for a server of one's own.
func (s *Sandbox) Handler() http.Handler { return s.handler }

func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(bigqueryPrefix+"/", http.StripPrefix(bigqueryPrefix, s.warehouse))
	mux.Handle(registryPrefix+"/", http.StripPrefix(registryPrefix, s.registry))
	mux.Handle(identityPrefix+"/", http.StripPrefix(identityPrefix, s.identity))
	mux.HandleFunc("GET /{$}", func(out http.ResponseWriter, in *http.Request) {
		at := AddressesAt("http://" + in.Host)
		_, _ = fmt.Fprintf(out, "Cadastre's sandbox: made-up data, for demos and tests only.\n\nBigQuery endpoint  %s\nschema registry    %s\nOpenID issuer      %s\n",
			at.BigQuery, at.Registry, at.Issuer)
	})
	mux.HandleFunc("POST /faults", s.addFault)
	mux.HandleFunc("DELETE /faults", func(http.ResponseWriter, *http.Request) { s.warehouse.ClearFaults() })
	return mux
}

// addFault takes a fault as JSON, for those who drive a sandbox from outside.
func (s *Sandbox) addFault(out http.ResponseWriter, in *http.Request) {
	var fault bigquery.Fault
	reader := json.NewDecoder(http.MaxBytesReader(out, in.Body, 1<<16))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&fault); err != nil {
		http.Error(out, "not a fault: "+err.Error(), http.StatusBadRequest)
		return
	}
	s.warehouse.Fault(fault)
	out.WriteHeader(http.StatusNoContent)
}

// Start listens and serves until Stop. To start what has started is no error.
func (s *Sandbox) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		return nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("start sandbox: %w", err)
	}
	s.address = listener.Addr().String()
	s.server = &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
	s.served = make(chan error, 1)
	go func(server *http.Server, served chan<- error) { served <- server.Serve(listener) }(s.server, s.served)
	s.cfg.Logger.Info("sandbox listens", "addr", "http://"+s.address)
	return nil
}

// Stop ends serving, waiting for calls under way as long as ctx lasts, ends
// the worker and closes the state. A stopped sandbox is not started again:
// make a new one over the same folder. To stop what has stopped is no error.
func (s *Sandbox) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.server != nil {
		err = s.server.Shutdown(ctx)
		if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		s.server = nil
	}
	if err = errors.Join(err, s.warehouse.Close(), s.journal.Close()); err != nil {
		return fmt.Errorf("stop sandbox: %w", err)
	}
	return nil
}

// Addresses are where a started sandbox is reached; they are empty before.
func (s *Sandbox) Addresses() Addresses {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.address == "" {
		return Addresses{}
	}
	return AddressesAt("http://" + s.address)
}

// AllowRedirect lets the identity provider send people back to that address.
func (s *Sandbox) AllowRedirect(uri string) { s.identity.AllowRedirect(uri) }

// Fault makes calls of the warehouse go wrong from now on.
func (s *Sandbox) Fault(f bigquery.Fault) { s.warehouse.Fault(f) }

// ClearFaults ends all faults.
func (s *Sandbox) ClearFaults() { s.warehouse.ClearFaults() }

// Addresses are where a started sandbox is reached.
type Addresses struct {
	// Root is the page that says what is served here, as http://127.0.0.1:4040.
	Root string
	// BigQuery is the endpoint for option.WithEndpoint of Google's clients.
	BigQuery string
	// Registry is the base URL of the schema registry.
	Registry string
	// Issuer is the OpenID Connect issuer.
	Issuer string
}

// AddressesAt returns the addresses of a sandbox whose handler is served at
// root, such as the URL of an httptest.Server.
func AddressesAt(root string) Addresses {
	return Addresses{
		Root:     root,
		BigQuery: root + bigqueryPrefix + "/bigquery/v2/",
		Registry: root + registryPrefix,
		Issuer:   root + identityPrefix,
	}
}

// The rooms of the house by path.
const (
	bigqueryPrefix = "/warehouse"
	registryPrefix = "/registry"
	identityPrefix = "/identity"
)
