package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy"
)

// maxReason is how long a reason may be: it is kept for ever, and shown.
const maxReason = 2000

// Tag records what a person says, all of it or nothing, and makes due what
// follows. It returns the tags of the refs as they then stand.
func (a *App) Tag(ctx context.Context, who graph.Principal, requests []graph.TagRequest) ([]graph.Tag, graph.Revision, error) {
	if len(requests) == 0 {
		return nil, 0, fmt.Errorf("tag: nothing was said: %w", graph.ErrInvalid)
	}
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return nil, 0, err
	}
	assets, once := map[graph.Ref]bool{}, map[string]bool{}
	for i := range requests {
		if requests[i], err = a.checkTag(ctx, r, who, requests[i]); err != nil {
			return nil, 0, err
		}
		key := personTag(requests[i], who).Key()
		if once[key] {
			return nil, 0, fmt.Errorf("tag %s: %q is said twice; say it once: %w", requests[i].Ref, requests[i].Label, graph.ErrInvalid)
		}
		once[key] = true
		assets[requests[i].Ref.Asset()] = true
	}
	revision, err := a.store.Commit(ctx, who, "tag", func(tx *store.Tx) error {
		was, now := graph.Snapshot{}, graph.Snapshot{}
		for _, request := range requests {
			said, err := tx.Current(ctx, personTag(request, who))
			if err != nil {
				return err
			}
			for _, item := range said {
				was.Put(item)
			}
			if request.State != graph.StateWithdrawn {
				now.Put(personTag(request, who))
			}
		}
		if err := tx.Apply(ctx, graph.Diff(was, now)); err != nil {
			return err
		}
		return tx.Enqueue(ctx, store.PropagateArgs{})
	})
	if err != nil {
		return nil, 0, fmt.Errorf("tag: %w", err)
	}
	tags, err := a.tagsOf(ctx, who, assets, requests)
	return tags, revision, err
}

// checkTag refuses what makes no sense or is not the person's to say, and
// spells the ref as the catalog does.
func (a *App) checkTag(ctx context.Context, r *store.Reader, who graph.Principal, request graph.TagRequest) (graph.TagRequest, error) {
	if !slices.Contains([]string{string(graph.TagConfirmed), string(graph.TagRejected), graph.StateWithdrawn}, request.State) {
		return request, fmt.Errorf("tag %s: state %q is none of confirmed, rejected, withdrawn: %w", request.Ref, request.State, graph.ErrInvalid)
	}
	if utf8.RuneCountInString(request.Reason) > maxReason {
		return request, fmt.Errorf("tag %s: a reason has at most %d characters: %w", request.Ref, maxReason, graph.ErrInvalid)
	}
	if !a.knowsLabel(request.Label) {
		return request, fmt.Errorf("tag %s: label %q is not in the vocabulary; there is none, or one of %s: %w", request.Ref, request.Label, strings.Join(a.labelsLike(request.Label), ", "), graph.ErrInvalid)
	}
	view, err := r.Asset(ctx, request.Ref)
	if errors.Is(err, graph.ErrNotFound) {
		a.missed(who, request.Ref.Asset())
	}
	if err != nil {
		return request, fmt.Errorf("tag %s: %w", request.Ref, err)
	}
	if view.Visibility != graph.Visible {
		return request, a.refuse(ctx, who, graph.ActionTag, view.Asset, fmt.Sprintf("you may know that %s exists, not what it holds; ask its owners", request.Ref.Asset()))
	}
	if request.Ref.IsColumn() {
		columns, err := r.Columns(ctx, request.Ref.Asset())
		if err != nil {
			return request, err
		}
		i := slices.IndexFunc(columns[view.Asset.Ref], func(c graph.Column) bool { return c.Key() == request.Ref.Key() })
		if i < 0 {
			return request, fmt.Errorf("tag: column %s: %w", request.Ref, graph.ErrNotFound)
		}
		request.Ref = columns[view.Asset.Ref][i].Ref
	}
	return request, a.may(ctx, who, graph.ActionTag, view.Asset, view.Owners)
}

func (a *App) knowsLabel(label string) bool {
	return label == graph.LabelNone || slices.ContainsFunc(a.policy.Vocabulary(), func(l policy.Label) bool { return l.Key == label })
}

// labelsLike returns the labels that share the most first words with what is
// no label, and the shortest ones where none does.
func (a *App) labelsLike(label string) []string {
	matching := func(ok func(key string) bool) (like []string) {
		for _, l := range a.policy.Vocabulary() {
			if ok(l.Key) {
				like = append(like, l.Key)
			}
		}
		return like
	}
	for at := len(label); at > 0; at = strings.LastIndex(label[:at], ".") {
		like := matching(func(key string) bool { return key == label[:at] || strings.HasPrefix(key, label[:at]+".") })
		if len(like) > 0 {
			return like
		}
	}
	return matching(func(key string) bool { return strings.Count(key, ".") < 2 })
}

func personTag(r graph.TagRequest, who graph.Principal) graph.Tag {
	return graph.Tag{
		Ref: r.Ref, Label: r.Label, State: graph.TagState(r.State), Form: graph.FormClear, Confidence: 1,
		Provenance: graph.Provenance{Kind: graph.ByPerson, Name: who.ID, Why: r.Reason},
	}
}

func (a *App) tagsOf(ctx context.Context, who graph.Principal, assets map[graph.Ref]bool, requests []graph.TagRequest) ([]graph.Tag, error) {
	r, err := a.reader(ctx, who, 0)
	if err != nil {
		return nil, err
	}
	refs := make([]graph.Ref, 0, len(assets))
	for ref := range assets {
		refs = append(refs, ref)
	}
	byAsset, err := r.Tags(ctx, refs...)
	if err != nil {
		return nil, err
	}
	var out []graph.Tag
	for _, request := range requests {
		out = append(out, tagsOn(byAsset[request.Ref.Asset()], request.Ref)...)
	}
	return out, nil
}
