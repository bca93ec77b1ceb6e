package view

import (
	"fmt"
	"slices"
	"strings"

	"cadastre.dev/cadastre/graph"
)

// The roles and principals of BigQuery's access entries that planning tells
// apart.
const (
	roleReader    = "READER"
	roleOwner     = "OWNER"
	projectOwners = "special:projectOwners"
)

// leftovers plans to drop the views of ours that follow from nothing, and
// reports what is not ours in our containers.
func (pl *planner) leftovers() {
	for ref, v := range pl.p.Views {
		switch {
		case pl.wanted[ref], v.Managed && pl.isKept(ref):
		case !v.Managed:
			if pl.d.Names.Owns(ref.Parent()) {
				pl.find(ref, graph.FindingWarn, "foreign-view", "Something that Cadastre did not make stands in its container; it reads every base that authorizes the container.", "Remove it, and let nobody but the publisher create there.", pl.namesakes(ref)...)
			}
		default:
			reading, _ := pl.dialect.Read(v.SQL)
			pl.add(graph.Step{
				Kind: graph.StepDropView, Object: ref, Audience: pl.audienceOf(ref.Parent()), Base: reading.Base,
				Why:    "No column of the base is decided visible for the audience, or one of the two is gone.",
				Before: v.SQL, Undo: "Make the view again.",
			})
			pl.touch(ref.Parent())
		}
	}
}

// namesakes returns the bases whose views would have a name: it tells of them,
// whoever gave it.
func (pl *planner) namesakes(ref graph.Ref) []graph.Ref {
	var bases []graph.Ref
	for _, b := range pl.d.Bases {
		if pl.d.Names.View(ref.Parent(), b.Asset.Ref) == ref {
			bases = append(bases, b.Asset.Ref)
		}
	}
	slices.SortFunc(bases, graph.CompareRefs)
	return bases
}

// isKept says whether a view is left as it is.
func (pl *planner) isKept(ref graph.Ref) bool { return pl.kept[ref] || pl.keptNames[ref.Base()] }

// containers plans the containers that are missing and the keys in them.
func (pl *planner) containers() {
	for ref, n := range pl.needs {
		if _, stands := pl.p.Containers[ref]; !stands {
			step := graph.Step{
				Kind: graph.StepCreateContainer, Object: ref, Audience: n.audience, Location: n.location,
				Why:  fmt.Sprintf("The views for %s over what lies in %s need a container there.", n.audience, n.location),
				Undo: "Remove the container, if nothing else is in it.",
			}
			if pl.d.Names.OwnsKeys(ref) {
				step.Why = fmt.Sprintf("The keys of the views in %s need a container that nobody may read.", n.location)
				step.Undo = "The container and its keys stay; nobody may read them."
			}
			pl.add(step)
		}
		for id := range n.keys {
			if !slices.Contains(pl.p.KeyIDs[ref], id) {
				pl.add(graph.Step{
					Kind: graph.StepPutKey, Object: ref, After: id, Location: n.location,
					Why:  fmt.Sprintf("Views mask with the key %q; without it they would show no row.", id),
					Undo: "The key stays; nobody may read it.",
				})
			}
		}
	}
}

// authorizations plans that each source authorizes the containers that read
// it, one step for all views of a container, and no other of ours.
func (pl *planner) authorizations() {
	for l := range pl.links {
		principal := datasetPrincipal(l.container)
		if !pl.p.Containers[l.source].has(principal, graph.RoleAuthorized) {
			pl.add(graph.Step{
				Kind: graph.StepAuthorize, Object: l.source, Base: l.source, Audience: l.audience, Principal: principal, Role: graph.RoleAuthorized,
				Why:   fmt.Sprintf("The views for %s read from it, and their readers must not need to.", l.audience),
				After: fmt.Sprintf("The views of %s may read %s.", l.container.Name, l.source.Name),
				Undo:  "Take the authorization back.",
			})
			pl.touch(l.container)
		}
	}
	linked := map[graph.Ref]map[string]bool{}
	for l := range pl.links {
		if linked[l.source] == nil {
			linked[l.source] = map[string]bool{}
		}
		linked[l.source][datasetPrincipal(l.container)] = true
	}
	for ref, c := range pl.p.Containers {
		if pl.d.Names.Owns(ref) && !pl.d.Names.OwnsKeys(ref) {
			continue
		}
		for _, g := range c.Access {
			container, ok := ourDataset(pl.d.Names, g)
			if !ok || linked[ref][g.Principal] || pl.keepsFrom(container, ref) {
				continue
			}
			pl.add(graph.Step{
				Kind: graph.StepRevoke, Object: ref, Base: ref, Audience: pl.audienceOf(container), Principal: g.Principal, Role: graph.RoleAuthorized,
				Why:    "No view in that container reads from it any more.",
				Before: fmt.Sprintf("The views of %s may read %s.", container.Name, ref.Name),
				Undo:   "Give the authorization again.",
			})
		}
	}
}

// keepsFrom says whether a view that is left as it is may still read a source.
func (pl *planner) keepsFrom(container, source graph.Ref) bool {
	for ref, v := range pl.p.Views {
		if ref.Parent() != container || pl.wanted[ref] || !v.Managed || !pl.isKept(ref) {
			continue
		}
		reading, ok := pl.dialect.Read(v.SQL)
		if !ok || reading.Base.Parent() == source || pl.d.Names.OwnsKeys(source) {
			return true
		}
	}
	return false
}

// readers plans who may read our containers: the groups of the audience.
func (pl *planner) readers() {
	for ref, n := range pl.needs {
		if a, ok := pl.audience(n.audience); ok {
			pl.admit(ref, a)
		}
	}
	for ref, c := range pl.p.Containers {
		switch {
		case pl.d.Names.OwnsKeys(ref):
			pl.guardKeys(ref, c)
		case pl.d.Names.Owns(ref) && c.Managed:
			a, _ := pl.audience(pl.audienceOf(ref))
			pl.dismiss(ref, c, a.Groups)
		}
	}
}

// admit plans that the groups of an audience may read its container.
func (pl *planner) admit(ref graph.Ref, a graph.Audience) {
	for _, group := range a.Groups {
		if !strings.Contains(group, "@") {
			pl.find(ref, graph.FindingBlock, "group-address", fmt.Sprintf("The group %q of %s is no address, so the warehouse cannot know it.", group, a.Name), "Name the group by its address.")
			continue
		}
		if pl.p.Containers[ref].has("group:"+group, roleReader) {
			continue
		}
		pl.add(graph.Step{
			Kind: graph.StepGrant, Object: ref, Audience: a.Name, Principal: "group:" + group, Role: roleReader,
			Why:   fmt.Sprintf("Members of %s belong to %s.", group, a.Name),
			After: fmt.Sprintf("group:%s may read %s.", group, ref.Name),
			Undo:  "Take the right back.",
		})
	}
}

// dismiss plans that groups which do not belong to the audience lose the right
// to read its container, and reports every other right that is not ours.
func (pl *planner) dismiss(ref graph.Ref, c Container, groups []string) {
	for _, g := range c.Access {
		group, isGroup := strings.CutPrefix(g.Principal, "group:")
		ours := isGroup && g.Role == roleReader
		switch {
		case g.Principal == projectOwners && g.Role == roleOwner, pl.isPublisher(g):
		case ours && slices.ContainsFunc(groups, func(x string) bool { return strings.EqualFold(x, group) }):
		case ours:
			pl.add(graph.Step{
				Kind: graph.StepRevoke, Object: ref, Audience: pl.audienceOf(ref), Principal: g.Principal, Role: g.Role,
				Why:    "The group does not belong to the audience.",
				Before: fmt.Sprintf("%s may read %s.", g.Principal, ref.Name),
				Undo:   "Give the right again.",
			})
		default:
			pl.find(ref, graph.FindingWarn, "foreign-grant", fmt.Sprintf("%s has %s on a container of views, past the audience.", g.Principal, g.Role), "Take the right away, or add a group to the audience.", holders(g)...)
		}
	}
}

// guardKeys reports everybody who could read keys: who reads them unmasks all
// that they mask.
func (pl *planner) guardKeys(ref graph.Ref, c Container) {
	for _, g := range c.Access {
		_, authorized := ourDataset(pl.d.Names, g)
		if authorized || (g.Role == roleOwner && g.Principal == projectOwners) || pl.isPublisher(g) {
			continue
		}
		pl.find(ref, graph.FindingBlock, "key-readable", fmt.Sprintf("%s has %s on the container of the keys.", g.Principal, g.Role), "Take the right away, and then change the keys.", holders(g)...)
	}
}

// noteDirect counts the view under every right by which its audience could
// read the base itself.
func (pl *planner) noteDirect(b Base, a graph.Audience, got shown) {
	if !got.hides() {
		return
	}
	for _, g := range slices.Concat(pl.p.Containers[b.Asset.Ref.Parent()].Access, b.Grants) {
		if mayRead(g.Role) && reaches(g.Principal, a) {
			pl.direct[direct{g.On, a.Name, g.Principal, g.Role}]++
		}
	}
}

func (pl *planner) directReaders() {
	level := pl.d.DirectRead
	if level == "" {
		level = graph.FindingBlock
	}
	for r, views := range pl.direct {
		pl.find(r.on, level, "direct-read",
			fmt.Sprintf("%s has %s here, so members of %s can read past their views; %d of them hide something.", r.principal, r.role, r.audience, views),
			"Take the right away, or let the views be the only way in.")
	}
}

// chain reports a base that is itself a view and is not authorized on what it
// reads: a view over it passes our authority on to it, but it has none to pass
// on, and readers would need rights of their own.
func (pl *planner) chain(b Base) {
	for _, r := range b.Reads {
		source, ok := pl.p.Containers[r.Parent()]
		if !ok || source.has(datasetPrincipal(b.Asset.Ref.Parent()), graph.RoleAuthorized) || source.has("view:"+b.Asset.Ref.String(), graph.RoleAuthorized) {
			continue
		}
		pl.find(b.Asset.Ref, graph.FindingWarn, "base-unauthorized",
			fmt.Sprintf("It is a view and may not itself read %s, so who reads through it must have that right.", r.Name),
			fmt.Sprintf("Authorize it, or its container, on %s.", r.Parent().Name), r, r.Parent())
	}
}

// mayRead says whether a role may let its holder read rows. Only roles that
// are known not to are excepted.
func mayRead(role string) bool {
	switch role {
	case graph.RoleAuthorized, "roles/bigquery.metadataViewer", "roles/bigquery.user", "roles/bigquery.jobUser", "roles/bigquery.resourceViewer":
		return false
	}
	return true
}

// reaches says whether a principal is known to include members of an audience.
func reaches(principal string, a graph.Audience) bool {
	if strings.HasSuffix(principal, "allAuthenticatedUsers") || strings.HasSuffix(principal, "allUsers") {
		return true
	}
	return slices.ContainsFunc(a.Groups, func(group string) bool {
		if domain, ok := strings.CutPrefix(principal, "domain:"); ok {
			return strings.HasSuffix(strings.ToLower(group), "@"+strings.ToLower(domain))
		}
		return strings.EqualFold(principal, "group:"+group)
	})
}

func (pl *planner) isPublisher(g graph.Grant) bool {
	return pl.d.Publisher != "" && strings.EqualFold(g.Principal, pl.d.Publisher)
}

func (pl *planner) audience(name string) (graph.Audience, bool) {
	for _, a := range pl.d.Audiences {
		if a.Name == name {
			return a, true
		}
	}
	return graph.Audience{}, false
}

// audienceOf reads the audience out of a container's name; it may be gone from
// the configuration.
func (pl *planner) audienceOf(container graph.Ref) string {
	name := strings.TrimPrefix(container.Base(), pl.d.Names.prefix()+"_")
	name, _, _ = strings.Cut(name, "__")
	return name
}

// has says whether the container gives a principal a role.
func (c Container) has(principal, role string) bool {
	return slices.ContainsFunc(c.Access, func(g graph.Grant) bool {
		return g.Role == role && (g.Principal == principal || strings.HasPrefix(principal, "group:") && strings.EqualFold(g.Principal, principal))
	})
}

// datasetPrincipal is how a grant names all views of a container.
func datasetPrincipal(container graph.Ref) string { return "dataset:" + container.String() }

// holders returns the asset that holds a right, none where people do.
func holders(g graph.Grant) []graph.Ref {
	for _, kind := range []string{"view:", "dataset:"} {
		if name, ok := strings.CutPrefix(g.Principal, kind); ok {
			if ref, err := graph.ParseRef(name); err == nil {
				return []graph.Ref{ref}
			}
		}
	}
	return nil
}

// ourDataset returns the container of ours that a grant authorizes.
func ourDataset(n Naming, g graph.Grant) (graph.Ref, bool) {
	name, ok := strings.CutPrefix(g.Principal, "dataset:")
	if !ok || g.Role != graph.RoleAuthorized {
		return graph.Ref{}, false
	}
	ref, err := graph.ParseRef(name)
	return ref, err == nil && n.Owns(ref)
}
