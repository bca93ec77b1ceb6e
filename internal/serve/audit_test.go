package serve

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/internal/sandbox/company"
)

// auditApp is an app without a warehouse in a folder of its own.
func auditApp(t *testing.T, dir string, change func(*Config)) *App {
	t.Helper()
	config := Config{DataDir: dir}.withDefaults()
	config.Policy.Roles = map[string][]string{"auditor": {company.Auditors}}
	if change != nil {
		change(&config)
	}
	app, err := Open(t.Context(), config, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
	return app
}

// happen records events of no meaning.
func happen(t *testing.T, app *App, n int) {
	t.Helper()
	for i := range n {
		if err := app.record(t.Context(), otto(), audit.Event{Action: "sign_in", Object: "session", Detail: map[string]string{"n": fmt.Sprint(i)}}); err != nil {
			t.Fatal(err)
		}
	}
}

func checkpointOf(t *testing.T, app *App) Checkpoint {
	t.Helper()
	made, err := app.Checkpoint(t.Context(), app.LocalPrincipal())
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func mustVerify(t *testing.T, app *App, kept KeptAudit) audit.Report {
	t.Helper()
	report, err := app.VerifyAudit(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// forger is who holds the database file, and perhaps the signing key, and
// writes history anew.
type forger struct {
	t  *testing.T
	db *sql.DB
}

func newForger(t *testing.T, app *App) *forger {
	t.Helper()
	db, err := sql.Open("sqlite", app.path(databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &forger{t, db}
}

func (f *forger) do(query string, args ...any) {
	f.t.Helper()
	if _, err := f.db.ExecContext(f.t.Context(), query, args...); err != nil {
		f.t.Fatalf("%s: %v", query, err)
	}
}

// rewrite recomputes the whole chain after a change, and every note that the
// program keeps beside it: the log's end, and with a key all checkpoints, the
// events that tell of them, and the tree.
func (f *forger) rewrite(log []audit.Event, signer note.Signer, key string) {
	f.t.Helper()
	var tree audit.Tree
	var text []byte
	var err error
	for _, e := range log {
		if e.Action == store.ActionCheckpoint && signer != nil {
			c := tree.Checkpoint()
			root := make([]byte, 0, 44)
			e.Detail = map[string]string{"root": string(encode(root, c.Root))}
			signed, err := c.Sign(signer.Name(), signer)
			if err != nil {
				f.t.Fatal(err)
			}
			f.do("UPDATE checkpoints SET note = ? WHERE id = ?", string(signed), c.Size)
			if text, err = tree.MarshalText(); err != nil {
				f.t.Fatal(err)
			}
		}
		if e.Action == actionAuditKey && key != "" {
			e.Object = key
		}
		if e.Hash, err = audit.Next(tree.Head(), e); err != nil {
			f.t.Fatal(err)
		}
		if err := tree.Add(e); err != nil {
			f.t.Fatal(err)
		}
		detail := ""
		if len(e.Detail) > 0 {
			data, err := json.Marshal(e.Detail)
			if err != nil {
				f.t.Fatal(err)
			}
			detail = string(data)
		}
		f.do("UPDATE events SET actor = ?, object = ?, detail = ?, hash = ? WHERE id = ?", e.Actor, e.Object, detail, e.Hash[:], e.Seq)
	}
	head := tree.Head()
	f.do("UPDATE meta SET value = ? WHERE id = 'audit_end'", fmt.Sprintf("%d %s", tree.Size(), hex.EncodeToString(head[:])))
	if text != nil {
		f.do("UPDATE meta SET value = ? WHERE id = 'audit_tree'", string(text))
	}
}

func encode(to []byte, root audit.Hash) []byte {
	text, _ := json.Marshal(root[:])
	return append(to, bytes.Trim(text, `"`)...)
}

func wholeLog(t *testing.T, app *App) []audit.Event {
	t.Helper()
	var log []audit.Event
	for e, err := range app.store.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, e)
	}
	return log
}

// The attack that checkpoints are for: somebody with the database, and with or
// without the signing key, writes history anew and recomputes everything. A
// checkpoint that was exported earlier finds it.
func TestHistoryWrittenAnewIsFoundByAKeptCheckpoint(t *testing.T) {
	t.Parallel()
	secret := thiefsKey(t)
	thief, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	thiefsVerifier, err := verifierOf(secret, thief)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		// hand is who writes anew, given the present key.
		hand func(own note.Signer) (note.Signer, string)
		// alone says whether the log looks whole by itself afterwards.
		alone bool
	}{
		{"with the key in hand", func(own note.Signer) (note.Signer, string) { return own, "" }, true},
		{"without the key", func(note.Signer) (note.Signer, string) { return nil, "" }, false},
		{"with another key, put in the place of the first", func(note.Signer) (note.Signer, string) { return thief, thiefsVerifier }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app := auditApp(t, t.TempDir(), nil)
			happen(t, app, 5)
			kept := checkpointOf(t, app)
			happen(t, app, 4)
			checkpointOf(t, app)
			happen(t, app, 2)
			keep := KeptAudit{Checkpoints: [][]byte{[]byte(kept.Note)}, Keys: []string{kept.Key}}
			if r := mustVerify(t, app, keep); !r.OK || r.Checkpoints != 3 {
				t.Fatalf("before: %+v", r)
			}
			own, err := app.pen(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			log := wholeLog(t, app)
			at := slices.IndexFunc(log, func(e audit.Event) bool { return e.Action == "sign_in" })
			log[at].Actor = "eve@lumen.example"
			signer, key := test.hand(own.signer)
			newForger(t, app).rewrite(log, signer, key)
			if r := mustVerify(t, app, KeptAudit{}); r.OK != test.alone {
				t.Errorf("by itself: %+v", r)
			}
			for name, keep := range map[string]KeptAudit{"with its key": keep, "without its key": {Checkpoints: keep.Checkpoints}} {
				if r := mustVerify(t, app, keep); r.OK || r.Reason == "" {
					t.Errorf("against the kept checkpoint, %s: %+v", name, r)
				}
			}
			// The export tells it, too, with no catalog at hand.
			export, err := app.ExportAudit(t.Context(), app.LocalPrincipal())
			if !test.alone {
				mustBe(t, err, graph.ErrConflict)
				return
			}
			if key != "" {
				// The program itself still holds the first key, and signs nothing.
				mustBe(t, err, graph.ErrInvalid)
				return
			}
			var out bytes.Buffer
			if err == nil {
				err = export.Write(t.Context(), &out)
			}
			if err != nil {
				t.Fatal(err)
			}
			r, err := audit.VerifyExport(&out, keep.Keys, keep.Checkpoints...)
			if err != nil || r.OK || !strings.Contains(r.Reason, "written anew") {
				t.Errorf("the export: %+v, %v", r, err)
			}
		})
	}
}

func thiefsKey(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "thief.key")
	if _, err := GenerateAuditKey(path, "cadastre"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// What stands beside the log is verified with it.
func TestWhatStandsBesideTheLogIsVerified(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, change, reason string }{
		{"nothing", "SELECT 1", ""},
		{"a checkpoint is taken away", "DELETE FROM checkpoints WHERE id = (SELECT min(id) FROM checkpoints)", "taken away"},
		{"all are", "DELETE FROM checkpoints", "taken away"},
		{"a checkpoint is of another size", "UPDATE checkpoints SET id = id + 1 WHERE id = (SELECT max(id) FROM checkpoints)", "cannot be trusted"},
		{"a signature", "UPDATE checkpoints SET note = replace(note, '— ', '— x') WHERE id = (SELECT max(id) FROM checkpoints)", "cannot be trusted"},
		{"the tree is taken away", "DELETE FROM meta WHERE id = 'audit_tree'", "tree"},
		{"the tree is damaged", "UPDATE meta SET value = 'x' WHERE id = 'audit_tree'", "tree"},
		{"the log is cut behind its checkpoint", "DELETE FROM events WHERE id > (SELECT max(id) FROM checkpoints)", "cut off"},
		{"the log is cut before its checkpoint", "DELETE FROM events WHERE id > 3", "cut off"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app := auditApp(t, t.TempDir(), nil)
			for range 3 {
				happen(t, app, 3)
				checkpointOf(t, app)
			}
			newForger(t, app).do(test.change)
			r := mustVerify(t, app, KeptAudit{})
			if r.OK != (test.reason == "") || !strings.Contains(r.Reason, test.reason) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Verifying while others write finds nothing wrong.
func TestALogThatGrowsVerifies(t *testing.T) {
	t.Parallel()
	app := auditApp(t, t.TempDir(), nil)
	happen(t, app, 3)
	checkpointOf(t, app)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			err := app.record(context.WithoutCancel(ctx), otto(), audit.Event{Action: "sign_in", Object: "session"})
			if err == nil {
				_, err = app.Checkpoint(context.WithoutCancel(ctx), app.LocalPrincipal())
			}
			if err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	for range 20 {
		if r := mustVerify(t, app, KeptAudit{}); !r.OK {
			t.Errorf("%+v", r)
			break
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestACheckpointIsDueByCountAndByTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	config := Config{DataDir: dir, Audit: AuditConfig{Events: 5, Every: "10m"}}.withDefaults()
	app, err := Open(t.Context(), config, Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Close() })
	made := func() int {
		t.Helper()
		if err := app.checkpointIfDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		all, err := app.store.Checkpoints(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if n := made(); n != 0 {
		t.Errorf("of an empty log there are %d", n)
	}
	if _, err := app.AuditKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	happen(t, app, 3)
	if n := made(); n != 0 {
		t.Errorf("before any is due there are %d", n)
	}
	now = now.Add(10 * time.Minute)
	if n := made(); n != 1 {
		t.Errorf("after the time there are %d", n)
	}
	now = now.Add(time.Hour)
	if n := made(); n != 1 {
		t.Errorf("though nothing happened there are %d", n)
	}
	happen(t, app, 5)
	if n := made(); n != 2 {
		t.Errorf("after enough events there are %d", n)
	}
	if r := mustVerify(t, app, KeptAudit{}); !r.OK || r.Checkpoints != 2 {
		t.Errorf("%+v", r)
	}
}

func TestAnExportIsAnEventAndVerifies(t *testing.T) {
	t.Parallel()
	h := newQuietHouse(t).crawled()
	url := h.serve()
	audra, ana := newBrowser(t), newBrowser(t)
	audra.client.Jar, ana.client.Jar = h.signIn(url, company.Audra()).client.Jar, h.signIn(url, company.Ana()).client.Jar
	checkpoint := audra.get(url + "/audit/checkpoint")
	if checkpoint.StatusCode != http.StatusOK || !strings.Contains(checkpoint.Header.Get("Content-Disposition"), "cadastre-checkpoint-") {
		t.Fatalf("the checkpoint: %d %s", checkpoint.StatusCode, checkpoint.body)
	}
	export := audra.get(url + "/audit/export")
	if export.StatusCode != http.StatusOK || !strings.Contains(export.Header.Get("Content-Disposition"), ".jsonl") || export.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("the export: %d %v", export.StatusCode, export.Header)
	}
	key, err := h.app().AuditKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := audit.VerifyExport(strings.NewReader(export.body), []string{key}, []byte(checkpoint.body))
	if err != nil || !r.OK || r.Checkpoints != 2 || r.Events < 5 {
		t.Errorf("%+v, %v", r, err)
	}
	exported := h.eventsOf("export")
	if len(exported) != 1 || exported[0].Actor != company.Audra().Email || exported[0].Detail["events"] != fmt.Sprint(r.Events) {
		t.Errorf("the log tells of the export: %+v", exported)
	}
	for _, path := range []string{"/audit/export", "/audit/checkpoint"} {
		if p := ana.get(url + path); p.StatusCode != http.StatusForbidden || strings.Contains(p.body, "seq") {
			t.Errorf("the analyst is answered %d at %s", p.StatusCode, path)
		}
		if p := newBrowser(t).get(url + path); p.StatusCode != http.StatusUnauthorized {
			t.Errorf("a stranger is answered %d at %s", p.StatusCode, path)
		}
	}
	if got := h.events("refused"); len(got) == 0 || !strings.HasPrefix(got[0], company.Ana().Email) {
		t.Errorf("the refusal: %v", got)
	}
	if p := audra.get(url + "/audit"); !strings.Contains(p.Header.Get("Content-Type"), "html") {
		t.Errorf("the page itself is %v", p.Header)
	}
}

// eventsOf are the events of an action, the oldest first.
func (h *house) eventsOf(action string) []audit.Event {
	h.t.Helper()
	found, err := h.app().store.Recorded(h.t.Context(), store.EventsIn{Action: action})
	if err != nil {
		h.t.Fatal(err)
	}
	return found
}

func TestAnEventIsProved(t *testing.T) {
	t.Parallel()
	app := auditApp(t, t.TempDir(), nil)
	happen(t, app, 7)
	proof, err := app.ProveEvent(t.Context(), app.LocalPrincipal(), 4)
	if err != nil || proof.Event.Seq != 4 {
		t.Fatalf("%+v, %v", proof, err)
	}
	key, err := app.AuditKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c, err := proof.Check(key); err != nil || c.Size != 8 {
		t.Errorf("%+v, %v", c, err)
	}
	log := wholeLog(t, app)
	if last := log[len(log)-1]; last.Action != "export" || last.Object != "audit event 4" {
		t.Errorf("the log: %+v", last)
	}
	for _, seq := range []int64{-1, 0, 100} {
		_, err := app.ProveEvent(t.Context(), app.LocalPrincipal(), seq)
		mustBe(t, err, graph.ErrNotFound)
	}
	_, err = app.ProveEvent(t.Context(), ana(), 4)
	mustBe(t, err, graph.ErrDenied)
}
