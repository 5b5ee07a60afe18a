package lifecycle

import (
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"fairlead.dev/fairlead/apis/v1beta1"
)

func (s *scene) inactive() { no := false; s.workload.Spec.Active = &no }

func (s *scene) release() {
	s.workload.Status = released(s.workload, "stopped", now)
}

// reserved is a reservation whose job may not run yet.
func (s *scene) reserved() {
	s.admit()
	e := editStatus(s.workload, now)
	e.set(v1beta1.WorkloadAdmitted, false, v1beta1.NotAdmittedUnsatisfiedChecks, "waits")
	e.status.AdmissionChecks = []v1beta1.AdmissionCheckState{{Name: "budget", State: v1beta1.CheckStatePending}}
	s.workload.Status = e.status
}

func (s *scene) barred(reason string) {
	s.admit()
	s.evict(reason)
	s.release()
}

func (s *scene) target() {
	s.workload.Status = condemned(s.workload, v1beta1.DeactivatedRequeuingLimitExceeded, "too often", now)
}

func (s *scene) order() {
	s.slot.order = &order{uid: s.workload.UID, eviction: Eviction{Reason: v1beta1.EvictedPreempted, Message: "for another", Preempted: v1beta1.PreemptedInCohortReclamation}}
}

func (s *scene) onEviction(what string) {
	s.job.Annotations[v1beta1.OnEvictionAnnotation] = what
}

// waitsForPods configures waitForPodsReady; the workload was admitted so long ago.
func (s *scene) waitsForPods(ago time.Duration) {
	s.facts.Readiness = &Readiness{Timeout: time.Minute, Recovery: 2 * time.Minute, BackoffBase: time.Minute, BackoffMost: time.Hour}
	s.workload.Status = s.sight().awaited(admitted(s.workload, assignment(), "reserved", now.Add(-ago)))
	for i := range s.workload.Status.Conditions {
		s.workload.Status.Conditions[i].LastTransitionTime = metav1.NewTime(now.Add(-ago))
	}
	s.run()
	s.inject("wl-uid")
}

func (s *scene) podsReady(was bool, reason string, ago time.Duration) {
	e := editStatus(s.workload, now.Add(-ago))
	e.set(v1beta1.WorkloadPodsReady, was, reason, "")
	for i := range e.status.Conditions {
		if c := &e.status.Conditions[i]; c.Type == v1beta1.WorkloadPodsReady {
			c.LastTransitionTime = metav1.NewTime(now.Add(-ago))
		}
	}
	s.workload.Status = e.status
}

func (s *scene) ready() { one := int32(1); s.job.Status.Ready = &one }

func TestTheNextStepOfAnEviction(t *testing.T) {
	draining, holding, none := v1beta1.StopPolicyHoldAndDrain, v1beta1.StopPolicyHold, v1beta1.StopPolicyNone
	long := time.Hour
	for name, c := range map[string]struct {
		change func(*scene)
		want   string
	}{
		"it runs, its ClusterQueue holds":          {func(s *scene) { s.admit(); s.run(); s.queues.cq.Spec.StopPolicy = holding }, "nothing"},
		"it runs, its ClusterQueue drains":         {func(s *scene) { s.admit(); s.run(); s.queues.cq.Spec.StopPolicy = draining }, "evict"},
		"it runs, its LocalQueue holds":            {func(s *scene) { s.admit(); s.run(); s.queues.lq.Spec.StopPolicy = holding }, "nothing"},
		"it runs, its LocalQueue drains":           {func(s *scene) { s.admit(); s.run(); s.queues.lq.Spec.StopPolicy = draining }, "evict"},
		"it runs, its queues are gone":             {func(s *scene) { s.admit(); s.run(); s.inject("wl-uid"); s.queues = queues{} }, "nothing"},
		"it has reserved":                          {func(s *scene) { s.reserved() }, "nothing"},
		"it has reserved, all checks are ready":    {func(s *scene) { s.reserved(); s.workload.Status.AdmissionChecks[0].State = "Ready" }, "accept"},
		"it has reserved, its ClusterQueue holds":  {func(s *scene) { s.reserved(); s.queues.cq.Spec.StopPolicy = holding }, "release"},
		"it has reserved, its ClusterQueue drains": {func(s *scene) { s.reserved(); s.queues.cq.Spec.StopPolicy = draining }, "release"},
		"it has reserved, its LocalQueue holds":    {func(s *scene) { s.reserved(); s.queues.lq.Spec.StopPolicy = holding }, "release"},
		"it has reserved, its ClusterQueue leaves": {func(s *scene) { s.reserved(); s.queues.cq.DeletionTimestamp = &metav1.Time{Time: now} }, "release"},
		"it has reserved, its LocalQueue is gone":  {func(s *scene) { s.reserved(); s.queues.lq = nil }, "release"},
		"it has reserved and runs all the same":    {func(s *scene) { s.reserved(); s.run(); s.slot.verified = s.sight().versions() }, "stop"},
		"its turn comes as its queue stops":        {func(s *scene) { s.decided(); s.queues.cq.Spec.StopPolicy = holding }, "forget"},
		"its turn comes as its queue leaves":       {func(s *scene) { s.decided(); s.queues.lq.DeletionTimestamp = &metav1.Time{Time: now} }, "forget"},

		"the engine wants it to leave":                {func(s *scene) { s.admit(); s.run(); s.order() }, "evict"},
		"the engine wants it to leave, it does":       {func(s *scene) { s.admit(); s.evict("Deactivated"); s.order() }, "release"},
		"the engine changes its mind":                 {func(s *scene) { s.decided(); s.order() }, "forget"},
		"the engine wants it to leave, it holds none": {func(s *scene) { s.order() }, "nothing"},
		"the engine meant an earlier self":            {func(s *scene) { s.admit(); s.run(); s.order(); s.slot.order.uid = "other" }, "nothing"},

		"it is to be deactivated":                  {func(s *scene) { s.admit(); s.run(); s.target() }, "deactivate"},
		"it is deactivated for a cause":            {func(s *scene) { s.admit(); s.run(); s.target(); s.inactive() }, "evict"},
		"it is deactivated for a cause, while out": {func(s *scene) { s.target(); s.inactive() }, "evict"},
		"deactivated, out and done":                {func(s *scene) { s.target(); s.inactive(); s.workload.Status = *next(s.sight()).write.Status }, "nothing"},
		"drained, its queue is still stopped":      {func(s *scene) { s.barred("ClusterQueueStopped"); s.queues.cq.Spec.StopPolicy = draining }, "nothing"},
		"drained, its queue still holds":           {func(s *scene) { s.barred("LocalQueueStopped"); s.queues.lq.Spec.StopPolicy = holding }, "nothing"},
		"drained, its queue is back":               {func(s *scene) { s.barred("ClusterQueueStopped"); s.queues.cq.Spec.StopPolicy = none }, "requeue"},
		"drained, its queue is back, its turn":     {func(s *scene) { s.barred("ClusterQueueStopped"); s.decided() }, "admit"},
		"deactivated and not back":                 {func(s *scene) { s.inactive(); s.barred("Deactivated") }, "nothing"},
		"deactivated and back":                     {func(s *scene) { s.barred("Deactivated") }, "requeue"},
		"preempted, it waits":                      {func(s *scene) { s.barred("Preempted") }, "nothing"},
		"it backs off":                             {func(s *scene) { s.barred("PodsReadyTimeout"); s.until(now.Add(time.Minute)) }, "wait"},
		"it has backed off":                        {func(s *scene) { s.barred("PodsReadyTimeout"); s.until(now) }, "requeue"},
		"it has backed off, but is deactivated":    {func(s *scene) { s.inactive(); s.barred("PodsReadyTimeout"); s.until(now) }, "nothing"},
		"it ran, is preempted, must be held":       {func(s *scene) { s.stopped(); s.onEviction("Hold") }, "hold"},
		"... and is held":                          {func(s *scene) { s.stopped(); s.onEviction("Hold"); s.inactive() }, "restore"},
		"it ran, is preempted, must go":            {func(s *scene) { s.stopped(); s.onEviction("Delete") }, "delete"},
		"it ran, must go, has pods":                {func(s *scene) { s.stopped(); s.onEviction("Delete"); s.job.Status.Active = 1 }, "nothing"},
		"it ran, must go, pods are ending": {func(s *scene) {
			s.stopped()
			s.onEviction("Delete")
			s.job.Status.Terminating = new(int32)
			*s.job.Status.Terminating = 1
		}, "nothing"},
		"it ran, is preempted, may wait":           {func(s *scene) { s.stopped(); s.onEviction("Requeue") }, "restore"},
		"it never ran, is preempted, must go":      {func(s *scene) { s.admit(); s.evict("Preempted"); s.inject("other"); s.onEviction("Delete") }, "restore"},
		"it was found running, must go":            {func(s *scene) { s.admit(); s.found(); s.evict("Preempted"); s.inject(""); s.onEviction("Delete") }, "delete"},
		"it was held by its user, who lets it go":  {func(s *scene) { s.admit(); s.inject("wl-uid"); s.evict("Deactivated"); s.onEviction("Hold") }, "restore"},
		"pods are awaited, it starts":              {func(s *scene) { s.waitsForPods(0); *s.job.Spec.Suspend = true; s.job.Annotations = nil }, "start"},
		"pods are awaited":                         {func(s *scene) { s.waitsForPods(time.Second) }, "wait"},
		"pods are ready":                           {func(s *scene) { s.waitsForPods(time.Second); s.ready() }, "ready"},
		"pods were ready in time, nobody saw it":   {func(s *scene) { s.waitsForPods(long); s.ready() }, "ready"},
		"pods are not ready in time":               {func(s *scene) { s.waitsForPods(time.Minute) }, "evict"},
		"pods are ready and known to be":           {func(s *scene) { s.waitsForPods(long); s.ready(); s.podsReady(true, "Started", long) }, "nothing"},
		"a pod is lost":                            {func(s *scene) { s.waitsForPods(long); s.podsReady(true, "Started", long) }, "ready"},
		"a lost pod is awaited":                    {func(s *scene) { s.waitsForPods(long); s.podsReady(false, "WaitForRecovery", time.Minute) }, "wait"},
		"a lost pod does not come back":            {func(s *scene) { s.waitsForPods(long); s.podsReady(false, "WaitForRecovery", 2*time.Minute) }, "evict"},
		"a pod is not ready once too often":        {func(s *scene) { s.waitsForPods(long); s.facts.Readiness.Limit = new(int32) }, "condemn"},
		"pods are awaited of what cannot start":    {func(s *scene) { s.waitsForPods(long); *s.job.Spec.Suspend = true; s.job.Annotations = nil; s.lost() }, "evict"},
		"nobody waits for pods":                    {func(s *scene) { s.waitsForPods(long); s.facts.Readiness = nil }, "nothing"},
		"a Workload of its own is to leave":        {func(s *scene) { s.own(); s.admit(); s.order() }, "evict"},
		"a Workload of its own, its queue drains":  {func(s *scene) { s.own(); s.admit(); s.queues.cq.Spec.StopPolicy = draining }, "evict"},
		"a Workload of its own has reserved":       {func(s *scene) { s.own(); s.reserved(); s.workload.Status.AdmissionChecks = nil }, "accept"},
		"a Workload of its own, its pods are late": {func(s *scene) { s.waitsForPods(long); s.own() }, "evict"},
		"a Workload of its own lost its admission": {func(s *scene) { s.own(); s.barred("ClusterQueueStopped") }, "requeue"},
		"it ended although its queue is drained":   {func(s *scene) { s.admit(); s.run(); s.end(batchv1.JobComplete); s.queues.cq.Spec.StopPolicy = draining }, "finish"},
		"it is deleted although its queue drains": {func(s *scene) {
			s.admit()
			s.run()
			s.job.DeletionTimestamp = &metav1.Time{Time: now}
			s.queues.cq.Spec.StopPolicy = draining
		}, "nothing"},
		"its annotation makes no sense":             {func(s *scene) { s.stopped(); s.job.Status.Active = 1; s.onEviction("Explode") }, "warn"},
		"its user suspended it, as its queue stops": {func(s *scene) { s.admit(); s.inject("wl-uid"); s.queues.cq.Spec.StopPolicy = draining }, "evict"},
	} {
		s := newScene()
		c.change(s)
		if got := describe(next(s.sight())); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func (s *scene) until(at time.Time) {
	s.workload.Status.RequeueState = &v1beta1.RequeueState{RequeueAt: &metav1.Time{Time: at}}
}

// stopped is a job that ran, was preempted and has no pods left.
func (s *scene) stopped() { s.admit(); s.inject("wl-uid"); s.evict(v1beta1.EvictedPreempted) }

func (s *scene) lost() {
	s.workload.Status.Admission.PodSetAssignments[0].Flavors["cpu"] = "missing"
}

// live takes a workload through an eviction and back, as the objects say.
func (s *scene) live(t *testing.T, want ...string) {
	t.Helper()
	for _, purpose := range want {
		st := next(s.sight())
		if got := describe(st); got != purpose {
			t.Fatalf("%s, want %s", got, purpose)
		}
		switch st.write.Verb {
		case PutWorkloadStatus:
			s.workload.Status = *st.write.Status
		case PutWorkload:
			s.inactive()
		}
		switch Purpose(purpose) {
		case StopJob:
			*s.job.Spec.Suspend, s.job.Status.Active = true, 0
		case RestoreJob:
			s.job.Annotations = nil
		}
	}
}

func TestAnEvictionFromBeginToEnd(t *testing.T) {
	for name, c := range map[string]struct {
		begin          func(*scene)
		writes         []string
		status, reason string // of Requeued after the release
		again          func(*scene)
		requeued       string // the reason afterwards, of a workload admitted again at once
	}{
		"preempted": {func(s *scene) { s.order() }, []string{"evict", "stop", "restore", "release"}, "True", "Preempted", func(*scene) {}, "Preempted"},
		"drained": {func(s *scene) { s.queues.cq.Spec.StopPolicy = v1beta1.StopPolicyHoldAndDrain }, []string{"evict", "stop", "restore", "release"},
			"False", "ClusterQueueStopped", func(s *scene) { s.queues.cq.Spec.StopPolicy = "" }, "ClusterQueueRestarted"},
		"drained from below": {func(s *scene) { s.queues.lq.Spec.StopPolicy = v1beta1.StopPolicyHoldAndDrain }, []string{"evict", "stop", "restore", "release"},
			"False", "LocalQueueStopped", func(s *scene) { s.queues.lq.Spec.StopPolicy = "" }, "LocalQueueRestarted"},
		"deactivated": {func(s *scene) { s.inactive() }, []string{"evict", "stop", "restore", "release"},
			"False", "Deactivated", func(s *scene) { s.workload.Spec.Active = nil }, "Reactivated"},
		"deactivated for a cause": {func(s *scene) { s.target() }, []string{"deactivate", "evict", "stop", "restore", "release"},
			"False", "DeactivatedDueToRequeuingLimitExceeded", func(s *scene) { s.workload.Spec.Active = nil }, "Reactivated"},
		"held": {func(s *scene) { s.order(); s.onEviction("Hold") }, []string{"evict", "stop", "hold", "restore", "release"},
			"False", "Preempted", func(s *scene) { s.workload.Spec.Active = nil }, "Reactivated"},
	} {
		s := newScene()
		s.admit()
		s.run()
		s.inject("wl-uid")
		c.begin(s)
		s.slot.verified = s.sight().versions()
		s.live(t, c.writes...)
		requeued := condition(s.workload, v1beta1.WorkloadRequeued)
		if string(requeued.Status) != c.status || requeued.Reason != c.reason {
			t.Errorf("%s: Requeued is %s %s", name, requeued.Status, requeued.Reason)
		}
		if reserved := condition(s.workload, v1beta1.WorkloadQuotaReserved); s.workload.Status.Admission != nil || reserved.Reason != v1beta1.PendingEvaluation {
			t.Errorf("%s: QuotaReserved is %s %s", name, reserved.Status, reserved.Reason)
		}
		c.again(s)
		s.decided()
		s.live(t, "admit")
		if requeued = condition(s.workload, v1beta1.WorkloadRequeued); requeued.Status != metav1.ConditionTrue || requeued.Reason != c.requeued {
			t.Errorf("%s: Requeued is %s %s", name, requeued.Status, requeued.Reason)
		}
		for _, kind := range []string{v1beta1.WorkloadEvicted, v1beta1.WorkloadPreempted} {
			if condition(s.workload, kind).Status == metav1.ConditionTrue {
				t.Errorf("%s: %s is still True", name, kind)
			}
		}
	}
}

func TestTheEngineSaysWhyItPreempts(t *testing.T) {
	s := newScene()
	s.admit()
	s.run()
	s.inject("wl-uid")
	s.order()
	s.live(t, "evict")
	evicted, preempted := condition(s.workload, v1beta1.WorkloadEvicted), condition(s.workload, v1beta1.WorkloadPreempted)
	if evicted.Reason != v1beta1.EvictedPreempted || preempted.Status != metav1.ConditionTrue || preempted.Reason != v1beta1.PreemptedInCohortReclamation {
		t.Errorf("evicted %+v, preempted %+v", evicted, preempted)
	}
	if stats := s.workload.Status.SchedulingStats; len(stats.Evictions) != 1 || stats.Evictions[0].Reason != v1beta1.EvictedPreempted || stats.Evictions[0].Count != 1 {
		t.Errorf("statistics %+v", stats)
	}
	// Once more, as after a restart: it is being evicted already.
	s.order()
	s.live(t, "stop")
}

func TestAttemptsAreCountedAndTimed(t *testing.T) {
	s := newScene()
	s.waitsForPods(time.Minute)
	s.live(t, "evict", "stop", "restore", "release")
	rs := s.workload.Status.RequeueState
	if *rs.Count != 1 || rs.RequeueAt.Sub(now) < time.Minute {
		t.Errorf("first failure: %+v", rs)
	}
	if past := s.workload.Status.AccumulatedPastExecutionTimeSeconds; past == nil || *past != 60 {
		t.Errorf("ran for %v seconds before", past)
	}
	if c := condition(s.workload, v1beta1.WorkloadPodsReady); c.Status != metav1.ConditionFalse || c.Reason != v1beta1.PodsReadyWaitForStart {
		t.Errorf("PodsReady is %+v", c)
	}
	s.until(now)
	one := int32(1)
	s.workload.Status.RequeueState.Count = &one
	s.live(t, "requeue")
	if c := condition(s.workload, v1beta1.WorkloadRequeued); c.Reason != v1beta1.RequeuedBackoffFinished || s.workload.Status.RequeueState.RequeueAt != nil {
		t.Errorf("requeued %+v, %+v", c, s.workload.Status.RequeueState)
	}
	s.waitsForPods(time.Minute)
	s.live(t, "evict")
	if rs := s.workload.Status.RequeueState; *rs.Count != 2 || rs.RequeueAt.Sub(now) < 2*time.Minute {
		t.Errorf("second failure: %+v", rs)
	}
	if stats := s.workload.Status.SchedulingStats.Evictions; len(stats) != 1 || stats[0].Count != 2 || stats[0].UnderlyingCause != v1beta1.PodsReadyWaitForStart {
		t.Errorf("statistics %+v", stats)
	}
}

func TestBackoff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := time.Duration(rapid.IntRange(0, 100).Draw(t, "base")) * time.Second
		most := time.Duration(rapid.IntRange(0, 5000).Draw(t, "most")) * time.Second
		attempt := int32(rapid.IntRange(1, 1<<30).Draw(t, "attempt"))
		uid := types.UID(rapid.String().Draw(t, "uid"))
		got := backoff(base, most, uid, attempt)
		exact := most
		if base == 0 {
			exact = 0
		} else if attempt < 14 {
			exact = min(base<<(attempt-1), most)
		}
		if got < exact || got > most || got > exact+exact/10 || got != backoff(base, most, uid, attempt) {
			t.Fatalf("backoff(%v, %v, %q, %d) is %v, exactly %v", base, most, uid, attempt, got, exact)
		}
	})
	waits := map[time.Duration]bool{}
	for _, uid := range []types.UID{"a", "b", "c", "d"} {
		waits[backoff(time.Minute, time.Hour, uid, 1)] = true
	}
	if len(waits) < 3 {
		t.Errorf("workloads that fail together come back together: %v", waits)
	}
}

func TestChecksAreResetByAnEviction(t *testing.T) {
	s := newScene()
	s.admit()
	s.workload.Status.AdmissionChecks = []v1beta1.AdmissionCheckState{{Name: "a", State: v1beta1.CheckStateReady, Message: "fine",
		PodSetUpdates: []v1beta1.PodSetUpdate{{Name: "main"}}}}
	s.evict("Preempted")
	check := s.workload.Status.AdmissionChecks[0]
	if check.State != v1beta1.CheckStatePending || check.PodSetUpdates != nil || check.LastTransitionTime.Time != now {
		t.Errorf("check is %+v", check)
	}
}
