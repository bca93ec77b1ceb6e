package bigquery

import (
	"net/http"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/googlesql"
)

// listRows answers the rows of a table; of a view BigQuery answers none this
// way.
func (w *Warehouse) listRows(c *call) (any, error) {
	w.store.mu.RLock()
	t, err := w.openTable(c, tablesGetData)
	w.store.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	if t.meta.View != nil {
		return nil, invalid("Cannot list a table of type VIEW.")
	}
	fields := fieldsOf(t.meta.Schema)
	if hidden := w.hiddenColumns(c.who, t.meta); len(hidden) > 0 {
		return nil, deniedColumns(t.meta, hidden)
	}
	start, end, next, err := c.window(len(t.rows))
	if err != nil {
		return nil, err
	}
	list := &bq.TableDataList{
		Kind: "bigquery#tableDataList", Etag: t.meta.Etag, TotalRows: int64(len(t.rows)), PageToken: next,
		ForceSendFields: []string{"TotalRows"},
	}
	for _, row := range t.rows[start:end] {
		list.Rows = append(list.Rows, restRow(fields, row, c.param("formatOptions.useInt64Timestamp") == "true"))
	}
	return list, nil
}

// insertRows appends rows. One that does not fit is answered with its number
// and what is wrong with it; without skipInvalidRows nothing is then stored.
func (w *Warehouse) insertRows(c *call) (any, error) {
	var body struct {
		SkipInvalidRows     bool `json:"skipInvalidRows"`
		IgnoreUnknownValues bool `json:"ignoreUnknownValues"`
		Rows                []struct {
			JSON map[string]any `json:"json"`
		} `json:"rows"`
	}
	if err := c.read(&body); err != nil {
		return nil, err
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	t, err := w.openTable(c, tablesUpdateData)
	if err != nil {
		return nil, err
	}
	if t.meta.View != nil || t.meta.Schema == nil {
		return nil, &apiError{status: http.StatusBadRequest, reason: "invalid", message: "Cannot add rows to a table without schema or a view."}
	}
	answer := &bq.TableDataInsertAllResponse{Kind: "bigquery#tableDataInsertAllResponse"}
	rows := append([]googlesql.Row{}, t.rows...)
	for i, r := range body.Rows {
		row, err := rowOf(t.meta.Schema.Fields, r.JSON, body.IgnoreUnknownValues)
		if err != nil {
			answer.InsertErrors = append(answer.InsertErrors, &bq.TableDataInsertAllResponseInsertErrors{
				Index:  int64(i),
				Errors: []*bq.ErrorProto{{Reason: "invalid", Message: err.Error()}}, ForceSendFields: []string{"Index"},
			})
			continue
		}
		rows = append(rows, row)
	}
	if len(answer.InsertErrors) > 0 && !body.SkipInvalidRows {
		return answer, nil
	}
	meta := *t.meta
	return answer, w.writeTable(&meta, rows, false)
}
