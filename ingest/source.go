package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// Cursor is what a source wants to be told at its next run: etags, times. It
// is opaque to all but the source that made it. Nil means a first run. A
// source that cannot read a cursor, because another version wrote it, starts
// anew and says nothing.
type Cursor []byte

// Source is something that can be crawled.
type Source interface {
	// Name is the configured name; every asset that it emits bears it.
	Name() string
	// Crawl tells all that it sees, in any order, and returns the cursor for
	// the next run. Equal states of the source give equal facts.
	//
	// Three things may happen. It returns nil: all was seen. It returns a
	// *PartialError: what the findings name was not seen and no ScopeDone
	// covers it, the rest was, and the cursor is good. It returns another
	// error, of a kind of graph or of ctx: the facts emitted so far are true
	// but the cursor is not to be used. An error of emit is returned as it is.
	//
	// One crawl runs at a time; emit is never called concurrently and must
	// not be called after Crawl has returned.
	Crawl(ctx context.Context, since Cursor, emit func(graph.Fact) error) (Cursor, error)
}

// Checker is the power of a source to say what it lacks, for `doctor`.
type Checker interface {
	// Check tries each thing that a crawl needs and returns a finding for each
	// that is missing: what it costs and what to do. No findings: all is well.
	// It is safe for concurrent use and writes nothing.
	Check(ctx context.Context) []graph.Finding
}

// StatementLister is the power of a source to tell which SQL ran in it.
type StatementLister interface {
	// Statements tells each different statement that ran since the cursor,
	// once, with an ID and its text as it ran. The text is for the analyzer
	// alone: what is kept of it is made by ingest/lineage, without literals.
	// Errors, cursor and concurrency are as for Crawl.
	Statements(ctx context.Context, since Cursor, emit func(graph.Statement) error) (Cursor, error)
}

// StatementsOf names the cursor of a source's statements beside that of its
// facts, for Catalog.Cursor and Crawl.Source.
func StatementsOf(source string) string { return source + "#statements" }

// PartialError says that a source was seen but for what its findings name.
type PartialError struct {
	// Findings are never empty: what was not seen, why, and what to do.
	Findings []graph.Finding
}

// Error tells the first finding and how many there are.
func (e *PartialError) Error() string {
	if len(e.Findings) == 0 {
		return "crawl was partial"
	}
	first := e.Findings[0]
	if n := len(e.Findings); n > 1 {
		return fmt.Sprintf("crawl was partial: %s (and %d more)", first.What, n-1)
	}
	return "crawl was partial: " + first.What
}

// Partial returns a *PartialError of the findings, sorted so that equal runs
// tell the same, and nil where there are none.
func Partial(findings []graph.Finding) error {
	if len(findings) == 0 {
		return nil
	}
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b graph.Finding) int {
		if c := graph.CompareRefs(a.Ref, b.Ref); c != 0 {
			return c
		}
		return strings.Compare(a.Code+a.What, b.Code+b.What)
	})
	return &PartialError{Findings: sorted}
}

// The codes of findings that sources make. They are stable.
const (
	// CodeDenied says that a permission is missing.
	CodeDenied = "crawl-denied"
	// CodeUnavailable says that something did not answer.
	CodeUnavailable = "crawl-unavailable"
	// CodeInvalid says that something was answered that makes no sense.
	CodeInvalid = "crawl-invalid"
	// CodeHeld says that a run would remove more than it may unasked.
	CodeHeld = "crawl-held"
)
