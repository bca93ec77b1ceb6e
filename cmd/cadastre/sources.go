package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"cadastre.dev/cadastre/graph/api/shape"
)

type sourcesCommand struct{}

// Run lists the sources, and what the program does now.
func (sourcesCommand) Run(ctx context.Context, all *commands, s *streams) error {
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	sources, err := app.Sources(ctx, app.LocalPrincipal())
	if err != nil {
		return err
	}
	activity, err := app.Activity(ctx, app.LocalPrincipal())
	if err != nil {
		return err
	}
	answer := newSourcesAnswer(sources, activity)
	return s.print(answer, func(w io.Writer) {
		for _, c := range answer.Sources {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%d assets\t%s %s\t%s\n", c.Name, c.Platform, c.Assets, seenText(c), orNever(c.CrawledAt), scheduleText(c))
			for _, p := range c.Problems {
				_, _ = fmt.Fprintf(w, "  %s\n", p)
			}
		}
		for _, j := range answer.Activity {
			_, _ = fmt.Fprintf(w, "%s\t%s %s\trun %d of %d\t%s\n", j.State, j.Kind, j.Subject, j.Attempt, j.Attempts, jobText(j))
		}
	})
}

func orNever(at *time.Time) string {
	if at == nil {
		return "never"
	}
	return at.Format(time.RFC3339)
}

// isPushed says whether services push the source, so that nothing crawls it.
func isPushed(platform string) bool { return platform == "push" }

func seenText(s sourceAnswer) string {
	if isPushed(s.Platform) {
		return "pushed"
	}
	return "crawled"
}

func scheduleText(s sourceAnswer) string {
	if isPushed(s.Platform) {
		return "when a service pushes"
	}
	if s.Schedule == nil {
		return "only when asked"
	}
	return fmt.Sprintf("%s, next %s", *s.Schedule, orNever(s.NextCrawlAt))
}

func jobText(j jobAnswer) string {
	text := ""
	switch {
	case j.Total > 0:
		text = fmt.Sprintf("%d of %d", j.Done, j.Total)
	case j.Done > 0:
		text = fmt.Sprint(j.Done)
	case j.NextAt != nil:
		text = "again " + orNever(j.NextAt)
	}
	if j.Error != "" {
		text += " " + j.Error
	}
	return text
}

type sourcesAnswer struct {
	Sources  []sourceAnswer `json:"sources"`
	Activity []jobAnswer    `json:"activity"`
}

type sourceAnswer struct {
	Name        string     `json:"name"`
	Platform    string     `json:"platform"`
	Assets      int        `json:"assets"`
	CrawledAt   *time.Time `json:"crawled_at"`
	Schedule    *string    `json:"schedule"`
	NextCrawlAt *time.Time `json:"next_crawl_at"`
	Problems    []string   `json:"problems"`
	// Held is the hash of the removal that waits for somebody's word, as
	// crawl --remove takes it; empty for none.
	Held string `json:"held"`
}

type jobAnswer struct {
	Kind      string     `json:"kind"`
	Subject   string     `json:"subject"`
	State     string     `json:"state"`
	Done      int        `json:"done"`
	Total     int        `json:"total"`
	Attempt   int        `json:"attempt"`
	Attempts  int        `json:"attempts"`
	StartedAt *time.Time `json:"started_at"`
	NextAt    *time.Time `json:"next_at"`
	EndedAt   *time.Time `json:"ended_at"`
	Error     string     `json:"error"`
}

func newSourcesAnswer(sources []shape.Source, activity []shape.Activity) sourcesAnswer {
	out := sourcesAnswer{Sources: []sourceAnswer{}, Activity: []jobAnswer{}}
	for _, s := range sources {
		answer := sourceAnswer{
			Name: s.Name, Platform: s.Platform, Assets: s.Assets, CrawledAt: s.CrawledAt,
			Schedule: s.Schedule, NextCrawlAt: s.NextCrawlAt, Problems: s.Problems,
		}
		if s.Held != nil {
			answer.Held = s.Held.Hash
		}
		out.Sources = append(out.Sources, answer)
	}
	for _, j := range activity {
		out.Activity = append(out.Activity, jobAnswer(j))
	}
	return out
}
