package search

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"no word", "__ .-", nil},
		{"snake case", "d_ab_customer_orders", []string{"d", "ab", "customer", "orders"}},
		{"camel case", "meterReading", []string{"meter", "reading"}},
		{"pascal case", "NormalizedEmail", []string{"normalized", "email"}},
		{"capitals before a word", "HTTPServer", []string{"http", "server"}},
		{"capitals at the end", "userID", []string{"user", "id"}},
		{"capitals alone", "EMAIL", []string{"email"}},
		{"digits", "address2line", []string{"address", "2", "line"}},
		{"a date", "events_20260303", []string{"events", "20260303"}},
		{"a path", "items[].skuCode", []string{"items", "sku", "code"}},
		{"a name in full", "shop.sales.customers", []string{"shop", "sales", "customers"}},
		{"prose", "Where we write to; often.", []string{"where", "we", "write", "to", "often"}},
		{"other alphabets", "Größe_ΑΒΓ", []string{"größe", "αβγ"}},
		{"letters without case", "顧客テーブル", []string{"顧客テーブル"}},
		{"one capital after another", "aBC", []string{"a", "bc"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, words(tt.text)); diff != "" {
				t.Errorf("words of %q (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

// Law: the tokens of a text are its letters and digits, each in one token, in
// lower case and in order.
func FuzzTokens(f *testing.F) {
	for _, s := range []string{"", "meterReading", "HTTPServer2", "a_b.c", "Größe", "ǅungla", "İx", "\xff", "e\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		runes := []rune(s)
		covered := make([]bool, len(runes))
		end := 0
		for _, token := range tokens(s) {
			if token.span.Start < end || token.span.End <= token.span.Start || token.span.End > len(runes) {
				t.Fatalf("%q: span %v after %d", s, token.span, end)
			}
			end = token.span.End
			text := string(runes[token.span.Start:token.span.End])
			if token.text != strings.ToLower(text) || utf8.RuneCountInString(token.text) != token.span.End-token.span.Start {
				t.Fatalf("%q: token %q stands for %q", s, token.text, text)
			}
			for i := token.span.Start; i < token.span.End; i++ {
				covered[i] = true
			}
		}
		for i, r := range runes {
			if covered[i] != (unicode.IsLetter(r) || unicode.IsDigit(r)) {
				t.Fatalf("%q: is %q in a token: %v", s, r, covered[i])
			}
		}
	})
}

// naiveOneEdit tries every edit.
func naiveOneEdit(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if a == b {
		return false
	}
	for i := range x {
		if string(x[:i])+string(x[i+1:]) == b {
			return true
		}
		if len(x) == len(y) && string(x[:i])+string(y[i])+string(x[i+1:]) == b {
			return true
		}
		if i+1 < len(x) && string(x[:i])+string(x[i+1])+string(x[i])+string(x[i+2:]) == b {
			return true
		}
	}
	for i := range y {
		if string(y[:i])+string(y[i+1:]) == a {
			return true
		}
	}
	return false
}

func TestOneEdit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, a, b string
		want       bool
	}{
		{"the same", "email", "email", false},
		{"one letter less", "emil", "email", true},
		{"one letter less in a row of the same", "gros", "gross", true},
		{"one letter replaced", "emajl", "email", true},
		{"two neighbours swapped", "eamil", "email", true},
		{"the first two swapped", "meail", "email", true},
		{"the last two swapped", "emali", "email", true},
		{"two letters replaced", "xmaix", "email", false},
		{"two letters less", "eml", "email", false},
		{"two that are not neighbours swapped", "eiaml", "email", false},
		{"nothing and a letter", "", "a", true},
		{"nothing and nothing", "", "", false},
		{"letters of several bytes", "große", "größe", true},
		{"a letter of several bytes more", "größe", "gröe", true},
		{"a letter of four bytes more", "ab", "ab𝒳", true},
		{"from one byte to four", "a", "𝒳", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := oneEdit(tt.a, tt.b); got != tt.want {
				t.Errorf("oneEdit(%q, %q) = %v", tt.a, tt.b, got)
			}
			if got := oneEdit(tt.b, tt.a); got != tt.want {
				t.Errorf("oneEdit(%q, %q) = %v", tt.b, tt.a, got)
			}
		})
	}
}

// Law: oneEdit says what trying every edit says.
func TestOneEditEqualsTryingAll(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 9))
	word := func() string {
		b := make([]rune, r.IntN(6))
		for i := range b {
			b[i] = pick(r, 'a', 'b', 'ö')
		}
		return string(b)
	}
	near := 0
	for range 20_000 {
		a, b := word(), word()
		want := naiveOneEdit(a, b)
		if got := oneEdit(a, b); got != want {
			t.Fatalf("oneEdit(%q, %q) = %v, want %v", a, b, got, want)
		}
		if want {
			near++
		}
	}
	if near < 1000 {
		t.Errorf("only %d pairs are one edit apart", near)
	}
}

func FuzzOneEdit(f *testing.F) {
	f.Add("email", "emial")
	f.Add("größe", "große")
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ToValidUTF8(a, "?"), strings.ToValidUTF8(b, "?")
		if got, want := oneEdit(a, b), naiveOneEdit(a, b); got != want {
			t.Fatalf("oneEdit(%q, %q) = %v, want %v", a, b, got, want)
		}
	})
}
