package main

import "strconv"

// leaf is a column of a table as it was read: its asset and the path to it.
type leaf struct{ asset, column string }

// kind says how a leaf reaches a value. The order is that of how much of the
// leaf still shows: where one leaf comes on two ways, the later kind counts.
type kind int

const (
	group kind = iota
	join
	filter
	window
	aggregation
	transformation
	identity
)

func (k kind) String() string {
	return [...]string{"group", "join", "filter", "window", "aggregation", "transformation", "identity"}[k]
}

// how is the way of one leaf to a value.
type how struct {
	kind     kind
	function string
	masking  bool
}

// stronger is the way that shows more of the leaf; a masked way shows less
// than any that is not.
func stronger(a, b how) how {
	if a.kind > window && b.kind > window && a.masking != b.masking {
		if a.masking {
			return b
		}
		return a
	}
	if b.kind > a.kind {
		return b
	}
	return a
}

// step is what a function does to the leaves that pass through it.
type step struct {
	kind     kind // transformation or aggregation; identity changes nothing
	function string
	masks    bool
	unmasks  bool
}

// apply is the way of a leaf after one more step. The function is the one last
// applied, save that a masking one is kept; a window key stays what it is.
func (s step) apply(h how) how {
	if s.kind == identity || h.kind <= window {
		return h
	}
	if s.unmasks {
		return how{kind: min(h.kind, s.kind), function: s.function}
	}
	out := how{kind: min(h.kind, s.kind), function: s.function, masking: s.masks || h.masking}
	if h.masking && !s.masks || s.function == "" {
		out.function = h.function
	}
	return out
}

// value is what an expression was computed from. It is one of: a verbatim copy
// of a leaf; a struct of members; an array of elements; one of several values
// chosen by a function; or, beside any of these, something computed from
// leaves. Values are shared and never change once made, save for what they
// remember of themselves.
type value struct {
	from    *leaf
	members []*value
	element *value
	choices []*value
	through step
	deps    map[leaf]how

	sum     map[leaf]how      // what collect found
	parts   map[string]*value // members and elements already taken
	summing bool
}

// constant is a value without any source.
func constant() *value { return &value{} }

func copyOf(asset, column string) *value { return &value{from: &leaf{asset, column}} }

// computed is a value made from others by a step.
func computed(s step, vs ...*value) *value {
	out := &value{deps: map[leaf]how{}}
	for _, v := range vs {
		for l, h := range v.collect() {
			out.add(l, s.apply(h))
		}
	}
	return out
}

// as gives all leaves of the values one kind.
func as(k kind, vs ...*value) *value {
	out := &value{deps: map[leaf]how{}}
	for _, v := range vs {
		for l := range v.collect() {
			out.add(l, how{kind: k})
		}
	}
	return out
}

// choice is one of several values, as IF, COALESCE, MAX or UNION give: its
// members and elements are chosen among theirs, so that a struct that passes
// through keeps its fields apart.
func choice(s step, vs ...*value) *value {
	return &value{choices: vs, through: s}
}

func (v *value) add(l leaf, h how) {
	if old, ok := v.deps[l]; ok {
		h = stronger(old, h)
	}
	v.deps[l] = h
}

// collect is every leaf that reaches the value, and how.
func (v *value) collect() map[leaf]how {
	if v == nil {
		return nil
	}
	if v.sum != nil || v.summing {
		return v.sum
	}
	v.summing = true
	out := &value{deps: map[leaf]how{}}
	if v.from != nil {
		out.add(*v.from, how{kind: identity})
	}
	for l, h := range v.deps {
		out.add(l, h)
	}
	for _, m := range v.members {
		for l, h := range m.collect() {
			out.add(l, h)
		}
	}
	for l, h := range v.element.collect() {
		out.add(l, h)
	}
	for _, c := range v.choices {
		for l, h := range c.collect() {
			out.add(l, v.through.apply(h))
		}
	}
	v.sum, v.summing = out.deps, false
	return v.sum
}

// member is a field of a struct.
func (v *value) member(i int, name string) *value {
	switch {
	case v.from != nil:
		return v.part("."+name, func() *value { return copyOf(v.from.asset, v.from.column+"."+name) })
	case i < len(v.members):
		return v.members[i]
	case len(v.choices) > 0:
		return v.part("."+strconv.Itoa(i), func() *value {
			return v.choose(func(c *value) *value { return c.member(i, name) })
		})
	}
	return v
}

// item is an element of an array.
func (v *value) item() *value {
	switch {
	case v.from != nil:
		return v.part("[]", func() *value { return copyOf(v.from.asset, v.from.column+"[]") })
	case v.element != nil:
		return v.element
	case len(v.choices) > 0:
		return v.part("[]", func() *value {
			return v.choose(func(c *value) *value { return c.item() })
		})
	}
	return v
}

func (v *value) choose(of func(*value) *value) *value {
	out := &value{through: v.through, deps: v.deps}
	for _, c := range v.choices {
		out.choices = append(out.choices, of(c))
	}
	return out
}

// part makes a member or an element once, so that equal ones are one value.
func (v *value) part(key string, create func() *value) *value {
	if p, ok := v.parts[key]; ok {
		return p
	}
	if v.parts == nil {
		v.parts = map[string]*value{}
	}
	p := create()
	v.parts[key] = p
	return p
}
