package bigquery

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/journal"
)

// store is the warehouse's state. The resources in it are never changed, only
// replaced, so that what a reader took under the lock stays as it was.
type store struct {
	mu       sync.RWMutex
	now      func() time.Time
	journal  *journal.Journal
	sequence int64
	datasets map[string]*dataset
	jobs     map[string]*job
	order    []*job // by creation, newest first
	sorted   bool   // whether order is

	names []string // keys of datasets, sorted; nil after a change
}

// dataset is a dataset and its tables.
type dataset struct {
	meta       *bq.Dataset
	access     *datasetAccess
	generation int64
	tables     map[string]*table
	names      []string // of the tables, sorted; nil after a change
}

// table is a table or a view. Its version changes with its schema and rows,
// its generation with its being, and with its query if it is a view.
type table struct {
	meta       *bq.Table
	rows       []googlesql.Row
	generation int64
	version    int64
}

// The records in the journal.
type savedDataset struct {
	Meta       *bq.Dataset      `json:"meta"`
	Generation int64            `json:"generation"`
	Views      map[string]int64 `json:"views,omitempty"`
	Datasets   map[string]int64 `json:"datasets,omitempty"`
}

type savedTable struct {
	Meta       *bq.Table `json:"meta"`
	Generation int64     `json:"generation"`
}

func datasetKey(project, dataset string) string      { return project + "." + dataset }
func tableKey(project, dataset, table string) string { return project + "." + dataset + "." + table }

func newStore(j *journal.Journal, now func() time.Time) *store {
	return &store{now: now, journal: j, datasets: map[string]*dataset{}, jobs: map[string]*job{}}
}

// replay puts one record of the journal back into its place. A record of
// another room is left alone.
func (s *store) replay(r journal.Record) error {
	switch r.Kind {
	case "dataset":
		var saved savedDataset
		if err := json.Unmarshal(r.Value, &saved); err != nil {
			return fmt.Errorf("read dataset %s: %w", r.Key, err)
		}
		if saved.Meta == nil || saved.Meta.DatasetReference == nil {
			return fmt.Errorf("read dataset %s: it has no name", r.Key)
		}
		tables := map[string]*table{}
		if known := s.datasets[r.Key]; known != nil {
			tables = known.tables
		}
		access := &datasetAccess{entries: saved.Meta.Access, views: saved.Views, datasets: saved.Datasets}
		s.datasets[r.Key] = &dataset{meta: saved.Meta, access: access, generation: saved.Generation, tables: tables}
		s.sequence = max(s.sequence, saved.Generation)
		for _, stamps := range []map[string]int64{saved.Views, saved.Datasets} {
			for _, generation := range stamps { // of what may be gone: never to be given again
				s.sequence = max(s.sequence, generation)
			}
		}
	case "table":
		var saved savedTable
		if err := json.Unmarshal(r.Value, &saved); err != nil {
			return fmt.Errorf("read table %s: %w", r.Key, err)
		}
		if saved.Meta == nil || saved.Meta.TableReference == nil {
			return fmt.Errorf("read table %s: it has no name", r.Key)
		}
		t := s.placeholder(saved.Meta.TableReference)
		sayZeros(saved.Meta)
		t.meta, t.generation = saved.Meta, saved.Generation
		s.sequence = max(s.sequence, saved.Generation)
	case "rows":
		parts := strings.SplitN(r.Key, ".", 3)
		if len(parts) != 3 {
			return fmt.Errorf("read rows of %s: no name of a table", r.Key)
		}
		t := s.placeholder(&bq.TableReference{ProjectId: parts[0], DatasetId: parts[1], TableId: parts[2]})
		if err := json.Unmarshal(r.Value, &t.rows); err != nil {
			return fmt.Errorf("read rows of %s: %w", r.Key, err)
		}
	case "job":
		meta := &bq.Job{}
		if err := json.Unmarshal(r.Value, meta); err != nil {
			return fmt.Errorf("read job %s: %w", r.Key, err)
		}
		if meta.JobReference == nil {
			return fmt.Errorf("read job %s: it has no name", r.Key)
		}
		s.addJob(&job{meta: meta})
	}
	return nil
}

// placeholder returns the table for a record that may come before or after
// those of its dataset.
func (s *store) placeholder(ref *bq.TableReference) *table {
	key := datasetKey(ref.ProjectId, ref.DatasetId)
	d := s.datasets[key]
	if d == nil {
		d = &dataset{tables: map[string]*table{}}
		s.datasets[key] = d
	}
	t := d.tables[ref.TableId]
	if t == nil {
		s.sequence++
		t = &table{version: s.sequence}
		d.tables[ref.TableId] = t
	}
	return t
}

// next returns a number that was never given before.
func (s *store) next() int64 {
	s.sequence++
	return s.sequence
}

// stamp sets what every write sets: the time and a new etag.
func (s *store) stamp(key string) (etag string, millis int64) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d", key, s.next(), s.now().UnixNano()))
	return base64.StdEncoding.EncodeToString(sum[:12]), s.now().UnixMilli()
}

func (s *store) dataset(project, id string) *dataset { return s.datasets[datasetKey(project, id)] }

func (s *store) table(project, datasetID, id string) (*dataset, *table) {
	d := s.dataset(project, datasetID)
	if d == nil {
		return nil, nil
	}
	return d, d.tables[id]
}

// putDataset stores a dataset. As with every write, what cannot be kept is not
// done. The entries that are new in its access list are
// bound to the views and datasets as they are now; with renew, all of them are,
// as a call that wrote the list grants anew what it lists.
func (s *store) putDataset(meta *bq.Dataset, renew bool) error {
	ref := meta.DatasetReference
	key := datasetKey(ref.ProjectId, ref.DatasetId)
	d := s.datasets[key]
	if d == nil {
		d = &dataset{generation: s.next(), tables: map[string]*table{}, access: &datasetAccess{}}
	}
	access := &datasetAccess{entries: meta.Access, views: d.access.views, datasets: d.access.datasets}
	if renew {
		access = s.bind(meta.Access)
	}
	r, err := journal.Put("dataset", key, savedDataset{meta, d.generation, access.views, access.datasets})
	if err != nil {
		return err
	}
	if err := s.journal.Write(r); err != nil {
		return err
	}
	d.meta, d.access = meta, access
	s.datasets[key], s.names = d, nil
	return nil
}

// bind notes which generation of each view and dataset the entries authorise.
func (s *store) bind(entries []*bq.DatasetAccess) *datasetAccess {
	access := &datasetAccess{entries: entries, views: map[string]int64{}, datasets: map[string]int64{}}
	for _, e := range entries {
		if v := e.View; v != nil {
			if _, t := s.table(v.ProjectId, v.DatasetId, v.TableId); t != nil {
				access.views[tableKey(v.ProjectId, v.DatasetId, v.TableId)] = t.generation
			}
		}
		if e.Dataset != nil && e.Dataset.Dataset != nil {
			ref := e.Dataset.Dataset
			if d := s.dataset(ref.ProjectId, ref.DatasetId); d != nil {
				access.datasets[datasetKey(ref.ProjectId, ref.DatasetId)] = d.generation
			}
		}
	}
	return access
}

// dropDataset removes a dataset with its tables. Entries elsewhere that list
// it stay, and authorise nothing.
func (s *store) dropDataset(project, id string) error {
	key := datasetKey(project, id)
	records := []journal.Record{journal.Gone("dataset", key)}
	for t := range s.datasets[key].tables {
		records = append(records, journal.Gone("table", key+"."+t), journal.Gone("rows", key+"."+t))
	}
	if err := s.journal.Write(records...); err != nil {
		return err
	}
	delete(s.datasets, key)
	s.names = nil
	return nil
}

// putTable stores a table or view. A nil rows keeps the rows that it has. With
// renew the table is a new one to whatever authorises it.
func (s *store) putTable(meta *bq.Table, rows []googlesql.Row, renew bool) error {
	ref := meta.TableReference
	d := s.dataset(ref.ProjectId, ref.DatasetId)
	was := d.tables[ref.TableId]
	t := &table{meta: meta, rows: rows, version: s.next()}
	if was == nil || renew {
		t.generation = s.next()
	} else {
		t.generation = was.generation
	}
	if rows == nil && was != nil {
		t.rows, t.version = was.rows, was.version
	}
	if err := s.saveTable(t, rows != nil); err != nil {
		return err
	}
	d.tables[ref.TableId], d.names = t, nil
	return nil
}

func (s *store) saveTable(t *table, withRows bool) error {
	ref := t.meta.TableReference
	key := tableKey(ref.ProjectId, ref.DatasetId, ref.TableId)
	r, err := journal.Put("table", key, savedTable{t.meta, t.generation})
	if err != nil {
		return err
	}
	records := []journal.Record{r}
	if withRows {
		if r, err = journal.Put("rows", key, t.rows); err != nil {
			return err
		}
		records = append(records, r)
	}
	return s.journal.Write(records...)
}

func (s *store) dropTable(project, datasetID, id string) error {
	key := tableKey(project, datasetID, id)
	if err := s.journal.Write(journal.Gone("table", key), journal.Gone("rows", key)); err != nil {
		return err
	}
	d := s.dataset(project, datasetID)
	delete(d.tables, id)
	d.names = nil
	return nil
}

// datasetNames are the keys of all datasets, sorted. The caller holds the
// write lock.
func (s *store) datasetNames() []string {
	if s.names == nil {
		s.names = slices.Sorted(maps.Keys(s.datasets))
	}
	return s.names
}

func (d *dataset) tableNames() []string {
	if d.names == nil {
		d.names = slices.Sorted(maps.Keys(d.tables))
	}
	return d.names
}
