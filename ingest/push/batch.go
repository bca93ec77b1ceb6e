package push

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"cadastre.dev/cadastre/graph"
)

// ErrTooLarge says that a batch is larger than the limits allow: send it in
// parts.
var ErrTooLarge = errors.New("batch too large")

// Limits bound a batch. The zero value works.
type Limits struct {
	// Bytes of the body once it is unpacked. Defaults to 64 MiB.
	Bytes int64
	// Facts in one batch. Defaults to 10,000.
	Facts int
	// Columns of one asset, and of its owners, grants and tags together.
	// Defaults to 10,000.
	Columns int
}

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 64 << 20
	}
	if l.Facts <= 0 {
		l.Facts = 10_000
	}
	if l.Columns <= 0 {
		l.Columns = 10_000
	}
	return l
}

// Form is how a batch is written.
type Form int

// The forms of a batch.
const (
	// Document is one JSON object with source, key and facts.
	Document Form = iota
	// Lines is one JSON object a line: source and key in the first, a fact in
	// each that follows.
	Lines
)

// Batch is what a service pushes at once.
type Batch struct {
	Source string
	// Key is the sender's; the same batch under the same key is written once.
	Key string
	// Facts are valid facts of the source.
	Facts []graph.Fact
	// Gone are assets that are no longer there. None is among the facts.
	Gone []graph.Ref
	// Digest is that of the body.
	Digest [sha256.Size]byte

	at map[graph.Ref]string
}

// At returns where the batch speaks of an asset.
func (b Batch) At(asset graph.Ref) string { return b.at[asset] }

// Fault is one thing that is wrong with a batch.
type Fault struct {
	// At is where: facts[3].asset.columns[2].mode, or line 4 before the path.
	At   string `json:"at"`
	What string `json:"what"`
	Do   string `json:"do"`
}

// FaultsError tells all that is wrong with a batch; it is graph.ErrInvalid.
type FaultsError struct {
	// Faults are never empty, and at most 100.
	Faults []Fault
	// More is how many further faults there are.
	More int
}

const maxFaults = 100

// Error tells the first fault and how many there are.
func (e *FaultsError) Error() string {
	if len(e.Faults) == 0 {
		return "the batch is wrong"
	}
	first := e.Faults[0]
	if n := len(e.Faults) + e.More; n > 1 {
		return fmt.Sprintf("%s: %s; %s (and %d more)", first.At, first.What, first.Do, n-1)
	}
	return fmt.Sprintf("%s: %s; %s", first.At, first.What, first.Do)
}

// Is says that a batch with faults is graph.ErrInvalid.
func (e *FaultsError) Is(target error) bool { return target == graph.ErrInvalid }

// Read reads a batch. key is the sender's where the body bears none. A body or
// a list above the limits is ErrTooLarge; a batch of which anything is wrong
// is a *FaultsError with all that is.
func Read(body io.Reader, form Form, key string, limits Limits) (Batch, error) {
	limits = limits.withDefaults()
	data, err := io.ReadAll(io.LimitReader(body, limits.Bytes+1))
	if err != nil {
		return Batch{}, fmt.Errorf("read the batch: %w", err)
	}
	if int64(len(data)) > limits.Bytes {
		return Batch{}, fmt.Errorf("the batch has more than %d bytes unpacked; send it in parts: %w", limits.Bytes, ErrTooLarge)
	}
	r := &reader{limits: limits, batch: Batch{Key: key, Digest: sha256.Sum256(data), at: map[graph.Ref]string{}}}
	if !utf8.Valid(data) {
		r.fault("", "the body is not UTF-8", "encode it as UTF-8")
		return Batch{}, r.faults()
	}
	r.decoder = json.NewDecoder(bytes.NewReader(data))
	r.decoder.DisallowUnknownFields()
	if form == Lines {
		err = r.lines()
	} else {
		err = r.document()
	}
	if err != nil {
		return Batch{}, err
	}
	r.end()
	if err := r.faults(); err != nil {
		return Batch{}, err
	}
	return r.batch, nil
}

// reader reads one batch and collects what is wrong with it.
type reader struct {
	limits  Limits
	decoder *json.Decoder
	batch   Batch
	told    int
	// places are where the facts of the batch stand, one for each.
	places []string
	wrong  []Fault
	more   int
}

func (r *reader) fault(at, what, do string) {
	if len(r.wrong) == maxFaults {
		r.more++
		return
	}
	r.wrong = append(r.wrong, Fault{at, what, do})
}

func (r *reader) faults() error {
	if len(r.wrong) == 0 {
		return nil
	}
	return &FaultsError{r.wrong, r.more}
}

// syntax tells that the body is no JSON of the form. Nothing can be read
// behind the place.
func (r *reader) syntax(at string, err error) error {
	what := "is no JSON: " + err.Error()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		what = "ends too early"
	}
	r.fault(at, what, fmt.Sprintf("correct what stands before byte %d of the body", r.decoder.InputOffset()+1))
	return r.faults()
}

// document reads an object of source, key and facts, in any order.
func (r *reader) document() error {
	if t, err := r.decoder.Token(); err != nil {
		return r.syntax("", err)
	} else if t != json.Delim('{') {
		r.fault("", "the body is no JSON object", "send an object with source, key and facts")
		return r.faults()
	}
	had := map[string]bool{}
	for r.decoder.More() {
		t, err := r.decoder.Token()
		if err != nil {
			return r.syntax("", err)
		}
		field, _ := t.(string)
		if had[field] {
			r.fault(field, "is there twice", "write it once")
		}
		had[field] = true
		switch field {
		case "source":
			err = r.value(field, &r.batch.Source)
		case "key":
			err = r.value(field, &r.batch.Key)
		case "facts":
			err = r.list()
		default:
			var other json.RawMessage
			r.fault(field, "is not a field of a batch", "there are source, key and facts")
			err = r.value(field, &other)
		}
		if err != nil {
			return err
		}
	}
	if _, err := r.decoder.Token(); err != nil {
		return r.syntax("", err)
	}
	return nil
}

// list reads the facts of a document.
func (r *reader) list() error {
	if t, err := r.decoder.Token(); err != nil {
		return r.syntax("facts", err)
	} else if t != json.Delim('[') {
		r.fault("facts", "is no list", "send a list of facts")
		return r.faults()
	}
	for n := 0; r.decoder.More(); n++ {
		if err := r.next(fmt.Sprintf("facts[%d]", n)); err != nil {
			return err
		}
	}
	if _, err := r.decoder.Token(); err != nil {
		return r.syntax("facts", err)
	}
	return nil
}

// lines reads source and key, and then one fact after the other.
func (r *reader) lines() error {
	var head struct {
		Source string `json:"source"`
		Key    string `json:"key"`
	}
	head.Key = r.batch.Key
	if err := r.value("line 1", &head); err != nil {
		return err
	}
	r.batch.Source, r.batch.Key = head.Source, head.Key
	for n := 2; r.decoder.More(); n++ {
		if err := r.next(fmt.Sprintf("line %d", n)); err != nil {
			return err
		}
	}
	return nil
}

// next reads one fact.
func (r *reader) next(at string) error {
	if r.told++; r.told > r.limits.Facts {
		return fmt.Errorf("the batch has more than %d facts; send it in parts: %w", r.limits.Facts, ErrTooLarge)
	}
	var f fact
	before := len(r.wrong) + r.more
	if err := r.value(at, &f); err != nil {
		return err
	}
	if len(r.wrong)+r.more > before {
		return nil
	}
	return r.take(at, f)
}

// value reads one value. What is of another type, or has fields that there are
// not, is a fault after which reading goes on.
func (r *reader) value(at string, into any) error {
	err := r.decoder.Decode(into)
	var (
		typed  *json.UnmarshalTypeError
		syntax *json.SyntaxError
	)
	switch {
	case err == nil:
	case errors.As(err, &typed):
		r.fault(join(at, typed.Field), "is a JSON "+typed.Value, "write "+article(typed.Type.Kind().String()))
	case errors.As(err, &syntax), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return r.syntax(at, err)
	default:
		r.fault(at, strings.TrimPrefix(err.Error(), "json: "), "see docs/push.md for the fields that there are")
	}
	return nil
}

func article(kind string) string {
	switch kind {
	case "slice", "array":
		return "a list"
	case "struct", "map", "ptr":
		return "an object"
	case "bool":
		return "true or false"
	case "float64", "int":
		return "a number"
	}
	return "a text"
}

func join(at, field string) string {
	if at == "" || field == "" {
		return at + field
	}
	return at + "." + field
}

// maxKey is how long a key may be.
const maxKey = 200

// end judges the batch as a whole.
func (r *reader) end() {
	if rest, err := r.decoder.Token(); !errors.Is(err, io.EOF) {
		r.fault("", fmt.Sprintf("something follows the batch: %v", rest), "send one batch in a request")
	}
	r.name("source", r.batch.Source, true)
	r.name("key", r.batch.Key, true)
	if len(r.batch.Key) > maxKey {
		r.fault("key", fmt.Sprintf("has more than %d bytes", maxKey), "choose a shorter one, such as a hash")
	}
	if r.told == 0 {
		r.fault("facts", "there is none", "send at least one fact")
	}
	if len(r.wrong) == 0 {
		r.sign()
	}
	for _, ref := range r.batch.Gone {
		if at, ok := r.batch.at[ref]; ok {
			r.fault(at, fmt.Sprintf("tells of %s, which the same batch removes", ref), "do one of the two")
		}
	}
}
