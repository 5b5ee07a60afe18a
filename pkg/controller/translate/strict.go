package translate

import (
	"fmt"
	"strings"

	"fairlead.dev/fairlead/pkg/admission"
)

// AnyStrict says whether there is a strict namespace at all.
func (q *Queues) AnyStrict() bool { return len(q.strict) > 0 }

// Lacking says, of a workload in a strict namespace, which resource its pods
// do not request although its ClusterQueue covers it: without a request its
// use would go uncounted. It is empty if nothing is lacking, if the namespace
// is not strict or if the queue leads nowhere.
func (q *Queues) Lacking(wl *admission.Workload) string {
	if !q.strict[wl.Namespace] || !chargeable(wl) {
		return ""
	}
	cq, ok := q.clusterQueues[q.localQueues[[2]string{wl.Namespace, wl.Queue}].ClusterQueue]
	if !ok {
		return ""
	}
	for i := range wl.PodSets {
		if missing := uncounted(&cq, &wl.PodSets[i]); len(missing) > 0 {
			return fmt.Sprintf("pod set %s: no request of %s, which ClusterQueue %s covers: in the strict namespace %s every pod requests "+
				"all that is covered (0 if it needs none); state it in the pod template or set a default by a LimitRange",
				wl.PodSets[i].Name, strings.Join(missing, ", "), cq.Name, wl.Namespace)
		}
	}
	return ""
}

// uncounted lists, in the queue's order, the covered resources that a pod set
// does not request.
func uncounted(cq *admission.ClusterQueue, ps *admission.PodSet) []string {
	var missing []string
	for g := range cq.Groups {
		for _, resource := range cq.Groups[g].Resources {
			if _, asked := requested(ps.Requests, resource); !asked {
				missing = append(missing, resource)
			}
		}
	}
	return missing
}
