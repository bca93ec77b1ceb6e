package cadastre.column

# verdicts are what the treatments say of each label; a label that has no
# sensitivity, or one that no rule treats, has no verdict here.
verdicts contains verdict(fact, treatment[sensitivity(fact)]) if some fact in input.column.labels

# protect is how a rule treats all labels of a sensitivity.
protect(meta, effect, method) := {
	"rule": reason(meta),
	"effect": effect,
	"method": method,
	"rank": rank(effect, method),
}

# verdict is a treatment applied to one label.
verdict(fact, treated) := object.union(treated, {
	"fact": fact,
	"domain": key_domain(fact, treated.method),
})

# lift is what an exception says of one label.
lift(meta, fact) := {"rule": reason(meta), "fact": fact, "rank": 0}

# reason is what people are told of a rule.
reason(meta) := {"id": meta.custom.id, "why": meta.description}

# rank is how protective an effect is: a denial above every method, methods in
# the engine's order.
rank("deny", _) := 1000

rank("mask", method) := data.methods[method].rank

default key_domain(_, _) := ""

key_domain(fact, "hash") := data.vocabulary[fact.label].domain

# sensitivity is the group by which rules treat a label; undefined for one that
# the vocabulary does not know.
sensitivity(fact) := data.vocabulary[fact.label].sensitivity

# purpose is what the audience reads for; undefined where nobody said.
purpose := data.purposes[data.config.audiences[input.audience].purpose]

# reasons are the rules of verdicts or lifts, most protective first, each once.
reasons(from) := [r |
	some entry in sort({[0 - v.rank, v.rule.id, v.rule.why] | some v in from})
	r := {"id": entry[1], "why": entry[2]}
]
