package plan

import (
	"slices"
	"sort"

	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
)

// MayStart says whether a workload may start now: whether it fits now and
// until its limit beside what runs, all windows and everybody else's
// reservation, which therefore is not delayed. It returns the first
// alternative that does. Ask after Plan.
//
// A workload without limit counts with the default if its own reservation has
// begun or the policy allows it to be backfilled, else as running for ever.
func (p *Planner) MayStart(w Workload) (alternative int, ok bool) {
	end := p.until(&w)
	ask := func() {
		for i, request := range w.Alternatives {
			if p.line.Fits(w.Leaf, request, p.line.Now(), end) {
				alternative, ok = i, true
				return
			}
		}
	}
	p.without(w.UID, func() { p.asking(&w, ask) })
	return alternative, ok
}

// clear says whether a request fits from now until an end, if that is known
// without taking anything off the timeline: if it fits even beside the workload's
// own reservation, or does not before that begins.
func (p *Planner) clear(w *Workload, request []quota.Request, end int64) (known, fits bool) {
	if _, runs := p.running[w.UID]; runs || w.Group != "" && len(p.windows) > 0 {
		return false, false
	}
	until := timeline.Forever
	for _, r := range request {
		until = min(until, p.line.ClearUntil(w.Leaf, r.FR, r.Amount))
	}
	if end <= until {
		return true, true
	}
	h := p.held[w.UID]
	return h == nil || until < h.start, false
}

// Ever is the most, up to an amount, of a flavor-resource that a workload could
// use for ever from now on, beside everything but its own reservation. Windows
// count only while others' reservations last: else whoever waits before the next
// one could use nothing.
func (p *Planner) Ever(uid string, leaf, fr int32, most quota.Amount) quota.Amount {
	least := func(from, to int64) {
		over := sort.Search(int(most), func(i int) bool {
			return !p.line.Fits(leaf, []quota.Request{{FR: fr, Amount: quota.Amount(i) + 1}}, from, to)
		})
		most = quota.Amount(over)
	}
	p.without(uid, func() {
		if len(p.windows) == 0 {
			least(p.line.Now(), timeline.Forever)
			return
		}
		p.withoutWindows(func() { least(p.line.Now(), timeline.Forever) })
		for _, h := range p.order {
			if !h.gone && h.UID != uid {
				least(max(h.start, p.line.Now()), h.end)
			}
		}
	})
	return most
}

// Refusal says why a workload may not start now with one of its alternatives.
type Refusal struct {
	timeline.Shortage
	// Reservation is the UID of a workload whose reservation has begun by then
	// and asks for the flavor-resource, the first in order; "" if there is none,
	// and running workloads and windows leave no room.
	Reservation string
}

// Refused says why MayStart would refuse an alternative; false if it would not.
func (p *Planner) Refused(w Workload, alternative int) (r Refusal, refused bool) {
	end := p.until(&w)
	p.without(w.UID, func() {
		p.asking(&w, func() {
			r.Shortage, refused = p.line.Short(w.Leaf, w.Alternatives[alternative], p.line.Now(), end)
		})
	})
	if !refused {
		return r, false
	}
	for _, h := range p.order {
		if h.gone || h.UID == w.UID || h.start > r.At || r.At >= h.end || !p.below(h.Leaf, r.Node) {
			continue
		}
		for _, q := range h.Alternatives[h.alternative] {
			if q.FR == r.FR {
				r.Reservation = h.UID
				return r, true
			}
		}
	}
	return r, true
}

func (p *Planner) below(n, top int32) bool { return top <= n && n < p.line.End(top) }

// until is when a workload would end that starts now, for MayStart.
func (p *Planner) until(w *Workload) int64 {
	now := p.line.Now()
	h := p.held[w.UID]
	if w.Limit > 0 || p.config.Policies[w.Leaf].BackfillUnlimited || h != nil && h.start <= now {
		return after(now, p.length(w))
	}
	return timeline.Forever
}

// Placeable says whether a workload that holds no reservation could have one, at
// whatever time, beside all but some others of its leaf.
func (p *Planner) Placeable(w Workload, without []string) (found bool) {
	do := func() { found = p.place(&held{Workload: w}, p.line.Now()) }
	for _, uid := range without {
		inner := do
		do = func() {
			h := p.held[uid]
			if h.borrows {
				p.borrowing[h.Leaf]--
			}
			p.without(uid, inner)
			if h.borrows {
				p.borrowing[h.Leaf]++
			}
		}
	}
	do()
	return found
}

// without does something while a workload's own reservation, or what it uses or
// holds already, is not charged.
func (p *Planner) without(uid string, do func()) {
	h := p.held[uid]
	r, runs := p.running[uid]
	var c timeline.Charge
	if h != nil {
		p.remove(h.handle, h.Group)
	}
	if runs {
		c = p.line.Charged(r.handle)
		p.remove(r.handle, r.group)
	}
	do()
	if runs {
		r.handle, _ = p.add(c, r.group)
		p.running[uid] = r
	}
	if h != nil {
		p.charge(h)
	}
}

// Due appends to a list who holds a reservation that has begun, in the order of
// the last Plan.
func (p *Planner) Due(list []string) []string {
	for _, h := range p.order {
		if !h.gone && h.start <= p.line.Now() {
			list = append(list, h.UID)
		}
	}
	return list
}

// Reservation is what a blocked workload holds; false if it holds none.
func (p *Planner) Reservation(uid string) (Reservation, bool) {
	h := p.held[uid]
	if h == nil {
		return Reservation{}, false
	}
	return p.reservation(h), true
}

// Planned is the workload for which a reservation is held, as it was when that was
// made; false if it holds none.
func (p *Planner) Planned(uid string) (Workload, bool) {
	h := p.held[uid]
	if h == nil {
		return Workload{}, false
	}
	return h.Workload, true
}

// Requests are what the reservation of a workload is for; nil if it holds none.
func (p *Planner) Requests(uid string) []quota.Request {
	if h := p.held[uid]; h != nil {
		return h.Alternatives[h.alternative]
	}
	return nil
}

// Reservations are all that are held, in the order of the last Plan.
func (p *Planner) Reservations() []Reservation { return p.reservations(nil) }

func (p *Planner) reservations(list []Reservation) []Reservation {
	for _, h := range p.order {
		if !h.gone {
			list = append(list, p.reservation(h))
		}
	}
	return list
}

// Mark remembers the reservations that are held, for Replanned and Moved.
func (p *Planner) Mark() { p.marked = p.reservations(p.marked[:0]) }

// Replanned says whether the reservations that are held are others than they were
// at the last Mark.
func (p *Planner) Replanned() bool {
	left := 0
	for _, h := range p.order {
		if !h.gone {
			left++
		}
	}
	return left != len(p.marked) || slices.ContainsFunc(p.marked, func(r Reservation) bool {
		o, holds := p.Reservation(r.UID)
		return !holds || o != r
	})
}

// Moved says whether the reservation of a workload that holds one was made or moved
// since the last Mark.
func (p *Planner) Moved(uid string) bool {
	r, _ := p.Reservation(uid)
	return !slices.Contains(p.marked, r)
}

func (p *Planner) reservation(h *held) Reservation {
	return Reservation{
		UID: h.UID, Leaf: h.Leaf, Alternative: h.alternative,
		Start: max(h.start, p.line.Now()), End: h.end, Borrows: h.borrows,
	}
}
