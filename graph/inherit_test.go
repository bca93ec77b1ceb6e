package graph

import "testing"

func TestTagsAreInheritedFromRecordsUnlessAPersonSpoke(t *testing.T) {
	t.Parallel()
	asset := BigQueryRef("p", "d", "t")
	tag := func(path, label string, state TagState, kind ProvenanceKind) Tag {
		return Tag{Ref: asset.Column(path), Label: label, State: state, Form: FormClear, Confidence: 1, Provenance: Provenance{Kind: kind, Name: "w"}}
	}
	tests := []struct {
		name string
		tags []Tag
		want Assessment
	}{
		{name: "nothing said", want: Untouched},
		{name: "of the record", tags: []Tag{tag("contact", "user.contact", TagConfirmed, ByPerson)}, want: Tagged},
		{name: "of the asset", tags: []Tag{tag("", "user", TagProposed, BySource)}, want: Tagged},
		{name: "of the record above the record", tags: []Tag{tag("orders", "user", TagProposed, BySource)}, want: Untouched},
		{name: "that the record is not personal", tags: []Tag{tag("contact", LabelNone, TagConfirmed, ByPerson)}, want: Untouched},
		{name: "rejected of the record", tags: []Tag{tag("contact", "user", TagRejected, ByPerson)}, want: Untouched},
		{name: "a person looked at the column itself", tags: []Tag{
			tag("contact", "user.contact", TagConfirmed, ByPerson), tag("contact.kind", LabelNone, TagConfirmed, ByPerson),
		}, want: AssessedNone},
		{name: "a source says nothing personal of the column", tags: []Tag{
			tag("contact", "user.contact", TagConfirmed, ByPerson), tag("contact.kind", LabelNone, TagConfirmed, BySource),
		}, want: Tagged},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			byKey := map[string][]Tag{}
			for _, tag := range test.tags {
				byKey[tag.Ref.Key()] = append(byKey[tag.Ref.Key()], tag)
			}
			if got := Assess(TagsFor(asset.Column("contact.kind"), byKey)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
