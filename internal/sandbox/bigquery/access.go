package bigquery

import (
	"slices"
	"strings"

	bq "google.golang.org/api/bigquery/v2"

	"cadastre.dev/cadastre/internal/sandbox/directory"
)

// ask is one question of access, with all that the answer depends on. A call
// or a query is a number of such questions; one "no" ends it.
type ask struct {
	// who is the caller, whose token came with the call.
	who directory.Principal
	// want is what the caller, or the view on whose behalf this is asked,
	// would do.
	want permission
	// project is where the resource is, or the project itself.
	project string
	// dataset is the resource's dataset; nil when the project itself is asked.
	dataset *datasetAccess
	// via is the view whose text reads the resource; nil for the caller itself.
	via *viewer
	// tags are the policy tags on the columns that would be read.
	tags []string
	// owner is the address of who made a job; empty for all else.
	owner string
	// roles says what each role may do.
	roles roleBook
}

// datasetAccess is what a dataset says of who may use it.
type datasetAccess struct {
	entries []*bq.DatasetAccess
	// views and datasets say which generation of a view, or of a dataset, an
	// entry authorised when it was last written. A view is a new generation
	// after each change of its query, a dataset after it was made anew.
	views, datasets map[string]int64
}

// viewer is a view that reads on behalf of whoever queries it.
type viewer struct {
	project, dataset, table string
	generation              int64
	datasetGeneration       int64
}

// check is one rule of access. A grant says yes by itself; a limit takes back
// what the grant it belongs to said, or what any grant said if it names none.
type check struct {
	name  string
	grant bool
	of    string
	holds func(ask) bool
}

// The names of the checks. The tests switch off each in turn.
const (
	byProjectRole       = "project role"
	byOwnJob            = "own job"
	byUser              = "access entry of a user"
	byGroup             = "access entry of a group"
	byDomain            = "access entry of a domain"
	byMember            = "access entry of an IAM member"
	byProjectGroup      = "access entry of the project's owners, writers or readers"
	byAuthenticated     = "access entry of all authenticated users"
	byAuthorizedView    = "authorized view"
	byAuthorizedDataset = "authorized dataset"

	viewsOnlyRead         = "a view passes on nothing but reading"
	datasetsOnlyRead      = "an authorized dataset passes on nothing but reading"
	viewUnchanged         = "an authorized view is unchanged since"
	datasetNotRecreated   = "an authorized dataset is not made anew since"
	datasetForViews       = "a dataset is authorized for its views"
	fineGrainedReaderOnly = "a column under a policy tag needs its fine-grained reader"
)

// accessChecks are all rules by which the sandbox decides access, as BigQuery
// documents them.
func accessChecks() []check {
	return []check{
		{name: byProjectRole, grant: true, holds: holdsProjectRole},
		{name: byOwnJob, grant: true, holds: func(a ask) bool {
			return a.owner != "" && strings.EqualFold(a.owner, a.who.Email) && (a.want == jobsGet || a.want == jobsList)
		}},
		entryCheck(byUser, func(a ask, e *bq.DatasetAccess) bool {
			return e.UserByEmail != "" && strings.EqualFold(e.UserByEmail, a.who.Email)
		}),
		entryCheck(byGroup, func(a ask, e *bq.DatasetAccess) bool {
			return e.GroupByEmail != "" && a.who.MemberOf(e.GroupByEmail)
		}),
		entryCheck(byDomain, func(a ask, e *bq.DatasetAccess) bool {
			return e.Domain != "" && strings.EqualFold(e.Domain, a.who.Domain())
		}),
		entryCheck(byMember, func(a ask, e *bq.DatasetAccess) bool { return isMember(a.who, e.IamMember) }),
		entryCheck(byProjectGroup, func(a ask, e *bq.DatasetAccess) bool {
			basic := map[string]string{
				"projectOwners": "roles/owner", "projectWriters": "roles/editor", "projectReaders": "roles/viewer",
			}[e.SpecialGroup]
			return basic != "" && slices.Contains(a.who.Roles[a.project], basic)
		}),
		entryCheck(byAuthenticated, func(_ ask, e *bq.DatasetAccess) bool {
			return e.SpecialGroup == "allAuthenticatedUsers"
		}),
		{name: byAuthorizedView, grant: true, holds: func(a ask) bool { return authorizedView(a) != nil }},
		{name: byAuthorizedDataset, grant: true, holds: func(a ask) bool { return authorizedDataset(a) != nil }},

		{name: viewsOnlyRead, of: byAuthorizedView, holds: readsOnly},
		{name: datasetsOnlyRead, of: byAuthorizedDataset, holds: readsOnly},
		{name: viewUnchanged, of: byAuthorizedView, holds: func(a ask) bool {
			return a.dataset.views[tableKey(a.via.project, a.via.dataset, a.via.table)] == a.via.generation
		}},
		{name: datasetNotRecreated, of: byAuthorizedDataset, holds: func(a ask) bool {
			return a.dataset.datasets[datasetKey(a.via.project, a.via.dataset)] == a.via.datasetGeneration
		}},
		{name: datasetForViews, of: byAuthorizedDataset, holds: func(a ask) bool {
			return slices.Contains(authorizedDataset(a).Dataset.TargetTypes, "VIEWS")
		}},
		{name: fineGrainedReaderOnly, holds: func(a ask) bool {
			for _, tag := range a.tags {
				if !slices.Contains(a.who.FineGrained, tag) && !slices.Contains(a.who.FineGrained, "*") {
					return false
				}
			}
			return true
		}},
	}
}

// allowed decides: yes if some grant holds and so do all limits of it.
func allowed(checks []check, a ask) bool {
	for _, g := range checks {
		if !g.grant || !g.holds(a) {
			continue
		}
		broken := slices.ContainsFunc(checks, func(l check) bool {
			return !l.grant && (l.of == "" || l.of == g.name) && !l.holds(a)
		})
		if !broken {
			return true
		}
	}
	return false
}

func holdsProjectRole(a ask) bool {
	return slices.ContainsFunc(a.who.Roles[a.project], func(role string) bool { return a.roles.gives(role, a.want) })
}

// entryCheck is the grant of the dataset's entries that name the caller in one
// way. An entry under a condition grants nothing: the sandbox evaluates none.
func entryCheck(name string, names func(ask, *bq.DatasetAccess) bool) check {
	return check{name: name, grant: true, holds: func(a ask) bool {
		return a.dataset != nil && slices.ContainsFunc(a.dataset.entries, func(e *bq.DatasetAccess) bool {
			return e.Condition == nil && names(a, e) && a.roles.gives(e.Role, a.want)
		})
	}}
}

// isMember reads the forms of an IAM member that name people.
func isMember(who directory.Principal, member string) bool {
	form, name, _ := strings.Cut(member, ":")
	switch form {
	case "user", "serviceAccount":
		return strings.EqualFold(name, who.Email)
	case "group":
		return who.MemberOf(name)
	case "domain":
		return strings.EqualFold(name, who.Domain())
	case "allAuthenticatedUsers":
		return true
	}
	return false
}

func readsOnly(a ask) bool { return a.want == tablesGetData }

// authorizedView returns the entry that lists the view on whose behalf is
// asked.
func authorizedView(a ask) *bq.DatasetAccess {
	if a.dataset == nil || a.via == nil {
		return nil
	}
	return find(a.dataset.entries, func(e *bq.DatasetAccess) bool {
		return e.View != nil && e.View.ProjectId == a.via.project && e.View.DatasetId == a.via.dataset &&
			e.View.TableId == a.via.table
	})
}

// authorizedDataset returns the entry that lists the dataset of that view.
func authorizedDataset(a ask) *bq.DatasetAccess {
	if a.dataset == nil || a.via == nil {
		return nil
	}
	return find(a.dataset.entries, func(e *bq.DatasetAccess) bool {
		return e.Dataset != nil && e.Dataset.Dataset != nil &&
			e.Dataset.Dataset.ProjectId == a.via.project && e.Dataset.Dataset.DatasetId == a.via.dataset
	})
}

func find[T any](list []*T, is func(*T) bool) *T {
	if i := slices.IndexFunc(list, is); i >= 0 {
		return list[i]
	}
	return nil
}
