package policies

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
)

// A CronJob whose Jobs are queued.
const cronManifest = `
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  suspend: true
  jobTemplate:
    metadata:
      labels: {fairlead.dev/queue-name: main}
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: main, image: busybox}]
`

// Each It names the sentence of the documentation that it holds to.
var _ = Describe("A strict namespace", func() {
	var (
		tenant    client.Client
		namespace string
	)
	const refusal = "accepts only queued Jobs"

	BeforeEach(func(ctx SpecContext) {
		tenant = as(alice)
		namespace = newNamespace(ctx, map[string]string{fairleadv1beta1.ManagedLabel: fairleadv1beta1.ManagedStrict})
	})

	It("accepts no Job without a queue, from anybody", func(ctx SpecContext) {
		for _, user := range []string{alice, cronController} {
			expectForbidden(as(user).Create(ctx, newJob(namespace, "free", "")),
				"Namespace "+namespace+" "+refusal, "give Job free label fairlead.dev/queue-name", "kubectl get localqueues -n "+namespace)
		}
		expectForbidden(admin.Create(ctx, newJob(namespace, "free", "")), refusal)
		held := newJob(namespace, "held", "")
		held.Spec.Suspend = new(true)
		expectForbidden(tenant.Create(ctx, held), refusal)
		unnamed := newJob(namespace, "", "")
		unnamed.GenerateName = "run-"
		expectForbidden(tenant.Create(ctx, unnamed), refusal, "give Job run-")
	})

	It("says so in a dry run too", func(ctx SpecContext) {
		expectForbidden(tenant.Create(ctx, newJob(namespace, "free", ""), client.DryRunAll), refusal)
		job := newJob(namespace, "job", "main")
		Expect(tenant.Create(ctx, job, client.DryRunAll)).To(Succeed())
		Expect(suspended(job)).To(BeTrue())
	})

	It("says so to kubectl, in words that help", func(ctx SpecContext) {
		kubeconfig := kubeconfigOf(server, alice)
		for _, args := range [][]string{
			{"create", "job", "free", "--image=busybox"},
			{"create", "job", "free", "--image=busybox", "--dry-run=server"},
		} {
			out, err := kubectl(ctx, kubeconfig, namespace, "", args...)
			Expect(err).To(HaveOccurred())
			Expect(out).To(ContainSubstring("give Job free label fairlead.dev/queue-name with the name of a LocalQueue"))
		}
		out, err := kubectl(ctx, kubeconfig, namespace, strings.ReplaceAll(manifest, "fairlead.dev/queue-name: main", ""), "apply", "-f", "-")
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring(refusal))
		out, err = kubectl(ctx, kubeconfig, namespace, manifest, "apply", "-f", "-")
		Expect(err).NotTo(HaveOccurred(), out)
		out, err = kubectl(ctx, kubeconfig, namespace, "", "label", "job", "applied", "fairlead.dev/queue-name-")
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("cannot be removed"))
	})

	It("takes the Jobs of CronJobs that name a queue, and no others", func(ctx SpecContext) {
		config := kubeconfigOf(server, "operator", "system:masters")
		out, err := kubectl(ctx, config, namespace, cronManifest, "create", "-f", "-")
		Expect(err).NotTo(HaveOccurred(), out)
		out, err = kubectl(ctx, config, namespace, "", "create", "job", "now", "--from=cronjob/nightly")
		Expect(err).NotTo(HaveOccurred(), out)
		job := &batchv1.Job{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "now"}, job)).To(Succeed())
		Expect(suspended(job)).To(BeTrue())

		By("taking the queue out of the CronJob")
		out, err = kubectl(ctx, config, namespace, "", "patch", "cronjob", "nightly", "-p", `{"spec":{"jobTemplate":{"metadata":{"labels":null}}}}`)
		Expect(err).NotTo(HaveOccurred(), out)
		out, err = kubectl(ctx, config, namespace, "", "create", "job", "again", "--from=cronjob/nightly")
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring(refusal))
	})

	It("lets nobody drop the label, ever", func(ctx SpecContext) {
		job := newJob(namespace, "job", "main")
		Expect(tenant.Create(ctx, job)).To(Succeed())
		drop := func() {
			GinkgoHelper()
			for _, user := range []client.Client{tenant, admin, as(managerUser)} {
				for _, patch := range []client.Patch{
					mergePatch(`{"metadata":{"labels":null}}`),
					mergePatch(`{"metadata":{"labels":{"fairlead.dev/queue-name":null,"kueue.x-k8s.io/queue-name":"main"}}}`),
				} {
					expectWords(user.Patch(ctx, job.DeepCopy(), patch), "cannot be removed", "changed to another LocalQueue")
				}
			}
			expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"metadata":{"labels":{"fairlead.dev/queue-name":""}}}`)))
		}
		drop()
		By("moving it while it waits")
		Expect(tenant.Patch(ctx, job, mergePatch(`{"metadata":{"labels":{"fairlead.dev/queue-name":"other"}}}`))).To(Succeed())
		start(ctx, job)
		By("dropping it while it runs")
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"metadata":{"labels":null}}`)))
		expectForbidden(admin.Patch(ctx, job.DeepCopy(), mergePatch(`{"metadata":{"labels":null}}`)), "cannot be removed")
		Expect(tenant.Patch(ctx, job, mergePatch(`{"spec":{"suspend":true}}`))).To(Succeed())
		drop()
	})

	It("leaves alone the Jobs that were there before", func(ctx SpecContext) {
		namespace := newNamespace(ctx, nil)
		job := newJob(namespace, "early", "")
		Expect(tenant.Create(ctx, job)).To(Succeed())
		Expect(admin.Patch(ctx, namespaceObject(namespace), mergePatch(`{"metadata":{"labels":{"fairlead.dev/managed":"strict"}}}`))).To(Succeed())
		Eventually(ctx, func() error { return admin.Create(ctx, newJob(namespace, "late", ""), client.DryRunAll) }).
			WithTimeout(30 * time.Second).Should(MatchError(ContainSubstring(refusal)))
		Expect(tenant.Patch(ctx, job, mergePatch(`{"spec":{"parallelism":1}}`))).To(Succeed())
		job.Status.Active = 1
		Expect(as(jobController).Status().Update(ctx, job)).To(Succeed())
		Expect(tenant.Delete(ctx, job)).To(Succeed())
	})

	It("takes other values of its label for none", func(ctx SpecContext) {
		namespace := newNamespace(ctx, map[string]string{fairleadv1beta1.ManagedLabel: "relaxed"})
		free := newJob(namespace, "free", "")
		Expect(tenant.Create(ctx, free)).To(Succeed())
		Expect(suspended(free)).To(BeFalse())
	})
})

var _ = Describe("A namespace with a default queue", func() {
	queued := func(ctx context.Context, job *batchv1.Job, queue string) {
		GinkgoHelper()
		Expect(as(alice).Create(ctx, job)).To(Succeed())
		Expect(job.Labels).To(HaveKeyWithValue(fairleadv1beta1.QueueLabel, queue))
		Expect(suspended(job)).To(BeTrue())
	}

	It("gives it to Jobs that name none, and suspends them", func(ctx SpecContext) {
		namespace := newNamespace(ctx, map[string]string{fairleadv1beta1.DefaultQueueLabel: "default"})
		queued(ctx, newJob(namespace, "bare", ""), "default")
		labelled := newJob(namespace, "labelled", "")
		labelled.Labels = map[string]string{"team": "a"}
		queued(ctx, labelled, "default")
		Expect(labelled.Labels).To(HaveKeyWithValue("team", "a"))
		running := newJob(namespace, "running", "")
		running.Spec.Suspend = new(false)
		queued(ctx, running, "default")
		unnamed := newJob(namespace, "", "")
		unnamed.GenerateName = "run-"
		queued(ctx, unnamed, "default")

		By("leaving a choice alone")
		queued(ctx, newJob(namespace, "chosen", "other"), "other")

		By("protecting the Job from then on")
		job := &batchv1.Job{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "bare"}, job)).To(Succeed())
		expectForbidden(as(alice).Patch(ctx, job, mergePatch(`{"spec":{"suspend":false}}`)), "is queued in default")
	})

	It("gives it to the Jobs of controllers and of kubectl", func(ctx SpecContext) {
		namespace := newNamespace(ctx, map[string]string{fairleadv1beta1.DefaultQueueLabel: "default"})
		child := newJob(namespace, "child", "")
		Expect(as(cronController).Create(ctx, child)).To(Succeed())
		Expect(suspended(child)).To(BeTrue())
		out, err := kubectl(ctx, kubeconfigOf(server, alice), namespace, "", "create", "job", "typed", "--image=busybox")
		Expect(err).NotTo(HaveOccurred(), out)
		job := &batchv1.Job{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "typed"}, job)).To(Succeed())
		Expect(job.Labels).To(HaveKeyWithValue(fairleadv1beta1.QueueLabel, "default"))
	})

	It("satisfies a strict one", func(ctx SpecContext) {
		queued(ctx, newJob(newNamespace(ctx, map[string]string{
			fairleadv1beta1.DefaultQueueLabel: "default", fairleadv1beta1.ManagedLabel: fairleadv1beta1.ManagedStrict}), "bare", ""), "default")
	})

	It("leaves Jobs alone that were there before", func(ctx SpecContext) {
		namespace := newNamespace(ctx, nil)
		job := newJob(namespace, "early", "")
		Expect(as(alice).Create(ctx, job)).To(Succeed())
		Expect(admin.Patch(ctx, namespaceObject(namespace), mergePatch(`{"metadata":{"labels":{"fairlead.dev/default-queue":"default"}}}`))).To(Succeed())
		Eventually(ctx, func(g Gomega) {
			late := newJob(namespace, "late", "")
			g.Expect(admin.Create(ctx, late, client.DryRunAll)).To(Succeed())
			g.Expect(suspended(late)).To(BeTrue())
		}).WithTimeout(30 * time.Second).Should(Succeed())
		Expect(as(alice).Patch(ctx, job, mergePatch(`{"spec":{"parallelism":1}}`))).To(Succeed())
		Expect(job.Labels).NotTo(HaveKey(fairleadv1beta1.QueueLabel))
		Expect(suspended(job)).To(BeFalse())
	})

	It("with an empty name has none", func(ctx SpecContext) {
		free := newJob(newNamespace(ctx, map[string]string{fairleadv1beta1.DefaultQueueLabel: ""}), "free", "")
		Expect(as(alice).Create(ctx, free)).To(Succeed())
		Expect(suspended(free)).To(BeFalse())
	})
})
