package oracle

import (
	"reflect"
	"slices"
	"sort"

	"fairlead.dev/fairlead/internal/oracle/timeline"
)

// Reservation is a window in which quota is kept free: for some LocalQueues, or for nobody, as for maintenance.
type Reservation struct {
	Name string
	Node Node
	// Amounts at the Node; of those that it names none, Share counts.
	Amounts map[FlavorResource]int64
	// ShareMilli, if there are no Amounts, is the part, in thousandths, of each nominal quota at the Node and below it, rounded up;
	// nothing of one that is unlimited.
	ShareMilli int64
	// LocalQueues, by namespace and name, for whom it is kept at the Node, a ClusterQueue; nil: for nobody.
	LocalQueues     [][2]string
	Start, Duration int64
}

// end of the window; it begins at Start.
func (r *Reservation) end() int64 { return add(r.Start, r.Duration) }

func group(namespace, localQueue string) string { return namespace + "/" + localQueue }

// setReservation creates or edits a window, or deletes it.
func (s *World) setReservation(name string, r *Reservation) {
	old := s.windows[name]
	if old == nil && r == nil || old != nil && r != nil && reflect.DeepEqual(*old, *r) {
		return
	}
	if r == nil {
		delete(s.windows, name)
		return
	}
	for f := range r.Amounts {
		s.fr(f)
	}
	s.windows[name] = r
}

// charges is what the window charges the nodes of a tree; nothing any more once it is over.
func (s *World) charges(p *planner, r *Reservation) []timeline.Charge {
	top := s.trees().byName[r.Node]
	if _, here := p.index[r.Node]; !here || r.Duration <= 0 || r.end() <= s.now {
		return nil
	}
	var all []timeline.Charge
	charge := func(n *node, amount []int64) {
		if slices.ContainsFunc(amount, func(a int64) bool { return a > 0 }) {
			all = append(all, timeline.Charge{Node: p.index[n.Node], Amount: amount, Start: r.Start, End: r.end()})
		}
	}
	if len(r.Amounts) > 0 {
		amount := make([]int64, len(s.frs))
		for f, a := range r.Amounts {
			amount[s.fr(f)] = a
		}
		charge(top, amount)
		return all
	}
	for _, n := range top.withBelow() {
		amount := make([]int64, len(s.frs))
		for f, q := range n.quota {
			if q.Nominal == Unlimited {
				continue
			}
			amount[f] = q.Nominal/1000*r.ShareMilli + (q.Nominal%1000*r.ShareMilli+999)/1000
		}
		charge(n, amount)
	}
	return all
}

// windowsOf lists the windows of a tree, by name: those for nobody, and those for groups.
func (s *World) windowsOf(p *planner) (plain []timeline.Charge, named []timeline.Window) {
	for _, name := range sortedKeys(s.windows) {
		r := s.windows[name]
		for _, c := range s.charges(p, r) {
			if len(r.LocalQueues) == 0 {
				plain = append(plain, c)
				continue
			}
			w := timeline.Window{Charge: c}
			for _, lq := range r.LocalQueues {
				w.Groups = append(w.Groups, group(lq[0], lq[1]))
			}
			named = append(named, w)
		}
	}
	return plain, named
}

// syncWindows tells the planner of the windows. One that is new takes nothing off the timeline; one that is gone does, and
// so does one that is edited: it is the old one gone, and a new one.
func (s *World) syncWindows(p *planner) {
	plain, named := s.windowsOf(p)
	same := func(a timeline.Charge) func(timeline.Charge) bool {
		return func(b timeline.Charge) bool { return reflect.DeepEqual(a, b) }
	}
	for i, c := range slices.Backward(slices.Clone(p.plan.Windows)) {
		if at := slices.IndexFunc(plain, same(c)); at >= 0 {
			plain = slices.Delete(plain, at, at+1)
			continue
		}
		p.plan.Unblock(i)
		p.forget()
	}
	for _, c := range plain {
		p.plan.Block(c)
		p.forget()
	}
	if !reflect.DeepEqual(named, p.plan.Named) {
		p.plan.SetNamed(named)
		p.forget()
	}
}

// windowGroup names the workload's LocalQueue if a window of its ClusterQueue that is not over is for it: it is one of its own kind
// then. Else it is empty.
func (p *planner) windowGroup(q *node, w *workload) string {
	g := group(w.seen.Namespace, w.seen.LocalQueue)
	if slices.ContainsFunc(p.plan.Named, func(x timeline.Window) bool { return x.Node == p.index[q.Node] && slices.Contains(x.Groups, g) }) {
		return " of " + g
	}
	return ""
}

// hasWindow says whether a window that is not over keeps quota of the tree.
func (s *World) hasWindow(root *node) bool {
	for _, r := range s.windows {
		n := s.trees().byName[r.Node]
		if n != nil && !n.broken && n.top() == root && r.end() > s.now {
			return true
		}
	}
	return false
}

// Conflicting lists, by name, the windows that are not over and cannot be kept: at some instant, with what runs and with all windows,
// a node on the way up from what they keep is over its limit, and would not be as far without them.
func (s *World) Conflicting() []string {
	var all []string
	for _, root := range sortedNodes(s.plans) {
		p := s.plans[root]
		running := p.without(s.headsHolding())
		running.Held = nil
		with := running.Chart("")
		for _, name := range sortedKeys(s.windows) {
			r := s.windows[name]
			delete(s.windows, name)
			others := *running
			others.Windows, others.Named = s.windowsOf(p)
			s.windows[name] = r
			if s.overIn(p, r, with, others.Chart("")) {
				all = append(all, name)
			}
		}
	}
	sort.Strings(all)
	return all
}

// headsHolding lists the heads of StrictFIFO queues that hold quota without using it.
func (s *World) headsHolding() []UID {
	var all []UID
	for uid, w := range s.workloads {
		if len(w.hold) > 0 && !w.preempts {
			all = append(all, uid)
		}
	}
	return all
}

// overIn says whether a node on the way up from what the window keeps is over its limit at some instant of it, and by more
// than without the window.
func (s *World) overIn(p *planner, r *Reservation, with, without *timeline.Chart) bool {
	for _, c := range s.charges(p, r) {
		for n := c.Node; n >= 0; n = with.Parent[n] {
			for _, t := range append([]int64{p.plan.Now, r.Start}, with.Instants...) {
				if t < max(p.plan.Now, r.Start) || t >= r.end() {
					continue
				}
				use, less := with.At(t)[n], without.At(t)[n]
				for f := range use {
					if use[f] > with.Limit(n, f) && use[f] > less[f] {
						return true
					}
				}
			}
		}
	}
	return false
}
