package serve

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/googlesql"
)

// Proof is what the demo shows when it goes through the whole path by itself.
type Proof struct {
	Assets   int                   `json:"assets"`
	Columns  int                   `json:"columns"`
	Edges    int                   `json:"edges"`
	Outcomes map[graph.Outcome]int `json:"outcomes"`
	// SecondCrawl counts the revisions that crawling a second time made: 0,
	// for nothing had changed.
	SecondCrawl int                `json:"second_crawl_revisions"`
	Seconds     map[string]float64 `json:"seconds"`
	// Proof holds the points; empty for an estate.
	Proof map[string]bool `json:"proof"`
	// Notes say why a point is false.
	Notes []string `json:"notes,omitempty"`
}

// Points returns the names of the points in order.
func (p Proof) Points() []string { return slices.Sorted(maps.Keys(p.Proof)) }

// Holds says whether every point is true and the second crawl changed nothing.
func (p Proof) Holds() bool {
	for _, ok := range p.Proof {
		if !ok {
			return false
		}
	}
	return p.SecondCrawl == 0
}

// Prove runs the demo through the whole path without a person: over the real
// API, with real sign-in, and with the warehouse's own client as judge. An
// error means that it could not be gone through, a false point that something
// does not hold.
func Prove(ctx context.Context, o DemoOptions) (Proof, error) {
	if _, err := googlesql.Locate(o.Worker); err != nil && o.Estate == "" {
		return Proof{}, fmt.Errorf("prove the demo: its queries need the worker: %w", err)
	}
	o.Listen = "127.0.0.1:0"
	started := time.Now()
	d, err := startDemo(ctx, o)
	if err != nil {
		return Proof{}, err
	}
	defer d.stop()
	p := Proof{Proof: map[string]bool{}, Seconds: map[string]float64{}}
	p.lap("start", started)
	started = time.Now()
	if err := d.firstCrawl(ctx); err != nil {
		return p, fmt.Errorf("first crawl: %w", err)
	}
	p.lap("crawl", started)
	if err := d.count(ctx, &p); err != nil {
		return p, err
	}
	started = time.Now()
	if err := d.crawlAgain(ctx, &p); err != nil {
		return p, fmt.Errorf("second crawl: %w", err)
	}
	p.lap("second_crawl", started)
	if o.Estate != "" {
		return p, nil
	}
	started = time.Now()
	if err := d.walkThePath(ctx, &p); err != nil {
		return p, err
	}
	p.lap("path", started)
	return p, nil
}

func (p *Proof) lap(name string, since time.Time) { p.Seconds[name] = time.Since(since).Seconds() }

// point records whether something holds, and why not.
func (p *Proof) point(name string, err error) {
	p.Proof[name] = err == nil
	if err != nil {
		p.Notes = append(p.Notes, name+": "+err.Error())
	}
}

func (d *demo) count(ctx context.Context, p *Proof) error {
	r, err := d.app.reader(ctx, system(), 0)
	if err != nil {
		return err
	}
	c, err := r.Counts(ctx)
	if err != nil {
		return fmt.Errorf("count: %w", err)
	}
	p.Assets, p.Columns, p.Edges, p.Outcomes = c.Assets, c.Columns, c.Edges, c.Outcomes
	return nil
}

func (d *demo) crawlAgain(ctx context.Context, p *Proof) error {
	before, err := d.app.store.Head(ctx)
	if err != nil {
		return err
	}
	if _, err := d.app.Crawl(ctx, system(), nil, ""); err != nil {
		return err
	}
	after, err := d.app.store.Head(ctx)
	p.SecondCrawl = int(after - before)
	return err
}

// walkThePath serves the API and goes through it as the demo's people do.
func (d *demo) walkThePath(ctx context.Context, p *Proof) error {
	ctx, cancel := context.WithCancel(ctx)
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- d.app.Serve(ctx, func(url string) { ready <- url }) }()
	var url string
	select {
	case err := <-ended:
		cancel()
		return err
	case url = <-ready:
	}
	err := (&walker{demo: d, url: url, proof: p, http: http.DefaultTransport}).walk(ctx)
	cancel()
	if stopped := <-ended; err == nil {
		err = stopped
	}
	return err
}
