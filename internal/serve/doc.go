// Package serve is the rim of the house: it hands each room what it needs and
// runs the main path.
//
// It owns the configuration, the wiring as a literal list, the jobs of the
// main path (path.go shows all of it on one screen), publishing, HTTP, sign-in
// by OpenID Connect, and the demo with its proof. It owns no rule about
// lineage, tags, decisions, masks or plans: those are the rooms'.
//
// It may import everything; only cmd imports it.
package serve
