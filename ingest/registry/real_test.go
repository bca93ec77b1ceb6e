package registry

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cadastre.dev/cadastre/graph"
)

// cases is a folder of real schemas, where one is to be had.
func cases(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CADASTRE_CASES")
	if dir == "" {
		t.Skip("CADASTRE_CASES does not name a folder of real cases")
	}
	return filepath.Join(dir, "avro")
}

// TestRealTags reads schemas that the makers of the registry test with: each
// tag is on a column that they name, and on none that they do not.
func TestRealTags(t *testing.T) {
	t.Parallel()
	file, err := os.Open(filepath.Join(cases(t), "confluent_tags.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	read := 0
	for lines.Scan() {
		var c struct {
			Kind   string          `json:"kind"`
			Schema json.RawMessage `json:"schema"`
			Tags   [][]any         `json:"expected_tags"`
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		u, err := newAvro().parse(string(c.Schema))
		if err != nil {
			if c.Kind == "avro" {
				t.Errorf("%s: %v", c.Schema, err)
			}
			continue // another language
		}
		columns, err := columnsOf(graph.Ref{Namespace: "n", Name: "a"}, "", u, nil)
		if err != nil {
			t.Errorf("%s: %v", c.Schema, err)
		}
		read++
		for _, tag := range c.Tags {
			if !slices.ContainsFunc(columns, func(c schemaColumn) bool { return within(c, tag[0]) && has(c, tag[1]) }) {
				t.Errorf("no column %v bears %v, in %s", tag[0], tag[1], c.Schema)
			}
		}
		for _, column := range columns {
			for _, borne := range column.tags {
				if c.Kind == "avro" && !slices.ContainsFunc(c.Tags, func(tag []any) bool { return within(column, tag[0]) && slices.Contains(tag[1].([]any), any(borne)) }) {
					t.Errorf("column %s bears %s, in %s", column.Ref.Path, borne, c.Schema)
				}
			}
		}
	}
	if read == 0 {
		t.Error("no schema was read")
	}
}

// within says whether the column bears the name or lies in one that does. A
// name that no column of the path bears may be that of the record around all.
func within(c schemaColumn, name any) bool {
	if strings.HasPrefix(fmt.Sprint(name), "sampleRecord") {
		return true
	}
	return slices.Contains(strings.Split(strings.ReplaceAll(c.Ref.Path, "[]", ""), "."), fmt.Sprint(name))
}

func has(c schemaColumn, tags any) bool {
	for _, tag := range tags.([]any) {
		if !slices.Contains(c.tags, fmt.Sprint(tag)) {
			return false
		}
	}
	return true
}

// TestRealSchemas reads every schema there is. The only ones that may be
// refused are those that are not JSON, because their authors wrote comments.
func TestRealSchemas(t *testing.T) {
	t.Parallel()
	read, refused := 0, 0
	err := filepath.WalkDir(cases(t), func(path string, _ fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || ext != ".avro" && ext != ".avsc" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		u, err := newAvro().parse(string(text))
		if err != nil {
			refused++
			if json.Valid(text) || !strings.Contains(err.Error(), "not JSON") {
				t.Errorf("%s: %v", path, err)
			}
			return nil
		}
		read++
		columns, err := columnsOf(graph.Ref{Namespace: "n", Name: "a"}, "", u, nil)
		if err != nil || len(columns) == 0 {
			t.Errorf("%s: %d columns, %v", path, len(columns), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 30 || refused > 2 {
		t.Errorf("read %d schemas and refused %d; want nearly all", read, refused)
	}
}
