package graph

import (
	"slices"
	"strings"
)

// LabelNone is the label of a tag by which somebody says that a column was
// looked at and holds nothing personal.
const LabelNone = "none"

// TagState says how far a tag is decided.
type TagState string

// The states of a tag. A proposal protects at once; a rejected one stays
// rejected, whoever proposes it again.
const (
	TagProposed  TagState = "proposed"
	TagConfirmed TagState = "confirmed"
	TagRejected  TagState = "rejected"
)

// TagForm says in which form the labelled data stands in the column.
type TagForm string

// The forms. Pseudonymised data stays personal data: the tag stays, its form
// changes.
const (
	FormClear        TagForm = "clear"
	FormPseudonymous TagForm = "pseudonymous"
)

// Tag is a privacy or business label on a column or asset. One witness says
// one thing of one label: (Ref, Label, Provenance.Kind) is its identity, so
// that a person's word stands beside a source's.
type Tag struct {
	Ref Ref `json:"ref"`
	// Label is a category such as "user.contact.email", or LabelNone.
	Label string   `json:"label"`
	State TagState `json:"state"`
	Form  TagForm  `json:"form"`
	// Confidence lies in (0, 1]; a person's is 1.
	Confidence float64 `json:"confidence"`
	// Evidence says why in sentences fit for people. It never holds a value
	// of a data column.
	Evidence   []string   `json:"evidence,omitempty"`
	Provenance Provenance `json:"provenance"`
}

// Assessment says what is known of a column's personal content as a whole.
type Assessment string

// The assessments. Untouched columns are in no view.
const (
	Untouched    Assessment = "untouched"
	AssessedNone Assessment = "none"
	Tagged       Assessment = "tagged"
)

// EffectiveTags reduces what all witnesses say of one column to one tag a
// label, sorted by label: a person's word wins, then a rejection, then the
// more certain state. Rejected labels are left out. A broad label that is only
// proposed gives way to a label below it, as "user" to "user.contact.email":
// the narrower one says the same and more.
func EffectiveTags(tags []Tag) []Tag {
	best := make(map[string]Tag, len(tags))
	for _, t := range tags {
		if was, ok := best[t.Label]; !ok || outranks(t, was) {
			best[t.Label] = t
		}
	}
	out := make([]Tag, 0, len(best))
	for _, t := range best {
		if t.State != TagRejected {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b Tag) int { return strings.Compare(a.Label, b.Label) })
	narrower := func(t Tag) bool {
		return slices.ContainsFunc(out, func(other Tag) bool { return strings.HasPrefix(other.Label, t.Label+".") })
	}
	var effective []Tag
	for _, t := range out {
		if t.State != TagProposed || !narrower(t) {
			effective = append(effective, t)
		}
	}
	return effective
}

func outranks(a, b Tag) bool {
	if pa, pb := a.Provenance.Kind == ByPerson, b.Provenance.Kind == ByPerson; pa != pb {
		return pa
	}
	rank := map[TagState]int{TagProposed: 0, TagConfirmed: 1, TagRejected: 2}
	if ra, rb := rank[a.State], rank[b.State]; ra != rb {
		return ra > rb
	}
	if (a.Form == FormClear) != (b.Form == FormClear) {
		return a.Form == FormClear
	}
	if a.Confidence != b.Confidence {
		return a.Confidence > b.Confidence
	}
	return CompareItems(a, b) < 0
}

// Assess says what the tags of one column, of all witnesses, amount to. A
// label beside LabelNone wins over it, unless a person rejected that label:
// in doubt a column is personal.
func Assess(tags []Tag) Assessment {
	assessment := Untouched
	for _, t := range EffectiveTags(tags) {
		if t.Label != LabelNone {
			return Tagged
		}
		if t.State == TagConfirmed {
			assessment = AssessedNone
		}
	}
	return assessment
}

// TagsFor returns what is said of a column: its own tags and, unless a person
// said something of the column itself, what is said of the records and the
// asset that hold it. That something is not personal is never inherited: a new
// field of a record that somebody looked at has not been looked at. byKey
// holds tags by the key of what they lie on.
func TagsFor(column Ref, byKey map[string][]Tag) []Tag {
	own := byKey[column.Key()]
	if slices.ContainsFunc(own, func(t Tag) bool { return t.Provenance.Kind == ByPerson }) {
		return own
	}
	tags := slices.Clone(own)
	for path := column.Path; path != ""; {
		path = ParentPath(path)
		for _, t := range byKey[column.Column(path).Key()] {
			if t.Label != LabelNone && t.State != TagRejected {
				tags = append(tags, t)
			}
		}
	}
	return tags
}

// TagRequest is what a person says of a column or asset.
type TagRequest struct {
	Ref   Ref
	Label string
	// State is confirmed, rejected, or StateWithdrawn to take back what the
	// person said before.
	State string
	// Reason is kept with the tag.
	Reason string
}

// StateWithdrawn is the State of a TagRequest that takes a word back.
const StateWithdrawn = "withdrawn"
