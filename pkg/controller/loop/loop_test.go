package loop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// scribe is an engine that notes its events and decides what it is told to.
type scribe struct {
	mu        sync.Mutex
	events    []string
	decisions []admission.Decision
	wake      int64
	snapshots int
	limits    map[string]int64 // of workloads
}

func (s *scribe) Step(_ int64, event admission.Event) []admission.Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	note := fmt.Sprintf("%T", event)[len("admission."):]
	switch e := event.(type) {
	case admission.SetWorkload:
		note += " " + e.UID
		s.limits[e.UID] = e.Limit
		if e.Admission != nil {
			note += " in " + e.Admission.ClusterQueue
		}
	case admission.Finish:
		note += " " + e.UID
	case admission.Forget:
		note += " " + e.UID
	case admission.ForgetEviction:
		note += " " + e.UID
	case admission.DeleteWorkload:
		note += " " + e.UID
	case admission.Decide:
		decided := s.decisions
		s.decisions = nil
		s.events = append(s.events, note)
		return decided
	}
	s.events = append(s.events, note)
	return nil
}

func (s *scribe) NextWake(now int64) (int64, bool) { return s.wake, s.wake > now }

func (s *scribe) Snapshot() *admission.Snapshot {
	s.snapshots++
	return &admission.Snapshot{}
}

func (s *scribe) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.events
	s.events = nil
	return events
}

// sink notes what it is given.
type sink struct{ given []string }

func (s *sink) Admit(wl *v1beta1.Workload, _ admission.Admit) {
	s.given = append(s.given, "admit "+wl.Name)
}
func (s *sink) Wait(wl *v1beta1.Workload, _ admission.Wait) {
	s.given = append(s.given, "wait "+wl.Name)
}
func (s *sink) Preempt(wl *v1beta1.Workload, evict admission.Evict, victims []*v1beta1.Workload) {
	note := "preempt for " + wl.Name
	for _, v := range victims {
		note += " " + v.Name
	}
	s.given = append(s.given, note)
}
func (s *sink) EndHold(wl *v1beta1.Workload, end admission.EndHold) {
	s.given = append(s.given, "end hold "+wl.Name+" "+string(end.Cause))
}
func (s *sink) Adopt(wl *v1beta1.Workload, a *admission.Assignment) {
	s.given = append(s.given, "adopt "+wl.Name+" in "+a.ClusterQueue)
}

func workload(name string, change ...func(*v1beta1.Workload)) *v1beta1.Workload {
	wl := &v1beta1.Workload{
		ObjectMeta: metav1.ObjectMeta{Namespace: "osg", Name: name, UID: types.UID(name), Generation: 1},
		Spec: v1beta1.WorkloadSpec{QueueName: "main", PodSets: []v1beta1.PodSet{{Name: "main", Count: 1, Template: runtime.RawExtension{
			Raw: []byte(`{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"1"}}}]}}`)}}}},
	}
	for _, c := range change {
		c(wl)
	}
	return wl
}

func is(kind string) func(*v1beta1.Workload) {
	return func(wl *v1beta1.Workload) {
		wl.Status.Conditions = append(wl.Status.Conditions, metav1.Condition{Type: kind, Status: metav1.ConditionTrue})
		if kind == v1beta1.WorkloadQuotaReserved {
			wl.Status.Admission = &v1beta1.Admission{ClusterQueue: "cq"}
		}
	}
}

type bench struct {
	engine  *scribe
	sink    *sink
	inbox   *Inbox
	loop    *Loop
	leading chan struct{}
	ended   map[ledger.Key]bool
}

func newBench(rebuilt func(context.Context) error) *bench {
	b := &bench{engine: &scribe{limits: map[string]int64{}}, sink: &sink{}, inbox: NewInbox(), leading: make(chan struct{}), ended: map[ledger.Key]bool{}}
	b.loop = New(Config{
		Engine: b.engine, Inbox: b.inbox, Sink: b.sink, Rebuilt: rebuilt, Fed: make(chan struct{}), Leading: b.leading,
		JobEnded: func(key ledger.Key) bool { return b.ended[key] },
		Observe:  func(time.Duration, int) {}, Log: logr.Discard(),
	})
	return b
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestNothingIsDecidedBeforeRebuiltAndLeading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		synced := make(chan struct{})
		b := newBench(func(ctx context.Context) error {
			select {
			case <-synced:
			case <-ctx.Done():
			}
			return ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = b.loop.Start(ctx) }()
		b.inbox.Workload(workload("a"))
		b.inbox.Object("LocalQueue/osg/main", admission.SetLocalQueue{})
		synctest.Wait()
		expect(t, b.engine.take())
		if b.loop.Ready() || b.loop.Snapshot() != nil {
			t.Error("ready before the state is rebuilt")
		}

		close(synced)
		synctest.Wait()
		expect(t, b.engine.take(), "SetLocalQueue", "SetWorkload a") // queues first
		if !b.loop.Ready() || b.loop.Snapshot() == nil {
			t.Error("not ready although the state is rebuilt")
		}

		b.inbox.Workload(workload("b"))
		synctest.Wait()
		expect(t, b.engine.take(), "SetWorkload b") // a standby follows

		close(b.leading)
		synctest.Wait()
		expect(t, b.engine.take(), "Decide")
		cancel()
		synctest.Wait()
	})
}

func TestWhyTheStateCannotBeRebuiltIsReturned(t *testing.T) {
	b := newBench(func(context.Context) error { return errors.New("no CRDs") })
	if err := b.loop.Start(t.Context()); err == nil || err.Error() != "no CRDs" {
		t.Errorf("got %v", err)
	}
}

func TestTheLoopWakesWhenTheEngineAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(func(context.Context) error { return nil })
		close(b.leading)
		b.engine.wake = time.Now().Add(3 * time.Second).UnixNano()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = b.loop.Start(ctx) }()
		synctest.Wait()
		expect(t, b.engine.take(), "Decide")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		expect(t, b.engine.take())
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		expect(t, b.engine.take(), "Decide")
		cancel()
		synctest.Wait()
	})
}

func TestSnapshotsAreThinned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(func(context.Context) error { return nil })
		close(b.leading)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = b.loop.Start(ctx) }()
		for i := range 100 {
			b.inbox.Workload(workload(fmt.Sprint(i)))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if b.engine.snapshots > 5 {
			t.Errorf("%d snapshots in two seconds", b.engine.snapshots)
		}
		last := b.engine.snapshots
		time.Sleep(time.Minute)
		synctest.Wait()
		if b.engine.snapshots != last {
			t.Error("snapshots are taken although nothing happens")
		}
		cancel()
		synctest.Wait()
	})
}
