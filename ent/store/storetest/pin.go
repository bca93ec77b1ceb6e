package storetest

import (
	"fmt"
	"sync"
	"testing"

	"cadastre.dev/cadastre/ent/store"
)

// pins lets many pin one name at once: all are told the same value, which one
// of them gave, and it stays.
func pins(t *testing.T, open Open) {
	s := open(t, store.Config{})
	told := make([]string, 6)
	var group sync.WaitGroup
	for i := range told {
		group.Go(func() {
			value, err := s.Pin(t.Context(), "key", fmt.Sprint("value ", i))
			if err != nil {
				t.Error(err)
			}
			told[i] = value
		})
	}
	group.Wait()
	for _, value := range told {
		if value != told[0] || value == "" {
			t.Errorf("told %q, want one value", told)
		}
	}
	if value := must[string](t)(s.Pin(t.Context(), "key", "later")); value != told[0] {
		t.Errorf("later %q, want %q", value, told[0])
	}
	if value := must[string](t)(s.Pin(t.Context(), "other", "own")); value != "own" {
		t.Errorf("another name has %q, want its own value", value)
	}
}
