package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

func TestTheAuditKeyIsMadeOnceAndKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	app := auditApp(t, dir, nil)
	key, err := app.AuditKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, auditKeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	if !strings.HasPrefix(key, "cadastre/"+strings.ToLower(app.store.Catalog())+"+") {
		t.Errorf("the key is %s", key)
	}
	if again, err := auditApp(t, dir, nil).AuditKey(t.Context()); err != nil || again != key {
		t.Errorf("asked again: %s, %v", again, err)
	}
	log := wholeLog(t, app)
	if len(log) != 1 || log[0].Action != actionAuditKey || log[0].Object != key {
		t.Errorf("the log: %+v", log)
	}
	if strings.Contains(fmt.Sprintf("%+v", log), "PRIVATE") {
		t.Error("the log holds the secret")
	}
}

// A key that is gone or another is told, and none is made in its place.
func TestALostAuditKeyIsToldAndNotReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	app := auditApp(t, dir, nil)
	happen(t, app, 2)
	first := checkpointOf(t, app)
	file := filepath.Join(dir, auditKeyFile)
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	happen(t, app, 1)
	for name, err := range map[string]error{
		"a checkpoint": second(app.Checkpoint(t.Context(), app.LocalPrincipal())),
		"an export":    second(app.ExportAudit(t.Context(), app.LocalPrincipal())),
		"the key":      second(app.AuditKey(t.Context())),
		"the loop":     func() error { app.config.Audit.Events = 1; return app.checkpointIfDue(t.Context()) }(),
	} {
		if !errors.Is(err, graph.ErrInvalid) || !strings.Contains(err.Error(), "backup") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key was made: %v", err)
	}
	if findings := app.Doctor(t.Context()); !slices.ContainsFunc(findings, func(f graph.Finding) bool { return f.Code == "no-audit-key" && f.Level == graph.FindingBlock }) {
		t.Errorf("the doctor: %+v", findings)
	}
	if r := mustVerify(t, app, KeptAudit{}); !r.OK || r.Checkpoints != 1 {
		t.Errorf("the log verifies without the secret: %+v", r)
	}
	// Another key in its place is no better, until somebody says so.
	if _, err := GenerateAuditKey(file, "cadastre"); err != nil {
		t.Fatal(err)
	}
	_, err := app.Checkpoint(t.Context(), app.LocalPrincipal())
	if mustBe(t, err, graph.ErrInvalid); !strings.Contains(err.Error(), first.Key) {
		t.Errorf("%v", err)
	}
	renewed, err := app.RenewAuditKey(t.Context(), app.LocalPrincipal())
	if err != nil || renewed == first.Key {
		t.Fatalf("%s, %v", renewed, err)
	}
	after := checkpointOf(t, app)
	if after.Key != renewed {
		t.Errorf("signed with %s, want %s", after.Key, renewed)
	}
	kept := KeptAudit{Checkpoints: [][]byte{[]byte(first.Note), []byte(after.Note)}, Keys: []string{first.Key, renewed}}
	if r := mustVerify(t, app, kept); !r.OK || r.Checkpoints != 4 {
		t.Errorf("%+v", r)
	}
	log := wholeLog(t, app)
	i := slices.IndexFunc(log, func(e audit.Event) bool { return e.Action == actionAuditKey && e.Object == renewed })
	if i < 0 || log[i].Detail["before"] != first.Key || !strings.HasPrefix(log[i].Actor, localPrefix) {
		t.Errorf("the log does not tell of the change: %+v", log)
	}
}

func second[T any](_ T, err error) error { return err }

func TestRenewingAKeyThatIsThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	app := auditApp(t, dir, nil)
	first := checkpointOfNew(t, app)
	renewed, err := app.RenewAuditKey(t.Context(), app.LocalPrincipal())
	if err != nil || renewed == first.Key {
		t.Fatalf("%s, %v", renewed, err)
	}
	aside, err := filepath.Glob(filepath.Join(dir, "audit-*.key"))
	if err != nil || len(aside) != 1 {
		t.Errorf("put aside: %v, %v", aside, err)
	}
	happen(t, app, 1)
	if after := checkpointOf(t, app); after.Key != renewed {
		t.Errorf("signed with %s", after.Key)
	}
}

func checkpointOfNew(t *testing.T, app *App) Checkpoint {
	t.Helper()
	happen(t, app, 1)
	return checkpointOf(t, app)
}

func TestTheAuditKeyOfTheConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, err := GenerateAuditKey(filepath.Join(dir, "shared.key"), "lumen/audit")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := GenerateAuditKey(filepath.Join(dir, "shared.key"), "lumen/audit"); !errors.Is(err, graph.ErrConflict) {
		t.Errorf("written over: %v", err)
	}
	if _, err := GenerateAuditKey(filepath.Join(dir, "none", "shared.key"), "lumen"); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("in no folder: %v", err)
	}
	if _, err := GenerateAuditKey(filepath.Join(dir, "other.key"), "a b"); !errors.Is(err, graph.ErrInvalid) {
		t.Errorf("with no name: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "no.key"), []byte("PRIVATE+KEY+secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, key, log, want, reason string }{
		{"a file", "file:" + filepath.Join(dir, "shared.key"), "", key, ""},
		{"with its name", "file:" + filepath.Join(dir, "shared.key"), "lumen/audit", key, ""},
		{"with another name", "file:" + filepath.Join(dir, "shared.key"), "lumen", "", "audit.name"},
		{"a missing file", "file:" + filepath.Join(dir, "missing.key"), "", "", "missing.key"},
		{"a variable that is not set", "env:CADASTRE_TEST_NO_SUCH_KEY", "", "", "CADASTRE_TEST_NO_SUCH_KEY"},
		{"no key", "file:" + filepath.Join(dir, "no.key"), "", "", "none as cadastre audit key makes it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app := auditApp(t, t.TempDir(), func(c *Config) { c.Audit.Key, c.Audit.Name = test.key, test.log })
			got, err := app.AuditKey(t.Context())
			if test.want == "" {
				mustBe(t, err, graph.ErrInvalid)
				if !strings.Contains(err.Error(), test.reason) || strings.Contains(err.Error(), "PRIVATE") {
					t.Errorf("%v", err)
				}
				if len(wholeLog(t, app)) != 0 {
					t.Error("a key was recorded")
				}
				return
			}
			if err != nil || got != test.want {
				t.Errorf("%s, %v", got, err)
			}
			if _, err := os.Stat(app.path(auditKeyFile)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a key was made beside it: %v", err)
			}
			_, err = app.RenewAuditKey(t.Context(), app.LocalPrincipal())
			mustBe(t, err, graph.ErrConflict)
		})
	}
}

// Two programs on one catalog that start at once have one key.
func TestTwoProgramsMakeOneAuditKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	apps := []*App{auditApp(t, dir, nil), auditApp(t, dir, nil)}
	keys := make(chan string, len(apps))
	for _, app := range apps {
		go func() {
			key, err := app.AuditKey(context.WithoutCancel(t.Context()))
			if err != nil {
				key = err.Error()
			}
			keys <- key
		}()
	}
	if one, two := <-keys, <-keys; one != two {
		t.Errorf("%s and %s", one, two)
	}
	if log := wholeLog(t, apps[0]); len(log) != 1 {
		t.Errorf("the log: %+v", log)
	}
}
