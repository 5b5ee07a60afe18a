package queuestatus

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
)

func TestClusterQueueStatus(t *testing.T) {
	cq := &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Generation: 3}}
	now := &admission.ClusterQueueStatus{
		PendingActive: 2, PendingInadmissible: 1, Reserving: 5, Admitted: 4, WeightedShare: 250,
		Usage: []admission.FlavorUsage{
			{Flavor: "fast", Resource: "cpu", Total: 1500, Borrowed: 500}, {Flavor: "plain", Resource: "cpu"},
			{Flavor: "fast", Resource: "memory", Total: 1 << 30},
		},
		ActiveReason: "FlavorNotFound", ActiveMessage: "flavor x",
	}
	status := clusterQueueStatus(cq, now, true)
	if status.PendingWorkloads != 3 || status.ReservingWorkloads != 5 || status.AdmittedWorkloads != 4 || status.FairSharing.WeightedShare != 250 {
		t.Errorf("counts: %+v", status)
	}
	if len(status.FlavorsUsage) != 2 || status.FlavorsUsage[0].Name != "fast" || len(status.FlavorsUsage[0].Resources) != 2 ||
		status.FlavorsUsage[0].Resources[0].Total.String() != "1500m" || status.FlavorsUsage[0].Resources[0].Borrowed.String() != "500m" ||
		status.FlavorsUsage[0].Resources[1].Total.String() != "1Gi" || status.FlavorsUsage[1].Resources[0].Total.String() != "0" {
		t.Errorf("usage: %+v", status.FlavorsUsage)
	}
	c := status.Conditions[0]
	if c.Type != "Active" || c.Status != metav1.ConditionFalse || c.Reason != "FlavorNotFound" || c.ObservedGeneration != 3 {
		t.Errorf("condition: %+v", c)
	}
	if clusterQueueStatus(cq, now, false).FairSharing != nil {
		t.Error("a share without fair sharing")
	}
}

func TestAConditionThatHoldsKeepsItsTime(t *testing.T) {
	long := metav1.Unix(100, 0)
	lq := &v1beta1.LocalQueue{}
	lq.Status.Conditions = []metav1.Condition{{Type: "Active", Status: metav1.ConditionTrue, Reason: "Ready", LastTransitionTime: long}}
	status := localQueueStatus(lq, &admission.LocalQueueStatus{ActiveReason: "Ready"})
	if !status.Conditions[0].LastTransitionTime.Equal(&long) {
		t.Errorf("transition at %v", status.Conditions[0].LastTransitionTime)
	}
	status = localQueueStatus(lq, &admission.LocalQueueStatus{ActiveReason: "Stopped"})
	if status.Conditions[0].LastTransitionTime.Equal(&long) || lq.Status.Conditions[0].Reason != "Ready" {
		t.Errorf("after a change: %+v", status.Conditions[0])
	}
}

func TestARootCohortHasNoShare(t *testing.T) {
	now := &admission.CohortStatus{WeightedShare: 7}
	if cohortStatus(&v1beta1.Cohort{}, now, true).FairSharing != nil {
		t.Error("a root has a share")
	}
	inner := &v1beta1.Cohort{Spec: v1beta1.CohortSpec{ParentName: "root"}}
	if got := cohortStatus(inner, now, true).FairSharing; got == nil || got.WeightedShare != 7 {
		t.Errorf("share %v", got)
	}
}
