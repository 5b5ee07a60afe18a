package plan

import "fairlead.dev/fairlead/pkg/timeline"

// Plan makes, keeps and moves reservations. blocked are workloads that wait and
// cannot start now, in their order over the whole tree; of each leaf those
// beyond its Depth are not looked at.
//
// A reservation that is held stays where it is or moves earlier, whatever
// arrives, unless its workload is not among the first any more or has changed,
// or it is broken: it does not fit any more because a workload has outlived its
// limit, a window was added or a quota cut, or it could not start in time.
// Then all are made anew, in order. After a Plan no reservation could be made
// earlier by itself, but for the order in its class.
//
// It says whether a reservation that was held is elsewhere now, or gone.
func (p *Planner) Plan(blocked []Workload) (moved bool) {
	p.round++
	was := p.eased
	p.eased = false
	defer func() { moved, p.eased = moved || p.eased, was }()
	for n := range p.count {
		p.count[n] = 0
	}
	first := p.plan[:0]
	for i := range blocked {
		w := &blocked[i]
		depth := p.config.Policies[w.Leaf].Depth
		if p.count[w.Leaf]++; depth >= 0 && p.count[w.Leaf] > depth {
			continue
		}
		h := p.held[w.UID]
		if h != nil && h.same(w) {
			h.round, h.Class = p.round, w.Class
		}
		first = append(first, planned{w, h})
	}
	for _, h := range p.order {
		if !h.gone && h.round != p.round {
			p.release(h)
		}
	}
	if p.broken() {
		for _, h := range p.order {
			if !h.gone {
				p.release(h)
			}
		}
	}
	for again := p.freed; again; {
		again = false
		clear(p.last)
		for _, f := range first {
			if f.held != nil && !f.held.gone && p.improve(f.held) {
				again, moved = true, true
			}
		}
	}
	clear(p.last)
	p.order = p.order[:0]
	p.late = timeline.Forever
	for _, f := range first {
		h := f.held
		if h == nil || h.gone {
			h = p.reserve(f.Workload)
		}
		if h == nil {
			continue
		}
		p.order = append(p.order, h)
		p.last[h.Class] = h.start
		if h.end != timeline.Forever {
			p.late = min(p.late, h.end-p.length(&h.Workload)+1)
		}
	}
	clear(first)
	p.plan = first[:0]
	p.freed, p.check = false, 0
	return moved
}

// Settled says that Plan would change nothing if it were asked for the same
// workloads as last time.
func (p *Planner) Settled() bool { return !p.freed && p.check == 0 && p.line.Now() < p.late }

// broken says whether some reservation cannot be kept.
func (p *Planner) broken() bool {
	now := p.line.Now()
	for _, h := range p.order {
		if h.gone {
			continue
		}
		if after(now, p.length(&h.Workload)) > h.end {
			return true
		}
		if h.start >= p.check {
			continue
		}
		if !p.kept(h) {
			return true
		}
	}
	return false
}

// kept says whether a reservation fits where it is, beside everything else.
func (p *Planner) kept(h *held) (fits bool) {
	request := h.Alternatives[h.alternative]
	if h.Group == "" || len(p.windows) == 0 {
		return p.line.Kept(h.Leaf, request, h.start, h.end)
	}
	p.without(h.UID, func() {
		p.asking(&h.Workload, func() { fits = p.line.Fits(h.Leaf, request, h.start, h.end) })
	})
	return fits
}

// charge charges a reservation whose charge was taken back, which therefore can
// be counted.
func (p *Planner) charge(h *held) bool {
	var ok bool
	h.handle, ok = p.add(timeline.Charge{
		Node: h.Leaf, Requests: h.Alternatives[h.alternative], Start: h.start, End: h.end,
	}, h.Group)
	return ok
}

// release takes a reservation away.
func (p *Planner) release(h *held) {
	p.remove(h.handle, h.Group)
	if h.borrows {
		p.borrowing[h.Leaf]--
	}
	h.gone = true
	p.version++
	p.holders++
	delete(p.held, h.UID)
	p.freed, p.eased = true, true
}

// reserve makes a reservation for a workload that holds none; nil if it can
// have none.
func (p *Planner) reserve(w *Workload) *held {
	h := &held{Workload: *w, round: p.round}
	if !p.place(h, p.from(h, timeline.Forever)) || !p.charge(h) {
		return nil
	}
	if h.borrows {
		p.borrowing[h.Leaf]++
	}
	p.held[h.UID] = h
	p.version++
	p.holders++
	return h
}

// improve moves a reservation earlier, if it can be, and says whether it could.
func (p *Planner) improve(h *held) bool {
	if p.stuck(h) {
		h.start = max(h.start, p.line.Now())
		p.last[h.Class] = h.start
		return false
	}
	p.remove(h.handle, h.Group)
	if h.borrows {
		p.borrowing[h.Leaf]--
	}
	h.start = max(h.start, p.line.Now())
	earlier := *h
	moved := p.place(&earlier, p.from(h, h.start)) && earlier.start < h.start
	if moved {
		*h = earlier
		p.version++
	}
	p.charge(h)
	p.last[h.Class] = h.start
	if h.borrows {
		p.borrowing[h.Leaf]++
	}
	return moved
}

// stuck says that a reservation surely cannot be moved earlier, at the cost of a
// look at the instant before it: whoever started earlier, and not so early that
// he had ended, would run then, and there is no room for that. Its own charge is
// not in that instant.
func (p *Planner) stuck(h *held) bool {
	start := max(h.start, p.line.Now())
	from := p.from(h, start)
	if from >= start {
		return true
	}
	if h.Group != "" && len(p.windows) > 0 || after(from, p.span(h)) < start {
		return false
	}
	own := p.own(h.Leaf, h.borrows)
	for _, request := range h.Alternatives {
		if p.line.FitsAt(h.Leaf, request, start-1, own) {
			return false
		}
	}
	return true
}

// span is for how long there must be room for a reservation where it is planned.
func (p *Planner) span(h *held) int64 {
	if h.Limit == 0 && !p.config.Policies[h.Leaf].BackfillUnlimited {
		return timeline.Forever // nobody whom it might run into is planned after that
	}
	return after(p.length(&h.Workload), p.config.Slack)
}

// from is the first instant at which a workload may be planned to start: now, or
// where the one before it of its class does, unless it is planned before that
// already. This keeps those who ask for the same in their order, and saves
// looking at what the one before has looked at.
func (p *Planner) from(h *held, planned int64) int64 {
	if t, ok := p.last[h.Class]; ok && h.Class != 0 && t <= planned {
		return t
	}
	return p.line.Now()
}

// place finds the earliest start from an instant on of a workload that is not
// charged, beside all that is; of equal ones the first alternative's. It
// returns false if there is none. One without limit, unless the default is
// trusted, is placed where it would fit if it never ended: else it could be
// planned, and then start, ahead of another's reservation.
func (p *Planner) place(h *held, from int64) (found bool) {
	p.asking(&h.Workload, func() { found = p.search(h, from) })
	return found
}

func (p *Planner) search(h *held, from int64) bool {
	own, span := p.own(h.Leaf, false), p.span(h)
	length := after(p.length(&h.Workload), p.config.Slack)
	found := false
	for i, request := range h.Alternatives {
		t, ok := p.line.EarliestStart(h.Leaf, request, span, from, own)
		if ok && (!found || t < h.start) {
			found = true
			h.alternative, h.start, h.end = i, t, after(t, length)
		}
	}
	if found {
		h.borrows = !p.line.Within(h.Leaf, h.Alternatives[h.alternative], h.start, h.end)
	}
	return found
}

// own says that no more of a leaf's reservations may borrow, one that does not
// count apart.
func (p *Planner) own(leaf int32, but bool) bool {
	limit, borrowing := p.config.Policies[leaf].Borrowing, p.borrowing[leaf]
	if but {
		borrowing--
	}
	return limit >= 0 && borrowing >= limit
}
