package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"time"

	"cadastre.dev/cadastre/graph"
)

// session is one of the demo's people, signed in, who uses the API as the web
// app does.
type session struct {
	url    string
	client *http.Client
}

// signInToDemo goes through the whole sign-in: to the identity provider, the
// choice of the person on its page, and back.
func signInToDemo(ctx context.Context, transport http.RoundTripper, base, person string) (*session, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	s := &session{url: base, client: &http.Client{Transport: transport, Jar: jar, Timeout: time.Minute}}
	page, body, err := s.get(ctx, base+"/auth/login?return=/")
	if err != nil {
		return nil, err
	}
	request := regexp.MustCompile(`name="request" value="([^"]+)"`).FindSubmatch(body)
	action := regexp.MustCompile(`action="([^"]+)"`).FindSubmatch(body)
	if request == nil || action == nil {
		return nil, fmt.Errorf("the sign-in page at %s is not the demo's", page.Host)
	}
	target, err := page.Parse(string(action[1]))
	if err != nil {
		return nil, err
	}
	form := url.Values{"request": {string(request[1])}, "person": {person}}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewBufferString(form.Encode()))
	if err != nil {
		return nil, err
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := s.client.Do(post)
	if err != nil {
		return nil, err
	}
	_ = answer.Body.Close()
	var me struct{ Me struct{ ID string } }
	if err := s.ask(ctx, `{me{id}}`, nil, &me); err != nil {
		return nil, err
	}
	if me.Me.ID != person {
		return nil, fmt.Errorf("signed in as %q, not %q", me.Me.ID, person)
	}
	return s, nil
}

func (s *session) get(ctx context.Context, address string) (*url.URL, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return answer.Request.URL, body, err
}

// ask sends one GraphQL operation.
func (s *session) ask(ctx context.Context, query string, variables map[string]any, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	var reply struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&reply); err != nil {
		return fmt.Errorf("status %d: %w", answer.StatusCode, err)
	}
	if len(reply.Errors) > 0 {
		return errors.New(reply.Errors[0].Message)
	}
	return json.Unmarshal(reply.Data, into)
}

// confirm confirms labels of columns of the table of the proof: path → label.
func (s *session) confirm(ctx context.Context, labels map[string]string) error {
	var input []map[string]any
	for path, label := range labels {
		input = append(input, map[string]any{"ref": customers.Column(path).String(), "label": label, "state": "confirmed", "reason": "the data owner knows"})
	}
	var answer struct {
		Tag struct {
			Tags []struct{ Label, State string }
		}
	}
	if err := s.ask(ctx, `mutation($input:[TagInput!]!){tag(input:$input){tags{label state}}}`, map[string]any{"input": input}, &answer); err != nil {
		return err
	}
	for path, label := range labels {
		if !slices.Contains(answer.Tag.Tags, struct{ Label, State string }{label, "confirmed"}) {
			return fmt.Errorf("%s does not bear %s", path, label)
		}
	}
	return nil
}

// planAnswer is a plan as the API shows it.
type planAnswer struct {
	ID, State, Reason string
	Steps             []struct {
		Kind, Object, Audience, Why string
		Columns                     []struct {
			Path, Effect, Method, Was string
			Rules                     []struct{ ID, Why string }
		}
	}
	Findings []struct{ Level, What string }
}

const planFields = `{id state reason steps{kind object audience why columns{path effect method was rules{id why}}} findings{level what}}`

func (s *session) plan(ctx context.Context) (planAnswer, error) {
	var answer struct{ Plan planAnswer }
	err := s.ask(ctx, `mutation{plan`+planFields+`}`, nil, &answer)
	return answer.Plan, err
}

// explains says whether the plan shows that a column becomes masked for the
// analysts and clear for the fraud team, and why.
func (p planAnswer) explains(path string) error {
	want := map[string]string{"analysts": "mask", "fraud": "allow"}
	for _, step := range p.Steps {
		for _, c := range step.Columns {
			if c.Path == path && c.Effect == want[step.Audience] && c.Was != c.Effect && len(c.Rules) > 0 && c.Rules[0].Why != "" && step.Why != "" {
				delete(want, step.Audience)
			}
		}
	}
	if len(want) > 0 {
		return fmt.Errorf("no step says so for %v", want)
	}
	return nil
}

// applyPlan approves and applies a plan and waits until it is applied.
func (s *session) applyPlan(ctx context.Context, id string) error {
	state, err := s.applyAndWatch(ctx, id)
	if err == nil && state != string(graph.PlanApplied) {
		err = fmt.Errorf("the plan is %s", state)
	}
	return err
}

// applyAndWatch approves and applies a plan and returns the state in which it
// comes to rest.
func (s *session) applyAndWatch(ctx context.Context, id string) (string, error) {
	variables := map[string]any{"id": id}
	var ignored any
	if err := s.ask(ctx, `mutation($id:String!){approve(id:$id){id}}`, variables, &ignored); err != nil {
		return "", fmt.Errorf("approve: %w", err)
	}
	if err := s.ask(ctx, `mutation($id:String!){apply(id:$id){id}}`, variables, &ignored); err != nil {
		return "", fmt.Errorf("apply: %w", err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		var answer struct{ Plan planAnswer }
		if err := s.ask(ctx, `query($id:String!){plan(id:$id){state reason}}`, variables, &answer); err != nil {
			return "", err
		}
		switch graph.PlanState(answer.Plan.State) {
		case graph.PlanApplied, graph.PlanStale:
			return answer.Plan.State, nil
		case graph.PlanStopped:
			return answer.Plan.State, errors.New(answer.Plan.Reason)
		case "":
			return "", errors.New("the plan is not to be found")
		default:
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-tick.C:
		}
	}
}

func (s *session) crawl(ctx context.Context, source string) error {
	var ignored any
	return s.ask(ctx, `mutation($s:String!){crawl(source:$s){name}}`, map[string]any{"s": source}, &ignored)
}

// wayAnswer is a way to a column as the API shows it.
type wayAnswer struct{ Principal, Audience, Through, Form, Method, Why string }

func (s *session) whoCouldSee(ctx context.Context, column graph.Ref, at graph.Revision) ([]wayAnswer, error) {
	variables := map[string]any{"c": column.String()}
	if at != 0 {
		variables["r"] = at
	}
	var answer struct{ WhoCouldSee struct{ Ways []wayAnswer } }
	err := s.ask(ctx, `query($c:Ref!,$r:Revision){whoCouldSee(column:$c,revision:$r){ways{principal audience through form method why}}}`, variables, &answer)
	return answer.WhoCouldSee.Ways, err
}

func (s *session) verify(ctx context.Context) (bool, error) {
	var answer struct{ AuditVerification struct{ OK bool } }
	err := s.ask(ctx, `{auditVerification{ok}}`, nil, &answer)
	return answer.AuditVerification.OK, err
}
