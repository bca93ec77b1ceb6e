package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// known is a schema of one table for questions about functions.
var known = map[string]columns{"p.d.t": {{"s", "STRING"}, {"b", "BYTES"}, {"n", "INT64"}}}

// calls are calls of the functions that mask and unmask, over a column.
var calls = map[string]string{
	"MD5": "MD5(s)", "SHA1": "SHA1(s)", "SHA256": "SHA256(s)", "SHA512": "SHA512(s)", "FARM_FINGERPRINT": "FARM_FINGERPRINT(s)",
	"DETERMINISTIC_ENCRYPT":        "DETERMINISTIC_ENCRYPT(KEYS.NEW_KEYSET('DETERMINISTIC_AEAD_AES_SIV_CMAC_256'), s, '')",
	"AEAD.ENCRYPT":                 "AEAD.ENCRYPT(KEYS.NEW_KEYSET('AEAD_AES_GCM_256'), s, '')",
	"AEAD.ENVELOPE_ENCRYPT":        "AEAD.ENVELOPE_ENCRYPT('gcp-kms://k', b'', s, '')",
	"DLP_DETERMINISTIC_ENCRYPT":    "DLP_DETERMINISTIC_ENCRYPT(DLP_KEY_CHAIN('gcp-kms://k', b''), s, '')",
	"DETERMINISTIC_DECRYPT_STRING": "DETERMINISTIC_DECRYPT_STRING(KEYS.NEW_KEYSET('DETERMINISTIC_AEAD_AES_SIV_CMAC_256'), b, '')",
	"DETERMINISTIC_DECRYPT_BYTES":  "DETERMINISTIC_DECRYPT_BYTES(KEYS.NEW_KEYSET('DETERMINISTIC_AEAD_AES_SIV_CMAC_256'), b, b'')",
	"AEAD.DECRYPT_STRING":          "AEAD.DECRYPT_STRING(KEYS.NEW_KEYSET('AEAD_AES_GCM_256'), b, '')",
	"AEAD.DECRYPT_BYTES":           "AEAD.DECRYPT_BYTES(KEYS.NEW_KEYSET('AEAD_AES_GCM_256'), b, b'')",
	"DLP_DETERMINISTIC_DECRYPT":    "DLP_DETERMINISTIC_DECRYPT(DLP_KEY_CHAIN('gcp-kms://k', b''), s, '')",
}

// sourceOf is the one source of an expression that is read exactly.
func sourceOf(t *testing.T, k *worker, expr string) source {
	t.Helper()
	a := k.mustAnalyze(t, request{SQL: "SELECT " + expr + " AS v FROM p.d.t", Schemas: known})
	if a.Outcome != exact || len(a.Columns) != 1 || len(a.Columns[0].Sources) != 1 {
		t.Fatalf("%s: %s", expr, describe(a))
	}
	return a.Columns[0].Sources[0]
}

// Every function that is listed as masking masks, and every one that is listed
// as undoing it does not: none is a name that the analyzer does not know.
func TestMaskingFunctionsAreKnown(t *testing.T) {
	k := newWorker()
	for name := range masking {
		if s := sourceOf(t, k, calls[name]); !s.Masking || s.Function != name {
			t.Errorf("%s: %+v is not masked by it", name, s)
		}
	}
	for name := range unmasking {
		if s := sourceOf(t, k, calls[name]); s.Masking || s.Function != name {
			t.Errorf("%s: %+v is masked, or not by it", name, s)
		}
	}
}

// A mask stays under whatever is done on top of it, under another mask too.
func TestMasksStay(t *testing.T) {
	k := newWorker()
	for _, outer := range []string{"TO_HEX(%s)", "TO_BASE64(%s)", "MAX(%s)", "ANY_VALUE(%s)", "COALESCE(%s, b'')", "SUBSTR(%s, 1, 4)", "SHA512(%s)", "[%s][OFFSET(0)]", "STRUCT(%s AS x).x"} {
		if s := sourceOf(t, k, fmt.Sprintf(outer, "SHA256(s)")); !s.Masking {
			t.Errorf(outer+" takes the mask off: %+v", "SHA256(s)", s)
		}
	}
}

// BigQuery's own functions are known with each number of arguments they take,
// and refused with one fewer or more: then they are read leniently at best.
func TestOwnFunctionsAreKnown(t *testing.T) {
	k := newWorker()
	ask := func(o own, n int) textAnswer {
		args := make([]string, n)
		for i := range args {
			args[i] = "s"
		}
		if o.name == "BAG_OF_WORDS" && n > 0 {
			args[0] = "[s]"
		}
		return k.mustAnalyze(t, request{SQL: "SELECT " + o.name + "(" + strings.Join(args, ", ") + ") AS v FROM p.d.t", Schemas: known})
	}
	for _, o := range ownFunctions {
		for n := o.least; n <= o.most; n++ {
			if a := ask(o, n); a.Outcome != exact {
				t.Errorf("%s of %d arguments: %s", o.name, n, describe(a))
			}
		}
		for _, n := range []int{o.least - 1, o.most + 1} {
			if a := ask(o, n); a.Outcome == exact {
				t.Errorf("%s of %d arguments is exact", o.name, n)
			}
		}
	}
}

func TestRefuseRun(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, said, want string }{
		{"of the analyzer", "failed to analyze: INVALID_ARGUMENT: Unrecognized name: x [at 1:8]", "Unrecognized name: x [at 1:8]"},
		{"of a row", `strconv.ParseInt: parsing "secret": invalid syntax`, notOfType},
		{"of a row in a change", "failed to exec INSERT: sqlite3: SQL logic error: failed to convert secret to time.Time type", notOfType},
		{"of a division", "zero divided error ( 4711 / 0 )", "division by zero"},
		{"of a table", "sqlite3: SQL logic error: no such table: p_d_secret", "Table not found"},
		{"a value itself", "secret", "the statement fails on a row"},
		{"a value like an analyzer's words", "x failed to analyze: secret [at 1:1]", "the statement fails on a row"},
		{"nothing", "", "the statement fails on a row"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := refuseRun(errors.New(tt.said)); got.Kind != kindInvalid || got.Message != tt.want {
				t.Errorf("refused as %s with %q, want %q", got.Kind, got.Message, tt.want)
			}
		})
	}
	if got := refuseRow(errors.New("failed to analyze: secret")); strings.Contains(got.Message, "secret") {
		t.Errorf("a row's value is passed on as the analyzer's words: %q", got.Message)
	}
}

func TestCheckRows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, row string
		ok        bool
	}{
		{"as many cells", `["1",null]`, true},
		{"nested cells", `[["1"],[]]`, true},
		{"too few", `["1"]`, false},
		{"too many", `["1","2","3"]`, false},
		{"none", `[]`, false},
		{"null", `null`, false},
		{"an object", `{"a":"1","b":"2"}`, false},
		{"a text", `"secret"`, false},
		{"no JSON", `[secret`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := checkRows([]json.RawMessage{[]byte(`["0","0"]`), []byte(tt.row)}, 2)
			if (err == nil) != tt.ok {
				t.Fatalf("error %v", err)
			}
			if err != nil && err.Error() != "row 1 is no list of 2 cells" {
				t.Errorf("the error says %q", err)
			}
		})
	}
}
