package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"fairlead.dev/fairlead/pkg/admission"
)

// Summary tells what a replay has found.
type Summary struct {
	Events int `json:"events"`
	Passes int `json:"passes"`
	// Compared passes had their decisions recorded, and made the same.
	Compared  int   `json:"compared"`
	Decisions int   `json:"decisions"`
	First     int64 `json:"firstNanoseconds"` // time of the first event, Unix nanoseconds
	Last      int64 `json:"lastNanoseconds"`
	// Sum is the sum of all decisions, as the recording has it.
	Sum string `json:"sum"`
	// Truncated says that the last line is incomplete: the recorder was killed.
	// All before it has been replayed.
	Truncated bool `json:"truncated"`
}

// Replay steps a new engine of the recorded configuration through a recording.
// decided, if not nil, is told each decision. It is an error if something else
// is decided than was recorded; it says where.
func Replay(r io.Reader, decided func(now int64, d admission.Decision)) (Summary, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	var out Summary
	p := player{decided: decided, sum: newSum()}
	for number := 1; ; number++ {
		text, err := in.ReadBytes('\n')
		whole := err == nil
		if err != nil && !errors.Is(err, io.EOF) {
			return out, fmt.Errorf("line %d: %w", number, err)
		}
		if len(bytes.TrimSpace(text)) > 0 {
			if !whole && number > 1 {
				out.Truncated = true
				break
			}
			if err := p.line(text, number == 1, &out); err != nil {
				return out, fmt.Errorf("line %d: %w", number, err)
			}
		}
		if !whole {
			break
		}
	}
	if p.engine == nil {
		return out, errors.New("it is empty: a recording begins with a header")
	}
	out.Sum = p.sum.String()
	return out, nil
}

// player is a replay under way.
type player struct {
	engine  *admission.Engine
	decided func(now int64, d admission.Decision)
	sum     sum
	last    []admission.Decision
	pending bool // a Decide of which the recording has yet to tell what came
}

func (p *player) line(text []byte, first bool, out *Summary) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if first {
		return p.begin(decoder)
	}
	var l line
	if err := decoder.Decode(&l); err != nil {
		return fmt.Errorf("it is no event of version %d: %w", Version, err)
	}
	if l.Decided != nil {
		out.Compared++
		return p.check(*l.Decided, l.Sum)
	}
	event := l.event()
	if event == nil {
		return errors.New("it holds no event")
	}
	if out.Events == 0 {
		out.First = l.At
	}
	out.Events++
	out.Last = l.At
	decisions := p.engine.Step(l.At, event)
	if _, ok := event.(admission.Decide); ok {
		out.Passes++
		out.Decisions += len(decisions)
		p.sum.add(l.At, decisions)
		p.last, p.pending = decisions, true
		for _, d := range decisions {
			if p.decided != nil {
				p.decided(l.At, d)
			}
		}
	}
	return nil
}

func (p *player) begin(decoder *json.Decoder) error {
	var h header
	if err := decoder.Decode(&h); err != nil || h.Recording != headerMark {
		return errors.New("this is no recording of an engine: the first line is not its header")
	}
	if h.Version != Version {
		return fmt.Errorf("the recording has version %d, this program reads version %d", h.Version, Version)
	}
	p.engine = admission.New(h.Config)
	return nil
}

// check compares a pass with what was recorded of it.
func (p *player) check(decisions int, recorded string) error {
	if !p.pending {
		return errors.New("decisions are told of without a pass before")
	}
	p.pending = false
	if len(p.last) == decisions && p.sum.String() == recorded {
		return nil
	}
	var list []byte
	for _, d := range p.last {
		list = append(append(list, "\n  "...), admission.AppendLine(nil, d)...)
	}
	return fmt.Errorf("the recorded pass made %d decisions with the sum %s, the same pass now made %d with the sum %s: "+
		"the program has changed since, or the recording does not begin with the engine; now:%s", decisions, recorded, len(p.last), p.sum.String(), list)
}
