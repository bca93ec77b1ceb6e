package bigquery

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cadastre.dev/cadastre/ingest"
)

// cursorVersion is raised when tables are read in another way, so that all are
// read again.
const cursorVersion = 1

// cursor is what a run wants to know of the last one: the etag of each table.
type cursor struct {
	Version int `json:"version"`
	// Config is a hash of what in the configuration shapes facts.
	Config   string                 `json:"config"`
	Datasets map[string]seenDataset `json:"datasets"`
}

// seenDataset is a dataset as the last run saw it, by "project.dataset".
type seenDataset struct {
	// Inherited is a hash of what its tables take from it. When it changes,
	// unchanged tables have to be told anew.
	Inherited string               `json:"inherited"`
	Tables    map[string]seenTable `json:"tables"`
}

type seenTable struct {
	ETag string `json:"etag"`
	// Shard is the shard that was read for the asset.
	Shard string `json:"shard,omitempty"`
}

func newCursor(cfg Config) *cursor {
	return &cursor{Version: cursorVersion, Config: shape(cfg), Datasets: map[string]seenDataset{}}
}

// readCursor returns an empty cursor where the bytes are of another version or
// configuration, or of nobody.
func readCursor(b ingest.Cursor, cfg Config) *cursor {
	fresh := newCursor(cfg)
	var c cursor
	if json.Unmarshal(b, &c) != nil || c.Version != fresh.Version || c.Config != fresh.Config || c.Datasets == nil {
		return fresh
	}
	return &c
}

func (c *cursor) bytes() (ingest.Cursor, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write cursor: %w", err)
	}
	return b, nil
}

// tables returns the known tables of a dataset, and none when what they
// inherit is not what it was.
func (c *cursor) tables(key, inherited string) map[string]seenTable {
	if d := c.Datasets[key]; d.Inherited == inherited {
		return d.Tables
	}
	return nil
}

// dataset begins to note a dataset and returns where its tables are noted.
func (c *cursor) dataset(key, inherited string) map[string]seenTable {
	tables := map[string]seenTable{}
	c.Datasets[key] = seenDataset{Inherited: inherited, Tables: tables}
	return tables
}

// keep notes a dataset as another cursor has it.
func (c *cursor) keep(was *cursor, key string) {
	if d, ok := was.Datasets[key]; ok {
		c.Datasets[key] = d
	}
}

func (c *cursor) datasetsOf(project string) []string {
	var keys []string
	for key := range c.Datasets {
		if p, _ := splitDataset(key); p == project {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func datasetKey(project, dataset string) string { return project + "." + dataset }

// splitDataset is the inverse of datasetKey. Projects of a domain have dots,
// datasets never do.
func splitDataset(key string) (project, dataset string) {
	dot := strings.LastIndexByte(key, '.')
	return key[:max(dot, 0)], key[dot+1:]
}

func shape(cfg Config) string {
	return hash(cfg.Name, cfg.OwnerLabels, cfg.Owners)
}

// hash is of values that JSON writes in one way.
func hash(values ...any) string {
	b, err := json.Marshal(values)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12])
}
