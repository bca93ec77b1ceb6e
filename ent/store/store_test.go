package store_test

import (
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/ent/store/storetest"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/pgtest"
)

var boss = graph.Principal{ID: "boss@example.org"}

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, c store.Config) *store.Store { return open(t, c) })
}

// TestSQLiteInAFile runs the suite on files that are kept, whose settings
// differ from those of the private store.
func TestSQLiteInAFile(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, c store.Config) *store.Store {
		c.Path = t.TempDir() + "/a catalog?#%.db"
		return open(t, c)
	})
}

// TestPostgres runs the suite on a server of its own, each test in a database
// of its own.
func TestPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	storetest.Run(t, func(t *testing.T, c store.Config) *store.Store {
		c.URL = server.Database(t)
		return open(t, c)
	})
}

func open(t testing.TB, c store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func openAt(t testing.TB, path string) *store.Store {
	t.Helper()
	return open(t, store.Config{Path: path})
}
