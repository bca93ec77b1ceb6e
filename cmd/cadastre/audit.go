package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/internal/serve"
)

type auditCommand struct {
	Verify     auditVerifyCommand     `cmd:"" help:"Verify every event of the log, or of an export, against signed checkpoints."`
	Export     auditExportCommand     `cmd:"" help:"Write the whole log as JSON lines, with a signed checkpoint."`
	Checkpoint auditCheckpointCommand `cmd:"" help:"Write a signed checkpoint of the whole log, to keep elsewhere."`
	Prove      auditProveCommand      `cmd:"" help:"Prove to outsiders that one event is in the log, without showing the others."`
	Key        auditKeyCommand        `cmd:"" help:"Print the key that checks checkpoints, to keep elsewhere."`
}

type auditVerifyCommand struct {
	Export     string   `placeholder:"FILE" xor:"what" help:"Verify this export in place of the log; needs no catalog."`
	Proof      string   `placeholder:"FILE" xor:"what" help:"Verify the proof of one event in place of the log; needs no catalog."`
	Checkpoint []string `placeholder:"FILE" sep:"none" help:"A checkpoint that was kept elsewhere; may be given several times."`
	Key        []string `placeholder:"KEY" sep:"none" help:"The key that checks checkpoints, or a file with it, as it was kept elsewhere; may be given several times."`
}

// Run verifies what was named. Where it is not whole the answer is no.
func (c *auditVerifyCommand) Run(ctx context.Context, all *commands, s *streams) error {
	kept, err := c.kept()
	if err != nil {
		return err
	}
	var report audit.Report
	switch {
	case c.Export != "":
		report, err = verifyExport(c.Export, kept)
	case c.Proof != "":
		return c.verifyProof(s, kept)
	default:
		report, err = verifyCatalog(ctx, all, s, kept)
	}
	if err != nil {
		return err
	}
	err = s.print(report, func(w io.Writer) { writeReport(w, report) })
	if err == nil && c.Export != "" && len(c.Key) == 0 && report.OK {
		_, _ = fmt.Fprintln(s.err, "cadastre: the key was taken from the export itself, which shows only that its parts belong together; give the one you keep with --key")
	}
	if err == nil && !report.OK {
		err = errFalse
	}
	return err
}

func writeReport(w io.Writer, report audit.Report) {
	switch {
	case report.OK:
		_, _ = fmt.Fprintf(w, "%d events, every hash as it must be; signed checkpoints that agree: %d.\n", report.Events, report.Checkpoints)
	case report.Broken > 0:
		_, _ = fmt.Fprintf(w, "Broken at event %d: %s\n", report.Broken, report.Reason)
	default:
		_, _ = fmt.Fprintf(w, "Not to be trusted: %s\n", report.Reason)
	}
}

// kept reads what was kept elsewhere.
func (c *auditVerifyCommand) kept() (serve.KeptAudit, error) {
	var kept serve.KeptAudit
	for _, path := range c.Checkpoint {
		data, err := readInput(path)
		if err != nil {
			return kept, err
		}
		kept.Checkpoints = append(kept.Checkpoints, data)
	}
	for _, key := range c.Key {
		if fileExists(key) {
			data, err := readInput(key)
			if err != nil {
				return kept, err
			}
			// What the file holds is not told: it may be the key that signs.
			if audit.CheckKeys(strings.TrimSpace(string(data))) != nil {
				return kept, fmt.Errorf("--key: the file %s holds no key that checks checkpoints, as cadastre audit key prints it: %w", key, graph.ErrInvalid)
			}
			key = string(data)
		} else if err := audit.CheckKeys(key); err != nil {
			return kept, fmt.Errorf("--key: there is no such file, and it is no key: %w", err)
		}
		kept.Keys = append(kept.Keys, strings.TrimSpace(key))
	}
	return kept, nil
}

func readInput(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, graph.ErrInvalid)
	}
	return data, nil
}

func verifyExport(path string, kept serve.KeptAudit) (audit.Report, error) {
	file, err := os.Open(path)
	if err != nil {
		return audit.Report{}, fmt.Errorf("%w: %w", err, graph.ErrInvalid)
	}
	defer func() { _ = file.Close() }()
	report, err := audit.VerifyExport(file, kept.Keys, kept.Checkpoints...)
	if err != nil {
		err = fmt.Errorf("verify %s: %w", path, err)
	}
	return report, err
}

func verifyCatalog(ctx context.Context, all *commands, s *streams, kept serve.KeptAudit) (audit.Report, error) {
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return audit.Report{}, err
	}
	defer s.closing(app)
	return app.VerifyAudit(ctx, kept)
}

// proven is what is told of a proof.
type proven struct {
	OK     bool   `json:"ok"`
	Seq    int64  `json:"seq"`
	Events int64  `json:"events"`
	Reason string `json:"reason,omitempty"`
}

func (c *auditVerifyCommand) verifyProof(s *streams, kept serve.KeptAudit) error {
	data, err := readInput(c.Proof)
	if err != nil {
		return err
	}
	var proof audit.Proof
	if err := json.Unmarshal(data, &proof); err != nil {
		return fmt.Errorf("verify %s: %w: %w", c.Proof, err, graph.ErrInvalid)
	}
	checkpoint, err := proof.Check(kept.Keys...)
	for _, signed := range kept.Checkpoints {
		if err == nil && !bytes.Equal(signed, []byte(proof.Checkpoint)) {
			err = fmt.Errorf("its checkpoint is not the one that was kept: %w", graph.ErrInvalid)
		}
	}
	answer := proven{OK: err == nil, Seq: proof.Event.Seq, Events: checkpoint.Size}
	if err != nil {
		answer.Reason = err.Error()
	}
	err = s.print(answer, func(w io.Writer) {
		if !answer.OK {
			_, _ = fmt.Fprintf(w, "Not proved: %s\n", answer.Reason)
			return
		}
		e := proof.Event
		_, _ = fmt.Fprintf(w, "Event %d of %d: %s, %s %s %s\n", e.Seq, answer.Events, e.At.UTC().Format("2006-01-02 15:04:05 UTC"), e.Actor, e.Action, e.Object)
	})
	if err == nil && !answer.OK {
		err = errFalse
	}
	return err
}

type auditExportCommand struct {
	Out string `short:"o" placeholder:"FILE" help:"Where to write. Defaults to standard output, as JSON lines with and without --json."`
}

// Run writes the export; that it was made is an event.
func (c *auditExportCommand) Run(ctx context.Context, all *commands, s *streams) error {
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	export, err := app.ExportAudit(ctx, app.LocalPrincipal())
	if err != nil {
		return err
	}
	if c.Out == "" {
		return export.Write(ctx, s.out)
	}
	if err := writeFile(c.Out, func(w io.Writer) error { return export.Write(ctx, w) }); err != nil {
		return err
	}
	written := map[string]any{"file": c.Out, "events": export.Header.Events}
	return s.print(written, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "%d events written to %s. Verify it anywhere: cadastre audit verify --export %s --key KEY\n", export.Header.Events, c.Out, c.Out)
	})
}

// writeFile writes a new file that its owner alone may read, or replaces one.
func writeFile(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("%w: %w", err, graph.ErrInvalid)
	}
	if err := write(file); err != nil {
		_ = file.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

type auditCheckpointCommand struct {
	Out string `short:"o" placeholder:"FILE" help:"Where to write the signed text. Defaults to standard output."`
}

// Run signs what came since the last checkpoint and writes the newest.
func (c *auditCheckpointCommand) Run(ctx context.Context, all *commands, s *streams) error {
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	made, err := app.Checkpoint(ctx, app.LocalPrincipal())
	if err != nil {
		return err
	}
	if c.Out != "" {
		err := writeFile(c.Out, func(w io.Writer) error {
			_, err := io.WriteString(w, made.Note)
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.print(made, func(w io.Writer) {
		if c.Out == "" {
			_, _ = io.WriteString(w, made.Note)
			return
		}
		_, _ = fmt.Fprintf(w, "A checkpoint of %d events is in %s. Keep it elsewhere, with the key: %s\n", made.Size, c.Out, made.Key)
	})
}

type auditProveCommand struct {
	Seq int64  `arg:"" help:"Number of the event."`
	Out string `short:"o" placeholder:"FILE" help:"Where to write. Defaults to standard output, as JSON with and without --json."`
}

// Run writes the proof as one JSON document.
func (c *auditProveCommand) Run(ctx context.Context, all *commands, s *streams) error {
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	proof, err := app.ProveEvent(ctx, app.LocalPrincipal(), c.Seq)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(proof, "", "  ")
	if err != nil {
		return fmt.Errorf("write proof: %w", err)
	}
	write := func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	}
	if c.Out == "" {
		return write(s.out)
	}
	if err := writeFile(c.Out, write); err != nil {
		return err
	}
	return s.print(map[string]any{"file": c.Out, "seq": c.Seq}, func(w io.Writer) {
		_, _ = fmt.Fprintf(w, "The proof of event %d is in %s. Verify it anywhere: cadastre audit verify --proof %s --key KEY\n", c.Seq, c.Out, c.Out)
	})
}

type auditKeyCommand struct {
	Renew    bool   `xor:"make" help:"Take another key from now on, and record that: the one that audit.key refers to by now, or a new one."`
	Generate string `xor:"make" placeholder:"FILE" help:"Make a key in this new file, for audit.key to refer to; needs no catalog."`
	Name     string `default:"cadastre" help:"What checkpoints call the log, with --generate."`
}

// Run prints the verifier key.
func (c *auditKeyCommand) Run(ctx context.Context, all *commands, s *streams) error {
	key, err := c.key(ctx, all, s)
	if err != nil {
		return err
	}
	return s.print(map[string]string{"key": key}, func(w io.Writer) { _, _ = fmt.Fprintln(w, key) })
}

func (c *auditKeyCommand) key(ctx context.Context, all *commands, s *streams) (string, error) {
	if c.Generate != "" {
		return serve.GenerateAuditKey(c.Generate, c.Name)
	}
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return "", err
	}
	defer s.closing(app)
	if c.Renew {
		return app.RenewAuditKey(ctx, app.LocalPrincipal())
	}
	return app.AuditKey(ctx)
}
