package search

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"cadastre.dev/cadastre/graph"
)

// stage is where a hit ranks; the words are shown to people.
type stage uint8

const (
	stageExact stage = iota
	stageName
	stageStructure
	stageDescription

	stages
)

func (s stage) String() string {
	return [...]string{"exact name", "name", "column or container", "description"}[s]
}

// rank orders hits; it is the content of a cursor.
type rank struct {
	Stage stage `json:"s"`
	Size  int   `json:"n"`
	// Usage is the order of magnitude; 0 where the asset is only discoverable.
	Usage uint8  `json:"u,omitempty"`
	Name  string `json:"a"`
	Ref   string `json:"r"`
}

func (a rank) compare(b rank) int {
	return cmp.Or(
		cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Size, b.Size), cmp.Compare(b.Usage, a.Usage),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Ref, b.Ref),
	)
}

// rank returns where a document stands within its stage.
func (x *Index) rank(slot uint32, v graph.Visibility) rank {
	e := &x.entries[slot]
	r := rank{Size: int(e.size), Name: strings.ToLower(e.base), Ref: x.ref(slot).String()}
	if v == graph.Visible {
		r.Usage = e.usage
	}
	return r
}

// compare is rank.compare of a document within its stage. It makes a document's
// texts only where it cannot do without.
func (x *Index) compare(slot uint32, v graph.Visibility, r rank) int {
	e := &x.entries[slot]
	if c := cmp.Compare(int(e.size), r.Size); c != 0 {
		return c
	}
	usage := e.usage
	if v != graph.Visible {
		usage = 0
	}
	if c := cmp.Compare(r.Usage, usage); c != 0 {
		return c
	}
	if c := compareLower(e.base, r.Name); c != 0 {
		return c
	}
	return strings.Compare(x.ref(slot).String(), r.Ref)
}

// before says of slots whether they stand before a rank.
func (x *Index) before(r rank, v graph.Visibility) func(slot uint32) bool {
	return func(slot uint32) bool { return x.compare(slot, v, r) < 0 }
}

// compareLower compares a text in lower case with another that is.
func compareLower(s, lower string) int {
	for i := range min(len(s), len(lower)) {
		a, b := s[i], lower[i]
		if a >= utf8.RuneSelf || b >= utf8.RuneSelf {
			return strings.Compare(strings.ToLower(s), lower)
		}
		if 'A' <= a && a <= 'Z' {
			a += 'a' - 'A'
		}
		if a != b {
			return cmp.Compare(a, b)
		}
	}
	if len(s) > len(lower) {
		// What follows may be of several bytes, and is longer in any case.
		return 1
	}
	return cmp.Compare(len(s), len(lower))
}

func readCursor(s string) (*rank, error) {
	if s == "" {
		return nil, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(s)
	var r rank
	if err != nil || json.Unmarshal(data, &r) != nil || r.Ref == "" {
		return nil, fmt.Errorf("cursor %q is none of this search's: %w", s, graph.ErrInvalid)
	}
	return &r, nil
}

func (a rank) cursor() (string, error) {
	data, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("write cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(data), nil
}
