package cadastre.column

# verdict is what a protecting rule says of one label.
verdict(meta, fact, effect, method) := {
	"rule": reason(meta),
	"label": fact.label,
	"effect": effect,
	"method": method,
	"domain": key_domain(fact, method),
	"rank": rank(effect, method),
}

# lift is what an exception says of one label.
lift(meta, fact) := {"rule": reason(meta), "label": fact.label, "rank": 0}

# reason is what people are told of a rule.
reason(meta) := {"id": meta.custom.id, "why": meta.description}

# rank is how protective an effect is: a denial above every method, methods in
# the engine's order.
rank("deny", _) := 1000

rank("mask", method) := data.methods[method].rank

default key_domain(_, _) := ""

key_domain(fact, "hash") := data.vocabulary[fact.label].domain

# labelled are the column's labels by the sensitivity that the vocabulary gives
# them.
labelled[sensitivity] contains fact if {
	some fact in input.column.labels
	sensitivity := data.vocabulary[fact.label].sensitivity
}

# purpose is what the audience reads for; undefined where nobody said.
purpose := data.purposes[data.config.audiences[input.audience].purpose]

# reasons are the rules of verdicts or lifts, most protective first, each once.
reasons(from) := [r |
	some entry in sort({[0 - v.rank, v.rule.id, v.rule.why] | some v in from})
	r := {"id": entry[1], "why": entry[2]}
]
