// Package ui holds the built web app and nothing else: the files that `npm run
// build` leaves in dist, inside the program. It does not own how they are
// served. Only internal/serve and cmd may import it.
package ui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns the built app with index.html at its root. A program that was
// built without the app holds an empty folder: ask Built.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // Impossible: "dist" is a valid path and is embedded.
	}
	return files
}

// Built says whether the app was built before the program was, so that its
// server can say what is missing.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}
