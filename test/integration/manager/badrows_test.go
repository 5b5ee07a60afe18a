package manager

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// quotas is a ClusterQueue's or Cohort's spec with one resource and more.
func quotas(more, quota string) string {
	return "{" + more + " resourceGroups: [{coveredResources: [cpu], flavors: [{name: $ns-plain, resources: [{name: cpu, " + quota + "}]}]}]}"
}

func badAnnotation(key, value string) func(*batchv1.Job) {
	return func(j *batchv1.Job) { j.Annotations = map[string]string{key: value} }
}

// sets is a list of n equal pod sets, with something else for the last.
func sets(n int, last string) string {
	var list []string
	for i := range n {
		template := "{spec: {containers: [{name: c, resources: {requests: {cpu: 10m}}}]}}"
		if i == n-1 {
			template = last
		}
		list = append(list, fmt.Sprintf("{name: set-%02d, count: 1, template: %s}", i+1, template))
	}
	return "[" + strings.Join(list, ", ") + "]"
}

var badInputs = []badInput{
	// Refused by the schema.
	{"a quota that is no quantity", refused("ClusterQueue", quotas("", "nominalQuota: banana")), []string{"$ns-bad", `nominalQuota: Invalid value: "banana"`}},
	{"a borrowing limit without cohort", refused("ClusterQueue", quotas("", "nominalQuota: 1, borrowingLimit: 1")),
		[]string{"$ns-bad", "borrowingLimit must not be set on a ClusterQueue without a cohort", "set spec.cohortName or remove borrowingLimit"}},
	{"a negative weight", refused("ClusterQueue", "{cohortName: c, fairSharing: {weight: -1}}"), []string{"$ns-bad", "weight must be 0, or 0.001 or more"}},
	{"an unknown queueing strategy", refused("ClusterQueue", "{queueingStrategy: LIFO}"), []string{"$ns-bad", "queueingStrategy", `supported values: "StrictFIFO", "BestEffortFIFO"`}},
	{"a Cohort that is its own parent", refused("Cohort", "{parentName: $ns-bad}"), []string{"$ns-bad", "spec.parentName must not be the Cohort itself", "remove spec.parentName"}},
	{"a cohort name in Unicode", refused("ClusterQueue", "{cohortName: größe}"), []string{"spec.cohortName", "größe"}},
	{"a flavor twice in a resource group", refused("ClusterQueue", "{resourceGroups: [{coveredResources: [cpu], flavors: ["+
		"{name: a, resources: [{name: cpu, nominalQuota: 1}]}, {name: a, resources: [{name: cpu, nominalQuota: 2}]}]}]}"), []string{"flavors[1]", "Duplicate value"}},
	{"a covered resource without quota", refused("ClusterQueue", "{resourceGroups: [{coveredResources: [cpu, memory], flavors: [{name: a, resources: [{name: cpu, nominalQuota: 1}]}]}]}"),
		[]string{"every flavor must give one quota for each of coveredResources", "add the missing entries"}},
	{"nineteen pod sets", refused("Workload", "{queueName: $ns, podSets: "+sets(19, "{}")+"}"), []string{"spec.podSets", "Too many: 19: must have at most 18 items"}},
	{"two pod sets of one name", refused("Workload", "{queueName: $ns, podSets: [{name: a, count: 1, template: {}}, {name: a, count: 1, template: {}}]}"), []string{"spec.podSets[1]", "Duplicate value"}},
	{"a negative number of pods", refused("Workload", "{queueName: $ns, podSets: [{name: a, count: -1, template: {}}]}"), []string{"spec.podSets[0].count", "greater than or equal to 0"}},
	{"an unknown way to backfill", refused("ClusterQueue", "{backfill: {mode: Aggressive}}"), []string{"$ns-bad", "spec.backfill.mode", `supported values: "None", "EASY", "Conservative"`}},
	{"backfill without a mode", refused("Cohort", "{backfill: {depth: 4}}"), []string{"$ns-bad", "spec.backfill.mode: Required value"}},
	{"a backfill depth of 0", refused("ClusterQueue", "{backfill: {mode: EASY, depth: 0}}"), []string{"$ns-bad", "spec.backfill.depth", "greater than or equal to 1"}},
	{"a default execution time above the maximum", refused("ClusterQueue", "{defaultExecutionTimeSeconds: 7200, maximumExecutionTimeSeconds: 3600}"),
		[]string{"$ns-bad", "defaultExecutionTimeSeconds must not be above maximumExecutionTimeSeconds", "lower it, or leave it out"}},
	{"an execution time of 0 in a ClusterQueue", refused("ClusterQueue", "{maximumExecutionTimeSeconds: 0}"), []string{"$ns-bad", "spec.maximumExecutionTimeSeconds", "greater than or equal to 1"}},
	{"a reservation of negative duration", refused("Reservation", "{clusterQueue: $ns, sharePercent: 50, start: '2030-01-01T08:00:00Z', duration: -2h}"),
		[]string{"$ns-bad", "duration must be more than 0", "for example 8h or 1h30m"}},
	{"a reservation of more than everything", refused("Reservation", "{clusterQueue: $ns, sharePercent: 101, start: '2030-01-01T08:00:00Z', duration: 2h}"),
		[]string{"$ns-bad", "spec.sharePercent", "less than or equal to 100"}},
	{"a reservation on every Tuesday, in words", refused("Reservation", "{clusterQueue: $ns, sharePercent: 50, start: '2030-01-01T08:00:00Z', duration: 2h, recurrence: {schedule: every Tuesday}}"),
		[]string{"$ns-bad", "schedule must have five fields", "0 8 * * TUE"}},
	{"another ClusterQueue for a LocalQueue", func(s *spoiler) string {
		return told(admin.Patch(s.ctx, s.localQueue(s.ns, s.ns), client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"clusterQueue":"other"}}`))))
	}, []string{"$ns", "clusterQueue cannot be changed", "create another LocalQueue"}},

	// Refused by a policy.
	{"a negative quota", refused("ClusterQueue", quotas("", "nominalQuota: -1")), []string{"ClusterQueue $ns-bad", "nominalQuota, borrowingLimit and lendingLimit must be 0 or more; mend cpu of flavor $ns-plain"}},
	{"a resource in two groups", refused("ClusterQueue", "{resourceGroups: [{coveredResources: [cpu], flavors: [{name: a, resources: [{name: cpu, nominalQuota: 1}]}]}, "+
		"{coveredResources: [cpu], flavors: [{name: b, resources: [{name: cpu, nominalQuota: 1}]}]}]}"), []string{"ClusterQueue $ns-bad", "covers more than once: cpu", "keep it in one place"}},
	{"a flavor in two groups", refused("ClusterQueue", "{resourceGroups: [{coveredResources: [cpu], flavors: [{name: a, resources: [{name: cpu, nominalQuota: 1}]}]}, "+
		"{coveredResources: [memory], flavors: [{name: a, resources: [{name: memory, nominalQuota: 1}]}]}]}"), []string{"ClusterQueue $ns-bad", "lists more than once: flavor a", "merge the groups"}},
	{"a resource name in Unicode", refused("ClusterQueue", "{resourceGroups: [{coveredResources: [größe], flavors: [{name: a, resources: [{name: größe, nominalQuota: 1}]}]}]}"),
		[]string{"ClusterQueue $ns-bad", "größe, which cannot be the name of a resource", "use names such as cpu"}},
	{"a lending limit above the quota", refused("ClusterQueue", quotas("cohortName: c,", "nominalQuota: 1, lendingLimit: 2")), []string{"ClusterQueue $ns-bad", "lendingLimit must not be above nominalQuota; mend cpu", "Leave lendingLimit out"}},
	{"a namespace selector that means nothing", refused("ClusterQueue", "{namespaceSelector: {matchExpressions: [{key: k, operator: Like, values: [v]}]}}"),
		[]string{"ClusterQueue $ns-bad", "spec.namespaceSelector cannot be understood at k Like", "operators are In and NotIn"}},
	{"a node label that no node can carry", refused("ResourceFlavor", "{nodeLabels: {'a b': c}}"), []string{"ResourceFlavor $ns-bad", "spec.nodeLabels has what no node can carry: a b", "must be valid labels"}},
	{"two pod sets that may shrink", refused("Workload", "{queueName: $ns, podSets: [{name: a, count: 2, minCount: 1, template: {}}, {name: b, count: 2, minCount: 1, template: {}}]}"),
		[]string{"only one of spec.podSets may have a minCount, but a, b have one", "leave it out of all but one"}},
	{"a reservation of less than nothing", refused("Reservation", "{clusterQueue: $ns, start: '2030-01-01T08:00:00Z', duration: 2h, resources: [{flavor: $ns-plain, amounts: {cpu: -1}}]}"),
		[]string{"Reservation $ns-bad", "must be more than 0; mend cpu of flavor $ns-plain"}},
	{"a queue label that no queue can have", submitted(label(v1beta1.QueueLabel, "My_Queue")), []string{"Job bad", `"My_Queue", which cannot be the name of a LocalQueue`, "kubectl get localqueues"}},
	{"a minimum parallelism above the parallelism", submitted(badAnnotation(v1beta1.JobMinParallelismAnnotation, "7")), []string{"Job bad", `job-min-parallelism of Job bad is "7"`, "below spec.parallelism, which is 1"}},
	{"an execution time that is no number", submitted(label(v1beta1.MaxExecTimeSecondsLabel, "soon")), []string{"Job bad", `is "soon"`, "whole number of seconds from 1"}},
	{"a forged annotation", submitted(badAnnotation(v1beta1.InjectedAnnotation, "{}")), []string{"Job bad", "annotation fairlead.dev/injected is written by Fairlead alone", "remove it"}},
	{"a waiting Job started by hand", patched(false, `{"spec":{"suspend":false}}`), []string{"Job bad is queued in $ns", "spec.suspend cannot be set to false by hand", "spec.active: false"}},
	{"a running Job moved to another queue", patched(true, `{"metadata":{"labels":{"fairlead.dev/queue-name":"other"}}}`),
		[]string{"Job bad is running on quota of queue $ns", "label fairlead.dev/queue-name can be changed only while the Job is suspended", "Set spec.suspend: true first"}},
	{"a running Job given more time", patched(true, `{"metadata":{"labels":{"fairlead.dev/max-exec-time-seconds":"99999"}}}`),
		[]string{"Job bad is running", "label fairlead.dev/max-exec-time-seconds can be edited only while the Job is suspended", "Set spec.suspend: true first"}},
	{"a running Job made wider", patched(true, `{"spec":{"parallelism":3}}`), []string{"Job bad is running on quota for 2 pods", "spec.parallelism can fall, but not rise to 3", "submit a second Job"}},
	{"pod sets changed under a reservation", reserved(func(wl *v1beta1.Workload) { wl.Spec.PodSets[0].Count = 2 }), []string{"spec.podSets cannot be changed while it holds quota"}},
	{"the queue changed under a reservation", reserved(func(wl *v1beta1.Workload) { wl.Spec.QueueName = "other" }), []string{"spec.queueName cannot be changed while it holds quota"}},
	{"an admission forged by a tenant", func(s *spoiler) string {
		wl := s.workload("bad", "9")
		s.create(wl)
		wl.Status.Conditions = []metav1.Condition{{Type: v1beta1.WorkloadQuotaReserved, Status: metav1.ConditionTrue, Reason: "Mine", LastTransitionTime: metav1.Now()}}
		return told(s.alice.Status().Update(s.ctx, wl))
	}, []string{"Workload bad", "status.admission must be set while condition QuotaReserved is True", "set both in one write"}},

	// Taken, and told in a condition or an Event.
	{"cpu: banana in a Workload, live", waits(v1beta1.PendingMisconfigured, one(1, "cpu: banana")), []string{"pod set main", "cannot be read", "quantities must match"}},
	{"cpu: banana in a Workload, before the start", func(s *spoiler) string {
		s.manager.kill()
		wl := s.workload("bad", "banana")
		s.create(wl)
		s.manager = startManager()
		return s.states(wl, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)
	}, []string{"pod set main", "cannot be read", "quantities must match"}},
	{"eighteen pod sets, the last not readable", waits(v1beta1.PendingMisconfigured, sets(18, "{spec: {containers: none}}")), []string{"pod set set-18", "cannot be read", "containers"}},
	{"a negative request", waits(v1beta1.PendingMisconfigured, one(1, "cpu: '-1'")), []string{"pod set main", "container c", "request of cpu is -1", "must not be negative"}},
	{"a request beyond counting", waits(v1beta1.PendingMisconfigured, one(1, "cpu: '9223372036854775807'")), []string{"pod set main", "request of cpu", "more than can be counted"}},
	{"pods beyond counting", waits(v1beta1.PendingMisconfigured, one(2000000000, "cpu: '9000000000000000'")), []string{"pod set main", "for 2000000000 pods", "more than can be counted"}},
	{"a request above all quota", waits(v1beta1.PendingExceedsMaxQuota, one(1, "cpu: 1M")), []string{"cpu", "1000000"}},
	{"a request that the queue does not cover", waits(v1beta1.PendingNoMatchingFlavor, one(1, "example.com/gpu: 1")), []string{"example.com/gpu", "$ns"}},
	{"a LocalQueue that does not exist", func(s *spoiler) string {
		return s.says(s.submit("bad", label(v1beta1.QueueLabel, "nowhere")), v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)
	}, []string{"LocalQueue", "nowhere", "does not exist"}},
	{"a ClusterQueue that does not exist", func(s *spoiler) string {
		s.create(s.localQueue("dangling", s.ns+"-nowhere"))
		j := s.submit("bad", label(v1beta1.QueueLabel, "dangling"))
		return s.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured) + " / " +
			s.active(&v1beta1.LocalQueue{}, "dangling", v1beta1.LocalQueueClusterQueueDoesNotExist)
	}, []string{"ClusterQueue", "$ns-nowhere", "does not exist", " / "}},
	{"a flavor that does not exist", func(s *spoiler) string {
		s.made(s.object("ClusterQueue", "$ns-bad", strings.ReplaceAll(quotas("namespaceSelector: {},", "nominalQuota: 1"), "$ns-plain", "$ns-missing")))
		return s.active(&v1beta1.ClusterQueue{}, "$ns-bad", v1beta1.ClusterQueueFlavorNotFound)
	}, []string{"ResourceFlavor", "$ns-missing"}},
	{"Cohorts in a circle", func(s *spoiler) string {
		s.made(s.object("Cohort", "$ns-a", "{parentName: $ns-b}"), s.object("Cohort", "$ns-b", "{parentName: $ns-a}"),
			s.object("ClusterQueue", "$ns-bad", quotas("cohortName: $ns-a, namespaceSelector: {},", "nominalQuota: 9")))
		s.create(s.localQueue("circle", s.ns+"-bad"))
		j := s.submit("bad", label(v1beta1.QueueLabel, "circle"))
		return s.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingSuspended) + " / " +
			s.activeOf(&v1beta1.ClusterQueue{}, s.fill("$ns-bad")).Message
	}, []string{"$ns-a", "$ns-b", " / "}},
	{"a Cohort moved below its own child under load", func(s *spoiler) string {
		root, child := s.object("Cohort", "$ns-root", "{}"), s.object("Cohort", "$ns-child", "{parentName: $ns-root}")
		s.made(root, child, s.object("ClusterQueue", "$ns-bad", quotas("cohortName: $ns-child, namespaceSelector: {},", "nominalQuota: 2")))
		s.create(s.localQueue("moved", s.ns+"-bad"))
		var list []*batchv1.Job
		for i := range 4 {
			list = append(list, s.submit(fmt.Sprintf("bad-%d", i), label(v1beta1.QueueLabel, "moved")))
		}
		started := func() (n int) {
			for _, j := range list {
				if !isSuspended(s.fresh(j)) {
					n++
				}
			}
			return n
		}
		Eventually(started).Should(Equal(2))
		edit(s.tenant, root, func(u *unstructured.Unstructured) { u.Object["spec"] = map[string]any{"parentName": child.GetName()} })
		var message string
		Eventually(func() metav1.ConditionStatus {
			c := s.activeOf(&v1beta1.ClusterQueue{}, s.fill("$ns-bad"))
			message = c.Message
			return c.Status
		}).Should(Equal(metav1.ConditionFalse))
		Expect(started()).To(Equal(2), "those that ran were stopped, or others started")
		By("moving it back")
		edit(s.tenant, root, func(u *unstructured.Unstructured) { u.Object["spec"] = map[string]any{} })
		for _, j := range list {
			if !isSuspended(s.fresh(j)) {
				s.finish(j, batchv1.JobComplete)
			}
		}
		Eventually(started).Should(Equal(4))
		return message
	}, []string{"$ns-root", "$ns-child"}},
	{"a namespace that the queue does not serve", func(s *spoiler) string {
		s.made(s.object("ClusterQueue", "$ns-bad", quotas("namespaceSelector: {matchLabels: {served: 'yes'}},", "nominalQuota: 9")))
		elsewhere := s.localQueue("elsewhere", s.ns+"-bad")
		s.create(elsewhere)
		s.active(&v1beta1.LocalQueue{}, "elsewhere", v1beta1.ClusterQueueReady)
		return s.says(s.submit("bad", label(v1beta1.QueueLabel, "elsewhere")), v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)
	}, []string{"namespace", "$ns-bad"}},
	{"a reservation on a minute that does not exist", misreserved("{clusterQueue: $ns, sharePercent: 50, start: '2030-01-01T08:00:00Z', duration: 2h, recurrence: {schedule: 61 8 * * *}}"),
		[]string{`spec.recurrence.schedule is "61 8 * * *", which cannot be read`, "write minute, hour, day of month"}},
	{"a priority class that does not exist", func(s *spoiler) string {
		s.submit("bad", label(v1beta1.PriorityClassLabel, s.ns+"-vip"))
		var list []corev1.Event
		Eventually(func() []corev1.Event { list = s.events("bad", "MissingPriorityClass"); return list }).Should(HaveLen(1))
		return list[0].Message
	}, []string{`WorkloadPriorityClass "$ns-vip" does not exist`}},

	// The manager does not start.
	{"a configuration with an unknown field", configured(configHead + "fairsharing: {enable: true}\n"), []string{"bad.yaml", `unknown field "fairsharing"`, "correct the spelling or remove it"}},
	{"a configuration with a field twice", configured(configHead + "metrics: {bindAddress: ':1'}\nmetrics: {bindAddress: ':2'}\n"), []string{"bad.yaml", `"metrics" already set`}},
	{"a configuration that is no YAML", configured("apiVersion: [\n"), []string{"bad.yaml", "yaml: line 1"}},
	{"an empty configuration", configured(" \n"), []string{"bad.yaml", "it is empty", "begin with apiVersion: config.fairlead.dev/v1beta1"}},
	{"a configuration of another version", configured("apiVersion: config.fairlead.dev/v9\nkind: Configuration\n"), []string{"bad.yaml", "apiVersion", "v9", "config.fairlead.dev/v1beta1"}},
	{"a configuration of the wrong type", configured(configHead + "controller: {groupKindConcurrency: {Job.batch: many}}\n"), []string{"bad.yaml", "groupKindConcurrency", "string"}},
	{"a lease shorter than its renewal", configured(configHead + "leaderElection: {leaderElect: true, leaseDuration: 5s}\n"), []string{"bad.yaml has 1 fault", "leaderElection.leaseDuration", "must be longer than renewDeadline (10s), for example 15s with 10s"}},
	{"an unknown framework", configured(configHead + "integrations: {frameworks: [batch/job, carrier/pigeon]}\n"), []string{"bad.yaml has 1 fault", "integrations.frameworks[1]", "carrier/pigeon", "batch/job"}},
	{"a bad selector of managed namespaces", configured(configHead + "managedJobsNamespaceSelector: {matchExpressions: [{key: k, operator: Like}]}\n"), []string{"bad.yaml", "managedJobsNamespaceSelector", "Like"}},
	{"several faults in one configuration", configured(configHead + "clientConnection: {qps: -1, burst: 0}\nhealth: {healthProbeBindAddress: nowhere}\n"),
		[]string{"bad.yaml has 3 fault(s)", "clientConnection.qps", "clientConnection.burst", "health.healthProbeBindAddress", "for example 127.0.0.1:8443"}},
}
