package store

import "context"

// Backup writes a whole copy of the catalog to a file that its owner alone may
// read, while it goes on being used. An older copy is replaced only when the
// new one is whole. A PostgreSQL database has its own tools for that, which the
// error names: graph.ErrInvalid.
func (s *Store) Backup(ctx context.Context, path string) error { return s.db.backup(ctx, path) }
