// Package registry is the sandbox's schema registry: the part of Confluent's
// REST API that a catalog reads, and enough of the writing part to fill it.
//
// It owns subjects, versions, ids, contexts, soft deletes and compatibility
// settings. It does not own schema evolution: a registration is checked to be
// well-formed, never to be compatible with the version before.
//
// Only internal/sandbox and its tests may import it.
package registry

// Reference is a schema that another one builds on.
type Reference struct {
	// Name is how the schema calls it.
	Name string `json:"name"`
	// Subject and Version are where it is registered.
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// Metadata is what stands beside a schema.
type Metadata struct {
	// Tags are labels by path of a field ("com.acme.User.email", "**.iban").
	Tags map[string][]string `json:"tags,omitempty"`
	// Properties are free words.
	Properties map[string]string `json:"properties,omitempty"`
	// Sensitive names the properties whose values must not be shown.
	Sensitive []string `json:"sensitive,omitempty"`
}

// Registration is a schema to be registered under a subject.
type Registration struct {
	// Subject is the subject's name, qualified as ":.context:name" outside the
	// default context.
	Subject string
	// Schema is the schema's text.
	Schema string
	// Type is AVRO, JSON or PROTOBUF. Defaults to AVRO.
	Type string
	// References are the schemas it builds on.
	References []Reference
	// Metadata is what stands beside it. Defaults to nothing.
	Metadata *Metadata
}
