package serve

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"cadastre.dev/cadastre/ent/store"
)

const databaseFile = "cadastre.db"

// Database is where the catalog is kept.
type Database struct {
	// URL is env:NAME or file:PATH of a PostgreSQL URL,
	// postgres://user:password@host/name. Any number of programs may share
	// that database; they share its jobs, too. Defaults to one SQLite file in
	// data_dir.
	URL string `koanf:"url"`
	// Keys is the folder of the masking keys. Programs that share a database
	// must share it as well: one that has other keys is refused. Defaults to
	// keys in data_dir.
	Keys string `koanf:"keys"`
}

// DatabaseFile is the SQLite file that holds the catalog where no other
// database is configured. It is there once the catalog was opened.
func (c Config) DatabaseFile() string { return filepath.Join(c.DataDir, databaseFile) }

// HasCatalog says whether there may be a catalog to look at. It makes none.
func (c Config) HasCatalog() bool {
	if c.Database.URL != "" {
		return true
	}
	info, err := os.Stat(c.DatabaseFile())
	return err == nil && !info.IsDir()
}

// keysFolder is where the masking keys are.
func (c Config) keysFolder() string {
	return orDefault(c.Database.Keys, filepath.Join(c.DataDir, keysFolder))
}

// openStore opens the configured database.
func (c Config) openStore(ctx context.Context, with store.Config) (*store.Store, error) {
	var err error
	if with.URL, err = resolveSecret(c.Database.URL); err != nil {
		return nil, fmt.Errorf("open the catalog: database.url: %w", err)
	}
	with.Path = c.DatabaseFile()
	s, err := store.Open(ctx, with)
	if err != nil {
		return nil, fmt.Errorf("open the catalog: %w", err)
	}
	return s, nil
}
