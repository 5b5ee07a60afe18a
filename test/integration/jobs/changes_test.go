package jobs

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
)

func sizes() {
	Describe("A Job whose size is changed", func() {
		It("while it waits is charged for the new one", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("narrowed", pods(6, 6))
			l.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
			Expect(l.patch(j, `{"spec":{"parallelism":3}}`)).To(Succeed())
			running := l.running(j, 3)
			count, cores := l.charged(j)
			Expect(count).To(BeEquivalentTo(3))
			Expect(cores).To(Equal("3"))
			for i := range running {
				l.end(&running[i], 0)
			}
			running = l.running(j, 3)
			for i := range running {
				l.end(&running[i], 0)
			}
			l.finished(j, batchv1.JobComplete, v1beta1.FinishedSucceeded)
		})

		It("while it runs may fall, not rise", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("running", pods(3, 6))
			l.running(j, 3)
			err := l.patch(l.fresh(j), `{"spec":{"parallelism":4}}`)
			Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
			Expect(err).To(MatchError(ContainSubstring("Job running is running on quota for 3 pods of queue main: spec.parallelism can fall, but not rise to 4")))
			Expect(l.patch(l.fresh(j), `{"spec":{"parallelism":1}}`)).To(Succeed())
			last := l.running(j, 1)
			Expect(isSuspended(l.fresh(j))).To(BeFalse())
			for done := range 6 {
				l.end(&last[0], 0)
				Eventually(func() int32 { return l.fresh(j).Status.Succeeded }).Should(BeEquivalentTo(done + 1))
				if done < 5 {
					last = l.running(j, 1)
				}
			}
			l.finished(j, batchv1.JobComplete, v1beta1.FinishedSucceeded)
		})

		It("and that is elastic (indexed, parallelism with completions) waits and shrinks as a whole", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("elastic", indexed, pods(6, 6))
			l.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
			Expect(l.patch(l.fresh(j), `{"spec":{"parallelism":4,"completions":4}}`)).To(Succeed())
			l.running(j, 4)
			count, _ := l.charged(j)
			Expect(count).To(BeEquivalentTo(4))
			err := l.patch(l.fresh(j), `{"spec":{"parallelism":5,"completions":5}}`)
			Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
			Expect(err).To(MatchError(ContainSubstring("can fall, but not rise to 5")))
			Expect(l.patch(l.fresh(j), `{"spec":{"parallelism":2,"completions":2}}`)).To(Succeed())
			running := l.running(j, 2)
			l.end(ofIndex(running, 0), 0)
			l.end(ofIndex(running, 1), 0)
			l.finished(j, batchv1.JobComplete, v1beta1.FinishedSucceeded)
		})

		It("while it is suspended in between is charged for what is left to do", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("resumed", indexed, pods(3, 3))
			l.end(ofIndex(l.running(j, 3), 1), 0)
			Eventually(func() int32 { return l.fresh(j).Status.Succeeded }).Should(BeEquivalentTo(1))
			Expect(l.patch(l.fresh(j), `{"spec":{"suspend":true}}`)).To(Succeed())
			Eventually(func() *int32 {
				if wl := l.workload(j); wl.Status.Admission != nil && l.fresh(j).Generation > 3 {
					return wl.Status.Admission.PodSetAssignments[0].Count
				}
				return nil
			}).Should(HaveValue(BeEquivalentTo(2)))
			running := l.running(j, 2)
			l.end(ofIndex(running, 0), 0)
			l.end(ofIndex(running, 2), 0)
			l.finished(j, batchv1.JobComplete, v1beta1.FinishedSucceeded)
		})
	})
}

// templates are pod templates of which nothing may be lost.
var templates = map[string]func(*corev1.PodTemplateSpec){
	"bare": func(*corev1.PodTemplateSpec) {},
	"with a node selector and tolerations of its own": func(t *corev1.PodTemplateSpec) {
		t.Spec.NodeSelector = map[string]string{"kubernetes.io/os": "linux"}
		t.Spec.Tolerations = []corev1.Toleration{
			{Key: "own", Operator: corev1.TolerationOpEqual, Value: "a", Effect: corev1.TaintEffectNoSchedule},
			{Key: "twice", Operator: corev1.TolerationOpExists},
			{Key: "twice", Operator: corev1.TolerationOpExists},
		}
	},
	"that says already what the flavor says": func(t *corev1.PodTemplateSpec) {
		t.Spec.NodeSelector = map[string]string{"example.com/kind": "fast"}
		t.Spec.Tolerations = []corev1.Toleration{{Key: "fast", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}}
	},
	"with everything else": func(t *corev1.PodTemplateSpec) {
		t.Labels = map[string]string{"team": "atlas"}
		t.Annotations["note"] = "schön, with \"quotes\" and <brackets>"
		grace, off := int64(7), false
		t.Spec.TerminationGracePeriodSeconds, t.Spec.AutomountServiceAccountToken = &grace, &off
		t.Spec.Hostname, t.Spec.DNSPolicy = "worker", corev1.DNSNone
		t.Spec.DNSConfig = &corev1.PodDNSConfig{Nameservers: []string{"192.0.2.1"}}
		t.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 3, Preference: corev1.NodeSelectorTerm{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "disk", Operator: corev1.NodeSelectorOpExists}}}}}}}
		t.Spec.Volumes = []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		t.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "scratch", MountPath: "/scratch"}}
		t.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "SITE", Value: "BNL"}, {Name: "POD", ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}}
		t.Spec.Containers[0].Command = []string{"sh", "-c", "sleep 1 && echo $(SITE)"}
		t.Spec.InitContainers = []corev1.Container{{Name: "stage-in", Image: "busybox"}}
	},
}

func restorations() {
	Describe("The pod template of a Job", func() {
		for name, change := range templates {
			It(fmt.Sprintf("(%s) is to the byte what it was, after an admission and an eviction", name), func(ctx SpecContext) {
				l := newLab(ctx, func(f *v1beta1.ResourceFlavor) {
					f.Spec.NodeLabels = map[string]string{"example.com/kind": "fast"}
					f.Spec.Tolerations = []corev1.Toleration{{Key: "fast", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}}
				})
				j := l.job("restored", func(j *batchv1.Job) { change(&j.Spec.Template) })
				j.Labels[v1beta1.QueueLabel] = "later" // there is none: it waits
				Expect(tenant.Create(l.ctx, j)).To(Succeed())
				before := l.template(j)
				Expect(l.patch(l.fresh(j), `{"metadata":{"labels":{"fairlead.dev/queue-name":"main"}}}`)).To(Succeed())
				for range 2 { // what is restored once must be restorable again
					pod := l.running(j, 1)[0]
					Expect(pod.Spec.NodeSelector).To(HaveKeyWithValue("example.com/kind", "fast"))
					Expect(pod.Spec.Tolerations).To(ContainElement(corev1.Toleration{Key: "fast", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}))
					for key, value := range j.Spec.Template.Spec.NodeSelector {
						Expect(pod.Spec.NodeSelector).To(HaveKeyWithValue(key, value))
					}
					Expect(l.patch(l.workload(j), `{"spec":{"active":false}}`)).To(Succeed())
					l.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingEvaluation)
					Expect(l.template(j)).To(Equal(before))
					Expect(l.fresh(j).Annotations).NotTo(HaveKey(v1beta1.InjectedAnnotation))
					Expect(l.patch(l.workload(j), `{"spec":{"active":true}}`)).To(Succeed())
				}
				l.end(&l.running(j, 1)[0], 0)
				l.finished(j, batchv1.JobComplete, v1beta1.FinishedSucceeded)
			})
		}
	})
}
