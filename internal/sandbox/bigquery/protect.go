package bigquery

import (
	"maps"
	"slices"
	"strings"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/sandbox/directory"
	"cadastre.dev/cadastre/internal/sandbox/statement"
)

// hiddenColumn is a column that a caller may not read, with the policy tag
// that says so.
type hiddenColumn struct{ path, tag string }

// hiddenColumns are the columns of a table that are under a policy tag whose
// fine-grained reader the caller is not. No view takes part in this: column
// protection is judged for whoever queries, also through authorized views.
func (w *Warehouse) hiddenColumns(who directory.Principal, meta *bq.Table) []hiddenColumn {
	if meta.Schema == nil {
		return nil
	}
	var hidden []hiddenColumn
	var walk func(fields []*bq.TableFieldSchema, path string)
	walk = func(fields []*bq.TableFieldSchema, path string) {
		for _, f := range fields {
			if !w.mayReadColumn(who, f) {
				hidden = append(hidden, hiddenColumn{path + f.Name, f.PolicyTags.Names[0]})
			}
			walk(f.Fields, path+f.Name+".")
		}
	}
	walk(meta.Schema.Fields, "")
	return hidden
}

// mayReadColumn asks about the tag alone: that the caller, or a view for him,
// may read the table was asked before.
func (w *Warehouse) mayReadColumn(who directory.Principal, f *bq.TableFieldSchema) bool {
	if f.PolicyTags == nil || len(f.PolicyTags.Names) == 0 {
		return true
	}
	anyone := &datasetAccess{entries: []*bq.DatasetAccess{{Role: reader, SpecialGroup: "allAuthenticatedUsers"}}}
	return allowed(w.checks, ask{who: who, want: tablesGetData, dataset: anyone, tags: f.PolicyTags.Names, roles: w.roles})
}

// topLevel are the names of whole columns among the hidden ones.
func topLevel(hidden map[string][]hiddenColumn) []string {
	var names []string
	for _, columns := range hidden {
		for _, c := range columns {
			if !strings.Contains(c.path, ".") {
				names = append(names, c.path)
			}
		}
	}
	return names
}

func deniedColumns(meta *bq.Table, hidden []hiddenColumn) error {
	ref := meta.TableReference
	return deniedHidden(map[string][]hiddenColumn{ref.ProjectId + ":" + ref.DatasetId + "." + ref.TableId: hidden})
}

// deniedHidden names every protected column that the statement could have
// meant, in the words of BigQuery.
func deniedHidden(hidden map[string][]hiddenColumn) error {
	var words []string
	for _, id := range slices.Sorted(maps.Keys(hidden)) {
		for _, c := range hidden[id] {
			words = append(words, `User has neither fine-grained reader nor masked get permission to get data protected by policy tag "`+
				c.tag+`" on column `+strings.Replace(id, ":", ".", 1)+"."+c.path+".")
		}
	}
	return denied("BigQuery BigQuery: %s", strings.Join(words, " "))
}

// narrowed renders a table of the executor without the columns that a caller
// may not read. A record that is NULL stays NULL, and arrays keep their order.
func (w *Warehouse) narrowed(who directory.Principal, table string, fields []*bq.TableFieldSchema) string {
	var list []string
	for _, f := range fields {
		if w.mayReadColumn(who, f) {
			name := statement.Quote(f.Name)
			list = append(list, w.narrowField(who, f, "t."+name, 0)+" AS "+name)
		}
	}
	if len(list) == 0 {
		list = []string{"NULL"}
	}
	return "(SELECT " + strings.Join(list, ", ") + " FROM " + table + " AS t)"
}

// narrowField renders one field, rebuilding a record only if something in it
// is hidden.
func (w *Warehouse) narrowField(who directory.Principal, f *bq.TableFieldSchema, expression string, depth int) string {
	if !w.hides(who, f.Fields) {
		return expression
	}
	element := expression
	if f.Mode == "REPEATED" {
		element = "e" + strings.Repeat("e", depth)
	}
	var list []string
	for _, inner := range f.Fields {
		if w.mayReadColumn(who, inner) {
			name := statement.Quote(inner.Name)
			list = append(list, w.narrowField(who, inner, element+"."+name, depth+1)+" AS "+name)
		}
	}
	if len(list) == 0 {
		list = []string{"NULL"}
	}
	record := "STRUCT(" + strings.Join(list, ", ") + ")"
	if f.Mode == "REPEATED" {
		at := "o" + strings.Repeat("o", depth)
		return "ARRAY(SELECT " + record + " FROM UNNEST(" + expression + ") AS " + element + " WITH OFFSET AS " + at + " ORDER BY " + at + ")"
	}
	return "IF(" + expression + " IS NULL, NULL, " + record + ")"
}

func (w *Warehouse) hides(who directory.Principal, fields []*bq.TableFieldSchema) bool {
	for _, f := range fields {
		if !w.mayReadColumn(who, f) || w.hides(who, f.Fields) {
			return true
		}
	}
	return false
}
