package mask

// Email keeps the domain of an e-mail address and nothing of the local part,
// not even its length: "***@example.org". What is not an address becomes the
// constant "***"; it is never hashed, for an unkeyed hash of a short text is
// the text. The domain is folded to lower case.
//
// A domain may name a person ("anna@anna-schmidt.example"): the default policy
// prefers the keyed hash.
type Email struct{}

// emailPattern captures the domain of an address, with its "@". It is RE2
// without quotes, so it can stand in a raw literal of GoogleSQL as it is.
const emailPattern = `^\s*[^@\s]+(@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,})\s*$`

// Name returns "email".
func (Email) Name() string { return "email" }

// Keyed is false.
func (Email) Keyed() bool { return false }

// Supports texts only.
func (Email) Supports(d Dialect, t Type) bool { return d == GoogleSQL && t == String }

// Result is a text.
func (Email) Result(Type) Type { return String }

// SQL returns the constant followed by the domain where there is one.
func (m Email) SQL(d Dialect, expr string, t Type, _ Params) (string, error) {
	if !m.Supports(d, t) {
		return "", unsupported(m, d, t)
	}
	domain := "REGEXP_EXTRACT(LOWER(" + expr + "), r'" + emailPattern + "')"
	return "IF(" + expr + " IS NULL, NULL, CONCAT('***', IFNULL(" + domain + ", '')))", nil
}

// Example returns an address of the reserved example domain.
func (Email) Example(string, Type) string { return "***@example.org" }
