package policy

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cadastre.dev/cadastre/graph"
)

func TestRulesOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, json string
		want       []graph.Rule
		ok         bool
	}{
		{"absent", `null`, nil, true},
		{"none", `[]`, []graph.Rule{}, true},
		{"two, in order", `[{"id":"b","why":"B."},{"id":"a","why":"A."}]`, []graph.Rule{{ID: "b", Why: "B."}, {ID: "a", Why: "A."}}, true},
		{"more than is read", `[{"id":"a","why":"A.","rank":1}]`, []graph.Rule{{ID: "a", Why: "A."}}, true},
		{"no id", `[{"why":"A."}]`, nil, false},
		{"empty why", `[{"id":"a","why":""}]`, nil, false},
		{"number", `[{"id":1,"why":"A."}]`, nil, false},
		{"null in it", `[null]`, nil, false},
		{"object", `{"id":"a","why":"A."}`, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var value any
			if err := json.Unmarshal([]byte(tt.json), &value); err != nil {
				t.Fatal(err)
			}
			got, ok := rulesOf(value)
			if diff := cmp.Diff(tt.want, got); ok != tt.ok || diff != "" {
				t.Errorf("ok %v, want %v (-want +got):\n%s", ok, tt.ok, diff)
			}
		})
	}
}

// Whatever a policy answers, a filter is either read whole or hides everything.
func FuzzFilterOf(f *testing.F) {
	f.Add(`{"visible":[[]],"discoverable":[[{"attribute":"kind","in":["table"]}]]}`)
	f.Add(`{"visible":[null]}`)
	f.Add(`{"visible":[[{"attribute":"kind"}]]}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, answer string) {
		var value any
		if json.Unmarshal([]byte(answer), &value) != nil {
			t.Skip()
		}
		filter, err := filterOf(value)
		if err != nil {
			if !errors.Is(err, graph.ErrInvalid) || filter.Visible != nil || filter.Discoverable != nil {
				t.Errorf("filterOf(%s) = %v, %v", answer, filter, err)
			}
			return
		}
		again, err := filterOf(map[string]any{"visible": filter.Visible, "discoverable": filter.Discoverable})
		if diff := cmp.Diff(filter, again); err != nil || diff != "" {
			t.Errorf("filterOf(%s) is not read again: %v\n%s", answer, err, diff)
		}
	})
}
