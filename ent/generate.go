// Package ent holds the store: the schema of its tables, the code generated
// from it, the migrations and the store itself. It owns no code; see ent/store.
// Nobody imports it.
package ent

//go:generate go tool ent generate --target gen --feature sql/upsert,sql/execquery ./schema
