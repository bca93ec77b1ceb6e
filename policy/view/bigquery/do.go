package bigquery

import (
	"context"
	"errors"
	"fmt"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/graph"
)

// Do makes one step.
func (t *Target) Do(ctx context.Context, step graph.Step) error {
	switch step.Kind {
	case graph.StepCreateContainer:
		return t.makeContainer(ctx, step)
	case graph.StepPutKey:
		return t.putKey(ctx, step)
	case graph.StepCreateView, graph.StepReplaceView, graph.StepDropView:
		return t.setView(ctx, step, step.Before, step.After)
	case graph.StepAuthorize, graph.StepGrant:
		return t.setEntry(ctx, step, true)
	case graph.StepRevoke:
		return t.setEntry(ctx, step, false)
	}
	return fmt.Errorf("step %q: unknown: %w", step.Kind, graph.ErrInvalid)
}

// Undo takes one step back. Keys stay, with their container.
func (t *Target) Undo(ctx context.Context, step graph.Step) error {
	switch step.Kind {
	case graph.StepCreateContainer:
		if t.cfg.Names.OwnsKeys(step.Object) {
			return nil
		}
		return t.removeContainer(ctx, step.Object)
	case graph.StepPutKey:
		return nil
	case graph.StepCreateView, graph.StepReplaceView, graph.StepDropView:
		return t.setView(ctx, step, step.After, step.Before)
	case graph.StepAuthorize, graph.StepGrant:
		return t.setEntry(ctx, step, false)
	case graph.StepRevoke:
		return t.setEntry(ctx, step, true)
	}
	return fmt.Errorf("step %q: unknown: %w", step.Kind, graph.ErrInvalid)
}

// Verify reads back what a step did.
func (t *Target) Verify(ctx context.Context, step graph.Step) error {
	stands, err := t.stands(ctx, step)
	if err != nil {
		return err
	}
	if !stands {
		return fmt.Errorf("%s: the step's effect does not stand: %w", step.Object.Name, graph.ErrConflict)
	}
	return nil
}

func (t *Target) stands(ctx context.Context, step graph.Step) (bool, error) {
	switch step.Kind {
	case graph.StepCreateContainer:
		d, err := t.getDataset(ctx, step.Object)
		return err == nil && isManaged(d.Labels), absent(err)
	case graph.StepPutKey:
		return t.waitForKey(ctx, step)
	case graph.StepCreateView, graph.StepReplaceView, graph.StepDropView:
		table, err := t.getTable(ctx, step.Object)
		if errors.Is(err, graph.ErrNotFound) {
			return step.After == "", nil
		}
		return err == nil && holds(table, step.After), err
	case graph.StepAuthorize, graph.StepGrant, graph.StepRevoke:
		want, err := entryOf(step)
		if err != nil {
			return false, err
		}
		d, err := t.getDataset(ctx, step.Object)
		if err != nil {
			return false, err
		}
		return hasEntry(d.Access, want) == (step.Kind != graph.StepRevoke), nil
	}
	return false, fmt.Errorf("step %q: unknown: %w", step.Kind, graph.ErrInvalid)
}

// waitForKey gives an inserted row the seconds that it may take to be seen.
func (t *Target) waitForKey(ctx context.Context, step graph.Step) (bool, error) {
	for attempt := 1; ; attempt++ {
		stands, err := t.hasKey(ctx, step)
		if err != nil || stands || attempt >= t.cfg.Attempts {
			return stands, err
		}
		if err := t.cfg.Wait(ctx, pause(attempt)); err != nil {
			return false, err
		}
	}
}

// makeContainer makes a dataset that nobody inherits rights on.
func (t *Target) makeContainer(ctx context.Context, step graph.Step) error {
	project, dataset, _ := split(step.Object)
	description := "Views for " + step.Audience + ", made by Cadastre."
	if t.cfg.Names.OwnsKeys(step.Object) {
		description = "Keys of masked views, made by Cadastre. Let nobody read here."
	}
	wanted := &bq.Dataset{
		DatasetReference: &bq.DatasetReference{ProjectId: project, DatasetId: dataset},
		Location:         step.Location, Description: description,
		Labels: map[string]string{labelManaged: managedValue},
		Access: []*bq.DatasetAccess{
			{Role: "OWNER", UserByEmail: t.cfg.Publisher}, {Role: "OWNER", SpecialGroup: "projectOwners"},
		},
	}
	err := t.call(ctx, func() error {
		_, err := t.cfg.Service.Datasets.Insert(project, wanted).AccessPolicyVersion(accessVersion).Context(ctx).Do()
		return err
	})
	if errors.Is(err, graph.ErrConflict) {
		stands, verr := t.stands(ctx, step)
		if verr != nil || stands {
			return verr
		}
	}
	if err != nil {
		return fmt.Errorf("make dataset %s: %w", step.Object.Name, err)
	}
	t.cfg.Logger.InfoContext(ctx, "dataset made", "ref", step.Object.String())
	if t.cfg.Names.OwnsKeys(step.Object) {
		return t.makeKeyTable(ctx, step.Object)
	}
	return nil
}

// removeContainer removes a dataset of ours that is empty.
func (t *Target) removeContainer(ctx context.Context, ref graph.Ref) error {
	d, err := t.getDataset(ctx, ref)
	if err != nil {
		return absent(err)
	}
	if !isManaged(d.Labels) {
		return fmt.Errorf("%s: not made by Cadastre: %w", ref.Name, graph.ErrConflict)
	}
	project, dataset, _ := split(ref)
	err = t.call(ctx, func() error {
		return t.cfg.Service.Datasets.Delete(project, dataset).DeleteContents(false).Context(ctx).Do()
	})
	if errors.Is(err, graph.ErrInvalid) { // resourceInUse
		return fmt.Errorf("%s: something else is in it: %w", ref.Name, graph.ErrConflict)
	}
	return absent(err)
}

// setView turns the view with text from into one with text to; an empty text
// is no view. What is neither is somebody else's.
func (t *Target) setView(ctx context.Context, step graph.Step, from, to string) error {
	for attempt := 1; ; attempt++ {
		table, err := t.getTable(ctx, step.Object)
		if err != nil && !errors.Is(err, graph.ErrNotFound) {
			return err
		}
		there := err == nil
		switch {
		case !there && to == "", there && holds(table, to):
			return nil
		case there && (!isManaged(table.Labels) || textOf(table) != from), !there && from != "":
			return fmt.Errorf("%s: not as it was planned: %w", step.Object.Name, graph.ErrConflict)
		case !there:
			err = t.insertView(ctx, step, to)
		case to == "":
			err = t.deleteView(ctx, step.Object, table.Etag)
		default:
			err = t.patchView(ctx, step, to, table.Etag)
		}
		if err == nil {
			t.cfg.Logger.InfoContext(ctx, "view written", "ref", step.Object.String())
			return nil
		}
		if !errors.Is(err, graph.ErrConflict) || attempt >= t.cfg.Attempts {
			return err
		}
	}
}

// holds says whether a table is our view of that text.
func holds(table *bq.Table, sql string) bool {
	return table != nil && sql != "" && isManaged(table.Labels) && textOf(table) == sql &&
		!table.View.UseLegacySql && table.Labels[labelText] == textHash(sql)
}

func textOf(table *bq.Table) string {
	if table.View == nil {
		return ""
	}
	return table.View.Query
}

// viewBody is what is written of a view. useLegacySql defaults to true, so
// false is always sent.
func viewBody(step graph.Step, sql string) *bq.Table {
	body := &bq.Table{
		View:   &bq.ViewDefinition{Query: sql, UseLegacySql: false, ForceSendFields: []string{"UseLegacySql"}},
		Labels: map[string]string{labelManaged: managedValue, labelText: textHash(sql)},
	}
	if reading, ok := (Dialect{}).Read(sql); ok {
		body.Description = fmt.Sprintf("What %s may see of %s. Made by Cadastre.", step.Audience, reading.Base.Name)
	}
	return body
}

func (t *Target) insertView(ctx context.Context, step graph.Step, sql string) error {
	project, dataset, table := split(step.Object)
	body := viewBody(step, sql)
	body.TableReference = &bq.TableReference{ProjectId: project, DatasetId: dataset, TableId: table}
	err := t.call(ctx, func() error {
		_, err := t.cfg.Service.Tables.Insert(project, dataset, body).Context(ctx).Do()
		return err
	})
	if err != nil {
		return fmt.Errorf("make view %s: %w", step.Object.Name, err)
	}
	return nil
}

func (t *Target) patchView(ctx context.Context, step graph.Step, sql, etag string) error {
	project, dataset, table := split(step.Object)
	body := viewBody(step, sql)
	err := t.call(ctx, func() error {
		call := t.cfg.Service.Tables.Patch(project, dataset, table, body).Context(ctx)
		call.Header().Set("If-Match", etag)
		_, err := call.Do()
		return err
	})
	if err != nil {
		return fmt.Errorf("replace view %s: %w", step.Object.Name, err)
	}
	return nil
}

func (t *Target) deleteView(ctx context.Context, ref graph.Ref, etag string) error {
	project, dataset, table := split(ref)
	err := t.call(ctx, func() error {
		call := t.cfg.Service.Tables.Delete(project, dataset, table).Context(ctx)
		call.Header().Set("If-Match", etag)
		return call.Do()
	})
	if err != nil && absent(err) != nil {
		return fmt.Errorf("drop view %s: %w", ref.Name, err)
	}
	return nil
}
