package bigquery

import (
	"encoding/json"
	"strings"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/statement"
)

type tableAnswer struct{ *bq.Table }

func (a tableAnswer) etag() string { return a.Etag }

// listTables answers what tables.list does: neither etag nor times of change,
// and no schema.
func (w *Warehouse) listTables(c *call) (any, error) {
	p, err := c.page()
	if err != nil {
		return nil, err
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	d, err := w.openDataset(c, c.project, c.dataset, tablesList)
	if err != nil {
		return nil, err
	}
	keys, next := p.pick(d.tableNames(), func(string) bool { return true })
	list := &bq.TableList{
		Kind: "bigquery#tableList", NextPageToken: next, Etag: d.meta.Etag,
		TotalItems: int64(len(d.tables)), ForceSendFields: []string{"TotalItems"},
	}
	for _, key := range keys {
		m := d.tables[key].meta
		item := &bq.TableListTables{
			Kind: "bigquery#table", Id: m.Id, TableReference: m.TableReference, Type: m.Type,
			FriendlyName: m.FriendlyName, Labels: m.Labels, CreationTime: m.CreationTime, ExpirationTime: m.ExpirationTime,
			TimePartitioning: m.TimePartitioning, RangePartitioning: m.RangePartitioning, Clustering: m.Clustering,
		}
		if m.View != nil {
			item.View = &bq.TableListTablesView{UseLegacySql: m.View.UseLegacySql, ForceSendFields: []string{"UseLegacySql"}}
		}
		list.Tables = append(list.Tables, item)
	}
	return list, nil
}

// openTable finds a table and asks whether the caller may do that to it.
func (w *Warehouse) openTable(c *call, want permission) (*table, error) {
	d, t := w.store.table(c.project, c.dataset, c.table)
	if !w.may(c, want, c.project, d) {
		return nil, deniedTable(c.project, c.dataset, c.table, want)
	}
	if d == nil {
		return nil, notFound("Dataset %s:%s", c.project, c.dataset)
	}
	if t == nil {
		return nil, notFound("Table %s:%s.%s", c.project, c.dataset, c.table)
	}
	return t, nil
}

func (w *Warehouse) getTable(c *call) (any, error) {
	w.store.mu.RLock()
	defer w.store.mu.RUnlock()
	t, err := w.openTable(c, tablesGet)
	if err != nil {
		return nil, err
	}
	return tableAnswer{t.meta}, nil
}

// insertTable creates a table or a view. A view's query is analysed first, and
// the caller must be able to query all that it names.
func (w *Warehouse) insertTable(c *call) (any, error) {
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	meta := &bq.Table{}
	if err := decode(body, meta); err != nil {
		return nil, err
	}
	if err := checkDialect(body); err != nil {
		return nil, err
	}
	if meta.TableReference == nil || !isID(tableIDPattern, meta.TableReference.TableId) {
		return nil, invalid("Invalid table ID. Table IDs must be alphanumeric (plus underscores, dashes and spaces) and must be at most 1024 characters long.")
	}
	c.table = meta.TableReference.TableId
	meta.TableReference = &bq.TableReference{ProjectId: c.project, DatasetId: c.dataset, TableId: c.table}
	if err := w.mayCreate(c); err != nil {
		return nil, err
	}
	if meta.View != nil {
		if meta.Schema != nil {
			return nil, invalid("Schema field shouldn't be used as input with a view")
		}
		schema, err := w.describeView(c, meta)
		if err != nil {
			return nil, err
		}
		meta.Schema = schema
	} else if err := checkSchema(meta.Schema); err != nil {
		return nil, err
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if err := w.mayCreateLocked(c); err != nil { // the world moved while the view was analysed
		return nil, err
	}
	if err := w.writeTable(meta, []googlesql.Row{}, true); err != nil {
		return nil, err
	}
	return tableAnswer{meta}, nil
}

func (w *Warehouse) mayCreate(c *call) error {
	w.store.mu.RLock()
	defer w.store.mu.RUnlock()
	return w.mayCreateLocked(c)
}

func (w *Warehouse) mayCreateLocked(c *call) error {
	d, err := w.openDataset(c, c.project, c.dataset, tablesCreate)
	if err != nil {
		return err
	}
	if d.tables[c.table] != nil {
		return duplicate("Table %s:%s.%s", c.project, c.dataset, c.table)
	}
	return nil
}

// checkDialect refuses a view that does not say in which SQL it is written:
// the service takes that for legacy SQL, which no view here is in.
func checkDialect(body []byte) error {
	var sent struct {
		View *struct {
			UseLegacySQL *bool `json:"useLegacySql"`
		} `json:"view"`
	}
	if err := decode(body, &sent); err != nil {
		return err
	}
	if sent.View != nil && (sent.View.UseLegacySQL == nil || *sent.View.UseLegacySQL) {
		return invalid("The sandbox does not run legacy SQL, which is what the API defaults to: send useLegacySql false")
	}
	return nil
}

// checkSchema refuses columns that BigQuery would not take.
func checkSchema(schema *bq.TableSchema) error {
	if schema == nil {
		return nil
	}
	var walk func(fields []*bq.TableFieldSchema, path string) error
	walk = func(fields []*bq.TableFieldSchema, path string) error {
		seen := map[string]bool{}
		for _, f := range fields {
			key := strings.ToLower(f.Name)
			if f.Name == "" || len(f.Name) > 300 || seen[key] {
				return invalid("Invalid or duplicate field name %q", path+f.Name)
			}
			seen[key] = true
			if len(f.Description) > 1024 {
				return invalid("Description of field %s is longer than 1024 characters", path+f.Name)
			}
			record := legacyType(f.Type) == "RECORD"
			if f.Type == "" || record != (len(f.Fields) > 0) {
				return invalid("Field %s is of type RECORD but has no schema, or the reverse", path+f.Name)
			}
			if f.PolicyTags != nil && (record || len(f.PolicyTags.Names) > 1) {
				return invalid("Field %s: a policy tag goes on a leaf field, and at most one", path+f.Name)
			}
			if f.Mode == "" {
				f.Mode = "NULLABLE"
			}
			f.Type = legacyType(f.Type)
			if err := walk(f.Fields, path+f.Name+"."); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(schema.Fields, "")
}

// writeTable fills in what the service sets itself, and stores. Nil rows keep
// those that the table has.
func (w *Warehouse) writeTable(meta *bq.Table, rows []googlesql.Row, renew bool) error {
	ref := meta.TableReference
	d, was := w.store.table(ref.ProjectId, ref.DatasetId, ref.TableId)
	if d == nil { // deleted while a query ran that writes there
		return notFound("Dataset %s:%s", ref.ProjectId, ref.DatasetId)
	}
	etag, millis := w.store.stamp("table " + tableKey(ref.ProjectId, ref.DatasetId, ref.TableId))
	meta.Kind, meta.Id, meta.Etag = "bigquery#table", ref.ProjectId+":"+ref.DatasetId+"."+ref.TableId, etag
	meta.SelfLink = "https://bigquery.googleapis.com/bigquery/v2/projects/" + ref.ProjectId + "/datasets/" + ref.DatasetId +
		"/tables/" + ref.TableId
	meta.LastModifiedTime, meta.Location = uint64(millis), d.meta.Location
	switch {
	case was != nil && !renew:
		meta.CreationTime = was.meta.CreationTime
	case meta.CreationTime == 0 || renew:
		meta.CreationTime = millis
	}
	switch {
	case meta.View != nil:
		meta.Type = "VIEW"
	case meta.MaterializedView != nil:
		meta.Type = "MATERIALIZED_VIEW"
	case meta.Type == "":
		meta.Type = "TABLE"
	}
	meta.NumRows = uint64(len(rows))
	if rows == nil && was != nil {
		meta.NumRows = uint64(len(was.rows))
	}
	meta.NullFields = nil
	sayZeros(meta)
	return w.store.putTable(meta, rows, renew)
}

// sayZeros has a table's answer name what is zero or false, where to leave it
// out would mean something else. The state does not keep that.
func sayZeros(meta *bq.Table) {
	meta.ForceSendFields = []string{"NumRows", "NumBytes"}
	if meta.View != nil {
		meta.View.ForceSendFields = []string{"UseLegacySql"}
	}
}

func (w *Warehouse) patchTable(c *call) (any, error) {
	return w.changeTable(c, func(was *bq.Table, body []byte) (*bq.Table, map[string]bool, error) {
		now := &bq.Table{}
		sent, err := merge(was, body, now)
		return now, sent, err
	})
}

func (w *Warehouse) updateTable(c *call) (any, error) {
	return w.changeTable(c, func(was *bq.Table, body []byte) (*bq.Table, map[string]bool, error) {
		now := &bq.Table{}
		sent, err := merge(&bq.Table{}, body, now)
		if now.Schema == nil {
			now.Schema = was.Schema
		}
		return now, sent, err
	})
}

// changeTable is what patch and update share. A view whose query changed is
// analysed again, its columns lose their descriptions, and whatever authorised
// it must authorise it again.
func (w *Warehouse) changeTable(c *call, change func(*bq.Table, []byte) (*bq.Table, map[string]bool, error)) (any, error) {
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	p, err := w.proposeChange(c, body, change)
	if err != nil {
		return nil, err
	}
	was, now := p.was, p.now
	if p.requeried {
		said := now.Schema
		if now.Schema, err = w.describeView(c, now); err != nil {
			return nil, err
		}
		if p.described {
			if err := describeColumns(now, now.Schema.Fields, said.Fields, ""); err != nil {
				return nil, err
			}
		}
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	present, err := w.openTable(c, tablesUpdate)
	if err != nil {
		return nil, err
	}
	if present != was { // it moved while the view was analysed
		return nil, conditionNotMet()
	}
	var rows []googlesql.Row
	if now.View == nil && !sameJSON(now.Schema, was.meta.Schema) {
		rows = migrate(fieldsOf(was.meta.Schema), fieldsOf(now.Schema), was.rows)
	}
	if err := w.writeTable(now, rows, p.requeried); err != nil {
		return nil, err
	}
	return tableAnswer{now}, nil
}

// proposal is a change of a table that was checked as far as it can be without
// analysing a view's query.
type proposal struct {
	was       *table
	now       *bq.Table
	requeried bool // the query of a view is another
	described bool // and its columns were sent with it
}

// proposeChange applies the change to a copy and checks it.
func (w *Warehouse) proposeChange(c *call, body []byte, change func(*bq.Table, []byte) (*bq.Table, map[string]bool, error)) (proposal, error) {
	w.store.mu.RLock()
	defer w.store.mu.RUnlock()
	was, err := w.openTable(c, tablesUpdate)
	if err != nil {
		return proposal{}, err
	}
	if err := c.matches(was.meta.Etag); err != nil {
		return proposal{}, err
	}
	now, sent, err := change(was.meta, body)
	if err != nil {
		return proposal{}, err
	}
	now.TableReference, now.Type = was.meta.TableReference, was.meta.Type
	if (now.View == nil) != (was.meta.View == nil) {
		return proposal{}, invalid("Cannot change a table into a view, or a view into a table")
	}
	if err := checkSchema(now.Schema); err != nil {
		return proposal{}, err
	}
	p := proposal{was: was, now: now, requeried: now.View != nil && now.View.Query != was.meta.View.Query}
	p.described = sent["schema"] && now.Schema != nil
	if !p.requeried && was.meta.Schema != nil && now.Schema != nil {
		return p, checkChange(was.meta, was.meta.Schema.Fields, now.Schema.Fields, "", now.View == nil)
	}
	return p, nil
}

// describeColumns puts what was sent of a view's columns onto the columns that
// its query has: descriptions and policy tags. The two must be the same columns.
func describeColumns(meta *bq.Table, columns, said []*bq.TableFieldSchema, path string) error {
	if len(columns) != len(said) {
		return invalid("Provided Schema does not match Table %s. It has other columns than the view's query.", meta.Id)
	}
	for i, f := range columns {
		if !strings.EqualFold(f.Name, said[i].Name) {
			return invalid("Provided Schema does not match Table %s. Field %s is not a column of the view", meta.Id, path+said[i].Name)
		}
		f.Description, f.PolicyTags = said[i].Description, said[i].PolicyTags
		if err := describeColumns(meta, f.Fields, said[i].Fields, path+f.Name+"."); err != nil {
			return err
		}
	}
	return nil
}

// checkChange refuses a new schema that loses a column, changes a type or
// tightens a mode. A view's columns follow from its query and cannot grow.
func checkChange(meta *bq.Table, was, now []*bq.TableFieldSchema, path string, grow bool) error {
	mismatch := func(what string) error {
		return invalid("Provided Schema does not match Table %s. %s", meta.Id, what)
	}
	left := map[string]*bq.TableFieldSchema{}
	for _, f := range now {
		left[strings.ToLower(f.Name)] = f
	}
	for _, old := range was {
		name := path + old.Name
		f := left[strings.ToLower(old.Name)]
		if f == nil {
			return mismatch("Field " + name + " is missing in new schema")
		}
		delete(left, strings.ToLower(old.Name))
		if legacyType(f.Type) != legacyType(old.Type) {
			return mismatch("Field " + name + " has changed type from " + old.Type + " to " + f.Type)
		}
		relaxed := old.Mode == "REQUIRED" && f.Mode == "NULLABLE"
		same := f.Mode == old.Mode || old.Mode == "" && f.Mode == "NULLABLE"
		if !same && !relaxed {
			return mismatch("Field " + name + " has changed mode from " + old.Mode + " to " + f.Mode)
		}
		if err := checkChange(meta, old.Fields, f.Fields, name+".", grow); err != nil {
			return err
		}
	}
	for _, f := range left {
		if f.Mode == "REQUIRED" {
			return mismatch("Cannot add required fields to an existing schema. (field: " + path + f.Name + ")")
		}
		if !grow {
			return mismatch("Field " + path + f.Name + " is not a column of the view")
		}
	}
	return nil
}

func (w *Warehouse) deleteTable(c *call) (any, error) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if _, err := w.openTable(c, tablesDelete); err != nil {
		return nil, err
	}
	return nil, w.store.dropTable(c.project, c.dataset, c.table)
}

// describeView analyses a view's query on the caller's behalf and returns its
// columns.
func (w *Warehouse) describeView(c *call, meta *bq.Table) (*bq.TableSchema, error) {
	if len(meta.View.Query) > 256<<10 {
		return nil, invalid("The view's query is longer than 256 K characters")
	}
	p, err := w.prepare(request{who: c.who, project: c.project, sql: meta.View.Query, forView: true})
	if err != nil {
		return nil, err
	}
	if p.kind != statement.Select {
		return nil, invalidQuery("Only a query can be the text of a view")
	}
	if _, err := w.locate(append([]*bq.TableReference{meta.TableReference}, p.referenced...), ""); err != nil {
		return nil, err
	}
	fields, err := w.engine.describe(c.Context(), p)
	if err != nil {
		return nil, err
	}
	return schemaOf(fields), nil
}

func sameJSON(a, b any) bool {
	left, errLeft := json.Marshal(a)
	right, errRight := json.Marshal(b)
	return errLeft == nil && errRight == nil && string(left) == string(right)
}
