package bigquery

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"

	bq "google.golang.org/api/bigquery/v2"
)

// maxAuthorized is how many views, datasets and routines one dataset may
// authorise.
const maxAuthorized = 2500

// idPattern is what BigQuery takes as the id of a dataset; tables may bear
// more.
var (
	idPattern      = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	tableIDPattern = regexp.MustCompile(`^[\pL\pM\pN\p{Pc}\p{Pd}\p{Zs}$*@]+$`)
)

// isID says whether an id is of the pattern and not longer than BigQuery takes.
func isID(pattern *regexp.Regexp, id string) bool { return len(id) <= 1024 && pattern.MatchString(id) }

type datasetAnswer struct{ *bq.Dataset }

func (a datasetAnswer) etag() string { return a.Etag }

// listProjects answers the projects of which the caller may know: by a role,
// or by access to one of its datasets.
func (w *Warehouse) listProjects(c *call) (any, error) {
	p, err := c.page()
	if err != nil {
		return nil, err
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	known := map[string]bool{}
	for project, roles := range c.who.Roles {
		known[project] = len(roles) > 0
	}
	for _, d := range w.store.datasets {
		project := d.meta.DatasetReference.ProjectId
		if !known[project] && w.may(c, datasetsGet, project, d) {
			known[project] = true
		}
	}
	keys, next := p.pick(slices.Sorted(maps.Keys(known)), func(string) bool { return true })
	list := &bq.ProjectList{Kind: "bigquery#projectList", NextPageToken: next, TotalItems: int64(len(known))}
	for _, id := range keys {
		list.Projects = append(list.Projects, &bq.ProjectListProjects{
			Id: id, Kind: "bigquery#project", FriendlyName: id,
			ProjectReference: &bq.ProjectReference{ProjectId: id},
		})
	}
	return list, nil
}

// listDatasets answers those of which the caller may have the metadata; the
// others are not there for him. Hidden datasets (a leading underscore) are
// answered with all=true only.
func (w *Warehouse) listDatasets(c *call) (any, error) {
	p, err := c.page()
	if err != nil {
		return nil, err
	}
	labels, err := labelFilter(c.param("filter"))
	if err != nil {
		return nil, err
	}
	all := c.param("all") == "true"
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	keys, next := p.pick(w.store.datasetNames(), func(key string) bool {
		d := w.store.datasets[key]
		ref := d.meta.DatasetReference
		return ref.ProjectId == c.project && (all || !strings.HasPrefix(ref.DatasetId, "_")) &&
			hasLabels(d.meta.Labels, labels) && w.may(c, datasetsGet, c.project, d)
	})
	list := &bq.DatasetList{Kind: "bigquery#datasetList", NextPageToken: next}
	for _, key := range keys {
		m := w.store.datasets[key].meta
		list.Datasets = append(list.Datasets, &bq.DatasetListDatasets{
			Kind: "bigquery#dataset", Id: m.Id,
			DatasetReference: m.DatasetReference, FriendlyName: m.FriendlyName, Labels: m.Labels, Location: m.Location,
		})
	}
	return list, nil
}

// labelFilter reads `labels.key:value` expressions, separated by spaces.
func labelFilter(text string) (map[string]string, error) {
	want := map[string]string{}
	for _, expression := range strings.Fields(text) {
		name, ok := strings.CutPrefix(expression, "labels.")
		if !ok {
			return nil, invalid("Invalid filter: %s", text)
		}
		key, value, _ := strings.Cut(name, ":")
		want[key] = value
	}
	return want, nil
}

func hasLabels(labels, want map[string]string) bool {
	for key, value := range want {
		if got, ok := labels[key]; !ok || value != "" && got != value {
			return false
		}
	}
	return true
}

// openDataset finds a dataset and asks whether the caller may do that to it.
// One who may not learns nothing of it; one who may everywhere in the project
// learns that it is not there.
func (w *Warehouse) openDataset(c *call, project, id string, want permission) (*dataset, error) {
	d := w.store.dataset(project, id)
	if !w.may(c, want, project, d) {
		return nil, deniedDataset(project, id, want)
	}
	if d == nil {
		return nil, notFound("Dataset %s:%s", project, id)
	}
	return d, nil
}

func (w *Warehouse) getDataset(c *call) (any, error) {
	w.store.mu.RLock()
	defer w.store.mu.RUnlock()
	d, err := w.openDataset(c, c.project, c.dataset, datasetsGet)
	if err != nil {
		return nil, err
	}
	return datasetAnswer{d.meta}, nil
}

func (w *Warehouse) insertDataset(c *call) (any, error) {
	meta := &bq.Dataset{}
	if err := c.read(meta); err != nil {
		return nil, err
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if !w.may(c, datasetsCreate, c.project, nil) {
		return nil, deniedProject(c.project, datasetsCreate)
	}
	ref := meta.DatasetReference
	if ref == nil || !isID(idPattern, ref.DatasetId) {
		return nil, invalid("Invalid dataset ID. Dataset IDs must be alphanumeric (plus underscores) and must be at most 1024 characters long.")
	}
	if ref.ProjectId != "" && ref.ProjectId != c.project {
		return nil, invalid("Invalid project ID: %s", ref.ProjectId)
	}
	if w.store.dataset(c.project, ref.DatasetId) != nil {
		return nil, duplicate("Dataset %s:%s", c.project, ref.DatasetId)
	}
	meta.DatasetReference = &bq.DatasetReference{ProjectId: c.project, DatasetId: ref.DatasetId}
	if meta.Access == nil {
		meta.Access = []*bq.DatasetAccess{
			{Role: writer, SpecialGroup: "projectWriters"},
			{Role: owner, SpecialGroup: "projectOwners"},
			{Role: owner, UserByEmail: c.who.Email},
			{Role: reader, SpecialGroup: "projectReaders"},
		}
	}
	if err := w.checkEntries(meta.Access, nil); err != nil {
		return nil, err
	}
	if err := w.writeDataset(meta, nil, true); err != nil {
		return nil, err
	}
	return datasetAnswer{meta}, nil
}

// writeDataset fills in what the service sets itself, and stores.
func (w *Warehouse) writeDataset(meta, was *bq.Dataset, renew bool) error {
	ref := meta.DatasetReference
	etag, millis := w.store.stamp("dataset " + datasetKey(ref.ProjectId, ref.DatasetId))
	meta.Kind, meta.Id, meta.Etag = "bigquery#dataset", ref.ProjectId+":"+ref.DatasetId, etag
	meta.SelfLink = "https://bigquery.googleapis.com/bigquery/v2/projects/" + ref.ProjectId + "/datasets/" + ref.DatasetId
	meta.LastModifiedTime, meta.Type = millis, "DEFAULT"
	if was != nil {
		meta.CreationTime, meta.Location = was.CreationTime, was.Location
	} else if meta.CreationTime == 0 {
		meta.CreationTime = millis
	}
	if meta.Location == "" {
		meta.Location = "US"
	}
	meta.ForceSendFields, meta.NullFields = nil, nil
	return w.store.putDataset(meta, renew)
}

func (w *Warehouse) patchDataset(c *call) (any, error) {
	return w.changeDataset(c, func(was *bq.Dataset, body []byte) (*bq.Dataset, bool, error) {
		now := &bq.Dataset{}
		sent, err := merge(was, body, now)
		return now, sent["access"], err
	})
}

func (w *Warehouse) updateDataset(c *call) (any, error) {
	return w.changeDataset(c, func(was *bq.Dataset, body []byte) (*bq.Dataset, bool, error) {
		now := &bq.Dataset{}
		if _, err := merge(&bq.Dataset{}, body, now); err != nil {
			return nil, false, err
		}
		if now.Access == nil {
			now.Access = was.Access
			return now, false, nil
		}
		return now, true, nil
	})
}

// changeDataset is what patch and update share: access, condition, the change,
// the check of the access list.
func (w *Warehouse) changeDataset(c *call, change func(was *bq.Dataset, body []byte) (now *bq.Dataset, access bool, err error)) (any, error) {
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	d, err := w.openDataset(c, c.project, c.dataset, datasetsUpdate)
	if err != nil {
		return nil, err
	}
	if err := c.matches(d.meta.Etag); err != nil {
		return nil, err
	}
	meta, access, err := change(d.meta, body)
	if err != nil {
		return nil, err
	}
	if meta.Location != "" && meta.Location != d.meta.Location {
		return nil, invalid("Cannot change the location of a dataset")
	}
	meta.DatasetReference = d.meta.DatasetReference
	if access {
		if err := w.checkEntries(meta.Access, d.meta.Access); err != nil {
			return nil, err
		}
	}
	if err := w.writeDataset(meta, d.meta, access); err != nil {
		return nil, err
	}
	return datasetAnswer{meta}, nil
}

// checkEntries refuses what BigQuery refuses in an access list: an entry that
// names nobody or two, a role that is none, a view or a dataset that is not
// there (unless it was listed before: what was deleted lingers), too many.
func (w *Warehouse) checkEntries(entries, before []*bq.DatasetAccess) error {
	authorized := 0
	for _, e := range entries {
		resources, people := 0, 0
		for _, is := range []bool{e.View != nil, e.Dataset != nil, e.Routine != nil} {
			if is {
				resources++
			}
		}
		for _, name := range []string{e.UserByEmail, e.GroupByEmail, e.Domain, e.SpecialGroup, e.IamMember} {
			if name != "" {
				people++
			}
		}
		if resources+people != 1 {
			return invalid("Each access entry must name exactly one user, group, domain, special group, IAM member, view, routine or dataset")
		}
		if people == 1 && len(w.roles[longRole(e.Role)]) == 0 {
			return invalid("Role %s is not supported for this resource.", e.Role)
		}
		if resources == 1 && e.Role != "" {
			return invalid("An access entry of a view, routine or dataset has no role")
		}
		e.Role = shortRole(e.Role)
		authorized += resources
		listed := slices.ContainsFunc(before, func(b *bq.DatasetAccess) bool { return sameResource(e, b) })
		if err := w.checkAuthorized(e); err != nil && !listed {
			return err
		}
	}
	if authorized > maxAuthorized {
		return invalid("Dataset ACL has %d authorized resources, the limit is %d", authorized, maxAuthorized)
	}
	return nil
}

func sameResource(a, b *bq.DatasetAccess) bool {
	return reflect.DeepEqual(a.View, b.View) && reflect.DeepEqual(a.Dataset, b.Dataset) && reflect.DeepEqual(a.Routine, b.Routine)
}

func (w *Warehouse) checkAuthorized(e *bq.DatasetAccess) error {
	if v := e.View; v != nil {
		if _, t := w.store.table(v.ProjectId, v.DatasetId, v.TableId); t == nil || t.meta.View == nil {
			return notFound("View %s:%s.%s", v.ProjectId, v.DatasetId, v.TableId)
		}
	}
	if e.Dataset != nil {
		if e.Dataset.Dataset == nil || len(e.Dataset.TargetTypes) == 0 {
			return invalid("An authorized dataset needs a dataset and targetTypes")
		}
		ref := e.Dataset.Dataset
		if w.store.dataset(ref.ProjectId, ref.DatasetId) == nil {
			return notFound("Dataset %s:%s", ref.ProjectId, ref.DatasetId)
		}
	}
	return nil
}

func (w *Warehouse) deleteDataset(c *call) (any, error) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	d, err := w.openDataset(c, c.project, c.dataset, datasetsDelete)
	if err != nil {
		return nil, err
	}
	if len(d.tables) > 0 && c.param("deleteContents") != "true" {
		return nil, &apiError{
			status: http.StatusBadRequest, reason: "resourceInUse",
			message: fmt.Sprintf("Dataset %s:%s is still in use", c.project, c.dataset),
		}
	}
	return nil, w.store.dropDataset(c.project, c.dataset)
}

// merge applies a JSON merge patch: an object is merged, anything else
// replaced, null removes. It says which members were sent.
func merge(was any, patch []byte, into any) (map[string]bool, error) {
	data, err := json.Marshal(was)
	if err != nil {
		return nil, fmt.Errorf("patch: %w", err)
	}
	var current, change map[string]any
	if err := json.Unmarshal(data, &current); err != nil {
		return nil, fmt.Errorf("patch: %w", err)
	}
	if err := decode(patch, &change); err != nil {
		return nil, err
	}
	data, err = json.Marshal(mergeObjects(current, change))
	if err != nil {
		return nil, fmt.Errorf("patch: %w", err)
	}
	if err := decode(data, into); err != nil {
		return nil, err
	}
	sent := make(map[string]bool, len(change))
	for name := range change {
		sent[name] = true
	}
	return sent, nil
}

func mergeObjects(current, change map[string]any) map[string]any {
	if current == nil {
		current = map[string]any{}
	}
	for name, value := range change {
		object, isObject := value.(map[string]any)
		switch {
		case value == nil:
			delete(current, name)
		case isObject:
			was, _ := current[name].(map[string]any)
			current[name] = mergeObjects(was, object)
		default:
			current[name] = value
		}
	}
	return current
}
