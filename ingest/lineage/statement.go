package lineage

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"cadastre.dev/cadastre/graph"
)

// DialectBigQuery is the dialect of BigQuery's SQL.
const DialectBigQuery = "bigquery"

// ViewStatement returns the statement that defines a view. Its ID is the
// view's ref.
func ViewStatement(view graph.Asset, dialect string) graph.Statement {
	project, _, _ := strings.Cut(view.Parent.Name, ".")
	if dot := strings.LastIndexByte(view.Parent.Name, '.'); dot > 0 {
		project = view.Parent.Name[:dot]
	}
	return graph.Statement{
		ID: view.Ref.String(), Source: view.Source, Because: graph.EvidenceView, Dialect: cmp.Or(dialect, DialectBigQuery),
		Project: project, Target: view.Ref, SQL: view.Definition,
	}
}

// JobID returns the ID of a statement that ran: a hash of its text without
// literals, comments, spacing and case of names, and of what it writes. Runs
// that differ in dates alone, be it in the name of a day's table, are one
// statement.
func JobID(s graph.Statement) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{normal(s.SQL), s.Target.Key(), s.Project, s.Dataset}, "\x1f")))
	return "job:" + hex.EncodeToString(sum[:12])
}

// dayOf matches the day at the end of a sharded table's name.
var dayOf = regexp.MustCompile(`_(?:19|20)\d{6}\b`)

// normal writes a text so that two runs of one query are equal. A list of
// literals counts as one literal, because its length is data too.
func normal(sql string) string {
	var words []string
	l := lexer{text: sql}
	for l.next() {
		switch l.kind {
		case tokenSpace, tokenComment:
			continue
		case tokenNumber, tokenString:
			if n := len(words); n >= 2 && words[n-1] == "," && words[n-2] == "?" {
				words = words[:n-1]
				continue
			}
			words = append(words, "?")
		case tokenWord, tokenQuoted, tokenSymbol:
			word := strings.ToLower(strings.Trim(l.token, "`"))
			words = append(words, dayOf.ReplaceAllString(word, "_*"))
		}
	}
	return strings.Join(words, " ")
}

// stored returns the statement as the catalog keeps it. A view's text is its
// definition, which the catalog shows anyway; a job's loses its literals, and
// so does what the analyzer said of it.
func stored(s graph.Statement, a graph.Analysis) graph.Statement {
	// Scrubbing comes before cutting, which could leave half a literal that is
	// not found any more.
	scrub := func(words string) string { return words }
	if s.Because != graph.EvidenceView {
		scrub = scrubber(s.SQL)
		s.SQL = Redact(s.SQL)
	}
	s.Outcome, s.Reason, s.Unresolved = a.Outcome, sentence(scrub(a.Reason)), nil
	for _, u := range a.Unresolved {
		s.Unresolved = append(s.Unresolved, sentence(scrub(u)))
	}
	if s.Target.IsZero() && len(a.Outputs) == 1 {
		s.Target = a.Outputs[0]
	}
	return s
}

// maxReason is how many bytes of a reason are kept.
const maxReason = 300

// sentence is the first line of an analyzer's words.
func sentence(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return s
}

// inQuotes matches what an analyzer quotes in its words.
var inQuotes = regexp.MustCompile(`"[^"]*"?|'[^']*'?`)

// isName matches quoted words that can only be names.
var isName = regexp.MustCompile(`^["'][A-Za-z_$][\w.$*-]*["']$`)

// scrubber returns what takes the literals of a text out of words about it:
// the literals themselves, comments, and anything quoted that is not plainly a name.
func scrubber(sql string) func(string) string {
	literals := map[string]bool{}
	l := lexer{text: sql}
	for l.next() {
		switch l.kind {
		case tokenNumber:
			literals[l.token] = true
		case tokenString:
			quotes := len(strings.TrimLeft(l.mark, "rRbB"))
			end := len(l.token)
			if l.closed {
				end -= quotes
			}
			// Marks alone tell nothing of anybody, and stand in any sentence.
			if inner := l.token[len(l.mark):end]; strings.ContainsFunc(inner, isTelling) {
				literals[inner] = true
			}
		case tokenComment:
			for line := range strings.Lines(l.token) {
				if inner := strings.Trim(line, "-#/* \t\r\n"); strings.ContainsFunc(inner, isTelling) {
					literals[inner] = true
				}
			}
		case tokenSpace, tokenWord, tokenQuoted, tokenSymbol:
		}
	}
	longest := make([]string, 0, len(literals))
	for literal := range literals {
		longest = append(longest, literal)
	}
	slices.SortFunc(longest, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return func(words string) string {
		for _, literal := range longest {
			words = replaceWord(words, literal)
		}
		return inQuotes.ReplaceAllStringFunc(words, func(q string) string {
			if isName.MatchString(q) {
				return q
			}
			return q[:1] + "?" + q[:1]
		})
	}
}

func isTelling(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// replaceWord replaces a literal where it does not stand within a longer word.
func replaceWord(words, literal string) string {
	var b strings.Builder
	for at := 0; ; {
		i := strings.Index(words[at:], literal)
		if i < 0 {
			b.WriteString(words[at:])
			return b.String()
		}
		start, end := at+i, at+i+len(literal)
		b.WriteString(words[at:start])
		joins := func(a, b int) bool { return a >= 0 && b < len(words) && isWord(words[a]) && isWord(words[b]) }
		if joins(start-1, start) || joins(end-1, end) {
			b.WriteString(literal)
		} else {
			b.WriteByte('?')
		}
		at = end
	}
}
