package viewtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
)

// Warehouse is a warehouse in memory, as a view.Target and as the World around
// it. It is safe for concurrent use.
type Warehouse struct {
	mu         sync.Mutex
	names      view.Naming
	etags      int
	containers map[graph.Ref]view.Container
	views      map[graph.Ref]view.View
	bases      map[graph.Ref]view.Table
	keys       map[graph.Ref][]string
	writes     int
}

var (
	_ view.Target = (*Warehouse)(nil)
	_ World       = (*Warehouse)(nil)
)

// NewWarehouse returns a warehouse with the given bases and their containers.
func NewWarehouse(names view.Naming, bases ...view.Base) *Warehouse {
	w := &Warehouse{
		names: names, containers: map[graph.Ref]view.Container{}, views: map[graph.Ref]view.View{},
		bases: map[graph.Ref]view.Table{}, keys: map[graph.Ref][]string{},
	}
	for _, b := range bases {
		ref := b.Asset.Ref
		w.containers[ref.Parent()] = view.Container{Etag: w.etag(), Location: b.Asset.Location}
		w.bases[ref] = TableOf(b)
	}
	return w
}

// TableOf returns a base as a target would read it that agrees with the
// catalog.
func TableOf(b view.Base) view.Table {
	t := view.Table{Version: "1", Columns: map[string]view.Shape{}}
	for _, c := range b.Columns {
		t.Columns[strings.ToLower(c.Ref.Path)] = view.Shape{Type: c.Type, Mode: c.Mode}
	}
	return t
}

// Writes counts the writes so far.
func (w *Warehouse) Writes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes
}

// etag makes a new version, as each write does.
func (w *Warehouse) etag() string {
	w.etags++
	return "e" + strconv.Itoa(w.etags)
}

// Present returns copies of everything wanted.
func (w *Warehouse) Present(_ context.Context, want view.Want) (view.Present, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := view.Present{
		Containers: map[graph.Ref]view.Container{}, Views: maps.Clone(w.views),
		Bases: map[graph.Ref]view.Table{}, KeyIDs: map[graph.Ref][]string{},
	}
	wanted := slices.Concat(want.Containers, want.Keys, want.Sources)
	for ref, c := range w.containers {
		if slices.Contains(wanted, ref) || (want.Names.Owns(ref) && c.Managed) {
			c.Access = slices.Clone(c.Access)
			p.Containers[ref] = c
		}
	}
	for _, ref := range want.Bases {
		if t, ok := w.bases[ref]; ok {
			t.Columns = maps.Clone(t.Columns)
			p.Bases[ref] = t
		}
	}
	for ref, ids := range w.keys {
		p.KeyIDs[ref] = slices.Clone(ids)
	}
	return p, nil
}

// Check compares versions.
func (w *Warehouse) Check(_ context.Context, preconditions []graph.Precondition) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var moved []string
	for _, p := range preconditions {
		if w.containers[p.Object].Etag+w.views[p.Object].Etag+w.bases[p.Object].Version != p.Etag {
			moved = append(moved, p.Object.Name)
		}
	}
	if len(moved) > 0 {
		return fmt.Errorf("moved: %s: %w", strings.Join(moved, ", "), graph.ErrStale)
	}
	return nil
}

// Do makes one step.
func (w *Warehouse) Do(_ context.Context, s graph.Step) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch s.Kind {
	case graph.StepCreateContainer:
		if c, ok := w.containers[s.Object]; ok && !c.Managed {
			return fmt.Errorf("%s is there: %w", s.Object.Name, graph.ErrConflict)
		} else if !ok {
			w.put(s.Object, view.Container{Location: s.Location, Managed: true})
		}
	case graph.StepPutKey:
		if !slices.Contains(w.keys[s.Object], s.After) {
			w.writes++
			w.keys[s.Object] = append(w.keys[s.Object], s.After)
			slices.Sort(w.keys[s.Object])
		}
	case graph.StepCreateView, graph.StepReplaceView, graph.StepDropView:
		return w.setView(s.Object, s.Before, s.After)
	case graph.StepAuthorize, graph.StepGrant:
		return w.setGrant(s, true)
	case graph.StepRevoke:
		return w.setGrant(s, false)
	}
	return nil
}

// Undo takes one step back.
func (w *Warehouse) Undo(_ context.Context, s graph.Step) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch s.Kind {
	case graph.StepCreateContainer:
		if w.names.OwnsKeys(s.Object) {
			return nil
		}
		for ref := range w.views {
			if ref.Parent() == s.Object {
				return fmt.Errorf("%s is not empty: %w", s.Object.Name, graph.ErrConflict)
			}
		}
		w.writes++
		delete(w.containers, s.Object)
	case graph.StepPutKey:
	case graph.StepCreateView, graph.StepReplaceView, graph.StepDropView:
		return w.setView(s.Object, s.After, s.Before)
	case graph.StepAuthorize, graph.StepGrant:
		return w.setGrant(s, false)
	case graph.StepRevoke:
		return w.setGrant(s, true)
	}
	return nil
}

// Verify says whether a step stands.
func (w *Warehouse) Verify(_ context.Context, s graph.Step) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	stands := false
	switch s.Kind {
	case graph.StepCreateContainer:
		stands = w.containers[s.Object].Managed
	case graph.StepPutKey:
		stands = slices.Contains(w.keys[s.Object], s.After)
	case graph.StepCreateView, graph.StepReplaceView, graph.StepDropView:
		stands = w.views[s.Object].SQL == s.After
	case graph.StepAuthorize, graph.StepGrant:
		stands = slices.Contains(w.containers[s.Object].Access, grantOf(s))
	case graph.StepRevoke:
		stands = !slices.Contains(w.containers[s.Object].Access, grantOf(s))
	}
	if !stands {
		return fmt.Errorf("%s does not stand: %w", s.Object.Name, graph.ErrConflict)
	}
	return nil
}

func (w *Warehouse) put(ref graph.Ref, c view.Container) {
	w.writes++
	c.Etag = w.etag()
	w.containers[ref] = c
}

func (w *Warehouse) setView(ref graph.Ref, from, to string) error {
	now, there := w.views[ref]
	switch {
	case now.SQL == to && (to != "") == there:
		return nil
	case now.SQL != from || there != (from != "") || (there && !now.Managed):
		return fmt.Errorf("%s is another: %w", ref.Name, graph.ErrConflict)
	}
	w.writes++
	if to == "" {
		delete(w.views, ref)
		return nil
	}
	w.views[ref] = view.View{Etag: w.etag(), SQL: to, Managed: true}
	return nil
}

func grantOf(s graph.Step) graph.Grant {
	return graph.Grant{On: s.Object, Principal: s.Principal, Role: s.Role}
}

func (w *Warehouse) setGrant(s graph.Step, present bool) error {
	c, ok := w.containers[s.Object]
	if !ok {
		return fmt.Errorf("%s: %w", s.Object.Name, graph.ErrNotFound)
	}
	if slices.Contains(c.Access, grantOf(s)) == present {
		return nil
	}
	c.Access = slices.DeleteFunc(slices.Clone(c.Access), func(g graph.Grant) bool { return g == grantOf(s) })
	if present {
		c.Access = append(c.Access, grantOf(s))
	}
	w.put(s.Object, c)
	return nil
}

// EditView gives a view another text.
func (w *Warehouse) EditView(_ context.Context, ref graph.Ref) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, ok := w.views[ref]
	if !ok {
		return fmt.Errorf("%s: %w", ref.Name, graph.ErrNotFound)
	}
	v.SQL, v.Etag, v.Edited = v.SQL+"\nallow: everything", w.etag(), true
	w.views[ref] = v
	return nil
}

// PutView makes somebody else's view.
func (w *Warehouse) PutView(_ context.Context, ref graph.Ref) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.views[ref] = view.View{Etag: w.etag(), SQL: "foreign"}
	return nil
}

// AddColumn adds a column to a base.
func (w *Warehouse) AddColumn(_ context.Context, base graph.Ref, name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	t, ok := w.bases[base]
	if !ok {
		return fmt.Errorf("%s: %w", base.Name, graph.ErrNotFound)
	}
	t.Columns = maps.Clone(t.Columns)
	t.Columns[name] = view.Shape{Type: "STRING", Mode: graph.ModeNullable}
	t.Version = w.etag()
	w.bases[base] = t
	return nil
}

// Admit lets a group read a container.
func (w *Warehouse) Admit(_ context.Context, container graph.Ref, group string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.setGrant(graph.Step{Object: container, Principal: "group:" + group, Role: "READER"}, true)
}

// Dialect writes views as a list of what they show. It masks by the methods
// "hash", "null" and "email", of which "email" fits texts only.
type Dialect struct{}

var _ view.Dialect = Dialect{}

// Masks knows three methods.
func (Dialect) Masks(method, columnType string) bool {
	return method == "hash" || method == "null" || (method == "email" && columnType == "STRING")
}

// SQL lists the leaves. A column named "unspeakable" is refused.
func (Dialect) SQL(def view.Definition) (string, error) {
	var b strings.Builder
	b.WriteString("base: " + def.Base.String() + "\n")
	if err := write(&b, def.Fields, def); err != nil {
		return "", err
	}
	return b.String(), nil
}

func write(b *strings.Builder, fields []view.Field, def view.Definition) error {
	for _, f := range fields {
		switch {
		case f.Name == "unspeakable":
			return fmt.Errorf("column %s: %w", f.Path, graph.ErrInvalid)
		case f.IsRecord():
			if err := write(b, f.Fields, def); err != nil {
				return err
			}
		case f.Effect == graph.EffectAllow:
			b.WriteString("allow: " + f.Path + "\n")
		case f.Effect == graph.EffectMask:
			b.WriteString("mask: " + f.Path + " " + f.Method + " " + def.KeyIDs[f.Domain] + "\n")
		default:
			return errors.New("viewtest: a leaf is neither allowed nor masked")
		}
	}
	return nil
}

// Read returns what SQL wrote.
func (Dialect) Read(sql string) (view.Reading, bool) {
	first, rest, _ := strings.Cut(sql, "\n")
	ref, err := graph.ParseRef(strings.TrimPrefix(first, "base: "))
	if err != nil || !strings.HasPrefix(first, "base: ") {
		return view.Reading{}, false
	}
	r := view.Reading{Base: ref, Effects: map[string]graph.Effect{}}
	for line := range strings.Lines(rest) {
		effect, path, _ := strings.Cut(strings.TrimSpace(line), ": ")
		path, _, _ = strings.Cut(path, " ")
		r.Effects[path] = graph.Effect(effect)
	}
	return r, true
}
