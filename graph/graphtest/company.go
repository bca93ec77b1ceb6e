package graphtest

import "cadastre.dev/cadastre/graph"

// Company is a small company's catalog: a topic of customers that fills a raw
// table, a core table made from it by a job, a report over that, a view, and
// a table of salaries that few may know of. Each kind of item stands in it at
// least once.
type Company struct {
	// Customers is the topic, Raw the table it fills with nested and repeated
	// columns, Core what a job makes of it, Report an aggregation of Core by a
	// job that is understood in part, View a view over Core, and Salaries a
	// table that Report reads too.
	Customers, Raw, Core, Report, View, Salaries graph.Ref
	// Dataset and Vault are the containers of the tables and of Salaries.
	Dataset, Vault graph.Ref
	// Items are all of it, sorted.
	Items []graph.Item
}

// The words of the small company.
const (
	LabelEmail = "user.contact.email"
	LabelName  = "user.name"
	LabelPhone = "user.contact.phone_number"

	jobCore   = "job:core"
	jobReport = "job:report"
)

// The people of the small company. Ana analyses, Olu owns the customers' data,
// Uma audits, and Pat has come from elsewhere and belongs to nothing.
func people() (ana, olu, uma, pat graph.Principal) {
	return graph.Principal{ID: "ana@example.org", Name: "Ana", Groups: []string{"analysts@example.org"}},
		graph.Principal{ID: "olu@example.org", Name: "Olu", Groups: []string{"customer-data@example.org"}},
		graph.Principal{ID: "uma@example.org", Name: "Uma", Groups: []string{"auditors@example.org"}},
		graph.Principal{ID: "pat@example.org", Name: "Pat"}
}

// Ana analyses: she belongs to the audience "analysts".
func Ana() graph.Principal { ana, _, _, _ := people(); return ana }

// Olu owns the customers' data.
func Olu() graph.Principal { _, olu, _, _ := people(); return olu }

// Uma audits.
func Uma() graph.Principal { _, _, uma, _ := people(); return uma }

// Pat belongs to no group.
func Pat() graph.Principal { _, _, _, pat := people(); return pat }

// Audiences are those of the small company.
func Audiences() []graph.Audience {
	return []graph.Audience{
		{Name: "analysts", Title: "Analysts", Groups: []string{"analysts@example.org"}, Purpose: "analytics"},
		{Name: "fraud", Title: "Fraud team", Groups: []string{"fraud@example.org"}, Purpose: "fraud_detection"},
	}
}

// NewCompany makes the small company. Each call makes it anew.
func NewCompany() Company {
	c := Company{
		Customers: graph.Ref{Namespace: "kafka://broker:9092", Name: "customers"},
		Dataset:   graph.BigQueryRef("shop", "sales"), Vault: graph.BigQueryRef("shop", "vault"),
		Raw: graph.BigQueryRef("shop", "sales", "customers_raw"), Core: graph.BigQueryRef("shop", "sales", "customers"),
		Report: graph.BigQueryRef("shop", "sales", "customersPerCity"), View: graph.BigQueryRef("shop", "sales", "customers_view"),
		Salaries: graph.BigQueryRef("shop", "vault", "salaries"),
	}
	s := graph.Snapshot{}
	for _, items := range [][]graph.Item{c.assets(), c.columns(), c.people(), c.tags(), c.lineage()} {
		for _, i := range items {
			s.Put(i)
		}
	}
	c.Items = s.Sorted()
	return c
}

func (c Company) assets() []graph.Item {
	table := func(ref graph.Ref, kind graph.Kind, description string) graph.Asset {
		return graph.Asset{
			Ref: ref, Kind: kind, Source: "warehouse", Parent: ref.Parent(), Location: "EU",
			Description: description, Labels: map[string]string{"domain": "customer"},
		}
	}
	view := table(c.View, graph.KindView, "Customers for everybody")
	view.Definition = "SELECT id, city FROM `shop.sales.customers`"
	dataset := func(ref graph.Ref) graph.Asset {
		return graph.Asset{Ref: ref, Kind: graph.KindDataset, Source: "warehouse", Location: "EU"}
	}
	return []graph.Item{
		graph.Asset{Ref: c.Customers, Kind: graph.KindTopic, Source: "registry", Description: "One record a change of a customer"},
		dataset(c.Dataset), dataset(c.Vault),
		table(c.Raw, graph.KindTable, "As the topic delivers it"),
		table(c.Core, graph.KindTable, "One row a customer"),
		table(c.Report, graph.KindTable, ""),
		view,
		table(c.Salaries, graph.KindTable, "What people earn"),
	}
}

func (c Company) columns() []graph.Item {
	customer := []Field{
		Leaf("id", "STRING").Required(),
		Leaf("name", "STRING"),
		Record("contact", Leaf("email", "STRING").Described("where we write to"), Leaf("phone", "STRING")),
		Record("address", Leaf("city", "STRING"), Record("geo", Leaf("lat", "FLOAT64"), Leaf("lon", "FLOAT64"))),
		Record("orders", Leaf("sku", "STRING"), Leaf("total", "NUMERIC")).Repeated(),
		Leaf("notes", "STRING").Repeated(),
	}
	var out []graph.Item
	for ref, fields := range map[graph.Ref][]Field{
		c.Customers: customer, c.Raw: customer,
		c.Core:     {Leaf("id", "STRING"), Leaf("name", "STRING"), Leaf("email", "STRING"), Leaf("email_hash", "STRING"), Leaf("city", "STRING")},
		c.Report:   {Leaf("city", "STRING"), Leaf("customers", "INT64"), Leaf("someEmail", "STRING")},
		c.View:     {Leaf("id", "STRING"), Leaf("city", "STRING")},
		c.Salaries: {Leaf("email", "STRING"), Leaf("salary", "NUMERIC")},
	} {
		for _, column := range Columns(ref, fields...) {
			out = append(out, column)
		}
	}
	return out
}

func (c Company) people() []graph.Item {
	says := graph.Provenance{Kind: graph.BySource, Name: "warehouse"}
	owner := func(on graph.Ref, who string, role graph.OwnerRole) graph.Owner {
		return graph.Owner{Asset: on, Principal: who, Role: role, Provenance: says}
	}
	grant := func(on graph.Ref, who, role string) graph.Grant {
		return graph.Grant{On: on, Principal: who, Role: role, Provenance: says}
	}
	return []graph.Item{
		owner(c.Raw, "group:customer-data@example.org", graph.OwnerAccountable),
		owner(c.Core, "group:customer-data@example.org", graph.OwnerAccountable),
		owner(c.Core, "user:ana@example.org", graph.OwnerTechnical),
		owner(c.Salaries, "team:people", graph.OwnerAccountable),
		grant(c.Dataset, "group:customer-data@example.org", "OWNER"),
		grant(c.Dataset, "view:"+c.View.String(), graph.RoleAuthorized),
		grant(c.Core, "group:fraud@example.org", "roles/bigquery.dataViewer"),
		grant(c.Vault, "group:people@example.org", "READER"),
		Annotated(c.Core, graph.AttributeTitle, "Customers", Olu().ID),
		Annotated(c.Core, graph.AttributeDescription, "One row for each customer who signed", Olu().ID),
		Annotated(c.Core.Column("email"), graph.AttributeDescription, "the address that a customer confirmed", Olu().ID),
	}
}

func (c Company) tags() []graph.Item {
	return []graph.Item{
		Confirmed(c.Raw.Column("contact.email"), LabelEmail, Olu().ID),
		Proposed(c.Raw.Column("name"), LabelName, "names", 0.8),
		Rejected(c.Raw.Column("address.city"), LabelName, Olu().ID),
		Confirmed(c.Core.Column("city"), graph.LabelNone, Olu().ID),
		Declared(c.Customers.Column("contact.phone"), LabelPhone, "registry"),
	}
}

func (c Company) lineage() []graph.Item {
	statement := func(id string, because graph.EvidenceKind, target graph.Ref, sql string) graph.Statement {
		return graph.Statement{
			ID: id, Source: "warehouse", Because: because, Dialect: "bigquery", Target: target, SQL: sql, Outcome: graph.OutcomeExact,
		}
	}
	report := statement(jobReport, graph.EvidenceJob, c.Report, "INSERT INTO sales.customersPerCity …")
	report.Outcome, report.Unresolved, report.Reason = graph.OutcomePartial, []string{"vault.f"}, "the function vault.f is not known"
	out := []graph.Item{
		statement(jobCore, graph.EvidenceJob, c.Core, "MERGE sales.customers …"), report,
		statement(c.View.String(), graph.EvidenceView, c.View, "SELECT id, city FROM `shop.sales.customers`"),
	}
	for _, path := range []string{"id", "name", "contact.email", "contact.phone", "address.city", "orders[].sku"} {
		e := Identity(c.Customers.Column(path), c.Raw.Column(path), "")
		e.Because = graph.EvidenceConnector
		out = append(out, e)
	}
	partial := func(e graph.Edge) graph.Edge { e.Outcome = graph.OutcomePartial; return e }
	return append(out,
		Identity(c.Raw.Column("id"), c.Core.Column("id"), jobCore),
		Through(c.Raw.Column("name"), c.Core.Column("name"), graph.EdgeTransformation, "TRIM", jobCore),
		Through(c.Raw.Column("contact.email"), c.Core.Column("email"), graph.EdgeTransformation, "LOWER", jobCore),
		Masked(c.Raw.Column("contact.email"), c.Core.Column("email_hash"), "SHA256", jobCore),
		Identity(c.Raw.Column("address.city"), c.Core.Column("city"), jobCore),
		Identity(c.Core.Column("id"), c.View.Column("id"), c.View.String()),
		Identity(c.Core.Column("city"), c.View.Column("city"), c.View.String()),
		partial(Through(c.Core.Column("city"), c.Report.Column("city"), graph.EdgeGroup, "", jobReport)),
		partial(Through(c.Core.Column("id"), c.Report.Column("customers"), graph.EdgeAggregation, "COUNT", jobReport)),
		partial(Through(c.Core.Column("email"), c.Report.Column("someEmail"), graph.EdgeAggregation, "ANY_VALUE", jobReport)),
		partial(Through(c.Salaries.Column("email"), c.Report.Column("customers"), graph.EdgeJoin, "", jobReport)),
	)
}

// Snapshot returns the company's items as a snapshot.
func (c Company) Snapshot() graph.Snapshot { return graph.NewSnapshot(c.Items...) }

// AnalystFilter is what Ana sees: the dataset of sales and what lies in it,
// but of Raw only that it is there. The topic and the vault are hidden.
func (c Company) AnalystFilter() graph.Filter {
	where := func(a graph.Attribute, in ...string) graph.Clause { return graph.Clause{{Attribute: a, In: in}} }
	return graph.Filter{
		Visible: []graph.Clause{
			where(graph.AttributeRef, c.Dataset.String(), c.Core.String(), c.Report.String(), c.View.String()),
		},
		Discoverable: []graph.Clause{where(graph.AttributeParent, c.Dataset.String())},
	}
}

// Of returns the items of one type among items, in their order.
func Of[T graph.Item](items []graph.Item) []T {
	var out []T
	for _, i := range items {
		if i, ok := i.(T); ok {
			out = append(out, i)
		}
	}
	return out
}
