package plan

import (
	"slices"

	"github.com/google/btree"

	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
)

// Planner plans the workloads of one quota tree. Between Plan and the next
// event, its reservations and what runs fit beside each other at every instant,
// as far as limits are kept and quotas not cut.
//
//	        Plan                 Start, Run               Finish
//	blocked ────> reservation held ────────> running ─────────────> gone
//	   ^               │ not among the first,   ^ │
//	   └───────────────┘ or changed             └─┘ outlived its end: Advance
type Planner struct {
	config  Config
	line    *timeline.Timeline
	running map[string]running
	byEnd   *btree.BTreeG[ending]
	held    map[string]*held
	order   []*held // of the last Plan; some may be gone since
	windows []window
	members [][]member // by leaf: what workloads of groups are charged
	// freed: something may start earlier than planned. eased: something was taken
	// off the timeline since Eased was asked last. check: reservations may not fit
	// any more before that instant, 0 if they do.
	freed, eased bool
	check        int64
	// late is the first instant at which some reservation could not start in time
	// any more.
	late int64
	// marked is what Mark remembers, plan room for Plan.
	marked []Reservation
	plan   []planned
	// version counts changes of what is charged, and of the time; holders those of
	// who holds a reservation.
	version, holders uint64
	borrowing        []int // by leaf: reservations that borrow
	count            []int // by leaf: room for Plan
	round            uint64
	last             map[uint64]int64 // by class: start of the one planned last
}

type running struct {
	handle timeline.Handle
	group  string
	end    int64
	more   int64 // how much longer it goes on once it has outlived its end
}

type ending struct {
	at  int64
	uid string
}

type held struct {
	Workload
	alternative int
	start, end  int64
	borrows     bool
	handle      timeline.Handle
	round       uint64 // of the last Plan in which it was among the first
	gone        bool
}

// planned is a workload that Plan looks at, with its reservation.
type planned struct {
	*Workload
	held *held // nil if it has none
}

type window struct {
	key     string
	charges []timeline.Charge
	handles [][]timeline.Handle // by charge: what is charged for it (see keep)
	open    []string            // groups that may use what is kept
}

// New returns a planner of the tree, which must be sealed, with nothing running.
func New(tree *quota.Tree, config Config, now int64) (*Planner, error) {
	if err := config.Validate(tree.Nodes()); err != nil {
		return nil, err
	}
	return &Planner{
		config:    config,
		line:      timeline.New(tree, now),
		running:   map[string]running{},
		byEnd:     btree.NewG(16, func(a, b ending) bool { return a.at < b.at || a.at == b.at && a.uid < b.uid }),
		held:      map[string]*held{},
		last:      map[uint64]int64{},
		borrowing: make([]int, tree.Nodes()),
		count:     make([]int, tree.Nodes()),
		members:   make([][]member, tree.Nodes()),
	}, nil
}

// Clone returns a planner that shares nothing that changes, for estimates.
func (p *Planner) Clone() *Planner {
	c := *p
	c.line = p.line.Clone()
	c.running = make(map[string]running, len(p.running))
	for uid, r := range p.running {
		c.running[uid] = r
	}
	c.byEnd = p.byEnd.Clone()
	c.held = make(map[string]*held, len(p.held))
	c.order = nil
	for _, h := range p.order {
		if !h.gone {
			h := *h
			c.order = append(c.order, &h)
			c.held[h.UID] = &h
		}
	}
	c.windows = slices.Clone(p.windows)
	for i := range c.windows {
		w := &c.windows[i]
		w.handles = slices.Clone(w.handles)
		for at := range w.handles {
			w.handles[at] = slices.Clone(w.handles[at])
		}
	}
	c.members = slices.Clone(p.members)
	for n := range c.members {
		c.members[n] = slices.Clone(c.members[n])
	}
	c.borrowing = append([]int(nil), p.borrowing...)
	c.count, c.plan, c.marked = make([]int, len(p.count)), nil, nil
	c.last = map[uint64]int64{}
	return &c
}

// Timeline is what everything is charged to. It is to be read only.
func (p *Planner) Timeline() *timeline.Timeline { return p.line }

// SetConfig replaces the policies. It takes effect in the next Plan.
func (p *Planner) SetConfig(config Config) error {
	if err := config.Validate(int32(len(p.borrowing))); err != nil {
		return err
	}
	p.config = config
	p.version++
	p.freed, p.check, p.eased = true, timeline.Forever, true
	return nil
}

// Requota replaces the quotas: see timeline.Requota.
func (p *Planner) Requota(tree *quota.Tree) {
	p.line.Requota(tree)
	p.version++
	p.freed, p.check, p.eased = true, timeline.Forever, true
}

// length is for how long a workload is planned.
func (p *Planner) length(w *Workload) int64 {
	if w.Limit > 0 {
		return w.Limit
	}
	return p.config.Policies[w.Leaf].Default
}

// more is how much longer a workload is planned to go on that has outlived its
// end.
func (p *Planner) more(w *Workload) int64 {
	if w.Limit > 0 {
		return p.config.Overrun
	}
	return p.config.Policies[w.Leaf].Default
}

// Advance moves the present. Workloads that should have ended are planned to go
// on; reservations that should have started begin now.
func (p *Planner) Advance(now int64) {
	was := p.line.Now()
	if now > was {
		p.version++
	}
	p.line.Advance(now)
	now = p.line.Now()
	for _, w := range p.windows {
		for _, c := range w.charges {
			p.eased = p.eased || was < c.End && c.End <= now
		}
	}
	for {
		first, ok := p.byEnd.Min()
		if !ok || first.at > now {
			return
		}
		p.byEnd.DeleteMin()
		p.version++
		r := p.running[first.uid]
		c := p.line.Charged(r.handle)
		p.remove(r.handle, r.group)
		c.Start, c.End = now, after(now, r.more)
		r.handle, _ = p.add(c, r.group)
		r.end = c.End
		p.running[first.uid] = r
		p.byEnd.ReplaceOrInsert(ending{r.end, first.uid})
		p.check = max(p.check, r.end)
	}
}

// Start says that a workload has started now with one of its alternatives, and
// takes its reservation from it. It returns false and plans without it if its
// amounts are too large to count.
func (p *Planner) Start(w Workload, alternative int) bool {
	return p.Run(w, alternative, after(p.line.Now(), p.length(&w)))
}

// Run says that a workload runs, with one of its alternatives, until end, if
// that is not past already. It replaces what was known of it: its reservation,
// or as what it ran before. It returns false and plans without it if its amounts
// are too large to count.
func (p *Planner) Run(w Workload, alternative int, end int64) bool {
	p.Finish(w.UID)
	if h := p.held[w.UID]; h != nil {
		p.release(h)
	}
	now := p.line.Now()
	if end <= now {
		end = after(now, p.more(&w))
	}
	request := w.Alternatives[alternative]
	fits := false
	p.asking(&w, func() { fits = p.line.Fits(w.Leaf, request, now, end) })
	handle, ok := p.add(timeline.Charge{Node: w.Leaf, Requests: request, Start: now, End: end}, w.Group)
	if !ok {
		return false
	}
	p.version++
	if !fits {
		p.check = max(p.check, end)
	}
	p.running[w.UID] = running{handle, w.Group, end, p.more(&w)}
	p.byEnd.ReplaceOrInsert(ending{end, w.UID})
	return true
}

// Finish says that a workload runs no more. It says nothing of one that does
// not run.
func (p *Planner) Finish(uid string) {
	r, ok := p.running[uid]
	if !ok {
		return
	}
	p.remove(r.handle, r.group)
	p.byEnd.Delete(ending{r.end, uid})
	delete(p.running, uid)
	p.version++
	p.freed, p.eased = true, true
}

// Version changes whenever anything that is charged does, and the time.
func (p *Planner) Version() uint64 { return p.version }

// Holders changes whenever somebody gets a reservation or loses his.
func (p *Planner) Holders() uint64 { return p.holders }

// End is until when a workload that runs is planned; false if it does not run.
func (p *Planner) End(uid string) (int64, bool) {
	r, ok := p.running[uid]
	return r.end, ok
}

// Eased says whether anything was taken off the timeline since it was asked
// last, Plan apart: room for those who were refused.
func (p *Planner) Eased() bool {
	eased := p.eased
	p.eased = false
	return eased
}

// Keep gives a workload the reservation that it held in an earlier planner, as
// it was: it counts as borrowing if it did when it was made. Whether it can be
// kept shows in the next Plan. It says nothing of a workload that holds one
// already.
func (p *Planner) Keep(w Workload, r Reservation) {
	if p.held[w.UID] != nil || r.Start >= r.End {
		return
	}
	h := &held{Workload: w, alternative: r.Alternative, start: r.Start, end: r.End, borrows: r.Borrows}
	if !p.charge(h) {
		return
	}
	if h.borrows {
		p.borrowing[h.Leaf]++
	}
	p.held[w.UID] = h
	p.order = append(p.order, h)
	p.version++
	p.holders++
	p.freed, p.check = true, timeline.Forever
}

// Release takes a workload's reservation away, if it holds one: in the next Plan
// it is planned anew, after whoever is before it.
func (p *Planner) Release(uid string) {
	if h := p.held[uid]; h != nil {
		p.release(h)
	}
}

// Block sets or replaces a window of that key: charges, at any nodes, that are
// nobody's (see Timeline.Outage for a whole part of the tree). It returns
// where the window first runs into what runs by then or into another window;
// reservations give way to it in the next Plan. Its second result is false
// if it is in nobody's way. Something is taken off the timeline only if it
// replaces charges that are not among the new ones.
func (p *Planner) Block(key string, charges ...timeline.Charge) (timeline.Shortage, bool) {
	if i := p.find(key); i >= 0 {
		if lacks(p.windows[i].charges, charges) {
			p.freed, p.eased = true, true
		}
		p.lift(i)
	}
	for _, h := range p.order {
		if !h.gone {
			p.remove(h.handle, h.Group)
		}
	}
	var first timeline.Shortage
	short := false
	w := window{key: key}
	for _, c := range charges {
		if s, is := p.line.Short(c.Node, c.Requests, c.Start, c.End); is && (!short || s.At < first.At) {
			first, short = s, true
		}
		if handle, ok := p.line.Add(c); ok {
			w.charges, w.handles = append(w.charges, c), append(w.handles, []timeline.Handle{handle})
		}
	}
	for _, h := range p.order {
		if !h.gone {
			p.charge(h)
		}
	}
	p.windows = append(p.windows, w)
	p.version++
	p.check = timeline.Forever
	return first, short
}

// Stirs is the first instant at which Advance and Plan change anything or a
// reservation may begin, if no event comes before; it may be past. Forever if
// there is none.
func (p *Planner) Stirs() int64 {
	first := timeline.Forever
	if e, ok := p.byEnd.Min(); ok {
		first = e.at
	}
	for _, h := range p.order {
		if !h.gone {
			first = min(first, h.start)
		}
	}
	for _, w := range p.windows {
		for _, c := range w.charges {
			if c.End > p.line.Now() {
				first = min(first, c.End)
			}
		}
	}
	return first
}

// Next is the next instant at which something planned happens that no event
// will tell of: a reservation's start, or a window's start or end. Forever if
// there is none.
func (p *Planner) Next() int64 {
	next, now := timeline.Forever, p.line.Now()
	consider := func(t int64) {
		if t > now {
			next = min(next, t)
		}
	}
	for _, h := range p.order {
		if !h.gone {
			consider(h.start)
		}
	}
	for _, w := range p.windows {
		for _, c := range w.charges {
			consider(c.Start)
			consider(c.End)
		}
	}
	return next
}
