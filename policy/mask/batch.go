package mask

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"cadastre.dev/cadastre/graph"
)

// batchLine bounds a line of a batch; a longer one is answered with an error.
const batchLine = 16 << 20

type batchQuestion struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Type   string          `json:"type"`
	// Value is null for NULL, which every rule but the default keeps.
	Value *string `json:"value"`
}

type batchAnswer struct {
	ID json.RawMessage `json:"id"`
	// Masked is absent where there is an error.
	Masked *string `json:"masked,omitempty"`
	Error  string  `json:"error,omitempty"`
}

// Batch answers JSON Lines {id, method, type, value} with JSON Lines
// {id, masked, error}, one answer a line and in order. The methods are
// BigQuery's masking rules, as Native applies them; all lines are one query, so
// that RANDOM_HASH gives equal values one hash within a batch.
//
// A line that is not such a question is answered with an error and the batch
// goes on. Batch itself fails only where it cannot read or write, or when ctx
// ends.
func Batch(ctx context.Context, r io.Reader, w io.Writer) error {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	in, out := bufio.NewReaderSize(r, 64<<10), bufio.NewWriter(w)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("mask batch: %w", err)
		}
		line, tooLong, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("mask batch: read: %w", err)
		}
		if last := err != nil; last && len(line) == 0 && !tooLong {
			return out.Flush()
		}
		answer := batchAnswer{Error: fmt.Sprintf("line is longer than %d bytes", batchLine)}
		if !tooLong {
			answer = answerLine(line, salt)
		}
		if err := encoder.Encode(answer); err != nil {
			return fmt.Errorf("mask batch: write: %w", err)
		}
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil { // whoever waits for the answer gets it
				return fmt.Errorf("mask batch: write: %w", err)
			}
		}
	}
}

// readLine returns the next line without its end, or io.EOF with what is left.
// A line that is too long is read to its end and thrown away.
func readLine(in *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if !tooLong {
			line = append(line, part...)
			if tooLong = len(line) > batchLine; tooLong {
				line = nil
			}
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimRight(line, "\r\n"), tooLong, err
		}
	}
}

func answerLine(line, salt []byte) batchAnswer {
	var q batchQuestion
	if err := json.Unmarshal(line, &q); err != nil {
		return batchAnswer{ID: q.ID, Error: "not a question {id, method, type, value}: " + jsonFault(err)}
	}
	masked, err := q.answer(salt)
	if err != nil {
		return batchAnswer{ID: q.ID, Error: err.Error()}
	}
	return batchAnswer{ID: q.ID, Masked: &masked}
}

func (q batchQuestion) answer(salt []byte) (string, error) {
	if q.Value != nil {
		return native(Rule(q.Method), q.Type, *q.Value, salt)
	}
	if Rule(q.Method) == RuleDefault {
		return native(RuleDefault, q.Type, "", salt)
	}
	if err := q.applies(salt); err != nil {
		return "", err
	}
	return nativeNull, nil
}

// applies says whether the rule applies to the type at all, by asking it about
// a value that every type it takes can have.
func (q batchQuestion) applies(salt []byte) error {
	value := ""
	if Rule(q.Method) == RuleDateYear {
		value = "1970-01-01"
		if t, ok := ParseType(q.Type); ok && t == Datetime {
			value = "1970-01-01T00:00:00"
		}
	}
	_, err := native(Rule(q.Method), q.Type, value, salt)
	return err
}

// jsonFault says what is wrong with a line without repeating any of it.
func jsonFault(err error) string {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("invalid JSON at byte %d", syntax.Offset)
	case errors.As(err, &typ):
		return fmt.Sprintf("%s has the wrong type", orLine(typ.Field))
	}
	return graph.ErrInvalid.Error()
}

func orLine(field string) string {
	if field == "" {
		return "the line"
	}
	return field
}
