package bigquery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/graph"
)

func (s *Source) datasetFact(ref graph.Ref, d *bq.Dataset) graph.AssetSeen {
	return graph.AssetSeen{
		Asset: graph.Asset{
			Ref: ref, Kind: graph.KindDataset, Source: s.cfg.Name, Location: d.Location,
			Title: d.FriendlyName, Description: d.Description, Labels: d.Labels,
		},
		Owners: s.owners(ref, s.inherited(d), nil),
		Grants: s.grants(ref, d.Access),
	}
}

// tableFact reads a table. ErrInvalid: its schema is beyond what a table can
// have.
func (s *Source) tableFact(ref graph.Ref, t *bq.Table, from inheritance) (graph.AssetSeen, error) {
	a := graph.Asset{
		Ref: ref, Kind: kindOf(t), Source: s.cfg.Name, Parent: ref.Parent(), Location: t.Location,
		Title: t.FriendlyName, Description: t.Description, Labels: t.Labels, Definition: definition(t),
	}
	var columns []graph.Column
	if t.Schema == nil || len(t.Schema.Fields) == 0 {
		a.Unread = unread(t)
	} else {
		var err error
		if columns, err = flatten(ref, t.Schema.Fields); err != nil {
			return graph.AssetSeen{}, err
		}
	}
	return graph.AssetSeen{Asset: a, Columns: columns, Owners: s.owners(ref, from, t.Labels)}, nil
}

func kindOf(t *bq.Table) graph.Kind {
	switch t.Type {
	case "VIEW":
		return graph.KindView
	case "MATERIALIZED_VIEW":
		return graph.KindMaterializedView
	case "EXTERNAL":
		return graph.KindExternalTable
	case "SNAPSHOT":
		return graph.KindSnapshot
	}
	return graph.KindTable
}

// legacyMark is how BigQuery itself marks a text in its old dialect.
const legacyMark = "#legacySQL\n"

func definition(t *bq.Table) string {
	switch {
	case t.View != nil && t.View.UseLegacySql && !strings.HasPrefix(strings.TrimSpace(t.View.Query), "#"):
		return legacyMark + t.View.Query
	case t.View != nil:
		return t.View.Query
	case t.MaterializedView != nil:
		return t.MaterializedView.Query
	}
	return ""
}

func unread(t *bq.Table) string {
	if t.View != nil || t.MaterializedView != nil {
		return "BigQuery gave no schema of this view; the columns are those that its SQL names."
	}
	return "BigQuery gave no schema of this table: it has no columns yet, or the crawler's identity may not see them (permission bigquery.tables.get)."
}

// The bounds of BigQuery itself.
const (
	maxDepth   = 15
	maxColumns = 10_000
)

// flatten returns the fields as columns, parents before their children.
func flatten(ref graph.Ref, fields []*bq.TableFieldSchema) ([]graph.Column, error) {
	var columns []graph.Column
	seen := map[string]bool{}
	var add func(parent *graph.Column, fields []*bq.TableFieldSchema, depth int) error
	add = func(parent *graph.Column, fields []*bq.TableFieldSchema, depth int) error {
		if depth > maxDepth && len(fields) > 0 {
			return fmt.Errorf("crawl %s: columns are nested more than %d deep: %w", ref.Name, maxDepth, graph.ErrInvalid)
		}
		for _, f := range fields {
			path := f.Name
			if parent != nil {
				path = graph.ChildPath(*parent, f.Name)
			}
			c := graph.Column{Ref: ref.Column(path), Position: len(columns), Type: typeOf(f), Mode: modeOf(f), Description: f.Description}
			if f.PolicyTags != nil {
				c.PolicyTags = f.PolicyTags.Names
			}
			if f.Name == "" || seen[c.Key()] || len(columns) == maxColumns {
				return fmt.Errorf("crawl %s: column %q has no name, is there twice, or is one of more than %d: %w", ref.Name, path, maxColumns, graph.ErrInvalid)
			}
			seen[c.Key()] = true
			columns = append(columns, c)
			if err := add(&c, f.Fields, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return columns, add(nil, fields, 1)
}

func typeOf(f *bq.TableFieldSchema) string {
	t := strings.ToUpper(f.Type)
	if t == "RANGE" && f.RangeElementType != nil {
		return "RANGE<" + strings.ToUpper(f.RangeElementType.Type) + ">"
	}
	return t
}

func modeOf(f *bq.TableFieldSchema) graph.Mode {
	switch strings.ToUpper(f.Mode) {
	case "REQUIRED":
		return graph.ModeRequired
	case "REPEATED":
		return graph.ModeRepeated
	}
	return graph.ModeNullable
}

// inheritance is what tables take from their dataset.
type inheritance struct {
	// Labelled are the owners that the dataset's labels name; they stand for
	// tables whose own labels name none.
	Labelled []string
	// Access are the people and groups that own the dataset by its access.
	Access []string
}

func (i inheritance) hash() string { return hash(i.Labelled, i.Access) }

func (s *Source) inherited(d *bq.Dataset) inheritance {
	i := inheritance{Labelled: s.labelled(d.Labels)}
	for _, e := range d.Access {
		if e.Role != "OWNER" && e.Role != "roles/bigquery.dataOwner" {
			continue
		}
		switch {
		case e.UserByEmail != "":
			i.Access = append(i.Access, "user:"+e.UserByEmail)
		case e.GroupByEmail != "":
			i.Access = append(i.Access, "group:"+e.GroupByEmail)
		}
	}
	slices.Sort(i.Access)
	i.Access = slices.Compact(i.Access)
	return i
}

// labelled returns the owners that labels name, each once, in the order of the
// configured labels.
func (s *Source) labelled(labels map[string]string) []string {
	var out []string
	for _, label := range s.cfg.OwnerLabels {
		value := labels[label]
		if value == "" {
			continue
		}
		principal := cmp.Or(s.cfg.Owners[value], "team:"+value)
		if !slices.Contains(out, principal) {
			out = append(out, principal)
		}
	}
	return out
}

func (s *Source) owners(ref graph.Ref, from inheritance, labels map[string]string) []graph.Owner {
	says := graph.Provenance{Kind: graph.BySource, Name: s.cfg.Name}
	own := s.labelled(labels)
	if len(own) == 0 {
		own = from.Labelled
	}
	var out []graph.Owner
	for _, principal := range own {
		out = append(out, graph.Owner{Asset: ref, Principal: principal, Role: graph.OwnerAccountable, Provenance: says})
	}
	for _, principal := range from.Access {
		out = append(out, graph.Owner{Asset: ref, Principal: principal, Role: graph.OwnerTechnical, Provenance: says})
	}
	return out
}

// grants reads a dataset's access, each right once, sorted.
func (s *Source) grants(ref graph.Ref, access []*bq.DatasetAccess) []graph.Grant {
	var out []graph.Grant
	for _, e := range access {
		principal, role := principalOf(e), e.Role
		if e.View != nil || e.Routine != nil || e.Dataset != nil {
			role = graph.RoleAuthorized
		}
		if principal == "" || role == "" {
			continue
		}
		says := graph.Provenance{Kind: graph.BySource, Name: s.cfg.Name}
		if e.Condition != nil {
			says.Why = "only where " + e.Condition.Expression
		}
		out = append(out, graph.Grant{On: ref, Principal: principal, Role: role, Provenance: says})
	}
	// Of one right with and without a condition, the one without counts.
	slices.SortFunc(out, func(a, b graph.Grant) int {
		return cmp.Or(cmp.Compare(a.Key(), b.Key()), cmp.Compare(a.Provenance.Why, b.Provenance.Why))
	})
	return slices.CompactFunc(out, func(a, b graph.Grant) bool { return a.Key() == b.Key() })
}

func principalOf(e *bq.DatasetAccess) string {
	switch {
	case e.UserByEmail != "":
		return "user:" + e.UserByEmail
	case e.GroupByEmail != "":
		return "group:" + e.GroupByEmail
	case e.Domain != "":
		return "domain:" + e.Domain
	case e.SpecialGroup != "":
		return "special:" + e.SpecialGroup
	case e.IamMember != "":
		return iamPrincipal(e.IamMember)
	case e.View != nil:
		return "view:" + graph.BigQueryRef(e.View.ProjectId, e.View.DatasetId, e.View.TableId).String()
	case e.Routine != nil:
		return "routine:" + graph.BigQueryRef(e.Routine.ProjectId, e.Routine.DatasetId, e.Routine.RoutineId).String()
	case e.Dataset != nil && e.Dataset.Dataset != nil:
		return "dataset:" + graph.BigQueryRef(e.Dataset.Dataset.ProjectId, e.Dataset.Dataset.DatasetId).String()
	}
	return ""
}

// iamPrincipal writes IAM's members as grants do: a service account is a user,
// and what has no kind ("allUsers") is special.
func iamPrincipal(member string) string {
	if account, ok := strings.CutPrefix(member, "serviceAccount:"); ok {
		return "user:" + account
	}
	if !strings.Contains(member, ":") {
		return "special:" + member
	}
	return member
}
