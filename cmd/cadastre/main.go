// Command cadastre is the one program: the service, the demo, the local
// warehouse and the verbs of the main path.
//
// It owns flags, output and exit codes, one file a verb; everything else is
// asked of internal/serve. Nothing imports it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/serve"
)

// version is set by the linker.
var version = "unversioned"

// The exit codes. docs/cli.md lists them for users.
const (
	exitOK = iota
	exitInternal
	exitInvalid
	exitNotFound
	exitDenied
	exitStale
	exitConflict
	exitUnavailable
	exitFalse
)

// errFalse says that what was asked was done and the answer is no: a point of
// the proof is false, the audit log is broken.
var errFalse = errors.New("the answer is no")

type commands struct {
	Config  string `short:"c" placeholder:"FILE" help:"Configuration file. Defaults to cadastre.yaml in the data directory, where there is one."`
	DataDir string `placeholder:"DIR" help:"Where the database and the masking keys are kept."`
	JSON    bool   `name:"json" help:"Write JSON instead of text."`
	AsOf    string `placeholder:"MOMENT" help:"Read the catalog as it was: a revision, a time such as 2026-03-03T12:00:00Z, or a date, which is the end of that day in UTC."`

	Demo    demoCommand    `cmd:"" help:"Start the demo: a made-up energy retailer with its own warehouse, registry and sign-in."`
	Serve   serveCommand   `cmd:"" help:"Serve the catalog as configured."`
	Sandbox sandboxCommand `cmd:"" help:"Serve the local warehouse alone."`

	Crawl    crawlCommand    `cmd:"" help:"Crawl sources now, and follow the path as far as decisions; or undo a run."`
	Token    tokenCommand    `cmd:"" help:"Say which services may push: make, list and revoke tokens."`
	Sources  sourcesCommand  `cmd:"" help:"List the sources, when each is crawled, and what is being done."`
	Search   searchCommand   `cmd:"" help:"Search assets and columns."`
	Show     showCommand     `cmd:"" help:"Show an asset with its columns, tags, owners and views."`
	Lineage  lineageCommand  `cmd:"" help:"Ask what something is made from and goes into, or analyze SQL."`
	Tag      tagCommand      `cmd:"" help:"Confirm, reject or withdraw a tag."`
	Describe describeCommand `cmd:"" help:"Say what an asset or column is, beside its source."`
	Own      ownCommand      `cmd:"" help:"Say who owns an asset, in place of whom its source names."`
	Explain  explainCommand  `cmd:"" help:"Say what audiences get of a column, and why."`
	Plan     planCommand     `cmd:"" help:"Compare what the policy wants with what the warehouse has, and save the difference."`
	Apply    applyCommand    `cmd:"" help:"Approve a plan and apply it exactly as saved."`
	Audit    auditCommand    `cmd:"" help:"Look at the audit log and verify it."`
	Backup   backupCommand   `cmd:"" help:"Write the catalog to one file, beside a running server or without one."`
	Restore  restoreCommand  `cmd:"" help:"Put a backup into a data directory that nobody uses."`
	Mask     maskCommand     `cmd:"" help:"Apply masking rules to values."`
	Doctor   doctorCommand   `cmd:"" help:"Say what is missing, what that costs and what to do."`
	Version  versionCommand  `cmd:"" help:"Say which version this is."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
	json     bool
	bars     *bars // nil where none are shown
}

// run does what the arguments ask and returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	var c commands
	exited := -1
	parser, err := kong.New(&c, kong.Name("cadastre"), kong.UsageOnError(), kong.Writers(out, errOut),
		kong.Description("Data catalog and governance with PII masking: from \"this column is personal\" to \"this query comes back masked, and here is the proof\"."),
		kong.Exit(func(code int) { exited = code }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		_, _ = fmt.Fprintln(errOut, "cadastre:", err)
		return exitInternal
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		_, _ = fmt.Fprintf(errOut, "cadastre: %v\nRun cadastre --help for what there is.\n", err)
		return exitInvalid
	}
	if err := c.checkAsOf(k.Command()); err != nil {
		_, _ = fmt.Fprintln(errOut, "cadastre:", err)
		return exitCode(err)
	}
	k.BindTo(ctx, (*context.Context)(nil))
	err = k.Run(&c, &streams{in: in, out: out, err: errOut, json: c.JSON})
	if err != nil && !errors.Is(err, errFalse) && !errors.Is(err, context.Canceled) {
		_, _ = fmt.Fprintln(errOut, "cadastre:", err)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return exitOK
	case errors.Is(err, errFalse):
		return exitFalse
	case errors.Is(err, graph.ErrInvalid):
		return exitInvalid
	case errors.Is(err, graph.ErrNotFound):
		return exitNotFound
	case errors.Is(err, graph.ErrDenied):
		return exitDenied
	case errors.Is(err, graph.ErrStale):
		return exitStale
	case errors.Is(err, graph.ErrConflict):
		return exitConflict
	case errors.Is(err, graph.ErrUnavailable):
		return exitUnavailable
	}
	return exitInternal
}

// config reads the configuration that the flags name. The demo leaves one in
// its data directory, so that the other verbs need no more than --data-dir.
func (c *commands) config() (serve.Config, error) {
	path := c.Config
	if path == "" && c.DataDir != "" {
		if beside := filepath.Join(c.DataDir, serve.ConfigFile); fileExists(beside) {
			path = beside
		}
	}
	config, err := serve.LoadConfig(path, os.Environ())
	if err != nil {
		return serve.Config{}, err
	}
	if c.DataDir != "" {
		config.DataDir = c.DataDir
	}
	return config, nil
}

// open opens the application for one command; the caller closes it.
func (c *commands) open(ctx context.Context, s *streams) (*serve.App, error) {
	config, err := c.config()
	if err != nil {
		return nil, err
	}
	return serve.Open(ctx, config, serve.Options{Logger: logger(s.err, config.LogLevel, config.LogFormat), Progress: s.progress(), Version: version})
}

// openCatalog is open for commands that look at a catalog, or change one: they
// make none where there is none.
func (c *commands) openCatalog(ctx context.Context, s *streams) (*serve.App, error) {
	config, err := c.config()
	if err != nil {
		return nil, err
	}
	if err := hasCatalog(config); err != nil {
		return nil, err
	}
	return c.open(ctx, s)
}

func fileExists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}
