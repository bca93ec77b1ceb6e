package journal

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// failing is a file that fails on demand: a write after half of it, as on a
// disk that is full.
type failing struct {
	*os.File
	write, sync, truncate error
}

func (f *failing) Write(data []byte) (int, error) {
	if f.write != nil {
		n, _ := f.File.Write(data[:len(data)/2])
		return n, f.write
	}
	return f.File.Write(data)
}

func (f *failing) Sync() error {
	if f.sync != nil {
		return f.sync
	}
	return f.File.Sync()
}

func (f *failing) Truncate(size int64) error {
	if f.truncate != nil {
		return f.truncate
	}
	return f.File.Truncate(size)
}

// openFailing opens a journal over a file whose faults the test sets.
func openFailing(t *testing.T, dir string) (*Journal, *failing) {
	t.Helper()
	j, _, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := &failing{File: j.file.(*os.File)}
	j.file = f
	t.Cleanup(func() { _ = j.Close() })
	return j, f
}

func keysIn(t *testing.T, dir string) []string {
	t.Helper()
	records, err := read(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys
}

// TestWhatFailedIsNotThere lets random writes fail in random ways, and holds
// that the file has just those that did not.
func TestWhatFailedIsNotThere(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left")
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		dir := t.TempDir()
		j, f := openFailing(t, dir)
		var want []string
		for n := range 30 {
			f.write, f.sync = nil, nil
			switch rng.IntN(3) {
			case 0:
				f.write = full
			case 1:
				f.sync = full
			}
			var records []Record
			for i := range 1 + rng.IntN(3) {
				r, err := Put("thing", strconv.Itoa(n)+"."+strconv.Itoa(i), n)
				if err != nil {
					t.Fatal(err)
				}
				records = append(records, r)
			}
			err := j.Write(records...)
			if fails := f.write != nil || f.sync != nil; fails != errors.Is(err, full) {
				t.Fatalf("seed %d, write %d: %v", seed, n, err)
			}
			if err == nil {
				for _, r := range records {
					want = append(want, r.Key)
				}
			}
			if got := keysIn(t, dir); !slices.Equal(got, want) {
				t.Fatalf("seed %d, write %d: the file has %v, want %v", seed, n, got, want)
			}
		}
	}
}

// TestNothingFollowsWhatIsTorn holds that half a line which cannot be taken
// back is the last: the next start still reads what was before it.
func TestNothingFollowsWhatIsTorn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, f := openFailing(t, dir)
	record := func(key string) Record {
		r, err := Put("thing", key, "value")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if err := j.Write(record("before")); err != nil {
		t.Fatal(err)
	}
	f.write, f.truncate = errors.New("no space left"), errors.New("not even that")
	if err := j.Write(record("torn")); !errors.Is(err, f.write) || !errors.Is(err, f.truncate) {
		t.Errorf("%v, want both reasons", err)
	}
	f.write, f.truncate = nil, nil
	if err := j.Write(record("after")); err == nil {
		t.Error("written behind half a line")
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	again, records, err := Open(dir)
	if err != nil {
		t.Fatalf("the next start: %v", err)
	}
	t.Cleanup(func() { _ = again.Close() })
	if len(records) != 1 || records[0].Key != "before" {
		t.Errorf("the next start finds %v", records)
	}
	if err := again.Write(record("later")); err != nil {
		t.Error(err)
	}
	if got := keysIn(t, dir); !slices.Equal(got, []string{"before", "later"}) {
		t.Errorf("the file has %v", got)
	}
}
