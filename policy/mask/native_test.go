package mask_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/mask"
)

func plainHash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func TestNative(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, rule, typ, value, want string }{
		{"null of a text", "ALWAYS_NULL", "STRING", "x", "NULL"},
		{"null of an array", "ALWAYS_NULL", "ARRAY<STRING>", "[1]", "NULL"},
		{"default text", "DEFAULT_MASKING_VALUE", "STRING", "x", `""`},
		{"default bytes", "DEFAULT_MASKING_VALUE", "BYTES", "eA==", "b''"},
		{"default integer", "DEFAULT_MASKING_VALUE", "INTEGER", "1", "0"},
		{"default integer by its new name", "DEFAULT_MASKING_VALUE", "INT64", "1", "0"},
		{"default float", "DEFAULT_MASKING_VALUE", "FLOAT", "1.5", "0.0"},
		{"default numeric", "DEFAULT_MASKING_VALUE", "NUMERIC(10,2)", "1.5", "0"},
		{"default big numeric", "DEFAULT_MASKING_VALUE", "BIGNUMERIC", "1.5", "0"},
		{"default boolean", "DEFAULT_MASKING_VALUE", "BOOLEAN", "TRUE", "FALSE"},
		{"default timestamp", "DEFAULT_MASKING_VALUE", "TIMESTAMP", "2030-07-17 01:45:06", "1970-01-01 00:00:00 UTC"},
		{"default date", "DEFAULT_MASKING_VALUE", "DATE", "2030-07-17", "1970-01-01"},
		{"default time", "DEFAULT_MASKING_VALUE", "TIME", "01:45:06", "00:00:00"},
		{"default datetime", "DEFAULT_MASKING_VALUE", "DATETIME", "2030-07-17T01:45:06", "1970-01-01T00:00:00"},
		{"default geography", "DEFAULT_MASKING_VALUE", "GEOGRAPHY", "POINT(1 1)", "POINT(0 0)"},
		{"default json", "DEFAULT_MASKING_VALUE", "JSON", "{}", "null"},
		{"default array", "DEFAULT_MASKING_VALUE", "ARRAY<STRUCT<a INT64>>", "[1]", "[]"},
		{"default interval", "DEFAULT_MASKING_VALUE", "INTERVAL", "1-0 0 0:0:0", "0-0 0 0:0:0"},
		{"hash of the empty text", "SHA256", "STRING", "", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
		{"hash of abc", "SHA256", "STRING", "abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
		{"hash of bytes is of what they stand for", "SHA256", "BYTES", "YWJj", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
		{"last four", "LAST_FOUR_CHARACTERS", "STRING", "123-45-6789", "XXXXX6789"},
		{"last four of five", "LAST_FOUR_CHARACTERS", "STRING", "12345", "XXXXX2345"},
		{"last four of four is hashed", "LAST_FOUR_CHARACTERS", "STRING", "1234", plainHash("1234")},
		{"last four characters, not bytes", "LAST_FOUR_CHARACTERS", "STRING", "äöüßé", "XXXXXöüßé"},
		{"four characters of eight bytes are hashed", "LAST_FOUR_CHARACTERS", "STRING", "äöüß", plainHash("äöüß")},
		{"first four", "FIRST_FOUR_CHARACTERS", "STRING", "123-45-6789", "123-XXXXX"},
		{"first four of none", "FIRST_FOUR_CHARACTERS", "STRING", "", plainHash("")},
		{"email", "EMAIL_MASK", "STRING", "abc123@gmail.com", "XXXXX@gmail.com"},
		{"email of a subdomain", "EMAIL_MASK", "STRING", "a.b+c@mail.example.co.uk", "XXXXX@mail.example.co.uk"},
		{"no email", "EMAIL_MASK", "STRING", "randomtext", plainHash("randomtext")},
		{"two at signs", "EMAIL_MASK", "STRING", "test@gmail@gmail.com", "Qdje6MO+GLwI0u+KyRyAICDjHbLF1ImxRqaW08tY52k="},
		{"no name", "EMAIL_MASK", "STRING", "@gmail.com", plainHash("@gmail.com")},
		{"no domain", "EMAIL_MASK", "STRING", "a@", plainHash("a@")},
		{"space in it", "EMAIL_MASK", "STRING", "a b@gmail.com", plainHash("a b@gmail.com")},
		{"year of a date", "DATE_YEAR_MASK", "DATE", "2030-07-17", "2030-01-01"},
		{"year of a datetime", "DATE_YEAR_MASK", "DATETIME", "2030-07-17T01:45:06", "2030-01-01T00:00:00"},
		{"year of a datetime with a space", "DATE_YEAR_MASK", "DATETIME", "2030-07-17 01:45:06.123456", "2030-01-01 00:00:00"},
		{"year of a timestamp", "DATE_YEAR_MASK", "TIMESTAMP", "2030-07-17 01:45:06", "2030-01-01 00:00:00"},
		{"year of a timestamp that names UTC", "DATE_YEAR_MASK", "TIMESTAMP", "2030-07-17 01:45:06 UTC", "2030-01-01 00:00:00 UTC"},
		{"year of a timestamp in zulu", "DATE_YEAR_MASK", "TIMESTAMP", "2030-07-17T01:45:06.5Z", "2030-01-01T00:00:00Z"},
		{"year in UTC before", "DATE_YEAR_MASK", "TIMESTAMP", "2030-01-01 01:00:00+02:00", "2029-01-01 00:00:00+00"},
		{"year in UTC after", "DATE_YEAR_MASK", "TIMESTAMP", "2030-12-31 23:30:00 -0100", "2031-01-01 00:00:00+00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := mask.Native(tt.rule, tt.typ, tt.value)
			if err != nil || got != tt.want {
				t.Errorf("Native(%s, %s, %q) = %q, %v; want %q", tt.rule, tt.typ, tt.value, got, err, tt.want)
			}
		})
	}
}

func TestNativeRefusesWhatDoesNotApply(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, rule, typ, value string }{
		{"struct default", "DEFAULT_MASKING_VALUE", "STRUCT<a STRING>", "{}"},
		{"struct null", "ALWAYS_NULL", "RECORD", "{}"},
		{"range default", "DEFAULT_MASKING_VALUE", "RANGE<DATE>", "[2030-01-01, 2030-02-01)"},
		{"hash of a number", "SHA256", "INTEGER", "1"},
		{"hash of a date", "RANDOM_HASH", "DATE", "2030-01-01"},
		{"hash of an array", "SHA256", "ARRAY<STRING>", "[]"},
		{"last four of bytes", "LAST_FOUR_CHARACTERS", "BYTES", "eA=="},
		{"first four of a number", "FIRST_FOUR_CHARACTERS", "INT64", "123456"},
		{"email of bytes", "EMAIL_MASK", "BYTES", "eA=="},
		{"year of a time", "DATE_YEAR_MASK", "TIME", "01:45:06"},
		{"year of a text", "DATE_YEAR_MASK", "STRING", "2030-07-17"},
		{"unknown rule", "REDACT", "STRING", "secret-value"},
		{"unknown type", "SHA256", "VARCHAR", "secret-value"},
		{"rule in lower case", "sha256", "STRING", "secret-value"},
		{"bytes that are none", "SHA256", "BYTES", "secret-value"},
		{"date that is none", "DATE_YEAR_MASK", "DATE", "secret-value"},
		{"date with a time", "DATE_YEAR_MASK", "DATE", "2030-07-17 01:45:06"},
		{"day that is none", "DATE_YEAR_MASK", "DATE", "2030-02-30"},
		{"hour that is none", "DATE_YEAR_MASK", "DATETIME", "2030-02-03T25:00:00"},
		{"datetime with a zone", "DATE_YEAR_MASK", "DATETIME", "2030-07-17T01:45:06Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := mask.Native(tt.rule, tt.typ, tt.value)
			if got != "" || !errors.Is(err, graph.ErrInvalid) {
				t.Fatalf("Native = %q, %v: want nothing and ErrInvalid", got, err)
			}
			if strings.Contains(err.Error(), tt.value) {
				t.Errorf("the error repeats the value: %v", err)
			}
		})
	}
}

func TestRandomHashDiffersFromCallToCall(t *testing.T) {
	t.Parallel()
	first, err := mask.Native("RANDOM_HASH", "STRING", "x")
	if err != nil {
		t.Fatal(err)
	}
	second, err := mask.Native("RANDOM_HASH", "STRING", "x")
	if err != nil {
		t.Fatal(err)
	}
	if first == second || first == plainHash("x") {
		t.Errorf("hashes %q and %q", first, second)
	}
}

func batch(t *testing.T, in string) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	if err := mask.Batch(t.Context(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	var answers []map[string]any
	for line := range strings.Lines(out.String()) {
		var answer map[string]any
		if err := json.Unmarshal([]byte(line), &answer); err != nil {
			t.Fatalf("answer %q: %v", line, err)
		}
		answers = append(answers, answer)
	}
	return answers
}

func TestBatchAnswersEveryLineInOrder(t *testing.T) {
	t.Parallel()
	in := strings.Join([]string{
		`{"id":"a","method":"EMAIL_MASK","type":"STRING","value":"abc@gmail.com"}`,
		`{"id":7,"method":"DEFAULT_MASKING_VALUE","type":"STRUCT","value":"{}"}`,
		`{"id":"broken"`,
		``,
		`{"id":"c","method":"SHA256","type":"STRING","value":12}`,
		`[1]`,
		`{"id":"d","method":"SHA256","type":"STRING","value":null}`,
		`{"id":"e","method":"EMAIL_MASK","type":"BYTES"}`,
		`{"id":"f","method":"DEFAULT_MASKING_VALUE","type":"INTEGER","value":null}`,
		`{"id":"g","method":"DATE_YEAR_MASK","type":"DATETIME","value":null}`,
		`{"id":"h<>","method":"ALWAYS_NULL","type":"STRING","value":"x"}`,
	}, "\n") // the last line has no end
	got := batch(t, in)
	for _, answer := range got {
		if message, ok := answer["error"].(string); ok {
			answer["error"] = message[:min(len(message), 20)]
		}
	}
	want := []map[string]any{
		{"id": "a", "masked": "XXXXX@gmail.com"},
		{"id": 7.0, "error": "masking rule DEFAULT"},
		{"id": nil, "error": "not a question {id, "},
		{"id": nil, "error": "not a question {id, "},
		{"id": "c", "error": "not a question {id, "},
		{"id": nil, "error": "not a question {id, "},
		{"id": "d", "masked": "NULL"},
		{"id": "e", "error": "masking rule EMAIL_M"},
		{"id": "f", "masked": "0"},
		{"id": "g", "masked": "NULL"},
		{"id": "h<>", "masked": "NULL"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestBatchIsOneQueryToRandomHash(t *testing.T) {
	t.Parallel()
	line := `{"id":"1","method":"RANDOM_HASH","type":"STRING","value":"x"}` + "\n"
	got := batch(t, line+line)
	if got[0]["masked"] != got[1]["masked"] {
		t.Errorf("two hashes of one value in a batch: %v", got)
	}
	if other := batch(t, line); other[0]["masked"] == got[0]["masked"] {
		t.Errorf("one hash in two batches: %v", other)
	}
}

func TestBatchOutlivesALineThatIsTooLong(t *testing.T) {
	t.Parallel()
	long := `{"id":"long","value":"` + strings.Repeat("x", 17<<20) + `"}`
	got := batch(t, long+"\n"+`{"id":"next","method":"ALWAYS_NULL","type":"STRING","value":"x"}`+"\n")
	if len(got) != 2 || got[0]["error"] == nil || got[1]["masked"] != "NULL" {
		t.Errorf("answers %v", got)
	}
}

func TestBatchStopsWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := mask.Batch(ctx, strings.NewReader("{}\n"), &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Batch = %v, want canceled", err)
	}
}

// Anything may come in; there is one answer a line, and each is JSON.
func FuzzBatch(f *testing.F) {
	f.Add([]byte(`{"id":"a","method":"EMAIL_MASK","type":"STRING","value":"a@b.c"}`))
	f.Add([]byte("{\n\n[]\r\n\x00"))
	f.Add([]byte(`{"id":{"x":[1]},"method":"DATE_YEAR_MASK","type":"TIMESTAMP","value":"2030-01-01 00:00:00+99"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var out bytes.Buffer
		if err := mask.Batch(t.Context(), bytes.NewReader(in), &out); err != nil {
			t.Fatal(err)
		}
		want := bytes.Count(in, []byte("\n"))
		if last := in[bytes.LastIndexByte(in, '\n')+1:]; len(bytes.TrimRight(last, "\r")) > 0 {
			want++
		}
		if got := bytes.Count(out.Bytes(), []byte("\n")); got != want {
			t.Errorf("%d answers to %d lines", got, want)
		}
		for line := range bytes.Lines(out.Bytes()) {
			if !json.Valid(line) {
				t.Errorf("answer is no JSON: %q", line)
			}
		}
	})
}

// The shared cases are read where CADASTRE_CASES names their folder.
func TestNativeMeetsGooglesDocumentedExamples(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CADASTRE_CASES")
	if dir == "" {
		t.Skip("CADASTRE_CASES names no folder")
	}
	content, err := os.ReadFile(filepath.Join(dir, "masking", "bigquery_vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases struct {
		Vectors []struct{ Rule, Type, Input, Expected string }
	}
	if err := json.Unmarshal(content, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases.Vectors {
		t.Run(fmt.Sprintf("%d %s %s", i, c.Rule, c.Type), func(t *testing.T) {
			t.Parallel()
			got, err := mask.Native(c.Rule, c.Type, c.Input)
			if strings.HasPrefix(c.Expected, "NOT_APPLICABLE") {
				if err == nil {
					t.Errorf("got %q, want an error", got)
				}
				return
			}
			if err != nil || got != c.Expected {
				t.Errorf("got %q, %v; want %q", got, err, c.Expected)
			}
		})
	}
}

func ExampleBatch() {
	in := strings.NewReader(`{"id":"1","method":"LAST_FOUR_CHARACTERS","type":"STRING","value":"DE02120300000000202051"}`)
	if err := mask.Batch(context.Background(), in, os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output: {"id":"1","masked":"XXXXX2051"}
}

func ExampleNull_SQL() {
	sql, err := mask.Null{}.SQL(mask.GoogleSQL, "t.`name`", mask.String, mask.Params{})
	fmt.Println(sql, err)
	// Output: CAST(NULL AS STRING) <nil>
}
