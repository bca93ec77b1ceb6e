package registry

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"cadastre.dev/cadastre/internal/sandbox/directory"
	"cadastre.dev/cadastre/internal/sandbox/journal"
)

// Config says what a registry serves. Its zero value works.
type Config struct {
	// Directory, where given, makes every call need credentials: a bearer
	// token, or an address and a token as user and password. Defaults to nil:
	// anybody may call.
	Directory *directory.Directory
	// Journal keeps the state. Defaults to nil: memory only.
	Journal *journal.Journal
	// Records are what the journal held when it was opened.
	Records []journal.Record
	// Logger receives one line a call. Defaults to discarding it.
	Logger *slog.Logger
}

// Registry is the service. It is safe for concurrent use.
type Registry struct {
	cfg Config
	mux *http.ServeMux

	mu       sync.RWMutex
	subjects map[string]*subject
	schemas  map[int]*schema
	configs  map[string]string // compatibility by subject; "" is the global one
}

// schema is a schema by its id, whatever subjects it is registered under.
type schema struct {
	ID         int         `json:"id"`
	Type       string      `json:"type"`
	Text       string      `json:"schema"`
	References []Reference `json:"references,omitempty"`
	Metadata   *Metadata   `json:"metadata,omitempty"`
}

type subject struct {
	Versions []version `json:"versions"`
}

type version struct {
	Number  int  `json:"version"`
	ID      int  `json:"id"`
	Deleted bool `json:"deleted,omitempty"`
}

const (
	defaultType          = "AVRO"
	defaultCompatibility = "BACKWARD"
	contentType          = "application/vnd.schemaregistry.v1+json"
)

// New returns a registry with the state of the records.
func New(cfg Config) (*Registry, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Registry{cfg: cfg, subjects: map[string]*subject{}, schemas: map[int]*schema{}, configs: map[string]string{}}
	for _, record := range cfg.Records {
		if err := r.replay(record); err != nil {
			return nil, fmt.Errorf("sandbox registry: %w", err)
		}
	}
	r.mux = r.routes()
	return r, nil
}

func (r *Registry) replay(record journal.Record) error {
	var err error
	switch record.Kind {
	case "subject":
		s := &subject{}
		err = json.Unmarshal(record.Value, s)
		r.subjects[record.Key] = s
	case "schema":
		s := &schema{}
		err = json.Unmarshal(record.Value, s)
		r.schemas[s.ID] = s
	case "compatibility":
		var level string
		err = json.Unmarshal(record.Value, &level)
		r.configs[record.Key] = level
	}
	if err != nil {
		return fmt.Errorf("read %s %s: %w", record.Kind, record.Key, err)
	}
	return nil
}

// Register puts a schema under a subject and returns its id. One that is there
// already, and not deleted, keeps its version; a schema known under another
// subject keeps its id.
func (r *Registry) Register(in Registration) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, err := r.admit(in)
	if err != nil {
		return 0, err
	}
	name := qualified(in.Subject)
	sub := r.subjects[name]
	if sub == nil {
		sub = &subject{}
	}
	next := 1
	for _, v := range sub.Versions {
		if v.ID == s.ID && !v.Deleted {
			return s.ID, nil
		}
		next = max(next, v.Number+1)
	}
	grown := &subject{Versions: append(slices.Clone(sub.Versions), version{Number: next, ID: s.ID})}
	schemaRecord, err := journal.Put("schema", strconv.Itoa(s.ID), s)
	if err != nil {
		return 0, err
	}
	subjectRecord, err := journal.Put("subject", name, grown)
	if err != nil {
		return 0, err
	}
	if err := r.cfg.Journal.Write(schemaRecord, subjectRecord); err != nil {
		return 0, err
	}
	r.schemas[s.ID] = s
	r.subjects[name] = grown
	return s.ID, nil
}

// admit checks a schema and returns it with its id, a new one if it is new.
func (r *Registry) admit(in Registration) (*schema, error) {
	if in.Type == "" {
		in.Type = defaultType
	}
	if err := wellFormed(in); err != nil {
		return nil, err
	}
	for _, ref := range in.References {
		if _, _, err := r.find(ref.Subject, strconv.Itoa(ref.Version), true); err != nil {
			return nil, &failure{http.StatusUnprocessableEntity, 42201, fmt.Sprintf("Invalid schema: reference %s to %s version %d is not there",
				ref.Name, ref.Subject, ref.Version)}
		}
	}
	highest := 0
	for id, s := range r.schemas {
		if s.Type == in.Type && s.Text == in.Schema && sameJSON(s.References, in.References) && sameJSON(s.Metadata, in.Metadata) {
			return s, nil
		}
		highest = max(highest, id)
	}
	return &schema{ID: highest + 1, Type: in.Type, Text: in.Schema, References: in.References, Metadata: in.Metadata}, nil
}

// wellFormed refuses a text that cannot be a schema of its type. Whether an
// Avro schema is right in all of its parts is for its readers to say.
func wellFormed(in Registration) error {
	bad := func(why string) error {
		return &failure{http.StatusUnprocessableEntity, 42201, "Invalid schema for subject " + in.Subject + ": " + why}
	}
	switch in.Type {
	case "AVRO", "JSON":
		var value any
		if err := json.Unmarshal([]byte(in.Schema), &value); err != nil {
			return bad(err.Error())
		}
		if object, ok := value.(map[string]any); in.Type == "AVRO" && ok && object["type"] == nil {
			return bad("no type")
		}
		if value == nil {
			return bad("null")
		}
	case "PROTOBUF":
		if !strings.Contains(in.Schema, "message") && !strings.Contains(in.Schema, "enum") {
			return bad("no message")
		}
	default:
		return bad("unknown schema type " + in.Type)
	}
	return nil
}

// find returns a version of a subject: a number, "latest" or "-1". A deleted
// one is there only for those who ask for deleted ones.
func (r *Registry) find(name, which string, deleted bool) (*schema, version, error) {
	name = qualified(name)
	sub := r.subjects[name]
	if sub == nil || !deleted && !sub.alive() {
		return nil, version{}, &failure{http.StatusNotFound, 40401, "Subject '" + name + "' not found."}
	}
	number, err := strconv.Atoi(which)
	latest := which == "latest" || number == -1
	if !latest && (err != nil || number < 1) {
		return nil, version{}, &failure{http.StatusUnprocessableEntity, 42202, "The specified version '" + which +
			"' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""}
	}
	for i := len(sub.Versions) - 1; i >= 0; i-- {
		v := sub.Versions[i]
		if (latest || v.Number == number) && (deleted || !v.Deleted) {
			return r.schemas[v.ID], v, nil
		}
	}
	return nil, version{}, &failure{http.StatusNotFound, 40402, "Version " + which + " not found."}
}

// remove deletes versions: first so that they are hidden, and for good only
// what is hidden already.
func (r *Registry) remove(name string, permanent bool, wanted func(version) bool) ([]int, error) {
	name = qualified(name)
	sub := r.subjects[name]
	if sub == nil || !permanent && !sub.alive() {
		return nil, &failure{http.StatusNotFound, 40401, "Subject '" + name + "' not found."}
	}
	var numbers []int
	left := &subject{}
	for _, v := range sub.Versions {
		switch {
		case !wanted(v) || !permanent && v.Deleted:
			left.Versions = append(left.Versions, v)
			continue
		case permanent && !v.Deleted:
			return nil, &failure{http.StatusNotFound, 40405, "Subject '" + name + "' was not deleted first before being permanently deleted"}
		case !permanent:
			v.Deleted = true
			left.Versions = append(left.Versions, v)
		}
		numbers = append(numbers, v.Number)
	}
	if len(numbers) == 0 {
		return nil, &failure{http.StatusNotFound, 40402, "Version not found."}
	}
	record := journal.Gone("subject", name)
	if len(left.Versions) > 0 {
		var err error
		if record, err = journal.Put("subject", name, left); err != nil {
			return nil, err
		}
	}
	if err := r.cfg.Journal.Write(record); err != nil {
		return nil, err
	}
	if len(left.Versions) == 0 {
		delete(r.subjects, name)
	} else {
		r.subjects[name] = left
	}
	return numbers, nil
}

func (s *subject) alive() bool {
	return slices.ContainsFunc(s.Versions, func(v version) bool { return !v.Deleted })
}

// names are the subjects in their order.
func (r *Registry) names() []string { return slices.Sorted(maps.Keys(r.subjects)) }

// qualified is how the registry itself writes a subject: without the default
// context, which may be written out.
func qualified(name string) string {
	if rest, ok := strings.CutPrefix(name, ":.:"); ok {
		return rest
	}
	return name
}

// contextOf is the context of a subject, "." for the default one.
func contextOf(name string) string {
	if rest, ok := strings.CutPrefix(name, ":"); ok {
		if context, _, found := strings.Cut(rest, ":"); found {
			return context
		}
	}
	return "."
}

func sameJSON(a, b any) bool {
	left, errLeft := json.Marshal(a)
	right, errRight := json.Marshal(b)
	return errLeft == nil && errRight == nil && string(left) == string(right)
}

// failure is an error as the registry answers it.
type failure struct {
	status  int
	code    int
	message string
}

// Error implements error.
func (f *failure) Error() string { return f.message }
