package graphtest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// columnsOf draws half to one and a half times the columns of the average,
// with the records that hold others counted.
func (e Estate) columnsOf(r *rand.Rand, ref graph.Ref) []graph.Column {
	want := 0
	if e.columns > 0 {
		want = e.columns - e.columns/2 + r.IntN(e.columns/2*2+1)
	}
	taken := map[string]bool{}
	once := func(name string) string {
		for i := 2; taken[name]; i++ {
			name = fmt.Sprintf("%s_%d", strings.TrimRight(name, "_0123456789"), i)
		}
		taken[name] = true
		return name
	}
	fields := []Field{Leaf(once(pick(r, estateEntities()...)+"_id"), "STRING").Required(), Leaf(once("created_at"), "TIMESTAMP")}
	for size := len(fields); size < want; {
		f := e.field(r, want-size)
		f.name = once(f.name)
		fields = append(fields, f)
		size += 1 + len(f.fields)
	}
	return Columns(ref, fields...)[:want]
}

// field draws a column of a name as estates have them, a record where there is
// room for its fields.
func (e Estate) field(r *rand.Rand, room int) Field {
	switch draw := r.IntN(20); {
	case draw == 0 && room > 5:
		return Record("address", Leaf("street", "STRING"), Leaf("postal_code", "STRING"), Leaf("city", "STRING"), Leaf("country_code", "STRING"))
	case draw == 1 && room > 4:
		return Record(pick(r, "items", "lines", "events"), Leaf("sku", "STRING"), Leaf("quantity", "INT64"), Leaf("unit_price", "NUMERIC")).Repeated()
	case draw == 2:
		return personal(r)
	case draw < 7:
		return Leaf(pick(r, estateEntities()...)+"_id", "STRING")
	case draw < 11:
		return Leaf(coined(r)+"_"+pick(r, "amount", "count", "rate", "code", "flag"), pick(r, "NUMERIC", "INT64", "FLOAT64", "STRING"))
	case draw < 13:
		return Leaf(pick(r, "updated", "loaded", "valid_from", "valid_to", "deleted", "paid", "shipped")+"_at", "TIMESTAMP")
	}
	f := Leaf(pick(r, estateEntities()...)+"_"+pick(r, "status", "type", "name", "total", "currency", "channel", "version", "hash"), "STRING")
	if r.IntN(3) == 0 {
		return f.Described(sentence(r, coined(r)))
	}
	return f
}

func personal(r *rand.Rand) Field {
	name := pick(r, "email", "phone_number", "first_name", "last_name", "iban", "ip_address", "birth_date")
	return Leaf(name, "STRING").Described("of the " + pick(r, "customer", "employee", "contact"))
}

// tags are what is said of the columns of asset n that look personal: most
// are proposed, some confirmed by the source or a person, few rejected.
func (e Estate) tags(n int, columns []graph.Column) []graph.Tag {
	r := e.rand(n, drawTags)
	labels := map[string]string{"email": LabelEmail, "phone_number": LabelPhone, "first_name": LabelName, "last_name": LabelName}
	var out []graph.Tag
	for _, c := range columns {
		label, ok := labels[c.Name()]
		if !ok {
			continue
		}
		switch r.IntN(8) {
		case 0:
			out = append(out, Rejected(c.Ref, label, Olu().ID))
		case 1, 2:
			out = append(out, Confirmed(c.Ref, label, Olu().ID))
		case 3:
			out = append(out, Declared(c.Ref, label, EstateSource))
		default:
			out = append(out, Proposed(c.Ref, label, "names", 0.8))
		}
	}
	return out
}

// LineageAt returns the statement that makes asset n and the edges it tells;
// the zero Statement and no edges for one that nothing of the estate fills. An
// asset is made from earlier ones near by and, now and then, from far away.
func (e Estate) LineageAt(n int) (graph.Statement, []graph.Edge) {
	to := e.At(n)
	if n == 0 || to.Asset.Kind == graph.KindTopic || layerOf(n/perContainer) == "raw" {
		return graph.Statement{}, nil
	}
	r := e.rand(n, drawLineage)
	s := graph.Statement{
		ID: fmt.Sprintf("job:%016x", uint64(n)*0x9e3779b97f4a7c15), Source: EstateSource, Because: graph.EvidenceJob,
		Dialect: "bigquery", Target: to.Asset.Ref, Outcome: graph.OutcomeExact, SQL: "INSERT INTO `" + to.Asset.Ref.Name + "` " + e.selectOf(n, to.Columns),
	}
	if to.Asset.Kind.IsView() {
		s.ID, s.Because, s.SQL = to.Asset.Ref.String(), graph.EvidenceView, to.Asset.Definition
	}
	if r.IntN(20) == 0 {
		s.Outcome, s.Reason = graph.OutcomePartial, "the function udf.f is not known"
	}
	from := e.At(e.madeFrom(n)).Columns
	var edges []graph.Edge
	for _, c := range to.Columns {
		if len(from) == 0 || r.IntN(4) == 0 {
			continue
		}
		edge := Identity(pick(r, from...).Ref, c.Ref, s.ID)
		edge.Because, edge.Outcome = s.Because, s.Outcome
		if r.IntN(3) == 0 {
			edge.Kind, edge.Function = graph.EdgeTransformation, pick(r, "LOWER", "TRIM", "CAST")
		}
		edges = append(edges, edge)
	}
	return s, edges
}

// madeFrom is the asset from which asset n is made.
func (e Estate) madeFrom(n int) int {
	r := e.rand(n, drawLineage)
	if r.IntN(20) == 0 {
		return r.IntN(n)
	}
	return n - 1 - r.IntN(min(n, 2*perContainer))
}

// selectOf is the text of a statement as it could stand there.
func (e Estate) selectOf(n int, columns []graph.Column) string {
	var names []string
	for _, c := range columns {
		if !strings.Contains(c.Ref.Path, ".") {
			names = append(names, c.Ref.Path)
		}
	}
	from := "UNNEST([1])"
	if n > 0 {
		m := e.madeFrom(n)
		from = "`" + e.containerRef(m/perContainer).Name + "." + e.name(e.rand(m, drawAsset), m) + "`"
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM " + from
}

// coined is a word as products, campaigns and systems are called: a few
// thousand are frequent, tens of thousands stand here and there.
func coined(r *rand.Rand) string {
	first := []string{"al", "ber", "cor", "den", "fal", "gran", "hel", "jun", "kar", "lum", "mon", "nor", "pel", "quin", "ros", "sil", "tal", "ver", "wes", "zen"}
	middle := []string{"a", "be", "ci", "do", "e", "fi", "go", "i", "la", "me", "no", "o", "pu", "ri", "sa", "ta"}
	last := []string{"dor", "fin", "gate", "hub", "lis", "mar", "net", "nix", "pay", "ra", "sky", "tor", "via", "wave", "x", "zo"}
	// The product of two even draws is near zero more often than not.
	at := func(n int) int { return int(r.Float64() * r.Float64() * float64(n)) }
	word := first[at(len(first))] + middle[at(len(middle))]
	if r.IntN(2) == 0 {
		word += middle[at(len(middle))]
	}
	return word + last[at(len(last))]
}

// sentence describes something of a domain in words of prose.
func sentence(r *rand.Rand, domain string) string {
	return fmt.Sprintf("%s %s of %s by %s, %s from %s.",
		pick(r, "One row a", "All changes of", "The state of each", "Counts of"), pick(r, estateEntities()...), domain,
		pick(r, "day", "customer", "region", "channel", "hour"), pick(r, "cleaned", "loaded", "joined", "exported"), coined(r))
}

func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

func estateLayers() []string {
	return []string{"raw", "staging", "core", "mart", "sandbox", "reporting"}
}

func estateDomains() []string {
	return []string{
		"billing", "customer", "orders", "logistics", "marketing", "finance", "people", "support", "product", "payments",
		"risk", "search", "inventory", "pricing", "identity", "telemetry", "partners", "legal", "mobile", "web",
	}
}

func estateEntities() []string {
	return []string{
		"customer", "order", "invoice", "payment", "shipment", "session", "event", "product", "account", "contract",
		"campaign", "ticket", "employee", "supplier", "device", "meter", "reading", "address", "refund", "subscription",
		"cart", "click", "visit", "lead", "budget", "ledger", "price", "stock", "warehouse", "route",
		"driver", "claim", "policy", "score", "model", "feature", "experiment", "consent", "message", "region",
	}
}
