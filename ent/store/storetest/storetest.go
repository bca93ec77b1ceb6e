// Package storetest is what every database under the store must pass: the laws
// of the catalog at rest, then its verbs one by one.
//
// It owns the suite and the random catalogs that it draws; it does not own how
// a database is started. The tests of ent/store import it, once a database.
package storetest

import (
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
)

// Open opens an empty store for one test, which closes it at its end.
type Open func(t *testing.T, c store.Config) *store.Store

// Run runs the whole suite over stores that open makes.
func Run(t *testing.T, open Open) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*testing.T, Open)
	}{
		{"the past never changes", thePastNeverChanges},
		{"the same facts twice make no revision", sameFactsTwice},
		{"hidden assets leave no trace", hiddenLeavesNoTrace},
		{"ways are told whole or not at all", waysAreToldWholeOrNot},
		{"a way that cannot be read is told to nobody", aWayThatCannotBeRead},
		{"what is discoverable tells no more", discoverableTellsNoMore},
		{"the past of what is discoverable tells no more", pastTellsNoMore},
		{"plans tell of nothing else", plansTellOfNothingElse},
		{"the filter in SQL is the filter in Go", filterIsFilter},
		{"history is the model's", historyIsTheModels},
		{"every noun is the model's", nounsAreTheModels},
		{"what is restricted is a part", restrictedIsAPart},
		{"the index follows", theIndexFollows},
		{"the past is searched", thePastIsSearched},
		{"the index goes back and forth", theIndexGoesBackAndForth},
		{"searches agree while others commit", searchesAgreeWhileOthersCommit},
		{"a warm store is searched", warmIsTheFirstSearch},
		{"lineage is the model's", walksAreTheModels},
		{"the ledger is the model's", theLedgerIsTheModels},
		{"readers agree while others commit", readersAgree},
		{"pages are one list", pagesAreOneList},
		{"rollback leaves nothing", rollbackLeavesNothing},
		{"commits wait for each other", commitsSerialise},
		{"a delta from an old state is a conflict", oldDeltaConflicts},
		{"the audit chain holds", auditHolds},
		{"the last revision is taken back", theLastIsTakenBack},
		{"an older revision is taken back", anOlderOneIsTakenBack},
		{"what stands in the way of taking back", reverts},
		{"what is not there is not taken back", whatIsNotThereIsNotTakenBack},
		{"commits by their reasons", runs},
		{"forgetting a source", forgetting},
		{"checkpoints are the log's", checkpointsAreTheLogs},
		{"a checkpoint is an event", aCheckpointIsAnEvent},
		{"what cannot be signed", whatCannotBeSigned},
		{"the log tells who decided", theLogTellsWhoDecided},
		{"what makes a revision", whatMakesARevision},
		{"commits count", commitsCount},
		{"deltas of every size", deltasOfEverySize},
		{"many refs at once", manyRefsAtOnce},
		{"scopes", scopes},
		{"events are filtered", eventsAreFiltered},
		{"expired sessions are swept", expiredSessionsAreSwept},
		{"known", known},
		{"assets", assets},
		{"pages", pages},
		{"lineage", lineage},
		{"search", searches},
		{"history", history},
		{"revisions", revisions},
		{"plans", plans},
		{"the access ledger", ledger},
		{"cursors", cursors},
		{"sessions", sessions},
		{"fences", fences},
		{"pins", pins},
		{"sightings", sightings},
		{"many sightings", manySightings},
		{"last seen", lastSeen},
		{"known of assets", knownOfAssets},
		{"tokens", tokens},
		{"pushes", pushes},
		{"soon", soon},
		{"a held removal", heldCursor},
		{"the rest stays when some is forgotten", theRestStaysWhenSomeIsForgotten},
		{"an old index forgets too", anOldIndexForgetsToo},
		{"forgetting history", forgettingHistory},
		{"the ledger names its policy", theLedgerNamesItsPolicy},
		{"revisions by number", revisionsByNumber},
		{"no update is lost", noUpdateIsLost},
		{"what was due", dueTimes},
		{"state", states},
		{"what is observed", observed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open)
		})
	}
}

var (
	ana  = graph.Principal{ID: "ana@example.org", Groups: []string{"analysts"}}
	boss = graph.Principal{ID: "boss@example.org", Groups: []string{"owners"}}
)

// commit applies what turns was into now, and fails the test where it cannot.
func commit(t *testing.T, s *store.Store, was, now graph.Snapshot) graph.Revision {
	t.Helper()
	at, err := s.Commit(t.Context(), boss, "test", func(tx *store.Tx) error {
		return tx.Apply(t.Context(), graph.Diff(was, now))
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// put begins items in a store, where none of them stands.
func put(t *testing.T, s *store.Store, items ...graph.Item) graph.Revision {
	t.Helper()
	return commit(t, s, nil, graph.NewSnapshot(items...))
}

func reader(t *testing.T, s *store.Store, f graph.Filter, at graph.Revision) *store.Reader {
	t.Helper()
	r, err := s.Reader(t.Context(), ana, f, at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func all(t *testing.T, s *store.Store) *store.Reader {
	t.Helper()
	return reader(t, s, graph.Everything(), 0)
}

// want fails the test where two snapshots differ.
func want(t *testing.T, got, want graph.Snapshot) {
	t.Helper()
	for _, c := range graph.Diff(want, got) {
		t.Errorf("differs: %T %+v", c, c)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
