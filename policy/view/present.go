package view

import "cadastre.dev/cadastre/graph"

// Present is what stands in a target, read before planning. What is not in a
// map does not exist, or may not be seen by the target's identity.
type Present struct {
	// Containers are those wanted, and every other of ours.
	Containers map[graph.Ref]Container
	// Views are all tables and views within our view containers.
	Views map[graph.Ref]View
	// Bases are the wanted assets.
	Bases map[graph.Ref]Table
	// KeyIDs are the key rows that exist, by key container. The keys
	// themselves are never read.
	KeyIDs map[graph.Ref][]string
}

// Container is a container as the target has it.
type Container struct {
	// Etag changes whenever anything about the container does.
	Etag     string
	Location string
	// Managed says that it bears our mark.
	Managed bool
	// Access are its access entries, with principals and roles written as
	// graph.Grant says; On is the container.
	Access []graph.Grant
}

// View is a view in one of our containers.
type View struct {
	Etag string
	// SQL is its text, verbatim; empty for what is no view.
	SQL string
	// Managed says that it bears our mark. What does not is never touched.
	Managed bool
	// Edited says that it bears our mark, but its text is not the one that
	// we wrote.
	Edited bool
}

// Table is a base as the target has it.
type Table struct {
	// Version changes whenever the schema or its protection does, and not
	// with the rows: a plan over a table that is written all day stays fresh.
	Version string
	// Columns are its columns at every depth by folded path.
	Columns map[string]Shape
}

// Shape is what planning must know of a column in the target.
type Shape struct {
	Type string
	Mode graph.Mode
	// Protection names the warehouse's own security on the column, a policy
	// tag or data policy; empty where there is none.
	Protection string
}
