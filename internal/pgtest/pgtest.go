// Package pgtest starts a PostgreSQL server of a test's own.
//
// It owns a throwaway cluster: made in a folder of the test, listening on the
// loopback address alone, stopped and removed at the test's end. It does not
// own what stands in its databases. Tests alone import it.
//
// The cluster sorts text by the rules of a language, as most servers do, so
// that a query which forgets to ask for the order of bytes is found.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Cluster is a running server.
type Cluster struct {
	bin, data string
	port      int
	as        *syscall.Credential
	server    *exec.Cmd
	ended     chan struct{}
	databases atomic.Int64
}

// Start starts a server and ends the test where there is none to start: a test
// that needs one is never passed over.
func Start(t testing.TB) *Cluster {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	as, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir: an unprivileged server must be able to enter it.
	folder, err := os.MkdirTemp("", "cadastre-pg-")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{bin: bin, data: filepath.Join(folder, "data"), as: as}
	t.Cleanup(func() {
		c.Stop(t)
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	if as != nil {
		if err := os.Chown(folder, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	c.run(t, "initdb", "--pgdata", c.data, "--auth", "trust", "--username", "cadastre", "--no-sync",
		"--encoding", "UTF8", "--locale", "C.UTF-8", "--locale-provider", "icu", "--icu-locale", "en-US")
	if c.port, err = freePort(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Resume(t)
	return c
}

// Database makes an empty database and returns how to connect to it.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("t%d", c.databases.Add(1))
	c.Exec(t, "postgres", "CREATE DATABASE "+name)
	return c.url(name)
}

func (c *Cluster) url(database string) string {
	return fmt.Sprintf("postgres://cadastre@127.0.0.1:%d/%s?sslmode=disable", c.port, database)
}

// Exec runs SQL as the server's own client does.
func (c *Cluster) Exec(t testing.TB, database, sql string) {
	t.Helper()
	c.run(t, "psql", "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--dbname", c.url(database), "--command", sql)
}

// Tablespace makes a folder in which the server keeps what is put there.
func (c *Cluster) Tablespace(t testing.TB, name, folder string) {
	t.Helper()
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if c.as != nil {
		if err := os.Chown(folder, int(c.as.Uid), int(c.as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	c.Exec(t, "postgres", fmt.Sprintf("CREATE TABLESPACE %s LOCATION '%s'", name, folder))
}

// Stop stops the server at once, as a crash of the machine would: what it has
// not acknowledged may be lost, and every connection is.
func (c *Cluster) Stop(t testing.TB) {
	t.Helper()
	if c.server == nil {
		return
	}
	if err := c.server.Process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	<-c.ended
	c.server = nil
}

// Resume starts the server again on what it kept.
func (c *Cluster) Resume(t testing.TB) {
	t.Helper()
	log, err := os.Create(c.data + ".log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // the server has its own handle
	// The context of the test ends before its cleanups, and Stop is one.
	c.server = exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(c.bin, "postgres"), "-D", c.data,
		"-c", "listen_addresses=127.0.0.1", "-c", "port="+strconv.Itoa(c.port), "-c", "unix_socket_directories=",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=400", "-c", "shared_buffers=64MB", "-c", "autovacuum_naptime=5s")
	c.server.Stdout, c.server.Stderr = log, log
	c.server.Dir = "/"
	c.server.SysProcAttr = attributes(c.as)
	started, ended := make(chan error), make(chan struct{})
	server := c.server
	c.ended = ended
	go func() {
		// The server ends with the thread that started it.
		runtime.LockOSThread()
		defer close(ended)
		err := server.Start()
		started <- err
		if err == nil {
			_ = server.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	c.await(t)
}

// await asks until the server answers.
func (c *Cluster) await(t testing.TB) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		ready := exec.CommandContext(t.Context(), filepath.Join(c.bin, "pg_isready"), "--quiet", "--host", "127.0.0.1", "--port", strconv.Itoa(c.port))
		if ready.Run() == nil {
			return
		}
		select {
		case <-c.ended:
			said, _ := os.ReadFile(c.data + ".log")
			t.Fatalf("the server ended at its start:\n%s", said)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server is not ready after a minute:\n%s", c.Log(t))
		}
	}
}

func (c *Cluster) run(t testing.TB, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(c.bin, program), args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = attributes(c.as)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// programs returns the folder of the newest server's programs.
func programs() (string, error) {
	var folders []string
	if path, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin", "/usr/pgsql-*/bin"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		slices.Sort(found)
		slices.Reverse(found)
		folders = append(folders, found...)
	}
	for _, folder := range folders {
		if holds(folder, "initdb", "postgres", "pg_isready", "psql") {
			return folder, nil
		}
	}
	return "", errors.New("no PostgreSQL server is installed: install it (apt-get install postgresql, or brew install postgresql); scripts/install-test-tools does")
}

func holds(folder string, programs ...string) bool {
	for _, program := range programs {
		if _, err := os.Stat(filepath.Join(folder, program)); err != nil {
			return false
		}
	}
	return true
}

// unprivileged returns as whom the server runs: it refuses to as root.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("the server does not run as root, and there is neither a user postgres nor nobody")
}

func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	_, text, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return 0, err
	}
	port, err := strconv.Atoi(text)
	return port, errors.Join(err, l.Close())
}

// Log is what the server has said so far.
func (c *Cluster) Log(t testing.TB) string {
	t.Helper()
	said, err := os.ReadFile(c.data + ".log")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(said))
}
