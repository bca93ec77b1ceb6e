package statement

import "strings"

// Spare returns the text with the given columns taken out of its
// `* EXCEPT (...)` lists, and a list that is then empty taken out whole: so
// that a text that did not want the columns can be read where they are not.
// Names are compared without regard to case.
func Spare(text string, columns []string) string {
	tokens, err := lex(text)
	if err != nil {
		return text
	}
	gone := map[string]bool{}
	for _, c := range columns {
		gone[fold(c)] = true
	}
	var out strings.Builder
	at := 0
	for i := 0; i+2 < len(tokens); i++ {
		if !tokens[i].is("*") || !tokens[i+1].is("EXCEPT") || !tokens[i+2].is("(") {
			continue
		}
		kept, end, spared := exceptList(text, tokens[i+3:], gone)
		if !spared {
			continue
		}
		out.WriteString(text[at:tokens[i].end])
		if len(kept) > 0 {
			out.WriteString(" EXCEPT (" + strings.Join(kept, ", ") + ")")
		}
		at = end
	}
	out.WriteString(text[at:])
	return out.String()
}

// exceptList reads names up to the closing parenthesis: those that stay as
// they were written, where the list ends, and whether any name goes.
func exceptList(text string, tokens []token, gone map[string]bool) (kept []string, end int, spared bool) {
	for _, t := range tokens {
		switch {
		case t.is(")"):
			return kept, t.end, spared
		case t.is(","):
		case t.kind == quoted && gone[fold(t.text)], t.kind == word && gone[fold(t.text)]:
			spared = true
		case t.kind == quoted, t.kind == word:
			kept = append(kept, text[t.start:t.end])
		default:
			return nil, 0, false
		}
	}
	return nil, 0, false
}
