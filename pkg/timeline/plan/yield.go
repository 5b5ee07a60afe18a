package plan

import (
	"slices"
	"sort"

	"fairlead.dev/fairlead/pkg/quota"
)

// Ask is the question whether a workload may start now with a request, as
// MayStart does for one of its alternatives.
type Ask struct {
	*Workload
	Request []quota.Request
	// Late is by how much later than now it may start, to be gone by its limit
	// all the same.
	Late int64
	// Gone are UIDs of workloads that run, and count as gone.
	Gone []string
}

// Allows answers an Ask.
func (p *Planner) Allows(a *Ask) bool {
	if len(a.Gone) == 0 {
		if known, fits := p.clear(a.Workload, a.Request, p.askedUntil(a)); known {
			return fits
		}
	}
	return p.fitsWithout(a, nil)
}

// askedUntil is when who asks would be gone.
func (p *Planner) askedUntil(a *Ask) int64 { return after(p.until(a.Workload), a.Late) }

// fitsWithout says whether there is room for who asks while some reservations are
// not charged.
func (p *Planner) fitsWithout(a *Ask, yielding []string) (fits bool) {
	end := p.askedUntil(a)
	do := func() {
		p.asking(a.Workload, func() { fits = p.line.Fits(a.Leaf, a.Request, p.line.Now(), end) })
	}
	for _, list := range [][]string{a.Gone, yielding} {
		for _, uid := range list {
			inner := do
			do = func() { p.without(uid, inner) }
		}
	}
	p.without(a.UID, do)
	return fits
}

// InTheWay lists who holds a reservation of something that is asked for, if it
// begins before who asks would be gone, in the order of the last Plan.
func (p *Planner) InTheWay(a *Ask) (list []string) {
	end := p.askedUntil(a)
	for _, h := range p.order {
		if !h.gone && h.UID != a.UID && h.start < end && slices.ContainsFunc(h.Alternatives[h.alternative], func(r quota.Request) bool {
			return slices.ContainsFunc(a.Request, func(o quota.Request) bool { return o.FR == r.FR })
		}) {
			list = append(list, h.UID)
		}
	}
	return list
}

// Yield says which reservations of a list must give way for who asks: as few as
// are needed of the first, without those that turn out not to be in the way, the
// last given back first. False if all of them do not suffice.
func (p *Planner) Yield(a *Ask, list []string) (yielding []string, ok bool) {
	if len(list) == 0 || !p.fitsWithout(a, list) {
		return nil, false
	}
	n := sort.Search(len(list), func(i int) bool { return p.fitsWithout(a, list[:i]) })
	yielding = slices.Clone(list[:n])
	for i := n - 1; i >= 0; i-- {
		if rest := slices.Delete(slices.Clone(yielding), i, i+1); p.fitsWithout(a, rest) {
			yielding = rest
		}
	}
	return yielding, true
}
