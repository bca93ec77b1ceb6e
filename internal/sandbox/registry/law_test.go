package registry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/internal/sandbox/journal"
	"cadastre.dev/cadastre/internal/sandbox/registry"
)

// model is what a registry should hold: for each subject its versions, and for
// each text the id that it was first given.
type model struct {
	subjects map[string][]modelVersion
	ids      map[string]int
}

type modelVersion struct {
	number  int
	text    string
	deleted bool
}

func (m *model) alive(subject string) bool {
	return slices.ContainsFunc(m.subjects[subject], func(v modelVersion) bool { return !v.deleted })
}

// register is the model's POST /subjects/{subject}/versions.
func (m *model) register(subject, text string) (int, string) {
	id, known := m.ids[text]
	if !known {
		id = len(m.ids) + 1
		m.ids[text] = id
	}
	answer := fmt.Sprintf(`{"id":%d}`, id)
	next := 1
	for _, v := range m.subjects[subject] {
		if v.text == text && !v.deleted {
			return http.StatusOK, answer
		}
		next = max(next, v.number+1)
	}
	m.subjects[subject] = append(m.subjects[subject], modelVersion{number: next, text: text})
	return http.StatusOK, answer
}

// deleteSubject is the model's DELETE /subjects/{subject}.
func (m *model) deleteSubject(subject string, permanent bool) (int, string) {
	versions := m.subjects[subject]
	if len(versions) == 0 || !permanent && !m.alive(subject) {
		return http.StatusNotFound, "40401"
	}
	if permanent && m.alive(subject) {
		return http.StatusNotFound, "40405"
	}
	numbers := []int{}
	for i, v := range versions {
		if permanent || !v.deleted {
			numbers = append(numbers, v.number)
		}
		versions[i].deleted = true
	}
	if permanent {
		delete(m.subjects, subject)
	}
	answer, _ := json.Marshal(numbers)
	return http.StatusOK, string(answer)
}

// deleteVersion is the model's DELETE /subjects/{subject}/versions/{version}.
func (m *model) deleteVersion(subject string, number int) (int, string) {
	if !m.alive(subject) {
		return http.StatusNotFound, "40401"
	}
	for i, v := range m.subjects[subject] {
		if v.number == number && !v.deleted {
			m.subjects[subject][i].deleted = true
			return http.StatusOK, fmt.Sprint(number)
		}
	}
	return http.StatusNotFound, "40402"
}

// lookUp is the model's POST /subjects/{subject}.
func (m *model) lookUp(subject, text string) (int, string) {
	if !m.alive(subject) {
		return http.StatusNotFound, "40401"
	}
	for _, v := range m.subjects[subject] {
		if v.text == text && !v.deleted {
			return http.StatusOK, fmt.Sprintf(`"version":%d,"id":%d`, v.number, m.ids[text])
		}
	}
	return http.StatusNotFound, "40403"
}

// list is the model's GET /subjects.
func (m *model) list(keep func(subject string) bool) string {
	names := []string{}
	for name := range m.subjects {
		if keep(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	answer, _ := json.Marshal(names)
	return string(answer)
}

func (m *model) latest(subject string) (int, string) {
	if !m.alive(subject) {
		return http.StatusNotFound, "40401"
	}
	for _, v := range slices.Backward(m.subjects[subject]) {
		if !v.deleted {
			return http.StatusOK, v.text
		}
	}
	return http.StatusNotFound, "40402"
}

// TestRegistryIsTheModel does random things to a registry and to the model and
// wants the same answers all along, also over restarts.
func TestRegistryIsTheModel(t *testing.T) {
	t.Parallel()
	subjects := []string{"a-value", "b-value", ":.stage:a-value"}
	texts := []string{`"string"`, `"int"`, `{"type":"fixed","name":"F","size":3}`}
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 1))
		m := &model{subjects: map[string][]modelVersion{}, ids: map[string]int{}}
		dir := t.TempDir()
		var (
			url   string
			state *journal.Journal
		)
		restart := func() {
			if err := state.Close(); err != nil {
				t.Fatal(err)
			}
			j, records, err := journal.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			state, url = j, serve(t, registry.Config{Journal: j, Records: records})
		}
		restart()
		for step := range 120 {
			subject, text := subjects[rng.IntN(len(subjects))], texts[rng.IntN(len(texts))]
			sent, err := json.Marshal(map[string]string{"schema": text})
			if err != nil {
				t.Fatal(err)
			}
			at := url + "/subjects/" + subject
			var verb, body, want string
			var status int
			switch n := rng.IntN(12); {
			case n < 5:
				verb, at, body = http.MethodPost, at+"/versions", string(sent)
				status, want = m.register(subject, text)
			case n < 6:
				verb = http.MethodDelete
				status, want = m.deleteSubject(subject, false)
			case n < 7:
				verb, at = http.MethodDelete, at+"?permanent=true"
				status, want = m.deleteSubject(subject, true)
			case n < 9:
				number := 1 + rng.IntN(4)
				verb, at = http.MethodDelete, fmt.Sprintf("%s/versions/%d", at, number)
				status, want = m.deleteVersion(subject, number)
			case n < 10:
				verb, body = http.MethodPost, string(sent)
				status, want = m.lookUp(subject, text)
			case n < 11:
				verb, at = http.MethodGet, at+"/versions/latest/schema"
				status, want = m.latest(subject)
			default:
				restart()
				continue
			}
			if code, answer := call(t, verb, at, body); code != status || !strings.Contains(answer, want) {
				t.Fatalf("seed %d, step %d: %s %s: %d %s, want %d %s", seed, step, verb, at, code, answer, status, want)
			}
			_, listed := call(t, http.MethodGet, url+"/subjects", "")
			_, all := call(t, http.MethodGet, url+"/subjects?deleted=true", "")
			want = m.list(m.alive) + m.list(func(string) bool { return true })
			if diff := cmp.Diff(want, listed+all); diff != "" {
				t.Fatalf("seed %d, step %d: subjects (-model +registry):\n%s", seed, step, diff)
			}
		}
		if err := state.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAnyPrefixOfTheStateOpens crashes a registry inside and around each line
// that it wrote: the next one opens, serves, and holds what was acknowledged
// before.
func TestAnyPrefixOfTheStateOpens(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, records, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := registry.New(registry.Config{Journal: j, Records: records})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "state.jsonl")
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	var acknowledged []int64 // the size of the file after each registration
	for n := range 4 {
		if _, err := r.Register(registry.Registration{Subject: "s", Schema: fmt.Sprintf(`{"type":"fixed","name":"F","size":%d}`, n)}); err != nil {
			t.Fatal(err)
		}
		acknowledged = append(acknowledged, size())
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		around := whole[max(0, cut-2):min(len(whole), cut+1)]
		if cut%13 != 0 && !bytes.Contains(around, []byte("\n")) {
			continue
		}
		crashed := t.TempDir()
		if err := os.WriteFile(filepath.Join(crashed, "state.jsonl"), whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		j, records, err := journal.Open(crashed)
		if err != nil {
			t.Fatalf("cut at byte %d: %v", cut, err)
		}
		again, err := registry.New(registry.Config{Journal: j, Records: records})
		if err != nil {
			t.Fatalf("cut at byte %d: %v", cut, err)
		}
		want := 0
		for want < len(acknowledged) && acknowledged[want] <= int64(cut) {
			want++
		}
		id, err := again.Register(registry.Registration{Subject: "s", Schema: `"string"`})
		if err != nil || id < want+1 || id > want+2 {
			t.Errorf("cut at byte %d of %d: the next id is %d, %v, where %d were acknowledged", cut, len(whole), id, err, want)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestWhatCannotBeKeptIsNotDone closes the state under a registry: each write
// is refused, and reads answer as before.
func TestWhatCannotBeKeptIsNotDone(t *testing.T) {
	t.Parallel()
	j, records, err := journal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, registry.Config{Journal: j, Records: records})
	if code, answer := call(t, http.MethodPost, url+"/subjects/s/versions", `{"schema":"\"string\""}`); code != http.StatusOK {
		t.Fatal(answer)
	}
	everything := func() (out []string) {
		for _, path := range []string{"/subjects?deleted=true", "/schemas?deleted=true", "/schemas/ids/1?fetchMaxId=true", "/config", "/contexts"} {
			_, answer := call(t, http.MethodGet, url+path, "")
			out = append(out, answer)
		}
		return out
	}
	before := everything()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, verb, path, body string }{
		{"a new schema", http.MethodPost, "/subjects/s/versions", `{"schema":"\"int\""}`},
		{"a new subject of a known schema", http.MethodPost, "/subjects/u/versions", `{"schema":"\"string\""}`},
		{"the end of a version", http.MethodDelete, "/subjects/s/versions/1", ""},
		{"the end of a subject", http.MethodDelete, "/subjects/s", ""},
		{"compatibility", http.MethodPut, "/config", `{"compatibility":"NONE"}`},
		{"compatibility of a subject", http.MethodPut, "/config/s", `{"compatibility":"NONE"}`},
	} {
		code, answer := call(t, tt.verb, url+tt.path, tt.body)
		if code != http.StatusInternalServerError || !strings.Contains(answer, `"error_code":50001`) {
			t.Errorf("%s: %d %s, want an error of the server", tt.name, code, answer)
		}
		if diff := cmp.Diff(before, everything()); diff != "" {
			t.Errorf("%s was done all the same (-before +after):\n%s", tt.name, diff)
		}
	}
}

func TestRecordsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"subject", "schema", "compatibility"} {
		_, err := registry.New(registry.Config{Records: []journal.Record{{Kind: kind, Key: "the key", Value: json.RawMessage(`[1]`)}}})
		if err == nil || !strings.Contains(err.Error(), kind+" the key") {
			t.Errorf("%s: %v, want an error that names the record", kind, err)
		}
	}
	if _, err := registry.New(registry.Config{Records: []journal.Record{{Kind: "table", Key: "x", Value: json.RawMessage(`[1]`)}}}); err != nil {
		t.Errorf("a record of another room: %v", err)
	}
}

func TestPagesOfSchemasAreTheList(t *testing.T) {
	t.Parallel()
	url := serve(t, registry.Config{})
	const subjects = 5
	for n := range subjects {
		body := fmt.Sprintf(`{"schema":"{\"type\":\"fixed\",\"name\":\"F\",\"size\":%d}"}`, n)
		if code, answer := call(t, http.MethodPost, fmt.Sprintf("%s/subjects/s%d/versions", url, n), body); code != http.StatusOK {
			t.Fatal(answer)
		}
	}
	read := func(query string) (names []string) {
		code, answer := call(t, http.MethodGet, url+"/schemas?"+query, "")
		var list []struct {
			Subject string `json:"subject"`
		}
		if err := json.Unmarshal([]byte(answer), &list); err != nil || code != http.StatusOK {
			t.Fatalf("%s: %d %s", query, code, answer)
		}
		for _, s := range list {
			names = append(names, s.Subject)
		}
		return names
	}
	whole := read("")
	for size := 1; size <= subjects+1; size++ {
		var paged []string
		for offset := 0; ; offset += size {
			part := read(fmt.Sprintf("offset=%d&limit=%d", offset, size))
			if len(part) > size {
				t.Fatalf("%d in a page of %d", len(part), size)
			}
			if paged = append(paged, part...); len(part) < size {
				break
			}
		}
		if diff := cmp.Diff(whole, paged); diff != "" {
			t.Errorf("pages of %d (-whole +paged):\n%s", size, diff)
		}
	}
	for query, want := range map[string]int{
		"limit=-1": subjects, "limit=0": 0, "offset=-7": subjects, "offset=4": 1, "offset=1&limit=9223372036854775807": subjects - 1,
		"offset=9223372036854775807&limit=9223372036854775807": 0,
	} {
		if got := read(query); len(got) != want {
			t.Errorf("%s: %v, want %d", query, got, want)
		}
	}
	if code, _ := call(t, http.MethodGet, url+"/schemas?limit=x", ""); code != http.StatusNotFound {
		t.Errorf("a limit that is no number: %d", code)
	}
}

// TestOneSubjectHasTwoNames holds that the default context may be written out
// wherever a subject is named.
func TestOneSubjectHasTwoNames(t *testing.T) {
	t.Parallel()
	url := serve(t, registry.Config{})
	for _, c := range []struct{ name, verb, path, body string }{
		{"register", http.MethodPost, "/subjects/%s/versions", `{"schema":"\"string\""}`},
		{"versions", http.MethodGet, "/subjects/%s/versions", ""},
		{"a version", http.MethodGet, "/subjects/%s/versions/1", ""},
		{"the latest", http.MethodGet, "/subjects/%s/versions/latest", ""},
		{"the one before none", http.MethodGet, "/subjects/%s/versions/-1", ""},
		{"its text", http.MethodGet, "/subjects/%s/versions/1/schema", ""},
		{"who refers to it", http.MethodGet, "/subjects/%s/versions/1/referencedby", ""},
		{"look up", http.MethodPost, "/subjects/%s", `{"schema":"\"string\""}`},
		{"set compatibility", http.MethodPut, "/config/%s", `{"compatibility":"FULL"}`},
		{"compatibility", http.MethodGet, "/config/%s", ""},
	} {
		var answers []string
		for _, subject := range []string{"s", ":.:s"} {
			code, answer := call(t, c.verb, url+fmt.Sprintf(c.path, subject), c.body)
			if code != http.StatusOK {
				t.Errorf("%s of %s: %d %s", c.name, subject, code, answer)
			}
			answers = append(answers, answer)
		}
		if answers[0] != answers[1] {
			t.Errorf("%s: %s by its short name, %s by its long one", c.name, answers[0], answers[1])
		}
	}
	call(t, http.MethodPut, url+"/config/:.:t", `{"compatibility":"NONE"}`)
	if _, level := call(t, http.MethodGet, url+"/config/t", ""); level != `{"compatibilityLevel":"NONE"}` {
		t.Errorf("set by the long name, by the short one it is %s", level)
	}
}

// TestTextsComeBack holds that a schema of each type is answered as it was
// sent, inside an answer and alone.
func TestTextsComeBack(t *testing.T) {
	t.Parallel()
	url := serve(t, registry.Config{})
	for kind, text := range map[string]string{
		"AVRO":     `{"type":"record","name":"R","fields":[{"name":"a < b & c","type":"string","doc":"ü"}]}`,
		"JSON":     `{"type":"object","properties":{"a":{"type":"string"}}}`,
		"PROTOBUF": "syntax = \"proto3\";\nmessage M { string a = 1; }\n",
	} {
		sent, err := json.Marshal(map[string]string{"schema": text, "schemaType": kind})
		if err != nil {
			t.Fatal(err)
		}
		if code, answer := call(t, http.MethodPost, url+"/subjects/"+kind+"/versions", string(sent)); code != http.StatusOK {
			t.Fatal(answer)
		}
		_, answer := call(t, http.MethodGet, url+"/subjects/"+kind+"/versions/1", "")
		var got struct {
			Schema string `json:"schema"`
		}
		if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Schema != text {
			t.Errorf("%s: %s, %v, want %s", kind, answer, err, text)
		}
		if _, alone := call(t, http.MethodGet, url+"/subjects/"+kind+"/versions/1/schema", ""); alone != strings.TrimSpace(text) {
			t.Errorf("%s alone: %s, want %s", kind, alone, text)
		}
	}
}
