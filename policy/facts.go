package policy

import (
	"strings"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/mask"
)

// Facts gathers what a policy may know of a column from the column, its asset
// and the tags that all witnesses gave it. The type is spelled as GoogleSQL
// spells it, so that one rule meets every spelling of a platform; a type that
// no masking method knows keeps its name in upper case.
func Facts(column graph.Column, asset graph.Asset, tags []graph.Tag) graph.ColumnFacts {
	facts := graph.ColumnFacts{
		Assessment: graph.Assess(tags),
		Labels:     []graph.LabelFact{},
		Type:       strings.ToUpper(column.Type),
		Domain:     asset.Labels["domain"],
		Kind:       asset.Kind,
		Source:     asset.Source,
	}
	if t, ok := mask.ParseType(column.Type); ok {
		facts.Type = string(t)
	}
	for _, t := range graph.EffectiveTags(tags) {
		if t.Label != graph.LabelNone {
			facts.Labels = append(facts.Labels, graph.LabelFact{Label: t.Label, State: t.State, Form: t.Form})
		}
	}
	return facts
}
