package translate

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
)

// PreemptingOf returns the preemption that a Workload's status tells of, nil if
// none. Amounts that cannot be counted, written by somebody else, are left out.
func PreemptingOf(wl *v1beta1.Workload) *admission.Preempting {
	status := wl.Status.Preemption
	if status == nil {
		return nil
	}
	out := &admission.Preempting{DecidedAt: status.DecidedAt.UnixNano(), Deadline: status.Deadline.UnixNano()}
	for _, v := range status.Victims {
		out.Victims = append(out.Victims, admission.PreemptingVictim{UID: string(v.UID), Reason: admission.PreemptionReason(v.Reason)})
	}
	for _, h := range status.Held {
		if amount, err := Amount(h.Resource, h.Amount); err == nil {
			out.Held = append(out.Held, admission.HeldAmount{Flavor: string(h.Flavor), Resource: string(h.Resource), Amount: amount})
		}
	}
	return out
}

// Preemption writes a preemption as a Workload's status holds it.
func Preemption(p *admission.Preempting) *v1beta1.WorkloadPreemption {
	out := &v1beta1.WorkloadPreemption{DecidedAt: microTime(p.DecidedAt), Deadline: microTime(p.Deadline)}
	for _, v := range p.Victims {
		out.Victims = append(out.Victims, v1beta1.WorkloadPreemptionVictim{UID: types.UID(v.UID), Reason: string(v.Reason)})
	}
	for _, h := range p.Held {
		out.Held = append(out.Held, v1beta1.WorkloadPreemptionHold{
			Flavor: v1beta1.ResourceFlavorReference(h.Flavor), Resource: corev1.ResourceName(h.Resource),
			Amount: Quantity(corev1.ResourceName(h.Resource), h.Amount),
		})
	}
	return out
}

// microTime is a time as the API keeps it.
func microTime(nanoseconds int64) metav1.MicroTime {
	return metav1.NewMicroTime(time.Unix(0, nanoseconds).Truncate(time.Microsecond))
}

// PreemptionMessage tells the user of a victim why it has to leave. The other
// side, which may be another tenant's, is named by ClusterQueue and UID.
func PreemptionMessage(evict *admission.Evict, victim *admission.Victim) string {
	by := fmt.Sprintf("workload with UID %s of ClusterQueue %s (%s)", evict.Preemptor, evict.ClusterQueue, strings.Join(evict.Path, "/"))
	from := fmt.Sprintf("ClusterQueue %s (%s)", victim.ClusterQueue, strings.Join(victim.Path, "/"))
	switch victim.Reason {
	case admission.InClusterQueue:
		return fmt.Sprintf("Preempted for a workload of higher standing in the same ClusterQueue: UID %s", evict.Preemptor)
	case admission.InCohortReclamation:
		return fmt.Sprintf("Preempted because %s takes back quota that %s had borrowed", by, from)
	case admission.InCohortFairSharing:
		return fmt.Sprintf("Preempted because %s has the smaller share: %d with its request, against %d of %s before and %d after",
			by, victim.PreemptorShare, victim.ShareBefore, from, victim.ShareAfter)
	default:
		return fmt.Sprintf("Preempted because %s of higher priority takes quota that %s had borrowed, by borrowing it in turn", by, from)
	}
}
