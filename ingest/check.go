package ingest

import (
	"fmt"

	"cadastre.dev/cadastre/graph"
)

// CheckFact says whether a fact of the named source makes sense: its refs name
// something, what belongs to an asset names that asset, and the source speaks
// for itself alone. ErrInvalid names the first fault.
func CheckFact(source string, f graph.Fact) error {
	switch f := f.(type) {
	case graph.AssetSeen:
		return checkAsset(source, f)
	case graph.AssetUnchanged:
		return checkRef("asset", f.Ref, false)
	case graph.TagSeen:
		return checkTag(source, f.Tag)
	case graph.EdgeSeen:
		return checkEdge(f.Edge)
	case graph.EdgeGone:
		return checkEdge(f.Edge)
	case graph.ScopeDone:
		if f.Scope.Source != source || f.Scope.Parent.IsColumn() {
			return fmt.Errorf("fact: scope %s of source %q seen by %q: %w", f.Scope.Parent, f.Scope.Source, source, graph.ErrInvalid)
		}
		return nil
	}
	return fmt.Errorf("fact: %T is unknown: %w", f, graph.ErrInvalid)
}

func checkAsset(source string, f graph.AssetSeen) error {
	ref := f.Asset.Ref
	if err := checkRef("asset", ref, false); err != nil {
		return err
	}
	if f.Asset.Source != source || f.Asset.Kind == "" {
		return fmt.Errorf("fact: asset %s: source %q and kind %q, want source %q and a kind: %w", ref, f.Asset.Source, f.Asset.Kind, source, graph.ErrInvalid)
	}
	seen := make(map[string]bool, len(f.Columns))
	for i, c := range f.Columns {
		if err := checkRef("column", c.Ref, true); err != nil {
			return err
		}
		if c.Ref.Asset() != ref || c.Position != i || seen[c.Key()] {
			return fmt.Errorf("fact: asset %s: column %s at %d is of another asset, out of order or there twice: %w", ref, c.Ref, i, graph.ErrInvalid)
		}
		seen[c.Key()] = true
	}
	for _, o := range f.Owners {
		if o.Asset != ref || o.Principal == "" || o.Provenance.Kind != graph.BySource || o.Provenance.Name != source {
			return fmt.Errorf("fact: asset %s: owner %q of %s is not the source's word on it: %w", ref, o.Principal, o.Asset, graph.ErrInvalid)
		}
	}
	for _, g := range f.Grants {
		if g.On != ref || g.Principal == "" || g.Role == "" || g.Provenance.Kind != graph.BySource || g.Provenance.Name != source {
			return fmt.Errorf("fact: asset %s: grant of %q to %q on %s is not the source's word on it: %w", ref, g.Role, g.Principal, g.On, graph.ErrInvalid)
		}
	}
	return nil
}

func checkTag(source string, t graph.Tag) error {
	if err := checkRef("tag", t.Ref, t.Ref.IsColumn()); err != nil {
		return err
	}
	if certain := t.Confidence > 0 && t.Confidence <= 1; t.Label == "" || !certain { // not a number is neither
		return fmt.Errorf("fact: tag %q on %s with confidence %v: %w", t.Label, t.Ref, t.Confidence, graph.ErrInvalid)
	}
	if t.Provenance.Kind != graph.BySource || t.Provenance.Name != source || t.State != graph.TagProposed {
		return fmt.Errorf("fact: tag %q on %s: a source may propose in its own name and no more: %w", t.Label, t.Ref, graph.ErrInvalid)
	}
	return nil
}

func checkEdge(e graph.Edge) error {
	if err := checkRef("edge from", e.From, e.From.IsColumn()); err != nil {
		return err
	}
	if err := checkRef("edge to", e.To, e.From.IsColumn()); err != nil {
		return err
	}
	if e.Kind == "" || e.Outcome == "" || e.Because == "" || e.Statement != "" {
		return fmt.Errorf("fact: edge %s to %s: kind %q, outcome %q, evidence %q, statement %q: %w", e.From, e.To, e.Kind, e.Outcome, e.Because, e.Statement, graph.ErrInvalid)
	}
	if e.Because == graph.EvidencePerson {
		return fmt.Errorf("fact: edge %s to %s: a source may not speak for a person: %w", e.From, e.To, graph.ErrInvalid)
	}
	return nil
}

func checkRef(what string, r graph.Ref, column bool) error {
	if r.Namespace == "" || r.Name == "" || r.IsColumn() != column {
		return fmt.Errorf("fact: %s %q: want an asset (or a column where one belongs): %w", what, r.String(), graph.ErrInvalid)
	}
	return nil
}
