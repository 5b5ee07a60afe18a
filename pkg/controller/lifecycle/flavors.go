package lifecycle

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

// flavorsOf lists the flavors of an assignment, sorted, each once.
func flavorsOf(psa *v1beta1.PodSetAssignment) []string {
	names := make([]string, 0, len(psa.Flavors))
	for _, flavor := range psa.Flavors {
		names = append(names, string(flavor))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// saysAlready says whether the Workload's condition gives this verdict. As a
// rule only the reason counts: a message may hold amounts that change all the
// time. What is misconfigured must be told exactly.
func saysAlready(wl *v1beta1.Workload, v *verdict) bool {
	c := translate.Condition(wl, v1beta1.WorkloadQuotaReserved)
	return c != nil && c.Status == metav1.ConditionFalse && c.Reason == v.reason &&
		(c.Message == v.message || v.reason != v1beta1.PendingMisconfigured)
}
