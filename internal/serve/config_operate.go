package serve

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Metrics says where the numbers for Prometheus are served: on an address of
// their own, because they tell how much there is and the public address asks
// people who they are.
type Metrics struct {
	// Listen is that address, such as 127.0.0.1:9464; another than a loopback
	// address needs token. Defaults to nowhere.
	Listen string `koanf:"listen"`
	// Token is env:NAME or file:PATH of the bearer token that a scrape must
	// bring. Defaults to none.
	Token string `koanf:"token"`
}

// Traces says where OpenTelemetry's spans go.
type Traces struct {
	// Endpoint is the base URL of a collector that takes OTLP over HTTP, such
	// as http://127.0.0.1:4318. Defaults to nowhere.
	Endpoint string `koanf:"endpoint"`
	// Token is env:NAME or file:PATH of a bearer token for the collector, for
	// which the endpoint must begin with https:// or be on this machine.
	// Defaults to none.
	Token string `koanf:"token"`
	// Percent is how many of a hundred requests and jobs are traced. Defaults
	// to 100.
	Percent int `koanf:"percent"`
}

// The forms of the log.
const (
	logText = "text"
	logJSON = "json"
)

func (c Config) withOperateDefaults() Config {
	c.LogFormat = orDefault(c.LogFormat, logText)
	c.TimeZone = orDefault(c.TimeZone, "UTC")
	if c.Traces.Percent == 0 {
		c.Traces.Percent = 100
	}
	return c
}

func (c Config) validateOperate(fault func(string, string, ...any)) {
	if !slices.Contains([]string{logText, logJSON}, c.LogFormat) {
		fault("log_format", "%q is neither text nor json", c.LogFormat)
	}
	secret(fault, "metrics.token", c.Metrics.Token)
	secret(fault, "traces.token", c.Traces.Token)
	if c.Metrics.Listen != "" {
		host, _, err := net.SplitHostPort(c.Metrics.Listen)
		switch {
		case err != nil:
			fault("metrics.listen", "%q is not host:port", c.Metrics.Listen)
		case c.Metrics.Listen == c.Listen:
			fault("metrics.listen", "%q is where people are served; choose another port", c.Metrics.Listen)
		case !isLoopback(host) && c.Metrics.Token == "":
			fault("metrics.listen", "%q is not a loopback address, so metrics.token must be set", c.Metrics.Listen)
		}
	}
	if c.Traces.Endpoint != "" {
		u, err := url.Parse(c.Traces.Endpoint)
		switch {
		case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
			fault("traces.endpoint", "%q is not a URL of http or https", c.Traces.Endpoint)
		case c.Traces.Token != "" && u.Scheme != "https" && !isLoopback(u.Hostname()):
			fault("traces.endpoint", "%q would be sent the token in clear; use https://", c.Traces.Endpoint)
		}
	}
	if c.Traces.Percent < 1 || c.Traces.Percent > 100 {
		fault("traces.percent", "%d is not 1 to 100", c.Traces.Percent)
	}
	c.validateSchedules(fault)
}

func (c Config) validateSchedules(fault func(string, string, ...any)) {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil || strings.EqualFold(c.TimeZone, "local") {
		fault("time_zone", "%q is no name of a time zone, such as Europe/Berlin", c.TimeZone)
		zone = time.UTC
	}
	for _, s := range c.Sources {
		if s.Schedule == "" {
			continue
		}
		if _, err := parseSchedule(s.Schedule, zone); err != nil {
			fault("sources."+s.Name+".schedule", "%q: %v", s.Schedule, err)
		}
	}
}
