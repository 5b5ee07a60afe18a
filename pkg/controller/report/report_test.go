package report

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/lifecycle"
	"fairlead.dev/fairlead/pkg/job"
	"fairlead.dev/fairlead/pkg/job/batchjob"
	"fairlead.dev/fairlead/pkg/metrics"
)

// board is an API server that takes Events only.
type board struct {
	typedcorev1.EventInterface
	mu     sync.Mutex
	events []*corev1.Event
}

func (b *board) Events(string) typedcorev1.EventInterface { return b }

func (b *board) Create(_ context.Context, event *corev1.Event, _ metav1.CreateOptions) (*corev1.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, event)
	return event, nil
}

// room is a reporter in a bubble of fake time.
type room struct {
	*Reporter
	board *board
	lines []string
}

func inRoom(t *testing.T, play func(*room)) {
	synctest.Test(t, func(t *testing.T) {
		r := &room{board: &board{}}
		log := funcr.New(func(prefix, args string) { r.lines = append(r.lines, args) }, funcr.Options{})
		counters := metrics.NewCounters(prometheus.NewRegistry())
		events := NewEvents(r.board, counters, log)
		r.Reporter = New(batchjob.Kind{}, log, counters, events)
		ctx := t.Context()
		go func() { _ = events.Start(ctx) }()
		play(r)
	})
}

func workload() (*batchv1.Job, *v1beta1.Workload) {
	j := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "osg", Name: "sim", UID: "job-uid"}}
	wl := job.NewWorkload(batchjob.Kind{}, j, v1beta1.WorkloadSpec{QueueName: "main"})
	wl.UID = "wl-uid"
	wl.Status.Admission = &v1beta1.Admission{ClusterQueue: "cq"}
	return j, wl
}

func TestADecisionIsOneLine(t *testing.T) {
	inRoom(t, func(r *room) {
		_, wl := workload()
		r.Decided(wl, admission.Admit{UID: "wl-uid", Assignment: admission.Assignment{ClusterQueue: "cq"}, Borrows: true})
		r.Waits(wl, admission.Wait{UID: "wl-uid", Reason: admission.WaitingForQuota, Why: admission.Say("short of cpu")})
		if len(r.lines) != 2 {
			t.Fatalf("lines: %q", r.lines)
		}
		for i, words := range [][]string{
			{`"admit"`, `"workloadUID"="wl-uid"`, `"queue"="main"`, `"clusterQueue"="cq"`, `"reason"="FitsByBorrowing"`},
			{`"wait"`, `"workloadUID"="wl-uid"`, `"queue"="main"`, `"reason"="WaitingForQuota"`, "short of cpu"},
		} {
			for _, word := range words {
				if !strings.Contains(r.lines[i], word) {
					t.Errorf("%s lacks %s", r.lines[i], word)
				}
			}
		}
	})
}

func TestTheAdmissionOfAJobIsToldOnTheJob(t *testing.T) {
	inRoom(t, func(r *room) {
		j, wl := workload()
		r.Written(&lifecycle.Write{Purpose: lifecycle.Admit}, wl, wl)
		r.Written(&lifecycle.Write{Purpose: lifecycle.StartJob}, wl, j)
		synctest.Wait()
		if len(r.board.events) != 1 {
			t.Fatalf("%d events", len(r.board.events))
		}
		e := r.board.events[0]
		if e.InvolvedObject.Kind != "Job" || e.InvolvedObject.UID != "job-uid" || e.Related.UID != "wl-uid" || e.Reason != "Admitted" ||
			!strings.Contains(e.Message, "ClusterQueue cq") || !strings.Contains(e.Message, "LocalQueue main") {
			t.Errorf("event %+v", e)
		}
	})
}

func TestTheAdmissionOfAWorkloadOfItsOwnIsToldOnIt(t *testing.T) {
	inRoom(t, func(r *room) {
		_, wl := workload()
		wl.OwnerReferences = nil
		r.Written(&lifecycle.Write{Purpose: lifecycle.Admit}, wl, wl)
		synctest.Wait()
		if len(r.board.events) != 1 || r.board.events[0].InvolvedObject.Kind != "Workload" {
			t.Errorf("events %+v", r.board.events)
		}
	})
}

func TestEventsAreThinnedInBursts(t *testing.T) {
	inRoom(t, func(r *room) {
		j, wl := workload()
		const all = 5000
		for range all {
			r.Written(&lifecycle.Write{Purpose: lifecycle.StartJob}, wl, j)
			time.Sleep(2 * time.Millisecond)
		}
		synctest.Wait()
		// 10 seconds: what may come at once, and the rate.
		if got := len(r.board.events); got < eventBurst || got > eventBurst+10*eventRate+1 {
			t.Errorf("%d events of %d", got, all)
		}
	})
}

func TestLongMessagesAreCut(t *testing.T) {
	inRoom(t, func(r *room) {
		j, _ := workload()
		r.Warn(j, "Misconfigured", strings.Repeat("long ", 1000))
		synctest.Wait()
		if len(r.board.events) != 1 || len(r.board.events[0].Message) > 1024 || r.board.events[0].Type != corev1.EventTypeWarning {
			t.Errorf("events %+v", r.board.events)
		}
	})
}

func TestWhatIsCountedOfAnEviction(t *testing.T) {
	for reason, c := range map[string]struct{ podsReady, wantReason, wantCause string }{
		v1beta1.EvictedPreempted:                 {v1beta1.PodsReadyStarted, v1beta1.EvictedPreempted, v1beta1.PreemptedInClusterQueue},
		v1beta1.EvictedPodsReadyTimeout:          {v1beta1.PodsReadyWaitForRecovery, v1beta1.EvictedPodsReadyTimeout, v1beta1.PodsReadyWaitForRecovery},
		"DeactivatedDueToRequeuingLimitExceeded": {v1beta1.PodsReadyWaitForStart, v1beta1.EvictedDeactivated, v1beta1.DeactivatedRequeuingLimitExceeded},
	} {
		_, wl := workload()
		ready := metav1.ConditionFalse
		if c.podsReady == v1beta1.PodsReadyStarted {
			ready = metav1.ConditionTrue
		}
		wl.Status.Conditions = []metav1.Condition{
			{Type: v1beta1.WorkloadEvicted, Status: metav1.ConditionTrue, Reason: reason},
			{Type: v1beta1.WorkloadPreempted, Status: metav1.ConditionTrue, Reason: v1beta1.PreemptedInClusterQueue},
			{Type: v1beta1.WorkloadPodsReady, Status: ready, Reason: c.podsReady, LastTransitionTime: metav1.NewTime(time.Now().Add(-time.Minute))},
		}
		wl.Status.SchedulingStats = &v1beta1.SchedulingStats{Evictions: []v1beta1.WorkloadSchedulingStatsEviction{
			{Reason: "Other", Count: 1}, {Reason: c.wantReason, UnderlyingCause: c.wantCause, Count: 2}}}
		got := evictionOf(wl, &wl.Status.Conditions[0])
		if got.Reason != c.wantReason || got.Cause != c.wantCause || got.First || got.ClusterQueue != "cq" || (got.Ready >= time.Minute) != (ready == metav1.ConditionTrue) {
			t.Errorf("%s: counted as %+v", reason, got)
		}
		wl.Status.SchedulingStats.Evictions[1].Count = 1
		if !evictionOf(wl, &wl.Status.Conditions[0]).First {
			t.Errorf("%s: the first is not counted as such", reason)
		}
	}
}

func TestOvercommitIsToldOnTheQueue(t *testing.T) {
	inRoom(t, func(r *room) {
		r.Overcommitted(&v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "osg", UID: "cq-uid"}}, "2 cpu too many")
		synctest.Wait()
		if len(r.board.events) != 1 {
			t.Fatalf("%d events", len(r.board.events))
		}
		e := r.board.events[0]
		if e.Namespace != "default" || e.InvolvedObject.Kind != "ClusterQueue" || e.InvolvedObject.Name != "osg" || e.Type != corev1.EventTypeWarning || !strings.Contains(e.Message, "2 cpu too many") {
			t.Errorf("event %+v", e)
		}
	})
}
