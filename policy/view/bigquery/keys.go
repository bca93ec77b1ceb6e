package bigquery

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/mask"
)

// keyIDs asks which key rows exist. The pads are never read. It is a query,
// because rows that were just inserted are not in a table's listing yet.
func (t *Target) keyIDs(ctx context.Context, container graph.Ref) ([]string, error) {
	table, err := quoteRef(graph.BigQueryRef(container.Name, keyTable))
	if err != nil {
		return nil, err
	}
	project, _, _ := split(container)
	no := false
	var answer *bq.QueryResponse
	err = t.call(ctx, func() (err error) {
		answer, err = t.cfg.Service.Jobs.Query(project, &bq.QueryRequest{
			Query: "SELECT DISTINCT id FROM " + table + " ORDER BY id", UseLegacySql: &no, UseQueryCache: &no, TimeoutMs: 60_000, MaxResults: 10_000,
		}).Context(ctx).Do()
		return err
	})
	switch {
	case errors.Is(err, graph.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("list keys of %s: %w", container.Name, err)
	case !answer.JobComplete || answer.PageToken != "":
		return nil, fmt.Errorf("list keys of %s: the query did not end in time: %w", container.Name, graph.ErrUnavailable)
	}
	ids := make([]string, 0, len(answer.Rows))
	for _, row := range answer.Rows {
		if id, ok := row.F[0].V.(string); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// putKey inserts the pads of a key. They travel as the data of a row: no text
// of a job, no log and no error holds them.
func (t *Target) putKey(ctx context.Context, step graph.Step) error {
	if stands, err := t.hasKey(ctx, step); err != nil || stands {
		return err
	}
	if t.cfg.Keys == nil {
		return fmt.Errorf("key %q: no source of keys is configured: %w", step.After, graph.ErrInvalid)
	}
	if err := t.makeKeyTable(ctx, step.Object); err != nil {
		return err
	}
	key, err := t.cfg.Keys.Key(ctx, step.After)
	if err != nil {
		return fmt.Errorf("key %q: %w", step.After, err)
	}
	if len(key) < minKey {
		return fmt.Errorf("key %q: shorter than %d bytes, which could be guessed: %w", step.After, minKey, graph.ErrInvalid)
	}
	ipad, opad := mask.Pads(key)
	clear(key)
	project, dataset, _ := split(step.Object)
	request := &bq.TableDataInsertAllRequest{Rows: []*bq.TableDataInsertAllRequestRows{{
		InsertId: "key-" + step.After,
		Json: map[string]bq.JsonValue{
			"id": step.After, "ipad": base64.StdEncoding.EncodeToString(ipad), "opad": base64.StdEncoding.EncodeToString(opad),
		},
	}}}
	var refused int
	err = t.call(ctx, func() error {
		answer, err := t.cfg.Service.Tabledata.InsertAll(project, dataset, keyTable, request).Context(ctx).Do()
		if err == nil {
			refused = len(answer.InsertErrors)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("insert key %q: %w", step.After, keyError(err))
	}
	if refused > 0 {
		return fmt.Errorf("insert key %q: the row was refused: %w", step.After, graph.ErrInvalid)
	}
	t.cfg.Logger.InfoContext(ctx, "key put", "ref", step.Object.String())
	return nil
}

// minKey is the least length of a key, in bytes: 128 bits.
const minKey = 16

// keyError keeps an error's kind and drops its words, which could quote what
// was sent.
func keyError(err error) error {
	for _, kind := range []error{graph.ErrDenied, graph.ErrNotFound, graph.ErrUnavailable, graph.ErrConflict, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return graph.ErrInvalid
}

// makeKeyTable makes the table of pads unless it is there.
func (t *Target) makeKeyTable(ctx context.Context, container graph.Ref) error {
	project, dataset, _ := split(container)
	field := func(name, kind string) *bq.TableFieldSchema {
		return &bq.TableFieldSchema{Name: name, Type: kind, Mode: "REQUIRED"}
	}
	table := &bq.Table{
		TableReference: &bq.TableReference{ProjectId: project, DatasetId: dataset, TableId: keyTable},
		Description:    "Pads of the keys by which views hash. Whoever reads them can unmask.",
		Labels:         map[string]string{labelManaged: managedValue},
		Schema:         &bq.TableSchema{Fields: []*bq.TableFieldSchema{field("id", "STRING"), field("ipad", "BYTES"), field("opad", "BYTES")}},
	}
	err := t.call(ctx, func() error {
		_, err := t.cfg.Service.Tables.Insert(project, dataset, table).Context(ctx).Do()
		return err
	})
	if err != nil && !errors.Is(err, graph.ErrConflict) {
		return fmt.Errorf("make key table: %w", err)
	}
	return nil
}

func (t *Target) hasKey(ctx context.Context, step graph.Step) (bool, error) {
	ids, err := t.keyIDs(ctx, step.Object)
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		if id == step.After {
			return true, nil
		}
	}
	return false, nil
}
