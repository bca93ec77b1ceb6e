package registry

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// labelType is the label of a subject that names its schema language.
const labelType = "schemaType"

// labels are what the catalog shows beside a subject: its language and those
// of its properties that may be shown.
func labels(v version) map[string]string {
	out := map[string]string{labelType: v.schemaType()}
	if v.Metadata != nil {
		for key := range v.Metadata.Properties {
			if value := v.property(key); value != "" {
				out[key] = value
			}
		}
	}
	return out
}

func with(m map[string]string, key, value string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	if _, ok := m[key]; !ok {
		m[key] = value
	}
	return m
}

// principals are the owners that a subject's properties name.
func (c *crawl) principals(v version) []string {
	var out []string
	for _, key := range c.source.cfg.OwnerProperties {
		value := strings.TrimSpace(v.property(key))
		switch {
		case value == "":
		case c.source.cfg.Owners[value] != "":
			out = append(out, c.source.cfg.Owners[value])
		case strings.Contains(value, "@"):
			out = append(out, "user:"+value)
		default:
			out = append(out, "team:"+value)
		}
	}
	return out
}

func (c *crawl) owners(ref graph.Ref, v version) []graph.Owner {
	return c.ownersOf(ref, c.principals(v))
}

func (c *crawl) ownersOf(ref graph.Ref, principals []string) []graph.Owner {
	var out []graph.Owner
	for _, p := range principals {
		o := graph.Owner{Asset: ref, Principal: p, Role: graph.OwnerAccountable, Provenance: c.says()}
		if !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}

func (c *crawl) says() graph.Provenance {
	return graph.Provenance{Kind: graph.BySource, Name: c.source.cfg.Name}
}

// declaredConfidence is that of a tag which the authors of a schema declared:
// they know their data, but not the catalog's words.
const declaredConfidence = 0.9

// tags proposes what a schema declares of its leaves, each label once a
// column. A tag that means no label here is passed over: the column then stays
// untouched, and an untouched column is in no view.
func (c *crawl) tags(columns []schemaColumn, subject string) []graph.Fact {
	var facts []graph.Fact
	for _, column := range leavesOf(columns) {
		var labels []string
		for _, declared := range column.tags {
			label := c.source.label(declared)
			if label == "" || slices.Contains(labels, label) {
				continue
			}
			labels = append(labels, label)
			facts = append(facts, graph.TagSeen{Tag: graph.Tag{
				Ref: column.Ref, Label: label, State: graph.TagProposed, Form: graph.FormClear, Confidence: declaredConfidence,
				Evidence:   []string{fmt.Sprintf("The schema of subject %s declares the tag %s.", subject, declared)},
				Provenance: c.says(),
			}})
		}
	}
	return facts
}

// isLabel matches tags that are written as labels.
var isLabel = regexp.MustCompile(`^user(\.[a-z][a-z0-9_]*)*$`)

// label is what a tag of the registry means in the catalog; empty for nothing.
func (s *Source) label(tag string) string {
	if isLabel.MatchString(tag) {
		return tag
	}
	return cmp.Or(s.cfg.Labels[tag], s.cfg.Labels[strings.ToUpper(tag)])
}
