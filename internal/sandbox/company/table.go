package company

import (
	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/sandbox/bigquery"
)

// field is a column; what is said of it is its description.
func field(name, kind, said string) *bq.TableFieldSchema {
	return &bq.TableFieldSchema{Name: name, Type: kind, Mode: "NULLABLE", Description: said}
}

func required(f *bq.TableFieldSchema) *bq.TableFieldSchema {
	f.Mode = "REQUIRED"
	return f
}

func repeated(f *bq.TableFieldSchema) *bq.TableFieldSchema {
	f.Mode = "REPEATED"
	return f
}

func record(name, said string, fields ...*bq.TableFieldSchema) *bq.TableFieldSchema {
	return &bq.TableFieldSchema{Name: name, Type: "RECORD", Mode: "NULLABLE", Description: said, Fields: fields}
}

// table is a table of the company with its labels and, if it has any, rows.
type table struct {
	dataset, name, said string
	team, domain        string
	owner               string
	fields              []*bq.TableFieldSchema
	rows                []row
	query               string // of a view
}

func ref(dataset, name string) *bq.TableReference {
	return &bq.TableReference{ProjectId: Project, DatasetId: dataset, TableId: name}
}

// resource is the table as the warehouse keeps it.
func (t table) resource() *bq.Table {
	r := &bq.Table{
		TableReference: ref(t.dataset, t.name), Description: t.said, Schema: &bq.TableSchema{Fields: t.fields},
		Labels: map[string]string{"owner": t.owner, "team": t.team, "domain": t.domain},
	}
	if t.query != "" {
		r.View = &bq.ViewDefinition{Query: t.query}
	}
	return r
}

func tables() []table {
	all := rawTables()
	all = append(all, coreTables()...)
	return append(all, reportingTables()...)
}

// warehouse is all of the company's warehouse but its jobs.
func warehouse() bigquery.Seed {
	seed := bigquery.Seed{Datasets: datasets(), Rows: map[string][]map[string]any{}}
	for _, t := range tables() {
		seed.Tables = append(seed.Tables, t.resource())
		if len(t.rows) > 0 {
			seed.Rows[bigquery.Key(ref(t.dataset, t.name))] = t.rows
		}
	}
	return seed
}

// datasets have access entries for their owners, for the services that write
// them, and for Cadastre's two service accounts; for no analyst.
func datasets() []*bq.Dataset {
	entry := func(role, email string) *bq.DatasetAccess { return &bq.DatasetAccess{Role: role, UserByEmail: email} }
	common := func(entries ...*bq.DatasetAccess) []*bq.DatasetAccess {
		return append(entries,
			&bq.DatasetAccess{Role: "OWNER", SpecialGroup: "projectOwners"},
			entry("OWNER", Otto().Email),
			entry("roles/bigquery.metadataViewer", Crawler().Email),
			entry(PublisherRole, Publisher().Email),
			entry("WRITER", Scheduler().Email))
	}
	dataset := func(name, title, said string, access []*bq.DatasetAccess) *bq.Dataset {
		return &bq.Dataset{
			DatasetReference: &bq.DatasetReference{ProjectId: Project, DatasetId: name}, Location: Location,
			FriendlyName: title, Description: said, Access: access, Labels: map[string]string{"owner": "otto", "team": "data-platform"},
		}
	}
	throughViews := &bq.DatasetAccess{Dataset: &bq.DatasetAccessEntry{
		Dataset: &bq.DatasetReference{ProjectId: Project, DatasetId: Reporting}, TargetTypes: []string{"VIEWS"},
	}}
	return []*bq.Dataset{
		dataset(Raw, "Raw", "Topics as they come in: one table a topic, nothing changed.", common()),
		dataset(Core, "Core", "Cleaned tables that the rest builds on.", common(throughViews)),
		dataset(Reporting, "Reporting", "Tables and views for dashboards.",
			common(&bq.DatasetAccess{Role: "READER", GroupByEmail: DataOwners})),
	}
}

func rawTables() []table {
	return []table{
		{Raw, "customers", "Households and businesses that buy energy from Lumen.", "customer-care", "customer", "otto", customerFields(), customerRows(), ""},
		{Raw, "meter_readings", "Readings of smart meters.", "grid-data", "consumption", "otto", readingFields(), readingRows(), ""},
		{Raw, "payments", "Money received from customers.", "billing", "payment", "otto", paymentFields(), paymentRows(), ""},
		{Raw, "support_tickets", "Questions and complaints, as they were written.", "customer-care", "customer", "otto", ticketFields(), ticketRows(), ""},
		{Raw, "web_sessions", "Visits to the customer portal.", "web", "web", "otto", sessionFields(), sessionRows(), ""},
	}
}

func customerFields() []*bq.TableFieldSchema {
	return []*bq.TableFieldSchema{
		required(field("customer_id", "STRING", "Stable key of the customer.")),
		field("created_at", "TIMESTAMP", "When the customer signed up."),
		field("segment", "STRING", ""),
		field("full_name", "STRING", "Given and family name."),
		field("date_of_birth", "DATE", "Asked of households only."),
		record("contact", "How the customer is reached.",
			field("email", "STRING", "E-mail address for bills and notices."),
			field("phone", "STRING", "Mobile number."),
			record("address", "Where the energy is delivered.",
				field("street", "STRING", ""), field("city", "STRING", ""), field("postcode", "STRING", ""), field("country", "STRING", ""),
				record("geo", "", field("lat", "FLOAT", ""), field("lon", "FLOAT", "")))),
		repeated(record("contracts", "All contracts, the oldest first.",
			field("contract_id", "STRING", ""), field("meter_id", "STRING", "The meter that the contract is for."), field("tariff", "STRING", ""),
			field("start_date", "DATE", ""), field("end_date", "DATE", ""),
			field("billing_email", "STRING", "Where the bills of this contract go, if elsewhere."))),
		field("marketing_consent", "BOOLEAN", "Whether marketing may write to the customer."),
		field("last_email_sent_at", "TIMESTAMP", "When the last notice was sent."),
	}
}

func readingFields() []*bq.TableFieldSchema {
	return []*bq.TableFieldSchema{
		required(field("reading_id", "STRING", "")), field("meter_id", "STRING", "Serial number of the meter, one household each."),
		field("customer_id", "STRING", ""), field("read_at", "TIMESTAMP", ""),
		field("kwh", "FLOAT", "Energy since the reading before, in kilowatt-hours."),
		record("device", "", field("serial", "STRING", ""), field("firmware", "STRING", ""), field("ip_address", "STRING", "")),
	}
}

func paymentFields() []*bq.TableFieldSchema {
	return []*bq.TableFieldSchema{
		required(field("payment_id", "STRING", "")), field("customer_id", "STRING", ""), field("paid_at", "TIMESTAMP", ""),
		field("amount", "NUMERIC", ""), field("currency", "STRING", ""), field("method", "STRING", ""),
		field("iban", "STRING", "Account that was debited."),
		record("card", "", field("holder", "STRING", ""), field("pan", "STRING", "The card's number."), field("expiry", "STRING", "")),
		repeated(record("lines", "", field("invoice_id", "STRING", ""), field("amount", "NUMERIC", ""))),
	}
}

func ticketFields() []*bq.TableFieldSchema {
	note := field("agent_note", "STRING", "For the eyes of the support team.")
	note.PolicyTags = &bq.TableFieldSchemaPolicyTags{Names: []string{RestrictedTag}}
	return []*bq.TableFieldSchema{
		required(field("ticket_id", "STRING", "")), field("customer_id", "STRING", ""), field("opened_at", "TIMESTAMP", ""),
		field("channel", "STRING", ""), field("subject", "STRING", ""), field("body", "STRING", "What the customer wrote, as it came in."),
		note, repeated(field("labels", "STRING", "")),
	}
}

func sessionFields() []*bq.TableFieldSchema {
	return []*bq.TableFieldSchema{
		required(field("session_id", "STRING", "")), field("customer_id", "STRING", ""), field("started_at", "TIMESTAMP", ""),
		field("ip_address", "STRING", ""), field("user_agent", "STRING", ""),
		repeated(record("pages", "", field("path", "STRING", ""), field("viewed_at", "TIMESTAMP", ""))),
	}
}

func coreTables() []table {
	return []table{
		{Core, "customers", "One row a customer, flat.", "data-platform", "customer", "otto", []*bq.TableFieldSchema{
			field("customer_id", "STRING", ""), field("full_name", "STRING", ""), field("email", "STRING", ""), field("phone", "STRING", ""),
			field("city", "STRING", ""), field("postcode", "STRING", ""), field("birth_year", "INTEGER", ""), field("segment", "STRING", ""),
			field("contract_count", "INTEGER", ""), field("customer_since", "DATE", ""),
		}, coreCustomerRows(), ""},
		{Core, "payments", "Payments that count.", "data-platform", "payment", "otto", []*bq.TableFieldSchema{
			field("payment_id", "STRING", ""), field("customer_id", "STRING", ""), field("paid_at", "TIMESTAMP", ""), field("amount", "NUMERIC", ""),
			field("method", "STRING", ""), field("iban", "STRING", ""), field("card_holder", "STRING", ""), field("card_last4", "STRING", ""),
		}, corePaymentRows(), ""},
		{Core, "daily_consumption", "Energy by customer and day.", "data-platform", "consumption", "otto", []*bq.TableFieldSchema{
			field("customer_id", "STRING", ""), field("meter_id", "STRING", ""), field("day", "DATE", ""), field("kwh", "FLOAT", ""),
			field("readings", "INTEGER", ""), field("peak_kwh", "FLOAT", ""),
		}, dailyConsumptionRows(), ""},
	}
}

func reportingTables() []table {
	return []table{
		{Reporting, "customer_value", "What each customer has paid, without names.", "insight", "customer", "otto", []*bq.TableFieldSchema{
			field("customer_key", "STRING", "Hash of the e-mail address."), field("segment", "STRING", ""), field("city", "STRING", ""),
			field("total_paid", "NUMERIC", ""), field("payments", "INTEGER", ""), field("last_paid_at", "TIMESTAMP", ""), field("rank_in_city", "INTEGER", ""),
		}, customerValueRows(), ""},
		{Reporting, "monthly_revenue", "Revenue by month and segment.", "insight", "payment", "otto", []*bq.TableFieldSchema{
			field("month", "DATE", ""), field("segment", "STRING", ""), field("revenue", "NUMERIC", ""), field("customers", "INTEGER", ""),
		}, monthlyRevenueRows(), ""},
		{Reporting, "customer_overview", "Customers with all that they used.", "insight", "customer", "otto", []*bq.TableFieldSchema{
			field("customer_id", "STRING", ""), field("full_name", "STRING", ""), field("email", "STRING", ""), field("city", "STRING", ""),
			field("segment", "STRING", ""), field("kwh_total", "FLOAT", ""),
		}, nil, sqlOf("reporting.customer_overview")},
		{Reporting, "top_consumers", "The ten that used most, by day.", "insight", "consumption", "otto", []*bq.TableFieldSchema{
			field("customer_id", "STRING", ""), field("day", "DATE", ""), field("kwh", "FLOAT", ""), field("place", "INTEGER", ""),
		}, nil, sqlOf("reporting.top_consumers")},
		{Reporting, "open_contracts", "Contracts that run, and where their bills go.", "insight", "customer", "otto", []*bq.TableFieldSchema{
			field("customer_id", "STRING", ""), field("contract_id", "STRING", ""), field("tariff", "STRING", ""), field("start_date", "DATE", ""),
			field("billing_email", "STRING", ""),
		}, nil, sqlOf("reporting.open_contracts")},
	}
}
