package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// Words of the catalog steer no terminal, and stand in JSON as they are.
func TestWordsSteerNoTerminal(t *testing.T) {
	t.Parallel()
	const evil = "a\x1b]52;c;cm0=\x07\r\u009b2J\u202eb"
	show := func(w io.Writer) { _, _ = fmt.Fprintf(w, "title\t%s\nnext\tÖ…\n", evil) }
	for _, c := range []struct {
		json bool
		want string
	}{
		{false, "title  a\ufffd]52;c;cm0=\ufffd\ufffd\ufffd2J\ufffdb\nnext   Ö…\n"},
		{true, `"a\u001b]52;c;cm0=\u0007\r` + "\u009b2J\u202eb\"\n"},
	} {
		var out strings.Builder
		s := &streams{out: &out, err: io.Discard, json: c.json}
		if err := s.print(evil, show); err != nil || out.String() != c.want {
			t.Errorf("json %v: %q, %v; want %q", c.json, out.String(), err, c.want)
		}
	}
}
