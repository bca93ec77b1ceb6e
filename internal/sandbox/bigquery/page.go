package bigquery

import (
	"encoding/base64"
	"sort"
	"strconv"
	"strings"
)

// defaultPage is how many resources a list answers when the caller does not
// say; maxPage is the most it answers.
const (
	defaultPage = 50
	maxPage     = 1000
)

// page is the part of a list that a call asks for.
type page struct {
	after string // the key of the last one answered before; "" at the start
	size  int
}

// page reads maxResults and pageToken.
func (c *call) page() (page, error) {
	p := page{size: defaultPage}
	if text := c.param("maxResults"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return page{}, invalid("Invalid value for maxResults: %s", text)
		}
		p.size = n
	}
	p.size = min(p.size, maxPage)
	if token := c.param("pageToken"); token != "" {
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return page{}, invalid("Invalid page token")
		}
		p.after = string(after)
	}
	return p, nil
}

// token names where the next page begins.
func token(after string) string { return base64.RawURLEncoding.EncodeToString([]byte(after)) }

// pick walks sorted keys from where the page begins and takes those that keep
// wants, up to the page's size; next is the token of the following page, empty
// at the end.
func (p page) pick(keys []string, keep func(key string) bool) (picked []string, next string) {
	start := 0
	if p.after != "" {
		start = sort.Search(len(keys), func(i int) bool { return keys[i] > p.after })
	}
	for _, key := range keys[start:] {
		if !keep(key) {
			continue
		}
		if len(picked) == p.size {
			if p.size == 0 {
				return nil, ""
			}
			return picked, token(picked[len(picked)-1])
		}
		picked = append(picked, key)
	}
	return picked, ""
}

// window is the part of numbered rows that a call asks for, [start, end), and
// the token of the next.
func (c *call) window(total int) (start, end int, next string, err error) {
	size := total
	if text := c.param("maxResults"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < 0 {
			return 0, 0, "", invalid("Invalid value for maxResults: %s", text)
		}
	}
	if text := c.param("startIndex"); text != "" {
		if start, err = strconv.Atoi(text); err != nil || start < 0 {
			return 0, 0, "", invalid("Invalid value for startIndex: %s", text)
		}
	}
	if text := c.param("pageToken"); text != "" {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		digits, ok := strings.CutPrefix(string(raw), "row ")
		if start, _ = strconv.Atoi(digits); err != nil || !ok || start < 0 {
			return 0, 0, "", invalid("Invalid page token")
		}
	}
	start = min(start, total)
	end = start + min(size, total-start)
	if end < total && size > 0 {
		next = rowToken(end)
	}
	return start, end, next, nil
}

func rowToken(row int) string { return token("row " + strconv.Itoa(row)) }
