package audit

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"cadastre.dev/cadastre/graph"
)

// exportFormat is how an export begins, and changes when its form does.
const exportFormat = "cadastre audit export 1"

// Header is the first line of an export.
type Header struct {
	// Events is how many lines follow, one an event.
	Events int64
	// Key is the verifier key of who signed, as the log's program names it.
	// An auditor holds it against the one they keep.
	Key string
	// Checkpoint is the signed note of all Events.
	Checkpoint string
}

type headerLine struct {
	Format     string `json:"format"`
	Events     int64  `json:"events"`
	Key        string `json:"key"`
	Checkpoint string `json:"checkpoint"`
}

// eventLine is an event as one line of JSON.
type eventLine struct {
	Seq      int64             `json:"seq"`
	At       time.Time         `json:"at"`
	Actor    string            `json:"actor"`
	Action   string            `json:"action"`
	Object   string            `json:"object"`
	Revision int64             `json:"revision"`
	Detail   map[string]string `json:"detail"`
	Hash     string            `json:"hash"`
}

func lineOf(e Event) eventLine {
	detail := e.Detail
	if detail == nil {
		detail = map[string]string{}
	}
	return eventLine{e.Seq, e.At.UTC(), e.Actor, e.Action, e.Object, int64(e.Revision), detail, hex.EncodeToString(e.Hash[:])}
}

func (l eventLine) event() (Event, error) {
	hash, err := hashOf(l.Hash)
	if err != nil {
		return Event{}, fmt.Errorf("event %d: %w", l.Seq, err)
	}
	return Event{Seq: l.Seq, At: l.At, Actor: l.Actor, Action: l.Action, Object: l.Object, Revision: graph.Revision(l.Revision), Detail: l.Detail, Hash: hash}, nil
}

func hashOf(text string) (Hash, error) {
	hash, err := hex.DecodeString(text)
	if err != nil || len(hash) != len(Hash{}) || hex.EncodeToString(hash) != text {
		return Hash{}, fmt.Errorf("hash %q is not 64 hexadecimal digits in lower case: %w", text, graph.ErrInvalid)
	}
	return Hash(hash), nil
}

// WriteExport writes a header and the events that it counts, which are the
// first of the log, as lines of JSON. Where the log ends before that, or cannot
// be read, what was written is no whole export, and ReadExport says so.
func WriteExport(w io.Writer, h Header, log iter.Seq2[Event, error]) error {
	buffered := bufio.NewWriter(w)
	lines := json.NewEncoder(buffered)
	lines.SetEscapeHTML(false)
	if err := lines.Encode(headerLine{exportFormat, h.Events, h.Key, h.Checkpoint}); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	written := int64(0)
	for e, err := range log {
		if err != nil {
			return errors.Join(fmt.Errorf("write export: %w", err), buffered.Flush())
		}
		if written == h.Events {
			break
		}
		if err := lines.Encode(lineOf(e)); err != nil {
			return fmt.Errorf("write export: event %d: %w", e.Seq, err)
		}
		written++
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	if written < h.Events {
		return fmt.Errorf("write export: the log has %d events, and %d were counted: %w", written, h.Events, graph.ErrConflict)
	}
	return nil
}

// ReadExport reads what WriteExport wrote: the header at once, and the events
// as the sequence is read, which is once. What is no export is
// graph.ErrInvalid. It checks forms alone, and those to the byte, so that one
// export has one spelling; Verify checks the rest.
func ReadExport(r io.Reader) (Header, iter.Seq2[Event, error], error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	var h headerLine
	if !lines.Scan() || readLine(lines.Bytes(), &h) != nil || h.Format != exportFormat {
		return Header{}, nil, fmt.Errorf("this is no %s: %w", exportFormat, graph.ErrInvalid)
	}
	events := func(yield func(Event, error) bool) {
		read := int64(0)
		for ; lines.Scan(); read++ {
			var line eventLine
			var e Event
			err := readLine(lines.Bytes(), &line)
			if err == nil {
				e, err = line.event()
			}
			if err != nil {
				yield(Event{}, fmt.Errorf("line %d of the export: %w", read+2, err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Event{}, fmt.Errorf("read the export behind event %d: %w", read, err))
		} else if read != h.Events {
			yield(Event{}, fmt.Errorf("the export holds %d events, and says that it has %d: %w", read, h.Events, graph.ErrInvalid))
		}
	}
	return Header{Events: h.Events, Key: h.Key, Checkpoint: h.Checkpoint}, events, nil
}

// maxLine is how many bytes a line of an export may have, 16 MiB.
const maxLine = 16 << 20

// readLine decodes a line that is spelled as WriteExport spells it.
func readLine(line []byte, into any) error {
	if err := json.Unmarshal(line, into); err != nil {
		return fmt.Errorf("%w: %w", err, graph.ErrInvalid)
	}
	var again bytes.Buffer
	encoder := json.NewEncoder(&again)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(into); err != nil || !bytes.Equal(bytes.TrimSuffix(again.Bytes(), []byte("\n")), line) {
		return fmt.Errorf("it is not spelled as exports are: %w", graph.ErrInvalid)
	}
	return nil
}

// VerifyExport verifies an export with nothing beside it: its chain, the
// checkpoint in it, and that it begins with the events of each checkpoint that
// was kept, all of them signed with one of the keys. Without keys it takes the
// one that the export names, which then shows no more than that its parts
// belong together. What is no export, and a key that cannot be read, is
// graph.ErrInvalid; every other fault is in the report.
func VerifyExport(r io.Reader, keys []string, kept ...[]byte) (Report, error) {
	header, log, err := ReadExport(r)
	if err != nil {
		return Report{}, err
	}
	keys, err = trusted(keys, header.Key)
	if err != nil {
		return Report{Reason: "the export cannot be trusted: " + err.Error()}, CheckKeys(keys...)
	}
	own, reason := openOwn(header)
	if reason != "" {
		return Report{Reason: reason}, nil
	}
	checkpoints := []Checkpoint{own}
	for i, signed := range kept {
		c, err := OpenWith(signed, keys...)
		if err != nil {
			return Report{Reason: fmt.Sprintf("kept checkpoint %d cannot be trusted: %v", i+1, err)}, nil
		}
		checkpoints = append(checkpoints, c)
	}
	report := Verify(log, checkpoints...)
	report.Checkpoints = int64(len(checkpoints))
	return report, nil
}

// openOwn opens the checkpoint in an export, or says why it cannot be trusted.
func openOwn(h Header) (own Checkpoint, reason string) {
	own, err := OpenWith([]byte(h.Checkpoint), h.Key)
	if err == nil && own.Size != h.Events {
		err = fmt.Errorf("it has %d events, the export says %d: %w", own.Size, h.Events, graph.ErrInvalid)
	}
	if err != nil {
		return Checkpoint{}, "the checkpoint in the export cannot be trusted: " + err.Error()
	}
	return own, ""
}

// trusted returns the keys to trust of a document that names its own: those
// given, of which it must be one, or that one alone.
func trusted(given []string, named string) ([]string, error) {
	if len(given) == 0 {
		given = []string{named}
	}
	if err := CheckKeys(given...); err != nil {
		return given, err
	}
	if !slices.Contains(given, named) {
		return given, fmt.Errorf("it names the key %q, which is none of those given: %w", named, graph.ErrInvalid)
	}
	return given, nil
}

// CheckKeys returns graph.ErrInvalid where one is no verifier key.
func CheckKeys(keys ...string) error {
	for _, key := range keys {
		if _, err := note.NewVerifier(key); err != nil {
			return fmt.Errorf("verifier key %q: %w: %w", key, err, graph.ErrInvalid)
		}
	}
	return nil
}
