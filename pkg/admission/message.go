package admission

import (
	"fmt"
	"strconv"
	"strings"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

const heldBackMessage = "the ClusterQueue is StrictFIFO and an earlier workload waits for the same quota"

// explainObstacle tells in words why a workload is in no queue.
func (e *Engine) explainObstacle(w *workload) string {
	l := w.local
	q := l.target
	switch {
	case w.obstacle == deactivated:
		return "spec.active is false; set it to true to queue the workload"
	case w.obstacle == pendingEvaluation:
		return "backing off before it is tried again"
	case !l.exists:
		return fmt.Sprintf("LocalQueue %s does not exist in namespace %s; create it or name another", l.name.name, l.name.namespace)
	case q == nil || !q.exists:
		return fmt.Sprintf("ClusterQueue %s, to which LocalQueue %s leads, does not exist", l.spec.ClusterQueue, l.name.name)
	case stopped(l.spec.Stop):
		return fmt.Sprintf("LocalQueue %s is stopped", l.name.name)
	case q.problem.reason != "":
		return fmt.Sprintf("ClusterQueue %s is inactive: %s", q.name, q.problem.message)
	}
	return fmt.Sprintf("the namespaceSelector of ClusterQueue %s does not match namespace %s", q.name, l.name.namespace)
}

// why tells why the workloads of a class do not fit, as things stand.
func (e *Engine) why(q *clusterQueue, c *queue.Class, reason reasonCode) Explanation {
	if reason == waitingForQuota && c.Plan.Simple {
		it := &c.Plan.Items[0]
		if x, brief := e.explainShort(q, it, e.shapes.list[c.Shape].podSets[it.PodSet].Name); brief {
			return x
		}
	}
	return Say(e.explain(q, c, reason))
}

// explain is why in words.
func (e *Engine) explain(q *clusterQueue, c *queue.Class, reason reasonCode) string {
	sh := e.shapes.list[c.Shape]
	switch reason {
	case misconfigured:
		return sh.misconfigured
	case waitingForPreempted:
		return e.explainHold(q, c)
	case delaysOthers:
		return e.explainDelay(q, c)
	case searchStopped, rateLimited, ratioCapped, holdTimedOut:
		return e.explainLimit(q, reason) + "; " + e.explain(q, c, waitingForQuota)
	}
	v := &e.wording
	v.charges = v.charges[:0]
	for i := range c.Plan.Items {
		it := &c.Plan.Items[i]
		_, at, why := q.choose(it, v)
		if at >= 0 {
			for _, r := range it.Alternatives[at].Requests {
				v.charge(r)
			}
		}
		if why != reason {
			continue
		}
		ps := &sh.podSets[it.PodSet]
		if why == noMatchingFlavor {
			return q.explainNoFlavor(it, ps)
		}
		b := append(append(append(e.text[:0], "pod set "...), ps.Name...), ' ')
		for a := range it.Alternatives {
			if a > 0 {
				b = append(b, "; "...)
			}
			b = e.appendAlternative(b, q, it, &it.Alternatives[a], why)
		}
		e.text = b
		return string(b)
	}
	return "does not fit ClusterQueue " + q.name
}

// explainHold tells what is held for a workload, and for whose end it waits.
func (e *Engine) explainHold(q *clusterQueue, c *queue.Class) string {
	h := c.First().Owner.(*workload).hold
	b := append(e.text[:0], "waits until preempted workloads are gone; held for it in ClusterQueue "...)
	b = append(append(b, q.name...), ": "...)
	for i, r := range h.amounts {
		if i > 0 {
			b = append(b, ", "...)
		}
		name := e.forest.Name(r.FR)
		b = append(appendAmount(b, name.Resource, r.Amount), ' ')
		b = append(append(append(b, name.Resource...), " of flavor "...), name.Flavor...)
	}
	e.text = b
	return string(b)
}

// explainLimit tells which limit keeps a workload from preempting.
func (e *Engine) explainLimit(q *clusterQueue, reason reasonCode) string {
	switch p := e.config.Preemption; reason {
	case searchStopped:
		return "the search for workloads to preempt has stopped at its budget of candidates and goes on with twice as many"
	case rateLimited:
		return fmt.Sprintf("ClusterQueue %s has caused evictions lately and may cause %d within a minute", q.name, p.EvictionsPerMinute)
	case ratioCapped:
		return fmt.Sprintf("to preempt would evict more than %g times what is requested", float64(p.EvictedToRequestedMilli)/1000)
	}
	return "the preempted workloads are not gone in time, and quota is no longer held for it"
}

func (q *clusterQueue) explainNoFlavor(it *quota.Item, ps *PodSet) string {
	if it.Group >= 0 {
		var names []string
		for _, f := range q.groups[it.Group].flavors {
			names = append(names, f.spec.Name)
		}
		return fmt.Sprintf("pod set %s: its node selector, affinity or tolerations match none of the flavors %s of ClusterQueue %s",
			ps.Name, strings.Join(names, ", "), q.name)
	}
	var missing []string
	for _, r := range ps.Requests {
		if _, ok := q.cover[r.Resource]; !ok && r.Amount > 0 && r.Resource != pods {
			missing = append(missing, r.Resource)
		}
	}
	return fmt.Sprintf("pod set %s requests %s, which ClusterQueue %s does not cover", ps.Name, strings.Join(missing, ", "), q.name)
}

// appendAlternative tells what one flavor is short of.
func (e *Engine) appendAlternative(b []byte, q *clusterQueue, it *quota.Item, alt *quota.Alternative, why reasonCode) []byte {
	flavor := q.groups[it.Group].flavors[alt.Flavor].spec.Name
	if alt.Overflow {
		return append(append(append(b, "needs more of flavor "...), flavor...), " than can be counted"...)
	}
	t := q.scope.tree
	began := len(b)
	for _, r := range alt.Requests {
		name := e.forest.Name(t.Global(r.FR)).Resource
		available := max(0, t.Available(q.at, r.FR))
		cell := t.At(q.at, r.FR)
		exceeds := why == exceedsMaxQuota && r.Amount > cell.Potential
		if !exceeds && r.Amount <= available {
			continue
		}
		if len(b) > began {
			b = append(b, "; "...)
		}
		if !exceeds {
			l := e.lack(q, r)
			b = l.append(b, q.name)
			continue
		}
		b = append(appendAmount(append(b, "needs "...), name, r.Amount), ' ')
		b = append(append(append(b, name...), " of flavor "...), flavor...)
		b = appendAmount(append(b, ", more than the "...), name, cell.Potential)
		b = append(append(append(b, " that ClusterQueue "...), q.name...), " could ever use"...)
	}
	if len(b) == began {
		b = append(append(b, "competes with other pod sets for flavor "...), flavor...)
	}
	return b
}

// appendAmount writes an amount as people write it: cores for cpu, binary
// units where they divide a large amount.
func appendAmount(b []byte, resource string, a quota.Amount) []byte {
	if a == quota.Unlimited {
		return append(b, "unlimited"...)
	}
	if resource == "cpu" {
		if a%1000 == 0 {
			return strconv.AppendInt(b, a/1000, 10)
		}
		return append(strconv.AppendInt(b, a, 10), 'm')
	}
	for i, unit := range []string{"Pi", "Ti", "Gi", "Mi"} {
		if size := int64(1) << (50 - 10*i); a >= size && a%size == 0 {
			return append(strconv.AppendInt(b, a/size, 10), unit...)
		}
	}
	return strconv.AppendInt(b, a, 10)
}
