package main

import (
	"fmt"
	"io"
	"runtime"
)

type versionCommand struct{}

// Run prints which version this is.
func (versionCommand) Run(s *streams) error {
	answer := struct {
		Version string `json:"version"`
		Go      string `json:"go"`
	}{version, runtime.Version()}
	return s.print(answer, func(w io.Writer) { _, _ = fmt.Fprintf(w, "cadastre %s (%s)\n", answer.Version, answer.Go) })
}
