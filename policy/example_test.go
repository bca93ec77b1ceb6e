package policy_test

import (
	"context"
	"fmt"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy"
)

// A column that holds e-mail addresses, as analysts and as the fraud team get
// it under the default policy.
func ExampleEngine_Explain() {
	ctx := context.Background()
	engine, err := policy.New(ctx, policy.Config{Data: policy.Data{Audiences: []graph.Audience{
		{Name: "analysts", Groups: []string{"analysts@example.org"}, Purpose: "analytics"},
		{Name: "fraud", Groups: []string{"fraud@example.org"}, Purpose: "fraud_detection"},
	}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	facts := policy.Facts(
		graph.Column{Type: "STRING"},
		graph.Asset{Kind: graph.KindTable},
		[]graph.Tag{{Label: "user.contact.email", State: graph.TagConfirmed, Form: graph.FormClear}},
	)
	for _, audience := range engine.Audiences() {
		x, err := engine.Explain(ctx, policy.Question{Audience: audience.Name, Facts: facts})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %s\n  %s\n", audience.Name, x.Decision.Effect, x.Decision.Rules[0].Why)
	}
	// Output:
	// analysts: mask
	//   E-mail addresses and phone numbers become keyed tokens, so that rows still join and nobody can be reached.
	// fraud: allow
	//   The audience's purpose needs this data in the clear, and a person confirmed what it is.
}

func ExampleEngine_May() {
	ctx := context.Background()
	engine, err := policy.New(ctx, policy.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	olga := graph.Principal{ID: "olga@example.org"}
	for _, owner := range []string{"user:olga@example.org", "user:otto@example.org"} {
		may, rules, err := engine.May(ctx, olga, graph.ActionTag, graph.Asset{}, []string{owner})
		fmt.Println(may, rules[0].Why, err)
	}
	// Output:
	// true You may tag it because you own it. <nil>
	// false No rule lets you do this. <nil>
}
