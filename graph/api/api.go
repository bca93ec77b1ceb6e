package api

import (
	"context"
	"log/slog"
	"mime"
	"net/http"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/api/gen"
)

// Config is what the API needs. All interfaces must be set.
type Config struct {
	Catalog   Catalog
	Governor  Governor
	Tagger    Tagger
	Describer Describer
	Planner   Planner
	Auditor   Auditor
	Operator  Operator
	Undoer    Undoer
	Glass     Glass
	// Administrator keeps the tokens of services.
	Administrator Administrator
	// Principal returns who asks. Where it returns false the answer is
	// graph.ErrDenied: the caller lets nobody through who is not signed in.
	Principal func(ctx context.Context) (graph.Principal, bool)
	// RequestID returns the id under which a request stands in the log.
	// Defaults to none.
	RequestID func(ctx context.Context) string
	// Observe is told that an operation begins, by its kind and the one field
	// that it asks for, such as "query search" or "query several"; it returns
	// the context to answer it in, and what is told how it ended, by the kind
	// of its error alone. Defaults to nobody.
	Observe func(ctx context.Context, work string) (context.Context, func(error))
	// Introspection lets clients ask for the schema. Defaults to no.
	Introspection bool
	// Complexity is how many fields, lists counted by their size, one
	// operation may ask for. Defaults to 20,000.
	Complexity int
	// Depth is how deep selections may nest. Defaults to 12.
	Depth int
	// Logger takes the detail of internal errors. Defaults to discarding.
	Logger *slog.Logger
}

const (
	maxBody   = 1 << 20
	maxTokens = 4000
)

// New returns the handler of POST requests with a JSON body; everything else
// is refused with 405 or 415.
func New(c Config) http.Handler {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.RequestID == nil {
		c.RequestID = func(context.Context) string { return "" }
	}
	if c.Observe == nil {
		c.Observe = func(ctx context.Context, _ string) (context.Context, func(error)) { return ctx, func(error) {} }
	}
	if c.Complexity == 0 {
		c.Complexity = 20_000
	}
	if c.Depth == 0 {
		c.Depth = 12
	}
	r := &resolver{c}
	server := handler.New(gen.NewExecutableSchema(gen.Config{Resolvers: r, Complexity: complexity(), Directives: gen.DirectiveRoot{AsOf: r.asOf}}))
	server.AddTransport(transport.POST{})
	server.SetQueryCache(lru.New[*ast.QueryDocument](500))
	server.SetParserTokenLimit(maxTokens)
	server.SetDisableSuggestion(true)
	server.SetErrorPresenter(r.present)
	server.SetRecoverFunc(r.recovered)
	server.AroundOperations(r.observe)
	server.AroundOperations(r.pin)
	server.Use(extension.FixedComplexityLimit(c.Complexity))
	server.Use(depthLimit{c.Depth})
	if c.Introspection {
		server.Use(extension.Introspection{})
	} else {
		server.Use(hiddenSchema{})
	}
	return onlyJSON(server)
}

func onlyJSON(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "POST a JSON document", http.StatusMethodNotAllowed)
			return
		}
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			http.Error(w, "the body must be application/json", http.StatusUnsupportedMediaType)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}
