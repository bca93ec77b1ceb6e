package serve

// History says how long what was is kept. Nothing is ever removed unless it is
// said here.
type History struct {
	// KeepDays is for how many days the catalog can be asked as of then: what
	// ended earlier is removed for good, once a day. The audit log, the list
	// of revisions, plans and the access ledger are evidence and are kept
	// whatever is said here. Defaults to 0, which keeps everything for ever.
	KeepDays int `koanf:"keep_days"`
}

// maxKeepDays is a thousand years, so that no sum of times overflows.
const maxKeepDays = 365_000

func (h History) validate(fault func(string, string, ...any)) {
	if h.KeepDays < 0 || h.KeepDays > maxKeepDays {
		fault("history.keep_days", "%d is not a number of days from 0, which keeps everything, to %d", h.KeepDays, maxKeepDays)
	}
}
