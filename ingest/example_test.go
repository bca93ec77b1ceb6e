package ingest_test

import (
	"context"
	"fmt"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/ingest"
	"cadastre.dev/cadastre/ingest/ingesttest"
)

func ExampleRun() {
	source := &fake{facts: []graph.Fact{table("customers", "id", "email"), done()}, cursor: ingest.Cursor("1")}
	var catalog ingesttest.Catalog
	for range 2 {
		report, err := ingest.Run(context.Background(), source, &catalog, ingest.RunConfig{})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("revision %d: %d changes\n", report.Revision, len(report.Delta))
	}
	// Output:
	// revision 1: 3 changes
	// revision 1: 0 changes
}
