package lifecycle

import (
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

var victimKey = ledger.Key{Namespace: "cms", Name: "victim"}

// preemptingStage has a Workload for which the engine has just decided to
// evict another.
func preemptingStage(answers ...error) (*stage, admission.Evict) {
	s := newStage(answers...)
	s.intakes = map[ledger.Key]intake{}
	s.pacer.drop(keyOf(s.wl))
	evict := admission.Evict{
		Preemptor: string(s.wl.UID), ClusterQueue: "cq", Path: []string{"wlcg", "cq"},
		Preemption: admission.Preempting{
			Victims:   []admission.PreemptingVictim{{UID: "victim-uid", Reason: admission.InCohortReclamation}},
			Held:      []admission.HeldAmount{{Flavor: "plain", Resource: "cpu", Amount: 2500}},
			DecidedAt: now.UnixNano() + 1234, Deadline: now.Add(time.Minute).UnixNano(),
		},
		Victims: []admission.Victim{{UID: "victim-uid", ClusterQueue: "other", Path: []string{"wlcg", "other"}, Reason: admission.InCohortReclamation}},
	}
	victim := &v1beta1.Workload{}
	victim.Namespace, victim.Name, victim.UID = victimKey.Namespace, victimKey.Name, "victim-uid"
	s.Preempt(s.wl, evict, []*v1beta1.Workload{victim})
	return s, evict
}

// ordered is the eviction that the victim was handed, nil if none.
func (s *stage) ordered() *order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.intakes[victimKey].order
}

func TestAVictimIsEvictedOnlyOnceThePreemptorSaysSo(t *testing.T) {
	lost := answered(503)
	for name, c := range map[string]struct {
		answers []error
		perform bool
		writes  int
	}{
		"at once":                  {writes: 1},
		"conflict":                 {answers: []error{conflictError()}, writes: 2},
		"no answer, not performed": {answers: []error{lost, lost}, writes: 3},
		"no answer, performed":     {answers: []error{lost}, perform: true, writes: 2},
	} {
		t.Run(name, func(t *testing.T) {
			s, evict := preemptingStage(c.answers...)
			s.server.perform = c.perform
			if s.ordered() != nil {
				t.Fatal("ordered before anything was written")
			}
			s.play()
			status := s.server.stored.Status.Preemption
			if status == nil || len(status.Victims) != 1 || status.Victims[0].UID != "victim-uid" || status.Held[0].Amount.String() != "2500m" {
				t.Fatalf("status.preemption is %+v", status)
			}
			if c := translate.Condition(s.server.stored, v1beta1.WorkloadQuotaReserved); c == nil || c.Reason != v1beta1.PendingWaitingForPreemptedWorkloads {
				t.Errorf("QuotaReserved is %+v", c)
			}
			o := s.ordered()
			if o == nil || o.uid != "victim-uid" || o.eviction.Preempted != string(admission.InCohortReclamation) {
				t.Fatalf("the victim's order is %+v", o)
			}
			if len(s.server.bodies) != c.writes || len(s.engine.evictions) != 0 {
				t.Errorf("%d writes, %v forgotten", len(s.server.bodies), s.engine.evictions)
			}
			// What was written reads back as what was decided, but for nanoseconds.
			back := translate.PreemptingOf(s.server.stored)
			if back.Deadline != evict.Preemption.Deadline || back.DecidedAt != evict.Preemption.DecidedAt-234 || back.Held[0] != evict.Preemption.Held[0] {
				t.Errorf("read back as %+v", back)
			}
		})
	}
}

func TestAPreemptionThatCannotBeWrittenIsForgotten(t *testing.T) {
	all := []types.UID{"victim-uid", "wl-uid"}
	for name, c := range map[string]struct {
		answers []error
		change  func(*stage)
		want    []types.UID
	}{
		"refused": {answers: []error{answered(422)}, want: all},
		"the preemptor is gone": {change: func(s *stage) {
			s.config.Workloads.Gone(keyOf(s.wl), s.wl.UID)
		}, want: all},
		"the preemptor was admitted meanwhile": {change: func(s *stage) {
			scene := newScene()
			scene.own()
			scene.admit()
			scene.workload.ResourceVersion = "8"
			s.config.Workloads.See(keyOf(s.wl), scene.workload)
		}, want: all},
		"the hold has ended": {change: func(s *stage) {
			s.EndHold(s.wl, admission.EndHold{UID: string(s.wl.UID), Cause: admission.HoldChanged})
		}, want: []types.UID{"victim-uid"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := preemptingStage(c.answers...)
			if c.change != nil {
				c.change(s)
			}
			s.play()
			if s.ordered() != nil {
				t.Errorf("the victim was ordered to leave: %+v", s.ordered())
			}
			if !slices.Equal(s.engine.evictions, c.want) {
				t.Errorf("forgotten: %v, want %v", s.engine.evictions, c.want)
			}
			if s.server.stored.Status.Preemption != nil {
				t.Error("status.preemption was written")
			}
		})
	}
}

func TestARefusedEvictionIsForgotten(t *testing.T) {
	s := newStage(answered(422))
	scene := newScene()
	scene.own()
	scene.admit()
	scene.workload.ResourceVersion = "8"
	s.server.stored = scene.workload
	s.config.Workloads.See(keyOf(s.wl), scene.workload)
	s.Evict(scene.workload, Eviction{Reason: v1beta1.EvictedPreempted, Preempted: v1beta1.PreemptedInClusterQueue, Message: "for a test"})
	s.play()
	if !slices.Equal(s.engine.evictions, []types.UID{"wl-uid"}) {
		t.Errorf("forgotten: %v", s.engine.evictions)
	}
}

func TestAdmissionEndsTheHold(t *testing.T) {
	s, _ := preemptingStage()
	s.play()
	wl := s.server.stored
	status := admitted(wl, assignment(), "reserved", now)
	if status.Preemption != nil {
		t.Errorf("status.preemption is still %+v", status.Preemption)
	}
	s.EndHold(wl, admission.EndHold{UID: string(wl.UID), Cause: admission.HoldTimedOut})
	s.play()
	if s.server.stored.Status.Preemption != nil {
		t.Error("status.preemption outlives the hold")
	}
}
