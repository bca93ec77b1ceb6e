package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river/rivertype"
)

// TestAStrayIsDueAfterSomeLooks looks at what was found again and again, and
// says at which look each job is due.
func TestAStrayIsDueAfterSomeLooks(t *testing.T) {
	t.Parallel()
	dead, own := stray{id: 1, attempt: 1}, stray{id: 2, attempt: 3, own: true}
	for _, c := range []struct {
		name  string
		runs  *rivertype.JobRow // in this program
		found func(look int) []stray
		want  map[int64]int // id → look
	}{
		{"of a program that has gone", nil, func(int) []stray { return []stray{dead} }, map[int64]int{1: deadLooks}},
		{"of a program that lives", nil, func(int) []stray { return []stray{own} }, map[int64]int{2: ownLooks}},
		{"that is run", &rivertype.JobRow{ID: 2, Attempt: 3}, func(int) []stray { return []stray{own} }, map[int64]int{}},
		{"whose older attempt stands", &rivertype.JobRow{ID: 2, Attempt: 2}, func(int) []stray { return []stray{own} }, map[int64]int{2: ownLooks}},
		{"that another took up", nil, func(look int) []stray { return []stray{{id: 1, attempt: look}} }, map[int64]int{}},
		{"that was seen in between", nil, func(look int) []stray { return []stray{dead}[:look%2] }, map[int64]int{}},
		{"both", nil, func(int) []stray { return []stray{dead, own} }, map[int64]int{1: deadLooks, 2: ownLooks}},
		{"none", nil, func(int) []stray { return nil }, map[int64]int{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := strays{running: &running{}}
			if c.runs != nil {
				s.running.begin(c.runs)
			}
			got := map[int64]int{}
			for look := 1; look <= ownLooks; look++ {
				ids, _ := s.due(c.found(look))
				for _, id := range ids {
					if got[id] == 0 {
						got[id] = look
					}
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("due at (-want +got):\n%s", diff)
			}
			if c.runs != nil {
				if s.running.end(c.runs); len(s.running.jobs) > 0 {
					t.Error("what ended is still known")
				}
			}
		})
	}
}
