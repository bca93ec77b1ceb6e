package serve

import (
	"time"

	"cadastre.dev/cadastre/ingest/push"
)

// PushConfig bounds what services push.
type PushConfig struct {
	// MaxMiB is how large a batch may be once it is unpacked. Defaults to 64.
	MaxMiB int `koanf:"max_mib"`
	// MaxFacts is how many facts a batch may have. Defaults to 10000.
	MaxFacts int `koanf:"max_facts"`
	// KeepKeysDays is for how long the key of a batch is remembered, so that
	// the same batch sent again is not written again. Defaults to 7.
	KeepKeysDays int `koanf:"keep_keys_days"`
}

func (p PushConfig) validate(fault func(string, string, ...any)) {
	for key, n := range map[string]int{"max_mib": p.MaxMiB, "max_facts": p.MaxFacts, "keep_keys_days": p.KeepKeysDays} {
		if n < 0 {
			fault("push."+key, "%d is negative", n)
		}
	}
}

func (p PushConfig) limits() push.Limits {
	return push.Limits{Bytes: int64(p.MaxMiB) << 20, Facts: p.MaxFacts}
}

// keepKeys is for how long keys are remembered.
func (p PushConfig) keepKeys() time.Duration {
	days := p.KeepKeysDays
	if days == 0 {
		days = 7
	}
	return time.Duration(days) * 24 * time.Hour
}
