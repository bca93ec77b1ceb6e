package bigquery

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	bq "google.golang.org/api/bigquery/v2"
)

// LoadEstate reads a company's warehouse as REST resources, one JSON object a
// line: datasets.jsonl, tables.jsonl and jobs.jsonl, each plain or as .gz.
// Datasets and tables must be there, jobs need not. A line that is not such a
// resource is an error that names file and line.
func LoadEstate(dir string) (Seed, error) {
	var seed Seed
	err := eachLine(dir, "datasets", func(d *bq.Dataset) error {
		if d.DatasetReference == nil || d.DatasetReference.ProjectId == "" || d.DatasetReference.DatasetId == "" {
			return errors.New("no datasetReference")
		}
		seed.Datasets = append(seed.Datasets, d)
		return nil
	})
	if err != nil {
		return Seed{}, err
	}
	known := make(map[string]bool, len(seed.Datasets))
	for _, d := range seed.Datasets {
		known[datasetKey(d.DatasetReference.ProjectId, d.DatasetReference.DatasetId)] = true
	}
	err = eachLine(dir, "tables", func(t *bq.Table) error {
		ref := t.TableReference
		if ref == nil || ref.ProjectId == "" || ref.DatasetId == "" || ref.TableId == "" {
			return errors.New("no tableReference")
		}
		if !known[datasetKey(ref.ProjectId, ref.DatasetId)] {
			return fmt.Errorf("table %s: its dataset is not in the estate", t.Id)
		}
		seed.Tables = append(seed.Tables, t)
		return nil
	})
	if err != nil {
		return Seed{}, err
	}
	err = eachLine(dir, "jobs", func(j *bq.Job) error {
		if j.JobReference == nil || j.JobReference.JobId == "" {
			return errors.New("no jobReference")
		}
		seed.Jobs = append(seed.Jobs, j)
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Seed{}, err
	}
	return seed, nil
}

// EstateProjects are the projects of an estate's datasets and jobs, sorted.
func EstateProjects(dir string) ([]string, error) {
	projects := map[string]bool{}
	err := eachLine(dir, "datasets", func(d *bq.Dataset) error {
		if d.DatasetReference != nil {
			projects[d.DatasetReference.ProjectId] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = eachLine(dir, "jobs", func(j *bq.Job) error {
		if j.JobReference != nil {
			projects[j.JobReference.ProjectId] = true
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return slices.Sorted(maps.Keys(projects)), nil
}

// maxLine bounds a line: the text of a view is at most 256 K characters.
const maxLine = 16 << 20

// eachLine decodes the lines of a file, which may be compressed.
func eachLine[T any](dir, name string, take func(*T) error) error {
	path, in, err := openLines(dir, name)
	if err != nil {
		return fmt.Errorf("load estate: %w", err)
	}
	defer func() { _ = in.Close() }()
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 1<<20), maxLine)
	for number := 1; lines.Scan(); number++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		resource := new(T)
		if err := json.Unmarshal(lines.Bytes(), resource); err != nil {
			return fmt.Errorf("load estate: %s line %d: %w", path, number, err)
		}
		if err := take(resource); err != nil {
			return fmt.Errorf("load estate: %s line %d: %w", path, number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("load estate: %s: %w", path, err)
	}
	return nil
}

func openLines(dir, name string) (string, io.ReadCloser, error) {
	path := filepath.Join(dir, name+".jsonl")
	file, err := os.Open(path)
	if err == nil {
		return path, file, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", nil, err
	}
	packed := path + ".gz"
	file, gzErr := os.Open(packed)
	if errors.Is(gzErr, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("neither %s nor %s.gz: %w", path, filepath.Base(path), fs.ErrNotExist)
	}
	if gzErr != nil {
		return "", nil, gzErr
	}
	in, err := gzip.NewReader(file)
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("%s: %w", packed, err), file.Close())
	}
	return packed, struct {
		io.Reader
		io.Closer
	}{in, file}, nil
}
