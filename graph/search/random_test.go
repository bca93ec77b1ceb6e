package search

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"cadastre.dev/cadastre/graph"
)

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// vocabulary is so small that documents share words, and words begin as others
// do or lie one edit apart.
func vocabulary() []string {
	return []string{"customer", "customers", "custom", "custmer", "order", "orders", "ordre", "email", "emails", "city", "cite", "id", "a", "ab", "abc", "meter", "readings"}
}

func randomName(r *rand.Rand) string {
	parts := make([]string, 1+r.IntN(2))
	for i := range parts {
		parts[i] = pick(r, vocabulary()...)
	}
	return strings.Join(parts, pick(r, "_", "-", " "))
}

// randomDoc returns one of few assets with random content.
func randomDoc(r *rand.Rand) Doc {
	container := graph.BigQueryRef("shop", pick(r, "sales", "email", "vault"))
	ref := graph.Ref{Namespace: container.Namespace, Name: container.Name + "." + randomName(r)}
	d := Doc{Asset: graph.Asset{
		Ref: ref, Kind: pick(r, graph.KindTable, graph.KindView), Source: pick(r, "one", "two"), Parent: container,
		Description: pick(r, "", randomName(r)), Title: pick(r, "", randomName(r)),
	}, Usage: pick(r, 0, 0, r.IntN(5), r.IntN(5000))}
	if r.IntN(3) == 0 {
		d.Asset.Labels = map[string]string{"domain": randomName(r)}
	}
	for range r.IntN(3) {
		d.Owners = append(d.Owners, pick(r, "user:ana", "group:data", "team:x"))
	}
	for range r.IntN(3) {
		d.Labels = append(d.Labels, pick(r, "user.contact.email", "user.name"))
	}
	for i := range r.IntN(8) {
		column := ref.Column(fmt.Sprintf("%s.%s", randomName(r), pick(r, vocabulary()...)))
		d.Columns = append(d.Columns, DocColumn{Ref: column, Description: pick(r, "", "", fmt.Sprint("word", i))})
	}
	return d
}

func randomDocs(r *rand.Rand, n int) map[graph.Ref]Doc {
	docs := map[graph.Ref]Doc{}
	for range n {
		d := randomDoc(r)
		docs[d.Asset.Ref] = d
	}
	return docs
}

func indexOf(docs map[graph.Ref]Doc) *Index {
	x := New()
	for _, d := range docs {
		x.Put(d)
	}
	return x
}

func randomClause(r *rand.Rand) graph.Clause {
	return pick(r,
		graph.Clause{{Attribute: graph.AttributeParent, In: []string{"bigquery/shop." + pick(r, "sales", "email")}}},
		graph.Clause{{Attribute: graph.AttributeOwner, In: []string{pick(r, "user:ana", "group:data")}}},
		graph.Clause{{Attribute: graph.AttributeKind, In: []string{"view"}}, {Attribute: graph.AttributeSource, In: []string{"one"}}},
		graph.Clause{{Attribute: graph.AttributeSource, In: []string{"two"}}},
	)
}

func randomFilter(r *rand.Rand) graph.Filter {
	if r.IntN(5) == 0 {
		return graph.Everything()
	}
	var f graph.Filter
	for range r.IntN(3) {
		f.Visible = append(f.Visible, randomClause(r))
	}
	for range r.IntN(3) {
		f.Discoverable = append(f.Discoverable, randomClause(r))
	}
	return f
}

// randomText returns words that are there, begin so, or are misspelt.
func randomText(r *rand.Rand) string {
	var parts []string
	for range r.IntN(4) {
		word := pick(r, append(vocabulary(), "sales", "vault", "shop", "user", "word1")...)
		switch r.IntN(4) {
		case 0:
			word = word[:1+r.IntN(len(word))]
		case 1:
			at := r.IntN(len(word))
			word = word[:at] + "x" + word[at:]
		}
		parts = append(parts, word)
	}
	return strings.Join(parts, pick(r, " ", "_", "."))
}

func randomQuery(r *rand.Rand) Query {
	q := Query{Text: randomText(r), First: maxFirst}
	if r.IntN(4) == 0 {
		q.Kinds = []string{pick(r, "table", "view")}
	}
	if r.IntN(4) == 0 {
		q.Sources = []string{"one", pick(r, "two", "three")}
	}
	if r.IntN(4) == 0 {
		q.Parents = []graph.Ref{graph.BigQueryRef("shop", pick(r, "sales", "vault"))}
	}
	if r.IntN(4) == 0 {
		q.Owners = []string{pick(r, "user:ana", "team:x")}
	}
	if r.IntN(4) == 0 {
		q.Labels = []string{pick(r, "user.name", "user.contact.email")}
	}
	return q
}
