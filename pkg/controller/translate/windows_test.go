package translate

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
)

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02T15:04Z07:00", text)
	if err != nil {
		panic(err)
	}
	return t
}

func spec(start string, duration time.Duration, recurrence ...string) *v1beta1.ReservationSpec {
	s := &v1beta1.ReservationSpec{ClusterQueue: "osg", Start: metav1.NewTime(at(start)), Duration: metav1.Duration{Duration: duration}}
	if len(recurrence) > 0 {
		s.Recurrence = &v1beta1.ReservationRecurrence{Schedule: recurrence[0]}
	}
	if len(recurrence) > 1 && recurrence[1] != "" {
		s.Recurrence.TimeZone = &recurrence[1]
	}
	if len(recurrence) > 2 {
		until := metav1.NewTime(at(recurrence[2]))
		s.Recurrence.Until = &until
	}
	return s
}

// told writes the first windows for people.
func told(windows []admission.Window, n int) string {
	text := ""
	for i, w := range windows {
		if i == n {
			break
		}
		text += fmt.Sprintf("%s+%s ", time.Unix(0, w.Start).UTC().Format("01-02T15:04"), time.Duration(w.End-w.Start))
	}
	return strings.TrimSpace(text)
}

func TestWindows(t *testing.T) {
	now := at("2026-11-22T12:00Z") // a Sunday
	for name, c := range map[string]struct {
		spec  *v1beta1.ReservationSpec
		want  string // the first three
		count int
		again bool
	}{
		"once":                              {spec("2026-11-24T08:00Z", 8*time.Hour), "11-24T08:00+8h0m0s", 1, false},
		"once, long ago":                    {spec("2026-01-01T08:00Z", 8*time.Hour), "01-01T08:00+8h0m0s", 1, false},
		"every Tuesday":                     {spec("2026-01-01T00:00Z", 2*time.Hour, "0 8 * * TUE"), "11-24T08:00+2h0m0s 12-01T08:00+2h0m0s 12-08T08:00+2h0m0s", 53, true},
		"not before its start":              {spec("2026-12-01T08:00Z", 2*time.Hour, "0 8 * * TUE"), "12-01T08:00+2h0m0s 12-08T08:00+2h0m0s 12-15T08:00+2h0m0s", 52, true},
		"one that is on":                    {spec("2026-01-01T00:00Z", 6*time.Hour, "0 8 * * *", "", "2026-11-23T08:00Z"), "11-22T08:00+6h0m0s 11-23T08:00+6h0m0s", 2, false},
		"one that ends now":                 {spec("2026-01-01T00:00Z", 4*time.Hour, "0 8 * * *", "", "2026-11-22T09:00Z"), "", 0, false},
		"over":                              {spec("2026-01-01T00:00Z", time.Hour, "@daily", "", "2026-02-01T00:00Z"), "", 0, false},
		"longer than their distance":        {spec("2026-11-23T00:00Z", 36*time.Hour, "@daily", "", "2026-11-25T00:00Z"), "11-23T00:00+84h0m0s", 1, false},
		"end to end":                        {spec("2026-11-23T00:00Z", 24*time.Hour, "@daily", "", "2026-11-24T00:00Z"), "11-23T00:00+48h0m0s", 1, false},
		"on the clock of New York":          {spec("2026-01-01T00:00Z", time.Hour, "0 8 22,23 11 *", "America/New_York"), "11-22T13:00+1h0m0s 11-23T13:00+1h0m0s 11-22T13:00+1h0m0s", 3, true},
		"summer time comes to Berlin":       {spec("2027-03-27T00:00Z", time.Hour, "0 8 * * *", "Europe/Berlin", "2027-03-29T00:00Z"), "03-27T07:00+1h0m0s 03-28T06:00+1h0m0s", 2, false},
		"every minute, as far as it counts": {spec("2026-11-22T12:00Z", 30*time.Second, "* * * * *"), "11-22T12:00+30s 11-22T12:01+30s 11-22T12:02+30s", 1000, true},
	} {
		windows, again, err := Windows(c.spec, now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := told(windows, 3); got != c.want || len(windows) != c.count || again.IsZero() == c.again {
			t.Errorf("%s: %d windows, %s; again at %v; want %d, %s", name, len(windows), got, again, c.count, c.want)
		}
		if c.again && (again.Before(now.Add(time.Hour)) || again.UnixNano() >= windows[len(windows)-1].Start) {
			t.Errorf("%s: listed anew at %v", name, again)
		}
	}
}

func TestWindowsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		spec *v1beta1.ReservationSpec
		says string
	}{
		{spec("2026-11-24T08:00Z", 0), "spec.duration is 0s: it must be more than 0"},
		{spec("2026-11-24T08:00Z", -time.Hour), "must be more than 0"},
		{spec("2026-11-24T08:00Z", time.Hour, "61 8 * * *"), `spec.recurrence.schedule is "61 8 * * *", which cannot be read`},
		{spec("2026-11-24T08:00Z", time.Hour, "0 8 * * NOD"), "which cannot be read"},
		{spec("2026-11-24T08:00Z", time.Hour, ""), "which cannot be read"},
		{spec("2026-11-24T08:00Z", time.Hour, "0 8 30 2 *"), "which never comes"},
		{spec("2026-11-24T08:00Z", time.Hour, "TZ=UTC"), "the time zone goes into timeZone"},
		{spec("2026-11-24T08:00Z", time.Hour, "@every 5m"), "write five fields"},
		{spec("2026-11-24T08:00Z", time.Hour, "@daily", "America/Upton"), `spec.recurrence.timeZone is "America/Upton", which is no time zone`},
		{spec("2026-11-24T08:00Z", time.Hour, "@daily", "Local"), "is no time zone"},
	} {
		if _, _, err := Windows(c.spec, at("2026-11-22T12:00Z")); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("got %v, want %s", err, c.says)
		}
	}
}

// Windows are sorted and apart, none is over, and listing them later gives what
// was listed before as far as it was listed.
func TestWindowsStayWhatTheyWere(t *testing.T) {
	schedules := []string{"0 8 * * TUE", "@hourly", "*/7 * * * *", "30 2 * * *", "0 0 1 * *", "15 */5 * * MON-FRI"}
	zones := []string{"", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}
	rapid.Check(t, func(t *rapid.T) {
		s := spec("2026-03-01T00:00Z", time.Duration(rapid.IntRange(1, 3000).Draw(t, "minutes"))*time.Minute,
			rapid.SampledFrom(schedules).Draw(t, "schedule"), rapid.SampledFrom(zones).Draw(t, "zone"))
		now := at("2026-02-20T00:00Z").Add(time.Duration(rapid.IntRange(0, 400*24*60).Draw(t, "now")) * time.Minute)
		windows, again, err := Windows(s, now)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range windows {
			if w.End <= now.UnixNano() || i > 0 && w.Start <= windows[i-1].End || w.End-w.Start < int64(s.Duration.Duration) {
				t.Fatalf("window %d is %s", i, told(windows[i:], 1))
			}
		}
		if again.IsZero() {
			t.Fatal("it goes on for ever, and is listed once")
		}
		later, _, err := Windows(s, again)
		if err != nil {
			t.Fatal(err)
		}
		for len(windows) > 0 && windows[0].End <= again.UnixNano() {
			windows = windows[1:]
		}
		windows = windows[:max(len(windows)-1, 0)] // the last may have been cut
		for i := range windows {
			if i > 0 && windows[i] != later[i] || windows[i].End != later[i].End {
				t.Fatalf("window %d was %s and is %s", i, told(windows[i:], 1), told(later[i:], 1))
			}
		}
	})
}

func TestReservation(t *testing.T) {
	share := int32(35)
	r := &v1beta1.Reservation{ObjectMeta: metav1.ObjectMeta{Name: "upgrade"}, Spec: *spec("2026-11-24T08:00Z", time.Hour)}
	r.Spec.SharePercent = &share
	r.Spec.LocalQueues = []v1beta1.ReservationLocalQueue{{Namespace: "ns", Name: "main"}}
	start := at("2026-11-24T08:00Z").UnixNano()
	want := admission.Reservation{Name: "upgrade", ClusterQueue: "osg", ShareMilli: 350,
		Windows: []admission.Window{{Start: start, End: start + int64(time.Hour)}}, For: []admission.LocalQueueName{{Namespace: "ns", Name: "main"}}}
	if got, again, err := Reservation(r, at("2026-11-22T12:00Z")); err != nil || !again.IsZero() || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, %v", got, again, err)
	}
	r.Spec.SharePercent, r.Spec.LocalQueues, r.Spec.ClusterQueue, r.Spec.Cohort = nil, nil, "", "wlcg"
	r.Spec.Resources = []v1beta1.ReservationFlavor{
		{Flavor: "plain", Amounts: corev1.ResourceList{"memory": resource.MustParse("1Gi"), "cpu": resource.MustParse("1500m")}},
		{Flavor: "gold", Amounts: corev1.ResourceList{"cpu": resource.MustParse("2")}},
	}
	want = admission.Reservation{Name: "upgrade", Cohort: "wlcg", Windows: want.Windows, Amounts: []admission.FlavorAmount{
		{Flavor: "gold", Resource: "cpu", Amount: 2000}, {Flavor: "plain", Resource: "cpu", Amount: 1500}, {Flavor: "plain", Resource: "memory", Amount: 1 << 30}}}
	if got, _, err := Reservation(r, at("2026-11-22T12:00Z")); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	r.Spec.Resources[0].Amounts["cpu"] = resource.MustParse("-1")
	if _, _, err := Reservation(r, at("2026-11-22T12:00Z")); err == nil || !strings.Contains(err.Error(), "flavor plain: request of cpu is -1: it must not be negative") {
		t.Errorf("got %v", err)
	}
}
