package graph

import "slices"

// TextAttribute is an attribute of an asset or column that is text for people,
// of which a source says one thing and a person may say another.
type TextAttribute string

// The attributes of which people may say something. A column has a description
// alone. The set is closed, because each must have a place where it is shown.
const (
	AttributeTitle       TextAttribute = "title"
	AttributeDescription TextAttribute = "description"
)

// Annotation is what somebody says of one text attribute of an asset or
// column. It stands beside what the source says in Asset.Title,
// Asset.Description or Column.Description, and does not replace it. One sort
// of witness says one thing of one attribute: that is its identity.
type Annotation struct {
	// Ref is the asset or column.
	Ref       Ref           `json:"ref"`
	Attribute TextAttribute `json:"attribute"`
	// Value is never empty: who has nothing to say takes the word back.
	Value      string     `json:"value"`
	Provenance Provenance `json:"provenance"`
}

// Said is what one witness says of one text attribute.
type Said struct {
	Attribute  TextAttribute
	Value      string
	Provenance Provenance
	// Effective says that this is the word that counts.
	Effective bool
	// Differs says that it is not, and that it says something else.
	Differs bool
}

// Says lays side by side what its source and people say of an asset's text
// attributes: title before description, the word that counts first. What the
// source leaves empty it does not say. The annotations may be of other things
// too.
func (a Asset) Says(said []Annotation) []Said {
	source := Provenance{Kind: BySource, Name: a.Source}
	return slices.Concat(
		sideBySide(a.Ref, AttributeTitle, a.Title, source, said),
		sideBySide(a.Ref, AttributeDescription, a.Description, source, said),
	)
}

// Says lays side by side what the source and people say of the column's
// description; see Asset.Says.
func (c Column) Says(source string, said []Annotation) []Said {
	return sideBySide(c.Ref, AttributeDescription, c.Description, Provenance{Kind: BySource, Name: source}, said)
}

// EffectiveText returns the word that counts of an attribute; empty where
// nobody says anything.
func EffectiveText(said []Said, of TextAttribute) string {
	for _, s := range said {
		if s.Attribute == of && s.Effective {
			return s.Value
		}
	}
	return ""
}

func sideBySide(ref Ref, of TextAttribute, value string, source Provenance, notes []Annotation) []Said {
	var said []Said
	if value != "" {
		said = append(said, Said{Attribute: of, Value: value, Provenance: source})
	}
	for _, n := range notes {
		if n.Attribute == of && n.Ref.Key() == ref.Key() {
			said = append(said, Said{Attribute: of, Value: n.Value, Provenance: n.Provenance})
		}
	}
	slices.SortStableFunc(said, func(x, y Said) int { return authority(y.Provenance.Kind) - authority(x.Provenance.Kind) })
	for i := range said {
		said[i].Effective = i == 0
		said[i].Differs = said[i].Value != said[0].Value
	}
	return said
}

// authority ranks the sorts of witness: a person's word wins.
func authority(k ProvenanceKind) int {
	return slices.Index([]ProvenanceKind{ByPropagation, ByDetector, BySource, ByPerson}, k)
}

// EffectiveOwners returns the owners that count. Where a person named owners
// of a role, they stand in place of all others of that role; elsewhere those
// whom the source names count. What is left out is what sources still say, to
// be shown beside it. The owners may be of several assets.
func EffectiveOwners(owners []Owner) []Owner {
	type seat struct {
		asset string
		role  OwnerRole
	}
	named := map[seat]bool{}
	for _, o := range owners {
		if o.Provenance.Kind == ByPerson {
			named[seat{o.Asset.Key(), o.Role}] = true
		}
	}
	var out []Owner
	for _, o := range owners {
		if o.Provenance.Kind == ByPerson || !named[seat{o.Asset.Key(), o.Role}] {
			out = append(out, o)
		}
	}
	return out
}

// Principals returns the principals of the owners that count, as filters and
// policies take them.
func Principals(owners []Owner) []string {
	out := make([]string, 0, len(owners))
	for _, o := range EffectiveOwners(owners) {
		out = append(out, o.Principal)
	}
	return out
}

// AnnotateRequest is what a person says of a text attribute of an asset or
// column.
type AnnotateRequest struct {
	Ref       Ref
	Attribute TextAttribute
	// Value is what the person says; empty takes back what a person said
	// before, so that the source's word counts again.
	Value string
	// Was is the word that counted when the person looked. Where another
	// counts by now the request is ErrConflict. Nil asks for no such care.
	Was *string
	// Reason is kept with the word.
	Reason string
}

// OwnRequest is what a person says of who owns an asset in one role.
type OwnRequest struct {
	Ref  Ref
	Role OwnerRole
	// Principals are all who own it in that role, as Owner.Principal writes
	// them; none takes back what a person said before, so that the source's
	// owners count again.
	Principals []string
	// Was are the principals that counted in the role when the person looked,
	// in any order. Where others count by now the request is ErrConflict. Nil
	// asks for no such care.
	Was []string
	// Reason is kept with the owners.
	Reason string
}
