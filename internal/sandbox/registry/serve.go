package registry

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cadastre.dev/cadastre/internal/sandbox/journal"
)

// ServeHTTP answers below the root of the registry.
func (r *Registry) ServeHTTP(out http.ResponseWriter, in *http.Request) { r.mux.ServeHTTP(out, in) }

// schemaText is an answer that is a schema's text and nothing else, which need
// not be JSON.
type schemaText string

type handler func(*http.Request) (any, error)

func (r *Registry) routes() *http.ServeMux {
	mux := http.NewServeMux()
	read := func(pattern string, h handler) { mux.Handle("GET "+pattern, r.serve(h, r.mu.RLock, r.mu.RUnlock)) }
	write := func(pattern string, h handler) { mux.Handle(pattern, r.serve(h, r.mu.Lock, r.mu.Unlock)) }
	read("/{$}", func(*http.Request) (any, error) { return struct{}{}, nil })
	read("/subjects", r.listSubjects)
	read("/subjects/{subject}/versions", r.listVersions)
	read("/subjects/{subject}/versions/{version}", r.getVersion)
	read("/subjects/{subject}/versions/{version}/schema", r.getText)
	read("/subjects/{subject}/versions/{version}/referencedby", r.referencedBy)
	read("/schemas", r.listSchemas)
	read("/schemas/types", func(*http.Request) (any, error) { return []string{"JSON", "PROTOBUF", "AVRO"}, nil })
	read("/schemas/ids/{id}", r.getSchema)
	read("/schemas/ids/{id}/subjects", r.subjectsOf)
	read("/schemas/ids/{id}/versions", r.versionsOf)
	read("/contexts", r.listContexts)
	read("/config", r.getConfig)
	read("/config/{subject}", r.getConfig)
	read("/mode", func(*http.Request) (any, error) { return map[string]string{"mode": "READWRITE"}, nil })
	write("PUT /config", r.putConfig)
	write("PUT /config/{subject}", r.putConfig)
	write("POST /subjects/{subject}", r.lookUp)
	write("DELETE /subjects/{subject}", r.deleteSubject)
	write("DELETE /subjects/{subject}/versions/{version}", r.deleteVersion)
	mux.Handle("POST /subjects/{subject}/versions", r.serve(r.register, func() {}, func() {}))
	mux.Handle("/", r.serve(func(*http.Request) (any, error) {
		return nil, &failure{http.StatusNotFound, 404, "HTTP 404 Not Found"}
	}, func() {}, func() {}))
	return mux
}

func (r *Registry) serve(h handler, lock, unlock func()) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		answer, err := r.answer(h, lock, unlock, in)
		status := http.StatusOK
		if err != nil {
			f := &failure{http.StatusInternalServerError, 50001, err.Error()}
			errors.As(err, &f)
			status = f.status
			answer = map[string]any{"error_code": f.code, "message": f.message}
		}
		out.Header().Set("Content-Type", contentType)
		if status == http.StatusUnauthorized {
			out.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		}
		out.WriteHeader(status)
		if text, ok := answer.(schemaText); ok {
			_, _ = io.WriteString(out, string(text)) // the caller went away
		} else {
			_ = json.NewEncoder(out).Encode(answer) // the caller went away
		}
		r.cfg.Logger.LogAttrs(in.Context(), slog.LevelDebug, "registry call", slog.String("request", in.Method+" "+in.Pattern),
			slog.Bool("failed", err != nil))
	})
}

func (r *Registry) answer(h handler, lock, unlock func(), in *http.Request) (any, error) {
	if !r.known(in) {
		return nil, &failure{http.StatusUnauthorized, 401, "User cannot be authenticated"}
	}
	lock()
	defer unlock()
	return h(in)
}

// known says whether the caller may call at all.
func (r *Registry) known(in *http.Request) bool {
	if r.cfg.Directory == nil {
		return true
	}
	if token, ok := strings.CutPrefix(in.Header.Get("Authorization"), "Bearer "); ok {
		_, ok := r.cfg.Directory.Authenticate(token)
		return ok
	}
	email, token, ok := in.BasicAuth()
	if !ok {
		return false
	}
	who, ok := r.cfg.Directory.Authenticate(token)
	return ok && strings.EqualFold(who.Email, email)
}

// described is a version of a subject as the registry answers it. The type of
// an Avro schema is left out, as it is the default.
type described struct {
	Subject    string      `json:"subject,omitempty"`
	Version    int         `json:"version,omitempty"`
	ID         int         `json:"id,omitempty"`
	Type       string      `json:"schemaType,omitempty"`
	References []Reference `json:"references,omitempty"`
	Metadata   *Metadata   `json:"metadata,omitempty"`
	Schema     string      `json:"schema"`
	Deleted    bool        `json:"deleted,omitempty"`
}

func describe(name string, v version, s *schema) described {
	d := described{
		Subject: name, Version: v.Number, ID: s.ID, Type: s.Type, References: s.References,
		Metadata: s.Metadata, Schema: s.Text, Deleted: v.Deleted,
	}
	if d.Type == defaultType {
		d.Type = ""
	}
	return d
}

// inContext says whether a subject is meant by a prefix. `:*:` means all
// contexts, which is also the default of the lists that take one.
func inContext(name, prefix string) bool {
	if rest, ok := strings.CutPrefix(prefix, ":*:"); ok {
		local := name
		if context := contextOf(name); context != "." {
			local = strings.TrimPrefix(name, ":"+context+":")
		}
		return strings.HasPrefix(local, rest)
	}
	if prefix == ":.:" {
		return contextOf(name) == "."
	}
	return strings.HasPrefix(name, qualified(prefix))
}

func prefixOf(in *http.Request) string {
	if q := in.URL.Query(); q.Has("subjectPrefix") {
		return q.Get("subjectPrefix")
	}
	return ":*:"
}

func flag(in *http.Request, name string) bool { return in.URL.Query().Get(name) == "true" }

// slice takes offset and limit from a list; a limit of -1 or none is no limit.
func slice[T any](in *http.Request, list []T) ([]T, error) {
	offset, limit := 0, len(list)
	for name, into := range map[string]*int{"offset": &offset, "limit": &limit} {
		if text := in.URL.Query().Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil, &failure{http.StatusNotFound, 404, "HTTP 404 Not Found"}
			}
			if n >= 0 {
				*into = n
			}
		}
	}
	offset = min(offset, len(list))
	return append([]T{}, list[offset:][:min(limit, len(list)-offset)]...), nil // [], never null
}

func (r *Registry) listSubjects(in *http.Request) (any, error) {
	var names []string
	for _, name := range r.names() {
		alive := r.subjects[name].alive()
		if flag(in, "deletedOnly") && alive || !alive && !flag(in, "deleted") && !flag(in, "deletedOnly") {
			continue
		}
		if inContext(name, prefixOf(in)) {
			names = append(names, name)
		}
	}
	return slice(in, names)
}

func (r *Registry) listVersions(in *http.Request) (any, error) {
	name := qualified(in.PathValue("subject"))
	deleted := flag(in, "deleted") || flag(in, "deletedOnly") || flag(in, "deletedAsNegative")
	if _, _, err := r.find(name, "latest", deleted); err != nil {
		return nil, err
	}
	var numbers []int
	for _, v := range r.subjects[name].Versions {
		switch {
		case v.Deleted && flag(in, "deletedAsNegative"):
			numbers = append(numbers, -v.Number)
		case v.Deleted && deleted, !v.Deleted && !flag(in, "deletedOnly"):
			numbers = append(numbers, v.Number)
		}
	}
	return slice(in, numbers)
}

func (r *Registry) getVersion(in *http.Request) (any, error) {
	s, v, err := r.find(in.PathValue("subject"), in.PathValue("version"), flag(in, "deleted"))
	if err != nil {
		return nil, err
	}
	return describe(qualified(in.PathValue("subject")), v, s), nil
}

func (r *Registry) getText(in *http.Request) (any, error) {
	s, _, err := r.find(in.PathValue("subject"), in.PathValue("version"), flag(in, "deleted"))
	if err != nil {
		return nil, err
	}
	return schemaText(s.Text), nil
}

func (r *Registry) referencedBy(in *http.Request) (any, error) {
	_, v, err := r.find(in.PathValue("subject"), in.PathValue("version"), false)
	if err != nil {
		return nil, err
	}
	name := qualified(in.PathValue("subject"))
	ids := []int{}
	for id, s := range r.schemas {
		if slices.ContainsFunc(s.References, func(ref Reference) bool {
			return qualified(ref.Subject) == name && ref.Version == v.Number
		}) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// listSchemas is the bulk read: whole versions of all subjects in one answer.
func (r *Registry) listSchemas(in *http.Request) (any, error) {
	var list []described
	for _, name := range r.names() {
		if !inContext(name, prefixOf(in)) {
			continue
		}
		var of []described
		for _, v := range r.subjects[name].Versions {
			if v.Deleted && !flag(in, "deleted") {
				continue
			}
			of = append(of, describe(name, v, r.schemas[v.ID]))
		}
		if flag(in, "latestOnly") && len(of) > 0 {
			of = of[len(of)-1:]
		}
		list = append(list, of...)
	}
	return slice(in, list)
}

func (r *Registry) byID(in *http.Request) (*schema, error) {
	id, err := strconv.Atoi(in.PathValue("id"))
	s := r.schemas[id]
	if err != nil || s == nil {
		return nil, &failure{http.StatusNotFound, 40403, "Schema " + in.PathValue("id") + " not found"}
	}
	return s, nil
}

func (r *Registry) getSchema(in *http.Request) (any, error) {
	s, err := r.byID(in)
	if err != nil {
		return nil, err
	}
	answer := struct {
		described
		MaxID int `json:"maxId,omitempty"`
	}{described: describe("", version{}, s)}
	answer.ID = 0 // which the caller knows, and the registry does not repeat
	if flag(in, "fetchMaxId") {
		for id := range r.schemas {
			answer.MaxID = max(answer.MaxID, id)
		}
	}
	return answer, nil
}

type subjectVersion struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

func (r *Registry) versionsWith(in *http.Request) ([]subjectVersion, error) {
	s, err := r.byID(in)
	if err != nil {
		return nil, err
	}
	list := []subjectVersion{}
	for _, name := range r.names() {
		for _, v := range r.subjects[name].Versions {
			if v.ID == s.ID && (!v.Deleted || flag(in, "deleted")) {
				list = append(list, subjectVersion{name, v.Number})
			}
		}
	}
	return list, nil
}

func (r *Registry) versionsOf(in *http.Request) (any, error) { return r.versionsWith(in) }

func (r *Registry) subjectsOf(in *http.Request) (any, error) {
	list, err := r.versionsWith(in)
	names := []string{}
	for _, v := range list {
		names = append(names, v.Subject)
	}
	return slices.Compact(names), err
}

func (r *Registry) listContexts(*http.Request) (any, error) {
	contexts := []string{"."}
	for name := range r.subjects {
		contexts = append(contexts, contextOf(name))
	}
	slices.Sort(contexts)
	return slices.Compact(contexts), nil
}

func (r *Registry) getConfig(in *http.Request) (any, error) {
	name := qualified(in.PathValue("subject"))
	level, set := r.configs[name]
	switch {
	case set:
	case name == "" || flag(in, "defaultToGlobal"):
		if level = r.configs[""]; level == "" {
			level = defaultCompatibility
		}
	default:
		return nil, &failure{http.StatusNotFound, 40408, "Subject '" + name + "' does not have subject-level compatibility configured"}
	}
	return map[string]string{"compatibilityLevel": level}, nil
}

func (r *Registry) putConfig(in *http.Request) (any, error) {
	var body struct {
		Compatibility string `json:"compatibility"`
	}
	if err := json.NewDecoder(in.Body).Decode(&body); err != nil {
		return nil, &failure{http.StatusBadRequest, 400, "Malformed request: " + err.Error()}
	}
	levels := []string{"NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"}
	if !slices.Contains(levels, body.Compatibility) {
		return nil, &failure{http.StatusUnprocessableEntity, 42203, "Invalid compatibility level. Valid values are " + strings.Join(levels, ", ")}
	}
	name := qualified(in.PathValue("subject"))
	record, err := journal.Put("compatibility", name, body.Compatibility)
	if err != nil {
		return nil, err
	}
	if err := r.cfg.Journal.Write(record); err != nil {
		return nil, err
	}
	r.configs[name] = body.Compatibility
	return map[string]string{"compatibility": body.Compatibility}, nil
}

// body reads a schema that was sent.
func body(in *http.Request) (Registration, error) {
	var sent described
	if err := json.NewDecoder(in.Body).Decode(&sent); err != nil {
		return Registration{}, &failure{http.StatusBadRequest, 400, "Malformed request: " + err.Error()}
	}
	return Registration{
		Subject: in.PathValue("subject"), Schema: sent.Schema, Type: sent.Type, References: sent.References,
		Metadata: sent.Metadata,
	}, nil
}

func (r *Registry) register(in *http.Request) (any, error) {
	sent, err := body(in)
	if err != nil {
		return nil, err
	}
	id, err := r.Register(sent)
	if err != nil {
		return nil, err
	}
	return map[string]int{"id": id}, nil
}

// lookUp finds the version under which a schema is registered.
func (r *Registry) lookUp(in *http.Request) (any, error) {
	sent, err := body(in)
	if err != nil {
		return nil, err
	}
	name := qualified(sent.Subject)
	if _, _, err := r.find(name, "latest", flag(in, "deleted")); err != nil {
		return nil, err
	}
	s, err := r.admit(sent)
	if err != nil {
		return nil, err
	}
	for _, v := range r.subjects[name].Versions {
		if v.ID == s.ID && (!v.Deleted || flag(in, "deleted")) {
			return describe(name, v, s), nil
		}
	}
	return nil, &failure{http.StatusNotFound, 40403, "Schema not found"}
}

func (r *Registry) deleteSubject(in *http.Request) (any, error) {
	return r.remove(in.PathValue("subject"), flag(in, "permanent"), func(version) bool { return true })
}

func (r *Registry) deleteVersion(in *http.Request) (any, error) {
	_, wanted, err := r.find(in.PathValue("subject"), in.PathValue("version"), flag(in, "permanent"))
	if err != nil {
		return nil, err
	}
	if _, err := r.remove(in.PathValue("subject"), flag(in, "permanent"), func(v version) bool { return v.Number == wanted.Number }); err != nil {
		return nil, err
	}
	return wanted.Number, nil
}
