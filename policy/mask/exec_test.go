package mask_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/policy/mask"
)

// session starts Google's own executor, or skips where it was not built.
func session(t *testing.T) *googlesql.Session {
	t.Helper()
	built := filepath.Join("..", "..", "bin", googlesql.Program)
	if _, err := os.Stat(built); err != nil {
		built = ""
	}
	path, err := googlesql.Locate(built)
	if errors.Is(err, graph.ErrUnavailable) || errors.Is(err, googlesql.ErrUnavailable) {
		t.Skip(err)
	}
	s, err := googlesql.NewSession(t.Context(), googlesql.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// samples are values of each type as cells: made up, with what is awkward.
func samples() map[mask.Type][]any {
	return map[mask.Type][]any{
		mask.String: {
			nil, "", " ", "ana@example.org", " Ana.Maria@Example.ORG ", "a@b@c.de", "@example.org", "ana@localhost",
			"ÄNNE@EXAMPLE.ORG", "ana@exämple.org", "+49 (0)30 1234-567", "0049301234567", "030 1234567",
			"DE02 1203 0000 0000 2020 51", "4111-1111-1111-1111", "it's", `back\slash`, "two\nlines",
		},
		mask.Bytes:      {nil, "", "AAEC/w=="},
		mask.Int64:      {nil, "0", "-7", "9223372036854775807"},
		mask.Float64:    {nil, "0", "1.5"},
		mask.Numeric:    {nil, "0", "1.5", "-99999.000000001"},
		mask.BigNumeric: {nil, "0", "1.5"},
		mask.Bool:       {nil, "true", "false"},
		mask.Date:       {nil, "1970-01-01", "2030-07-17"},
		mask.Datetime:   {nil, "2030-07-17T01:45:06", "2030-07-17T01:45:06.123456"},
		mask.Time:       {nil, "00:00:00", "01:45:06"},
		mask.Timestamp:  {nil, "2030-07-17T01:45:06Z", "1969-12-31T23:59:59.5Z"},
		mask.JSON:       {nil, `{"a":1}`},
		mask.Interval:   {nil},
		mask.Geography:  {nil},
	}
}

// reference masks a cell in Go, by the words of each method's doc and none of
// its SQL.
func reference(m mask.Method, t mask.Type, domain string, key []byte, cell any) any {
	value, ok := cell.(string)
	if !ok || m.Name() == "null" {
		return nil
	}
	if m.Name() == "email" {
		match := regexp.MustCompile(`^\s*[^@\s]+@((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,})\s*$`).FindStringSubmatch(strings.ToLower(value))
		if match == nil {
			return "***"
		}
		return "***@" + match[1]
	}
	switch t {
	case mask.Bytes:
		data, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			panic(err)
		}
		value = hex.EncodeToString(data)
	case mask.Datetime:
		seconds, fraction, _ := strings.Cut(value, ".")
		value = seconds + "." + (fraction + "000000")[:6]
	case mask.Timestamp:
		moment, err := time.Parse(time.RFC3339, value)
		if err != nil {
			panic(err)
		}
		value = strconv.FormatInt(moment.UnixMicro(), 10)
	default: // stands as it is
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(domain + "|" + spelling(domain, value)))
	return hex.EncodeToString(mac.Sum(nil))
}

func spelling(domain, value string) string {
	drop := func(keep func(rune) bool) string {
		return strings.Map(func(r rune) rune {
			if keep(r) {
				return r
			}
			return -1
		}, value)
	}
	switch domain {
	case "email":
		return strings.ToLower(strings.TrimSpace(value))
	case "phone":
		value = strings.ReplaceAll(value, "(0)", "")
		return strings.TrimPrefix(drop(func(r rune) bool { return '0' <= r && r <= '9' }), "00")
	case "iban", "card":
		return strings.ToUpper(drop(func(r rune) bool { return !strings.ContainsRune(" \t\n\r\f-", r) }))
	}
	return strings.TrimSpace(value)
}

// run evaluates a masking expression over t.c for each cell, in order.
func run(t *testing.T, s *googlesql.Session, sql string, typ mask.Type, cells []any, key []byte) []any {
	t.Helper()
	ipad, opad := mask.Pads(key)
	query := googlesql.Query{Params: []googlesql.Param{
		{Name: "ipad", Type: "BYTES", Value: base64.StdEncoding.EncodeToString(ipad)},
		{Name: "opad", Type: "BYTES", Value: base64.StdEncoding.EncodeToString(opad)},
	}}
	var rows []string
	for i, cell := range cells {
		name := fmt.Sprintf("v%d", i)
		query.Params = append(query.Params, googlesql.Param{Name: name, Type: string(typ), Value: cell})
		rows = append(rows, fmt.Sprintf("SELECT %d AS n, @%s AS c", i, name))
	}
	query.SQL = "SELECT " + sql + " AS c FROM (" + strings.Join(rows, " UNION ALL ") + ") AS t " +
		"CROSS JOIN (SELECT @ipad AS ipad, @opad AS opad) AS k ORDER BY t.n"
	result, err := s.Exec(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var got []any
	for _, row := range result.Rows {
		got = append(got, row[0])
	}
	return got
}

// Law: every method runs on every type it claims, in Google's own engine, and
// gives what its doc says.
func TestEveryMethodRunsOnEveryTypeItClaims(t *testing.T) {
	t.Parallel()
	s := session(t)
	key := []byte("a key of no secrecy")
	values := samples()
	for _, typ := range mask.Types() {
		for _, m := range mask.Methods() {
			for _, domain := range []string{"email", "phone", "iban", "card", "id"} {
				if !m.Supports(mask.GoogleSQL, typ) || (!m.Keyed() && domain != "email") {
					continue
				}
				sql, err := m.SQL(mask.GoogleSQL, "t.`c`", typ, mask.Params{Domain: domain, KeyAlias: "k"})
				if err != nil {
					t.Fatal(err)
				}
				var want []any
				for _, cell := range values[typ] {
					want = append(want, reference(m, typ, domain, key, cell))
				}
				if diff := cmp.Diff(want, run(t, s, sql, typ, values[typ], key)); diff != "" {
					t.Errorf("%s of %s in %s (-reference +executed):\n%s\n%s", m.Name(), typ, domain, diff, sql)
				}
			}
		}
	}
}

// What joined before masking joins after it, within a domain and not across.
func TestTokensJoinWithinADomain(t *testing.T) {
	t.Parallel()
	s := session(t)
	key := []byte("a key of no secrecy")
	token := func(domain string, typ mask.Type, value string) any {
		sql, err := mask.Hash{}.SQL(mask.GoogleSQL, "t.`c`", typ, mask.Params{Domain: domain, KeyAlias: "k"})
		if err != nil {
			t.Fatal(err)
		}
		return run(t, s, sql, typ, []any{value}, key)[0]
	}
	tests := []struct {
		name   string
		a, b   any
		joined bool
	}{
		{"case of an e-mail", token("email", mask.String, "Ana@Example.org "), token("email", mask.String, "ana@example.org"), true},
		{"case of an identifier counts", token("id", mask.String, "A1"), token("id", mask.String, "a1"), false},
		{"spellings of a phone number", token("phone", mask.String, "+49 (0)30 123"), token("phone", mask.String, "004930123"), true},
		{"spellings of an IBAN", token("iban", mask.String, "de02 1203"), token("iban", mask.String, "DE021203"), true},
		{"number and text", token("id", mask.Int64, "42"), token("id", mask.String, "42"), true},
		{"number and decimal", token("id", mask.Int64, "42"), token("id", mask.Numeric, "42"), true},
		{"across domains", token("id", mask.String, "42"), token("account", mask.String, "42"), false},
	}
	for _, tt := range tests {
		if got := cmp.Equal(tt.a, tt.b); got != tt.joined || tt.a == nil {
			t.Errorf("%s: equal %v, want %v (%v, %v)", tt.name, got, tt.joined, tt.a, tt.b)
		}
	}
}
