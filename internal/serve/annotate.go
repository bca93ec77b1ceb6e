package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/audit"
)

// How long people's words may be, in characters: they are kept for ever, and
// shown.
const (
	maxTitle       = 200
	maxDescription = 10_000
	maxOwners      = 50
)

// Annotate records what a person says an asset or column is, all of it or
// nothing. It stands beside what the source says, wins over it, and stays
// whatever later crawls see. It returns the revision that holds it. Where
// another word counts by now than the person saw, it is graph.ErrConflict.
func (a *App) Annotate(ctx context.Context, who graph.Principal, requests []graph.AnnotateRequest) (graph.Revision, error) {
	if len(requests) == 0 {
		return 0, fmt.Errorf("describe: nothing was said: %w", graph.ErrInvalid)
	}
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return 0, err
	}
	once := map[string]bool{}
	for i, request := range requests {
		if request.Value, err = checkWords(request); err != nil {
			return 0, err
		}
		view, ref, err := a.sayable(ctx, r, who, graph.ActionDescribe, request.Ref)
		if err != nil {
			return 0, err
		}
		if err := a.may(ctx, who, graph.ActionDescribe, view.Asset, view.Owners); err != nil {
			return 0, err
		}
		request.Ref = ref
		requests[i] = request
		key := personsWord(requests[i], who).Key()
		if once[key] {
			return 0, fmt.Errorf("describe %s: its %s is said twice; say it once: %w", ref, request.Attribute, graph.ErrInvalid)
		}
		once[key] = true
	}
	revision, err := a.store.Commit(ctx, who, "describe", func(tx *store.Tx) error {
		for _, request := range requests {
			if err := annotate(ctx, tx, who, request); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("describe: %w", err)
	}
	return revision, nil
}

// checkWords refuses what makes no sense, and returns the value without the
// space around it.
func checkWords(r graph.AnnotateRequest) (string, error) {
	value := strings.TrimSpace(r.Value)
	most := maxDescription
	switch {
	case r.Attribute == graph.AttributeTitle && r.Ref.IsColumn():
		return "", fmt.Errorf("describe %s: a column has no title, it has its name and a description: %w", r.Ref, graph.ErrInvalid)
	case r.Attribute == graph.AttributeTitle:
		most = maxTitle
	case r.Attribute != graph.AttributeDescription:
		return "", fmt.Errorf("describe %s: %q is none of title, description: %w", r.Ref, r.Attribute, graph.ErrInvalid)
	}
	if utf8.RuneCountInString(value) > most {
		return "", fmt.Errorf("describe %s: a %s has at most %d characters: %w", r.Ref, r.Attribute, most, graph.ErrInvalid)
	}
	if r.Attribute == graph.AttributeTitle && strings.ContainsFunc(value, unicode.IsControl) {
		return "", fmt.Errorf("describe %s: a title is one line: %w", r.Ref, graph.ErrInvalid)
	}
	if utf8.RuneCountInString(r.Reason) > maxReason {
		return "", fmt.Errorf("describe %s: a reason has at most %d characters: %w", r.Ref, maxReason, graph.ErrInvalid)
	}
	return value, nil
}

// annotate writes one word, or takes it back.
func annotate(ctx context.Context, tx *store.Tx, who graph.Principal, request graph.AnnotateRequest) error {
	mine := personsWord(request, who)
	known, err := tx.Current(ctx, graph.Asset{Ref: request.Ref.Asset()}, graph.Column{Ref: request.Ref}, mine)
	if err != nil {
		return err
	}
	said, err := saidOf(known, request.Ref)
	if err != nil {
		return err
	}
	if now := graph.EffectiveText(said, request.Attribute); request.Was != nil && strings.TrimSpace(*request.Was) != strings.TrimSpace(now) {
		return fmt.Errorf("describe %s: its %s was changed since you looked; look again and say it on top of that: %w", request.Ref, request.Attribute, graph.ErrConflict)
	}
	was, now := graph.Snapshot{}, graph.Snapshot{}
	before, spoke := known.Get(mine)
	if spoke {
		was.Put(before)
	}
	if spoke && before.(graph.Annotation).Value == mine.Value {
		return nil
	}
	state := "said"
	if mine.Value == "" {
		state = graph.StateWithdrawn
	} else {
		now.Put(mine)
	}
	delta := graph.Diff(was, now)
	if len(delta) == 0 {
		return nil
	}
	// The words themselves stay out of a log that forgets nothing.
	tx.Record(audit.Event{Action: "describe", Object: request.Ref.String(), Detail: map[string]string{"attribute": string(request.Attribute), "state": state}})
	return tx.Apply(ctx, delta)
}

// saidOf returns what is said of an asset or column; graph.ErrNotFound where it
// has gone meanwhile.
func saidOf(known graph.Snapshot, ref graph.Ref) ([]graph.Said, error) {
	var notes []graph.Annotation
	for _, i := range known {
		if n, ok := i.(graph.Annotation); ok {
			notes = append(notes, n)
		}
	}
	asset, stands := known.Get(graph.Asset{Ref: ref.Asset()})
	if !stands {
		return nil, fmt.Errorf("describe %s: %w", ref, graph.ErrNotFound)
	}
	if !ref.IsColumn() {
		return asset.(graph.Asset).Says(notes), nil
	}
	column, stands := known.Get(graph.Column{Ref: ref})
	if !stands {
		return nil, fmt.Errorf("describe %s: %w", ref, graph.ErrNotFound)
	}
	return column.(graph.Column).Says(asset.(graph.Asset).Source, notes), nil
}

func personsWord(r graph.AnnotateRequest, who graph.Principal) graph.Annotation {
	return graph.Annotation{
		Ref: r.Ref, Attribute: r.Attribute, Value: r.Value,
		Provenance: graph.Provenance{Kind: graph.ByPerson, Name: who.ID, Why: r.Reason},
	}
}

// Own records whom a person names as the owners of an asset in a role, all of
// it or nothing. They stand in place of those whom the source names in that
// role, and so decide who may see, tag and describe the asset. It returns the
// revision that holds it. Where others own it by now than the person saw, it
// is graph.ErrConflict.
func (a *App) Own(ctx context.Context, who graph.Principal, requests []graph.OwnRequest) (graph.Revision, error) {
	if len(requests) == 0 {
		return 0, fmt.Errorf("own: nothing was said: %w", graph.ErrInvalid)
	}
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return 0, err
	}
	once := map[string]bool{}
	for i, request := range requests {
		if requests[i].Principals, err = checkOwners(request); err != nil {
			return 0, err
		}
		view, _, err := a.sayable(ctx, r, who, graph.ActionDescribe, request.Ref)
		if err != nil {
			return 0, err
		}
		if err := a.may(ctx, who, graph.ActionDescribe, view.Asset, view.Owners); err != nil {
			return 0, err
		}
		key := request.Ref.Key() + " " + string(request.Role)
		if once[key] {
			return 0, fmt.Errorf("own %s: its %s owners are said twice; say them once: %w", request.Ref, request.Role, graph.ErrInvalid)
		}
		once[key] = true
	}
	revision, err := a.store.Commit(ctx, who, "own", func(tx *store.Tx) error {
		for _, request := range requests {
			if err := own(ctx, tx, who, request); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("own: %w", err)
	}
	return revision, nil
}

// checkOwners refuses what makes no sense, and returns the principals sorted,
// each once.
func checkOwners(r graph.OwnRequest) ([]string, error) {
	if r.Ref.IsColumn() {
		return nil, fmt.Errorf("own %s: a column has the owners of its asset %s: %w", r.Ref, r.Ref.Asset(), graph.ErrInvalid)
	}
	if r.Role != graph.OwnerAccountable && r.Role != graph.OwnerTechnical {
		return nil, fmt.Errorf("own %s: role %q is none of %s, %s: %w", r.Ref, r.Role, graph.OwnerAccountable, graph.OwnerTechnical, graph.ErrInvalid)
	}
	if utf8.RuneCountInString(r.Reason) > maxReason {
		return nil, fmt.Errorf("own %s: a reason has at most %d characters: %w", r.Ref, maxReason, graph.ErrInvalid)
	}
	principals := make([]string, 0, len(r.Principals))
	for _, p := range r.Principals {
		p = strings.TrimSpace(p)
		if !isOwnerName(p) {
			return nil, fmt.Errorf("own %s: %q is no owner; write user:ADDRESS, group:ADDRESS or team:NAME: %w", r.Ref, p, graph.ErrInvalid)
		}
		principals = append(principals, p)
	}
	slices.Sort(principals)
	principals = slices.Compact(principals)
	if len(principals) > maxOwners {
		return nil, fmt.Errorf("own %s: %d owners are more than %d; name a group: %w", r.Ref, len(principals), maxOwners, graph.ErrInvalid)
	}
	return principals, nil
}

func isOwnerName(p string) bool {
	kind, name, _ := strings.Cut(p, ":")
	odd := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }
	return slices.Contains([]string{"user", "group", "team"}, kind) && name != "" && len(name) <= 320 &&
		utf8.ValidString(name) && !strings.ContainsFunc(name, odd)
}

// own writes the owners of one asset in one role.
func own(ctx context.Context, tx *store.Tx, who graph.Principal, request graph.OwnRequest) error {
	all, err := tx.Owners(ctx, request.Ref)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(o graph.Owner) bool { return o.Role != request.Role })
	if request.Was != nil && !sameNames(request.Was, graph.Principals(all)) {
		return fmt.Errorf("own %s: its %s owners were changed since you looked; look again and name them on top of that: %w", request.Ref, request.Role, graph.ErrConflict)
	}
	was, now := graph.Snapshot{}, graph.Snapshot{}
	for _, o := range all {
		if o.Provenance.Kind == graph.ByPerson {
			was.Put(o)
		}
	}
	for _, p := range request.Principals {
		o := graph.Owner{
			Asset: request.Ref, Principal: p, Role: request.Role,
			Provenance: graph.Provenance{Kind: graph.ByPerson, Name: who.ID, Why: request.Reason},
		}
		if before, ok := was.Get(o); ok {
			now.Put(before)
			continue
		}
		now.Put(o)
	}
	delta := graph.Diff(was, now)
	if len(delta) == 0 {
		return nil
	}
	detail := map[string]string{"role": string(request.Role), "owners": strings.Join(request.Principals, " ")}
	if len(request.Principals) == 0 {
		detail["state"] = graph.StateWithdrawn
	}
	tx.Record(audit.Event{Action: "own", Object: request.Ref.String(), Detail: detail})
	return tx.Apply(ctx, delta)
}

// sameNames says whether two lists name the same, in whatever order.
func sameNames(a, b []string) bool {
	sorted := func(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }
	return slices.Equal(sorted(a), sorted(b))
}

// sayable returns an asset of which the principal may know what it holds, and
// the ref as the catalog spells it. To speak of what may only be discovered is
// refused; of what is hidden, or is not, it is graph.ErrNotFound.
func (a *App) sayable(ctx context.Context, r *store.Reader, who graph.Principal, action graph.Action, ref graph.Ref) (store.AssetView, graph.Ref, error) {
	view, err := r.Asset(ctx, ref)
	if errors.Is(err, graph.ErrNotFound) {
		a.missed(who, ref.Asset())
	}
	if err != nil {
		return view, ref, fmt.Errorf("%s %s: %w", action, ref, err)
	}
	if view.Visibility != graph.Visible {
		return view, ref, a.refuse(ctx, who, action, view.Asset, fmt.Sprintf("you may know that %s exists, not what it holds; ask its owners", ref.Asset()))
	}
	if !ref.IsColumn() {
		return view, view.Asset.Ref, nil
	}
	columns, err := r.Columns(ctx, ref.Asset())
	if err != nil {
		return view, ref, err
	}
	i := slices.IndexFunc(columns[view.Asset.Ref], func(c graph.Column) bool { return c.Key() == ref.Key() })
	if i < 0 {
		return view, ref, fmt.Errorf("%s: column %s: %w", action, ref, graph.ErrNotFound)
	}
	return view, columns[view.Asset.Ref][i].Ref, nil
}

// OwnersOf returns all whom anybody names as owners of an asset that the
// principal may know of.
func (a *App) OwnersOf(ctx context.Context, who graph.Principal, asset graph.Ref) ([]graph.Owner, error) {
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return nil, err
	}
	view, err := r.Asset(ctx, asset)
	return view.Owners, err
}

// SaidOf returns what is said of an asset or column that the principal may
// see: title and description, side by side.
func (a *App) SaidOf(ctx context.Context, who graph.Principal, ref graph.Ref) ([]graph.Said, error) {
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return nil, err
	}
	view, err := r.Asset(ctx, ref)
	if err != nil {
		return nil, err
	}
	if !ref.IsColumn() {
		return view.Asset.Says(view.Annotations), nil
	}
	columns, err := r.Columns(ctx, ref)
	if err != nil {
		return nil, err
	}
	for _, c := range columns[ref.Asset()] {
		if c.Key() == ref.Key() {
			return c.Says(view.Asset.Source, view.Annotations), nil
		}
	}
	return nil, fmt.Errorf("column %s: %w", ref, graph.ErrNotFound)
}
