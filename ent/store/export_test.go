package store

import (
	"context"
	"fmt"
	"strings"
)

// Explain returns how the database would answer a query with n parameters.
func Explain(ctx context.Context, s *Store, query string, n int) (string, error) {
	args := make([]any, n)
	for i := range args {
		args[i] = i
	}
	rows, err := s.readers.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		return "", fmt.Errorf("explain: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err tells
	var plan strings.Builder
	for rows.Next() {
		var (
			id, parent, unused int
			detail             string
		)
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return "", fmt.Errorf("explain: %w", err)
		}
		plan.WriteString(detail + "\n")
	}
	return plan.String(), rows.Err()
}
