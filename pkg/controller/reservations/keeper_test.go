package reservations

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// desk is a Keeper whose engine and server are played by the test.
type desk struct {
	*Keeper
	told     []string
	snapshot *admission.Snapshot
	writes   int
	fail     error
	leading  chan struct{}
	version  int
	now      time.Time
}

func newDesk() *desk {
	d := &desk{snapshot: &admission.Snapshot{}, leading: make(chan struct{}), now: time.Now().Truncate(time.Second)}
	close(d.leading)
	d.Keeper = New(Config{
		Tell: func(name string, event admission.Event) {
			note := fmt.Sprintf("%s %T", name, event)[len("Reservation/"):]
			if set, ok := event.(admission.SetReservation); ok {
				note += fmt.Sprintf(" %d", len(set.Windows))
			}
			d.told = append(d.told, note)
		},
		Snapshot: func() *admission.Snapshot { return d.snapshot },
		Update: func(_ context.Context, obj client.Object) error {
			if d.fail != nil {
				return d.fail
			}
			d.writes++
			d.version++
			obj.SetResourceVersion(fmt.Sprint(d.version))
			return nil
		},
		Leading: d.leading, Log: logr.Discard(),
	})
	d.clock = func() time.Time { return d.now }
	d.Keep(Books{Reservations: ledger.NewBook(d.Changed), ClusterQueues: ledger.NewBook[*v1beta1.ClusterQueue](nil), LocalQueues: ledger.NewBook[*v1beta1.LocalQueue](nil)})
	cq := &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "osg", ResourceVersion: "1"}}
	cq.Spec.ResourceGroups = []v1beta1.ResourceGroup{{CoveredResources: []corev1.ResourceName{"cpu"}, Flavors: []v1beta1.FlavorQuotas{{Name: "plain",
		Resources: []v1beta1.ResourceQuota{{Name: "cpu", NominalQuota: resource.MustParse("100")}}}}}}
	d.books.ClusterQueues.See(ledger.Key{Name: "osg"}, cq)
	return d
}

// see has the watch deliver a Reservation of ClusterQueue osg.
func (d *desk) see(name string, change ...func(*v1beta1.Reservation)) {
	d.version++
	r := &v1beta1.Reservation{ObjectMeta: metav1.ObjectMeta{Name: name, UID: "uid", Generation: 1}}
	if known, exists := d.books.Reservations.Get(ledger.Key{Name: name}); exists {
		r = known.DeepCopy()
		r.Generation++
	} else {
		share := int32(60)
		r.Spec = v1beta1.ReservationSpec{ClusterQueue: "osg", SharePercent: &share,
			Start: metav1.NewTime(d.now.Add(time.Hour)), Duration: metav1.Duration{Duration: time.Hour}}
	}
	r.ResourceVersion = fmt.Sprint(d.version)
	for _, c := range change {
		c(r)
	}
	d.books.Reservations.See(ledger.Key{Name: name}, r)
}

// says lets some time pass, has the Keeper look and returns a status in short.
func (d *desk) says(t *testing.T, name string, after time.Duration) string {
	t.Helper()
	d.now = d.now.Add(after)
	d.look(context.Background(), d.now)
	r, exists := d.books.Reservations.Get(ledger.Key{Name: name})
	if !exists {
		return "gone"
	}
	text := r.Status.Keeps + " for " + r.Status.For
	for _, kind := range []string{v1beta1.ReservationActive, v1beta1.ReservationConflicting} {
		if c := meta.FindStatusCondition(r.Status.Conditions, kind); c != nil {
			text += fmt.Sprintf("; %s=%s %s: %s", kind, c.Status, c.Reason, c.Message)
		}
	}
	return text
}

func (d *desk) expect(t *testing.T, got string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(got, w) {
			t.Errorf("%q does not say %q", got, w)
		}
	}
}

func TestAReservationComesAndGoes(t *testing.T) {
	d := newDesk()
	d.see("upgrade")
	d.expect(t, d.says(t, "upgrade", 0), "60% for nobody; Active=False Pending: It begins at "+clock(d.now.Add(time.Hour).UnixNano()))
	d.snapshot = &admission.Snapshot{Reservations: []admission.ReservationStatus{{Name: "upgrade"}}}
	d.expect(t, d.says(t, "upgrade", 3*time.Second), "Conflicting=False HasRoom")
	d.expect(t, d.says(t, "upgrade", time.Hour-4*time.Second), "Active=False Pending")
	if d.writes != 2 {
		t.Errorf("%d writes before it begins", d.writes)
	}
	d.expect(t, d.says(t, "upgrade", time.Second), "Active=True Active: It is on until ")
	if got := d.says(t, "upgrade", time.Hour); !strings.Contains(got, "Active=False Ended: It was over at ") || strings.Contains(got, "Conflicting") {
		t.Errorf("at its end: %s", got)
	}
	d.says(t, "upgrade", time.Hour)
	if d.writes != 4 {
		t.Errorf("%d writes in all", d.writes)
	}
	d.books.Reservations.Gone(ledger.Key{Name: "upgrade"}, "uid")
	if got := fmt.Sprint(d.told); got != "[upgrade admission.SetReservation 1 upgrade admission.DeleteReservation]" {
		t.Errorf("told %s", got)
	}
}

func TestARecurringOneIsToldAnewInTime(t *testing.T) {
	d := newDesk()
	d.see("weekly", func(r *v1beta1.Reservation) { r.Spec.Recurrence = &v1beta1.ReservationRecurrence{Schedule: "@weekly"} })
	d.says(t, "weekly", 80*24*time.Hour)
	if len(d.told) != 1 {
		t.Errorf("too early: %s", d.told)
	}
	d.says(t, "weekly", 20*24*time.Hour)
	if len(d.told) != 2 {
		t.Errorf("told %s", d.told)
	}
	until := metav1.NewTime(d.now.Add(10 * 24 * time.Hour))
	d.see("weekly", func(r *v1beta1.Reservation) { r.Spec.Recurrence.Until = &until })
	d.expect(t, d.says(t, "weekly", 3*time.Second), "Pending: It begins at")
	d.expect(t, d.says(t, "weekly", 11*24*time.Hour), "Ended: It was over at")
	writes := d.writes
	d.see("weekly", func(r *v1beta1.Reservation) { r.Labels = map[string]string{"a": "b"}; r.Generation-- })
	d.says(t, "weekly", time.Hour)
	if d.writes != writes || len(d.told) != 3 {
		t.Errorf("a label: %d writes, told %s", d.writes-writes, d.told)
	}
	d.see("weekly", func(r *v1beta1.Reservation) {
		past := metav1.NewTime(r.Spec.Start.Add(time.Minute))
		r.Spec.Recurrence.Until = &past
	})
	d.expect(t, d.says(t, "weekly", time.Hour), "Ended: It does not come again")
}

func TestWhatCannotBeKept(t *testing.T) {
	d := newDesk()
	d.see("typo", func(r *v1beta1.Reservation) {
		r.Spec.Recurrence = &v1beta1.ReservationRecurrence{Schedule: "61 8 * * *"}
	})
	d.expect(t, d.says(t, "typo", 0), "Active=False Misconfigured: spec.recurrence.schedule is \"61 8 * * *\"")
	d.see("typo", func(r *v1beta1.Reservation) { r.Spec.Recurrence = nil })
	d.expect(t, d.says(t, "typo", 3*time.Second), "Active=False Pending")
	d.snapshot = &admission.Snapshot{Reservations: []admission.ReservationStatus{{Name: "typo", Problem: "it does not exist"}}}
	d.expect(t, d.says(t, "typo", 3*time.Second), "Active=False Misconfigured: ClusterQueue osg: it does not exist")
	if got := fmt.Sprint(d.told); got != "[typo admission.DeleteReservation typo admission.SetReservation 1]" {
		t.Errorf("told %s", got)
	}
}

func TestConflictsAreWorkedOut(t *testing.T) {
	d := newDesk()
	amounts := func(r *v1beta1.Reservation) {
		r.Spec.SharePercent = nil
		r.Spec.Resources = []v1beta1.ReservationFlavor{{Flavor: "plain", Amounts: corev1.ResourceList{"cpu": resource.MustParse("55500m")}}}
	}
	d.see("a")
	d.see("b", amounts)
	d.see("later", func(r *v1beta1.Reservation) { r.Spec.Start = metav1.NewTime(d.now.Add(2 * time.Hour)) })
	at := d.now.Add(time.Hour).UnixNano()
	conflict := func(node string, missing int64) {
		d.snapshot = &admission.Snapshot{Reservations: []admission.ReservationStatus{{Name: "b",
			Conflict: &admission.ReservationConflict{Node: node, Flavor: "plain", Resource: "cpu", At: at, Missing: missing}}}}
	}
	conflict("osg", 15500)
	d.expect(t, d.says(t, "b", 0), "55500m cpu of plain for nobody", "Conflicting=True LacksRoom: At "+clock(at)+
		" ClusterQueue osg lacks 15500m cpu of flavor plain: of its 100, 60 are kept by Reservation a, 55500m are kept here")
	writes := d.writes
	conflict("osg", 20500)
	d.says(t, "b", 5*time.Second)
	if d.writes != writes {
		t.Error("written again for the wording at once")
	}
	d.expect(t, d.says(t, "b", calm), "lacks 20500m cpu", "kept here, at least 5 are in use by what will not have ended")
	d.see("b")
	conflict("wlcg", 1000)
	d.expect(t, d.says(t, "b", calm), "Cohort wlcg lacks 1 cpu of flavor plain, beside what will not have ended and other Reservations then: a")
}

func TestStrangersAreNamed(t *testing.T) {
	d := newDesk()
	door := func(name, cq string) {
		d.books.LocalQueues.See(ledger.Key{Namespace: "ns", Name: name}, &v1beta1.LocalQueue{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, ResourceVersion: "1"}, Spec: v1beta1.LocalQueueSpec{ClusterQueue: v1beta1.ClusterQueueReference(cq)}})
	}
	door("main", "osg")
	door("other", "usatlas")
	d.see("r", func(r *v1beta1.Reservation) {
		r.Spec.LocalQueues = []v1beta1.ReservationLocalQueue{{Namespace: "ns", Name: "main"}, {Namespace: "ns", Name: "other"}, {Namespace: "ns", Name: "ghost"}}
	})
	got := d.says(t, "r", 0)
	d.expect(t, got, "for ns/main, ns/other, ns/ghost", "LocalQueue ns/other leads to ClusterQueue usatlas and cannot use it", "LocalQueue ns/ghost does not exist")
	if strings.Contains(got, "ns/main does") || strings.Contains(got, "ns/main leads") {
		t.Error(got)
	}
}

func TestAStandbyTellsAndDoesNotWrite(t *testing.T) {
	d := newDesk()
	d.leading = make(chan struct{})
	d.config.Leading = d.leading
	d.see("r")
	d.says(t, "r", 0)
	if len(d.told) != 1 || d.writes != 0 {
		t.Errorf("told %s, %d writes", d.told, d.writes)
	}
	close(d.leading)
	d.fail = errors.New("no")
	d.says(t, "r", 0)
	d.fail = nil
	d.says(t, "r", time.Second)
	if d.writes != 0 {
		t.Error("written again at once")
	}
	d.says(t, "r", time.Second)
	if d.writes != 1 {
		t.Errorf("%d writes as a leader", d.writes)
	}
}

func TestColumnsAreShort(t *testing.T) {
	spec := &v1beta1.ReservationSpec{}
	for i := range 64 {
		spec.LocalQueues = append(spec.LocalQueues, v1beta1.ReservationLocalQueue{Namespace: "namespace", Name: v1beta1.LocalQueueName(fmt.Sprintf("queue-%d", i))})
	}
	if got := beneficiaries(spec); got != "namespace/queue-0, namespace/queue-1, namespace/queue-2 and 61 more" {
		t.Error(got)
	}
}
