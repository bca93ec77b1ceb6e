package viewtest

import (
	"context"
	"fmt"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
)

// Project and Source are where the suite's bases lie, Location is where that
// is.
const (
	Project  = "house"
	Source   = "raw"
	Location = "EU"
)

// Subject is a target under test, and the warehouse behind it in which the
// tables of Bases stand with an empty list of readers.
type Subject struct {
	Target  view.Target
	Dialect view.Dialect
	// Publisher is the principal as whom the target writes.
	Publisher string
	World     World
}

// World is what other people do to the warehouse, past the target.
type World interface {
	// EditView gives a view of ours another text.
	EditView(ctx context.Context, ref graph.Ref) error
	// PutView makes a view of somebody else's.
	PutView(ctx context.Context, ref graph.Ref) error
	// AddColumn adds a STRING column to a base.
	AddColumn(ctx context.Context, base graph.Ref, name string) error
	// Admit lets a group read a container.
	Admit(ctx context.Context, container graph.Ref, group string) error
}

// Names are the suite's.
func Names() view.Naming { return view.Naming{Project: Project, Home: Location} }

// Audiences are the suite's: analysts are shown little in the clear, and the
// fraud team more.
func Audiences() []graph.Audience {
	return []graph.Audience{
		{Name: "analysts", Groups: []string{"analysts@house.example"}, Purpose: "analytics"},
		{Name: "fraud", Groups: []string{"fraud@house.example"}, Purpose: "fraud_detection"},
	}
}

// Customers and Payments are the suite's bases.
func Customers() graph.Ref { return graph.BigQueryRef(Project, Source, "customers") }

// Payments has no nested columns.
func Payments() graph.Ref { return graph.BigQueryRef(Project, Source, "payments") }

// Bases are the suite's tables: every mode, nested and repeated. A column's
// class is its path within its table's name.
func Bases() []view.Base {
	return []view.Base{
		Base(Customers(),
			"id INTEGER required", "contact RECORD", "contact.email STRING", "contact.phones STRING repeated",
			"contact.home RECORD", "contact.home.city STRING", "contact.home.street STRING",
			"orders RECORD repeated", "orders[].sku STRING", "orders[].note STRING", "looked_at_by_nobody STRING"),
		Base(Payments(), "id INTEGER", "iban STRING", "amount NUMERIC", "paid_at TIMESTAMP"),
	}
}

// Base makes a base of columns written "path TYPE mode"; without a mode they
// are nullable. A column is assessed to hold nothing personal, unless its name
// says that nobody looked at it.
func Base(ref graph.Ref, columns ...string) view.Base {
	b := view.Base{Asset: graph.Asset{Ref: ref, Kind: graph.KindTable, Parent: ref.Parent(), Location: Location}}
	for i, text := range columns {
		var path, kind, mode string
		_, _ = fmt.Sscan(text, &path, &kind, &mode) // the mode may be missing
		if mode == "" {
			mode = string(graph.ModeNullable)
		}
		c := view.Column{
			Column:     graph.Column{Ref: ref.Column(path), Position: i, Type: kind, Mode: graph.Mode(mode)},
			Class:      Class(ref, path),
			Assessment: graph.AssessedNone,
		}
		if c.Name() == "looked_at_by_nobody" {
			c.Assessment = graph.Untouched
		}
		b.Columns = append(b.Columns, c)
	}
	return b
}

// Class is the class of a column of the suite.
func Class(base graph.Ref, path string) graph.Class { return graph.Class(base.Base() + "#" + path) }

// Desired is the suite's desired state: everything allowed that is not named
// here.
func Desired(publisher string) view.Desired {
	d := view.Desired{
		Catalog: "suite", Target: "warehouse", Revision: 7, Policy: "first", Names: Names(), Publisher: publisher,
		Audiences: Audiences(), Bases: Bases(), Decisions: map[view.Asked]graph.Decision{},
	}
	for _, a := range d.Audiences {
		for _, b := range d.Bases {
			for _, c := range b.Columns {
				Decide(&d, a.Name, c.Class, graph.EffectAllow, "", "")
			}
		}
	}
	Decide(&d, "analysts", Class(Customers(), "contact.email"), graph.EffectMask, "hash", "email")
	Decide(&d, "analysts", Class(Customers(), "contact.phones"), graph.EffectMask, "hash", "phone")
	Decide(&d, "analysts", Class(Customers(), "orders[].note"), graph.EffectMask, "null", "")
	Decide(&d, "analysts", Class(Customers(), "contact.home.street"), graph.EffectDeny, "", "")
	Decide(&d, "analysts", Class(Payments(), "iban"), graph.EffectMask, "hash", "iban")
	return d
}

// Decide sets a decision of a desired state.
func Decide(d *view.Desired, audience string, class graph.Class, effect graph.Effect, method, domain string) {
	d.Decisions[view.Asked{Audience: audience, Class: class}] = graph.Decision{
		Audience: audience, Class: class, Effect: effect, Method: method, Domain: domain, Policy: d.Policy,
		Rules: []graph.Rule{{ID: "suite." + string(effect), Why: "The suite decides so."}},
	}
}
