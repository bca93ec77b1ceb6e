package walk

import (
	"math"
	"testing"

	"cadastre.dev/cadastre/graph"
)

// Notes hold for one query, and walked nodes for one spread, also where ticks
// begin anew.
func TestNotesAreForgotten(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		tick uint32
	}{
		{"at first", 0},
		{"before ticks are used up", math.MaxUint32 - 12},
		{"where ticks are used up", math.MaxUint32 - 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := newNotes(2, 1)
			n.tick = tt.tick
			for query := range 10 {
				n.begin()
				if _, known := n.visibility(0); known || n.present(0) || n.present(2) {
					t.Fatalf("query %d knows what another noted", query)
				}
				n.saw(0, graph.Discoverable)
				n.place(2)
				for range 3 {
					n.spread()
					if n.walked(0) || n.walked(1) {
						t.Fatalf("query %d: a spread knows what another walked", query)
					}
					n.walk(1)
					if !n.walked(1) || n.walked(0) {
						t.Fatalf("query %d: walked nodes are not kept apart", query)
					}
				}
				if v, known := n.visibility(0); !known || v != graph.Discoverable || !n.present(2) || n.present(0) {
					t.Fatalf("query %d forgot its own notes", query)
				}
			}
		})
	}
}
