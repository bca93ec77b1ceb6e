package registry

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
)

// crawl is one run.
type crawl struct {
	source   *Source
	known    map[string]version // by versionKey, with what was referred to
	topics   map[string]*topic
	told     []graph.Fact
	problems []graph.Finding
	// nameless are subjects that could not be read and do not tell their
	// topic; unsure says that there are any.
	nameless []string
	unsure   bool
}

// topic is a topic as its subjects describe it.
type topic struct {
	name    string
	labels  map[string]string
	doc     string
	columns []schemaColumn
	at      map[string]int // where they are, by key
	owners  []string
	told    []string // the subjects that say so
	// broken: one of its subjects could not be read.
	broken bool
}

func (c *crawl) topic(name string) *topic {
	t, ok := c.topics[name]
	if !ok {
		t = &topic{name: name, at: map[string]int{}}
		c.topics[name] = t
	}
	return t
}

// broken notes that a subject could not be read.
func (c *crawl) broken(subject string, err error) {
	code, do := ingest.Advice(err)
	ref := c.source.subjectRef(subject)
	c.problems = append(c.problems, graph.Finding{
		Ref: ref, Level: graph.FindingWarn, Code: code, Do: do,
		What: fmt.Sprintf("subject %s of registry %s: %v", subject, c.source.host, err),
	})
	c.told = append(c.told, graph.AssetUnchanged{Ref: ref})
	if name, _ := topicOf(subject, ""); name != "" {
		c.topic(name).broken = true
		return
	}
	// It may be named by its topic and its record, which is not known now: no
	// topic may end, or lose a column, for the lack of it.
	c.unsure = true
	c.nameless = append(c.nameless, subject)
}

// isBroken says whether a subject of the topic, or what may be one, could not
// be read.
func (c *crawl) isBroken(t *topic) bool {
	return t.broken || slices.ContainsFunc(c.nameless, func(subject string) bool {
		return strings.HasPrefix(subject, t.name+"-")
	})
}

// subject reads one subject. Nothing of it is told unless all of it is right.
func (c *crawl) subject(ctx context.Context, v version) error {
	ref := c.source.subjectRef(v.Subject)
	asset := graph.Asset{Ref: ref, Kind: graph.KindSubject, Source: c.source.cfg.Name, Labels: labels(v), Definition: compactJSON(v.Schema)}
	if v.schemaType() != "AVRO" {
		asset.Unread = fmt.Sprintf("The schema is in %s; columns are read from Avro only.", v.schemaType())
		if name, _ := topicOf(v.Subject, ""); name != "" {
			c.topic(name)
		}
		c.told = append(c.told, graph.AssetSeen{Asset: asset, Owners: c.owners(ref, v)})
		return nil
	}
	types := newAvro()
	if err := c.refer(ctx, types, v, map[string]bool{}, 0); err != nil {
		return err
	}
	schema, err := types.parse(v.Schema)
	if err != nil {
		return err
	}
	var rules []tagRule
	if v.Metadata != nil {
		rules = tagRules(v.Metadata.Tags)
	}
	columns, err := columnsOf(ref, "", schema, rules)
	if err != nil {
		return err
	}
	asset.Description = schema.doc
	told := []graph.Fact{graph.AssetSeen{Asset: asset, Columns: plain(columns), Owners: c.owners(ref, v)}}
	told = append(told, c.tags(columns, v.Subject)...)
	name, part := topicOf(v.Subject, schema.name)
	if name != "" {
		edges, err := c.describe(c.topic(name), part, v, schema, columns, rules)
		if err != nil {
			return err
		}
		told = append(told, edges...)
	}
	c.told = append(c.told, told...)
	return nil
}

// maxReferences bounds how far references are followed.
const maxReferences = 32

// refer makes the named types known that a schema refers to. Read holds the
// versions met so far, and whether all that they refer to was read.
func (c *crawl) refer(ctx context.Context, types *avro, v version, read map[string]bool, depth int) error {
	if depth > maxReferences {
		return invalid("references are more than %d deep", maxReferences)
	}
	self := versionKey(v.Subject, v.Version)
	read[self] = false
	defer func() { read[self] = true }()
	for _, r := range v.References {
		if _, known := types.named[r.Name]; known {
			continue
		}
		subject := r.Subject
		if outer, _ := inContext(v.Subject); outer != "" && !strings.HasPrefix(subject, ":.") {
			subject = ":." + outer + ":" + subject
		}
		key := versionKey(subject, r.Version)
		if done, met := read[key]; met && !done {
			return invalid("reference %s: version %d of subject %s refers to itself in a circle", r.Name, r.Version, subject)
		} else if done {
			continue
		}
		referred, ok := c.known[key]
		if !ok {
			var err error
			if referred, err = c.source.version(ctx, subject, strconv.Itoa(r.Version), true); err != nil {
				return fmt.Errorf("reference %s: %w", r.Name, err)
			}
			c.known[key] = referred
		}
		if err := c.refer(ctx, types, referred, read, depth+1); err != nil {
			return fmt.Errorf("reference %s: %w", r.Name, err)
		}
		if _, known := types.named[r.Name]; known {
			continue
		}
		if _, err := types.parse(referred.Schema); err != nil {
			return fmt.Errorf("reference %s: %w", r.Name, err)
		}
	}
	return nil
}

// describe adds what a subject says of its topic, and returns the edges from
// the subject's columns to the topic's.
func (c *crawl) describe(t *topic, part role, v version, schema use, own []schemaColumn, rules []tagRule) ([]graph.Fact, error) {
	root := ""
	if part == roleKey {
		root = keyColumn
	}
	columns, err := columnsOf(c.source.topicRef(t.name), root, schema, rules)
	if err != nil {
		return nil, err
	}
	var edges []graph.Fact
	leaves := leavesOf(columns)
	for i, from := range leavesOf(own) {
		edges = append(edges, graph.EdgeSeen{Edge: graph.Edge{
			From: from.Ref, To: leaves[i].Ref, Kind: graph.EdgeIdentity,
			Outcome: graph.OutcomeExact, Because: graph.EvidenceSchema,
		}})
	}
	t.told = append(t.told, v.Subject)
	t.owners = append(t.owners, c.principals(v)...)
	if part == roleValue {
		t.doc = cmp.Or(t.doc, schema.doc)
	}
	for key, value := range labels(v) {
		if part == roleValue && key != labelType {
			t.labels = with(t.labels, key, value)
		}
	}
	for _, column := range columns {
		t.add(column)
	}
	return edges, nil
}

// add adds a column, or its tags to the one that another subject of the topic
// gave it: what either of them declares may be in it.
func (t *topic) add(column schemaColumn) {
	if at, ok := t.at[column.Key()]; ok {
		known := &t.columns[at]
		known.tags, known.leaf = union(known.tags, column.tags), known.leaf && column.leaf
		if column.Type == recordType {
			known.Type = recordType
		}
		return
	}
	t.at[column.Key()] = len(t.columns)
	t.columns = append(t.columns, column)
}

// facts are all that the crawl tells, subjects before topics.
func (c *crawl) facts() []graph.Fact {
	facts := c.told
	for _, name := range slices.Sorted(maps.Keys(c.topics)) {
		t := c.topics[name]
		ref := c.source.topicRef(name)
		if c.isBroken(t) {
			facts = append(facts, graph.AssetUnchanged{Ref: ref})
			continue
		}
		facts = append(facts, c.topicFact(ref, t))
		facts = append(facts, c.tags(t.columns, strings.Join(t.told, ", "))...)
		facts = append(facts, c.sink(ref, t)...)
	}
	return facts
}

func (c *crawl) topicFact(ref graph.Ref, t *topic) graph.AssetSeen {
	slices.SortStableFunc(t.columns, func(a, b schemaColumn) int { return cmp.Compare(rank(a), rank(b)) })
	for i := range t.columns {
		t.columns[i].Position = i
	}
	asset := graph.Asset{Ref: ref, Kind: graph.KindTopic, Source: c.source.cfg.Name, Description: t.doc, Labels: t.labels}
	if len(t.columns) == 0 {
		asset.Unread = "No subject in Avro of the registry describes this topic."
	}
	return graph.AssetSeen{Asset: asset, Columns: plain(t.columns), Owners: c.ownersOf(ref, t.owners)}
}

// rank puts the key's columns after the value's.
func rank(c schemaColumn) int {
	if c.Ref.Path == keyColumn || strings.HasPrefix(c.Ref.Path, keyColumn+".") || strings.HasPrefix(c.Ref.Path, keyColumn+"[]") {
		return 1
	}
	return 0
}

// sink returns the edges from a topic to the table that it is written to,
// column by column. The key is not written unless a connector is told to.
func (c *crawl) sink(ref graph.Ref, t *topic) []graph.Fact {
	name, ok := c.source.cfg.Tables[t.name]
	if !ok {
		return nil
	}
	table := graph.BigQueryRef(name)
	edge := graph.Edge{From: ref, To: table, Kind: graph.EdgeReads, Outcome: graph.OutcomePartial, Because: graph.EvidenceConnector}
	var facts []graph.Fact
	for _, leaf := range leavesOf(t.columns) {
		if rank(leaf) == 0 && leaf.Ref.Path != valueColumn {
			edge.From, edge.To = leaf.Ref, table.Column(leaf.Ref.Path)
			edge.Kind, edge.Outcome = graph.EdgeIdentity, graph.OutcomeExact
			facts = append(facts, graph.EdgeSeen{Edge: edge})
		}
	}
	if len(facts) == 0 {
		return []graph.Fact{graph.EdgeSeen{Edge: edge}}
	}
	return facts
}

func plain(columns []schemaColumn) []graph.Column {
	out := make([]graph.Column, len(columns))
	for i, c := range columns {
		out[i] = c.Column
	}
	return out
}

func leavesOf(columns []schemaColumn) []schemaColumn {
	return slices.DeleteFunc(slices.Clone(columns), func(c schemaColumn) bool { return !c.leaf })
}
