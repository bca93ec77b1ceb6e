package company

import (
	"embed"
	"time"

	"cadastre.dev/cadastre/internal/sandbox"
	"cadastre.dev/cadastre/internal/sandbox/registry"
)

//go:embed avro/*.avsc
var schemas embed.FS

func schemaOf(name string) string {
	text, err := schemas.ReadFile("avro/" + name + ".avsc")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// World is the company as a sandbox is filled with it: people, warehouse, jobs
// of the nights before now, and schemas.
func World(now time.Time) sandbox.World {
	seed := warehouse()
	seed.Jobs = jobs(now)
	return sandbox.World{Principals: Principals(), Roles: Roles(), Warehouse: seed, Subjects: subjects()}
}

// subjects are the schemas of the topics: by the name of the topic, one by the
// name of its record, one of a second context, and one that others refer to.
func subjects() []registry.Registration {
	return []registry.Registration{
		{Subject: "customers-value", Schema: schemaOf("customers.v1")},
		{Subject: "customers-value", Schema: schemaOf("customers.v2"), Metadata: &registry.Metadata{
			Tags:       map[string][]string{"**.phone": {"PII"}, "com.lumen.customer.Contract.billing_email": {"PII"}},
			Properties: map[string]string{"owner": "otto", "team": "customer-care", "oncall": "+44 7700 900100"},
			Sensitive:  []string{"oncall"},
		}},
		{Subject: "meter_readings-value", Schema: schemaOf("meter_readings"), Metadata: &registry.Metadata{
			Properties: map[string]string{"owner": "otto", "team": "grid-data"},
		}},
		{Subject: "com.lumen.payment.Card", Schema: schemaOf("card")},
		{
			Subject: "payments-value", Schema: schemaOf("payments"),
			References: []registry.Reference{{Name: "com.lumen.payment.Card", Subject: "com.lumen.payment.Card", Version: 1}},
			Metadata: &registry.Metadata{
				Tags:       map[string][]string{"com.lumen.payment.Payment.iban": {"PII", "FINANCIAL"}},
				Properties: map[string]string{"owner": "otto", "team": "billing"},
			},
		},
		{Subject: "support_tickets-value", Schema: schemaOf("support_tickets"), Metadata: &registry.Metadata{
			Tags: map[string][]string{"com.lumen.support.SupportTicket.body": {"FREE_TEXT"}},
		}},
		{Subject: "com.lumen.web.SessionStarted", Schema: schemaOf("session_started")},
		{Subject: ":.staging:customers-value", Schema: schemaOf("customers.v2")},
	}
}
