package main

import "strings"

// refuseRun is refuse for what the executor says of a statement. What its
// analyzer says is passed on, as that has seen no row.
func refuseRun(err error) *fault {
	if msg, ok := strings.CutPrefix(err.Error(), "failed to analyze: "); ok {
		return &fault{kindInvalid, plainText(msg)}
	}
	return refuseRow(err)
}

// refuseRow is refuse for what the executor says while it reads rows. Its words
// may quote a value of any of them, or be one (ERROR(x)), so that none is
// passed on: they are told apart, and each kind has words of its own.
func refuseRow(err error) *fault {
	msg := err.Error()
	for _, r := range rowFaults {
		if strings.Contains(msg, r.holds) {
			return &fault{kindInvalid, r.says}
		}
	}
	return &fault{kindInvalid, "the statement fails on a row"}
}

// rowFaults are what the executor's words for a fault hold, and what is said in
// their place.
var rowFaults = []struct{ holds, says string }{
	{"zero divided", "division by zero"},
	{"no such table: ", "Table not found"},
	{"no such view: ", "View not found"},
	{" already exists", "there is something of that name already"},
	{" is out of range", "an index is out of range"},
	{"strconv.Parse", notOfType},
	{"failed to convert ", notOfType},
	{"error parsing ", notOfType},
	{"unexpected numeric literal", notOfType},
	{"invalid character ", notOfType},
	{"illegal base64 data", notOfType},
	{"encoding/hex: ", notOfType},
}

const notOfType = "a value cannot be read as the type that is asked for"
