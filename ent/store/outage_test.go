package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/internal/pgtest"
)

// outageOf is a store before, during and after a fault of its database.
type outageOf struct {
	s *store.Store
	n int
}

// commit commits one table with a long description, and says how it went.
func (o *outageOf) commit(t *testing.T, size int) error {
	t.Helper()
	asset := graph.Asset{Ref: graph.BigQueryRef("p", "d", fmt.Sprint("t", o.n)), Kind: graph.KindTable, Description: strings.Repeat("x", size)}
	_, err := o.s.Commit(t.Context(), boss, "outage", func(tx *store.Tx) error {
		return tx.Apply(t.Context(), graph.Delta{graph.Began{Now: asset}})
	})
	if err == nil {
		o.n++
	}
	return err
}

// wantOutage holds that an error is of the database and says what to do.
func wantOutage(t *testing.T, what string, err error, do string) {
	t.Helper()
	if !errors.Is(err, graph.ErrUnavailable) || !errors.Is(err, store.ErrOutage) || !strings.Contains(err.Error(), do) {
		t.Errorf("%s: %v, want unavailable and that it says to %q", what, err, do)
	}
}

// wantAll holds that what was committed is there, and all of it.
func (o *outageOf) wantAll(t *testing.T) {
	t.Helper()
	counts, err := readerAt(t, o.s, 0).Counts(t.Context())
	if err != nil || counts.Assets != o.n {
		t.Errorf("there are %d assets, %v, want %d", counts.Assets, err, o.n)
	}
	if report := audit.Verify(o.s.Events(t.Context())); !report.OK || report.Events != int64(o.n) {
		t.Errorf("audit: %+v, want %d events", report, o.n)
	}
}

// fill writes a file until its disk is full, and returns how to take it
// away.
func fill(t *testing.T, folder string) (empty func()) {
	t.Helper()
	path := filepath.Join(folder, "filler")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; size /= 16 {
		for part := make([]byte, size); err == nil; {
			_, err = file.Write(part)
		}
		err = nil
	}
	file.Close()
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// smallDisk is a folder on a disk of its own with room for so many MiB.
func smallDisk(t *testing.T, mib int) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "cadastre-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := mountMemory(folder, mib); err != nil {
		t.Skipf("makes a small disk, which needs root on Linux: %v", err)
	}
	t.Cleanup(func() {
		if err := unmount(folder); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// TestADiskThatIsFull fills the disk under a store, commits in vain, and makes
// room: the same store commits again, and nothing that was acknowledged is
// missing.
func TestADiskThatIsFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 8)
	o := &outageOf{s: openAt(t, filepath.Join(disk, "store.db"))}
	if err := o.commit(t, 100); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		empty := fill(t, disk)
		var err error
		for i := 0; err == nil && i < 200; i++ { // what the log has room for is committed
			err = o.commit(t, 200_000)
		}
		wantOutage(t, fmt.Sprint("round ", round), err, "make room")
		o.wantAll(t)
		empty()
		if err := o.commit(t, 100); err != nil {
			t.Errorf("with room: %v", err)
		}
		o.wantAll(t)
	}
}

// TestADiskThatCannotBeWritten opens a store where nothing may be written: it
// says so, and the file is as it was.
func TestADiskThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 8)
	path := filepath.Join(disk, "store.db")
	o := &outageOf{s: openAt(t, path)}
	if err := o.commit(t, 100); err != nil {
		t.Fatal(err)
	}
	if err := o.s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := remount(disk, true); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(t.Context(), store.Config{Path: path})
	wantOutage(t, "open what is there", err, "make it and its disk writable")
	_, err = store.Open(t.Context(), store.Config{Path: filepath.Join(disk, "new.db")})
	wantOutage(t, "open what is not", err, "make it and its disk writable")
	if err := remount(disk, false); err != nil {
		t.Fatal(err)
	}
	o.s = openAt(t, path)
	if err := o.commit(t, 100); err != nil {
		t.Errorf("once it can be written: %v", err)
	}
	o.wantAll(t)
}

// TestFaultsOfPostgres makes a server refuse in each of the ways that servers
// do. Reads and writes say what to do, and the same store works again once the
// fault is mended.
func TestFaultsOfPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	server.Exec(t, "postgres", "CREATE ROLE app LOGIN")
	const cutOff = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'"
	for _, c := range []struct {
		name, break_, mend, do string
		// reads says that reading goes on.
		reads bool
	}{
		{"read only", "ALTER DATABASE %s SET default_transaction_read_only = on; " + cutOff, "ALTER DATABASE %s RESET default_transaction_read_only; " + cutOff, "writable", true},
		{"too many connections", "ALTER ROLE app CONNECTION LIMIT 0; " + cutOff, "ALTER ROLE app CONNECTION LIMIT -1", "raise its limit", false},
		{"no connections to this one", "ALTER DATABASE %s ALLOW_CONNECTIONS off; " + cutOff, "ALTER DATABASE %s ALLOW_CONNECTIONS on", "database.url", false},
		{"refused", "ALTER ROLE app NOLOGIN; " + cutOff, "ALTER ROLE app LOGIN", "database.url", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := server.Database(t)
			name := url[strings.LastIndex(url, "/")+1 : strings.Index(url, "?")]
			server.Exec(t, "postgres", "ALTER DATABASE "+name+" OWNER TO app")
			run := func(statements string) {
				for statement := range strings.SplitSeq(statements, ";") {
					server.Exec(t, "postgres", strings.ReplaceAll(statement, "%s", name))
				}
			}
			o := &outageOf{s: open(t, store.Config{URL: strings.Replace(url, "cadastre@", "app@", 1)})}
			if err := o.commit(t, 100); err != nil {
				t.Fatal(err)
			}
			run(c.break_)
			wantOutage(t, "commit", o.commitBroken(t), c.do)
			if c.reads {
				o.wantAll(t)
			} else {
				_, err := o.s.Head(t.Context())
				wantOutage(t, "head", err, c.do)
				_, err = o.s.Cursors(t.Context())
				wantOutage(t, "cursors", err, c.do)
				_, err = o.s.Pending(t.Context())
				wantOutage(t, "jobs", err, c.do)
				_, _, err = o.s.Sessions().FindCtx(t.Context(), "token")
				wantOutage(t, "session", err, c.do)
			}
			run(c.mend)
			o.commitAgain(t)
			o.wantAll(t)
		})
	}
}

// commitBroken commits in vain. A connection that was cut off says so first,
// and the next one why it cannot be made anew.
func (o *outageOf) commitBroken(t *testing.T) (err error) {
	t.Helper()
	for range 20 {
		if err = o.commit(t, 100); !errors.Is(err, store.ErrOutage) {
			t.Fatalf("a commit while the database is broken: %v", err)
		}
	}
	return err
}

// commitAgain commits as soon as that is possible: connections that are still
// held from before the fault was mended fail once each.
func (o *outageOf) commitAgain(t *testing.T) {
	t.Helper()
	for range 40 {
		err := o.commit(t, 100)
		if err == nil {
			return
		}
		if !errors.Is(err, store.ErrOutage) {
			t.Fatal(err)
		}
	}
	t.Error("it does not work again")
}

// TestAServerThatIsAway stops the server and starts it again under a store
// that stays open.
func TestAServerThatIsAway(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	url := server.Database(t)
	o := &outageOf{s: open(t, store.Config{URL: url})}
	if err := o.commit(t, 100); err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	wantOutage(t, "commit", o.commitBroken(t), "start it")
	_, err := o.s.Head(t.Context())
	wantOutage(t, "head", err, "start it")
	_, err = o.s.TakeFence(t.Context(), "crawl")
	wantOutage(t, "fence", err, "start it")
	_, err = store.Open(t.Context(), store.Config{URL: url})
	wantOutage(t, "open", err, "start it")
	server.Resume(t)
	o.commitAgain(t)
	o.wantAll(t)
}

// TestADiskOfPostgresThatIsFull does to a server what TestADiskThatIsFull does
// to a file.
func TestADiskOfPostgresThatIsFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 40)
	if err := os.Chmod(disk, 0o777); err != nil {
		t.Fatal(err)
	}
	server := pgtest.Start(t)
	server.Tablespace(t, "small", filepath.Join(disk, "small"))
	url := server.Database(t)
	server.Exec(t, "postgres", "ALTER DATABASE t1 SET TABLESPACE small")
	o := &outageOf{s: open(t, store.Config{URL: url})}
	if err := o.commit(t, 100); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		empty := fill(t, disk)
		var err error
		for i := 0; err == nil && i < 200; i++ {
			err = o.commitIncompressible(t, 200_000)
		}
		wantOutage(t, fmt.Sprint("round ", round), err, "make room")
		o.wantAll(t)
		empty()
		if err := o.commit(t, 100); err != nil {
			t.Errorf("with room: %v", err)
		}
		o.wantAll(t)
	}
}

// commitIncompressible commits a table whose description no server makes
// smaller.
func (o *outageOf) commitIncompressible(t *testing.T, size int) error {
	t.Helper()
	var text strings.Builder
	for x := uint64(o.n + 1); text.Len() < size; {
		x = x*6364136223846793005 + 1442695040888963407
		text.WriteByte(byte('!' + x>>33%90))
	}
	asset := graph.Asset{Ref: graph.BigQueryRef("p", "d", fmt.Sprint("t", o.n)), Kind: graph.KindTable, Description: text.String()}
	_, err := o.s.Commit(t.Context(), boss, "outage", func(tx *store.Tx) error {
		return tx.Apply(t.Context(), graph.Delta{graph.Began{Now: asset}})
	})
	if err == nil {
		o.n++
	}
	return err
}

// TestMountsAreOfLinux keeps the reason for which tests of disks are skipped
// elsewhere true.
func TestMountsAreOfLinux(t *testing.T) {
	t.Parallel()
	if err := mountMemory(filepath.Join(t.TempDir(), "none"), 1); err == nil {
		t.Errorf("a disk was mounted on %s where no folder is", runtime.GOOS)
	}
}
