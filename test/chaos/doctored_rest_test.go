package chaos

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/internal/oracle"
)

// restful is a state in order: a queue of 4 cores, a Job of 3 that runs and
// one of 2 that waits.
func restful(t *testing.T) *state {
	s := &state{jobOf: map[types.UID]*batchv1.Job{}}
	s.flavors.Items = []v1beta1.ResourceFlavor{{ObjectMeta: metav1.ObjectMeta{Name: "f"}}}
	s.namespaces.Items = []corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "n"}}}
	cq := v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "q"}}
	cq.Spec.NamespaceSelector = &metav1.LabelSelector{}
	cq.Spec.ResourceGroups = []v1beta1.ResourceGroup{{CoveredResources: []corev1.ResourceName{"cpu"}, Flavors: []v1beta1.FlavorQuotas{{
		Name: "f", Resources: []v1beta1.ResourceQuota{{Name: "cpu", NominalQuota: resource.MustParse("4")}}}}}}
	cq.Status.Conditions = []metav1.Condition{{Type: v1beta1.ConditionActive, Status: metav1.ConditionTrue}}
	cq.Status.PendingWorkloads, cq.Status.ReservingWorkloads, cq.Status.AdmittedWorkloads = 1, 1, 1
	cq.Status.FlavorsReservation = []v1beta1.FlavorUsage{{Name: "f", Resources: []v1beta1.ResourceUsage{{Name: "cpu", Total: resource.MustParse("3")}}}}
	s.queues.Items = []v1beta1.ClusterQueue{cq}
	lq := localQueue("n", "l", "q")
	lq.Status.PendingWorkloads, lq.Status.ReservingWorkloads, lq.Status.AdmittedWorkloads = 1, 1, 1
	s.locals.Items = []v1beta1.LocalQueue{*lq}
	s.add(t, "runs", "3", true)
	s.add(t, "waits", "2", false)
	return s
}

func (s *state) add(t *testing.T, name, cpu string, holds bool) {
	suspended := !holds
	j := newJob(name, "n", shape{parallelism: 1, cpu: cpu, queue: "l"})
	j.UID, j.Spec.Suspend = types.UID(name), &suspended
	template, err := json.Marshal(&j.Spec.Template)
	if err != nil {
		t.Fatal(err)
	}
	controller := true
	wl := v1beta1.Workload{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "job-" + name, UID: types.UID("wl-" + name),
		CreationTimestamp: metav1.NewTime(time.Now().Add(-time.Minute)),
		OwnerReferences:   []metav1.OwnerReference{{Kind: "Job", Name: name, UID: j.UID, Controller: &controller}}}}
	wl.Spec.QueueName = "l"
	wl.Spec.PodSets = []v1beta1.PodSet{{Name: "main", Count: 1}}
	wl.Spec.PodSets[0].Template.Raw = template
	set := func(kind string, status metav1.ConditionStatus, reason string) {
		meta.SetStatusCondition(&wl.Status.Conditions, metav1.Condition{Type: kind, Status: status, Reason: reason})
	}
	if holds {
		one := int32(1)
		wl.Status.Admission = &v1beta1.Admission{ClusterQueue: "q", PodSetAssignments: []v1beta1.PodSetAssignment{{Name: "main", Count: &one,
			Flavors:       map[corev1.ResourceName]v1beta1.ResourceFlavorReference{"cpu": "f"},
			ResourceUsage: corev1.ResourceList{"cpu": resource.MustParse(cpu)}}}}
		set(v1beta1.WorkloadQuotaReserved, metav1.ConditionTrue, v1beta1.ReasonQuotaReserved)
		set(v1beta1.WorkloadAdmitted, metav1.ConditionTrue, v1beta1.ReasonAdmitted)
	} else {
		set(v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, string(oracle.WaitingForQuota))
	}
	s.jobs.Items = append(s.jobs.Items, *j)
	s.workloads.Items = append(s.workloads.Items, wl)
	for i := range s.jobs.Items {
		s.jobOf[s.jobs.Items[i].UID] = &s.jobs.Items[i]
	}
}

// TestDifferencesSeeWhatIsWrong shows states at rest with one thing wrong.
func TestDifferencesSeeWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*state)
		want   string // part of one of the differences, empty for none
	}{
		"all is well": {func(*state) {}, ""},
		"the other one would fit": {func(s *state) {
			s.queues.Items[0].Spec.ResourceGroups[0].Flavors[0].Resources[0].NominalQuota = resource.MustParse("5")
		}, "the oracle would admit it"},
		"it says another reason": {func(s *state) { s.workloads.Items[1].Status.Conditions[0].Reason = "ExceedsMaxQuota" }, "waits for reason"},
		"the queue counts wrong": {func(s *state) { s.queues.Items[0].Status.AdmittedWorkloads = 2 }, "ClusterQueue q says"},
		"a usage is wrong": {func(s *state) {
			s.queues.Items[0].Status.FlavorsReservation[0].Resources[0].Total = resource.MustParse("1")
		}, "uses 1000"},
		"the LocalQueue counts wrong": {func(s *state) { s.locals.Items[0].Status.PendingWorkloads = 0 }, "LocalQueue n/l says"},
		"a Workload without owner":    {func(s *state) { s.workloads.Items[1].OwnerReferences = nil }, "has no owner"},
		"a Workload without its Job":  {func(s *state) { s.jobs.Items = s.jobs.Items[:1]; delete(s.jobOf, "waits") }, "is gone"},
		"a Job without Workload":      {func(s *state) { s.workloads.Items = s.workloads.Items[:1] }, "has no Workload"},
		"a Job that runs unpaid":      {func(s *state) { *s.jobs.Items[1].Spec.Suspend = false }, "holding quota is false"},
		"a Job that has not started":  {func(s *state) { *s.jobs.Items[0].Spec.Suspend = true }, "holding quota is true"},
		"an eviction that stopped half-way": {func(s *state) {
			meta.SetStatusCondition(&s.workloads.Items[0].Status.Conditions, metav1.Condition{Type: v1beta1.WorkloadEvicted, Status: metav1.ConditionTrue, Reason: "Preempted"})
		}, "holds its quota still"},
		"a deactivated one that runs on": {func(s *state) { no := false; s.workloads.Items[0].Spec.Active = &no }, "should be evicted: Deactivated"},
		"a template not restored": {func(s *state) {
			s.jobs.Items[1].Annotations = map[string]string{v1beta1.InjectedAnnotation: "{}"}
		}, "not restored"},
		"a drained queue": {func(s *state) { s.queues.Items[0].Spec.StopPolicy = v1beta1.StopPolicyHoldAndDrain }, "ClusterQueueStopped"},
	} {
		s := restful(t)
		c.change(s)
		found, err := s.differences(oracle.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if (c.want == "") != (len(found) == 0) || !strings.Contains(strings.Join(found, "\n"), c.want) {
			t.Errorf("%s: %q, want %q", name, found, c.want)
		}
	}
}
