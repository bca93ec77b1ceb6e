package graph

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// FactAttribute names one of the ColumnFacts, as policies write it.
type FactAttribute string

// The attributes of ColumnFacts. The set is closed, because a Projection must
// know them all.
const (
	FactAssessment FactAttribute = "assessment"
	FactLabels     FactAttribute = "labels"
	FactType       FactAttribute = "type"
	FactDomain     FactAttribute = "domain"
	FactKind       FactAttribute = "kind"
	FactSource     FactAttribute = "source"
)

// Projection names the attributes that a policy reads, sorted and each once.
// Columns that agree in these are one access class.
type Projection []FactAttribute

// AllFacts is the projection that keeps everything.
func AllFacts() Projection {
	return Projection{FactAssessment, FactDomain, FactKind, FactLabels, FactSource, FactType}
}

// Of returns f with what the projection does not name emptied, and its labels
// sorted, so that facts which differ only in order are equal.
func (p Projection) Of(f ColumnFacts) ColumnFacts {
	var out ColumnFacts
	for _, attribute := range p {
		switch attribute {
		case FactAssessment:
			out.Assessment = f.Assessment
		case FactLabels:
			out.Labels = slices.SortedFunc(slices.Values(f.Labels), compareLabels)
		case FactType:
			out.Type = f.Type
		case FactDomain:
			out.Domain = f.Domain
		case FactKind:
			out.Kind = f.Kind
		case FactSource:
			out.Source = f.Source
		}
	}
	return out
}

// Class returns the access class of f: a hash over the attributes that the
// projection names.
func (p Projection) Class(f ColumnFacts) Class {
	f = p.Of(f)
	text := make([]byte, 0, 256)
	for _, part := range []string{string(f.Assessment), f.Type, f.Domain, string(f.Kind), f.Source} {
		text = strconv.AppendQuote(text, part)
	}
	for _, l := range f.Labels {
		text = strconv.AppendQuote(text, l.Label)
		text = strconv.AppendQuote(text, string(l.State))
		text = strconv.AppendQuote(text, string(l.Form))
	}
	sum := sha256.Sum256(text)
	return Class(hex.EncodeToString(sum[:16]))
}

func compareLabels(a, b LabelFact) int {
	return cmp.Or(strings.Compare(a.Label, b.Label), cmp.Compare(a.State, b.State), cmp.Compare(a.Form, b.Form))
}
