package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"cadastre.dev/cadastre/internal/serve"
)

type demoCommand struct {
	Listen string `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Loopback address to serve on; port 0 takes a free one."`
	Estate string `placeholder:"DIR" help:"Serve a BigQuery estate (datasets.jsonl.gz, tables.jsonl.gz, jobs.jsonl.gz of REST resources) in place of the company's warehouse."`
	Exit   bool   `help:"Go through the whole path without a person, print the proof, and exit."`
}

// Run starts the demo, or with --exit proves it. A point of the proof that is
// false makes the answer no.
func (c *demoCommand) Run(ctx context.Context, all *commands, s *streams) error {
	options := serve.DemoOptions{
		DataDir: all.DataDir, Listen: c.Listen, Estate: c.Estate, Worker: os.Getenv("CADASTRE_WORKER__PATH"),
		Logger: logger(s.err, "warn", "text"), Progress: s.progress(),
		Tell: func(line string) { _, _ = fmt.Fprintln(s.err, line) },
	}
	if !c.Exit {
		return serve.Demo(ctx, options, func(w serve.Welcome) {
			s.bars.end()
			_, _ = fmt.Fprintf(s.out, "\nCadastre is at %s\n\nSign in as\n", w.URL)
			for _, p := range w.People {
				_, _ = fmt.Fprintf(s.out, "  %-16s %s\n", p.Name, p.Role)
			}
			_, _ = fmt.Fprintf(s.out, "\nThe demo's data is kept in %s. Stop with Ctrl-C.\n", w.DataDir)
		})
	}
	proof, err := serve.Prove(ctx, options)
	if err != nil {
		return err
	}
	err = s.print(proof, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%d assets, %d columns, %d edges\n", proof.Assets, proof.Columns, proof.Edges)
		for _, p := range proof.Points() {
			_, _ = fmt.Fprintf(w, "%v\t%s\n", proof.Proof[p], p)
		}
		for _, n := range proof.Notes {
			_, _ = fmt.Fprintf(w, "note: %s\n", n)
		}
	})
	if err == nil && !proof.Holds() {
		err = errFalse
	}
	return err
}
