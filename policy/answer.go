package policy

import "cadastre.dev/cadastre/graph"

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
