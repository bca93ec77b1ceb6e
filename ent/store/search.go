package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
	entsql "entgo.io/ent/dialect/sql"
)

// Search finds assets at the reader's revision, of what the principal may
// know. The newest revision is answered from an index that follows the store;
// one of the past from an index of its own, which takes longer the first time.
// The asset of a hit has no definition.
func (r *Reader) Search(ctx context.Context, q search.Query) (result search.Result, err error) {
	ctx, end := r.store.begin(ctx, "search")
	defer func() { end(err) }()
	at, err := r.changedAt(ctx, searched()...)
	if err != nil {
		return search.Result{}, err
	}
	f := &r.store.derived.newest
	if result, ok, err := f.query(at, q, r.filter); ok {
		return result, err
	}
	if err := f.follow(at, func(since graph.Revision) (docs, error) { return r.changedDocs(ctx, since, at) }); err != nil {
		return search.Result{}, fmt.Errorf("search: %w", err)
	}
	if result, ok, err := f.query(at, q, r.filter); ok {
		return result, err
	}
	past, err := r.store.derived.past.get(at, func() (*search.Index, error) {
		all, err := r.readDocs(ctx, at, nil)
		index := search.New()
		all.putInto(index)
		return index, err
	})
	if err != nil {
		return search.Result{}, fmt.Errorf("search: %w", err)
	}
	return past.Query(q, r.filter)
}

// searched are the tables from which the documents of the index follow.
func searched() []table { return []table{assetTable(), columnTable(), ownerTable(), tagTable()} }

// following is the index of the newest revision that somebody searched.
type following struct {
	mu    sync.RWMutex
	index *search.Index
	// at is the last change of what is searched that the index knows.
	at graph.Revision
}

// query answers if the index stands at exactly that change; ok says so.
func (f *following) query(at graph.Revision, q search.Query, filter graph.Filter) (result search.Result, ok bool, err error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.index == nil || f.at != at {
		return search.Result{}, false, nil
	}
	result, err = f.index.Query(q, filter)
	return result, true, err
}

// follow brings the index forward to a change, never back. Everything is read
// before the first document is put, so that a failed read leaves it as it was.
func (f *following) follow(to graph.Revision, changed func(since graph.Revision) (docs, error)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.index != nil && f.at >= to {
		return nil
	}
	d, err := changed(f.at)
	if err != nil {
		return err
	}
	if f.index == nil {
		f.index = search.New()
	}
	d.putInto(f.index)
	f.at = to
	return nil
}

// docs are documents by asset; nil where the asset does not stand.
type docs map[graph.Ref]*search.Doc

func (d docs) putInto(index *search.Index) {
	for ref, doc := range d {
		if doc == nil {
			index.Remove(ref)
			continue
		}
		index.Put(*doc)
	}
}

// changedDocs returns the documents, as of one change, of the assets of which
// anything that is searched began or ended after another.
func (r *Reader) changedDocs(ctx context.Context, since, at graph.Revision) (docs, error) {
	if since == 0 {
		return r.readDocs(ctx, at, nil)
	}
	abouts := map[string]bool{}
	for _, table := range searched() {
		for _, column := range []string{colBegan, colEnded} {
			query, args := entsql.Dialect(r.store.dialect).Select(colAbout).AppendSelectExpr(entsql.Raw("0")).Distinct().From(entsql.Table(table.name)).
				Where(entsql.And(entsql.GT(column, int64(since)), entsql.LTE(column, int64(at)))).Query()
			if err := each(ctx, r.store.readers, query, args, func(about string, _ int) { abouts[about] = true }); err != nil {
				return nil, fmt.Errorf("changes of %s: %w", table.name, err)
			}
		}
	}
	out := docs{}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(abouts)), chunk) {
		some, err := r.readDocs(ctx, at, part)
		if err != nil {
			return nil, err
		}
		for _, about := range part {
			ref, err := parseText(about)
			if err != nil {
				return nil, err
			}
			out[ref] = some[ref]
		}
	}
	return out, nil
}

// readDocs returns the documents of assets that stand at a revision; nil asks
// for all.
func (r *Reader) readDocs(ctx context.Context, at graph.Revision, abouts []string) (docs, error) {
	where := holds(at)
	if abouts != nil {
		where = entsql.And(in(colAbout, abouts), where)
	}
	out := docs{}
	tags := map[graph.Ref][]graph.Tag{}
	for _, table := range searched() {
		s := selection{table: table, where: where, order: table.order}
		err := read(ctx, r.store.readers, r.store.dialect, s, func(i graph.Item, _ span) error {
			if a, ok := i.(graph.Asset); ok {
				a.Definition = ""
				out[a.Ref] = &search.Doc{Asset: a}
				return nil
			}
			doc := out[i.About()]
			if doc == nil {
				return nil
			}
			switch i := i.(type) {
			case graph.Owner:
				doc.Owners = append(doc.Owners, i.Principal)
			case graph.Column:
				doc.Columns = append(doc.Columns, search.DocColumn{Ref: i.Ref, Description: i.Description})
			case graph.Tag:
				tags[i.About()] = append(tags[i.About()], i)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for ref, all := range tags {
		out[ref].Labels = labelsOf(all)
	}
	return out, nil
}

// labelsOf returns the labels of the effective tags of an asset and its
// columns, without LabelNone.
func labelsOf(tags []graph.Tag) []string {
	byRef := map[string][]graph.Tag{}
	for _, t := range tags {
		byRef[t.Ref.Key()] = append(byRef[t.Ref.Key()], t)
	}
	var labels []string
	for _, some := range byRef {
		for _, t := range graph.EffectiveTags(some) {
			if t.Label != graph.LabelNone {
				labels = append(labels, t.Label)
			}
		}
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}
