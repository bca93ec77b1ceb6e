package serve

import "sync"

// board keeps how far each running job is, for `activity` and the terminal.
// It is derived from nothing and lost with the process.
type board struct {
	show Progress
	mu   sync.Mutex
	at   map[jobName]tally
}

type jobName struct{ kind, subject string }

type tally struct{ done, total int }

func newBoard(show Progress) *board {
	if show == nil {
		show = func(string, int, int) {}
	}
	return &board{show: show, at: map[jobName]tally{}}
}

func (b *board) set(kind, subject string, done, total int) {
	b.mu.Lock()
	b.at[jobName{kind, subject}] = tally{done, total}
	b.mu.Unlock()
	what := kind
	if subject != "" {
		what += " " + subject
	}
	b.show(what, done, total)
}

func (b *board) get(kind, subject string) tally {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at[jobName{kind, subject}]
}

func (b *board) clear(kind, subject string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.at, jobName{kind, subject})
}
