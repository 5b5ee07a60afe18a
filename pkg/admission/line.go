package admission

import (
	"strconv"
)

// Line writes a decision as one line of a decision log. Equal decisions give
// equal lines, and different ones different lines.
func Line(d Decision) string { return string(AppendLine(nil, d)) }

// AppendLine appends Line(d) to b.
func AppendLine(b []byte, d Decision) []byte {
	switch d := d.(type) {
	case Admit:
		b = append(b, "admit "...)
		b = strconv.AppendQuote(b, d.UID)
		b = append(b, " queue="...)
		b = strconv.AppendQuote(b, d.Assignment.ClusterQueue)
		for i := range d.Assignment.PodSets {
			b = appendPodSet(b, &d.Assignment.PodSets[i])
		}
		if d.Borrows {
			b = append(b, " borrows"...)
		}
		if d.Share != 0 {
			b = append(b, " share="...)
			b = strconv.AppendInt(b, d.Share, 10)
		}
	case Wait:
		b = append(b, "wait "...)
		b = strconv.AppendQuote(b, d.UID)
		b = append(b, ' ')
		b = append(b, d.Reason...)
		b = append(b, ' ')
		b = strconv.AppendQuote(b, d.Message)
	}
	return b
}

// appendPodSet writes for example `"main"x3 cpu:default=3000`.
func appendPodSet(b []byte, p *PodSetAssignment) []byte {
	b = append(b, ' ')
	b = strconv.AppendQuote(b, p.Name)
	b = append(b, 'x')
	b = strconv.AppendInt(b, int64(p.Count), 10)
	for i, f := range p.Flavors {
		b = append(b, ' ')
		b = append(b, f.Resource...)
		b = append(b, ':')
		b = append(b, f.Flavor...)
		if i < len(p.Usage) && p.Usage[i].Resource == f.Resource {
			b = append(b, '=')
			b = strconv.AppendInt(b, p.Usage[i].Amount, 10)
		}
	}
	return b
}
