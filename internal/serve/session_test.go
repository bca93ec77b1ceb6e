package serve

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2/memstore"

	"cadastre.dev/cadastre/graph"
)

// A session ends two hours after it was last used, and twelve after it began
// however much it is used.
func TestASessionEndsInTime(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		// pauses lie between the uses of the session.
		pauses []time.Duration
		want   bool
	}{
		{"used at once", []time.Duration{0}, true},
		{"used before it is idle too long", []time.Duration{119 * time.Minute}, true},
		{"idle too long", []time.Duration{121 * time.Minute}, false},
		{"kept by use", []time.Duration{time.Hour, 100 * time.Minute, 100 * time.Minute}, true},
		{"idle too long after use", []time.Duration{time.Hour, 121 * time.Minute}, false},
		{"used to the end", []time.Duration{time.Hour * 3 / 2, time.Hour * 3 / 2, time.Hour * 3 / 2, time.Hour * 3 / 2, time.Hour * 3 / 2, time.Hour * 3 / 2, time.Hour * 3 / 2, time.Hour}, true},
		{"used beyond the end", []time.Duration{time.Hour * 3 / 2, time.Hour * 3 / 2, time.Hour * 3 / 2, time.Hour * 3 / 2, time.Hour * 3 / 2, time.Hour * 3 / 2, time.Hour * 3 / 2, time.Hour * 3 / 2, time.Minute}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			// Made outside of the bubble, which ends only when all in it has.
			sessions := newSessions(memstore.NewWithCleanupInterval(0), "http://127.0.0.1:8080")
			synctest.Test(t, func(t *testing.T) {
				s := &signIn{sessions: sessions}
				data, err := json.Marshal(graph.Principal{ID: "ana@lumen.example"})
				if err != nil {
					t.Fatal(err)
				}
				mux := http.NewServeMux()
				mux.HandleFunc("/in", func(_ http.ResponseWriter, r *http.Request) { sessions.Put(r.Context(), sessionPrincipal, data) })
				mux.Handle("/", requireSignIn(s, http.NotFoundHandler()))
				handler := sessions.LoadAndSave(mux)
				begun := httptest.NewRecorder()
				handler.ServeHTTP(begun, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/in", nil))
				cookie := begun.Result().Cookies()[0]
				status := 0
				for _, pause := range test.pauses {
					<-time.After(pause) // The bubble's clock: no time passes.
					answer, request := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
					request.AddCookie(cookie)
					handler.ServeHTTP(answer, request)
					status = answer.Code
				}
				if got := status != http.StatusUnauthorized; got != test.want {
					t.Errorf("at the end the session is answered %d", status)
				}
			})
		})
	}
}

// What a session holds that is no principal signs nobody in.
func TestWhatIsNoPrincipalSignsNobodyIn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, data string }{
		{"nothing", ""},
		{"no JSON", "ana@lumen.example"},
		{"nobody", `{}`},
		{"an empty address", `{"id":""}`},
		{"a list", `[{"id":"ana@lumen.example"}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sessions := newSessions(memstore.NewWithCleanupInterval(0), "")
			ctx, err := sessions.Load(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			sessions.Put(ctx, sessionPrincipal, []byte(test.data))
			if p, ok := (&signIn{sessions: sessions}).principal(ctx); ok {
				t.Errorf("signed in as %+v", p)
			}
		})
	}
}

// Signing out in one browser leaves the other signed in.
func TestTwoBrowsersHaveTwoSessions(t *testing.T) {
	t.Parallel()
	d := newDesk(t, newProvider(t, nil).server.URL, nil)
	d.get(d.begin("/"))
	first, second := d.browser, newBrowser(t)
	one := d.cookie()
	d.browser = second
	if status, _ := d.ask(d.base, whoAmI); status != http.StatusUnauthorized {
		t.Errorf("the other browser is answered %d before it signs in", status)
	}
	d.get(d.begin("/"))
	if two := d.cookie(); two == one || two == "" {
		t.Error("both browsers have one session")
	}
	d.do(http.MethodPost, d.base+"/auth/logout", "")
	if status, _ := d.ask(d.base, whoAmI); status != http.StatusUnauthorized {
		t.Errorf("the one that signed out is answered %d", status)
	}
	d.browser = first
	if status, _ := d.ask(d.base, whoAmI); status != http.StatusOK {
		t.Errorf("the one that did not is answered %d", status)
	}
}

// One browser's callback is worth nothing in another: that is how somebody
// would be signed in as the attacker.
func TestACallbackBelongsToTheBrowserThatBegan(t *testing.T) {
	t.Parallel()
	d := newDesk(t, newProvider(t, nil).server.URL, nil)
	back := d.begin("/")
	d.browser = newBrowser(t)
	d.begin("/")
	if answer := d.get(back); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("answered %d", answer.StatusCode)
	}
	if status, _ := d.ask(d.base, whoAmI); status != http.StatusUnauthorized {
		t.Errorf("somebody is signed in: %d", status)
	}
}

// Who signs in again gets a session of a new name as whoever the provider says
// now; a sign-in that fails leaves the person signed in as before.
func TestSigningInWhileSignedIn(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil)
	d := newDesk(t, p.server.URL, nil)
	d.get(d.begin("/"))
	was := d.cookie()
	me := func() string {
		var answer struct{ Me struct{ ID string } }
		if err := (&session{url: d.base, client: d.client}).ask(t.Context(), whoAmI, nil, &answer); err != nil {
			return err.Error()
		}
		return answer.Me.ID
	}
	p.claims = map[string]any{"email": "otto@lumen.example"}
	back := d.begin("/")
	if got := me(); got != "ana@lumen.example" {
		t.Errorf("on the way, the person is %s", got)
	}
	d.get(back)
	if got := me(); got != "otto@lumen.example" {
		t.Errorf("signed in again, the person is %s", got)
	}
	now := d.cookie()
	if now == was {
		t.Error("the session kept its name")
	}
	old := newBrowser(t).do(http.MethodPost, d.base+"/graphql", `{"query":"{me{id}}"}`, "Content-Type", "application/json", "Cookie", "cadastre="+was)
	if old.StatusCode != http.StatusUnauthorized {
		t.Errorf("the session of before is answered %d", old.StatusCode)
	}
	if again := d.get(back); again.StatusCode != http.StatusBadRequest || me() != "otto@lumen.example" {
		t.Errorf("the callback a second time is answered %d, as %s", again.StatusCode, me())
	}
	p.claims = map[string]any{"email_verified": false}
	if refused := d.get(d.begin("/")); refused.StatusCode != http.StatusForbidden || me() != "otto@lumen.example" {
		t.Errorf("a sign-in that failed is answered %d, as %s", refused.StatusCode, me())
	}
}

// Of two sign-ins begun in one browser the last one counts.
func TestTheLastSignInThatWasBegunCounts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, newProvider(t, nil).server.URL, nil)
	first := d.begin("/first")
	second := d.begin("/second")
	done := d.get(second)
	if done.StatusCode != http.StatusSeeOther || done.Header.Get("Location") != "/second" {
		t.Errorf("answered %d at %q", done.StatusCode, done.Header.Get("Location"))
	}
	if late := d.get(first); late.StatusCode != http.StatusBadRequest {
		t.Errorf("the first is answered %d", late.StatusCode)
	}
}

// What anybody begins is kept for minutes, and the session of who is signed in
// for as long as sessions last.
func TestASignInThatNobodyEndsIsForgotten(t *testing.T) {
	t.Parallel()
	issuer := newProvider(t, nil).server.URL
	sessions := newSessions(memstore.NewWithCleanupInterval(0), "http://127.0.0.1:8080")
	s := &signIn{sessions: sessions, client: http.DefaultClient, config: SSO{Issuer: issuer, ClientID: "cadastre"}}
	for _, test := range []struct {
		who  string
		want time.Duration
	}{{"", signInBound}, {"ana@lumen.example", sessions.Lifetime}} {
		var ends time.Time
		handler := sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if test.who != "" {
				sessions.Put(r.Context(), sessionPrincipal, []byte(`{"id":"`+test.who+`"}`))
			}
			s.login(w, r)
			ends = sessions.Deadline(r.Context())
		}))
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/auth/login", nil))
		if left := time.Until(ends); answer.Code != http.StatusFound || left > test.want || left < test.want-time.Minute {
			t.Errorf("%q: answered %d, and the session ends in %s; want %s", test.who, answer.Code, left, test.want)
		}
	}
}
