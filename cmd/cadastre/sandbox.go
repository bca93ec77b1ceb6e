package main

import (
	"context"
	"fmt"
	"io"

	"cadastre.dev/cadastre/internal/serve"
)

type sandboxCommand struct {
	Serve sandboxServeCommand `cmd:"" help:"Serve the local warehouse, registry and identity provider until stopped."`
}

type sandboxServeCommand struct {
	Listen string `default:"127.0.0.1:4040" placeholder:"ADDR" help:"Loopback address to serve on."`
	Estate string `placeholder:"DIR" help:"Folder of datasets.jsonl.gz, tables.jsonl.gz and jobs.jsonl.gz to serve in place of the demo company."`
}

// Run serves until it is told to stop.
func (c *sandboxServeCommand) Run(ctx context.Context, all *commands, s *streams) error {
	return serve.Sandbox(ctx, serve.SandboxOptions{
		Listen: c.Listen, Estate: c.Estate, DataDir: all.DataDir, Logger: logger(s.err, "info", "text"),
		Ready: func(a serve.SandboxAddresses) error {
			return s.print(newSandboxAnswer(a), func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "BigQuery\t%s\nregistry\t%s\nsign-in\t%s\n", a.BigQuery, a.Registry, a.Issuer)
			})
		},
	})
}
