package statement

import "strings"

// Sign returns the text with each call of SESSION_USER() replaced by the
// address of who runs it, as a literal. In a view's text that is whoever
// queries the view, so it is done when the whole text of a query is known.
func Sign(text, email string) string {
	tokens, err := lex(text)
	if err != nil {
		return text
	}
	var out strings.Builder
	at := 0
	for i := 0; i+2 < len(tokens); i++ {
		member := i > 0 && tokens[i-1].is(".")
		if member || !tokens[i].is("SESSION_USER") || !tokens[i+1].is("(") || !tokens[i+2].is(")") {
			continue
		}
		out.WriteString(text[at:tokens[i].start])
		out.WriteString("'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(email) + "'")
		at = tokens[i+2].end
	}
	out.WriteString(text[at:])
	return out.String()
}
