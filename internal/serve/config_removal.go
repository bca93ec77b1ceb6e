package serve

import "cadastre.dev/cadastre/ingest"

// RemovalConfig says how much of a scope may end in one crawl before a person
// is asked.
type RemovalConfig struct {
	// Threshold is the share of a scope, a container or the whole source, that
	// may end unasked, above 0 and up to 1; 1 never asks. Defaults to 0.2.
	Threshold float64 `koanf:"threshold"`
	// Least is how many assets a scope holds for its share to be judged.
	// Smaller containers count in the scope of their source, and a source that
	// would be left with nothing is asked about whatever its size. Defaults to
	// 5.
	Least int `koanf:"least"`
}

func (r RemovalConfig) validate(fault func(string, string, ...any), key string) {
	if r.Threshold < 0 || r.Threshold > 1 {
		fault(key+".threshold", "%v is not a share above 0 and up to 1", r.Threshold)
	}
	if r.Least < 0 {
		fault(key+".least", "%d is negative", r.Least)
	}
}

// removalOf is how much a source may remove unasked: what is set for it, else
// what is set for all.
func (a *App) removalOf(source string) ingest.Removal {
	all := a.config.Removal
	for _, s := range a.config.Sources {
		if s.Name == source {
			if s.Removal.Threshold != 0 {
				all.Threshold = s.Removal.Threshold
			}
			if s.Removal.Least != 0 {
				all.Least = s.Removal.Least
			}
		}
	}
	return ingest.Removal{Threshold: all.Threshold, Least: all.Least}
}
