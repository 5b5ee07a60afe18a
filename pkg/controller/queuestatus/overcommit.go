package queuestatus

import (
	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// overcommitted names an excess whatever its amount.
type overcommitted struct{ queue, cohort, flavor, resource string }

// tellOvercommit reports each ClusterQueue's excess when it begins.
func (w *Writer) tellOvercommit(snapshot *admission.Snapshot) {
	if snapshot == nil || snapshot == w.told {
		return
	}
	w.told = snapshot
	now := map[overcommitted]bool{}
	for i := range snapshot.ClusterQueues {
		st := &snapshot.ClusterQueues[i]
		for j := range st.Excess {
			x := &st.Excess[j]
			key := overcommitted{st.Name, x.Cohort, x.Flavor, x.Resource}
			now[key] = true
			if cq, exists := w.books.ClusterQueues.Get(ledger.Key{Name: st.Name}); exists && !w.overcommitted[key] {
				w.Overcommitted(cq, x.String())
			}
		}
	}
	w.overcommitted = now
}

// silent reports to nobody.
func silent(*v1beta1.ClusterQueue, string) {}
