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

// explain tells in words why the workloads of a class do not fit, as things
// stand.
func (e *Engine) explain(q *clusterQueue, c *queue.Class, reason reasonCode) string {
	sh := e.shapes.list[c.Shape]
	if reason == misconfigured {
		return sh.misconfigured
	}
	var v verdict
	for i := range c.Plan.Items {
		it := &c.Plan.Items[i]
		_, at, why := q.choose(it, &v)
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
		var parts []string
		for a := range it.Alternatives {
			parts = append(parts, e.explainAlternative(q, it, &it.Alternatives[a], why)...)
		}
		return "pod set " + ps.Name + " " + strings.Join(parts, "; ")
	}
	return "does not fit ClusterQueue " + q.name
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

// explainAlternative tells what one flavor is short of.
func (e *Engine) explainAlternative(q *clusterQueue, it *quota.Item, alt *quota.Alternative, why reasonCode) []string {
	flavor := q.groups[it.Group].flavors[alt.Flavor].spec.Name
	if alt.Overflow {
		return []string{"needs more of flavor " + flavor + " than can be counted"}
	}
	t := q.scope.tree
	var parts []string
	for _, r := range alt.Requests {
		name := e.forest.Name(t.Global(r.FR)).Resource
		available := max(0, t.Available(q.at, r.FR))
		cell := t.At(q.at, r.FR)
		switch {
		case why == exceedsMaxQuota && r.Amount > cell.Potential:
			parts = append(parts, fmt.Sprintf("needs %s %s of flavor %s, more than the %s that ClusterQueue %s could ever use",
				format(name, r.Amount), name, flavor, format(name, cell.Potential), q.name))
		case r.Amount > available:
			borrow := max(0, available-max(0, cell.Nominal-cell.Usage))
			parts = append(parts, fmt.Sprintf("needs %s %s of flavor %s; %s available to ClusterQueue %s (nominal %s, used %s, may borrow %s more)",
				format(name, r.Amount), name, flavor, format(name, available), q.name,
				format(name, cell.Nominal), format(name, cell.Usage), format(name, borrow)))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "competes with other pod sets for flavor "+flavor)
	}
	return parts
}

// format writes an amount as people write it: cores for cpu, binary units
// where they divide a large amount.
func format(resource string, a quota.Amount) string {
	if a == quota.Unlimited {
		return "unlimited"
	}
	if resource == "cpu" {
		if a%1000 == 0 {
			return strconv.FormatInt(a/1000, 10)
		}
		return strconv.FormatInt(a, 10) + "m"
	}
	for i, unit := range []string{"Pi", "Ti", "Gi", "Mi"} {
		if size := int64(1) << (50 - 10*i); a >= size && a%size == 0 {
			return strconv.FormatInt(a/size, 10) + unit
		}
	}
	return strconv.FormatInt(a, 10)
}
