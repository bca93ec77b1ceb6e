// Package registry crawls a Confluent-compatible schema registry: subjects,
// the topics that they describe, and their columns.
//
// It owns the registry's REST calls, the reading of Avro schemas, and the rule
// by which a subject's name tells its topic. It does not own Kafka itself,
// nor how a topic's table is filled: that is what a connector says, or the
// configuration in its place.
//
// Only internal/serve and tests may import it.
package registry
