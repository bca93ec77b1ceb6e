package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// workers returns a client that shares the jobs with those of other programs.
func (d *postgresDB) workers(_ context.Context, workers *river.Workers, c JobConfig) (worker, error) {
	var drawn [4]byte
	_, _ = rand.Read(drawn[:]) // never fails
	l := &lease{db: d, number: int32(binary.BigEndian.Uint32(drawn[:]) >> 1), log: d.log}
	config := riverConfig(d.log, workers, c, d.take)
	config.ID = fmt.Sprintf("cadastre-%d", l.number)
	client, err := river.NewClient(riverpgxv5.New(d.connections), config)
	if err != nil {
		return nil, err
	}
	return &leased{worker: client, lease: l}, nil
}

// leased works jobs for as long as it tells the others that it lives.
type leased struct {
	worker
	lease *lease
}

// Start begins to tell that the program lives, and then to work.
func (l *leased) Start(ctx context.Context) error {
	if err := l.lease.start(ctx); err != nil {
		return fmt.Errorf("tell other programs of this one: %w", fault(err))
	}
	if err := l.worker.Start(ctx); err != nil {
		l.lease.stop()
		return err
	}
	return nil
}

// Stop lets what runs end, and then tells that the program has gone.
func (l *leased) Stop(ctx context.Context) error {
	defer l.lease.stop()
	return l.worker.Stop(ctx)
}

// StopAndCancel stops working, and then tells that the program has gone.
func (l *leased) StopAndCancel(ctx context.Context) error {
	defer l.lease.stop()
	return l.worker.StopAndCancel(ctx)
}

// turn is a number for what a key names. Two keys of one number only wait for
// each other.
func turn(key string) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return int32(h.Sum32())
}

// take is oneAtATime.take among all programs. The turn is a lock that the
// database gives back when this program dies. One that is lost with its
// connection while the job still runs does no harm: a commit is fenced.
func (d *postgresDB) take(ctx context.Context, key string) (give func(), ok bool, err error) {
	conn, err := d.connections.Acquire(ctx)
	if err != nil {
		return nil, false, unavailable(err)
	}
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1, $2 # hashtext(current_schema()))", lockTurn, turn(key)).Scan(&ok); err != nil || !ok {
		conn.Release()
		return nil, false, fault(err)
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if _, err := conn.Exec(ctx, "SELECT pg_advisory_unlock($1, $2 # hashtext(current_schema()))", lockTurn, turn(key)); err != nil {
			_ = conn.Conn().Close(ctx) // gives every lock back
		}
		conn.Release()
	}, true, nil
}

// The times of a lease. A program that the others have not seen twice in a row
// has gone, and its jobs are due again.
const (
	leaseLook = 2 * time.Second
	leaseWait = 10 * time.Second
)

// lease tells other programs that this one lives, by a lock on a connection of
// its own, and makes the jobs of those due again that do not.
type lease struct {
	db     *postgresDB
	number int32
	log    *slog.Logger

	cancel context.CancelFunc
	ended  sync.WaitGroup
	// missed are the running jobs whose program was not seen at the last look,
	// with their attempt.
	missed map[int64]int
}

func (l *lease) start(ctx context.Context) error {
	conn, err := l.connect(ctx)
	if err != nil {
		return err
	}
	ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	l.ended.Go(func() { l.keep(ctx, conn) })
	return nil
}

// stop gives the lease back and waits until it is.
func (l *lease) stop() {
	l.cancel()
	l.ended.Wait()
}

func (l *lease) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, leaseWait)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, l.db.connections.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1, $2)", lockProgram, l.number); err != nil {
		return nil, errors.Join(err, conn.Close(ctx))
	}
	return conn, nil
}

// keep looks after the jobs of other programs until ctx ends. A connection
// that breaks is made anew.
func (l *lease) keep(ctx context.Context, conn *pgx.Conn) {
	tick := time.NewTicker(leaseLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if conn != nil {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseWait)
				defer cancel()
				_ = conn.Close(ctx)
			}
			return
		case <-tick.C:
		}
		err := l.look(ctx, &conn)
		if err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "jobs of other programs are not looked after", "err", err)
		}
	}
}

func (l *lease) look(ctx context.Context, conn **pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, leaseWait)
	defer cancel()
	if *conn == nil {
		again, err := l.connect(ctx)
		if err != nil {
			return err
		}
		*conn = again
	}
	err := l.requeue(ctx, *conn)
	if err != nil {
		_ = (*conn).Close(ctx)
		*conn, l.missed = nil, nil
	}
	return err
}

// deadSQL selects the running jobs of programs that hold no lease.
const deadSQL = `SELECT j.id, j.attempt FROM river_job j WHERE j.state = 'running' AND NOT EXISTS (
	SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = $1
	AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
	AND l.objid::bigint = substring(j.attempted_by[array_upper(j.attempted_by, 1)] FROM '^cadastre-([0-9]+)$')::bigint)`

// requeueDeadSQL makes those due again that nobody took up meanwhile.
const requeueDeadSQL = `UPDATE river_job AS j SET state = 'available', attempted_at = NULL
	FROM unnest($1::bigint[], $2::int[]) AS d(id, attempt) WHERE j.id = d.id AND j.attempt = d.attempt AND j.state = 'running'`

func (l *lease) requeue(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, deadSQL, lockProgram)
	if err != nil {
		return err
	}
	seen := map[int64]int{}
	var id int64
	var attempt int
	_, err = pgx.ForEachRow(rows, []any{&id, &attempt}, func() error {
		seen[id] = attempt
		return nil
	})
	if err != nil {
		return err
	}
	var ids []int64
	var attempts []int
	for id, attempt := range seen {
		if l.missed[id] == attempt {
			ids, attempts = append(ids, id), append(attempts, attempt)
			delete(seen, id)
		}
	}
	l.missed = seen
	if len(ids) == 0 {
		return nil
	}
	l.log.InfoContext(ctx, "jobs of a program that has gone are due again", "job", ids)
	_, err = conn.Exec(ctx, requeueDeadSQL, ids, attempts)
	return err
}
