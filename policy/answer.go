package policy

import (
	"encoding/json"
	"fmt"

	"cadastre.dev/cadastre/graph"
)

// byIndex reads the answers of a batch, pairs of index and answer. A question
// that is missing has the answer nil.
func byIndex(value any, n int) ([]any, error) {
	pairs, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("policy answer: want a list, got %T: %w", value, graph.ErrInvalid)
	}
	answers := make([]any, n)
	for _, p := range pairs {
		pair, ok := p.([]any)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("policy answer: want pairs: %w", graph.ErrInvalid)
		}
		number, ok := pair[0].(json.Number)
		if !ok {
			return nil, fmt.Errorf("policy answer: want an index, got %T: %w", pair[0], graph.ErrInvalid)
		}
		i, err := number.Int64()
		if err != nil || i < 0 || i >= int64(n) {
			return nil, fmt.Errorf("policy answer: index %s of %d: %w", number, n, graph.ErrInvalid)
		}
		answers[i] = pair[1]
	}
	return answers, nil
}

// rulesOf reads a list of {id, why}; absent is empty. Every rule must have
// both, for a reason that cannot be shown is none.
func rulesOf(value any) ([]graph.Rule, bool) {
	if value == nil {
		return nil, true
	}
	list, ok := value.([]any)
	if !ok {
		return nil, false
	}
	rules := make([]graph.Rule, 0, len(list))
	for _, item := range list {
		rule, _ := item.(map[string]any)
		id, _ := rule["id"].(string)
		why, _ := rule["why"].(string)
		if id == "" || why == "" {
			return nil, false
		}
		rules = append(rules, graph.Rule{ID: id, Why: why})
	}
	return rules, true
}

// textOf reads a text; absent is empty.
func textOf(value any) (string, bool) {
	if value == nil {
		return "", true
	}
	text, ok := value.(string)
	return text, ok
}
