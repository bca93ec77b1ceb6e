package googlesql_test

import (
	"context"
	"fmt"
	"log"

	"cadastre.dev/cadastre/internal/googlesql"
)

// A pool finds what each output of a statement is made from.
func ExamplePool_Analyze() {
	pool, err := googlesql.NewPool(googlesql.Config{})
	if err != nil {
		log.Fatal(err) // no worker: build it with `make build`
	}
	defer func() { _ = pool.Close() }()
	answer, err := pool.Analyze(context.Background(), googlesql.Request{
		SQL:     "SELECT UPPER(email) AS email FROM shop.raw.customers",
		Schemas: map[string]googlesql.Schema{"shop.raw.customers": {{Name: "email", Type: "STRING"}}},
	})
	if err != nil {
		log.Println(err)
		return
	}
	for _, column := range answer.Columns {
		fmt.Println(column.Column, column.Sources, answer.Outcome)
	}
}

// A session executes statements over rows that it was given.
func ExampleSession() {
	ctx := context.Background()
	session, err := googlesql.NewSession(ctx, googlesql.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = session.Close() }()
	schema := []googlesql.Field{{Name: "email", Type: "STRING"}}
	if err := session.CreateTable(ctx, "shop.raw.customers", schema); err != nil {
		log.Println(err)
		return
	}
	if err := session.Load(ctx, "shop.raw.customers", schema, []googlesql.Row{{"ann@example.org"}, {nil}}); err != nil {
		log.Println(err)
		return
	}
	result, err := session.Exec(ctx, googlesql.Query{SQL: "SELECT COUNT(email) FROM shop.raw.customers"})
	if err != nil {
		log.Println(err)
		return
	}
	fmt.Println(result.Rows)
}
