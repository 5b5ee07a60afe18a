package explain

import (
	"bytes"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func condition(kind, reason, message string, ago time.Duration) metav1.Condition {
	return metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: message, LastTransitionTime: metav1.NewTime(noon.Add(-ago))}
}

func inWords(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteText(&b, noon); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWhatAStatusTells(t *testing.T) {
	limit := int32(3600)
	given := &v1beta1.Admission{ClusterQueue: "usatlas", PodSetAssignments: []v1beta1.PodSetAssignment{{
		Name: "main", Flavors: map[corev1.ResourceName]v1beta1.ResourceFlavorReference{"cpu": "plain"}, ResourceUsage: corev1.ResourceList{"cpu": resource.MustParse("8")}}}}
	reserved := condition(v1beta1.WorkloadQuotaReserved, "QuotaReserved", "", time.Hour)
	for _, c := range []struct {
		state State
		want  []string
		wl    v1beta1.Workload
	}{
		{Finished, []string{"it has ended: all done (Succeeded)", "ended      11:50:00 (10m ago)"}, v1beta1.Workload{
			Status: v1beta1.WorkloadStatus{Conditions: []metav1.Condition{condition(v1beta1.WorkloadFinished, "Succeeded", "all done", 10*time.Minute)}}}},
		{Running, []string{"admitted   11:30:00 (30m ago)", "ends       by 12:30:00 (in 30m)", "holds      pod set main: 8 cpu of flavor plain"}, v1beta1.Workload{
			Spec:   v1beta1.WorkloadSpec{MaximumExecutionTimeSeconds: &limit},
			Status: v1beta1.WorkloadStatus{Admission: given, Conditions: []metav1.Condition{reserved, condition(v1beta1.WorkloadAdmitted, "Admitted", "", 30*time.Minute)}}}},
		{Stopping, []string{"it is being stopped: for another (Preempted)"}, v1beta1.Workload{
			Status: v1beta1.WorkloadStatus{Admission: given, Conditions: []metav1.Condition{reserved, condition(v1beta1.WorkloadEvicted, "Preempted", "for another", time.Minute)}}}},
		{Starting, []string{"it waits for admission checks", "AdmissionCheck budget is Pending"}, v1beta1.Workload{
			Status: v1beta1.WorkloadStatus{Admission: given, Conditions: []metav1.Condition{reserved},
				AdmissionChecks: []v1beta1.AdmissionCheckState{{Name: "budget", State: v1beta1.CheckStatePending}}}}},
	} {
		r := &Report{Kind: "Job", Namespace: "ns", Name: "j"}
		if !r.settled(&c.wl) || r.State != c.state {
			t.Errorf("%s: %+v", c.state, r)
		}
		text := inWords(t, r)
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", c.state, want, text)
			}
		}
	}
	if r := (&Report{}); r.settled(&v1beta1.Workload{}) {
		t.Errorf("a Workload that waits: %+v", r)
	}
}

func TestJobsWithoutWorkload(t *testing.T) {
	yes := true
	queued := map[string]string{v1beta1.QueueLabel: "main"}
	for want, j := range map[string]*batchv1.Job{
		"has no label fairlead.dev/queue-name": {},
		"it runs, and has no Workload":         {ObjectMeta: metav1.ObjectMeta{Labels: queued}},
		"makes one within a second":            {ObjectMeta: metav1.ObjectMeta{Labels: queued}, Spec: batchv1.JobSpec{Suspend: &yes}},
		"it has ended (Complete)": {ObjectMeta: metav1.ObjectMeta{Labels: queued}, Status: batchv1.JobStatus{
			Conditions: []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}}},
	} {
		r := &Report{Kind: "Job", Namespace: "ns", Name: "j"}
		if r.withoutWorkload(j); !strings.Contains(inWords(t, r), want) {
			t.Errorf("no %q in\n%s", want, inWords(t, r))
		}
	}
}

func TestWhatWillNotBeIsSaid(t *testing.T) {
	soon, later := noon.Add(time.Minute), noon.Add(30*time.Hour)
	r := &Report{Kind: "Job", Name: "j", Namespace: "ns", Summary: "it waits", LocalQueue: "main", ClusterQueue: "q", Place: &Place{Ahead: 2, Length: 3, Strict: true}}
	for _, c := range []struct {
		start Start
		want  string
	}{
		{Start{}, "start      not within a year"},
		{Start{Planned: &later, P50: &soon, P90: &later, Samples: 40, Known: 1, KnownOf: "LocalQueue main"}, "planned for 2026-11-23 18:00 (in 30h)"},
		{Start{Planned: &later, P50: &soon, P90: &later, Samples: 40}, "in half of 40 futures by 12:01:00 (in 60s), in nine of ten by 2026-11-23 18:00"},
		{Start{P50: &soon, Samples: 40}, "in more than one of ten not within a year"},
		{Start{Planned: &noon}, "planned for now"},
		{Start{Planned: &soon, Assumed: 2, Workloads: 7}, "of 2 of 7 workloads the assumedExecutionTimeSeconds of their ClusterQueue are taken"},
		{Start{Planned: &soon, Unlimited: 3, Workloads: 7, AssumedLimit: "24h"}, "known of 3 of 7 workloads: 24h is assumed"},
	} {
		if r.Start = &c.start; !strings.Contains(inWords(t, r), c.want) {
			t.Errorf("no %q in\n%s", c.want, inWords(t, r))
		}
	}
	if text := inWords(t, r); !strings.Contains(text, "2 of the 3 that wait") || !strings.Contains(text, "may not pass") {
		t.Error(text)
	}
}
