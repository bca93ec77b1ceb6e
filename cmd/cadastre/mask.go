package main

import (
	"context"
	"fmt"
	"io"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/serve"
)

type maskCommand struct {
	Apply maskApplyCommand `cmd:"" help:"Apply masking rules to values, as BigQuery does."`
}

type maskApplyCommand struct {
	JSONL  bool   `name:"jsonl" help:"Read {id, method, type, value} lines and answer one {id, masked, error} line each, in order."`
	Method string `arg:"" optional:"" help:"The rule, such as EMAIL_MASK."`
	Value  string `arg:"" optional:"" help:"The value."`
	Type   string `default:"STRING" help:"The value's BigQuery type."`
}

// Run answers one value, or lines of them. A rule that does not apply to the
// type is ErrInvalid for one value and an error line among many.
func (c *maskApplyCommand) Run(ctx context.Context, s *streams) error {
	if c.JSONL {
		return serve.MaskBatch(ctx, s.in, s.out)
	}
	if c.Method == "" {
		return fmt.Errorf("mask apply: name a rule and a value, or pass --jsonl: %w", graph.ErrInvalid)
	}
	masked, err := serve.Mask(c.Method, c.Type, c.Value)
	if err != nil {
		return err
	}
	answer := struct {
		Masked string `json:"masked"`
	}{masked}
	return s.print(answer, func(w io.Writer) { _, _ = fmt.Fprintln(w, masked) })
}
