package bigquery

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/journal"
)

// Fill puts a seed into the warehouse as it is, without asking anybody's
// leave, and stores all of it at once. What is wrong with it is an error that
// names the resource; the warehouse is then not to be used.
func (w *Warehouse) Fill(seed Seed) error {
	seed, err := seed.clone()
	if err != nil {
		return err
	}
	s := w.store
	s.mu.Lock()
	defer s.mu.Unlock()
	keep := s.journal
	s.journal = nil // written in one piece at the end
	defer func() { s.journal = keep }()
	for _, meta := range seed.Datasets {
		if err := w.fillDataset(meta); err != nil {
			return err
		}
	}
	for _, meta := range seed.Tables {
		if err := w.fillTable(meta, seed.Rows); err != nil {
			return err
		}
	}
	for _, d := range s.datasets { // now that the views are there
		d.access = s.bind(d.meta.Access)
	}
	for _, meta := range seed.Jobs {
		if meta.JobReference == nil || meta.JobReference.JobId == "" {
			return fmt.Errorf("fill: a job without a reference")
		}
		meta.Kind = "bigquery#job"
		s.addJob(&job{meta: meta})
	}
	records, err := s.records()
	if err != nil {
		return err
	}
	return keep.Write(records...)
}

// clone copies the resources, which the warehouse completes, so that one seed
// can fill several.
func (s Seed) clone() (Seed, error) {
	rows := s.Rows
	s.Rows = nil // which are only read, and stay as they are
	data, err := json.Marshal(s)
	if err != nil {
		return Seed{}, fmt.Errorf("fill: %w", err)
	}
	var copied Seed
	if err := json.Unmarshal(data, &copied); err != nil {
		return Seed{}, fmt.Errorf("fill: %w", err)
	}
	copied.Rows = rows
	return copied, nil
}

func (w *Warehouse) fillDataset(meta *bq.Dataset) error {
	ref := meta.DatasetReference
	if ref == nil || ref.ProjectId == "" || ref.DatasetId == "" {
		return fmt.Errorf("fill: a dataset without a reference: %s", meta.Id)
	}
	for _, e := range meta.Access {
		e.Role = shortRole(e.Role)
	}
	return w.writeDataset(meta, nil, false)
}

func (w *Warehouse) fillTable(meta *bq.Table, all map[string][]map[string]any) error {
	ref := meta.TableReference
	if ref == nil || ref.ProjectId == "" || ref.DatasetId == "" || ref.TableId == "" {
		return fmt.Errorf("fill: a table without a reference: %s", meta.Id)
	}
	key := tableKey(ref.ProjectId, ref.DatasetId, ref.TableId)
	if w.store.dataset(ref.ProjectId, ref.DatasetId) == nil {
		return fmt.Errorf("fill %s: there is no such dataset", key)
	}
	if err := checkSchema(meta.Schema); err != nil && meta.View == nil {
		return fmt.Errorf("fill %s: %w", key, err)
	}
	rows := make([]googlesql.Row, 0, len(all[key]))
	for i, object := range all[key] {
		row, err := rowOf(meta.Schema.Fields, object, false)
		if err != nil {
			return fmt.Errorf("fill %s: row %d: %w", key, i+1, err)
		}
		rows = append(rows, row)
	}
	created := meta.CreationTime
	numbers, modified := meta.NumRows, meta.LastModifiedTime
	if err := w.writeTable(meta, rows, true); err != nil {
		return fmt.Errorf("fill %s: %w", key, err)
	}
	if created != 0 {
		meta.CreationTime = created
	}
	if modified != 0 {
		meta.LastModifiedTime = modified
	}
	if len(rows) == 0 { // a real estate tells how many rows there were
		meta.NumRows = numbers
	}
	return nil
}

// records is the whole state.
func (s *store) records() ([]journal.Record, error) {
	var records []journal.Record
	put := func(kind, key string, value any) error {
		r, err := journal.Put(kind, key, value)
		records = append(records, r)
		return err
	}
	for _, key := range s.datasetNames() {
		d := s.datasets[key]
		if err := put("dataset", key, savedDataset{d.meta, d.generation, d.access.views, d.access.datasets}); err != nil {
			return nil, err
		}
		for _, id := range d.tableNames() {
			t := d.tables[id]
			if err := put("table", key+"."+id, savedTable{t.meta, t.generation}); err != nil {
				return nil, err
			}
			if len(t.rows) == 0 {
				continue
			}
			if err := put("rows", key+"."+id, t.rows); err != nil {
				return nil, err
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.jobs)) {
		if err := put("job", key, s.jobs[key].meta); err != nil {
			return nil, err
		}
	}
	return records, nil
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// Key is how Seed.Rows names a table.
func Key(ref *bq.TableReference) string {
	return strings.Join([]string{ref.ProjectId, ref.DatasetId, ref.TableId}, ".")
}
