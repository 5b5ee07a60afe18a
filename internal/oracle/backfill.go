package oracle

import (
	"fmt"
	"slices"
	"sort"

	"fairlead.dev/fairlead/internal/oracle/timeline"
)

// BackfillMode says who of a ClusterQueue holds reservations; empty means what the Cohort above says, or None.
type BackfillMode string

// The modes.
const (
	BackfillNone BackfillMode = "None"
	EASY         BackfillMode = "EASY"
	Conservative BackfillMode = "Conservative"
)

// Backfill of a ClusterQueue, or of a Cohort for everything below it that has no Mode of its own (reading 56).
type Backfill struct {
	Mode BackfillMode
	// Depth is how many blocked workloads hold reservations: 0 means 1 for EASY and 100 for Conservative, negative all.
	Depth int
	// BorrowingDepth is how many reservations of a ClusterQueue may take it above its nominal quota; nil means 1,
	// negative all.
	BorrowingDepth *int
	// DefaultLimit is how long a workload without a limit is planned to run; 0 means for ever.
	DefaultLimit int64
	// Unlimited trusts DefaultLimit of workloads that would start ahead of a reservation.
	Unlimited bool
}

const (
	easyDepth         = 1
	conservativeDepth = 100
	borrowingDepth    = 1
	mostAlternatives  = 16
)

// Reserved is a reservation of a pending workload.
type Reserved struct {
	UID        UID
	Queue      string
	Start, End int64 // End includes the slack
	Amounts    map[FlavorResource]int64
}

// planner is the timeline of one tree in which somebody's mode is not None. Its plan is state that the procedure defines
// (docs/adr/0005): the reservations held, and how far whatever has outlived its limit is planned to go on.
type planner struct {
	plan  *timeline.Plan
	names []Node       // of the plan's nodes
	index map[Node]int // in names
	told  map[UID]run  // what the plan was told of those that run
	memo  map[UID]*timeline.Chart
}

// run is what the plan is told of a workload that runs.
type run struct {
	leaf    string
	amounts string
	group   string
	end     int64
}

// policy is what the planner is told about a ClusterQueue.
func (n *node) policy() timeline.Policy {
	b := Backfill{}
	for m := n; m != nil; m = m.parent {
		if m.backfill.Mode != "" {
			b = m.backfill
			break
		}
	}
	p := timeline.Policy{Depth: b.Depth, Borrowing: borrowingDepth, Default: b.DefaultLimit, BackfillUnlimited: b.Unlimited}
	switch {
	case b.Mode == "" || b.Mode == BackfillNone:
		p.Depth = 0
	case b.Depth == 0 && b.Mode == EASY:
		p.Depth = easyDepth
	case b.Depth == 0:
		p.Depth = conservativeDepth
	}
	if b.BorrowingDepth != nil {
		p.Borrowing = *b.BorrowingDepth
	}
	if p.Default == 0 {
		p.Default = timeline.Forever
	}
	return p
}

// planned says whether some ClusterQueue of the tree has a mode other than None.
func (n *node) planned() bool {
	for _, q := range n.leaves() {
		if q.policy().Depth != 0 {
			return true
		}
	}
	return false
}

// below lists n and all nodes under it, by name inside each Cohort.
func (n *node) withBelow() []*node {
	all := []*node{n}
	for _, c := range n.children {
		all = append(all, c.withBelow()...)
	}
	return all
}

// quotaTree is the tree as the timeline wants it.
func (s *World) quotaTree(root *node) (timeline.Tree, []Node, []timeline.Policy) {
	var t timeline.Tree
	var names []Node
	var policies []timeline.Policy
	index := map[*node]int{}
	for i, n := range root.withBelow() {
		index[n] = i
		parent := -1
		if n.parent != nil {
			parent = index[n.parent]
		}
		row := make([]timeline.Quota, len(s.frs))
		for f, q := range n.quota {
			row[f] = timeline.Quota{Nominal: q.Nominal, Borrowing: q.BorrowingLimit, Lending: q.LendingLimit}
		}
		t.Parent, t.Quota, names = append(t.Parent, parent), append(t.Quota, row), append(names, n.Node)
		policy := timeline.Policy{}
		if n.queue != nil {
			policy = n.policy()
		}
		policies = append(policies, policy)
	}
	return t, names, policies
}

// planners brings the planners up to date: one for each tree that needs one, with the quotas as they are, told of
// everybody who uses or holds quota.
func (s *World) planners() {
	f := s.trees()
	roots := map[Node]bool{}
	for _, root := range f.roots {
		if !root.planned() && !s.hasWindow(root) {
			continue
		}
		roots[root.Node] = true
		t, names, policies := s.quotaTree(root)
		p := s.plans[root.Node]
		if p == nil || !slices.Equal(p.names, names) || !slices.Equal(p.plan.Parent, t.Parent) {
			p = &planner{names: names, index: map[Node]int{}, told: map[UID]run{},
				plan: &timeline.Plan{Tree: t, Slack: s.slack, Overrun: s.overrun, Now: s.now, Behind: s.behind}}
			for i, name := range names {
				p.index[name] = i
			}
			s.plans[root.Node] = p
		}
		if !sameQuotas(p.plan.Quota, t.Quota) {
			p.plan.Requota(t)
			p.forget()
		}
		p.plan.Policies = policies
		s.syncWindows(p)
		s.sync(p)
	}
	for name := range s.plans {
		if !roots[name] {
			delete(s.plans, name)
			s.wakeQueues(s.together([]Node{name}))
		}
	}
}

// pad makes room for flavor-resources that were not known before.
func (p *planner) pad(width int) {
	pad := func(v []int64) []int64 { return append(slices.Clone(v), make([]int64, max(0, width-len(v)))...) }
	vectors := func(w *timeline.Workload) {
		alternatives := slices.Clone(w.Alternatives)
		for i := range alternatives {
			alternatives[i] = pad(alternatives[i])
		}
		w.Alternatives = alternatives
	}
	p.plan.Quota = slices.Clone(p.plan.Quota) // charts keep the one they were drawn from
	for i := range p.plan.Quota {
		if missing := width - len(p.plan.Quota[i]); missing > 0 {
			p.plan.Quota[i] = append(slices.Clone(p.plan.Quota[i]), make([]timeline.Quota, missing)...)
			p.forget()
		}
	}
	p.plan.Windows, p.plan.Named = slices.Clone(p.plan.Windows), slices.Clone(p.plan.Named)
	for i := range p.plan.Windows {
		p.plan.Windows[i].Amount = pad(p.plan.Windows[i].Amount)
	}
	for i := range p.plan.Named {
		p.plan.Named[i].Amount = pad(p.plan.Named[i].Amount)
	}
	for i := range p.plan.Running {
		vectors(&p.plan.Running[i].Workload)
	}
	for i := range p.plan.Held {
		vectors(&p.plan.Held[i].Workload)
	}
}

func sameQuotas(a, b [][]timeline.Quota) bool {
	same := func(x, y *int64) bool { return x == nil && y == nil || x != nil && y != nil && *x == *y }
	return slices.EqualFunc(a, b, func(x, y []timeline.Quota) bool {
		return slices.EqualFunc(x, y, func(q, r timeline.Quota) bool {
			return q.Nominal == r.Nominal && same(q.Borrowing, r.Borrowing) && same(q.Lending, r.Lending)
		})
	})
}

// forget throws the charts away: something is charged or taken away.
func (p *planner) forget() { p.memo = nil }

// chart is everything charged from now on, as the workload sees it.
func (p *planner) chart(except UID) *timeline.Chart {
	if p.told[except] == (run{}) && p.held(except) == nil {
		except = ""
	}
	if p.memo == nil {
		p.memo = map[UID]*timeline.Chart{}
	}
	c := p.memo[except]
	if c == nil {
		c = p.plan.Chart(string(except))
		p.memo[except] = c
	}
	return c
}

// held is the reservation of a workload, or nil.
func (p *planner) held(uid UID) *timeline.Held {
	for i := range p.plan.Held {
		if uid != "" && p.plan.Held[i].UID == string(uid) {
			return &p.plan.Held[i]
		}
	}
	return nil
}

// plannerOf is the planner of the node's tree; nil if it needs none.
func (s *World) plannerOf(n *node) *planner { return s.plans[n.top().Node] }

// sync tells the planner who has begun or ceased to use or hold quota, or does so otherwise than before. Whoever is admitted holds no
// reservation any more.
func (s *World) sync(p *planner) {
	now := map[UID]bool{}
	for _, uid := range sortedKeys(s.byText()) {
		w := s.workloads[UID(uid)]
		if w.admission != nil && p.held(w.seen.UID) != nil { // also of one who uses nothing
			p.plan.Release(uid)
			p.forget()
		}
		leaf, uses, end := s.runs(p, w)
		if _, here := p.index[QueueNode(leaf)]; !here || len(uses) == 0 {
			continue
		}
		uses = slices.Clone(uses) // of a map
		sort.Slice(uses, func(i, j int) bool {
			return uses[i].f < uses[j].f || uses[i].f == uses[j].f && uses[i].amount < uses[j].amount
		})
		now[UID(uid)] = true
		r := run{leaf, fmt.Sprint(trimmed([][]int64{s.vector(uses)}), w.seen.Limit), group(w.seen.Namespace, w.seen.LocalQueue), end}
		if p.told[UID(uid)] == r {
			continue
		}
		p.told[UID(uid)] = r
		p.plan.Run(timeline.Workload{UID: uid, Group: r.group, Leaf: p.index[QueueNode(leaf)],
			Alternatives: [][]int64{s.vector(uses)}, Limit: w.seen.Limit}, 0, end)
		p.forget()
	}
	for uid := range p.told {
		if !now[uid] {
			delete(p.told, uid)
			p.plan.Finish(string(uid))
			p.forget()
		}
	}
}

// runs says where, with what and until when a workload is planned to use or hold quota: as admitted, unless it is evicted; a
// preemptor from its decision on, with the slack, since it will start later; and a StrictFIFO head of a queue whose mode is None for as long as it is head.
func (s *World) runs(p *planner, w *workload) (leaf string, uses []use, end int64) {
	switch {
	case w.gone():
		return "", nil, 0
	case w.admission != nil:
		leaf = w.admission.ClusterQueue
		return leaf, s.charge(w), add(w.began, s.length(p, leaf, w))
	case len(w.hold) == 0:
		return "", nil, 0
	case w.preempts:
		return w.holdQueue, w.hold, add(add(w.began, s.length(p, w.holdQueue, w)), s.slack)
	}
	return w.holdQueue, w.hold, timeline.Forever
}

// length is how long a workload is planned to run in a ClusterQueue of the tree.
func (s *World) length(p *planner, leaf string, w *workload) int64 {
	if w.seen.Limit > 0 {
		return w.seen.Limit
	}
	if i, here := p.index[QueueNode(leaf)]; here {
		return p.plan.Policies[i].Default
	}
	return 0
}

// vector is the uses by flavor-resource.
func (s *World) vector(uses []use) []int64 {
	v := make([]int64, len(s.frs))
	for _, u := range uses {
		v[u.f] = add(v[u.f], u.amount)
	}
	return v
}

// alternatives lists the complete assignments of the workload at full size, in the order in which the search tries them.
func (s *World) alternatives(n *node, w *workload) [][]int64 {
	all := [][]use{nil}
	for i := range w.seen.PodSets {
		ps := &w.seen.PodSets[i]
		asked := s.asks(n, ps, effective(*ps, ps.Count))
		for g := range n.queue.Groups {
			group := &n.queue.Groups[g]
			var wanted []string
			for _, r := range sortedKeys(asked) {
				if n.queue.group(r) == group {
					wanted = append(wanted, r)
				}
			}
			if len(wanted) == 0 {
				continue
			}
			var longer [][]use
			for _, prefix := range all {
				for _, fq := range group.Flavors {
					if item, open := s.item(fq, ps, wanted, asked); open {
						longer = append(longer, append(slices.Clone(prefix), item...))
					}
				}
			}
			all = longer
		}
	}
	var vectors [][]int64
	for _, uses := range all[:min(len(all), mostAlternatives)] {
		vectors = append(vectors, s.vector(uses))
	}
	return vectors
}

// item is what a pod set asks of one flavor of a group; false if the flavor is not open to it or does not list everything.
func (s *World) item(fq FlavorQuotas, ps *PodSet, wanted []string, asked map[string]ask) ([]use, bool) {
	fl := s.flavors[fq.Name]
	if fl == nil || !opens(fl, ps) {
		return nil, false
	}
	var item []use
	for _, r := range wanted {
		if _, listed := fq.Resources[r]; !listed {
			return nil, false
		}
		item = append(item, use{s.fr(FlavorResource{fq.Name, r}), asked[r].amount})
	}
	return item, true
}

// Reservations lists, by UID, the reservations that pending workloads hold.
func (s *World) Reservations() []Reserved {
	var all []Reserved
	for _, name := range sortedNodes(s.plans) {
		p := s.plans[name]
		for _, h := range p.plan.Held {
			r := Reserved{UID: UID(h.UID), Queue: p.names[h.Leaf].Name, Start: h.Start, End: h.End, Amounts: map[FlavorResource]int64{}}
			for f, amount := range h.Alternatives[h.Alternative] {
				if amount > 0 {
					r.Amounts[s.frs[f]] = amount
				}
			}
			all = append(all, r)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].UID < all[j].UID })
	return all
}
