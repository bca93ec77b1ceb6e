package bigquery

import (
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"testing"
)

func asking(t *testing.T, parameters url.Values) *call {
	t.Helper()
	return &call{Request: httptest.NewRequest(http.MethodGet, "/?"+parameters.Encode(), nil)}
}

// TestPagesAreTheList is the law of paging: for any size, the pages one after
// the other are the list that keep lets through.
func TestPagesAreTheList(t *testing.T) {
	t.Parallel()
	keys := []string{"a", "b", "c", "d", "e", "f", "g"}
	even := func(key string) bool { return (key[0]-'a')%2 == 0 }
	for size := 1; size <= 8; size++ {
		var got []string
		next := ""
		for range 10 {
			p, err := asking(t, url.Values{"maxResults": {strconv.Itoa(size)}, "pageToken": {next}}).page()
			if err != nil {
				t.Fatal(err)
			}
			var picked []string
			if picked, next = p.pick(keys, even); len(picked) > size {
				t.Fatalf("a page of %d has %d", size, len(picked))
			}
			got = append(got, picked...)
			if next == "" {
				break
			}
		}
		if want := []string{"a", "c", "e", "g"}; !slices.Equal(got, want) {
			t.Errorf("by %d: %v", size, got)
		}
	}
}

// TestAPageGoesOnWhereItEnded holds also when what it ended with is gone.
func TestAPageGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	all := func(string) bool { return true }
	_, next := page{size: 2}.pick([]string{"a", "b", "c", "d"}, all)
	p, err := asking(t, url.Values{"pageToken": {next}}).page()
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := p.pick([]string{"a", "c", "d"}, all); !slices.Equal(got, []string{"c", "d"}) {
		t.Errorf("got %v", got)
	}
}

// TestWindowsAreTheRows is the same law for rows by number.
func TestWindowsAreTheRows(t *testing.T) {
	t.Parallel()
	for size := 1; size <= 6; size++ {
		at, next := 0, ""
		for range 10 {
			start, end, following, err := asking(t, url.Values{"maxResults": {strconv.Itoa(size)}, "pageToken": {next}}).window(5)
			if err != nil || start != at || end-start > size {
				t.Fatalf("by %d: [%d, %d) after %d, %v", size, start, end, at, err)
			}
			if at, next = end, following; next == "" {
				break
			}
		}
		if at != 5 {
			t.Errorf("by %d: ended at %d", size, at)
		}
	}
}

func TestWindowEdges(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		parameters url.Values
		start, end int
		next       bool
	}{
		{"all", url.Values{}, 0, 5, false},
		{"none, only to wait", url.Values{"maxResults": {"0"}}, 0, 0, false},
		{"from the middle", url.Values{"startIndex": {"3"}}, 3, 5, false},
		{"beyond the end", url.Values{"startIndex": {"9"}}, 5, 5, false},
		{"as many as can be asked for", url.Values{"startIndex": {"1"}, "maxResults": {strconv.Itoa(math.MaxInt)}}, 1, 5, false},
		{"from as far as can be asked for", url.Values{"startIndex": {strconv.Itoa(math.MaxInt)}, "maxResults": {strconv.Itoa(math.MaxInt)}}, 5, 5, false},
		{"a part", url.Values{"startIndex": {"1"}, "maxResults": {"2"}}, 1, 3, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			start, end, next, err := asking(t, tt.parameters).window(5)
			if err != nil || start != tt.start || end != tt.end || (next != "") != tt.next {
				t.Errorf("[%d, %d) %q, %v", start, end, next, err)
			}
		})
	}
}

// FuzzPageToken holds that no token panics or answers rows out of range.
func FuzzPageToken(f *testing.F) {
	f.Add("")
	f.Add(rowToken(3))
	f.Add(rowToken(-3))
	f.Add("***")
	f.Fuzz(func(t *testing.T, token string) {
		c := &call{Request: &http.Request{URL: &url.URL{RawQuery: url.Values{"pageToken": {token}}.Encode()}}}
		start, end, _, err := c.window(5)
		if err == nil && (start < 0 || end > 5 || start > end) {
			t.Fatalf("[%d, %d)", start, end)
		}
		if p, err := c.page(); err == nil {
			p.pick([]string{"a", "b"}, func(string) bool { return true })
		}
	})
}
