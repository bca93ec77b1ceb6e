package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
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
	run := &running{}
	l := &lease{db: d, number: int32(binary.BigEndian.Uint32(drawn[:]) >> 1), period: c.Look, strays: strays{running: run}}
	config := riverConfig(d.log, workers, c, &oneAtATime{take: d.take, running: run})
	config.ID = fmt.Sprintf("cadastre-%d", l.number)
	client, err := river.NewClient(riverpgxv5.New(d.connections), config)
	if err != nil {
		return nil, err
	}
	return &kept{client, l}, nil
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

// leaseWait bounds what is asked on the connection of a lease.
const leaseWait = 10 * time.Second

// lease tells other programs that this one lives, by a lock on a connection of
// its own, and makes the jobs due again that nobody runs.
type lease struct {
	db     *postgresDB
	number int32
	period time.Duration
	strays strays

	conn   *pgx.Conn
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

func (l *lease) start(ctx context.Context) error {
	if err := l.connect(ctx); err != nil {
		return fmt.Errorf("tell other programs of this one: %w", unavailable(err))
	}
	ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	l.ended.Go(func() {
		defer l.disconnect(ctx)
		every(ctx, l.db.log, l.period, l.look)
	})
	return nil
}

// stop gives the lease back and waits until it is.
func (l *lease) stop() {
	l.cancel()
	l.ended.Wait()
}

func (l *lease) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseWait)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, l.db.connections.Config().ConnConfig)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1, $2)", lockProgram, l.number); err != nil {
		return errors.Join(err, conn.Close(ctx))
	}
	l.conn = conn
	return nil
}

func (l *lease) disconnect(ctx context.Context) {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseWait)
	defer cancel()
	_ = l.conn.Close(ctx) // one that breaks is given back all the same
	l.conn = nil
}

// look looks once. A connection that breaks is made anew at the next look, and
// what was missed until then is forgotten: others may have had to as well.
func (l *lease) look(ctx context.Context) error {
	if l.conn == nil {
		if err := l.connect(ctx); err != nil {
			return unavailable(err)
		}
	}
	asking, cancel := context.WithTimeout(ctx, leaseWait)
	defer cancel()
	err := l.requeue(asking)
	if err != nil {
		l.disconnect(ctx)
		l.strays.missed = nil
	}
	return fault(err)
}

// straySQL selects the running jobs of programs that hold no lease, and those
// of the program asking.
const straySQL = `SELECT id, attempt, own FROM (
	SELECT id, attempt, substring(attempted_by[array_upper(attempted_by, 1)] FROM '^cadastre-([0-9]+)$')::bigint AS program,
		coalesce(attempted_by[array_upper(attempted_by, 1)] = 'cadastre-' || $2::bigint, false) AS own
	FROM river_job WHERE state = 'running') AS j
	WHERE own OR NOT EXISTS (
		SELECT FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = $1 AND l.objid::bigint = j.program
		AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))`

// requeueStraySQL makes those due again that nobody took up meanwhile. That a
// program was killed is no failure of its job.
const requeueStraySQL = `UPDATE river_job AS j SET state = 'available', attempted_at = NULL, max_attempts = j.max_attempts + 1
	FROM unnest($1::bigint[], $2::int[]) AS d(id, attempt) WHERE j.id = d.id AND j.attempt = d.attempt AND j.state = 'running'`

func (l *lease) requeue(ctx context.Context) error {
	rows, err := l.conn.Query(ctx, straySQL, lockProgram, l.number)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s stray, err error) {
		return s, row.Scan(&s.id, &s.attempt, &s.own)
	})
	if err != nil {
		return err
	}
	ids, attempts := l.strays.due(found)
	if len(ids) == 0 {
		return nil
	}
	l.db.log.InfoContext(ctx, "jobs that nobody runs are due again", "job", ids)
	_, err = l.conn.Exec(ctx, requeueStraySQL, ids, attempts)
	return err
}
