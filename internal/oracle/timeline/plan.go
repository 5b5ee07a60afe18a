package timeline

import (
	"reflect"
	"slices"
)

// Policy is what docs/backfill.md calls so, of one leaf. A negative Depth or
// Borrowing means all.
type Policy struct {
	Depth, Borrowing  int
	Default           int64
	BackfillUnlimited bool
}

// Workload asks for one of several vectors at a leaf, for Limit (0: nobody
// knows how long). Of one Class, if it is not "", none is planned before the one
// before it.
type Workload struct {
	UID          string
	Group        string // see Window
	Class        string
	Leaf         int
	Alternatives [][]int64
	Limit        int64
}

// Running is a workload that runs, until End as far as is known.
type Running struct {
	Workload
	Alternative int
	End         int64
}

// Held is a reservation.
type Held struct {
	Workload
	Alternative int
	Start, End  int64
	Borrows     bool
}

// Plan is a planner: lists and the procedure of docs/backfill.md.
type Plan struct {
	Tree
	Policies       []Policy
	Slack, Overrun int64
	Horizon        int64
	// Behind plans a workload without a limit, unless its queue's default is
	// trusted, where it would delay no other reservation even if it ran for ever;
	// it is still charged for the default. Without this it may be planned ahead of
	// another's reservation, and so start there.
	Behind bool

	Now     int64
	Running []Running
	Windows []Charge
	Named   []Window // windows for groups; see SetNamed
	Held    []Held

	// Eased: something was taken off the timeline, until somebody takes this back.
	Eased        bool
	freed, check bool
}

// world is everything charged, but for the reservation and the running
// workload of that name.
func (p *Plan) world(but string) *World {
	w := &World{Tree: p.Tree, Charges: slices.Clone(p.Windows), Windows: p.Named, Horizon: p.Horizon}
	for _, r := range p.Running {
		if r.UID != but {
			w.Charges = append(w.Charges, Charge{r.Leaf, r.Alternatives[r.Alternative], p.Now, r.End, r.Group})
		}
	}
	for _, h := range p.Held {
		if h.UID != but {
			w.Charges = append(w.Charges, Charge{h.Leaf, h.Alternatives[h.Alternative], h.Start, h.End, h.Group})
		}
	}
	return w
}

// World is everything charged.
func (p *Plan) World() *World { return p.world("") }

// Chart is everything charged from now on, but for the reservation and the
// running workload of that name.
func (p *Plan) Chart(but string) *Chart { return p.world(but).Chart(p.Now) }

// ChartFor is everything charged from now on as a workload sees it that is to
// use one of its alternatives: without what is charged for it, and with the
// windows for its group giving it what it asks for.
func (p *Plan) ChartFor(w Workload, request []int64) *Chart {
	world := p.world(w.UID)
	world.Asking = Charge{Node: w.Leaf, Amount: request, Group: w.Group}
	return world.Chart(p.Now)
}

func (p *Plan) length(w Workload) int64 {
	if w.Limit > 0 {
		return w.Limit
	}
	return p.Policies[w.Leaf].Default
}

// Advance moves the time. What has outlived its end is planned to go on.
func (p *Plan) Advance(now int64) {
	p.Now = now
	for i := range p.Running {
		if r := &p.Running[i]; r.End <= now {
			r.End, p.check = plus(now, p.more(r.Workload)), true
		}
	}
	for i := range p.Held {
		p.Held[i].Start = max(p.Held[i].Start, now)
	}
}

// Run says that a workload runs until end, or nobody knows how long if that is
// past; it holds no reservation any more.
func (p *Plan) Run(w Workload, alternative int, end int64) {
	p.Finish(w.UID)
	if p.drop(w.UID) {
		p.freed, p.Eased = true, true
	}
	if end <= p.Now {
		end = plus(p.Now, p.more(w))
	}
	if request := w.Alternatives[alternative]; !p.ChartFor(w, request).Fits(w.Leaf, request, p.Now, end) {
		p.check = true
	}
	p.Running = append(p.Running, Running{w, alternative, end})
}

// more is how much longer a workload is planned to go on that has outlived its
// end.
func (p *Plan) more(w Workload) int64 {
	if w.Limit == 0 {
		return p.Policies[w.Leaf].Default
	}
	return p.Overrun
}

// Start is Run from now on for as long as is planned.
func (p *Plan) Start(w Workload, alternative int) { p.Run(w, alternative, plus(p.Now, p.length(w))) }

// Finish says that a workload runs no more.
func (p *Plan) Finish(uid string) {
	n := len(p.Running)
	p.Running = slices.DeleteFunc(p.Running, func(r Running) bool { return r.UID == uid })
	if len(p.Running) < n {
		p.freed, p.Eased = true, true
	}
}

// Release takes a reservation away.
func (p *Plan) Release(uid string) {
	if p.drop(uid) {
		p.freed, p.Eased = true, true
	}
}

// Block adds a window and says whether it is in nobody's way who runs, and in
// no other window's.
func (p *Plan) Block(c Charge) bool {
	others := *p
	others.Held = nil
	free := others.Chart("").Fits(c.Node, c.Amount, max(p.Now, c.Start), c.End)
	p.Windows = append(p.Windows, c)
	p.check = true
	return free
}

// Unblock removes a window.
func (p *Plan) Unblock(i int) {
	p.Windows = slices.Delete(p.Windows, i, i+1)
	p.freed, p.Eased = true, true
}

// SetNamed replaces the windows for groups, in the order in which they give.
// Those that are gone are taken off the timeline; those that are new only stand
// in the way.
func (p *Plan) SetNamed(windows []Window) {
	if lacks(p.Named, windows) {
		p.freed, p.Eased = true, true
	}
	p.Named, p.check = windows, true
}

// lacks says whether some of the windows are not among the others, each of which
// counts once.
func lacks(windows, others []Window) bool {
	others = slices.Clone(others)
	for _, w := range windows {
		i := slices.IndexFunc(others, func(o Window) bool { return reflect.DeepEqual(o, w) })
		if i < 0 {
			return true
		}
		others = slices.Delete(others, i, i+1)
	}
	return false
}

// Requota replaces the quotas.
func (p *Plan) Requota(t Tree) {
	p.Tree = t
	p.freed, p.check, p.Eased = true, true, true
}

func (p *Plan) drop(uid string) bool {
	n := len(p.Held)
	p.Held = slices.DeleteFunc(p.Held, func(h Held) bool { return h.UID == uid })
	return len(p.Held) < n
}

func (p *Plan) held(uid string) *Held {
	for i := range p.Held {
		if p.Held[i].UID == uid {
			return &p.Held[i]
		}
	}
	return nil
}

// Stale says whether since the last Plan anything was taken off the timeline, or
// has come to where it may be in the way of a reservation.
func (p *Plan) Stale() bool { return p.freed || p.check }

// Plan is one planning of the blocked workloads, in their order.
func (p *Plan) Plan(blocked []Workload) {
	var keep []Workload
	count := make([]int, len(p.Parent))
	for _, w := range blocked {
		if depth := p.Policies[w.Leaf].Depth; depth < 0 || count[w.Leaf] < depth {
			keep = append(keep, w)
		}
		count[w.Leaf]++
	}
	for _, h := range slices.Clone(p.Held) {
		if !slices.ContainsFunc(keep, func(w Workload) bool { return same(w, h.Workload) }) {
			p.drop(h.UID)
			p.freed, p.Eased = true, true
		}
	}
	broken := false
	for _, h := range p.Held {
		late := plus(p.Now, p.length(h.Workload)) > h.End
		request := h.Alternatives[h.Alternative]
		if late || p.check && !p.ChartFor(h.Workload, request).Fits(h.Leaf, request, h.Start, h.End) {
			broken = true
		}
	}
	if broken {
		p.Held, p.Eased = nil, true
	}
	for moved := p.freed; moved; {
		moved = false
		last := map[string]int64{}
		for _, w := range keep {
			if p.held(w.UID) != nil && p.place(w, last) {
				moved, p.Eased = true, true
			}
		}
	}
	last := map[string]int64{}
	for _, w := range keep {
		if h := p.held(w.UID); h != nil {
			last[w.Class] = h.Start
			continue
		}
		p.place(w, last)
	}
	p.freed, p.check = false, false
}

// same says whether a reservation for one is one for the other. Which Class they
// are of decides only who is planned before whom.
func same(a, b Workload) bool {
	return a.UID == b.UID && a.Group == b.Group && a.Leaf == b.Leaf && a.Limit == b.Limit &&
		slices.EqualFunc(a.Alternatives, b.Alternatives, slices.Equal)
}

// place gives a workload the earliest reservation that it may hold beside
// everybody else's, and says whether it has another than before. One that it
// holds already it keeps, unless there is an earlier one. last is where the one
// before it of its class starts.
func (p *Plan) place(w Workload, last map[string]int64) bool {
	borrowing := 0
	for _, h := range p.Held {
		if h.UID != w.UID && h.Leaf == w.Leaf && h.Borrows {
			borrowing++
		}
	}
	limit := p.Policies[w.Leaf].Borrowing
	own := limit >= 0 && borrowing >= limit
	best := Held{Workload: w, Alternative: -1}
	if h := p.held(w.UID); h != nil {
		best = *h
	}
	from := p.Now
	if t, ok := last[w.Class]; ok && w.Class != "" && (best.Alternative < 0 || t <= best.Start) {
		from = t
	}
	search := plus(p.length(w), p.Slack)
	if p.Behind && w.Limit == 0 && !p.Policies[w.Leaf].BackfillUnlimited {
		search = Forever
	}
	other := false
	for i, request := range w.Alternatives {
		world := p.ChartFor(w, request)
		t, ok := world.EarliestStart(w.Leaf, request, search, from, own)
		if ok && (best.Alternative < 0 || t < best.Start) {
			end := plus(plus(t, p.length(w)), p.Slack)
			best.Alternative, best.Start, best.End = i, t, end
			best.Borrows = !world.Within(w.Leaf, request, t, end)
			other = true
		}
	}
	if best.Alternative >= 0 {
		p.drop(w.UID)
		p.Held = append(p.Held, best)
		last[w.Class] = best.Start
	}
	return other
}

// HasPlace says whether a workload that holds no reservation could be given one,
// at whatever time, beside all others but those of these UIDs.
func (p *Plan) HasPlace(w Workload, but []string) bool {
	others := *p
	others.Held = slices.DeleteFunc(slices.Clone(p.Held), func(h Held) bool { return slices.Contains(but, h.UID) })
	return others.place(w, map[string]int64{})
}

// MayStart says with which alternative, the first of them, a workload may
// start now so that nobody else's reservation is delayed.
func (p *Plan) MayStart(w Workload) (int, bool) {
	length := int64(Forever)
	h := p.held(w.UID)
	if w.Limit > 0 || p.Policies[w.Leaf].BackfillUnlimited || h != nil && h.Start <= p.Now {
		length = p.length(w)
	}
	for i, request := range w.Alternatives {
		if p.ChartFor(w, request).Fits(w.Leaf, request, p.Now, plus(p.Now, length)) {
			return i, true
		}
	}
	return 0, false
}
