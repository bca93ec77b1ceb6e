package serve

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/api/googleapi"

	"cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"
)

// token is a stand-in for a keyed hash.
func token(of string) string { return strings.Repeat(of, 64) }

func clearRow(email string, billing ...string) customerRow {
	row := customerRow{email: email, hasEmail: email != ""}
	for _, b := range billing {
		row.contracts = append(row.contracts, contractRow{tariff: "green", billing: b, hasBilling: b != ""})
	}
	return row
}

// The judge of the proof must notice whatever goes wrong.
func TestRowsThatAreNotMaskedAreNoticed(t *testing.T) {
	t.Parallel()
	plain := customerRows{"1": clearRow("ana@a.example"), "2": clearRow("bob@b.example"), "3": clearRow(""), "4": clearRow("ana@a.example")}
	masked := func(change func(customerRows)) customerRows {
		rows := customerRows{"1": clearRow(token("a")), "2": clearRow(token("b")), "3": clearRow(""), "4": clearRow(token("a"))}
		change(rows)
		return rows
	}
	for _, test := range []struct {
		name   string
		change func(customerRows)
		want   string
	}{
		{"as it must be", func(customerRows) {}, ""},
		{"an address is clear", func(r customerRows) { r["1"] = plain["1"] }, "keyed hash"},
		{"another address", func(r customerRows) { r["1"] = clearRow("x@y.example") }, "keyed hash"},
		{"too short", func(r customerRows) { r["1"] = clearRow("abc") }, "keyed hash"},
		{"a row is missing", func(r customerRows) { delete(r, "1") }, "3 masked rows to 4"},
		{"an address is lost", func(r customerRows) { r["1"] = clearRow("") }, "missing on one side"},
		{"an address out of nowhere", func(r customerRows) { r["3"] = clearRow(token("c")) }, "missing on one side"},
		{"one address has two tokens", func(r customerRows) { r["4"] = clearRow(token("d")) }, "two tokens"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mustSay(t, masked(test.change).mustHide(plain), test.want)
		})
	}
	mustSay(t, customerRows{}.mustHide(customerRows{}), "0 masked rows")
}

func TestRowsThatLostTheirShapeAreNoticed(t *testing.T) {
	t.Parallel()
	plain := customerRows{"1": clearRow("a@a.example", "one@a.example", "", "two@a.example")}
	for _, test := range []struct {
		name string
		row  customerRow
		want string
	}{
		{"as it must be", clearRow("", token("a"), "", token("b")), ""},
		{"a contract is gone", clearRow("", token("a"), ""), "another number"},
		{"what was missing is there", clearRow("", token("a"), token("c"), token("b")), "lost what was missing"},
		{"an address is clear", clearRow("", token("a"), "", "two@a.example"), "clear"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mustSay(t, customerRows{"1": test.row}.mustKeepShape(plain), test.want)
		})
	}
	nothing := customerRows{"1": clearRow("")}
	mustSay(t, nothing.mustKeepShape(nothing), "no repeated value")
	mustSay(t, nothing.mustHoldAddresses(), "none with an address")
	mustSay(t, plain.mustHoldAddresses(), "")
}

func mustSay(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestOnlyARefusalIsADenial(t *testing.T) {
	t.Parallel()
	mustSay(t, mustBeDenied(&googleapi.Error{Code: 403}), "")
	mustSay(t, mustBeDenied(nil), "was answered")
	mustSay(t, mustBeDenied(&googleapi.Error{Code: 404}), "ended otherwise")
	mustSay(t, mustBeDenied(errors.New("no network")), "ended otherwise")
}

func TestARowIsReadFromTheWarehouse(t *testing.T) {
	t.Parallel()
	type record = map[string]bigquery.Value
	got := newCustomerRow(record{
		"contact":   record{"email": "a@a.example"},
		"contracts": []bigquery.Value{record{"tariff": "green", "billing_email": nil}, record{"tariff": "blue", "billing_email": "b@a.example"}},
	})
	want := customerRow{email: "a@a.example", hasEmail: true, contracts: []contractRow{{tariff: "green"}, {tariff: "blue", billing: "b@a.example", hasBilling: true}}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(customerRow{}, contractRow{})); diff != "" {
		t.Error(diff)
	}
	if empty := newCustomerRow(record{"contact": nil, "contracts": nil}); empty.hasEmail || len(empty.contracts) > 0 {
		t.Errorf("out of nothing came %+v", empty)
	}
}
