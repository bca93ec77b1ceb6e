package mask_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/mask"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var params = mask.Params{Domain: "email", KeyAlias: "k"}

// Every method states its expression for every type of every dialect in a
// golden file, or that it has none: a change is seen in review.
func TestEveryMethodHasItsExpressionOrSaysNot(t *testing.T) {
	t.Parallel()
	for _, m := range mask.Methods() {
		for _, d := range mask.Dialects() {
			t.Run(m.Name()+"/"+string(d), func(t *testing.T) {
				t.Parallel()
				var got strings.Builder
				for _, typ := range mask.Types() {
					sql, err := m.SQL(d, "t.`c`", typ, params)
					if claimed := m.Supports(d, typ); claimed != (err == nil) {
						t.Errorf("Supports(%s) = %v, SQL's error: %v", typ, claimed, err)
					}
					if err != nil {
						if !errors.Is(err, graph.ErrInvalid) || sql != "" {
							t.Errorf("SQL(%s) = %q, %v: want nothing and ErrInvalid", typ, sql, err)
						}
						sql = "-- unsupported"
					} else if fault := wellFormed(sql); fault != "" {
						t.Errorf("SQL(%s) = %s: %s", typ, sql, fault)
					}
					fmt.Fprintf(&got, "-- %s\n%s\n", typ, sql)
				}
				golden(t, m.Name()+"."+string(d)+".sql", got.String())
			})
		}
	}
}

func TestKeyedExpressionsOfEveryDomain(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, domain := range []string{mask.DomainEmail, mask.DomainPhone, mask.DomainIBAN, mask.DomainCard, "id"} {
		for _, typ := range []mask.Type{mask.String, mask.Int64} {
			sql, err := mask.Hash{}.SQL(mask.GoogleSQL, "t.`c`", typ, mask.Params{Domain: domain, KeyAlias: "k"})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&got, "-- %s %s\n%s\n", domain, typ, sql)
		}
	}
	golden(t, "hash.domains.sql", got.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-golden +got):\n%s", path, diff)
	}
}

// wellFormed checks what can be checked without a parser: brackets close
// outside of literals, literals end, and no statement follows.
func wellFormed(sql string) string {
	outside := regexp.MustCompile("r?'[^']*'|`[^`]*`").ReplaceAllString(sql, "x")
	depth := 0
	for _, c := range outside {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case '\'', '`', ';', '\n':
			return fmt.Sprintf("stray %q", c)
		}
		if depth < 0 {
			return "a bracket closes that was not opened"
		}
	}
	if depth != 0 {
		return "a bracket is left open"
	}
	return ""
}

// The engine ranks methods by this order.
func TestMethodsAreOrderedMostProtectiveFirst(t *testing.T) {
	t.Parallel()
	var names []string
	for _, m := range mask.Methods() {
		names = append(names, m.Name())
	}
	if diff := cmp.Diff([]string{"null", "hash", "email"}, names); diff != "" {
		t.Errorf("methods (-want +got):\n%s", diff)
	}
}

func TestByNameRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, m := range mask.Methods() {
		got, err := mask.ByName(m.Name())
		if err != nil || got.Name() != m.Name() {
			t.Errorf("ByName(%q) = %v, %v", m.Name(), got, err)
		}
	}
	for _, name := range []string{"", "Null", "sha256", "none"} {
		if m, err := mask.ByName(name); m != nil || !errors.Is(err, graph.ErrInvalid) {
			t.Errorf("ByName(%q) = %v, %v: want nothing and ErrInvalid", name, m, err)
		}
	}
}

func TestGapsAreExactlyWhatIsNotSupported(t *testing.T) {
	t.Parallel()
	want := len(mask.Methods()) * len(mask.Types()) * len(mask.Dialects())
	for _, m := range mask.Methods() {
		for _, d := range mask.Dialects() {
			for _, typ := range mask.Types() {
				if m.Supports(d, typ) {
					want--
				}
			}
		}
	}
	gaps := mask.Gaps()
	if len(gaps) != want {
		t.Errorf("%d gaps, want %d", len(gaps), want)
	}
	for _, g := range gaps {
		if m, err := mask.ByName(g.Method); err != nil || m.Supports(g.Dialect, g.Type) {
			t.Errorf("gap %v is none", g)
		}
	}
}

func TestNoMethodKnowsAForeignDialectOrType(t *testing.T) {
	t.Parallel()
	for _, m := range mask.Methods() {
		for _, q := range []struct {
			dialect mask.Dialect
			typ     mask.Type
		}{{"", mask.String}, {"postgres", mask.String}, {mask.GoogleSQL, "STRUCT"}, {mask.GoogleSQL, "string"}, {mask.GoogleSQL, ""}} {
			sql, err := m.SQL(q.dialect, "x", q.typ, params)
			if sql != "" || !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("%s for %q %q: %q, %v: want ErrInvalid", m.Name(), q.dialect, q.typ, sql, err)
			}
		}
	}
}

func TestHashRefusesParametersThatCouldChangeTheStatement(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		params mask.Params
	}{
		{"no parameters", mask.Params{}},
		{"no domain", mask.Params{KeyAlias: "k"}},
		{"no alias", mask.Params{Domain: "email"}},
		{"quote in domain", mask.Params{Domain: "e'||x||'", KeyAlias: "k"}},
		{"backslash in domain", mask.Params{Domain: `e\`, KeyAlias: "k"}},
		{"separator in domain", mask.Params{Domain: "email|x", KeyAlias: "k"}},
		{"newline after domain", mask.Params{Domain: "email\n", KeyAlias: "k"}},
		{"dot in alias", mask.Params{Domain: "email", KeyAlias: "k.x"}},
		{"comment in alias", mask.Params{Domain: "email", KeyAlias: "k--"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sql, err := mask.Hash{}.SQL(mask.GoogleSQL, "x", mask.String, tt.params)
			if sql != "" || !errors.Is(err, graph.ErrInvalid) {
				t.Errorf("SQL = %q, %v: want nothing and ErrInvalid", sql, err)
			}
		})
	}
}

func TestOnlyKeyedMethodsUseTheKey(t *testing.T) {
	t.Parallel()
	for _, m := range mask.Methods() {
		for _, typ := range mask.Types() {
			sql, err := m.SQL(mask.GoogleSQL, "x", typ, params)
			if err != nil {
				continue
			}
			if uses := strings.Contains(sql, "k.ipad") && strings.Contains(sql, "k.opad"); uses != m.Keyed() {
				t.Errorf("%s of %s uses the key: %v, keyed: %v: %s", m.Name(), typ, uses, m.Keyed(), sql)
			}
		}
	}
}

func TestExamplesShowTheShapeAndNoMore(t *testing.T) {
	t.Parallel()
	shapes := map[string]string{
		"null": `^NULL$`, "hash": `^[0-9a-f]{64}$`, "email": `^\*\*\*@example\.org$`,
	}
	for _, m := range mask.Methods() {
		got := m.Example("user.contact.email", mask.String)
		if !regexp.MustCompile(shapes[m.Name()]).MatchString(got) {
			t.Errorf("%s: example %q, want %s", m.Name(), got, shapes[m.Name()])
		}
		if again := m.Example("user.contact.email", mask.String); again != got {
			t.Errorf("%s: examples differ: %q, %q", m.Name(), got, again)
		}
	}
}

func TestResultTypes(t *testing.T) {
	t.Parallel()
	for _, typ := range mask.Types() {
		if got := (mask.Null{}).Result(typ); got != typ {
			t.Errorf("null of %s is %s", typ, got)
		}
		if got := (mask.Hash{}).Result(typ); got != mask.String {
			t.Errorf("hash of %s is %s", typ, got)
		}
		if got := (mask.Email{}).Result(typ); got != mask.String {
			t.Errorf("email of %s is %s", typ, got)
		}
	}
}

func TestParseType(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     mask.Type
		ok       bool
	}{
		{"canonical", "STRING", mask.String, true},
		{"lower case", "timestamp", mask.Timestamp, true},
		{"legacy integer", "INTEGER", mask.Int64, true},
		{"legacy float", "FLOAT", mask.Float64, true},
		{"legacy boolean", "Boolean", mask.Bool, true},
		{"parameters", "NUMERIC(10, 2)", mask.Numeric, true},
		{"decimal", "DECIMAL", mask.Numeric, true},
		{"big decimal", "BIGDECIMAL(40)", mask.BigNumeric, true},
		{"spaces", " STRING (10)", mask.String, true},
		{"record", "RECORD", "", false},
		{"struct", "STRUCT<a INT64>", "", false},
		{"array", "ARRAY<STRING>", "", false},
		{"range", "RANGE<DATE>", "", false},
		{"unknown", "VARCHAR2", "", false},
		{"empty", "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := mask.ParseType(tt.in)
			if ok != tt.ok || (ok && got != tt.want) {
				t.Errorf("ParseType(%q) = %q, %v; want %q, %v", tt.in, got, ok, tt.want, tt.ok)
			}
		})
	}
}

func FuzzParseType(f *testing.F) {
	for _, seed := range []string{"STRING", "numeric(1)", "ARRAY<STRING>", "", "("} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, platform string) {
		got, ok := mask.ParseType(platform)
		if !ok {
			return
		}
		if again, ok := mask.ParseType(string(got)); !ok || again != got {
			t.Errorf("ParseType(%q) = %q, which reads as %q, %v", platform, got, again, ok)
		}
	})
}

// hmacOfPads is HMAC-SHA-256 as the SQL computes it.
func hmacOfPads(ipad, opad, message []byte) []byte {
	inner := sha256.Sum256(append(bytes.Clone(ipad), message...))
	outer := sha256.Sum256(append(bytes.Clone(opad), inner[:]...))
	return outer[:]
}

// RFC 4231, test cases 1, 2 and 6 (a key longer than a block).
func TestPadsGiveTheVectorsOfTheRFC(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		key     []byte
		message string
		want    string
	}{
		{"case 1", bytes.Repeat([]byte{0x0b}, 20), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"case 2", []byte("Jefe"), "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{"case 6", bytes.Repeat([]byte{0xaa}, 131), "Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ipad, opad := mask.Pads(tt.key)
			if got := hex.EncodeToString(hmacOfPads(ipad, opad, []byte(tt.message))); got != tt.want {
				t.Errorf("HMAC = %s, want %s", got, tt.want)
			}
		})
	}
}

func FuzzPadsEqualCryptoHMAC(f *testing.F) {
	f.Add([]byte("key"), []byte("message"))
	f.Add([]byte{}, []byte{})
	f.Add(bytes.Repeat([]byte{1}, 64), []byte("exactly a block"))
	f.Add(bytes.Repeat([]byte{1}, 65), []byte("one more"))
	f.Fuzz(func(t *testing.T, key, message []byte) {
		before := bytes.Clone(key)
		ipad, opad := mask.Pads(key)
		if len(ipad) != 64 || len(opad) != 64 {
			t.Fatalf("pads of %d and %d bytes", len(ipad), len(opad))
		}
		if !bytes.Equal(before, key) {
			t.Fatal("the key was changed")
		}
		mac := hmac.New(sha256.New, key)
		mac.Write(message)
		if got, want := hmacOfPads(ipad, opad, message), mac.Sum(nil); !bytes.Equal(got, want) {
			t.Errorf("HMAC = %x, want %x", got, want)
		}
	})
}
