package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
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
	var b strings.Builder
	for _, part := range []string{string(f.Assessment), f.Type, f.Domain, string(f.Kind), f.Source} {
		fmt.Fprintf(&b, "%q ", part)
	}
	for _, l := range f.Labels {
		fmt.Fprintf(&b, "%q %q %q ", l.Label, l.State, l.Form)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return Class(hex.EncodeToString(sum[:16]))
}

func compareLabels(a, b LabelFact) int {
	return strings.Compare(join(a.Label, string(a.State), string(a.Form)), join(b.Label, string(b.State), string(b.Form)))
}
