package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"cadastre.dev/cadastre/ent/gen/column"
	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/graph/search"
	entsql "entgo.io/ent/dialect/sql"
)

// Search finds assets at the reader's revision, of what the principal may
// know. The newest revision is answered from an index that follows the store;
// one of the past from an index of its own, which takes longer the first time.
// Of the asset of a hit ref, kind, source and parent are told.
func (r *Reader) Search(ctx context.Context, q search.Query) (result search.Result, err error) {
	ctx, end := r.store.begin(ctx, "search")
	defer func() { end(err) }()
	at, err := r.searchedAt(ctx)
	if err != nil {
		return search.Result{}, err
	}
	floor, err := r.store.Floor(ctx)
	if err != nil {
		return search.Result{}, err
	}
	f := &r.store.derived.newest
	if result, ok, err := f.query(at, q, r.filter); ok {
		return result, err
	}
	result, ok, err := f.moveAndQuery(ctx, r, at, floor.Revision, q)
	if ok || err != nil {
		return result, err
	}
	past, err := r.store.derived.past.get(at, func() (*search.Index, error) {
		index := search.New()
		return index, r.eachDoc(ctx, at, index.Put)
	})
	if err != nil {
		return search.Result{}, fmt.Errorf("search: %w", err)
	}
	return past.Query(q, r.filter)
}

// Warm builds the index of the newest revision where it is not there, so that
// the first search after a start need not wait for it; who searches meanwhile
// waits for the rest. An index that is there follows.
func (s *Store) Warm(ctx context.Context) error {
	r, err := s.Reader(ctx, graph.Principal{}, graph.Filter{}, 0)
	if err != nil {
		return err
	}
	at, err := r.searchedAt(ctx)
	if err != nil {
		return err
	}
	f := &s.derived.newest
	f.moving.Lock()
	defer f.moving.Unlock()
	floor, err := s.Floor(ctx)
	if err != nil {
		return err
	}
	_, err = f.move(ctx, r, at, floor.Revision)
	return err
}

// searchedAt returns the last change of what is searched, up to the reader's
// revision.
func (r *Reader) searchedAt(ctx context.Context) (graph.Revision, error) {
	return r.store.derived.touched.get(r.at, func() (graph.Revision, error) { return r.changedAt(ctx, searched()...) })
}

// searched are the tables from which the documents of the index follow.
func searched() []table {
	return []table{assetTable(), columnTable(), ownerTable(), tagTable(), annotationTable()}
}

// following is the index of the newest revision that somebody searched. It
// moves from one revision to another by the documents that differ.
type following struct {
	// moving is held by who moves the index; the others search on in what
	// there is until the first document changes.
	moving sync.Mutex
	mu     sync.RWMutex
	index  *search.Index
	// Every document stands as of a change from low to high. Where those are
	// one, the index can be searched; where a move broke off, the next one
	// begins with what may have changed in between.
	low, high graph.Revision
}

// query answers if the index stands at exactly that change; ok says so.
func (f *following) query(at graph.Revision, q search.Query, filter graph.Filter) (result search.Result, ok bool, err error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.index == nil || f.low != at || f.high != at {
		return search.Result{}, false, nil
	}
	result, err = f.index.Query(q, filter)
	return result, true, err
}

// The index goes back for readers that began just before a commit, so far and
// no further: what is longer past has an index of its own.
const (
	backRevisions = 64
	backAssets    = chunk
)

// moveAndQuery brings the index to a change and answers before it moves again.
// ok is false where the change is too long past. That the one who asks leaves
// does not break a move off: it would be begun anew by the next, and as often
// as people type.
func (f *following) moveAndQuery(ctx context.Context, r *Reader, to, floor graph.Revision, q search.Query) (result search.Result, ok bool, err error) {
	f.moving.Lock()
	defer f.moving.Unlock()
	if err := ctx.Err(); err != nil {
		return search.Result{}, false, fmt.Errorf("search: %w", err)
	}
	if ok, err := f.move(context.WithoutCancel(ctx), r, to, floor); !ok || err != nil {
		return search.Result{}, false, err
	}
	return f.query(to, q, r.filter)
}

// move is for who holds moving. It gives ok false where it did not move. An
// index from below the floor of history is made anew: what ended since then is
// no longer there to be taken out of it.
func (f *following) move(ctx context.Context, r *Reader, to, floor graph.Revision) (ok bool, err error) {
	if f.index == nil || f.low < floor {
		index := search.New()
		if err := r.eachDoc(ctx, to, index.Put); err != nil {
			return false, fmt.Errorf("build the index of the search: %w", err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.index, f.low, f.high = index, to, to
		return true, nil
	}
	if to < f.low-backRevisions {
		return false, nil
	}
	low, high := min(f.low, to), max(f.high, to)
	changed, err := r.changedAssets(ctx, low, high)
	if err != nil {
		return false, fmt.Errorf("follow the store in search: %w", err)
	}
	if to < f.low && len(changed) > backAssets {
		return false, nil
	}
	for part := range slices.Chunk(changed, chunk) {
		docs, err := r.readDocs(ctx, to, part)
		if err != nil {
			return false, fmt.Errorf("follow the store in search: %w", err)
		}
		f.stretch(low, high)
		for ref, doc := range docs {
			if doc == nil {
				f.index.Remove(ref)
				continue
			}
			f.index.Put(*doc)
		}
	}
	f.stretch(to, to)
	return true, nil
}

func (f *following) stretch(low, high graph.Revision) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.low, f.high = low, high
}

// changedAssets returns the assets, as the tables name them, of which anything
// that is searched began or ended after one change and up to another.
func (r *Reader) changedAssets(ctx context.Context, after, upTo graph.Revision) ([]string, error) {
	abouts := map[string]bool{}
	for _, table := range searched() {
		for _, column := range []string{colBegan, colEnded} {
			query, args := entsql.Dialect(r.store.dialect).Select(colAbout).AppendSelectExpr(entsql.Raw("0")).Distinct().From(entsql.Table(table.name)).
				Where(entsql.And(entsql.GT(column, int64(after)), entsql.LTE(column, int64(upTo)))).Query()
			if err := each(ctx, r.store.readers, query, args, func(about string, _ int) { abouts[about] = true }); err != nil {
				return nil, fmt.Errorf("changes of %s: %w", table.name, err)
			}
		}
	}
	return slices.Sorted(maps.Keys(abouts)), nil
}

// eachDoc gives the documents of all assets that stand at a revision. It reads
// some of them after the other, so that they are never all in memory.
func (r *Reader) eachDoc(ctx context.Context, at graph.Revision, emit func(search.Doc)) error {
	for last := ""; ; {
		var (
			found []string
			table = assetTable()
			// An asset is about itself; by key there is an index for now alone.
			query = entsql.Dialect(r.store.dialect).Select(colAbout).AppendSelectExpr(entsql.Raw("0")).From(entsql.Table(table.name)).
				Where(entsql.And(entsql.GT(colAbout, last), holds(at))).OrderBy(colAbout).Limit(chunk)
		)
		text, args := query.Query()
		if err := each(ctx, r.store.readers, text, args, func(about string, _ int) { found = append(found, about) }); err != nil {
			return fmt.Errorf("list assets: %w", err)
		}
		if len(found) == 0 {
			return nil
		}
		last = found[len(found)-1]
		docs, err := r.readDocs(ctx, at, found)
		if err != nil {
			return err
		}
		for _, doc := range docs {
			if doc != nil {
				emit(*doc)
			}
		}
	}
}

// readDocs returns the documents of assets at a revision; nil where one does
// not stand.
func (r *Reader) readDocs(ctx context.Context, at graph.Revision, abouts []string) (map[graph.Ref]*search.Doc, error) {
	out := make(map[graph.Ref]*search.Doc, len(abouts))
	for _, about := range abouts {
		ref, err := parseText(about)
		if err != nil {
			return nil, err
		}
		out[ref] = nil
	}
	where := entsql.And(in(colAbout, abouts), holds(at))
	said := map[graph.Ref]*wordings{}
	for _, table := range []table{assetTable(), ownerTable(), tagTable(), annotationTable()} {
		s := selection{table: table, where: where, order: table.order}
		err := read(ctx, r.store.readers, r.store.dialect, s, func(i graph.Item, _ span) error {
			if a, ok := i.(graph.Asset); ok {
				out[a.Ref], said[a.Ref] = &search.Doc{Asset: a}, new(wordings)
				return nil
			}
			doc := out[i.About()]
			if doc == nil {
				return nil
			}
			switch i := i.(type) {
			case graph.Owner:
				said[i.Asset].owners = append(said[i.Asset].owners, i)
			case graph.Tag:
				said[i.About()].tags = append(said[i.About()].tags, i)
			case graph.Annotation:
				said[i.About()].notes = append(said[i.About()].notes, i)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if err := r.readDocColumns(ctx, where, out); err != nil {
		return nil, err
	}
	for ref, words := range said {
		words.putInto(out[ref])
	}
	return out, nil
}

// readDocColumns adds the columns to documents. There are many, and of each
// little is searched, so that no more of them is read.
func (r *Reader) readDocColumns(ctx context.Context, where *entsql.Predicate, docs map[graph.Ref]*search.Doc) error {
	query, args := entsql.Dialect(r.store.dialect).Select(colAbout, column.FieldPath, column.FieldDescription).
		From(entsql.Table(column.Table)).Where(where).OrderBy(columnTable().order...).Query()
	rows, err := r.store.readers.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read columns: %w", fault(err))
	}
	defer rows.Close() //nolint:errcheck // Err tells
	var (
		about string
		c     search.DocColumn
		refs  refs
	)
	for rows.Next() {
		if err := rows.Scan(&about, &c.Ref.Path, &c.Description); err != nil {
			return fmt.Errorf("read columns: %w", err)
		}
		ref, err := refs.parse(about)
		if err != nil {
			return fmt.Errorf("read columns: %w", err)
		}
		if doc := docs[ref]; doc != nil {
			c.Ref = ref.Column(c.Ref.Path)
			doc.Columns = append(doc.Columns, c)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read columns: %w", fault(err))
	}
	return nil
}

// wordings is what several witnesses say of one asset and its columns.
type wordings struct {
	owners []graph.Owner
	tags   []graph.Tag
	notes  []graph.Annotation
}

// putInto gives a document what counts of it, and the other words beside.
func (w wordings) putInto(doc *search.Doc) {
	doc.Labels = labelsOf(w.tags)
	if len(w.owners) > 0 {
		doc.Owners = graph.Principals(w.owners)
	}
	if len(w.notes) == 0 {
		return
	}
	said := doc.Asset.Says(w.notes)
	doc.Asset.Title = graph.EffectiveText(said, graph.AttributeTitle)
	doc.Asset.Description = graph.EffectiveText(said, graph.AttributeDescription)
	for i, c := range doc.Columns {
		of := graph.Column{Ref: c.Ref, Description: c.Description}.Says(doc.Asset.Source, w.notes)
		doc.Columns[i].Description = graph.EffectiveText(of, graph.AttributeDescription)
		said = append(said, of...)
	}
	for _, s := range said {
		if s.Differs {
			doc.Said = append(doc.Said, s.Value)
		}
	}
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
