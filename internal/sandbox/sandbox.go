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
	"log/slog"
	"time"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/bigquery"
	"cadastre.dev/cadastre/internal/sandbox/directory"
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
	// RedirectURIs are where the identity provider may send people back to.
	// AllowRedirect adds to them. Defaults to none.
	RedirectURIs []string
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
