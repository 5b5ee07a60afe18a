package simulate

import (
	"bufio"
	"fmt"
	"io"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/simulation"
	"fairlead.dev/fairlead/pkg/simulation/record"
)

// Replay decides again what a recording holds. log, if not nil, gets a line
// for each decision.
func Replay(recording io.Reader, log io.Writer) (record.Summary, error) {
	if log == nil {
		return record.Replay(recording, nil)
	}
	var line []byte
	var failed error
	out := bufio.NewWriterSize(log, 1<<16)
	summary, err := record.Replay(recording, func(now int64, d admission.Decision) {
		line = simulation.AppendEntry(line[:0], now, d)
		if _, err := out.Write(line); err != nil && failed == nil {
			failed = err
		}
	})
	if err := out.Flush(); err != nil && failed == nil {
		failed = err
	}
	if err == nil && failed != nil {
		err = fmt.Errorf("writing the decision log: %w", failed)
	}
	return summary, err
}
