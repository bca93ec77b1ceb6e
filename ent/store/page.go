package store

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"cadastre.dev/cadastre/graph"
)

// Page asks for a part of a list.
type Page struct {
	// After is the Next of the page before; empty for the first.
	After string
	// First is how many to return, at most 1,000. Defaults to 50.
	First int
}

// List is one page of a list.
type List[T any] struct {
	Items []T
	// Next is where the following page begins; empty at the end. It is
	// opaque.
	Next string
}

const (
	defaultPage = 50
	maxPage     = 1000
)

func (p Page) first() int {
	if p.First <= 0 {
		return defaultPage
	}
	return min(p.First, maxPage)
}

// after reads where the page begins into key.
func (p Page) after(key any) error {
	data, err := base64.RawURLEncoding.DecodeString(p.After)
	if err == nil {
		err = json.Unmarshal(data, key)
	}
	if err != nil {
		return fmt.Errorf("page after %q: not a cursor of this list: %w", p.After, graph.ErrInvalid)
	}
	return nil
}

// cursorOf writes the key of the last item of a page; keys are numbers and
// strings.
func cursorOf[K int64 | string](key K) string {
	data, _ := json.Marshal(key) // a number or string always has a form
	return base64.RawURLEncoding.EncodeToString(data)
}

// more returns where the rows after last begin, if there may be any.
func more[K int64 | string](got, asked int, last K) string {
	if got < asked {
		return ""
	}
	return cursorOf(last)
}

// filtered fills a page from a list of which not all may be shown. fetch
// returns what of the next rows may be shown, and where to go on, "" at the
// end. A page says nothing of how much was left out between its items.
func filtered[T any](page Page, fetch func(first int) ([]T, string, error), cursor func(T) string) (List[T], error) {
	var list List[T]
	want := page.first()
	for {
		items, next, err := fetch(want + 1)
		if err != nil {
			return List[T]{}, err
		}
		list.Items = append(list.Items, items...)
		if len(list.Items) > want {
			list.Items = list.Items[:want]
			list.Next = cursor(list.Items[want-1])
			return list, nil
		}
		if next == "" {
			return list, nil
		}
	}
}
