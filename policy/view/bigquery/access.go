package bigquery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/graph"
)

const (
	// accessVersion makes conditions of access entries come and go whole; a
	// lower one would damage them.
	accessVersion = 3
	viewsTarget   = "VIEWS"
)

// grantsOf writes access entries as grants. An entry under a condition keeps
// that in its role, so that it is taken for no other.
func grantsOf(container graph.Ref, entries []*bq.DatasetAccess) []graph.Grant {
	grants := make([]graph.Grant, 0, len(entries))
	for _, e := range entries {
		principal, role := principalOf(e)
		if e.Condition != nil {
			role += " (conditional)"
		}
		grants = append(grants, graph.Grant{On: container, Principal: principal, Role: role})
	}
	return grants
}

func principalOf(e *bq.DatasetAccess) (principal, role string) {
	switch {
	case e.View != nil:
		return "view:" + graph.BigQueryRef(e.View.ProjectId, e.View.DatasetId, e.View.TableId).String(), graph.RoleAuthorized
	case e.Dataset != nil && e.Dataset.Dataset != nil:
		ref := graph.BigQueryRef(e.Dataset.Dataset.ProjectId, e.Dataset.Dataset.DatasetId)
		if !slices.Contains(e.Dataset.TargetTypes, viewsTarget) {
			return "dataset:" + ref.String(), strings.Join(e.Dataset.TargetTypes, " ")
		}
		return "dataset:" + ref.String(), graph.RoleAuthorized
	case e.Routine != nil:
		return "routine:" + graph.BigQueryRef(e.Routine.ProjectId, e.Routine.DatasetId, e.Routine.RoutineId).String(), graph.RoleAuthorized
	case e.UserByEmail != "":
		return "user:" + e.UserByEmail, e.Role
	case e.GroupByEmail != "":
		return "group:" + e.GroupByEmail, e.Role
	case e.Domain != "":
		return "domain:" + e.Domain, e.Role
	case e.SpecialGroup != "":
		return "special:" + e.SpecialGroup, e.Role
	}
	return "iam:" + e.IamMember, e.Role
}

// entryOf writes the access entry that a step gives or takes. Those two kinds
// are all that we ever write.
func entryOf(step graph.Step) (*bq.DatasetAccess, error) {
	if group, ok := strings.CutPrefix(step.Principal, "group:"); ok && step.Role != graph.RoleAuthorized {
		return &bq.DatasetAccess{GroupByEmail: group, Role: step.Role}, nil
	}
	if name, ok := strings.CutPrefix(step.Principal, "dataset:"); ok && step.Role == graph.RoleAuthorized {
		ref, err := graph.ParseRef(name)
		if err != nil {
			return nil, fmt.Errorf("principal %q: %w", step.Principal, err)
		}
		project, dataset, _ := split(ref)
		return &bq.DatasetAccess{Dataset: &bq.DatasetAccessEntry{
			Dataset: &bq.DatasetReference{ProjectId: project, DatasetId: dataset}, TargetTypes: []string{viewsTarget},
		}}, nil
	}
	return nil, fmt.Errorf("principal %q with role %q: no access entry of ours: %w", step.Principal, step.Role, graph.ErrInvalid)
}

// sameEntry says whether two entries give the same right to the same
// principal, as grants tell them apart.
func sameEntry(a, b *bq.DatasetAccess) bool {
	if a.Condition != nil || b.Condition != nil {
		return false
	}
	principalA, roleA := principalOf(a)
	principalB, roleB := principalOf(b)
	if a.GroupByEmail != "" {
		principalA, principalB = strings.ToLower(principalA), strings.ToLower(principalB)
	}
	return principalA == principalB && roleA == roleB
}

func hasEntry(entries []*bq.DatasetAccess, want *bq.DatasetAccess) bool {
	return slices.ContainsFunc(entries, func(e *bq.DatasetAccess) bool { return sameEntry(e, want) })
}

// setEntry makes the container have, or not have, the entry of a step. Access
// is written whole, so it is read first and written under the condition that
// nobody else wrote between; every other entry goes back as it came.
func (t *Target) setEntry(ctx context.Context, step graph.Step, present bool) error {
	want, err := entryOf(step)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		dataset, err := t.getDataset(ctx, step.Object)
		if err != nil {
			return err
		}
		if hasEntry(dataset.Access, want) == present {
			return nil
		}
		access := slices.DeleteFunc(slices.Clone(dataset.Access), func(e *bq.DatasetAccess) bool { return sameEntry(e, want) })
		if present {
			access = append(access, want)
		}
		err = t.patchAccess(ctx, step.Object, access, dataset.Etag)
		if err == nil || !errors.Is(err, graph.ErrConflict) || attempt >= t.cfg.Attempts {
			return err
		}
		if err := t.cfg.Wait(ctx, pause(attempt)); err != nil {
			return err
		}
	}
}

func (t *Target) patchAccess(ctx context.Context, ref graph.Ref, access []*bq.DatasetAccess, etag string) error {
	project, dataset, _ := split(ref)
	patch := &bq.Dataset{Access: access, ForceSendFields: []string{"Access"}}
	err := t.call(ctx, func() error {
		call := t.cfg.Service.Datasets.Patch(project, dataset, patch).AccessPolicyVersion(accessVersion).Context(ctx)
		call.Header().Set("If-Match", etag)
		_, err := call.Do()
		return err
	})
	if err != nil {
		return fmt.Errorf("patch access of %s: %w", ref.Name, err)
	}
	t.cfg.Logger.InfoContext(ctx, "access of dataset written", "ref", ref.String())
	return nil
}
