package manager

import (
	"encoding/json"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// reserves creates a Reservation of all of the tenant's ClusterQueue, unless
// changed, that begins after a while.
func (t *tenant) reserves(name string, after, duration time.Duration, change ...func(*v1beta1.Reservation)) *v1beta1.Reservation {
	GinkgoHelper()
	all := int32(100)
	r := &v1beta1.Reservation{
		ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-" + name},
		Spec: v1beta1.ReservationSpec{
			ClusterQueue: v1beta1.ClusterQueueReference(t.ns), SharePercent: &all,
			Start: metav1.NewTime(time.Now().Add(after)), Duration: metav1.Duration{Duration: duration},
		},
	}
	for _, c := range change {
		c(r)
	}
	t.create(r)
	DeferCleanup(func() { Expect(client.IgnoreNotFound(admin.Delete(t.ctx, r))).To(Succeed()) })
	return r
}

// stands waits until a condition of a Reservation has this status and reason,
// and returns its message.
func (t *tenant) stands(r *v1beta1.Reservation, kind string, status metav1.ConditionStatus, reason string) string {
	GinkgoHelper()
	var message string
	Eventually(func() string {
		now := &v1beta1.Reservation{}
		Expect(admin.Get(t.ctx, client.ObjectKeyFromObject(r), now)).To(Succeed())
		c := meta.FindStatusCondition(now.Status.Conditions, kind)
		if c == nil || c.ObservedGeneration != now.Generation {
			return "not said"
		}
		message = c.Message
		return string(c.Status) + " " + c.Reason
	}).Should(Equal(string(status)+" "+reason), "condition %s of Reservation %s", kind, r.Name)
	return message
}

// row is what kubectl get shows of a Reservation, by column.
func (t *tenant) row(r *v1beta1.Reservation) map[string]string {
	GinkgoHelper()
	clients, err := kubernetes.NewForConfig(restConfig)
	Expect(err).NotTo(HaveOccurred())
	raw, err := clients.RESTClient().Get().AbsPath("/apis/fairlead.dev/v1beta1/reservations/"+r.Name).
		SetHeader("Accept", "application/json;as=Table;g=meta.k8s.io;v=v1").Do(t.ctx).Raw()
	Expect(err).NotTo(HaveOccurred())
	var table metav1.Table
	Expect(json.Unmarshal(raw, &table)).To(Succeed())
	row := map[string]string{}
	for i, column := range table.ColumnDefinitions {
		if text, ok := table.Rows[0].Cells[i].(string); ok {
			row[column.Name] = text
		}
	}
	return row
}

func weekly(schedule string) func(*v1beta1.Reservation) {
	return func(r *v1beta1.Reservation) {
		r.Spec.Recurrence = &v1beta1.ReservationRecurrence{Schedule: schedule}
	}
}

var _ = Describe("Reservations", func() {
	It("say where they stand as time passes, with whoever is the manager, and write no more than that", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		m := startManager()
		r := t.reserves("outage", 4*time.Second, 3*time.Second)
		start := r.Spec.Start.UTC().Truncate(time.Second)
		Expect(t.stands(r, v1beta1.ReservationActive, metav1.ConditionFalse, v1beta1.ReservationPending)).To(HavePrefix("It begins at " + start.Format(time.RFC3339)))
		Expect(t.row(r)).To(And(HaveKeyWithValue("ClusterQueue", t.ns), HaveKeyWithValue("Keeps", "100%"), HaveKeyWithValue("For", "nobody"),
			HaveKeyWithValue("Phase", "Pending"), HaveKeyWithValue("Start", start.Format(time.RFC3339)), HaveKeyWithValue("End", start.Add(3*time.Second).Format(time.RFC3339))))
		m.kill()
		m = startManager()
		t.stands(r, v1beta1.ReservationActive, metav1.ConditionTrue, v1beta1.ReservationOn)
		t.stands(r, v1beta1.ReservationActive, metav1.ConditionFalse, v1beta1.ReservationEnded)
		Expect(m.counts()["PUT reservations/status"]).To(BeNumerically("<=", 3))
		Expect(m.refusals()).To(BeEmpty())
	})

	It("that cannot be kept say why, and what to do; mended, they stand", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		startManager()
		r := t.reserves("typo", time.Hour, time.Hour, weekly("61 8 * * *"))
		Expect(t.stands(r, v1beta1.ReservationActive, metav1.ConditionFalse, v1beta1.ReservationMisconfigured)).To(
			And(ContainSubstring(`spec.recurrence.schedule is "61 8 * * *"`), ContainSubstring("write minute, hour, day of month")))
		edit(t, r, weekly("0 8 30 2 *"))
		Expect(t.stands(r, v1beta1.ReservationActive, metav1.ConditionFalse, v1beta1.ReservationMisconfigured)).To(ContainSubstring("never comes"))
		zone := "America/Upton"
		edit(t, r, func(r *v1beta1.Reservation) {
			r.Spec.Recurrence.Schedule, r.Spec.Recurrence.TimeZone = "0 8 * * TUE", &zone
		})
		Eventually(func() string {
			return t.stands(r, v1beta1.ReservationActive, metav1.ConditionFalse, v1beta1.ReservationMisconfigured)
		}).Should(
			ContainSubstring(`timeZone is "America/Upton", which is no time zone`))
		zone = "America/New_York"
		edit(t, r, func(r *v1beta1.Reservation) { r.Spec.Recurrence.TimeZone = &zone })
		t.stands(r, v1beta1.ReservationActive, metav1.ConditionFalse, v1beta1.ReservationPending)
		newYork, err := time.LoadLocation(zone)
		Expect(err).NotTo(HaveOccurred())
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(r), r)).To(Succeed())
		begins := r.Status.Window.Start.In(newYork)
		Expect(begins.Weekday()).To(Equal(time.Tuesday))
		Expect(begins.Hour()).To(Equal(8))
		Expect(r.Status.Window.End.Sub(begins)).To(Equal(time.Hour))
	})
})
