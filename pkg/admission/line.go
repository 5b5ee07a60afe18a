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
	case Evict:
		b = appendEvict(b, &d)
	case EndHold:
		b = append(b, "end-hold "...)
		b = strconv.AppendQuote(b, d.UID)
		b = append(b, ' ')
		b = append(b, d.Cause...)
	case Wait:
		b = append(b, "wait "...)
		b = strconv.AppendQuote(b, d.UID)
		b = append(b, ' ')
		b = append(b, d.Reason...)
		if d.Limit != "" {
			b = append(append(b, " limit="...), d.Limit...)
		}
		b = append(b, ' ')
		b = strconv.AppendQuote(b, d.Why.String())
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

// appendEvict writes for example `evict for "p" in root/a: "v" in root/b
// InCohortReclamation; holds cpu:default=3000 until 60`.
func appendEvict(b []byte, d *Evict) []byte {
	b = append(b, "evict for "...)
	b = strconv.AppendQuote(b, d.Preemptor)
	b = appendPath(append(b, " in "...), d.Path)
	if d.Resumed {
		b = append(b, " resumed"...)
	}
	b = append(b, ':')
	for i := range d.Victims {
		v := &d.Victims[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, ' ')
		b = strconv.AppendQuote(b, v.UID)
		b = appendPath(append(b, " in "...), v.Path)
		b = append(append(b, ' '), v.Reason...)
		if v.Reason == InCohortFairSharing {
			b = strconv.AppendInt(append(b, " share "...), v.PreemptorShare, 10)
			b = strconv.AppendInt(append(b, " against "...), v.ShareBefore, 10)
			b = strconv.AppendInt(append(b, " before, "...), v.ShareAfter, 10)
			b = append(b, " after"...)
		}
	}
	if len(d.Victims) == 0 {
		b = append(b, " nobody"...)
	}
	b = append(b, "; holds"...)
	for _, h := range d.Preemption.Held {
		b = append(append(append(append(append(b, ' '), h.Resource...), ':'), h.Flavor...), '=')
		b = strconv.AppendInt(b, h.Amount, 10)
	}
	b = strconv.AppendInt(append(b, " since "...), d.Preemption.DecidedAt, 10)
	return strconv.AppendInt(append(b, " until "...), d.Preemption.Deadline, 10)
}

func appendPath(b []byte, path []string) []byte {
	for i, name := range path {
		if i > 0 {
			b = append(b, '/')
		}
		b = append(b, name...)
	}
	return b
}
