package bigquery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
)

// Present reads the wanted datasets and all others that bear our mark, every
// view in ours, the schema of each base and the ids of the keys. A base, or a
// source, that the publisher may not see is left out like one that does not
// exist.
func (t *Target) Present(ctx context.Context, want view.Want) (view.Present, error) {
	r := reading{Target: t, out: view.Present{
		Containers: map[graph.Ref]view.Container{}, Views: map[graph.Ref]view.View{},
		Bases: map[graph.Ref]view.Table{}, KeyIDs: map[graph.Ref][]string{},
	}}
	refs, err := t.ours(ctx, want.Names)
	if err != nil {
		return view.Present{}, err
	}
	refs = slices.Concat(refs, want.Containers, want.Keys, want.Sources)
	slices.SortFunc(refs, graph.CompareRefs)
	if err := each(ctx, t.cfg.Parallel, slices.Compact(refs), r.container); err != nil {
		return view.Present{}, err
	}
	var views []graph.Ref
	for ref := range r.out.Containers {
		if want.Names.OwnsKeys(ref) {
			ids, err := t.keyIDs(ctx, ref)
			if err != nil {
				return view.Present{}, err
			}
			r.out.KeyIDs[ref] = ids
		} else if want.Names.Owns(ref) {
			marked, err := r.list(ctx, ref)
			if err != nil {
				return view.Present{}, err
			}
			views = append(views, marked...)
		}
	}
	if err := each(ctx, t.cfg.Parallel, views, r.view); err != nil {
		return view.Present{}, err
	}
	if err := each(ctx, t.cfg.Parallel, want.Bases, r.base); err != nil {
		return view.Present{}, err
	}
	return r.out, nil
}

// reading gathers what several readers find.
type reading struct {
	*Target
	mu  sync.Mutex
	out view.Present
}

// each calls do for all refs, some at a time, and returns the first error.
func each(ctx context.Context, parallel int, refs []graph.Ref, do func(context.Context, graph.Ref) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, ref := range refs {
		group.Go(func() error { return do(ctx, ref) })
	}
	return group.Wait()
}

// ours lists the datasets that bear our mark and our name.
func (t *Target) ours(ctx context.Context, names view.Naming) ([]graph.Ref, error) {
	var refs []graph.Ref
	page := ""
	for {
		var list *bq.DatasetList
		err := t.call(ctx, func() (err error) {
			list, err = t.cfg.Service.Datasets.List(names.Project).Filter("labels." + labelManaged + ":" + managedValue).
				PageToken(page).Context(ctx).Do()
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list datasets of %s: %w", names.Project, err)
		}
		for _, d := range list.Datasets {
			ref := graph.BigQueryRef(d.DatasetReference.ProjectId, d.DatasetReference.DatasetId)
			if names.Owns(ref) {
				refs = append(refs, ref)
			}
		}
		if page = list.NextPageToken; page == "" {
			return refs, nil
		}
	}
}

func (r *reading) container(ctx context.Context, ref graph.Ref) error {
	d, err := r.getDataset(ctx, ref)
	if errors.Is(err, graph.ErrNotFound) || (errors.Is(err, graph.ErrDenied) && !r.cfg.Names.Owns(ref)) {
		return nil
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Containers[ref] = view.Container{
		Etag: d.Etag, Location: d.Location, Managed: isManaged(d.Labels), Access: grantsOf(ref, d.Access),
	}
	return nil
}

// list returns what bears our mark in a container and notes the rest.
func (r *reading) list(ctx context.Context, container graph.Ref) ([]graph.Ref, error) {
	project, dataset, _ := split(container)
	var marked []graph.Ref
	page := ""
	for {
		var list *bq.TableList
		err := r.call(ctx, func() (err error) {
			list, err = r.cfg.Service.Tables.List(project, dataset).PageToken(page).MaxResults(1000).Context(ctx).Do()
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list tables of %s: %w", container.Name, err)
		}
		for _, entry := range list.Tables {
			ref := graph.BigQueryRef(container.Name, entry.TableReference.TableId)
			if isManaged(entry.Labels) {
				marked = append(marked, ref)
				continue
			}
			r.mu.Lock()
			r.out.Views[ref] = view.View{}
			r.mu.Unlock()
		}
		if page = list.NextPageToken; page == "" {
			return marked, nil
		}
	}
}

func (r *reading) view(ctx context.Context, ref graph.Ref) error {
	table, err := r.getTable(ctx, ref)
	if errors.Is(err, graph.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	v := view.View{Etag: table.Etag, Managed: isManaged(table.Labels)}
	if table.View != nil {
		v.SQL = table.View.Query
		v.Edited = table.Labels[labelText] != textHash(v.SQL) || table.View.UseLegacySql
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Views[ref] = v
	return nil
}

func (r *reading) base(ctx context.Context, ref graph.Ref) error {
	table, err := r.getTable(ctx, ref)
	if errors.Is(err, graph.ErrNotFound) || errors.Is(err, graph.ErrDenied) {
		return nil
	}
	if err != nil {
		return err
	}
	base := baseOf(table)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Bases[ref] = base
	return nil
}

// schemaVersion begins the version of a base, which is a hash of its schema
// and protection: its etag would change with every row.
const schemaVersion = "schema:"

func baseOf(table *bq.Table) view.Table {
	base := view.Table{Columns: map[string]view.Shape{}}
	text := []string{table.Location}
	var walk func(fields []*bq.TableFieldSchema, prefix string)
	walk = func(fields []*bq.TableFieldSchema, prefix string) {
		for _, f := range fields {
			shape := view.Shape{Type: f.Type, Mode: modeOf(f.Mode), Protection: protectionOf(f)}
			path := strings.ToLower(prefix + f.Name)
			base.Columns[path] = shape
			text = append(text, path, shape.Type, string(shape.Mode), shape.Protection)
			if shape.Mode == graph.ModeRepeated {
				path += "[]"
			}
			walk(f.Fields, path+".")
		}
	}
	if table.Schema != nil {
		walk(table.Schema.Fields, "")
	}
	sum := sha256.Sum256([]byte(strings.Join(text, "\x1f")))
	base.Version = schemaVersion + hex.EncodeToString(sum[:])
	return base
}

func modeOf(mode string) graph.Mode {
	switch strings.ToUpper(mode) {
	case "REPEATED":
		return graph.ModeRepeated
	case "REQUIRED":
		return graph.ModeRequired
	}
	return graph.ModeNullable
}

// protectionOf names the column security of the warehouse on a field: a policy
// tag, or a data policy attached to the column itself.
func protectionOf(f *bq.TableFieldSchema) string {
	var by []string
	if f.PolicyTags != nil {
		by = append(by, f.PolicyTags.Names...)
	}
	for _, p := range f.DataPolicies {
		by = append(by, p.Name)
	}
	if f.DataPolicyList != nil {
		for _, p := range f.DataPolicyList.DataPolicies {
			by = append(by, p.Name)
		}
	}
	return strings.Join(by, " ")
}

// textHash is what labelText holds: a label's value has at most 63 characters.
func textHash(sql string) string {
	sum := sha256.Sum256([]byte(sql))
	return hex.EncodeToString(sum[:20])
}

// Check compares the version of every object with the one that was planned
// from.
func (t *Target) Check(ctx context.Context, preconditions []graph.Precondition) error {
	want := make(map[graph.Ref]string, len(preconditions))
	refs := make([]graph.Ref, len(preconditions))
	for i, p := range preconditions {
		want[p.Object], refs[i] = p.Etag, p.Object
	}
	var mu sync.Mutex
	var moved []string
	err := each(ctx, t.cfg.Parallel, refs, func(ctx context.Context, ref graph.Ref) error {
		now, err := t.version(ctx, ref, strings.HasPrefix(want[ref], schemaVersion))
		if err != nil {
			return err
		}
		if now != want[ref] {
			mu.Lock()
			defer mu.Unlock()
			moved = append(moved, ref.Name+" "+howMoved(want[ref], now))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("check plan: %w", err)
	}
	if len(moved) == 0 {
		return nil
	}
	slices.Sort(moved)
	if more := len(moved) - maxNamed; more > 0 {
		moved = append(moved[:maxNamed], fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("check plan: %s: %w", strings.Join(moved, ", "), graph.ErrStale)
}

// maxNamed is how many objects an error names.
const maxNamed = 10

func howMoved(was, now string) string {
	switch {
	case was == "":
		return "is there now"
	case now == "":
		return "is gone"
	}
	return "has changed"
}

func (t *Target) version(ctx context.Context, ref graph.Ref, schema bool) (string, error) {
	if ref.Parent().IsZero() {
		d, err := t.getDataset(ctx, ref)
		if err != nil {
			return "", absent(err)
		}
		return d.Etag, nil
	}
	table, err := t.getTable(ctx, ref)
	if err != nil {
		return "", absent(err)
	}
	if schema {
		return baseOf(table).Version, nil
	}
	return table.Etag, nil
}

// absent drops the error that something does not exist.
func absent(err error) error {
	if errors.Is(err, graph.ErrNotFound) {
		return nil
	}
	return err
}
