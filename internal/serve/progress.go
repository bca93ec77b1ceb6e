package serve

import (
	"context"
	"sync"
	"time"
)

// board keeps how far each running job is, for `activity` and the terminal.
// Now and then it notes it with the job in the store as well, where other
// processes read it.
type board struct {
	show Progress
	mu   sync.Mutex
	at   map[jobName]*posted
}

type jobName struct{ kind, subject string }

// tally is how much of a job is done; Total is 0 while it is not known.
type tally struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

// posted is what stands on the board of one job.
type posted struct {
	tally
	note  func(tally)
	noted time.Time
}

// noteEvery is how often at most a job's progress is noted in the store.
const noteEvery = 2 * time.Second

func newBoard(show Progress) *board {
	if show == nil {
		show = func(string, int, int) {}
	}
	return &board{show: show, at: map[jobName]*posted{}}
}

// begin puts a job on the board. note is called from the goroutine that tells
// the progress.
func (b *board) begin(kind, subject string, note func(tally)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at[jobName{kind, subject}] = &posted{note: note}
}

func (b *board) set(kind, subject string, done, total int) {
	if note := b.post(kind, subject, tally{done, total}); note != nil {
		note(tally{done, total})
	}
	what := kind
	if subject != "" {
		what += " " + subject
	}
	b.show(what, done, total)
}

// post writes on the board, and returns what notes it where it is time.
func (b *board) post(kind, subject string, t tally) func(tally) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.at[jobName{kind, subject}]
	if !ok {
		p = &posted{}
		b.at[jobName{kind, subject}] = p
	}
	p.tally = t
	if p.note == nil || time.Since(p.noted) < noteEvery {
		return nil
	}
	p.noted = time.Now()
	return p.note
}

// get returns how far a job is, and whether it runs in this process.
func (b *board) get(kind, subject string) (tally, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.at[jobName{kind, subject}]
	if !ok {
		return tally{}, false
	}
	return p.tally, true
}

func (b *board) clear(kind, subject string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.at, jobName{kind, subject})
}

// noteBound is how long a note may wait for others that write.
const noteBound = time.Second

// noteProgress returns what notes a job's progress in the store. A note that
// does not get through is lost: the next one tells more.
func (a *App) noteProgress(ctx context.Context, id int64) func(tally) {
	return func(t tally) {
		ctx, cancel := context.WithTimeout(ctx, noteBound)
		defer cancel()
		if err := a.store.Note(ctx, id, t); err != nil {
			a.logger.DebugContext(ctx, "progress not noted", "err", err)
		}
	}
}
