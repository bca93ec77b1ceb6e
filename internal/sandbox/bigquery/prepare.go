package bigquery

import (
	"fmt"
	"slices"
	"strings"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/googlesql"
	"cadastre.dev/cadastre/internal/sandbox/directory"
	"cadastre.dev/cadastre/internal/sandbox/statement"
)

// maxViewDepth is how deep views may stand on views.
const maxViewDepth = 16

// request is a statement that somebody would run.
type request struct {
	who directory.Principal
	// project is where the job runs, which completes names of two parts.
	project string
	// dataset completes names of one part; nil if the caller gave none.
	dataset *bq.DatasetReference
	sql     string
	params  []googlesql.Param
	// forView says that the statement is to be the text of a view: it is
	// analysed, and no column of it is read by anybody yet.
	forView bool
}

// source is a table of the executor that a prepared statement reads: a table
// of the warehouse, or rows made for just this statement.
type source struct {
	name   string // in the executor
	fields []googlesql.Field
	rows   []googlesql.Row
	keep   bool // whether the executor may keep it for the next statement
}

// prepared is a statement of which every name was found, every access granted,
// and every table's name replaced by the executor's.
type prepared struct {
	kind   statement.Kind
	parsed statement.Statement
	// sql runs over whole tables; narrow over tables without the columns that
	// the caller may not read, and is empty if there is no such column.
	sql, narrow string
	params      []googlesql.Param
	sources     map[string]source
	// target is what the statement writes; nil for a SELECT. targetTable is
	// the table that is there, if any.
	target      *bq.TableReference
	targetTable *table
	// referenced are the tables and views that are read, the named ones first.
	referenced []*bq.TableReference
	// hidden are the columns that narrow lacks, for the words of a denial.
	hidden map[string][]hiddenColumn
}

// preparation is the work on one statement, under the store's lock.
type preparation struct {
	*Warehouse
	request
	out  *prepared
	seen map[string]bool
}

// prepare finds and authorises all that a statement names. It runs nothing.
func (w *Warehouse) prepare(r request) (*prepared, error) {
	parsed, err := statement.Parse(r.sql)
	if err != nil {
		return nil, invalidQuery("%s", sentence(err))
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	p := &preparation{Warehouse: w, request: r, seen: map[string]bool{}, out: &prepared{
		kind: parsed.Kind, parsed: parsed, params: r.params, sources: map[string]source{}, hidden: map[string][]hiddenColumn{},
	}}
	if parsed.Target != nil {
		if err := p.findTarget(*parsed.Target); err != nil {
			return nil, err
		}
	}
	whole, narrow, err := p.rewrite(parsed, nil, nil, 0)
	if err != nil {
		return nil, err
	}
	p.out.sql = statement.Sign(whole, r.who.Email)
	if len(p.out.hidden) > 0 {
		p.out.narrow = statement.Sign(statement.Spare(narrow, topLevel(p.out.hidden)), r.who.Email)
	}
	return p.out, nil
}

// writesRows says whether the executor itself changes the target.
func writesRows(kind statement.Kind) bool {
	switch kind {
	case statement.Insert, statement.Update, statement.Delete, statement.Merge:
		return true
	default:
		return false
	}
}

func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// rewrite replaces the names of a text, that of the caller or, with via, that
// of a view. chain are the views above it. Both renderings are made: over
// whole tables and over what the caller may read of them.
func (p *preparation) rewrite(s statement.Statement, via *viewer, chain []string, from int) (whole, narrow string, err error) {
	replacements := map[int][2]string{}
	for _, ref := range s.Refs {
		pair, err := p.resolve(ref, via, chain)
		if err != nil {
			return "", "", err
		}
		replacements[ref.Start] = pair
	}
	if s.Body > 0 {
		from = s.Body
	} else if p.out.targetTable != nil && writesRows(s.Kind) {
		name := p.load(p.out.targetTable)
		replacements[s.Target.Start] = [2]string{name, name}
	}
	whole = s.Rewrite(from, func(r statement.Ref) string { return replacements[r.Start][0] })
	narrow = s.Rewrite(from, func(r statement.Ref) string { return replacements[r.Start][1] })
	return whole, narrow, nil
}

// resolve finds what a name means, asks for access, and returns what stands in
// its place in either rendering.
func (p *preparation) resolve(ref statement.Ref, via *viewer, chain []string) ([2]string, error) {
	none := [2]string{}
	if i := slices.IndexFunc(ref.Parts, isInformationSchema); i >= 0 {
		name, err := p.informationSchema(ref.Parts[:i], ref.Parts[i+1:])
		return [2]string{name, name}, err
	}
	name, err := p.complete(ref.Parts, via)
	if err != nil {
		return none, err
	}
	d, t := p.store.table(name.ProjectId, name.DatasetId, name.TableId)
	if !p.mayRead(name.ProjectId, d, via) {
		return none, deniedQuery(name.ProjectId, name.DatasetId, name.TableId)
	}
	if d == nil {
		return none, notFound("Dataset %s:%s was not found", name.ProjectId, name.DatasetId)
	}
	if t == nil {
		return none, notFound("Table %s:%s.%s was not found in location %s", name.ProjectId, name.DatasetId, name.TableId, d.meta.Location)
	}
	p.reference(name)
	if t.meta.View != nil {
		return p.view(d, t, chain)
	}
	if t.meta.Schema == nil || len(t.meta.Schema.Fields) == 0 {
		return none, invalidQuery("Table %s does not have a schema.", t.meta.Id)
	}
	whole := p.load(t)
	hidden := p.hiddenColumns(p.who, t.meta)
	if len(hidden) == 0 || p.forView {
		return [2]string{whole, whole}, nil
	}
	p.out.hidden[t.meta.Id] = hidden
	return [2]string{whole, p.narrowed(p.who, whole, t.meta.Schema.Fields)}, nil
}

// complete fills in the parts that a name lacks. A view's text has no default
// dataset; its own project completes names of two parts.
func (p *preparation) complete(parts []string, via *viewer) (*bq.TableReference, error) {
	project, dataset := p.project, p.dataset
	if via != nil {
		project, dataset = via.project, nil
	}
	switch len(parts) {
	case 3:
		return &bq.TableReference{ProjectId: parts[0], DatasetId: parts[1], TableId: parts[2]}, nil
	case 2:
		return &bq.TableReference{ProjectId: project, DatasetId: parts[0], TableId: parts[1]}, nil
	case 1:
		if dataset != nil && dataset.DatasetId != "" {
			if dataset.ProjectId != "" {
				project = dataset.ProjectId
			}
			return &bq.TableReference{ProjectId: project, DatasetId: dataset.DatasetId, TableId: parts[0]}, nil
		}
		return nil, invalidQuery("Table %q must be qualified with a dataset (e.g. dataset.table).", parts[0])
	}
	return nil, invalidQuery("Invalid table name: %s", strings.Join(parts, "."))
}

// mayRead asks for the data of a table: on behalf of the view that names it,
// if one does, and else, or if that view has no authority, of the caller.
func (p *preparation) mayRead(project string, d *dataset, via *viewer) bool {
	a := ask{who: p.who, want: tablesGetData, project: project, via: via, roles: p.roles}
	if d != nil {
		a.dataset = d.access
	}
	return allowed(p.checks, a)
}

// view puts a view's text, itself rewritten, in the place of its name.
func (p *preparation) view(d *dataset, t *table, chain []string) ([2]string, error) {
	none := [2]string{}
	ref := t.meta.TableReference
	if len(chain) >= maxViewDepth || slices.Contains(chain, t.meta.Id) {
		return none, invalidQuery("View %s: too many nested views, or a view that refers to itself", t.meta.Id)
	}
	if t.meta.View.UseLegacySql {
		return none, invalidQuery("View %s is in legacy SQL, which the sandbox does not run", t.meta.Id)
	}
	parsed, err := statement.Parse(t.meta.View.Query)
	if err != nil || parsed.Kind != statement.Select {
		return none, invalidQuery("View %s does not hold a query that can be read", t.meta.Id)
	}
	via := &viewer{
		project: ref.ProjectId, dataset: ref.DatasetId, table: ref.TableId,
		generation: t.generation, datasetGeneration: d.generation,
	}
	whole, narrow, err := p.rewrite(parsed, via, append(slices.Clip(chain), t.meta.Id), 0)
	if err != nil {
		return none, err
	}
	return [2]string{"(" + whole + "\n)", "(" + narrow + "\n)"}, nil
}

func (p *preparation) reference(name *bq.TableReference) {
	key := tableKey(name.ProjectId, name.DatasetId, name.TableId)
	if !p.seen[key] {
		p.seen[key] = true
		p.out.referenced = append(p.out.referenced, name)
	}
}

// load notes that the statement reads a table and returns the executor's name
// for it, quoted.
func (p *preparation) load(t *table) string {
	name := p.engine.name(fmt.Sprintf("t%d", t.version))
	p.out.sources[name] = source{name: name, fields: fieldsOf(t.meta.Schema), rows: t.rows, keep: true}
	return statement.Quote(name)
}

// findTarget finds what a statement writes and asks whether the caller may.
func (p *preparation) findTarget(ref statement.Ref) error {
	name, err := p.complete(ref.Parts, nil)
	if err != nil {
		return err
	}
	p.out.target = name
	d, t := p.store.table(name.ProjectId, name.DatasetId, name.TableId)
	want := tablesUpdateData
	switch p.out.kind {
	case statement.CreateView, statement.CreateTableAs:
		want = tablesCreate
		if t != nil && p.out.parsed.OrReplace {
			want = tablesUpdate
		}
	case statement.DropTable, statement.DropView:
		want = tablesDelete
	default: // it changes rows
	}
	a := ask{who: p.who, want: want, project: name.ProjectId, roles: p.roles}
	if d != nil {
		a.dataset = d.access
	}
	if !allowed(p.checks, a) {
		return deniedTable(name.ProjectId, name.DatasetId, name.TableId, want)
	}
	if d == nil {
		return notFound("Dataset %s:%s", name.ProjectId, name.DatasetId)
	}
	p.out.targetTable = t
	return p.checkTarget(name, t)
}

// checkTarget refuses a target that the statement cannot be about.
func (p *preparation) checkTarget(name *bq.TableReference, t *table) error {
	id := name.ProjectId + ":" + name.DatasetId + "." + name.TableId
	kind := p.out.kind
	creates := kind == statement.CreateView || kind == statement.CreateTableAs
	switch {
	case creates && !isID(tableIDPattern, name.TableId):
		return invalidQuery("Invalid table ID %q", name.TableId)
	case creates && t == nil:
		return nil
	case creates:
		if !p.out.parsed.OrReplace && !p.out.parsed.IfNotExists {
			return duplicate("Table %s", id)
		}
		if (t.meta.View != nil) != (kind == statement.CreateView) {
			return invalidQuery("%s is of another type and cannot be replaced", id)
		}
		p.out.targetTable = nil
		return nil
	case t == nil && p.out.parsed.IfExists:
		return nil
	case t == nil:
		return notFound("Table %s was not found", id)
	case kind == statement.DropView && t.meta.View == nil, kind == statement.DropTable && t.meta.View != nil:
		return invalidQuery("%s is of another type than the statement drops", id)
	case kind == statement.DropView || kind == statement.DropTable:
		return nil
	case t.meta.View != nil:
		return invalidQuery("%s is a view and cannot be written", id)
	case t.meta.Schema == nil:
		return invalidQuery("Table %s does not have a schema.", id)
	case kind != statement.Insert && kind != statement.TruncateTable && len(p.hiddenColumns(p.who, t.meta)) > 0:
		return deniedColumns(t.meta, p.hiddenColumns(p.who, t.meta))
	}
	return nil
}
