package serve

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A request whose body never comes is answered all the same, and its connection
// is let go: otherwise anybody could hold all there are.
func TestABodyThatNeverComesHoldsNoConnection(t *testing.T) {
	t.Parallel()
	refuses := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	reads := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	for name, c := range map[string]struct {
		handler http.Handler
		status  int
	}{
		"by who does not read it": {refuses, http.StatusUnauthorized},
		"by who waits for it":     {reads, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(boundBody(c.handler, 50*time.Millisecond, 50*time.Millisecond))
			t.Cleanup(server.Close)
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close() //nolint:errcheck // nothing was kept
			if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			from := bufio.NewReader(conn)
			answer, err := http.ReadResponse(from, nil)
			if err != nil {
				t.Fatalf("no answer: %v", err)
			}
			_ = answer.Body.Close()
			if _, err := from.ReadByte(); answer.StatusCode != c.status || !errors.Is(err, io.EOF) {
				t.Errorf("answered %d, want %d; then the connection says %v, want its end", answer.StatusCode, c.status, err)
			}
		})
	}
}

// deadlines notes what a handler sets.
type deadlines struct {
	http.ResponseWriter
	set []time.Time
}

// SetReadDeadline notes a deadline.
func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}

// What arrived may be worked on for as long as it takes: a deadline that stands
// would break the connection, and with it the work.
func TestABodyThatArrivedHasNoDeadline(t *testing.T) {
	t.Parallel()
	d := &deadlines{ResponseWriter: httptest.NewRecorder()}
	var atWork []time.Time
	handler := boundBody(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error(err)
		}
		atWork = d.set
	}), time.Hour, time.Second)
	handler.ServeHTTP(d, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("body")))
	if len(atWork) != 2 || atWork[0].IsZero() || !atWork[1].IsZero() || len(d.set) != 2 {
		t.Errorf("deadlines %v, of which %v at work; want one, lifted at the end of the body", d.set, atWork)
	}
	none := &deadlines{ResponseWriter: httptest.NewRecorder()}
	handler.ServeHTTP(none, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	if len(none.set) != 0 {
		t.Errorf("a request without a body has deadlines %v", none.set)
	}
}
