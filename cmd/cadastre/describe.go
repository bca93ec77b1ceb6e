package main

import (
	"context"
	"fmt"
	"io"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/serve"
)

type describeCommand struct {
	Ref      string  `arg:"" help:"The asset or column, as namespace/name#path."`
	Text     string  `arg:"" optional:"" help:"What it is. Without it, what is said is shown."`
	Title    bool    `help:"Say its title instead of its description."`
	Withdraw bool    `help:"Take back what a person said, so that the source's word counts again."`
	Was      *string `placeholder:"TEXT" help:"Refuse where another word than this counts by now."`
	Reason   string  `help:"Why; shown beside the word."`
}

type saidAnswer struct {
	Attribute  graph.TextAttribute `json:"attribute"`
	Value      string              `json:"value"`
	Provenance graph.Provenance    `json:"provenance"`
	// Effective is the word that counts, Differs one that says otherwise.
	Effective bool `json:"effective"`
	Differs   bool `json:"differs"`
}

// Run says what something is as the person at this machine, or shows what is
// said of it.
func (c *describeCommand) Run(ctx context.Context, all *commands, s *streams) error {
	ref, err := graph.ParseRef(c.Ref)
	if err != nil {
		return err
	}
	if c.Withdraw && c.Text != "" {
		return fmt.Errorf("describe %s: say something or take it back, not both: %w", ref, graph.ErrInvalid)
	}
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	var revision graph.Revision
	if c.Text != "" || c.Withdraw {
		request := graph.AnnotateRequest{Ref: ref, Attribute: graph.AttributeDescription, Value: c.Text, Was: c.Was, Reason: c.Reason}
		if c.Title {
			request.Attribute = graph.AttributeTitle
		}
		if revision, err = app.Annotate(ctx, app.LocalPrincipal(), []graph.AnnotateRequest{request}); err != nil {
			return err
		}
	}
	return c.show(ctx, app, s, ref, revision)
}

// show prints what is said; a revision of 0 says that nothing was written.
func (c *describeCommand) show(ctx context.Context, app *serve.App, s *streams, ref graph.Ref, revision graph.Revision) error {
	said, err := app.SaidOf(ctx, app.LocalPrincipal(), ref)
	if err != nil {
		return err
	}
	answer := struct {
		Revision graph.Revision `json:"revision,omitempty"`
		Says     []saidAnswer   `json:"says"`
	}{revision, []saidAnswer{}}
	for _, one := range said {
		answer.Says = append(answer.Says, saidAnswer(one))
	}
	return s.print(answer, func(w io.Writer) {
		if revision > 0 {
			_, _ = fmt.Fprintf(w, "revision %d\n", revision)
		}
		for _, one := range said {
			_, _ = fmt.Fprintf(w, "%s\t%s\tby %s %s\t%s\n", one.Attribute, counting(one.Effective), one.Provenance.Kind, one.Provenance.Name, one.Value)
		}
		if len(said) == 0 {
			_, _ = fmt.Fprintln(w, "nobody says anything of it")
		}
	})
}

// counting says whether a word counts, or stands beside the one that does.
func counting(effective bool) string {
	if effective {
		return "counts"
	}
	return "beside"
}
