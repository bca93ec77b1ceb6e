package main

import (
	"context"
	"fmt"

	"cadastre.dev/cadastre/internal/serve"
)

type serveCommand struct {
	Listen string `placeholder:"ADDR" help:"Address to serve on; wins over the configuration."`
}

// Run serves until it is told to stop.
func (c *serveCommand) Run(ctx context.Context, all *commands, s *streams) error {
	config, err := all.config()
	if err != nil {
		return err
	}
	if c.Listen != "" {
		if config, err = config.ListenOn(ctx, c.Listen); err != nil {
			return err
		}
	}
	app, err := serve.Open(ctx, config, serve.Options{Logger: logger(s.err, config.LogLevel, config.LogFormat), Version: version})
	if err != nil {
		return err
	}
	defer s.closing(app)
	return app.Serve(ctx, func(url string) { _, _ = fmt.Fprintf(s.out, "Cadastre is at %s\n", url) })
}
