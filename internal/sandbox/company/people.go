// Package company is the demo's energy retailer: its people, its topics and
// schemas, its warehouse with made-up rows, and the jobs that fill it.
//
// It owns values only, made by a seeded generator, so that every start shows
// the same company. No person, address, account or meter in it exists. It does
// not own how they are served (internal/sandbox does).
//
// Only internal/serve, cmd and tests may import it.
package company

import "cadastre.dev/cadastre/internal/sandbox/directory"

// The company's names.
const (
	// Project is the one Google Cloud project of the company.
	Project = "lumen-prod"
	// Location is where all of its datasets are.
	Location = "EU"
	// Domain is the domain of its people.
	Domain = "lumen.example"
	// Raw, Core and Reporting are its datasets, in the order data flows.
	Raw       = "raw"
	Core      = "core"
	Reporting = "reporting"
	// ClientID is what Cadastre calls itself at the identity provider. The
	// client has no secret: it proves itself by PKCE.
	ClientID = "cadastre"
	// RestrictedTag is the policy tag on the one natively protected column,
	// raw.support_tickets.agent_note.
	RestrictedTag = "projects/lumen-prod/locations/eu/taxonomies/1001/policyTags/2001"
)

// The addresses of the groups.
const (
	Analysts   = "analysts@lumen.example"
	DataOwners = "data-owners@lumen.example"
	Auditors   = "auditors@lumen.example"
	Fraud      = "fraud@lumen.example"
	Everyone   = "everyone@lumen.example"
)

// Ana is an analyst. She may run queries, and has access to no dataset.
func Ana() directory.Principal {
	return person("ana", "Ana Ferreira", "Analyst", Analysts)
}

// Otto owns the data of the customer domain.
func Otto() directory.Principal {
	p := person("otto", "Otto Lindgren", "Data owner, customer domain", DataOwners)
	p.Roles[Project] = append(p.Roles[Project], "roles/bigquery.metadataViewer")
	return p
}

// Audra audits who could see what.
func Audra() directory.Principal {
	return person("audra", "Audra Mbeki", "Auditor", Auditors)
}

// Fay works in the fraud team. Her purpose lets her see data in the clear,
// through views only.
func Fay() directory.Principal {
	return person("fay", "Fay Okonkwo", "Fraud investigator", Fraud)
}

// Crawler is the service account that reads metadata and jobs, and no data.
func Crawler() directory.Principal {
	return service("crawler", "roles/bigquery.metadataViewer", "roles/bigquery.jobUser", "roles/bigquery.resourceViewer")
}

// Publisher is the service account that makes datasets and views, and grants
// them access to their sources: by the entry that each source dataset has for
// PublisherRole, not by a role on the project.
func Publisher() directory.Principal {
	return service("publisher", "roles/bigquery.user")
}

// Scheduler is the service account that runs the scheduled SQL.
func Scheduler() directory.Principal {
	return service("scheduler", "roles/bigquery.dataEditor", "roles/bigquery.jobUser")
}

// PublisherRole is the custom role that the source datasets give to Publisher:
// to know their tables, to read what its views read, and to authorize datasets.
const PublisherRole = "projects/lumen-prod/roles/viewPublisher"

// Roles are the custom roles of the project.
func Roles() map[string][]string {
	return map[string][]string{
		PublisherRole: {
			"bigquery.datasets.get", "bigquery.datasets.update",
			"bigquery.tables.list", "bigquery.tables.get", "bigquery.tables.getData",
		},
	}
}

// Principals are all people and service accounts of the company.
func Principals() []directory.Principal {
	return []directory.Principal{Ana(), Otto(), Audra(), Fay(), Crawler(), Publisher(), Scheduler()}
}

// Token is the fixed bearer token of a principal of the company. It is public:
// it opens nothing but the sandbox.
func Token(p directory.Principal) string { return p.Tokens[0] }

func person(id, name, title, group string) directory.Principal {
	return directory.Principal{
		Email:  id + "@" + Domain,
		Name:   name,
		Title:  title,
		Groups: []string{group, Everyone},
		Roles:  map[string][]string{Project: {"roles/bigquery.jobUser"}},
		Tokens: []string{"sandbox-" + id},
	}
}

func service(id string, roles ...string) directory.Principal {
	return directory.Principal{
		Email:          id + "@" + Project + ".iam.gserviceaccount.com",
		ServiceAccount: true,
		Roles:          map[string][]string{Project: roles},
		Tokens:         []string{"sandbox-" + id},
	}
}
