package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/serve"
)

type showCommand struct {
	Ref string `arg:"" help:"The asset, as namespace/name, or a column of it, as namespace/name#path."`
}

// Run prints an asset with its columns, tags, owners, statement and views.
func (c *showCommand) Run(ctx context.Context, all *commands, s *streams) error {
	ref, err := graph.ParseRef(c.Ref)
	if err != nil {
		return err
	}
	app, ctx, err := all.openThen(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	shown, err := app.Show(ctx, app.LocalPrincipal(), ref)
	if err != nil {
		return err
	}
	answer := newShowAnswer(shown)
	return s.print(answer, answer.text)
}

// showAnswer is an asset as GraphQL's asset shows it.
type showAnswer struct {
	Revision    graph.Revision    `json:"revision"`
	At          time.Time         `json:"at"`
	Ref         graph.Ref         `json:"ref"`
	Kind        graph.Kind        `json:"kind"`
	Visibility  graph.Visibility  `json:"visibility"`
	Source      string            `json:"source"`
	Parent      graph.Ref         `json:"parent,omitzero"`
	Location    string            `json:"location"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Labels      map[string]string `json:"labels"`
	Definition  string            `json:"definition"`
	// Unread says why the columns could not be read; empty when they could.
	Unread  string         `json:"unread"`
	Owners  []graph.Owner  `json:"owners"`
	Tags    []graph.Tag    `json:"tags"`
	Columns []columnAnswer `json:"columns"`
	// Statement is what the lineage of its own SQL came to.
	Statement *statementAnswer `json:"statement,omitempty"`
	Views     []viewAnswer     `json:"views"`
}

type columnAnswer struct {
	Ref         graph.Ref        `json:"ref"`
	Path        string           `json:"path"`
	Type        string           `json:"type"`
	Mode        graph.Mode       `json:"mode"`
	Description string           `json:"description"`
	PolicyTags  []string         `json:"policy_tags"`
	Assessment  graph.Assessment `json:"assessment"`
	Tags        []graph.Tag      `json:"tags"`
}

type statementAnswer struct {
	ID         string        `json:"id"`
	Outcome    graph.Outcome `json:"outcome"`
	Reason     string        `json:"reason"`
	Unresolved []string      `json:"unresolved"`
}

type viewAnswer struct {
	Ref      graph.Ref `json:"ref"`
	Audience string    `json:"audience"`
}

func newShowAnswer(s serve.Shown) showAnswer {
	a := s.Asset
	out := showAnswer{
		Revision: s.Revision, At: s.At, Ref: a.Ref, Kind: a.Kind, Visibility: s.Visibility, Source: a.Source, Parent: a.Parent,
		Location: a.Location, Title: a.Title, Description: a.Description, Labels: map[string]string{}, Definition: a.Definition,
		Unread: a.Unread, Owners: orNone(s.Owners), Columns: []columnAnswer{}, Views: []viewAnswer{},
	}
	for key, value := range a.Labels {
		out.Labels[key] = value
	}
	on := map[string][]graph.Tag{}
	for _, t := range s.Tags {
		on[t.Ref.Key()] = append(on[t.Ref.Key()], t)
	}
	out.Tags = orNone(on[a.Ref.Key()])
	for _, c := range s.Columns {
		out.Columns = append(out.Columns, columnAnswer{
			Ref: c.Ref, Path: c.Ref.Path, Type: c.Type, Mode: c.Mode, Description: c.Description, PolicyTags: orNone(c.PolicyTags),
			Assessment: graph.Assess(graph.TagsFor(c.Ref, on)), Tags: orNone(graph.TagsFor(c.Ref, on)),
		})
	}
	if s.Statement != nil {
		out.Statement = &statementAnswer{s.Statement.ID, s.Statement.Outcome, s.Statement.Reason, orNone(s.Statement.Unresolved)}
	}
	for _, v := range s.Views {
		out.Views = append(out.Views, viewAnswer{v.Ref, v.Audience})
	}
	return out
}

// text writes the asset for a terminal: what it is, then its columns.
func (a showAnswer) text(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", a.Ref, a.Kind, a.Description)
	for _, o := range a.Owners {
		_, _ = fmt.Fprintf(w, "owner\t%s\t%s\n", o.Principal, o.Role)
	}
	for _, t := range a.Tags {
		_, _ = fmt.Fprintf(w, "tag\t%s\n", tagWords(t))
	}
	for _, v := range a.Views {
		_, _ = fmt.Fprintf(w, "view\t%s\tfor %s\n", v.Ref, v.Audience)
	}
	if a.Statement != nil {
		_, _ = fmt.Fprintf(w, "statement\t%s\t%s\n", a.Statement.Outcome, a.Statement.Reason)
	}
	if a.Unread != "" {
		_, _ = fmt.Fprintf(w, "unread\t%s\n", a.Unread)
	}
	for _, c := range a.Columns {
		words := make([]string, 0, len(c.Tags))
		for _, t := range c.Tags {
			words = append(words, tagWords(t))
		}
		_, _ = fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", c.Path, c.Type, c.Assessment, strings.Join(words, "; "))
	}
}

func tagWords(t graph.Tag) string {
	return fmt.Sprintf("%s %s by %s %s", t.Label, t.State, t.Provenance.Kind, t.Provenance.Name)
}
