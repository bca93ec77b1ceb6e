package serve

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
	"cadastre.dev/cadastre/ingest"
)

// revoking ends a token while the body that it reads arrives.
type revoking struct {
	io.Reader
	d *dock
}

// Read revokes the token at the end of the body.
func (r revoking) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		if _, failed := r.d.app.RevokeToken(r.d.t.Context(), r.d.app.LocalPrincipal(), r.d.token.ID); failed != nil {
			err = failed
		}
	}
	return n, err
}

func TestATokenThatIsRevokedMeanwhileWritesNothing(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/facts", revoking{strings.NewReader(batchOf("1", "id")), d})
	request.Header.Set("Authorization", "Bearer "+d.secret)
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	d.app.pushHandler().ServeHTTP(answer, request)
	if answer.Code != http.StatusUnauthorized || len(d.everything()) != 0 {
		t.Errorf("answered %d, and %d items were written", answer.Code, len(d.everything()))
	}
}

// Whoever holds a token that is no longer good, or makes up sources, fills no
// disk with what is recorded of it.
func TestRefusedPushesDoNotFloodTheLog(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	now := time.Now()
	d.app.now = func() time.Time { return now } // all within a minute
	refused := func() []audit.Event { return told(t, d.app, "refused") }
	for i := range 20 {
		d.want(d.push(strings.Replace(batchOf("1", "id"), `"crm"`, fmt.Sprintf(`"made-up-%d"`, i), 1)), 403, "not for source")
	}
	if got := refused(); len(got) != 1 || got[0].Object != "push" || got[0].Detail["token"] != d.token.ID || got[0].Detail["source"] != "made-up-0" {
		t.Errorf("20 sources are told as %+v", got)
	}
	if _, err := d.app.RevokeToken(t.Context(), d.app.LocalPrincipal(), d.token.ID); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		d.want(d.push(batchOf("1", "id")), 401, "revoked")
	}
	if got := refused(); len(got) != 2 || got[1].Object != d.token.ID {
		t.Errorf("20 tries with a revoked token are told as %+v", got)
	}
}

// Whoever tells of an asset before the source that reads it keeps no say in it:
// an owner named beforehand would see what is found there.
func TestWhatIsTakenOverIsLeftToWhoReadsIt(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	mallory := graph.Principal{ID: "mallory@shop.example"}
	if r := d.push(`{"source": "crm", "key": "1", "facts": [{"asset": {"ref": "` + people().Ref.String() + `", "kind": "table",
		"owners": [{"principal": "user:mallory@shop.example"}], "grants": [{"principal": "user:mallory@shop.example", "role": "READER"}],
		"tags": [{"label": "system"}]}}]}`); r.status != 200 {
		t.Fatalf("%+v", r)
	}
	d.on(&script{name: "warehouse", crawl: func(_ ingest.Cursor, emit func(graph.Fact) error) (ingest.Cursor, error) {
		return ingest.Cursor("1"), peopleSeen(emit)
	}})
	if err := d.app.crawl(t.Context(), "warehouse"); err != nil {
		t.Fatal(err)
	}
	for _, i := range d.everything() {
		var says graph.Provenance
		switch i := i.(type) {
		case graph.Owner:
			says = i.Provenance
		case graph.Grant:
			says = i.Provenance
		case graph.Tag:
			says = i.Provenance
		}
		if says.Name == "crm" {
			t.Errorf("the word of crm still stands: %+v", i)
		}
	}
	mustBe(t, errorOf(d.app.SaidOf(t.Context(), mallory, people().Ref)), graph.ErrNotFound)
}
