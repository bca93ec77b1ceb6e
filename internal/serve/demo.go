package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// SandboxAddresses are where the local warehouse is reached.
type SandboxAddresses = sandbox.Addresses

// SandboxOptions say how the local warehouse runs alone.
type SandboxOptions struct {
	// Listen is a loopback address.
	Listen string
	// Estate is a folder of REST resources in place of the demo company.
	Estate string
	// DataDir keeps its state. Empty: memory alone.
	DataDir string
	Logger  *slog.Logger
	// Ready is told the addresses.
	Ready func(SandboxAddresses) error
}

// Sandbox serves the local warehouse until ctx ends.
func Sandbox(ctx context.Context, o SandboxOptions) error {
	config := companyConfig(o.Estate)
	config.Dir, config.Listen, config.Logger = o.DataDir, o.Listen, o.Logger
	s, err := sandbox.New(config)
	if err != nil {
		return fmt.Errorf("open the sandbox: %w: %w", err, graph.ErrInvalid)
	}
	if err := s.Start(ctx); err != nil {
		return errors.Join(listenError(o.Listen, err), s.Stop(context.WithoutCancel(ctx)))
	}
	if err := o.Ready(s.Addresses()); err != nil {
		return errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	<-ctx.Done()
	return s.Stop(context.WithoutCancel(ctx))
}

// companyConfig is a sandbox with the demo company. An estate replaces its
// warehouse and topics; its people stay, and its crawler may read the metadata
// of the estate.
func companyConfig(estate string) sandbox.Config {
	world := company.World(time.Now())
	if estate == "" {
		return sandbox.Config{World: world}
	}
	return sandbox.Config{
		Estate: estate, EstateReaders: []string{company.Crawler().Email},
		World: sandbox.World{Principals: world.Principals, Roles: world.Roles},
	}
}

// DemoOptions say how the demo runs.
type DemoOptions struct {
	// DataDir keeps the catalog and the warehouse. Defaults to .cadastre.
	DataDir string
	// Listen is a loopback address; port 0 takes a free one.
	Listen string
	// Estate is a folder of REST resources in place of the company's
	// warehouse.
	Estate string
	// Worker is the path of the GoogleSQL worker. Defaults to
	// cadastre-googlesql beside this program.
	Worker   string
	Logger   *slog.Logger
	Progress Progress
	// Tell is told in a line what is going on. Defaults to nobody.
	Tell func(string)
}

// Welcome is what a newcomer is told when the demo is ready.
type Welcome struct {
	URL, DataDir string
	People       []DemoPerson
}

// DemoPerson is somebody to sign in as.
type DemoPerson struct{ Name, Role string }

// Demo runs the demo until ctx ends. It may be stopped and started at will:
// nothing is lost.
func Demo(ctx context.Context, o DemoOptions, welcome func(Welcome)) error {
	d, err := startDemo(ctx, o)
	if err != nil {
		return err
	}
	defer d.stop()
	return d.app.Serve(ctx, func(url string) {
		err := d.firstCrawl(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			d.o.Logger.WarnContext(ctx, "first crawl failed; it is done again at the next start", "err", err)
		}
		welcome(Welcome{URL: url, DataDir: d.o.DataDir, People: []DemoPerson{
			{"Ana Ferreira", "analyst: searches, and sees what her views show"},
			{"Otto Lindgren", "data owner: tags personal data, plans and applies views"},
			{"Audra Mbeki", "auditor: who could see what, and the audit log"},
		}})
	})
}

// demo is a running demo: the sandbox and the app that is configured on it.
type demo struct {
	o       DemoOptions
	state   demoState
	sandbox *sandbox.Sandbox
	app     *App
}

func startDemo(ctx context.Context, o DemoOptions) (*demo, error) {
	if o.DataDir == "" {
		o.DataDir = ".cadastre"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	d := &demo{o: o}
	worker := googlesql.Config{Path: o.Worker, Logger: o.Logger}
	if _, err := googlesql.Locate(o.Worker); err != nil {
		o.Tell("No GoogleSQL worker: lineage stays unanalyzed and queries are not run. " + err.Error())
	}
	state, err := readDemoState(ctx, o)
	if err != nil {
		return nil, err
	}
	d.state = state
	config := companyConfig(o.Estate)
	config.Dir, config.Listen = filepath.Join(o.DataDir, "sandbox"), state.Sandbox
	config.RedirectURIs = []string{state.url() + "/auth/callback"}
	config.Worker, config.Logger = worker, o.Logger
	if d.sandbox, err = sandbox.New(config); err != nil {
		return nil, fmt.Errorf("open the demo's warehouse: %w: %w", err, graph.ErrInvalid)
	}
	if err := d.sandbox.Start(ctx); err != nil {
		return nil, fmt.Errorf("start the demo's warehouse: %w; if this demo runs already, stop it first or use another --data-dir: %w", err, graph.ErrUnavailable)
	}
	written, err := writeDemoConfig(state, d.sandbox.Addresses(), o)
	if err == nil {
		d.app, err = Open(ctx, written, Options{Logger: o.Logger, Progress: o.Progress})
	}
	if err != nil {
		return nil, errors.Join(err, d.sandbox.Stop(context.WithoutCancel(ctx)))
	}
	return d, nil
}

// stop ends the app and then what it stands on.
func (d *demo) stop() {
	if err := d.app.Close(); err != nil {
		d.o.Logger.Warn("close the catalog", "err", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownBound)
	defer cancel()
	if err := d.sandbox.Stop(ctx); err != nil {
		d.o.Logger.Warn("stop the demo's warehouse", "err", err)
	}
}

// firstCrawl fills an empty catalog, and lets the demo's data owner say what
// everybody knows already: which columns of the company are not personal.
func (d *demo) firstCrawl(ctx context.Context) error {
	if d.state.Filled {
		return nil
	}
	d.o.Tell("Crawling the warehouse and the schema registry.")
	if _, err := d.app.Crawl(ctx, system(), nil, ""); err != nil {
		return err
	}
	if d.o.Estate == "" {
		if _, _, err := d.app.Tag(ctx, ownerOfDemo(), notPersonal()); err != nil {
			return fmt.Errorf("assess the columns that are not personal: %w", err)
		}
		if err := d.app.Settle(ctx); err != nil {
			return err
		}
	}
	d.state.Filled = true
	return d.state.write(d.o.DataDir)
}

func ownerOfDemo() graph.Principal {
	otto := company.Otto()
	return graph.Principal{ID: otto.Email, Name: otto.Name, Groups: otto.Groups}
}

// notPersonal are the columns that the demo's owner has looked at before you
// come: keys of things, times, amounts and kinds.
func notPersonal() []graph.TagRequest {
	columns := map[string][]string{
		"raw.customers":               {"created_at", "segment", "contracts[].tariff", "contracts[].start_date", "contracts[].end_date", "marketing_consent", "last_email_sent_at"},
		"raw.meter_readings":          {"reading_id", "read_at", "device.firmware"},
		"raw.payments":                {"payment_id", "paid_at", "amount", "currency", "method", "lines[].invoice_id", "lines[].amount"},
		"raw.support_tickets":         {"ticket_id", "opened_at", "channel", "labels"},
		"core.customers":              {"segment", "contract_count", "customer_since"},
		"core.payments":               {"payment_id", "paid_at", "amount", "method"},
		"core.daily_consumption":      {"day", "readings"},
		"reporting.monthly_revenue":   {"month", "segment", "revenue", "customers"},
		"reporting.open_contracts":    {"tariff", "start_date"},
		"reporting.customer_value":    {"segment", "total_paid", "payments", "last_paid_at", "rank_in_city"},
		"reporting.top_consumers":     {"day", "place"},
		"reporting.customer_overview": {"segment"},
	}
	var out []graph.TagRequest
	for table, paths := range columns {
		for _, path := range paths {
			out = append(out, graph.TagRequest{
				Ref: graph.BigQueryRef(company.Project, table).Column(path), Label: graph.LabelNone, State: string(graph.TagConfirmed),
				Reason: "a time, an amount, a kind or the key of a thing",
			})
		}
	}
	return out
}

// writeSecret keeps a token where the configuration refers to it.
func writeSecret(dir, name, value string) (reference string, err error) {
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the token %s: %w", name, err)
	}
	return "file:" + path, nil
}
