package policies

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sync/errgroup"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
)

// start unsuspends a Job as the manager does.
func start(ctx context.Context, job *batchv1.Job) {
	GinkgoHelper()
	Expect(as(managerUser).Patch(ctx, job, jsonPatch(
		`[{"op":"test","path":"/metadata/uid","value":%q},{"op":"test","path":"/metadata/generation","value":%d},
		  {"op":"add","path":"/metadata/annotations","value":{"fairlead.dev/injected":"{}"}},
		  {"op":"replace","path":"/spec/suspend","value":false}]`, job.UID, job.Generation))).To(Succeed())
	Expect(suspended(job)).To(BeFalse())
}

var _ = Describe("Queued Jobs", func() {
	var (
		tenant    client.Client
		namespace string
		job       *batchv1.Job
	)

	// A Job of the tenant that waits in queue main.
	BeforeEach(func(ctx SpecContext) {
		tenant = as(alice)
		namespace = newNamespace(ctx, nil)
		job = newJob(namespace, "job", "main")
		Expect(tenant.Create(ctx, job)).To(Succeed())
		Expect(suspended(job)).To(BeTrue())
	})

	It("start suspended whoever creates them", func(ctx SpecContext) {
		for i, user := range []string{alice, cronController} {
			running := false
			other := newJob(namespace, fmt.Sprint("by-", i), "main")
			other.Spec.Suspend = &running
			Expect(as(user).Create(ctx, other)).To(Succeed())
			Expect(suspended(other)).To(BeTrue(), user)
		}
		other := newJob(namespace, "", "main")
		other.GenerateName = "by-admin-"
		Expect(admin.Create(ctx, other)).To(Succeed())
		Expect(suspended(other)).To(BeTrue(), "system:masters")
	})

	It("leave Jobs without a queue alone", func(ctx SpecContext) {
		other := newJob(namespace, "free", "")
		Expect(tenant.Create(ctx, other)).To(Succeed())
		Expect(suspended(other)).To(BeFalse())
		Expect(tenant.Patch(ctx, other, mergePatch(`{"spec":{"suspend":true}}`))).To(Succeed())
		Expect(tenant.Patch(ctx, other, mergePatch(`{"spec":{"suspend":false,"parallelism":9},"metadata":{"annotations":{"fairlead.dev/injected":"mine"}}}`))).To(Succeed())
	})

	It("are suspended in a burst of 200, with no manager", func(ctx SpecContext) {
		var burst errgroup.Group
		burst.SetLimit(8)
		begin := time.Now()
		for i := range 200 {
			burst.Go(func() error { return tenant.Create(ctx, newJob(namespace, fmt.Sprint("burst-", i), "main")) })
		}
		Expect(burst.Wait()).To(Succeed())
		GinkgoWriter.Printf("200 Jobs created in %v\n", time.Since(begin))
		AddReportEntry("200 Jobs created in", time.Since(begin).String())
		var jobs batchv1.JobList
		Expect(admin.List(ctx, &jobs, client.InNamespace(namespace))).To(Succeed())
		Expect(jobs.Items).To(HaveLen(201))
		for i := range jobs.Items {
			Expect(suspended(&jobs.Items[i])).To(BeTrue(), jobs.Items[i].Name)
		}
	})

	It("are started by the manager and by no tenant", func(ctx SpecContext) {
		for _, patch := range []client.Patch{
			mergePatch(`{"spec":{"suspend":false}}`),
			mergePatch(`{"spec":{"suspend":null}}`),
			mergePatch(`{"spec":{"suspend":false},"metadata":{"labels":null}}`),
			mergePatch(`{"spec":{"suspend":false},"metadata":{"labels":{"fairlead.dev/queue-name":"other"}}}`),
			jsonPatch(`[{"op":"remove","path":"/spec/suspend"}]`),
		} {
			expectForbidden(tenant.Patch(ctx, job.DeepCopy(), patch),
				"Job job is queued in main: Fairlead starts it when its turn comes", "spec.active: false", "remove label fairlead.dev/queue-name")
		}
		start(ctx, job)
	})

	It("run outside the queue once the label is gone", func(ctx SpecContext) {
		Expect(tenant.Patch(ctx, job, mergePatch(`{"metadata":{"labels":null}}`))).To(Succeed())
		Expect(suspended(job)).To(BeTrue())
		Expect(tenant.Patch(ctx, job, mergePatch(`{"spec":{"suspend":false}}`))).To(Succeed())
		expectForbidden(tenant.Patch(ctx, job, mergePatch(`{"metadata":{"labels":{"fairlead.dev/queue-name":"main"}}}`)),
			"Job job is running", "can be added only while the Job is suspended", "spec.suspend: true first")
	})

	It("cannot enter a queue and start in one step", func(ctx SpecContext) {
		other := newJob(namespace, "both", "")
		yes := true
		other.Spec.Suspend = &yes
		Expect(tenant.Create(ctx, other)).To(Succeed())
		expectForbidden(tenant.Patch(ctx, other, mergePatch(`{"spec":{"suspend":false},"metadata":{"labels":{"fairlead.dev/queue-name":"main"}}}`)), "is queued in main")
		Expect(tenant.Patch(ctx, other, mergePatch(`{"metadata":{"labels":{"fairlead.dev/queue-name":"main"}}}`))).To(Succeed())
	})

	It("keep their queue while they run", func(ctx SpecContext) {
		Expect(tenant.Patch(ctx, job, mergePatch(`{"metadata":{"labels":{"fairlead.dev/queue-name":"second"}}}`))).To(Succeed())
		start(ctx, job)
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"metadata":{"labels":{"fairlead.dev/queue-name":"third"}}}`)),
			"running on quota of queue second", "can be changed only while")
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"metadata":{"labels":null}}`)), "can be removed only while")
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"spec":{"suspend":true},"metadata":{"labels":null}}`)), "can be removed only while")
		By("changing what is the tenant's own")
		Expect(tenant.Patch(ctx, job, mergePatch(`{"metadata":{"labels":{"team":"a","fairlead.dev/priority-class":"high"}},"spec":{"ttlSecondsAfterFinished":9}}`))).To(Succeed())
		Expect(tenant.Patch(ctx, job, mergePatch(`{"spec":{"suspend":true}}`))).To(Succeed())
		Expect(tenant.Patch(ctx, job, mergePatch(`{"metadata":{"labels":{"fairlead.dev/queue-name":"third"}}}`))).To(Succeed())
	})

	It("keep the time that others are planned around while they run", func(ctx SpecContext) {
		Expect(tenant.Patch(ctx, job, mergePatch(`{"metadata":{"labels":{"fairlead.dev/max-exec-time-seconds":"60"}}}`))).To(Succeed())
		start(ctx, job)
		for _, edit := range []string{`"3600"`, `"30"`, `null`} {
			expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"metadata":{"labels":{"fairlead.dev/max-exec-time-seconds":%s}}}`, edit)),
				"Job job is running", "max-exec-time-seconds can be edited only while the Job is suspended", "spec.suspend: true first")
		}
		Expect(tenant.Patch(ctx, job, mergePatch(`{"spec":{"suspend":true},"metadata":{"labels":{"fairlead.dev/max-exec-time-seconds":"30"}}}`))).To(Succeed())
	})

	It("shrink but do not grow while they run", func(ctx SpecContext) {
		Expect(tenant.Patch(ctx, job, mergePatch(`{"spec":{"parallelism":4}}`))).To(Succeed())
		start(ctx, job)
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"spec":{"parallelism":5}}`)),
			"running on quota for 4 pods of queue main", "not rise to 5", "submit a second Job")
		Expect(tenant.Patch(ctx, job, mergePatch(`{"spec":{"parallelism":1}}`))).To(Succeed())
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"spec":{"parallelism":2}}`)), "not rise to 2")
	})

	It("carry no forged record of what was injected", func(ctx SpecContext) {
		forged := newJob(namespace, "forged", "main")
		forged.Annotations = map[string]string{fairleadv1beta1.InjectedAnnotation: "{}"}
		expectForbidden(tenant.Create(ctx, forged), "annotation fairlead.dev/injected is written by Fairlead alone", "remove it")
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"metadata":{"annotations":{"fairlead.dev/injected":"x"}}}`)), "leave it as it is")

		By("entering a queue with one")
		forged.Labels, forged.ResourceVersion = nil, ""
		yes := true
		forged.Spec.Suspend = &yes
		Expect(tenant.Create(ctx, forged)).To(Succeed())
		expectForbidden(tenant.Patch(ctx, forged.DeepCopy(), mergePatch(`{"metadata":{"labels":{"fairlead.dev/queue-name":"main"}}}`)), "remove it")

		By("removing the manager's")
		start(ctx, job)
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"metadata":{"annotations":null}}`)), "leave it as it is")
	})

	It("do not stand in the way of controllers", func(ctx SpecContext) {
		start(ctx, job)
		By("job controller: status")
		job.Status.StartTime = &metav1.Time{Time: time.Now()}
		job.Status.Active = 2
		Expect(as(jobController).Status().Update(ctx, job)).To(Succeed())
		By("foreground deletion: the collector removes the finalizer at the end")
		Expect(tenant.Delete(ctx, job, client.PropagationPolicy(metav1.DeletePropagationForeground))).To(Succeed())
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(job), job)).To(Succeed())
		Expect(job.Finalizers).To(ContainElement("foregroundDeletion"))
		Expect(as(collector).Patch(ctx, job, mergePatch(`{"metadata":{"finalizers":null}}`))).To(Succeed())
		Expect(client.IgnoreNotFound(admin.Get(ctx, client.ObjectKeyFromObject(job), job))).To(Succeed())

		By("ownership and TTL of one that waits")
		waiting := newJob(namespace, "waiting", "main")
		waiting.OwnerReferences = []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "CronJob", Name: "gone", UID: "0123"}}
		Expect(as(cronController).Create(ctx, waiting)).To(Succeed())
		Expect(suspended(waiting)).To(BeTrue())
		Expect(as(collector).Patch(ctx, waiting, mergePatch(`{"metadata":{"ownerReferences":null}}`))).To(Succeed())
		Expect(as(ttlController).Delete(ctx, waiting)).To(Succeed())
	})

	DescribeTable("have labels that can be understood", func(ctx context.Context, edit func(*batchv1.Job), words ...string) {
		bad := newJob(namespace, "bad", "main")
		bad.Annotations = map[string]string{}
		edit(bad)
		expectForbidden(tenant.Create(ctx, bad), words...)
	},
		Entry("an empty queue", func(j *batchv1.Job) { j.Labels[fairleadv1beta1.QueueLabel] = "" }, `is "", which cannot be the name of a LocalQueue`),
		Entry("a queue in capitals", func(j *batchv1.Job) { j.Labels[fairleadv1beta1.QueueLabel] = "Main" }, `is "Main"`, "kubectl get localqueues"),
		Entry("a class with an underscore", func(j *batchv1.Job) { j.Labels[fairleadv1beta1.PriorityClassLabel] = "a_b" }, `is "a_b", which cannot be the name of a WorkloadPriorityClass`),
		Entry("a time in hours", func(j *batchv1.Job) { j.Labels[fairleadv1beta1.MaxExecTimeSecondsLabel] = "2h" }, `is "2h"`, "whole number of seconds"),
		Entry("a time of 0", func(j *batchv1.Job) { j.Labels[fairleadv1beta1.MaxExecTimeSecondsLabel] = "0" }, "from 1 to 2147483647"),
		Entry("a time of a second and a half", func(j *batchv1.Job) { j.Labels[fairleadv1beta1.MaxExecTimeSecondsLabel] = "1.5" }, `"1.5"`, "whole number of seconds"),
		Entry("a time beyond 32 bits", func(j *batchv1.Job) { j.Labels[fairleadv1beta1.MaxExecTimeSecondsLabel] = "2147483648" }, "from 1 to 2147483647"),
		Entry("a minimum of all pods", func(j *batchv1.Job) { j.Annotations[fairleadv1beta1.JobMinParallelismAnnotation] = "2" }, "below spec.parallelism, which is 2"),
		Entry("a minimum that is no number", func(j *batchv1.Job) { j.Annotations[fairleadv1beta1.JobMinParallelismAnnotation] = "half" }, `is "half"`),
		Entry("an unknown eviction", func(j *batchv1.Job) { j.Annotations[fairleadv1beta1.OnEvictionAnnotation] = "Restart" }, "write Requeue, Hold or Delete"),
	)

	It("are checked again where something is written", func(ctx SpecContext) {
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"metadata":{"labels":{"fairlead.dev/queue-name":"No_Queue"}}}`)), "cannot be the name of a LocalQueue")
		Expect(tenant.Patch(ctx, job, mergePatch(`{"metadata":{"annotations":{"fairlead.dev/job-min-parallelism":"1"}}}`))).To(Succeed())
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"spec":{"parallelism":1}}`)), "below spec.parallelism, which is 1")
	})
})
