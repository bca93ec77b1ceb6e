package bigquery_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/policy/mask"
	"cadastre.dev/cadastre/policy/view"
	"cadastre.dev/cadastre/policy/view/bigquery"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

// No column that is decided mask or deny, or that is doubtful in any way, is
// ever selected bare, and what is denied is not in the view at all.
func TestNoProtectedColumnIsSelectedBare(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		r := newRandom(seed)
		sql, visible, err := r.plan()
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want := map[string]string{}
		for path, d := range r.want {
			switch d.Effect {
			case graph.EffectAllow:
				want[path] = "bare"
			case graph.EffectMask:
				want[path] = "masked"
			default:
			}
		}
		got := map[string]string{}
		if visible {
			if got, err = structure(sql); err != nil {
				t.Fatalf("seed %d: %v in\n%s", seed, err, sql)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: leaves (-want +got):\n%s\nin\n%s", seed, diff, sql)
		}
		if strings.Contains(sql, "*") {
			// A star is in no list: only the e-mail mask's constant has any.
			for token := range strings.FieldsSeq(sql) {
				if strings.Contains(strings.ReplaceAll(token, "'***'", ""), "*") && !strings.Contains(token, "@") {
					t.Fatalf("seed %d: a star in\n%s", seed, sql)
				}
			}
		}
	}
}

// The same input gives the same text whatever the order of its columns.
func TestTextDoesNotDependOnOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := newRandom(seed)
		first, _, err := r.plan()
		if err != nil {
			t.Fatal(err)
		}
		columns := r.desired.Bases[0].Columns
		r.Shuffle(len(columns), func(i, j int) { columns[i], columns[j] = columns[j], columns[i] })
		second, _, err := r.plan()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatalf("seed %d (-first +second):\n%s", seed, diff)
		}
	}
}

// What Google's own engine answers for a view is what the decisions say of
// each value: NULL structs, NULL and empty arrays, and the order of elements
// are as they were.
func TestViewsShowWhatIsDecided(t *testing.T) {
	t.Parallel()
	session := newSession(t)
	for seed := range uint64(40) {
		if seed%20 == 0 { // the engine keeps what it has once seen
			if err := session.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			loadKeys(t, session)
		}
		r := newRandom(seed)
		sql, visible, err := r.plan()
		if err != nil {
			t.Fatal(err)
		}
		if !visible {
			continue
		}
		rows := r.rows(4)
		load(t, session, r.base.Asset.Ref.Name, r.fields, rows)
		got, err := session.Exec(t.Context(), googlesql.Query{SQL: sql})
		if err != nil {
			t.Fatalf("seed %d: %v in\n%s", seed, err, sql)
		}
		var want []googlesql.Row
		for _, row := range rows {
			want = append(want, r.project(r.fields, row, "", masked))
		}
		if diff := cmp.Diff(want, got.Rows); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s\nin\n%s", seed, diff, sql)
		}
	}
}

// Without its key row a view has no rows at all.
func TestAMissingKeyShowsNothing(t *testing.T) {
	t.Parallel()
	session := newSession(t)
	load(t, session, keyTable, keyFields(), nil)
	tried := 0
	for seed := range uint64(300) {
		r := newRandom(seed)
		sql, visible, err := r.plan()
		if err != nil {
			t.Fatal(err)
		}
		if !visible || !strings.Contains(sql, "CROSS JOIN") || tried == 10 {
			continue
		}
		tried++
		load(t, session, r.base.Asset.Ref.Name, r.fields, r.rows(3))
		got, err := session.Exec(t.Context(), googlesql.Query{SQL: sql})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Rows) > 0 {
			t.Fatalf("seed %d: %d rows without a key, of\n%s", seed, len(got.Rows), sql)
		}
	}
	if tried == 0 {
		t.Fatal("no view with a key was tried")
	}
}

// loadKeys stores each key row twice, as an insert made again may leave it.
func loadKeys(t *testing.T, session *googlesql.Session) {
	t.Helper()
	var rows []googlesql.Row
	for _, id := range []string{"email", "phone", "other"} {
		ipad, opad := mask.Pads([]byte("secret of " + id))
		row := googlesql.Row{id, base64.StdEncoding.EncodeToString(ipad), base64.StdEncoding.EncodeToString(opad)}
		rows = append(rows, row, row)
	}
	load(t, session, keyTable, keyFields(), rows)
}

func keyFields() []googlesql.Field {
	return []googlesql.Field{{Name: "id", Type: "STRING"}, {Name: "ipad", Type: "BYTES"}, {Name: "opad", Type: "BYTES"}}
}

const keyTable = "house.cadastre_keys.pads"

func load(t *testing.T, s *googlesql.Session, table string, fields []googlesql.Field, rows []googlesql.Row) {
	t.Helper()
	if err := s.CreateTable(t.Context(), table, fields); err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		return
	}
	if err := s.Load(t.Context(), table, fields, rows); err != nil {
		t.Fatal(err)
	}
}

// masked is the reference of the methods, from their words.
func masked(d graph.Decision, kind, value string) any {
	if d.Method == "email" {
		domain := regexp.MustCompile(`^\S+(@[a-z0-9.]+\.[a-z]+)$`).FindStringSubmatch(strings.ToLower(value))
		if domain == nil {
			return "***"
		}
		return "***" + domain[1]
	}
	switch kind {
	case "BYTES":
		raw, _ := base64.StdEncoding.DecodeString(value)
		value = hex.EncodeToString(raw)
	case "TIMESTAMP":
		at, _ := time.Parse(time.RFC3339, value)
		value = strconv.FormatInt(at.UnixMicro(), 10)
	}
	mac := hmac.New(sha256.New, []byte("secret of "+d.Domain))
	mac.Write([]byte(d.Domain + "|" + normal(d.Domain, value)))
	return hex.EncodeToString(mac.Sum(nil))
}

func normal(domain, value string) string {
	switch domain {
	case "email":
		return strings.ToLower(strings.TrimSpace(value))
	case "phone":
		value = regexp.MustCompile(`[^0-9]`).ReplaceAllString(strings.ReplaceAll(value, "(0)", ""), "")
		return strings.TrimPrefix(value, "00")
	}
	return strings.TrimSpace(value)
}

// A column that the view does not show may be called like one of its aliases;
// the alias still means the table.
func TestAnAliasIsNotAHiddenColumn(t *testing.T) {
	t.Parallel()
	session := newSession(t)
	base := viewtest.Base(graph.BigQueryRef(viewtest.Project, viewtest.Source, "tricky"),
		"base RECORD", "base.email STRING", "email STRING", "item1 STRING", "tags STRING repeated")
	fields := []googlesql.Field{
		{Name: "base", Type: "RECORD", Fields: []googlesql.Field{{Name: "email", Type: "STRING"}}},
		{Name: "email", Type: "STRING"},
		{Name: "item1", Type: "STRING"},
		{Name: "tags", Type: "STRING", Mode: "REPEATED"},
	}
	load(t, session, base.Asset.Ref.Name, fields, []googlesql.Row{{[]any{"hidden"}, "shown", "hidden", []any{"a@b.example"}}})
	sql, err := bigquery.Dialect{}.SQL(view.Definition{
		View: graph.BigQueryRef(viewtest.Project, "v", "v"), Base: base.Asset.Ref, Audience: "analysts",
		Fields: []view.Field{
			{Name: "email", Path: "email", Type: "STRING", Effect: graph.EffectAllow},
			{Name: "tags", Path: "tags", Type: "STRING", Mode: graph.ModeRepeated, Effect: graph.EffectMask, Method: "email"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := session.Exec(t.Context(), googlesql.Query{SQL: sql})
	if err != nil {
		t.Fatalf("%v in\n%s", err, sql)
	}
	if diff := cmp.Diff([]googlesql.Row{{"shown", []any{"***@b.example"}}}, got.Rows); diff != "" {
		t.Fatalf("rows (-want +got):\n%s", diff)
	}
}

// Fifteen levels, every third one repeated, come through with the mask at the
// bottom.
func TestTheDeepestViewRuns(t *testing.T) {
	t.Parallel()
	session := newSession(t)
	field := view.Field{Name: "leaf", Type: "STRING", Effect: graph.EffectMask, Method: "email"}
	column := googlesql.Field{Name: "leaf", Type: "STRING"}
	var value, want any = "ana@example.org", "***@example.org"
	for level := range 14 {
		field = view.Field{Name: "r", Type: "RECORD", Fields: []view.Field{field}}
		column = googlesql.Field{Name: "r", Type: "RECORD", Fields: []googlesql.Field{column}}
		value, want = []any{value}, []any{want}
		if level%3 == 0 {
			field.Mode, column.Mode = graph.ModeRepeated, "REPEATED"
			value, want = []any{value}, []any{want}
		}
	}
	def := definition(field)
	load(t, session, def.Base.Name, []googlesql.Field{column}, []googlesql.Row{{value}})
	sql, err := bigquery.Dialect{}.SQL(def)
	if err != nil {
		t.Fatal(err)
	}
	got, err := session.Exec(t.Context(), googlesql.Query{SQL: sql})
	if err != nil {
		t.Fatalf("%v in\n%s", err, sql)
	}
	if diff := cmp.Diff([]googlesql.Row{{want}}, got.Rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}
