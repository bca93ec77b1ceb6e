package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"cadastre.dev/cadastre/graph"
)

type ownCommand struct {
	Ref       string `arg:"" help:"The asset, as namespace/name."`
	Principal string `arg:"" optional:"" help:"user:ADDRESS, group:ADDRESS or team:NAME. Without it, who is named is shown."`
	Role      string `enum:"accountable,technical" default:"accountable" help:"accountable or technical."`
	Withdraw  bool   `help:"Take the principal from the owners; without one, take back all that a person said, so that the source's owners count again."`
	Reason    string `help:"Why; shown beside the owners."`
}

type ownerAnswer struct {
	Principal  string           `json:"principal"`
	Role       graph.OwnerRole  `json:"role"`
	Provenance graph.Provenance `json:"provenance"`
	// Effective owners count; the others are whom the source names still.
	Effective bool `json:"effective"`
}

// Run says who owns something as the person at this machine, on top of who is
// said to own it now, or shows that.
func (c *ownCommand) Run(ctx context.Context, all *commands, s *streams) error {
	ref, err := graph.ParseRef(c.Ref)
	if err != nil {
		return err
	}
	app, err := all.openCatalog(ctx, s)
	if err != nil {
		return err
	}
	defer s.closing(app)
	owners, err := app.OwnersOf(ctx, app.LocalPrincipal(), ref)
	if err != nil {
		return err
	}
	var revision graph.Revision
	if c.Principal != "" || c.Withdraw {
		request, err := c.request(ref, owners)
		if err != nil {
			return err
		}
		if revision, err = app.Own(ctx, app.LocalPrincipal(), []graph.OwnRequest{request}); err != nil {
			return err
		}
		if owners, err = app.OwnersOf(ctx, app.LocalPrincipal(), ref); err != nil {
			return err
		}
	}
	return c.show(s, owners, revision)
}

// request names all owners of the role as they are to be.
func (c *ownCommand) request(ref graph.Ref, owners []graph.Owner) (graph.OwnRequest, error) {
	request := graph.OwnRequest{Ref: ref, Role: graph.OwnerRole(c.Role), Was: []string{}, Reason: c.Reason}
	byPerson := false
	for _, o := range graph.EffectiveOwners(owners) {
		if o.Role == request.Role {
			request.Was = append(request.Was, o.Principal)
			byPerson = byPerson || o.Provenance.Kind == graph.ByPerson
		}
	}
	switch at := slices.Index(request.Was, c.Principal); {
	case c.Withdraw && c.Principal == "":
	case !c.Withdraw:
		request.Principals = append(slices.Clone(request.Was), c.Principal)
	case at < 0:
		return request, fmt.Errorf("own %s: %s is no %s owner of it; there are %q: %w", ref, c.Principal, c.Role, request.Was, graph.ErrNotFound)
	case len(request.Was) == 1 && !byPerson:
		return request, fmt.Errorf("own %s: its source names %s alone as %s owner; name who owns it instead first: %w", ref, c.Principal, c.Role, graph.ErrInvalid)
	default:
		request.Principals = slices.Delete(slices.Clone(request.Was), at, at+1)
	}
	return request, nil
}

func (c *ownCommand) show(s *streams, owners []graph.Owner, revision graph.Revision) error {
	effective := graph.EffectiveOwners(owners)
	answer := struct {
		Revision graph.Revision `json:"revision,omitempty"`
		Owners   []ownerAnswer  `json:"owners"`
	}{revision, []ownerAnswer{}}
	for _, o := range owners {
		answer.Owners = append(answer.Owners, ownerAnswer{o.Principal, o.Role, o.Provenance, slices.Contains(effective, o)})
	}
	return s.print(answer, func(w io.Writer) {
		if revision > 0 {
			_, _ = fmt.Fprintf(w, "revision %d\n", revision)
		}
		for _, o := range answer.Owners {
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\tby %s %s\n", o.Role, o.Principal, counting(o.Effective), o.Provenance.Kind, o.Provenance.Name)
		}
		if len(answer.Owners) == 0 {
			_, _ = fmt.Fprintln(w, "nobody owns it")
		}
	})
}
