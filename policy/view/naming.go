package view

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// Naming says how our containers and views are called in a warehouse that
// names things project.container.table. No two things get one name.
type Naming struct {
	// Project holds all our containers. It must be set.
	Project string
	// Prefix begins the name of each of them; every container of the project
	// whose name begins with it and "_" is ours. Defaults to "cadastre".
	Prefix string
	// Home is the location whose containers bear no location in their names.
	// Defaults to "EU".
	Home string
}

// reservedAudience would give a view container the name of the key container.
const reservedAudience = "keys"

// maxName is the longest name of a table in BigQuery, in bytes.
const maxName = 1024

var (
	// prefixPattern and audiencePattern allow no two underscores in a row, so
	// that "__" can separate.
	prefixPattern   = regexp.MustCompile(`^[A-Za-z0-9]+(_[A-Za-z0-9]+)*$`)
	audiencePattern = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)
)

// Container returns the container of an audience's views over bases at a
// location: project.prefix_audience, with "__location" where that is not Home.
// A container has one location, and a view must be where its base is.
func (n Naming) Container(audience, location string) graph.Ref {
	return n.container(audience, location)
}

// Keys returns the container of the key rows for views at a location:
// project.prefix_keys, with "__location" where that is not Home.
func (n Naming) Keys(location string) graph.Ref { return n.container(reservedAudience, location) }

func (n Naming) container(part, location string) graph.Ref {
	name := n.prefix() + "_" + part
	if !strings.EqualFold(location, n.home()) {
		name += "__" + strings.ReplaceAll(strings.ToLower(location), "-", "_")
	}
	return graph.BigQueryRef(n.Project, name)
}

// View returns the view over a base in one of our containers. It is called
// container__table after the base. Where that could be read in two ways or is
// too long, or where the base lies in another project, a hash of the base's
// ref is appended: such a name holds "__" more often than a plain one, so the
// two never meet.
func (n Naming) View(container, base graph.Ref) graph.Ref {
	dataset, table := base.Parent().Base(), base.Base()
	name := dataset + "__" + table
	if base.Parent() != graph.BigQueryRef(n.Project, dataset) ||
		ambiguous(dataset) || ambiguous(table) || len(name) > maxName {
		sum := sha256.Sum256([]byte(base.String()))
		suffix := "__" + hex.EncodeToString(sum[:12])
		name = strings.ToValidUTF8(name[:min(len(name), maxName-len(suffix))], "") + suffix
	}
	return graph.BigQueryRef(container.Name, name)
}

// ambiguous says whether a part could be taken for more or less than itself
// between two "__".
func ambiguous(part string) bool {
	return strings.Contains(part, "__") || strings.HasPrefix(part, "_") || strings.HasSuffix(part, "_")
}

// Owns says whether a container is one of ours by its name.
func (n Naming) Owns(container graph.Ref) bool {
	return strings.HasPrefix(container.Name, n.Project+"."+n.prefix()+"_")
}

// OwnsKeys says whether a container is one of ours and holds key rows.
func (n Naming) OwnsKeys(container graph.Ref) bool {
	name := strings.TrimPrefix(container.Name, n.Project+"."+n.prefix()+"_")
	return n.Owns(container) && (name == reservedAudience || strings.HasPrefix(name, reservedAudience+"__"))
}

// check refuses what could give two things one name, with graph.ErrInvalid.
func (n Naming) check(audiences []graph.Audience) error {
	if n.Project == "" {
		return fmt.Errorf("naming of views: no project: %w", graph.ErrInvalid)
	}
	if !prefixPattern.MatchString(n.prefix()) {
		return fmt.Errorf("naming of views: prefix %q: want letters and digits, single underscores between: %w", n.Prefix, graph.ErrInvalid)
	}
	seen := map[string]bool{reservedAudience: true}
	for _, a := range audiences {
		if !audiencePattern.MatchString(a.Name) {
			return fmt.Errorf("audience %q: want lower-case letters and digits, single underscores between: %w", a.Name, graph.ErrInvalid)
		}
		if seen[a.Name] {
			return fmt.Errorf("audience %q: the name is taken: %w", a.Name, graph.ErrInvalid)
		}
		seen[a.Name] = true
	}
	return nil
}

func (n Naming) prefix() string {
	if n.Prefix == "" {
		return "cadastre"
	}
	return n.Prefix
}

func (n Naming) home() string {
	if n.Home == "" {
		return "EU"
	}
	return n.Home
}
