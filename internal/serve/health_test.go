package serve

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readiness is the answer of /readyz.
func (d *desk) readiness() (status int, checks map[string]bool, body string) {
	d.t.Helper()
	answer := d.get(d.base + "/readyz")
	var told struct {
		Ready  bool
		Checks []readyCheck
	}
	if err := json.Unmarshal([]byte(answer.body), &told); err != nil {
		d.t.Fatalf("%s: %v", answer.body, err)
	}
	checks = map[string]bool{}
	all := true
	for _, c := range told.Checks {
		checks[c.Name] = c.OK
		all = all && c.OK && c.Text != ""
	}
	if told.Ready != all || (answer.StatusCode == http.StatusOK) != all || len(answer.Cookies()) > 0 || answer.Header.Get("Cache-Control") != "no-store" {
		d.t.Errorf("the answer disagrees with itself: %d, %s", answer.StatusCode, answer.body)
	}
	return answer.StatusCode, checks, answer.body
}

// The program is ready once somebody works the jobs and as long as the store
// answers, and says to everybody what is not well without saying what it holds.
func TestReadiness(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "http://127.0.0.1:1", nil)
	want := func(status int, want map[string]bool) string {
		t.Helper()
		got, checks, body := d.readiness()
		if diff := cmp.Diff(want, checks); diff != "" || got != status {
			t.Errorf("answered %d, checks (-want +got):\n%s", got, diff)
		}
		return body
	}
	want(http.StatusServiceUnavailable, map[string]bool{"store": true, "jobs": false, "policy": true})
	if err := d.app.startJobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(http.StatusOK, map[string]bool{"store": true, "jobs": true, "policy": true})

	// Another process works them.
	if err := d.app.stopJobs(); err != nil {
		t.Fatal(err)
	}
	turn, err := d.app.takeTurn()
	if err != nil || turn == nil {
		t.Fatal(turn, err)
	}
	if body := want(http.StatusOK, map[string]bool{"store": true, "jobs": true, "policy": true}); !strings.Contains(body, "another process") {
		t.Errorf("it says %s", body)
	}
	if err := turn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.app.store.Close(); err != nil {
		t.Fatal(err)
	}
	body := want(http.StatusServiceUnavailable, map[string]bool{"store": false, "jobs": false, "policy": true})
	if strings.Contains(body, "sql") || strings.Contains(body, d.app.config.DataDir) || strings.Contains(body, "version") {
		t.Errorf("it tells too much: %s", body)
	}
	if log := d.log.String(); !strings.Contains(log, "not ready") || !strings.Contains(log, "request=") {
		t.Errorf("the log does not say why, or for which request: %s", log)
	}
}
