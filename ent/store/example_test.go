package store_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"cadastre.dev/cadastre/ent/store"
	"cadastre.dev/cadastre/graph"
)

func ExampleStore_Commit() {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // an example

	ana := graph.Principal{ID: "ana@example.org"}
	customers := graph.Asset{Ref: graph.BigQueryRef("p", "d", "customers"), Kind: graph.KindTable}
	crawl := func(tx *store.Tx) error {
		was, err := tx.About(ctx, customers.Ref)
		if err != nil {
			return err
		}
		return tx.Apply(ctx, graph.Diff(was, graph.NewSnapshot(customers)))
	}
	for range 2 { // the same facts twice make no revision
		at, err := s.Commit(ctx, ana, "crawl warehouse", crawl)
		if err != nil {
			log.Println(err)
			return
		}
		fmt.Println("revision", at)
	}
	// Output:
	// revision 1
	// revision 1
}

func ExampleStore_Reader() {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // an example

	ana := graph.Principal{ID: "ana@example.org"}
	payments := graph.Asset{Ref: graph.BigQueryRef("p", "d", "payments"), Kind: graph.KindTable}
	if _, err := s.Commit(ctx, ana, "crawl", func(tx *store.Tx) error {
		return tx.Apply(ctx, graph.Delta{graph.Began{Now: payments}})
	}); err != nil {
		log.Println(err)
		return
	}
	for _, filter := range []graph.Filter{graph.Everything(), {}} {
		r, err := s.Reader(ctx, ana, filter, 0)
		if err != nil {
			log.Println(err)
			return
		}
		view, err := r.Asset(ctx, payments.Ref)
		fmt.Println(view.Asset.Kind, errors.Is(err, graph.ErrNotFound))
	}
	// Output:
	// table false
	//  true
}
