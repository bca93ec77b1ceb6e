package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cadastre.dev/cadastre/graph"
)

const (
	requestDeadline = time.Minute
	pageSize        = 500
	// maxAnswer bounds one answer of the registry.
	maxAnswer = 128 << 20
)

// version is a version of a subject as the registry tells it.
type version struct {
	Subject    string      `json:"subject"`
	Version    int         `json:"version"`
	Type       string      `json:"schemaType"`
	Schema     string      `json:"schema"`
	References []reference `json:"references"`
	Metadata   *metadata   `json:"metadata"`
}

type reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

type metadata struct {
	Tags       map[string][]string `json:"tags"`
	Properties map[string]string   `json:"properties"`
	Sensitive  []string            `json:"sensitive"`
}

// schemaType is AVRO where the registry does not say.
func (v version) schemaType() string {
	if v.Type == "" {
		return "AVRO"
	}
	return v.Type
}

// property returns a property that may be shown.
func (v version) property(key string) string {
	if v.Metadata == nil || slices.Contains(v.Metadata.Sensitive, key) {
		return ""
	}
	return v.Metadata.Properties[key]
}

// latest returns the newest version of every subject of all contexts, sorted
// by subject. A subject that could not be read alone is in broken.
func (s *Source) latest(ctx context.Context) (versions []version, broken map[string]error, err error) {
	versions, err = s.bulk(ctx)
	if errors.Is(err, graph.ErrNotFound) {
		versions, broken, err = s.oneByOne(ctx)
	}
	slices.SortFunc(versions, func(a, b version) int { return strings.Compare(a.Subject, b.Subject) })
	return versions, broken, err
}

// bulk reads pages of schemas until one brings nothing new; a registry that
// knows no pages answers all at once.
func (s *Source) bulk(ctx context.Context) ([]version, error) {
	newest := map[string]version{}
	for offset := 0; ; offset += pageSize {
		query := url.Values{
			"subjectPrefix": {allContexts}, "latestOnly": {"true"}, "deleted": {"false"},
			"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(pageSize)},
		}
		var page []version
		if err := s.get(ctx, "/schemas", query, &page); err != nil {
			return nil, fmt.Errorf("list schemas: %w", err)
		}
		fresh := false
		for _, v := range page {
			if was, ok := newest[v.Subject]; !ok || v.Version > was.Version {
				newest[v.Subject], fresh = v, true
			}
		}
		if !fresh || len(page) != pageSize {
			break
		}
	}
	versions := make([]version, 0, len(newest))
	for _, v := range newest {
		versions = append(versions, v)
	}
	return versions, nil
}

// allContexts is the prefix by which a registry lists every context.
const allContexts = ":*:"

func (s *Source) oneByOne(ctx context.Context) ([]version, map[string]error, error) {
	var subjects []string
	if err := s.get(ctx, "/subjects", url.Values{"subjectPrefix": {allContexts}}, &subjects); err != nil {
		return nil, nil, fmt.Errorf("list subjects: %w", err)
	}
	var versions []version
	broken := map[string]error{}
	for _, subject := range subjects {
		v, err := s.version(ctx, subject, "latest", false)
		switch {
		case ctx.Err() != nil:
			return nil, nil, context.Cause(ctx)
		case errors.Is(err, graph.ErrNotFound): // gone since it was listed
		case err != nil:
			broken[subject] = err
		default:
			versions = append(versions, v)
		}
	}
	return versions, broken, nil
}

// version reads one version, also a deleted one where that is asked for: what
// refers to it still means it.
func (s *Source) version(ctx context.Context, subject, which string, deleted bool) (version, error) {
	var v version
	query := url.Values{}
	if deleted {
		query.Set("deleted", "true")
	}
	if err := s.get(ctx, "/subjects/"+url.PathEscape(subject)+"/versions/"+which, query, &v); err != nil {
		return v, fmt.Errorf("get version %s of subject %s: %w", which, subject, err)
	}
	return v, nil
}

// get asks the registry. Errors have the kinds of graph.
func (s *Source) get(ctx context.Context, path string, query url.Values, into any) error {
	address := s.cfg.URL + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return fmt.Errorf("%w: %w", err, graph.ErrInvalid)
	}
	req.Header.Set("Accept", "application/vnd.schemaregistry.v1+json, application/json")
	switch {
	case s.cfg.Token != "":
		req.Header.Set("Authorization", "Bearer "+s.cfg.Token)
	case s.cfg.User != "":
		req.SetBasicAuth(s.cfg.User, s.cfg.Password)
	}
	resp, err := s.cfg.HTTPClient.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%w: %w", err, graph.ErrUnavailable)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("read answer: %w: %w", err, graph.ErrUnavailable)
	}
	if resp.StatusCode != http.StatusOK {
		return refused(resp, body)
	}
	if len(body) > maxAnswer {
		return fmt.Errorf("answer is longer than %d MiB: %w", maxAnswer>>20, graph.ErrInvalid)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("answer is not what a schema registry answers: %w: %w", err, graph.ErrInvalid)
	}
	return nil
}

func refused(resp *http.Response, body []byte) error {
	var said struct {
		Message string `json:"message"`
	}
	message := resp.Status
	if json.Unmarshal(body, &said) == nil && said.Message != "" {
		message += ": " + said.Message
	}
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized:
		return fmt.Errorf("credentials are missing, expired or unknown: %s: %w", message, graph.ErrDenied)
	case code == http.StatusForbidden:
		return fmt.Errorf("%s: %w", message, graph.ErrDenied)
	case code == http.StatusNotFound || code == http.StatusMethodNotAllowed:
		return fmt.Errorf("%s: %w", message, graph.ErrNotFound)
	case code == http.StatusTooManyRequests || code >= http.StatusInternalServerError:
		return fmt.Errorf("%s: %w", message, graph.ErrUnavailable)
	}
	return fmt.Errorf("%s: %w", message, graph.ErrInvalid)
}
