package bigquery

import (
	"fmt"
	"strings"

	"cadastre.dev/cadastre/graph"
	"cadastre.dev/cadastre/policy/view"
)

// The comment at the head of a view says who made it, over what, for whom, and
// what becomes of each leaf that it shows; what it leaves out it does not name.
const (
	headLine     = "-- Made by Cadastre. What is changed here is reported and put back."
	baseMark     = "-- base: "
	audienceMark = "-- audience: "
	allowMark    = "-- allow: "
	maskMark     = "-- mask "
)

func (w *writer) header() error {
	for _, text := range []string{w.def.Base.String(), w.def.Audience} {
		if err := checkText(text); err != nil {
			return fmt.Errorf("head of the view: %w", err)
		}
	}
	w.out.WriteString(headLine + "\n" + baseMark + w.def.Base.String() + "\n" + audienceMark + w.def.Audience + "\n")
	return w.headLeaves(w.def.Fields)
}

func (w *writer) headLeaves(fields []view.Field) error {
	for _, f := range fields {
		if f.IsRecord() {
			if err := w.headLeaves(f.Fields); err != nil {
				return err
			}
			continue
		}
		for _, text := range []string{f.Path, f.Method + "-"} {
			if err := checkText(text); err != nil {
				return fmt.Errorf("column %q: %w", f.Path, err)
			}
		}
		if f.Effect == graph.EffectMask {
			w.out.WriteString(maskMark + f.Method + ": " + f.Path + "\n")
		} else {
			w.out.WriteString(allowMark + f.Path + "\n")
		}
	}
	return nil
}

// Read returns what the head of a view says. A text without such a head is not
// ours.
func (Dialect) Read(sql string) (view.Reading, bool) {
	reading := view.Reading{Effects: map[string]graph.Effect{}}
	head, rest, ok := strings.Cut(sql, "\n")
	if !ok || head != headLine {
		return view.Reading{}, false
	}
	for line := range strings.SplitSeq(rest, "\n") {
		if base, ok := strings.CutPrefix(line, baseMark); ok {
			ref, err := graph.ParseRef(base)
			if err != nil {
				return view.Reading{}, false
			}
			reading.Base = ref
		} else if path, ok := strings.CutPrefix(line, allowMark); ok {
			reading.Effects[path] = graph.EffectAllow
		} else if masked, ok := strings.CutPrefix(line, maskMark); ok {
			_, path, _ := strings.Cut(masked, ": ")
			reading.Effects[path] = graph.EffectMask
		} else if !strings.HasPrefix(line, "--") {
			break
		}
	}
	return reading, !reading.Base.IsZero()
}
