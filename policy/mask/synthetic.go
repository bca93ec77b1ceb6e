package mask

import "strings"

// Synthetic returns a made-up value of a label and type, as somebody sees it
// who may read the column in the clear. No value is taken from data; addresses
// and numbers are of the ranges reserved for examples (RFC 2606; Ofcom's
// numbers for drama; the test IBAN of the standard).
func Synthetic(label string, t Type) string {
	byLabel := []struct{ prefix, value string }{
		{"user.contact.email", "ada@example.org"},
		{"user.contact.phone", "+44 20 7946 0958"},
		{"user.contact.address", "1 Example Street"},
		{"user.name", "Ada Example"},
		{"user.financial.iban", "GB33BUKB20201555555555"},
		{"user.financial.card", "4111 1111 1111 1111"},
	}
	if t == String {
		for _, l := range byLabel {
			if label == l.prefix || strings.HasPrefix(label, l.prefix+".") {
				return l.value
			}
		}
	}
	return map[Type]string{
		String: "example", Bytes: "ZXhhbXBsZQ==", Int64: "42", Float64: "4.2", Numeric: "4.20", BigNumeric: "4.20",
		Bool: "true", Date: "2026-01-31", Datetime: "2026-01-31T12:00:00", Time: "12:00:00", Timestamp: "2026-01-31 12:00:00 UTC",
		JSON: "{}", Geography: "POINT(0 0)",
	}[t]
}
