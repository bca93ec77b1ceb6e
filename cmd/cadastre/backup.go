package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/serve"
)

type backupCommand struct {
	File     string `arg:"" help:"File to write."`
	WithKeys bool   `help:"Put the masking keys into it. Who holds such a file can undo the pseudonyms of values that they guess."`
	Force    bool   `help:"Replace a file that is there."`
}

// Run backs up the catalog beside a running server, or without one.
func (c *backupCommand) Run(ctx context.Context, all *commands, s *streams) error {
	config, err := all.config()
	if err != nil {
		return err
	}
	if err := hasCatalog(config); err != nil {
		return err
	}
	report, err := serve.Backup(ctx, config, serve.BackupOptions{Path: c.File, WithKeys: c.WithKeys, Force: c.Force, Program: version})
	if err != nil {
		return err
	}
	return s.print(report, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%s\t%d bytes\trevision %d\t%d events\n", report.File, report.Bytes, report.Revision, report.Events)
		switch {
		case len(report.KeysLeftOut) > 0:
			_, _ = fmt.Fprintf(w, "WITHOUT the masking keys %s. Keep the folder of the masking keys elsewhere: without it pseudonyms made after a restore do not join with earlier ones.\n", strings.Join(report.KeysLeftOut, ", "))
		case len(report.Keys) > 0:
			_, _ = fmt.Fprintf(w, "WITH the masking keys %s. Keep the file as you keep them: who holds it can undo the pseudonyms of values that they guess.\n", strings.Join(report.Keys, ", "))
		}
		_, _ = fmt.Fprintln(w, "The configuration and the secrets that it refers to are not in it.")
	})
}

type restoreCommand struct {
	File        string `arg:"" help:"File that backup wrote, or the copy that was made before the tables were migrated."`
	Force       bool   `help:"Let a catalog that is there make way; it is kept beside, with .before-restore behind its name."`
	WithoutKeys bool   `help:"Restore although masking keys are missing: pseudonyms made from then on do not join with earlier ones."`
}

// Run restores a catalog into a data directory that nobody uses.
func (c *restoreCommand) Run(ctx context.Context, all *commands, s *streams) error {
	config, err := all.config()
	if err != nil {
		return err
	}
	report, err := serve.Restore(ctx, config, serve.RestoreOptions{Path: c.File, Force: c.Force, WithoutKeys: c.WithoutKeys})
	if err != nil {
		return err
	}
	return s.print(report, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%s\trevision %d\t%d events, every hash as it must be\n", config.DatabaseFile(), report.Revision, report.Events)
		for _, path := range report.Kept {
			_, _ = fmt.Fprintf(w, "kept\t%s\n", path)
		}
		if len(report.Keys) > 0 {
			_, _ = fmt.Fprintf(w, "keys\t%s\n", strings.Join(report.Keys, ", "))
		}
		if len(report.KeysMissing) > 0 {
			_, _ = fmt.Fprintf(w, "MISSING the masking keys %s: they are drawn anew, and pseudonyms made from now on do not join with earlier ones.\n", strings.Join(report.KeysMissing, ", "))
		}
		if !report.KeysKnown {
			_, _ = fmt.Fprintln(w, "The file says nothing of masking keys: see that the folder keys is the one that belongs to it.")
		}
		_, _ = fmt.Fprintln(w, "All sessions have ended; people sign in again. Revoke again the API tokens that were revoked since the backup: cadastre token list shows which are good.")
	})
}

// hasCatalog refuses to go on where there is no catalog to look at.
func hasCatalog(config serve.Config) error {
	if config.HasCatalog() {
		return nil
	}
	return fmt.Errorf("there is no catalog in %s; name its folder with --data-dir (the demo's is .cadastre), or crawl first: %w", config.DataDir, graph.ErrNotFound)
}
