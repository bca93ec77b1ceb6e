package graph

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// ItemAttribute is one attribute of an item, as people read it.
type ItemAttribute struct{ Name, Value string }

// Attributes returns what an item says beside its identity, in a fixed order.
// What is empty is left out.
func Attributes(i Item) []ItemAttribute {
	var out []ItemAttribute
	add := func(name, value string) {
		if value != "" {
			out = append(out, ItemAttribute{name, value})
		}
	}
	switch i := i.(type) {
	case Asset:
		add("kind", string(i.Kind))
		add("source", i.Source)
		if !i.Parent.IsZero() {
			add("parent", i.Parent.String())
		}
		add("location", i.Location)
		add("title", i.Title)
		add("description", i.Description)
		add("labels", joinLabels(i.Labels))
		add("definition", i.Definition)
		add("unread", i.Unread)
	case Column:
		add("type", i.Type)
		add("mode", string(i.Mode))
		add("description", i.Description)
		add("policy tags", strings.Join(i.PolicyTags, ", "))
		add("position", strconv.Itoa(i.Position+1))
	case Owner:
		add("role", string(i.Role))
		addProvenance(add, i.Provenance)
	case Grant:
		add("role", i.Role)
		addProvenance(add, i.Provenance)
	case Tag:
		add("state", string(i.State))
		add("form", string(i.Form))
		add("confidence", strconv.FormatFloat(i.Confidence, 'g', -1, 64))
		add("evidence", strings.Join(i.Evidence, " "))
		addProvenance(add, i.Provenance)
	case Annotation:
		add("value", i.Value)
		addProvenance(add, i.Provenance)
	case Edge:
		add("kind", string(i.Kind))
		add("function", i.Function)
		if i.Masking {
			add("masking", "yes")
		}
		add("outcome", string(i.Outcome))
		add("because", string(i.Because))
	case Statement:
		add("sql", i.SQL)
		add("author", i.Author)
		add("outcome", string(i.Outcome))
		add("because", string(i.Because))
		add("unresolved", strings.Join(i.Unresolved, ", "))
		add("reason", i.Reason)
	}
	return out
}

func addProvenance(add func(name, value string), p Provenance) {
	add("said by", string(p.Kind))
	add("name", p.Name)
	add("reason", p.Why)
}

func joinLabels(labels map[string]string) string {
	parts := make([]string, 0, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, key+"="+labels[key])
	}
	return strings.Join(parts, ", ")
}

// AttributeChange says that an attribute was one thing and is another; empty
// where it was or is not there.
type AttributeChange struct{ Name, From, To string }

// Compare returns in which attributes two versions of an item differ, in the
// order of Attributes. nil stands for an item that is not there.
func Compare(was, now Item) []AttributeChange {
	before := map[string]string{}
	var names []string
	if was != nil {
		for _, a := range Attributes(was) {
			before[a.Name] = a.Value
			names = append(names, a.Name)
		}
	}
	after := map[string]string{}
	if now != nil {
		for at, a := range Attributes(now) {
			after[a.Name] = a.Value
			if _, ok := before[a.Name]; !ok {
				names = slices.Insert(names, min(at, len(names)), a.Name)
			}
		}
	}
	var out []AttributeChange
	for _, name := range names {
		if before[name] != after[name] {
			out = append(out, AttributeChange{name, before[name], after[name]})
		}
	}
	return out
}
