package cadastre.column

# METADATA
# title: The decision on one column for one audience
# description: >-
#   The most protective verdict that no exception lifts decides. Undefined, and
#   so denied, where a label has neither a verdict nor an exception.
# entrypoint: true
decision := {
	"effect": first.effect,
	"method": first.method,
	"domain": first.domain,
	"rules": array.concat(reasons(decisive), unfit_reasons),
	"overruled": reasons(union({weaker, lifted_verdicts, lifts})),
} if {
	every_label_covered
	first := sort([[v.domain, v] | some v in decisive])[0][1]
}

decision := {
	"effect": "allow",
	"rules": reasons(lifts),
	"overruled": reasons(lifted_verdicts),
} if {
	every_label_covered
	input.column.assessment == "tagged"
	count(input.column.labels) > 0
	count(standing) == 0
}

decision := {"effect": "allow", "rules": reasons(clearances)} if {
	count(clearances) > 0
	count(verdicts) == 0
}

# standing are the verdicts that no exception lifts, each as it can be carried
# out on the column's type.
standing := {carried(v) | some v in verdicts; not v.fact in lifted}

decisive := {v | some v in standing; v.rank == highest}

weaker := standing - decisive

highest := max({v.rank | some v in standing})

lifted := {l.fact | some l in lifts}

lifted_verdicts := {v | some v in verdicts; v.fact in lifted}

every_label_covered if {
	covered := {v.fact | some v in verdicts} | lifted
	every fact in input.column.labels { fact in covered }
}
