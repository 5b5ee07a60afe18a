package simulation

import (
	"strconv"

	"fairlead.dev/fairlead/pkg/admission"
)

// AppendEntry appends a line of a decision log: the time in Unix nanoseconds, a
// blank, the decision as admission.Line writes it, and a newline.
func AppendEntry(b []byte, now int64, d admission.Decision) []byte {
	b = strconv.AppendInt(b, now, 10)
	b = append(b, ' ')
	b = admission.AppendLine(b, d)
	return append(b, '\n')
}
