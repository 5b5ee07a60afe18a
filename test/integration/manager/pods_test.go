package manager

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	resourcehelper "k8s.io/component-helpers/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

// dice draws pods and LimitRanges.
type dice struct{ *rand.Rand }

func (d dice) chance(percent int) bool { return d.Intn(100) < percent }

// amounts draws some of cpu and memory.
func (d dice) amounts(percent int, cpu, memory []string) corev1.ResourceList {
	list := corev1.ResourceList{}
	if d.chance(percent) {
		list[corev1.ResourceCPU] = resources("cpu", cpu[d.Intn(len(cpu))])[corev1.ResourceCPU]
	}
	if d.chance(percent) {
		list[corev1.ResourceMemory] = resources("memory", memory[d.Intn(len(memory))])[corev1.ResourceMemory]
	}
	return list
}

func (d dice) small(percent int) corev1.ResourceList {
	return d.amounts(percent, []string{"0", "100m", "500m", "1", "1500m"}, []string{"0", "100Mi", "512Mi", "1Gi"})
}

func (d dice) large(percent int) corev1.ResourceList {
	return d.amounts(percent, []string{"1500m", "2", "4", "8"}, []string{"1Gi", "1536Mi", "4Gi", "8Gi"})
}

func (d dice) container(name string) corev1.Container {
	c := corev1.Container{Name: name, Image: "busybox", Resources: corev1.ResourceRequirements{Requests: d.small(60), Limits: d.large(50)}}
	if d.chance(10) {
		c.Resources.Requests, c.Resources.Limits = c.Resources.Limits, c.Resources.Requests
	}
	return c
}

func (d dice) pod(runtimeClass string) corev1.PodSpec {
	var spec corev1.PodSpec
	for i := range 1 + d.Intn(3) {
		spec.Containers = append(spec.Containers, d.container(fmt.Sprintf("c%d", i)))
	}
	always := corev1.ContainerRestartPolicyAlways
	for i := range d.Intn(3) {
		c := d.container(fmt.Sprintf("i%d", i))
		if d.chance(50) {
			c.RestartPolicy = &always
		}
		spec.InitContainers = append(spec.InitContainers, c)
	}
	if d.chance(30) {
		spec.Resources = &corev1.ResourceRequirements{Requests: d.large(40), Limits: d.amounts(60, []string{"8", "16"}, []string{"8Gi", "16Gi"})}
	}
	if d.chance(30) {
		spec.RuntimeClassName = &runtimeClass
	}
	return spec
}

func (d dice) limitRange(namespace string, i int) *corev1.LimitRange {
	lr := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("range-%d", i)}}
	for _, kind := range []corev1.LimitType{corev1.LimitTypeContainer, corev1.LimitTypePod} {
		item := corev1.LimitRangeItem{Type: kind, Min: d.amounts(20, []string{"100m"}, []string{"100Mi"}),
			Max: d.amounts(20, []string{"8", "12"}, []string{"8Gi", "12Gi"}), MaxLimitRequestRatio: d.amounts(10, []string{"4", "8"}, []string{"4", "8"})}
		if kind == corev1.LimitTypeContainer {
			item.DefaultRequest, item.Default = d.amounts(40, []string{"200m", "1"}, []string{"256Mi", "1Gi"}), d.amounts(40, []string{"1", "2"}, []string{"1Gi", "2Gi"})
			item.MaxLimitRequestRatio = nil
		}
		lr.Spec.Limits = append(lr.Spec.Limits, item)
	}
	return lr
}

// neighbourhood is what one namespace adds to pods.
type neighbourhood struct {
	ranges []*corev1.LimitRange
	class  *nodev1.RuntimeClass
}

func (n *neighbourhood) LimitRanges(string) []*corev1.LimitRange { return n.ranges }

func (n *neighbourhood) RuntimeClass(string) (*nodev1.RuntimeClass, bool) { return n.class, true }

var _ = Describe("What a pod is charged", func() {
	It("is what the API server makes of it, and what it refuses is Misconfigured", func(ctx SpecContext) {
		t := newTenant(ctx, "0")
		d := dice{rand.New(rand.NewSource(GinkgoRandomSeed()))} // printed with the suite
		class := &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-boxed"}, Handler: "boxed",
			Overhead: &nodev1.Overhead{PodFixed: resources("cpu", "250m", "memory", "100Mi")}}
		t.create(class)
		DeferCleanup(func() { Expect(admin.Delete(t.ctx, class)).To(Succeed()) })
		charged, refused := 0, 0
		for n := range 12 {
			around := &neighbourhood{class: class}
			namespace := fmt.Sprintf("%s-%d", t.ns, n)
			t.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
			// The LimitRange is there before the first pod, so that the API server
			// looks for it instead of remembering that there was none.
			if n > 0 {
				lr := d.limitRange(namespace, n)
				for admin.Create(ctx, lr) != nil { // a default above a maximum and the like
					lr = d.limitRange(namespace, n)
				}
				around.ranges = append(around.ranges, lr)
			}
			for range 25 {
				if compare(ctx, around, namespace, d.pod(class.Name)) {
					charged++
				} else {
					refused++
				}
			}
		}
		AddReportEntry("pods", fmt.Sprintf("%d charged, %d refused", charged, refused))
		Expect(min(charged, refused)).To(BeNumerically(">", 30), "%d charged, %d refused", charged, refused)
	})
})

// compare has the API server create a pod, without keeping it, and holds what
// Fairlead makes of its template against that. It says whether the server
// took it.
func compare(ctx context.Context, around *neighbourhood, namespace string, spec corev1.PodSpec) bool {
	GinkgoHelper()
	raw, err := json.Marshal(corev1.PodTemplateSpec{Spec: spec})
	Expect(err).NotTo(HaveOccurred())
	shapes := translate.Shapes{Surroundings: around}
	shape := shapes.Of(&v1beta1.Workload{ObjectMeta: metav1.ObjectMeta{Namespace: namespace},
		Spec: v1beta1.WorkloadSpec{PodSets: []v1beta1.PodSet{{Name: "main", Count: 1, Template: runtime.RawExtension{Raw: raw}}}}})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "pod-"}, Spec: *spec.DeepCopy()}
	err = admin.Create(ctx, pod, client.DryRunAll)
	if err != nil {
		Expect(apierrors.IsInvalid(err) || apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
		Expect(shape.Problem).NotTo(BeEmpty(), "pod %s in %+v: the server says %v", raw, around.ranges, err)
		return false
	}
	Expect(shape.Problem).To(BeEmpty(), "pod %s in %+v", raw, around.ranges)
	want := map[string]int64{"pods": 1}
	for name, q := range resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}) {
		want[string(name)], err = translate.Amount(name, q)
		Expect(err).NotTo(HaveOccurred())
	}
	got := map[string]int64{}
	for _, r := range shape.PodSets[0].Requests {
		got[r.Resource] = r.Amount
	}
	Expect(got).To(Equal(want), "pod %s in %+v", raw, around.ranges)
	return true
}
