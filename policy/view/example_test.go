package view_test

import (
	"context"
	"fmt"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
	"cadastre.dev/cadastre/policy/view/viewtest"
)

// One table, one audience: what is planned, applied, and planned again.
func ExamplePlan() {
	customers := viewtest.Base(graph.BigQueryRef("house", "raw", "customers"), "id INTEGER", "email STRING")
	desired := view.Desired{
		Names:     view.Naming{Project: "house"},
		Audiences: []graph.Audience{{Name: "analysts", Groups: []string{"analysts@house.example"}}},
		Bases:     []view.Base{customers},
		Decisions: map[view.Asked]graph.Decision{
			{Audience: "analysts", Class: customers.Columns[0].Class}: {Effect: graph.EffectAllow},
			{Audience: "analysts", Class: customers.Columns[1].Class}: {Effect: graph.EffectMask, Method: "email"},
		},
	}
	target := viewtest.NewWarehouse(desired.Names, customers)
	ctx := context.Background()
	for range 2 {
		present, err := target.Present(ctx, desired.Want())
		if err != nil {
			fmt.Println(err)
			return
		}
		plan, err := view.Plan(desired, present, viewtest.Dialect{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(plan.Steps), "steps")
		for _, step := range plan.Steps {
			fmt.Println(step.Kind, step.Object.Name)
		}
		if err := view.Apply(ctx, plan, 0, target, &viewtest.Log{}); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// 4 steps
	// create_container house.cadastre_analysts
	// create_view house.cadastre_analysts.raw__customers
	// authorize house.raw
	// grant house.cadastre_analysts
	// 0 steps
}
