package mask

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"

	"cadastre.dev/cadastre/graph"
)

// Hash replaces a value by its HMAC-SHA-256 in hex under the key of its
// domain, so that equal values still join and nobody without the key can try
// out candidates. The text of the expression holds no key: it reads the pads
// from the key row that the caller joins in. A missing key row gives no rows
// and never a hash without key.
//
// The result is a STRING whatever the type. A value is first written as text
// by one rule a type (toText), then normalised by its domain (normalise), then
// prefixed with the domain.
//
// Deterministic tokens still show which values are equal and how often.
type Hash struct{}

// Name returns "hash".
func (Hash) Name() string { return "hash" }

// Keyed is true.
func (Hash) Keyed() bool { return true }

// Supports the types with one exact text for each value. FLOAT64, JSON,
// GEOGRAPHY and INTERVAL have several spellings of one value, and a BOOL has
// too few values for a token to hide anything.
func (Hash) Supports(d Dialect, t Type) bool {
	_, ok := toText("x", t)
	return d == GoogleSQL && ok
}

// Result is a text.
func (Hash) Result(Type) Type { return String }

// SQL returns the HMAC written with the pads of the joined key row.
func (m Hash) SQL(d Dialect, expr string, t Type, p Params) (string, error) {
	if !m.Supports(d, t) {
		return "", unsupported(m, d, t)
	}
	if err := p.check(); err != nil {
		return "", err
	}
	text, _ := toText(expr, t)
	message := "CAST(CONCAT('" + p.Domain + "|', " + normalise(text, p.Domain) + ") AS BYTES)"
	inner := "SHA256(CONCAT(" + p.KeyAlias + ".ipad, " + message + "))"
	return "TO_HEX(SHA256(CONCAT(" + p.KeyAlias + ".opad, " + inner + ")))", nil
}

// Example returns the HMAC of the label under a key that is no secret: it
// shows the shape and no value.
func (Hash) Example(label string, _ Type) string {
	mac := hmac.New(sha256.New, []byte("example"))
	mac.Write([]byte(label))
	return hex.EncodeToString(mac.Sum(nil))
}

// toText writes a value of a type as text, the same for every value that is
// equal: numbers in decimal, so that a number and its text join; bytes in hex;
// dates and times in ISO 8601; timestamps in microseconds since 1970.
func toText(expr string, t Type) (sql string, ok bool) {
	switch t {
	case String:
		return expr, true
	case Bytes:
		return "TO_HEX(" + expr + ")", true
	case Int64, Numeric, BigNumeric, Date, Time:
		return "CAST(" + expr + " AS STRING)", true
	case Datetime:
		return "FORMAT_DATETIME('%Y-%m-%dT%H:%M:%E6S', " + expr + ")", true
	case Timestamp:
		return "CAST(UNIX_MICROS(" + expr + ") AS STRING)", true
	default:
		return "", false
	}
}

// The key domains with a normalisation of their own. Every other domain
// trims white space and keeps the rest as it is.
const (
	// DomainEmail folds case.
	DomainEmail = "email"
	// DomainPhone keeps the digits of the international form: separators, a
	// leading "+" or "00" and a bracketed trunk "(0)" go.
	DomainPhone = "phone"
	// DomainIBAN and DomainCard drop spaces and hyphens and fold case.
	DomainIBAN = "iban"
	DomainCard = "card"
)

// normalise writes the one spelling of a text in a domain.
func normalise(text, domain string) string {
	switch domain {
	case DomainEmail:
		return "LOWER(TRIM(" + text + "))"
	case DomainPhone:
		return `REGEXP_REPLACE(REGEXP_REPLACE(REPLACE(` + text + `, '(0)', ''), r'[^0-9]', ''), r'^00', '')`
	case DomainIBAN, DomainCard:
		return `UPPER(REGEXP_REPLACE(` + text + `, r'[\s-]', ''))`
	}
	return "TRIM(" + text + ")"
}

var (
	domainPattern = regexp.MustCompile(`^[a-z][a-z0-9_.]*$`)
	aliasPattern  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// check refuses parameters that could not stand in SQL as they are.
func (p Params) check() error {
	if !domainPattern.MatchString(p.Domain) {
		return fmt.Errorf("key domain %q: want lower-case letters, digits, dots: %w", p.Domain, graph.ErrInvalid)
	}
	if !aliasPattern.MatchString(p.KeyAlias) {
		return fmt.Errorf("key alias %q: want an identifier: %w", p.KeyAlias, graph.ErrInvalid)
	}
	return nil
}

// Pads returns the two blocks of RFC 2104 for HMAC-SHA-256, of 64 bytes each:
// they are the key, XOR a constant, and as secret as it. A key longer than a
// block is hashed first.
func Pads(key []byte) (ipad, opad []byte) {
	if len(key) > sha256.BlockSize {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	ipad, opad = make([]byte, sha256.BlockSize), make([]byte, sha256.BlockSize)
	copy(ipad, key)
	copy(opad, key)
	for i := range ipad {
		ipad[i] ^= 0x36
		opad[i] ^= 0x5c
	}
	return ipad, opad
}
