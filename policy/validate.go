package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"cadastre.dev/cadastre/graph"
)

// validate lists all faults of the configuration at once: a policy over
// faulty data would deny in ways that nobody could explain.
func (d Data) validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf(format+": %w", append(args, graph.ErrInvalid)...))
	}
	names := map[string]bool{}
	for i, a := range d.Audiences {
		switch {
		case a.Name == "":
			fault("audiences[%d]: no name", i)
		case names[a.Name]:
			fault("audiences[%d]: second audience %q", i, a.Name)
		case len(a.Groups) == 0:
			fault("audience %q: no groups", a.Name)
		}
		names[a.Name] = true
	}
	for name := range d.Containers {
		if !names[name] {
			fault("containers: no audience %q", name)
		}
	}
	for i, v := range d.Visibility {
		if len(v.Groups) == 0 {
			fault("visibility[%d]: no groups", i)
		}
		if !slices.Contains([]graph.Visibility{graph.Visible, graph.Discoverable}, v.Visibility) {
			fault("visibility[%d]: %q: want %s or %s", i, v.Visibility, graph.Visible, graph.Discoverable)
		}
		if v.Where != nil {
			if err := validateClauses([]graph.Clause{v.Where}); err != nil {
				faults = append(faults, fmt.Errorf("visibility[%d]: %w", i, err))
			}
		}
	}
	return errors.Join(faults...)
}

// fits checks the configuration against the purposes and roles that a bundle
// names in its data: a name misspelt would protect, but nobody would see why.
// A bundle that names none leaves them open.
func (d Data) fits(bundle map[string]any) error {
	var faults []error
	check := func(what, of, name string) {
		known, named := bundle[of].(map[string]any)
		if _, ok := known[name]; named && name != "" && !ok {
			faults = append(faults, fmt.Errorf("%s: %q: want one of %v: %w", what, name, slices.Sorted(maps.Keys(known)), graph.ErrInvalid))
		}
	}
	for _, a := range d.Audiences {
		check(fmt.Sprintf("purpose of audience %q", a.Name), "purposes", a.Purpose)
	}
	for _, role := range slices.Sorted(maps.Keys(d.Roles)) {
		check("role", "roles", role)
	}
	return errors.Join(faults...)
}
