package manager

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

func forQueue(t *tenant, name string) func(*v1beta1.Reservation) {
	return func(r *v1beta1.Reservation) {
		r.Spec.LocalQueues = []v1beta1.ReservationLocalQueue{{Namespace: t.ns, Name: v1beta1.LocalQueueName(name)}}
	}
}

func keeping(t *tenant, cpu string) func(*v1beta1.Reservation) {
	return func(r *v1beta1.Reservation) {
		r.Spec.SharePercent = nil
		r.Spec.Resources = []v1beta1.ReservationFlavor{{Flavor: v1beta1.ResourceFlavorReference(t.plain), Amounts: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}}}
	}
}

var _ = Describe("Reservations in time", func() {
	It("keep those from starting that would run into them, let short ones go, also after a restart; deleted, they let all go", func(ctx SpecContext) {
		t := newTenant(ctx, "9")
		m := startManager()
		r := t.reserves("outage", 10*time.Minute, time.Hour)
		t.stands(r, v1beta1.ReservationConflicting, metav1.ConditionFalse, v1beta1.ReservationHasRoom)
		long, unlimited := t.submit("long", atMost("3600")), t.submit("unlimited")
		t.waiting(long)
		t.waiting(unlimited)
		t.started(t.submit("short", atMost("60")))
		m.kill()
		m = startManager()
		t.started(t.submit("shorter", atMost("30")))
		t.waiting(t.submit("longer", atMost("4000")))
		Expect(isSuspended(t.fresh(long))).To(BeTrue())
		Expect(isSuspended(t.fresh(unlimited))).To(BeTrue())
		Expect(admin.Delete(ctx, r)).To(Succeed())
		t.started(long)
		t.started(unlimited)
		Expect(m.refusals()).To(BeEmpty())
	})

	It("count as they are edited", func(ctx SpecContext) {
		t := newTenant(ctx, "9")
		startManager()
		r := t.reserves("outage", 10*time.Minute, time.Hour)
		t.stands(r, v1beta1.ReservationActive, metav1.ConditionFalse, v1beta1.ReservationPending)
		j := t.submit("job", atMost("3600"))
		t.waiting(j)
		edit(t, r, func(r *v1beta1.Reservation) { r.Spec.Start = metav1.NewTime(time.Now().Add(3 * time.Hour)) })
		t.started(j)
	})

	It("are free at their start for the LocalQueue they are for, and for nobody else", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		t.create(t.localQueue("vip", t.ns))
		startManager()
		r := t.reserves("tutorial", 5*time.Second, time.Hour, keeping(t, "3"), forQueue(t, "vip"))
		t.stands(r, v1beta1.ReservationActive, metav1.ConditionFalse, v1beta1.ReservationPending)
		first, second := t.submit("first", atMost("3600")), t.submit("second", atMost("3600"))
		Eventually(func() bool { return isSuspended(t.fresh(first)) != isSuspended(t.fresh(second)) }).Should(BeTrue())
		t.stands(r, v1beta1.ReservationActive, metav1.ConditionTrue, v1beta1.ReservationOn)
		guest := t.submit("guest", cpu("3"), atMost("3600"), label(v1beta1.QueueLabel, "vip"))
		t.started(guest)
		Expect(isSuspended(t.fresh(first))).NotTo(Equal(isSuspended(t.fresh(second))))
	})

	It("that overlap say so, with the arithmetic, until one gives way", func(ctx SpecContext) {
		t := newTenant(ctx, "100")
		startManager()
		a := t.reserves("a", time.Hour, time.Hour, keeping(t, "60"))
		t.stands(a, v1beta1.ReservationConflicting, metav1.ConditionFalse, v1beta1.ReservationHasRoom)
		b := t.reserves("b", 90*time.Minute, time.Hour, keeping(t, "70"))
		Expect(t.stands(b, v1beta1.ReservationConflicting, metav1.ConditionTrue, v1beta1.ReservationLacksRoom)).To(And(
			ContainSubstring("ClusterQueue %s lacks 30 cpu of flavor %s", t.ns, t.plain), ContainSubstring("of its 100"),
			ContainSubstring("60 are kept by Reservation %s", a.Name), ContainSubstring("70 are kept here")))
		edit(t, b, func(r *v1beta1.Reservation) { r.Spec.Start = metav1.NewTime(a.Spec.Start.Add(time.Hour)) })
		t.stands(b, v1beta1.ReservationConflicting, metav1.ConditionFalse, v1beta1.ReservationHasRoom)
		t.stands(a, v1beta1.ReservationConflicting, metav1.ConditionFalse, v1beta1.ReservationHasRoom)
	})

	It("leave alone what runs, and say that it will not have ended", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		startManager()
		j := t.running("running", cpu("3"), atMost("7200"))
		r := t.reserves("outage", 3*time.Second, time.Hour)
		Expect(t.stands(r, v1beta1.ReservationConflicting, metav1.ConditionTrue, v1beta1.ReservationLacksRoom)).To(And(
			ContainSubstring("lacks 3 cpu"), ContainSubstring("at least 3 are in use by what will not have ended")))
		t.stands(r, v1beta1.ReservationActive, metav1.ConditionTrue, v1beta1.ReservationOn)
		Expect(isSuspended(t.fresh(j))).To(BeFalse())
		t.finish(j, batchv1.JobComplete)
		t.waiting(t.submit("next", atMost("60")))
	})

	It("of a ClusterQueue that does not exist keep nothing until it does", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		startManager()
		r := t.reserves("typo", time.Hour, time.Hour, func(r *v1beta1.Reservation) { r.Spec.ClusterQueue = v1beta1.ClusterQueueReference(t.ns + "-later") })
		Expect(t.stands(r, v1beta1.ReservationActive, metav1.ConditionFalse, v1beta1.ReservationMisconfigured)).To(ContainSubstring(t.ns + "-later"))
		later := t.clusterQueue(t.ns+"-later", "1", t.plain)
		t.create(later)
		DeferCleanup(func() { Expect(client.IgnoreNotFound(admin.Delete(t.ctx, later))).To(Succeed()) })
		t.stands(r, v1beta1.ReservationActive, metav1.ConditionFalse, v1beta1.ReservationPending)
	})

	It("begin and end by the clock alone", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		startManager()
		r := t.reserves("blink", 0, 4*time.Second)
		t.stands(r, v1beta1.ReservationActive, metav1.ConditionTrue, v1beta1.ReservationOn)
		j := t.submit("patient", atMost("3600"))
		t.started(j)
		Expect(condition(t.workloadOf(j), v1beta1.WorkloadAdmitted).LastTransitionTime.Time).To(BeTemporally(">=", r.Spec.Start.Add(3*time.Second)))
	})
})
