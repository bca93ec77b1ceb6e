package main

import (
	"fmt"

	g "github.com/goccy/go-googlesql"
)

// must takes what the bindings give. Each accessor of Google's trees returns an
// error for the case that the transpiled module itself is broken; no question
// can be answered then, so it is a panic, which answer turns into a fault.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// check is must for calls without a result.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// newLanguage makes the language that statements are read in: everything
// GoogleSQL has, as BigQuery names things, with QUALIFY a keyword or a name.
func newLanguage(qualify bool) (*g.LanguageOptions, error) {
	if err := g.Init(); err != nil {
		return nil, fmt.Errorf("start analyzer: %w", err)
	}
	lang := must(g.NewLanguageOptions())
	check(lang.EnableMaximumLanguageFeaturesForDevelopment())
	check(lang.SetSupportsAllStatementKinds())
	// It moves the conditional parts of expressions into side effects that
	// have no place in a tree read for lineage.
	check(lang.DisableLanguageFeature(g.LanguageFeatureFeatureEnforceConditionalEvaluation))
	check(lang.SetProductMode(g.ProductModeProductExternal))
	check(lang.EnableReservableKeyword("QUALIFY", qualify))
	return lang, nil
}
