package bigquery

import "slices"

// permission is one of IAM's words for what a call needs.
type permission string

// The permissions that the sandbox knows.
const (
	datasetsCreate   permission = "bigquery.datasets.create"
	datasetsGet      permission = "bigquery.datasets.get"
	datasetsUpdate   permission = "bigquery.datasets.update"
	datasetsDelete   permission = "bigquery.datasets.delete"
	tablesList       permission = "bigquery.tables.list"
	tablesGet        permission = "bigquery.tables.get"
	tablesGetData    permission = "bigquery.tables.getData"
	tablesCreate     permission = "bigquery.tables.create"
	tablesUpdate     permission = "bigquery.tables.update"
	tablesUpdateData permission = "bigquery.tables.updateData"
	tablesDelete     permission = "bigquery.tables.delete"
	jobsCreate       permission = "bigquery.jobs.create"
	jobsGet          permission = "bigquery.jobs.get"
	jobsList         permission = "bigquery.jobs.list"
	jobsListAll      permission = "bigquery.jobs.listAll"
	projectsGet      permission = "resourcemanager.projects.get"
)

// The short names of roles in a dataset's access entries, and the roles that
// they stand for.
const (
	reader = "READER"
	writer = "WRITER"
	owner  = "OWNER"
)

// roleBook says which permissions a role has: BigQuery's predefined roles, the
// basic roles, and the custom roles of the world.
type roleBook map[string][]permission

func newRoleBook(custom map[string][]string) roleBook {
	metadataViewer := []permission{projectsGet, datasetsGet, tablesList, tablesGet}
	dataViewer := append(slices.Clone(metadataViewer), tablesGetData)
	dataEditor := append(slices.Clone(dataViewer), datasetsCreate, tablesCreate, tablesUpdate, tablesUpdateData, tablesDelete)
	dataOwner := append(slices.Clone(dataEditor), datasetsUpdate, datasetsDelete)
	jobUser := []permission{projectsGet, jobsCreate}
	resourceViewer := []permission{projectsGet, jobsGet, jobsList, jobsListAll}
	book := roleBook{
		"roles/bigquery.metadataViewer": metadataViewer,
		"roles/bigquery.dataViewer":     dataViewer,
		"roles/bigquery.dataEditor":     dataEditor,
		"roles/bigquery.dataOwner":      dataOwner,
		"roles/bigquery.jobUser":        jobUser,
		"roles/bigquery.user":           {projectsGet, jobsCreate, jobsList, datasetsCreate, datasetsGet, tablesList},
		"roles/bigquery.resourceViewer": resourceViewer,
		"roles/bigquery.admin":          slices.Concat(dataOwner, jobUser, resourceViewer),
		"roles/viewer":                  {projectsGet, jobsCreate, jobsList},
		"roles/editor":                  {projectsGet, jobsCreate, jobsList, datasetsCreate},
		"roles/owner":                   {projectsGet, jobsCreate, jobsList, jobsGet, jobsListAll, datasetsCreate},
	}
	for role, words := range custom {
		permissions := make([]permission, len(words))
		for i, w := range words {
			permissions[i] = permission(w)
		}
		book[role] = permissions
	}
	return book
}

// gives says whether the role has the permission. A role that nobody defined
// has none.
func (b roleBook) gives(role string, want permission) bool {
	return slices.Contains(b[longRole(role)], want)
}

// longRole is the name of the role that a short name of an access entry stands
// for.
func longRole(role string) string {
	switch role {
	case reader:
		return "roles/bigquery.dataViewer"
	case writer:
		return "roles/bigquery.dataEditor"
	case owner:
		return "roles/bigquery.dataOwner"
	}
	return role
}

// shortRole is how BigQuery answers a role in a dataset's access entries.
func shortRole(role string) string {
	for _, short := range []string{reader, writer, owner} {
		if role == longRole(short) {
			return short
		}
	}
	return role
}
