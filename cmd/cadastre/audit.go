package main

import (
	"context"
	"fmt"
	"io"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Verify every event of the log."`
}

type auditVerifyCommand struct{}

// Run recomputes the whole chain. A broken log makes the answer no.
func (auditVerifyCommand) Run(ctx context.Context, all *commands, s *streams) error {
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	report, err := app.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	err = s.print(report, func(w io.Writer) {
		if report.OK {
			_, _ = fmt.Fprintf(w, "%d events, every hash as it must be.\n", report.Events)
			return
		}
		_, _ = fmt.Fprintf(w, "Broken at event %d: %s\n", report.Broken, report.Reason)
	})
	if err == nil && !report.OK {
		err = errFalse
	}
	return err
}
