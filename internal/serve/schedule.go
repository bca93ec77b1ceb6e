package serve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	// The names of time zones, for machines that lack them.
	_ "time/tzdata"

	"github.com/riverqueue/river"
	"github.com/robfig/cron/v3"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
)

// scheduled is a job that the clock makes due. When it last was stands in the
// store beside the jobs, and not in the memory of one process: whichever of
// several looks first makes it due, once, and a moment that passed while none
// ran is made up for by one run at the start.
type scheduled struct {
	// name is that of the row in the store; it is kept when the schedule
	// changes.
	name string
	when cron.Schedule
	// since is when the same was last done otherwise, such as by hand; nil
	// where it never is.
	since func(context.Context) (time.Time, error)
	job   river.JobArgs
}

// schedules is the literal list of what the clock makes due.
func (a *App) schedules() ([]scheduled, error) {
	var out []scheduled
	zone, err := time.LoadLocation(a.config.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("time_zone: %w: %w", err, graph.ErrInvalid)
	}
	for _, s := range a.config.Sources {
		if s.Schedule == "" {
			continue
		}
		when, err := parseSchedule(s.Schedule, zone)
		if err != nil {
			return nil, fmt.Errorf("schedule of %s: %w", s.Name, err)
		}
		out = append(out, scheduled{name: crawlOf(s.Name), when: when, since: a.crawledAt(s.Name), job: store.CrawlArgs{Source: s.Name}})
	}
	return out, nil
}

func crawlOf(source string) string { return "crawl:" + source }

// crawledAt returns what says when a source was last crawled to its end.
func (a *App) crawledAt(source string) func(context.Context) (time.Time, error) {
	return func(ctx context.Context) (time.Time, error) {
		cursor, err := a.store.Cursor(ctx, source)
		if errors.Is(err, graph.ErrNotFound) {
			return time.Time{}, nil
		}
		return cursor.CrawledAt, err
	}
}

// leastPause is the shortest pause of a schedule.
const leastPause = time.Minute

// parseSchedule reads the five fields of cron, or @hourly, @daily, @weekly,
// @monthly, @yearly, or @every with a duration. The fields are of the zone.
func parseSchedule(text string, zone *time.Location) (cron.Schedule, error) {
	if strings.Contains(text, "TZ=") {
		return nil, fmt.Errorf("the zone is set for all by time_zone: %w", graph.ErrInvalid)
	}
	when, err := cron.ParseStandard(text)
	if err != nil {
		return nil, fmt.Errorf("want five fields (minute, hour, day, month, weekday), @hourly, @daily, @weekly, @monthly or @every 15m: %w: %w", err, graph.ErrInvalid)
	}
	switch when := when.(type) {
	case *cron.SpecSchedule:
		when.Location = zone
	case cron.ConstantDelaySchedule:
		if when.Delay < leastPause {
			return nil, fmt.Errorf("the shortest pause is %v: %w", leastPause, graph.ErrInvalid)
		}
	}
	// A 30th of February is found by looking for it.
	if when.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("there is no such day: %w", graph.ErrInvalid)
	}
	return when, nil
}

// clockSlack is how far the clocks of two machines may lie apart.
const clockSlack = time.Hour

// nextRun is when something is due that was last due at a time: at once if it
// never was, or if that was in the future, for then a clock was wrong and
// waiting for that time could take for ever.
func nextRun(when cron.Schedule, last, now time.Time) time.Time {
	if last.IsZero() || last.After(now.Add(clockSlack)) {
		return now
	}
	return when.Next(last).UTC()
}

// nextOf is when a scheduled job is due next, given when all were.
func (a *App) nextOf(ctx context.Context, s scheduled, due map[string]time.Time) (time.Time, error) {
	last := due[s.name]
	if s.since != nil {
		since, err := s.since(ctx)
		if err != nil {
			return time.Time{}, err
		}
		if since.After(last) {
			last = since
		}
	}
	return nextRun(s.when, last, a.now()), nil
}

// lookAgain is how long at most the clock is not looked at.
const lookAgain = time.Minute

// makeDue makes due what the clock says is, and returns when to look again. A
// job that still runs makes its next run superfluous, not late.
func (a *App) makeDue(ctx context.Context) (time.Time, error) {
	wake := a.now().Add(lookAgain)
	all, err := a.schedules()
	if err != nil || len(all) == 0 {
		return wake, err
	}
	due, err := a.store.Due(ctx)
	if err != nil {
		return wake, err
	}
	for _, s := range all {
		next, err := a.nextOf(ctx, s, due)
		if err != nil {
			return wake, err
		}
		now := a.now()
		if next.After(now) {
			if next.Before(wake) {
				wake = next
			}
			continue
		}
		if err := a.makeOneDue(ctx, s, due[s.name], now); err != nil {
			return wake, fmt.Errorf("make %s due: %w", s.name, err)
		}
	}
	return wake, nil
}

// makeOneDue enqueues the job, unless another process did so since the rows
// were read.
func (a *App) makeOneDue(ctx context.Context, s scheduled, last, now time.Time) error {
	running, err := a.isRunning(ctx, s.job)
	if err != nil {
		return err
	}
	_, err = a.store.Commit(ctx, system(), "schedule", func(tx *store.Tx) error {
		due, err := tx.Due(ctx)
		if err != nil || !due[s.name].Equal(last) {
			return err
		}
		if !running {
			if err := tx.Enqueue(ctx, s.job); err != nil {
				return err
			}
		}
		return tx.PutDue(ctx, s.name, now)
	})
	if err == nil {
		a.logger.InfoContext(ctx, "schedule", "job", s.name, "running", running)
	}
	return err
}

func (a *App) isRunning(ctx context.Context, job river.JobArgs) (bool, error) {
	pending, err := a.store.Pending(ctx)
	if err != nil {
		return false, err
	}
	for _, j := range pending {
		if j.Kind == job.Kind() && j.Subject == subjectOf(job) && jobState(j) == stateRunning {
			return true, nil
		}
	}
	return false, nil
}
