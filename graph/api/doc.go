// Package api is the GraphQL interface: the schema in schema/*.graphql, one
// file a noun, thin resolvers, the mapping of errors, and limits.
//
// It owns how the words of graph are asked for and shown over HTTP. It does
// not own who may see what (every read goes through a Reader that is bound to
// the person) nor any rule: what it needs it asks of the small interfaces in
// deps.go, which internal/serve fills. Generated code stands in gen, shapes in
// shape. Only internal/serve may import it.
package api

//go:generate go tool gqlgen generate --config gqlgen.yml
