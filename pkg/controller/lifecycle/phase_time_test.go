package lifecycle

import (
	"strings"
	"testing"
	"time"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// timed runs a Job that was admitted so long ago, for a ClusterQueue and a
// Workload that were changed before.
func timed(admittedAgo time.Duration, before ...func(*scene)) *scene {
	s := newScene()
	for _, change := range before {
		change(s)
	}
	v := s.sight()
	v.now = now.Add(-admittedAgo)
	s.workload.Status = v.granted(assignment(), "reserved")
	s.run()
	s.inject("wl-uid")
	return s
}

func asks(seconds int32) func(*scene) {
	return func(s *scene) { s.workload.Spec.MaximumExecutionTimeSeconds = &seconds }
}

func spent(seconds int32) func(*scene) {
	return func(s *scene) { s.workload.Status.AccumulatedPastExecutionTimeSeconds = &seconds }
}

func usual(seconds int32) func(*scene) {
	return func(s *scene) { s.queues.cq.Spec.DefaultExecutionTimeSeconds = &seconds }
}

func most(seconds int32) func(*scene) {
	return func(s *scene) { s.queues.cq.Spec.MaximumExecutionTimeSeconds = &seconds }
}

func deadline(seconds int64) func(*scene) {
	return func(s *scene) { s.job.Spec.ActiveDeadlineSeconds = &seconds }
}

func TestMaximumExecutionTime(t *testing.T) {
	for name, c := range map[string]struct {
		before []func(*scene)
		ago    time.Duration
		left   time.Duration // 0: it is over; negative: there is no limit
	}{
		"none":                                   {nil, 1000 * time.Hour, -1},
		"its own":                                {[]func(*scene){asks(60)}, 20 * time.Second, 40 * time.Second},
		"its own, over":                          {[]func(*scene){asks(60)}, 60 * time.Second, 0},
		"over all attempts":                      {[]func(*scene){asks(60), spent(45)}, 10 * time.Second, 5 * time.Second},
		"over all attempts, over":                {[]func(*scene){asks(60), spent(45)}, 15 * time.Second, 0},
		"more was spent than it has":             {[]func(*scene){asks(60), spent(90)}, 0, 0},
		"the queue's default":                    {[]func(*scene){usual(30)}, 10 * time.Second, 20 * time.Second},
		"its own, above the default":             {[]func(*scene){asks(60), usual(30)}, 10 * time.Second, 50 * time.Second},
		"its own, above the maximum":             {[]func(*scene){asks(60), usual(10), most(40)}, 10 * time.Second, 30 * time.Second},
		"the queue's maximum alone":              {[]func(*scene){most(40)}, 40 * time.Second, 0},
		"the largest there is":                   {[]func(*scene){asks(1<<31 - 1)}, time.Hour, (1<<31 - 1 - 3600) * time.Second},
		"Kubernetes is about to end it":          {[]func(*scene){asks(60), deadline(60)}, 65 * time.Second, 25 * time.Second},
		"Kubernetes has not ended it":            {[]func(*scene){asks(60), deadline(60)}, 90 * time.Second, 0},
		"Kubernetes would end it later":          {[]func(*scene){asks(60), deadline(90)}, 60 * time.Second, 0},
		"Kubernetes would give it all anew":      {[]func(*scene){asks(60), deadline(60), spent(1)}, 59 * time.Second, 0},
		"Kubernetes ends it before what is left": {[]func(*scene){asks(60), deadline(10), spent(1)}, 60 * time.Second, 29 * time.Second},
	} {
		s := timed(c.ago, c.before...)
		st := next(s.sight())
		switch {
		case c.left == 0:
			if got := describe(st); got != "condemn" {
				t.Errorf("%s: %s, want condemn", name, got)
			}
		case st.write != nil || max(c.left, 0) != st.wait:
			t.Errorf("%s: %s after %s, want after %s", name, describe(st), st.wait, c.left)
		}
	}
}

func TestWhatRunsKeepsTheTimeItWasGiven(t *testing.T) {
	s := timed(10*time.Second, usual(30))
	usual(5)(s)
	most(5)(s)
	s.job.Labels[v1beta1.MaxExecTimeSecondsLabel] = "3"
	if st := next(s.sight()); st.write != nil || st.wait != 20*time.Second {
		t.Errorf("after the edits: %s after %s", describe(st), st.wait)
	}
	s.workload.Status.Admission.MaximumExecutionTimeSeconds = nil // written by somebody else
	if st := next(s.sight()); st.write != nil || st.wait != 0 {
		t.Errorf("of another's admission: %s after %s", describe(st), st.wait)
	}
	s.workload.Spec.MaximumExecutionTimeSeconds = number(10)
	if got := describe(next(s.sight())); got != "condemn" {
		t.Errorf("of another's admission, over: %s", got)
	}
}

func TestTimeIsAddedUpUntilItIsOver(t *testing.T) {
	s := timed(20*time.Second, asks(60))
	s.evict(v1beta1.EvictedPreempted)
	s.workload.Status = released(s.workload, "preempted", now)
	if past := s.workload.Status.AccumulatedPastExecutionTimeSeconds; past == nil || *past != 20 {
		t.Fatalf("after the first attempt: %v", past)
	}
	s.workload.Status = s.sight().granted(assignment(), "again")
	s.workload.Status = released(s.workload, "again", now.Add(1500*time.Millisecond))
	if past := *s.workload.Status.AccumulatedPastExecutionTimeSeconds; past != 21 {
		t.Errorf("after the second attempt: %d", past)
	}

	s = timed(60*time.Second, asks(60), spent(1))
	s.workload.Status = *next(s.sight()).write.Status
	if message := condition(s.workload, v1beta1.WorkloadDeactivationTarget).Message; !strings.Contains(message, "60 s") || !strings.Contains(message, "took 1 s") {
		t.Errorf("message %q", message)
	}
	no := false
	if got := describe(next(s.sight())); got != "deactivate" {
		t.Fatalf("then %s", got)
	}
	s.workload.Spec.Active = &no
	s.workload.Status = *next(s.sight()).write.Status
	want := v1beta1.EvictedDeactivatedDueToPrefix + v1beta1.DeactivatedMaximumExecutionTimeExceeded
	if c := condition(s.workload, v1beta1.WorkloadEvicted); c.Reason != want {
		t.Fatalf("evicted for %s", c.Reason)
	}
	s.workload.Status = released(s.workload, "over", now)
	if past := s.workload.Status.AccumulatedPastExecutionTimeSeconds; past != nil {
		t.Errorf("%d s still count against who activates it again", *past)
	}
}

func TestALabelThatCannotBeReadIsTold(t *testing.T) {
	s := timed(0)
	s.job.Labels[v1beta1.MaxExecTimeSecondsLabel] = "banana"
	if st := next(s.sight()); st.write != nil || !strings.Contains(st.warning, `is "banana" and does not count: write a whole number of seconds from 1 to 2147483647`) {
		t.Errorf("%s, warning %q", describe(st), st.warning)
	}
}
