package main

import (
	"strings"

	g "github.com/goccy/go-googlesql"
)

// masking are the functions whose result no longer shows its argument, though
// it still stands for one person: hashes and encryptions.
var masking = map[string]bool{
	"MD5": true, "SHA1": true, "SHA256": true, "SHA512": true, "FARM_FINGERPRINT": true,
	"DETERMINISTIC_ENCRYPT": true, "AEAD.ENCRYPT": true, "AEAD.ENVELOPE_ENCRYPT": true, "DLP_DETERMINISTIC_ENCRYPT": true,
}

// unmasking are the functions that undo a masking one.
var unmasking = map[string]bool{
	"DETERMINISTIC_DECRYPT_STRING": true, "DETERMINISTIC_DECRYPT_BYTES": true,
	"AEAD.DECRYPT_STRING": true, "AEAD.DECRYPT_BYTES": true, "DLP_DETERMINISTIC_DECRYPT": true,
}

// choosing are the functions whose result is one of their arguments, or an
// element or a group's member of one: a struct passes through them whole.
var choosing = map[string]bool{
	"IF": true, "COALESCE": true, "CASE": true, "IFNULL": true, "NULLIF": true, "ANY_VALUE": true, "MIN": true, "MAX": true,
	"MIN_BY": true, "MAX_BY": true, "LAG": true, "LEAD": true, "FIRST_VALUE": true, "LAST_VALUE": true, "NTH_VALUE": true,
	"ARRAY_CONCAT": true, "ARRAY_CONCAT_AGG": true, "ARRAY_REVERSE": true, "ARRAY_SLICE": true, "IFERROR": true, "GREATEST": true, "LEAST": true,
}

// picking are the functions whose result is an element of their first argument.
var picking = map[string]bool{
	"$array_at_offset": true, "$array_at_ordinal": true, "$safe_array_at_offset": true, "$safe_array_at_ordinal": true,
	"$subscript": true, "array_first": true, "array_last": true,
}

// userGroup marks the functions of the warehouse among Google's own.
const userGroup = "warehouse"

// functionStep is what a call of the function does to its arguments' leaves.
// A warehouse's own function never counts as masking, whatever its name.
func functionStep(f *g.Function, k kind) step {
	path := strings.Join(must(f.FunctionNamePath()), ".")
	if strings.HasPrefix(must(f.FullName(true)), userGroup+":") {
		return step{kind: k, function: path}
	}
	name := functionName(path)
	return step{kind: k, function: name, masks: masking[name], unmasks: unmasking[name]}
}

// functionName is the name people call a function by, upper case; operators
// have none.
func functionName(internal string) string {
	switch {
	case strings.HasPrefix(internal, "$case"):
		return "CASE"
	case strings.HasPrefix(internal, "$extract"):
		return "EXTRACT"
	case internal == "$concat_op":
		return "CONCAT"
	case strings.HasPrefix(internal, "$count_star"):
		return "COUNT"
	case strings.HasPrefix(internal, "$"):
		return ""
	}
	return strings.ToUpper(internal)
}
