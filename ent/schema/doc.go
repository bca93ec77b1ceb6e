// Package schema describes the tables of the store, one file an entity, from
// which ent/gen and the migrations are generated.
//
// It owns shapes and indexes and no behaviour: no hook, no policy, no default
// that reads a clock. What the rows mean and who writes them when is the
// store's. The generator alone imports it.
//
// Two sorts of entity live here. Those with history embed Versioned: a row is
// never overwritten, it has the revision that began it and the one that ended
// it. The others stand outside revisions or are written once.
package schema
