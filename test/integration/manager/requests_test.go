package manager

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/apis/v1beta1"
)

func resources(pairs ...string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		list[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return list
}

func requesting(pairs ...string) func(*batchv1.Job) {
	return func(j *batchv1.Job) {
		j.Spec.Template.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: resources(pairs...)}
	}
}

// extended has requests and limits, as extended resources must.
func extended(pairs ...string) func(*batchv1.Job) {
	return func(j *batchv1.Job) {
		r := &j.Spec.Template.Spec.Containers[0].Resources
		r.Limits = resources(pairs...)
		for name, q := range r.Limits {
			r.Requests[name] = q
		}
	}
}

// covers gives the tenant's ClusterQueue quotas of these resources instead.
func (t *tenant) covers(pairs ...string) {
	GinkgoHelper()
	edit(t, t.clusterQueue(t.ns, "0"), func(cq *v1beta1.ClusterQueue) {
		group := v1beta1.ResourceGroup{Flavors: []v1beta1.FlavorQuotas{{Name: v1beta1.ResourceFlavorReference(t.plain)}}}
		for i := 0; i < len(pairs); i += 2 {
			name := corev1.ResourceName(pairs[i])
			group.CoveredResources = append(group.CoveredResources, name)
			group.Flavors[0].Resources = append(group.Flavors[0].Resources, v1beta1.ResourceQuota{Name: name, NominalQuota: resource.MustParse(pairs[i+1])})
		}
		cq.Spec.ResourceGroups = []v1beta1.ResourceGroup{group}
	})
}

// limitRange makes a LimitRange in the tenant's namespace, gone with the spec.
func (t *tenant) limitRange(name string, item corev1.LimitRangeItem) *corev1.LimitRange {
	GinkgoHelper()
	lr := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Namespace: t.ns, Name: name}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{item}}}
	t.create(lr)
	return lr
}

// uses is what the Job's Workload was given of a resource.
func (t *tenant) uses(j *batchv1.Job, name corev1.ResourceName) string {
	GinkgoHelper()
	wl := t.workloadOf(j)
	if wl == nil || wl.Status.Admission == nil {
		return "nothing"
	}
	q, has := wl.Status.Admission.PodSetAssignments[0].ResourceUsage[name]
	if !has {
		return "uncounted"
	}
	return q.String()
}

var _ = Describe("A LimitRange", func() {
	It("gives Jobs their default requests, those that wait already too", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		startManager()
		big := t.submit("big", cpu("3"))
		t.says(big, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		edit(t, t.clusterQueue(t.ns, "0"), func(cq *v1beta1.ClusterQueue) { cq.Spec.StopPolicy = v1beta1.StopPolicyHold })
		small := t.submit("small", requesting())
		t.says(small, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingSuspended)
		t.limitRange("defaults", corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, DefaultRequest: resources("cpu", "1500m")})
		edit(t, t.clusterQueue(t.ns, "0"), func(cq *v1beta1.ClusterQueue) { cq.Spec.StopPolicy = v1beta1.StopPolicyNone })
		t.started(small)
		Expect(t.uses(small, corev1.ResourceCPU)).To(Equal("1500m"))
	})

	It("that a Job violates makes it Misconfigured, until it is edited", func(ctx SpecContext) {
		t := newTenant(ctx, "10")
		lr := t.limitRange("bounds", corev1.LimitRangeItem{Type: corev1.LimitTypePod, Max: resources("cpu", "2")})
		startManager()
		j := t.submit("wide", func(j *batchv1.Job) {
			j.Spec.Template.Spec.Containers[0].Resources = corev1.ResourceRequirements{Limits: resources("cpu", "4")}
		})
		Expect(t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)).To(And(
			ContainSubstring("pod set main"), ContainSubstring("limit of cpu is 4"), ContainSubstring("LimitRange bounds allows at most 2 for each pod")))
		other := t.submit("fine", func(j *batchv1.Job) {
			j.Spec.Template.Spec.Containers[0].Resources = corev1.ResourceRequirements{Limits: resources("cpu", "2")}
		})
		t.started(other)
		edit(t, lr, func(lr *corev1.LimitRange) { lr.Spec.Limits[0].Max = resources("cpu", "5") })
		t.started(j)
		Expect(t.uses(j, corev1.ResourceCPU)).To(Equal("4"))
	})

	It("whose default limit is below a request makes the Job Misconfigured, until it is gone", func(ctx SpecContext) {
		t := newTenant(ctx, "10")
		lr := t.limitRange("tight", corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Default: resources("cpu", "1"), DefaultRequest: resources("cpu", "1")})
		startManager()
		j := t.submit("wide", cpu("2"))
		Expect(t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)).To(
			ContainSubstring("request of cpu is 2, above the default limit of LimitRange tight of 1"))
		Expect(admin.Delete(ctx, lr)).To(Succeed())
		t.started(j)
	})

	It("made while a Job runs leaves it alone", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		m := startManager()
		j := t.submit("running")
		t.started(j)
		t.run(j)
		t.limitRange("later", corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Max: resources("cpu", "500m")})
		next := t.submit("next")
		t.says(next, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)
		Expect(isSuspended(t.fresh(j))).To(BeFalse())
		Expect(m.counts()["PATCH jobs"]).To(Equal(1))
	})
})

var _ = Describe("A RuntimeClass", func() {
	It("adds its overhead, and has to exist", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		startManager()
		name := t.ns + "-kata"
		j := t.submit("boxed", func(j *batchv1.Job) { j.Spec.Template.Spec.RuntimeClassName = &name })
		Expect(t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)).To(
			ContainSubstring("RuntimeClass \"" + name + "\" does not exist"))
		class := &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Handler: "kata", Overhead: &nodev1.Overhead{PodFixed: resources("cpu", "250m")}}
		t.create(class)
		DeferCleanup(func() { Expect(admin.Delete(t.ctx, class)).To(Succeed()) })
		t.started(j)
		Expect(t.uses(j, corev1.ResourceCPU)).To(Equal("1250m"))
	})
})

var _ = Describe("Pods", func() {
	It("are counted where the ClusterQueue covers them, whatever they request", func(ctx SpecContext) {
		t := newTenant(ctx, "0")
		t.covers("cpu", "100", "pods", "3")
		startManager()
		j := t.submit("first", pods(2), requesting())
		t.started(j)
		Expect(t.uses(j, corev1.ResourcePods)).To(Equal("2"))
		Expect(t.uses(j, corev1.ResourceCPU)).To(Equal("uncounted"))
		second := t.submit("second", pods(2), cpu("1"))
		Expect(t.says(second, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)).To(ContainSubstring("pods"))
		t.run(j)
		t.finish(j, batchv1.JobComplete)
		t.started(second)
	})

	It("may request resources as a whole", func(ctx SpecContext) {
		t := newTenant(ctx, "10")
		startManager()
		j := t.submit("whole", func(j *batchv1.Job) {
			j.Spec.Template.Spec.Resources = &corev1.ResourceRequirements{Requests: resources("cpu", "3")}
		})
		t.started(j)
		Expect(t.uses(j, corev1.ResourceCPU)).To(Equal("3"))
	})

	It("count their restartable init containers besides the others", func(ctx SpecContext) {
		t := newTenant(ctx, "10")
		startManager()
		always := corev1.ContainerRestartPolicyAlways
		j := t.submit("sidecar", func(j *batchv1.Job) {
			spec := &j.Spec.Template.Spec
			side := *spec.Containers[0].DeepCopy()
			side.Name, side.RestartPolicy = "side", &always
			first := *spec.Containers[0].DeepCopy()
			first.Name, first.Resources.Requests = "first", resources("cpu", "1500m")
			spec.InitContainers = []corev1.Container{side, first}
		})
		t.started(j)
		Expect(t.uses(j, corev1.ResourceCPU)).To(Equal("2500m"))
	})
})

var _ = Describe("The configuration of resources", func() {
	counting := func(change func(*configv1beta1.Resources)) option {
		return withConfig(func(c *configv1beta1.Configuration) {
			c.Resources = &configv1beta1.Resources{}
			change(c.Resources)
		})
	}

	It("transforms requests", func(ctx SpecContext) {
		t := newTenant(ctx, "0")
		t.covers("cpu", "10", "example.com/credits", "20")
		startManager(counting(func(r *configv1beta1.Resources) {
			r.Transformations = []configv1beta1.ResourceTransformation{{
				Input: "example.com/memory", MultiplyBy: "example.com/gpu", Strategy: configv1beta1.TransformationReplace,
				Outputs: map[string]resource.Quantity{"example.com/credits": resource.MustParse("2")},
			}, {
				Input: "example.com/gpu", Strategy: configv1beta1.TransformationReplace,
			}}
		}))
		j := t.submit("gpus", extended("example.com/memory", "4", "example.com/gpu", "2"))
		t.started(j)
		Expect(t.uses(j, "example.com/credits")).To(Equal("16"))
		Expect(t.uses(j, corev1.ResourceCPU)).To(Equal("1"))
		second := t.submit("second", pods(2), extended("example.com/memory", "4", "example.com/gpu", "1"))
		Expect(t.says(second, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)).To(ContainSubstring("example.com/credits"))
		asks := t.workloadOf(second).Status.ResourceRequests
		Expect(asks).To(HaveLen(1))
		Expect(equality.Semantic.DeepEqual(asks[0].Resources, resources("cpu", "2", "example.com/credits", "16"))).To(BeTrue(), "asks for %v", asks)
		t.run(j)
		t.finish(j, batchv1.JobComplete)
		t.started(second)
		Expect(t.workloadOf(second).Status.ResourceRequests).To(BeEmpty())
	})

	It("leaves excluded resources out", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		startManager(counting(func(r *configv1beta1.Resources) { r.ExcludeResourcePrefixes = []string{"example.com/"} }))
		j := t.submit("gpu", extended("example.com/gpu", "2"))
		t.started(j)
		Expect(t.uses(j, "example.com/gpu")).To(Equal("uncounted"))
		other := t.submit("other", extended("example.org/gpu", "2"))
		Expect(t.says(other, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingNoMatchingFlavor)).To(ContainSubstring("example.org/gpu"))
	})

	It("says what an undeclared resource means", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		m := startManager()
		j := t.submit("gpu", extended("example.com/gpu", "2"))
		Expect(t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingNoMatchingFlavor)).To(ContainSubstring("example.com/gpu"))
		m.stop()
		startManager(counting(func(r *configv1beta1.Resources) { r.QuotaCheckStrategy = configv1beta1.IgnoreUndeclared }))
		t.started(j)
		Expect(t.uses(j, "example.com/gpu")).To(Equal("uncounted"))
	})
})

var _ = Describe("A strict namespace", func() {
	It("has every pod request what its ClusterQueue covers", func(ctx SpecContext) {
		t := newTenant(ctx, "0")
		t.covers("cpu", "10", "memory", "10Gi")
		edit(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, func(ns *corev1.Namespace) {
			ns.Labels[v1beta1.ManagedLabel] = v1beta1.ManagedStrict
		})
		startManager()
		j := t.submit("careless")
		Expect(t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)).To(And(
			ContainSubstring("pod set main: no request of memory, which ClusterQueue "+t.ns+" covers"), ContainSubstring("LimitRange")))
		t.started(t.submit("careful", requesting("cpu", "1", "memory", "1Gi")))
		t.limitRange("defaults", corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, DefaultRequest: resources("memory", "2Gi")})
		t.started(j)
		Expect(t.uses(j, corev1.ResourceMemory)).To(Equal("2Gi"))
	})

	It("is asked again when its label or its queue changes", func(ctx SpecContext) {
		t := newTenant(ctx, "10")
		strict := func(on bool) {
			edit(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, func(ns *corev1.Namespace) {
				delete(ns.Labels, v1beta1.ManagedLabel)
				if on {
					ns.Labels[v1beta1.ManagedLabel] = v1beta1.ManagedStrict
				}
			})
		}
		strict(true)
		startManager()
		t.started(t.submit("enough"))
		t.covers("cpu", "10", "memory", "10Gi")
		j := t.submit("nomore")
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)
		strict(false)
		t.started(j)
	})
})
