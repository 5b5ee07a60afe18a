package simulation

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// drawSite draws up to four queues in at most two cohorts. StrictFIFO queues
// are in none, and preemption comes without fair sharing: that the engine
// becomes quiet in all cases is a law of its own, not of the simulator.
func drawSite(t *rapid.T) *site {
	var list []queue
	s := &site{fair: rapid.Bool().Draw(t, "fair")}
	for i := range rapid.IntRange(1, 4).Draw(t, "queues") {
		q := queue{
			name: fmt.Sprintf("q%d", i), cores: rapid.Int64Range(0, 8).Draw(t, "cores"),
			cohort: rapid.SampledFrom([]string{"", "c", "d"}).Draw(t, "cohort")}
		q.strict = q.cohort == "" && rapid.Bool().Draw(t, "strict")
		borrow, lend := rapid.Int64Range(-1, 6).Draw(t, "borrow"), rapid.Int64Range(-1, q.cores).Draw(t, "lend")
		within, reclaim := "", ""
		if !s.fair {
			within = rapid.SampledFrom([]string{"", "LowerPriority", "LowerOrNewerEqualPriority"}).Draw(t, "within")
			reclaim = rapid.SampledFrom([]string{"", "LowerPriority", "Any"}).Draw(t, "reclaim")
		}
		q.change = func(cq *admission.ClusterQueue) {
			cq.Preemption = admission.Preemption{WithinClusterQueue: within, ReclaimWithinCohort: reclaim}
			if cq.Cohort == "" {
				return
			}
			if borrow >= 0 {
				cq.Groups[0].Flavors[0].Quotas[0].BorrowingLimit = limit(borrow)
			}
			if lend >= 0 {
				cq.Groups[0].Flavors[0].Quotas[0].LendingLimit = limit(lend)
			}
		}
		list = append(list, q)
	}
	s.events = newSite(list...).events
	return s
}

func drawJobs(t *rapid.T, s *site) *trace.Trace {
	b := trace.NewBuilder()
	queues := (len(s.events) - 1) / 2
	for i := range rapid.IntRange(1, 40).Draw(t, "jobs") {
		b.Add(trace.Job{
			Submit: time.Duration(rapid.IntRange(0, 60).Draw(t, "submit")) * time.Second,
			Run:    time.Duration(rapid.IntRange(0, 30).Draw(t, "run")) * time.Second,
			Queue:  b.Queue(fmt.Sprintf("q%d", rapid.IntRange(0, queues-1).Draw(t, "queue"))),
			User:   b.User("ann"), Line: int32(i + 1), Priority: int32(rapid.IntRange(0, 2).Draw(t, "priority")),
			Shape: b.Shape(trace.Request{Pods: int32(rapid.IntRange(1, 3).Draw(t, "pods")), Cores: rapid.Int64Range(1, 4).Draw(t, "cores") * 1000}),
		})
	}
	return b.Trace()
}

// TestLaws: every job runs to its end exactly once, for as long as the trace
// says, or is told to fit nowhere; it is admitted once more for each eviction; the core-seconds of jobs, of the use over time and of
// the intervals are the same; no capacity is exceeded; and the same input gives
// the same decisions.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSite(t)
		tr := drawJobs(t, s)
		grace := time.Duration(rapid.IntRange(0, 3).Draw(t, "grace")) * time.Second
		once := func() (*Result, []byte, map[string]int) {
			var log bytes.Buffer
			admitted := map[string]int{}
			c := s.config(tr)
			c.Grace = grace
			c.Decided = func(now int64, d admission.Decision) {
				log.Write(AppendEntry(nil, now, d))
				if a, ok := d.(admission.Admit); ok {
					admitted[a.UID]++
				}
			}
			r, err := Run(c)
			if err != nil {
				t.Fatal(err)
			}
			return r, log.Bytes(), admitted
		}
		r, log, admitted := once()
		if _, again, _ := once(); !bytes.Equal(log, again) {
			t.Fatalf("the same input gave other decisions:\n%s\n%s", log, again)
		}
		want, ran := 0.0, 0
		for i, j := range tr.Jobs {
			if r.Starts[i] < 0 {
				continue
			}
			ran++
			n := r.Evictions[int32(i)]
			if r.Starts[i] < int64(j.Submit) || n == 0 && r.Ends[i]-r.Starts[i] != int64(j.Run) || r.Ends[i]-r.Starts[i] < int64(j.Run) {
				t.Fatalf("job %d of %v: %d to %d, %d evictions", i, j, r.Starts[i], r.Ends[i], n)
			}
			if uid := fmt.Sprintf("job-%09d", i); admitted[uid] != 1+n {
				t.Fatalf("%s was admitted %d times and evicted %d times", uid, admitted[uid], n)
			}
			want += r.Amount(i)*j.Run.Seconds() + r.Lost[int32(i)]
		}
		if len(admitted) != ran || ran+r.Refused != len(tr.Jobs) || r.Ended != ran {
			t.Fatalf("of %d jobs %d were admitted, %d ran, %d ended, %d were refused\n%s", len(tr.Jobs), len(admitted), ran, r.Ended, r.Refused, log)
		}
		sameCoreTime(t, r, want)
		if len(r.Evictions) == 0 {
			withinCapacity(t, r)
		}
	})
}

// sameCoreTime compares three accounts of the work done.
func sameCoreTime(t *rapid.T, r *Result, want float64) {
	used, over := 0.0, 0.0
	for i := range r.Used {
		used += r.Used[i]
	}
	for i := range r.Series.Queues {
		over += r.Series.average(r.Series.Queues[i].Use, 0, r.Length) * r.Length.Seconds()
	}
	if math.Abs(used-want) > 1e-3 || math.Abs(over-want) > 1e-3*max(1, want) {
		t.Fatalf("intervals say %g, the jobs' accounts %g, use over time %g", want, used, over)
	}
}

// withinCapacity counts from the intervals what ran at each start.
func withinCapacity(t *rapid.T, r *Result) {
	capacity := r.Entitlements.Capacity()
	for _, at := range r.Starts {
		sum := 0.0
		for i := range r.Starts {
			if r.Starts[i] >= 0 && r.Starts[i] <= at && at < r.Ends[i] {
				sum += r.Amount(i)
			}
		}
		if sum > capacity {
			t.Fatalf("%g in use at %d, the capacity is %g", sum, at, capacity)
		}
	}
}

// TestDue: nobody is due more than he wants, more than he may have, or less
// than he wants of his own; together they are due no more than there is.
func TestDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSite(t)
		var names []string
		for _, e := range s.events {
			if cq, ok := e.(admission.SetClusterQueue); ok {
				names = append(names, cq.Name)
			}
		}
		e := NewEntitlements(s.events, "cpu", names)
		wants := make([]float64, len(names))
		for i := range wants {
			wants[i] = float64(rapid.IntRange(0, 20_000).Draw(t, "want"))
		}
		due, sum := slices.Clone(e.Due(wants)), 0.0
		for i, d := range due {
			own := e.nodes[e.queues[i]].nominal
			if d > wants[i]+1e-6 || d < min(wants[i], own)-1e-6 || d > e.Most(i)+1e-6 {
				t.Fatalf("%s wants %g, owns %g, may have %g: is due %g", names[i], wants[i], own, e.Most(i), d)
			}
			sum += d
		}
		if sum > e.Capacity()+1e-6 {
			t.Fatalf("%v of %g", due, e.Capacity())
		}
	})
}

// TestDueByHand: what is idle goes to who wants it, by weight.
func TestDueByHand(t *testing.T) {
	weigh := func(milli int64) func(*admission.ClusterQueue) {
		return func(cq *admission.ClusterQueue) { cq.WeightMilli = milli }
	}
	s := newSite(queue{name: "a", cohort: "c", cores: 60}, queue{name: "b", cohort: "c", cores: 40, change: weigh(2000)},
		queue{name: "d", cohort: "c", cores: 20}, queue{name: "z", cohort: "c", cores: 0, change: weigh(0)}, queue{name: "alone", cores: 5})
	e := NewEntitlements(s.events, "cpu", []string{"a", "b", "d", "z", "alone"})
	for _, c := range []struct{ wants, due []float64 }{
		{[]float64{100, 100, 100, 0, 9}, []float64{60, 40, 20, 0, 5}},
		{[]float64{0, 100, 100, 0, 0}, []float64{0, 80, 40, 0, 0}},
		{[]float64{0, 50, 100, 0, 0}, []float64{0, 50, 70, 0, 0}},
		{[]float64{30, 45, 20, 100, 0}, []float64{30, 45, 20, 25, 0}},
		{[]float64{30, 200, 20, 100, 0}, []float64{30, 70, 20, 0, 0}},
	} {
		wants := make([]float64, len(c.wants))
		for i := range wants {
			wants[i] = c.wants[i] * 1000
		}
		due := e.Due(wants)
		for i := range due {
			if math.Abs(due[i]/1000-c.due[i]) > 1e-6 {
				t.Errorf("wants %v: due %v, want %v", c.wants, due, c.due)
				break
			}
		}
	}
}
