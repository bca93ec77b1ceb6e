package serve

import (
	"fmt"
	"strings"
	"time"
)

// AuditConfig says how the audit log is signed.
type AuditConfig struct {
	// Key is env:NAME or file:PATH of the key that signs checkpoints, for
	// programs that share one catalog; `cadastre audit key --generate FILE`
	// makes one. Defaults to audit.key in the data directory, which is made
	// when it is first needed.
	Key string `koanf:"key"`
	// Name is what checkpoints call the log. A key bears it from when it was
	// made. Defaults to cadastre/ and the catalog's id.
	Name string `koanf:"name"`
	// Events is how many events make a checkpoint due. Defaults to 1000.
	Events int `koanf:"events"`
	// Every is how long an event waits for a checkpoint at most, such as 30m
	// or 1h. Defaults to 1h.
	Every string `koanf:"every"`
	// BreakGlass is how long a person who broke the glass sees all metadata,
	// at least 1m and at most 8h. Defaults to 30m.
	BreakGlass string `koanf:"break_glass"`
}

func (c AuditConfig) withDefaults() AuditConfig {
	if c.Events == 0 {
		c.Events = 1000
	}
	c.Every = orDefault(c.Every, "1h")
	c.BreakGlass = orDefault(c.BreakGlass, "30m")
	return c
}

// every and breakGlass are the times of a valid configuration.
func (c AuditConfig) every() time.Duration      { return durationOr(c.Every, time.Hour) }
func (c AuditConfig) breakGlass() time.Duration { return durationOr(c.BreakGlass, 30*time.Minute) }

func durationOr(text string, fallback time.Duration) time.Duration {
	if d, err := time.ParseDuration(text); err == nil {
		return d
	}
	return fallback
}

func (c AuditConfig) validate(fault func(string, string, ...any)) {
	secret(fault, "audit.key", c.Key)
	if !isLogName(c.Name) && c.Name != "" {
		fault("audit.name", "%q is empty or has a space, a plus sign or a line break in it", c.Name)
	}
	if c.Events < 0 {
		fault("audit.events", "%d is less than 1", c.Events)
	}
	for key, rule := range map[string]struct {
		text        string
		least, most time.Duration
	}{
		"audit.every":       {c.Every, time.Minute, 24 * time.Hour},
		"audit.break_glass": {c.BreakGlass, time.Minute, 8 * time.Hour},
	} {
		if d, err := time.ParseDuration(rule.text); rule.text != "" && (err != nil || d < rule.least || d > rule.most) {
			fault(key, "%q is no duration of %s to %s, such as 30m", rule.text, shortDuration(rule.least), shortDuration(rule.most))
		}
	}
}

// isLogName says whether a signed note can bear the name.
func isLogName(name string) bool {
	return name != "" && !strings.ContainsAny(name, "+ \t\r\n") && strings.ToValidUTF8(name, "") == name
}

// shortDuration writes whole hours and minutes as people do.
func shortDuration(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}
