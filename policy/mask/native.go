package mask

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"time"

	"cadastre.dev/cadastre/graph"
)

// Rule is one of BigQuery's own masking rules, by the name that its data
// policies use. They are here as a reference of what the warehouse shows where
// it masks by itself; Cadastre's views never use them, for some show more than
// a view should: an unkeyed hash of a short text can be tried out.
//
// Source: Google Cloud, "Introduction to data masking".
type Rule string

// BigQuery's masking rules.
const (
	RuleSHA256    Rule = "SHA256"
	RuleNull      Rule = "ALWAYS_NULL"
	RuleDefault   Rule = "DEFAULT_MASKING_VALUE"
	RuleLastFour  Rule = "LAST_FOUR_CHARACTERS"
	RuleFirstFour Rule = "FIRST_FOUR_CHARACTERS"
	RuleEmail     Rule = "EMAIL_MASK"
	RuleDateYear  Rule = "DATE_YEAR_MASK"
	RuleRandom    Rule = "RANDOM_HASH"
)

// nativeNull is how a NULL is written in results.
const nativeNull = "NULL"

// Native applies a rule to a value as BigQuery does and returns the masked
// value as BigQuery's documents write it: a STRING or BYTES hash in base64,
// NULL as "NULL", the default of a type as its literal. BYTES are given in
// base64, times as the canonical text of their type.
//
// A rule that does not apply to the type, an unknown rule or type, and a value
// that is not of the type are graph.ErrInvalid; the error never holds the
// value. RANDOM_HASH takes a new salt each time.
func Native(rule, platformType, value string) (masked string, err error) {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	return native(Rule(rule), platformType, value, salt)
}

func native(rule Rule, platformType, value string, salt []byte) (string, error) {
	t, err := nativeType(platformType)
	if err != nil {
		return "", fmt.Errorf("masking rule %s: %w", rule, err)
	}
	switch rule {
	case RuleNull:
		return nativeNull, nil
	case RuleDefault:
		return nativeDefault(t)
	case RuleSHA256, RuleRandom:
		return nativeHash(rule, t, value, salt)
	case RuleLastFour, RuleFirstFour, RuleEmail:
		if t != String {
			return "", notApplicable(rule, t)
		}
		return nativeText(rule, value), nil
	case RuleDateYear:
		return nativeYear(t, value)
	}
	return "", fmt.Errorf("masking rule %q: unknown: %w", rule, graph.ErrInvalid)
}

// The types beside the scalar ones that rules are asked about.
const (
	nativeArray Type = "ARRAY"
	nativeRange Type = "RANGE"
)

// nativeType reads a type as the rules need it. A STRUCT is not applicable to
// any rule: only its leaves are masked.
func nativeType(platform string) (Type, error) {
	name, _, _ := strings.Cut(platform, "<")
	if t, ok := ParseType(name); ok {
		return t, nil
	}
	switch t := Type(strings.ToUpper(strings.TrimSpace(name))); t {
	case nativeArray, nativeRange:
		return t, nil
	case "STRUCT", "RECORD":
		return "", fmt.Errorf("not applicable to %s, only to its leaf fields: %w", t, graph.ErrInvalid)
	default:
		return "", fmt.Errorf("type %q: unknown: %w", platform, graph.ErrInvalid)
	}
}

func notApplicable(rule Rule, t Type) error {
	return fmt.Errorf("masking rule %s: not applicable to %s: %w", rule, t, graph.ErrInvalid)
}

func nativeDefault(t Type) (string, error) {
	switch t {
	case String:
		return `""`, nil
	case Bytes:
		return "b''", nil
	case Int64, Numeric, BigNumeric:
		return "0", nil
	case Float64:
		return "0.0", nil
	case Bool:
		return "FALSE", nil
	case Date:
		return "1970-01-01", nil
	case Time:
		return "00:00:00", nil
	case Datetime:
		return "1970-01-01T00:00:00", nil
	case Timestamp:
		return "1970-01-01 00:00:00 UTC", nil
	case Interval:
		return "0-0 0 0:0:0", nil
	case Geography:
		return "POINT(0 0)", nil
	case JSON:
		return "null", nil
	case nativeArray:
		return "[]", nil
	default:
		return "", notApplicable(RuleDefault, t)
	}
}

// nativeHash keeps the type: a text becomes the base64 of the digest, bytes
// become the digest, which is written in base64 too.
func nativeHash(rule Rule, t Type, value string, salt []byte) (string, error) {
	data := []byte(value)
	switch t {
	case String:
	case Bytes:
		decoded, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return "", fmt.Errorf("masking rule %s: value is not base64: %w", rule, graph.ErrInvalid)
		}
		data = decoded
	default:
		return "", notApplicable(rule, t)
	}
	if rule == RuleRandom {
		data = append(append([]byte{}, salt...), data...)
	}
	return digest(data), nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// nativeEmail is what BigQuery takes for an address: one "@" between a name
// and a domain of at least two parts.
var nativeEmail = regexp.MustCompile(`^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$`)

// nativeText shows a part of a text and falls back to the plain hash where
// there is no such part. Characters are counted, not bytes.
func nativeText(rule Rule, value string) string {
	characters := []rune(value)
	switch {
	case rule == RuleEmail && nativeEmail.MatchString(value):
		return "XXXXX" + value[strings.IndexByte(value, '@'):]
	case rule == RuleLastFour && len(characters) > 4:
		return "XXXXX" + string(characters[len(characters)-4:])
	case rule == RuleFirstFour && len(characters) > 4:
		return string(characters[:4]) + "XXXXX"
	}
	return digest([]byte(value))
}

// nativeTime splits a date or time into its date, the separator with the time
// of day, and the zone.
var nativeTime = regexp.MustCompile(`^(\d{4})-(\d{1,2})-(\d{1,2})(?:([ Tt])(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)?( ?UTC|[Zz]| ?[+-]\d{1,2}(?::?\d{2})?)?$`)

// nativeYear cuts to the first moment of the year. A TIMESTAMP is cut in UTC:
// one with an offset may lie in another year there.
func nativeYear(t Type, value string) (string, error) {
	if t != Date && t != Datetime && t != Timestamp {
		return "", notApplicable(RuleDateYear, t)
	}
	part := nativeTime.FindStringSubmatch(value)
	if part == nil || t == Date && part[4] != "" || t != Timestamp && part[5] != "" {
		return "", fmt.Errorf("masking rule %s: value is not a %s: %w", RuleDateYear, t, graph.ErrInvalid)
	}
	year, zone := part[1], part[5]
	if _, err := time.Parse("2006-1-2", strings.Join(part[1:4], "-")); err != nil {
		return "", fmt.Errorf("masking rule %s: value is not a %s: %w", RuleDateYear, t, graph.ErrInvalid)
	}
	if t == Date {
		return year + "-01-01", nil
	}
	if t == Datetime {
		return year + "-01-01" + separator(part[4], "T") + "00:00:00", nil
	}
	if strings.ContainsAny(zone, "+-") {
		moment, err := offsetTime(value)
		if err != nil {
			return "", fmt.Errorf("masking rule %s: value is not a %s: %w", RuleDateYear, t, graph.ErrInvalid)
		}
		year, zone = moment.UTC().Format("2006"), "+00"
	}
	return year + "-01-01" + separator(part[4], " ") + "00:00:00" + zone, nil
}

func separator(seen, otherwise string) string {
	if seen == "" {
		return otherwise
	}
	return seen
}

// offsetTime reads a timestamp with an offset in the spellings that BigQuery
// takes.
func offsetTime(value string) (time.Time, error) {
	value = strings.Replace(strings.ToUpper(value), "T", " ", 1)
	value = strings.Replace(strings.Replace(value, " +", "+", 1), " -", "-", 1)
	for _, zone := range []string{"-07:00", "-0700", "-07", "-7:00", "-7"} {
		for _, clock := range []string{" 15:04:05", " 15:04", ""} {
			if moment, err := time.Parse("2006-1-2"+clock+zone, value); err == nil {
				return moment, nil
			}
		}
	}
	return time.Time{}, graph.ErrInvalid
}
