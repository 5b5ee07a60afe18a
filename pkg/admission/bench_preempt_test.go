package admission

import (
	"fmt"
	"testing"

	"fairlead.dev/fairlead/pkg/quota"
)

// crowd is a cohort in which 1,000 ClusterQueues, of which one preempts, have
// admitted workloads of one core of every priority from 0 to 99.
func crowd(config Config, queues, admitted int) *Engine {
	e := New(config)
	e.Step(1, SetFlavor{Flavor{Name: "default"}})
	e.Step(1, SetCohort{Cohort{Name: "k", WeightMilli: 1000}})
	each := admitted / queues
	set := func(name string, nominal quota.Amount, reclaim string) {
		cq := ClusterQueue{Name: name, Cohort: "k", WeightMilli: 1000, Namespaces: &Selector{}}
		cq.Preemption.ReclaimWithinCohort = reclaim
		cq.Groups = []ResourceGroup{{Resources: []string{"cpu", "memory"}, Flavors: []FlavorQuotas{{Flavor: "default", Quotas: []ResourceQuota{
			{Resource: "cpu", Nominal: nominal}, {Resource: "memory", Nominal: 1 << 50},
		}}}}}
		e.Step(1, SetClusterQueue{cq})
		e.Step(1, SetLocalQueue{LocalQueue{Namespace: "ns", Name: name, ClusterQueue: name}})
	}
	// Every queue borrows a core; "mine" owns what they borrow.
	set("mine", quota.Amount(queues), "Any")
	for q := range queues {
		set(fmt.Sprintf("q%04d", q), quota.Amount(each-1), "Any")
	}
	for i := range each * queues {
		w := one(fmt.Sprintf("w%06d", i), fmt.Sprintf("q%04d", i%queues), 1, int32(i/queues%100), int64(i))
		w.ReservedAt, w.AdmittedAt = 1+int64(i), 1+int64(i)
		w.Admission = &Assignment{ClusterQueue: w.Queue, PodSets: []PodSetAssignment{{
			Name: "main", Count: 1,
			Flavors: []ResourceFlavorName{{Resource: "cpu", Flavor: "default"}, {Resource: "memory", Flavor: "default"}},
			Usage:   []quota.ResourceAmount{{Resource: "cpu", Amount: 1}, {Resource: "memory", Amount: 1}},
		}}}
		e.Step(1, SetWorkload{w})
	}
	e.Step(1, Decide{})
	return e
}

func one(uid, q string, cpu quota.Amount, priority int32, time int64) *Workload {
	return &Workload{
		UID: uid, Namespace: "ns", Queue: q, Priority: priority, QueueTime: time,
		PodSets: []PodSet{{Name: "main", Count: 1, Requests: []quota.ResourceAmount{{Resource: "cpu", Amount: cpu}, {Resource: "memory", Amount: 1}}}},
	}
}

// preemptOnce submits a workload for which ten others have to go, decides, and
// undoes all of it, by which nothing is released.
func preemptOnce(b *testing.B, e *Engine, n int) {
	uid := fmt.Sprint("p", n)
	e.Step(1, SetWorkload{one(uid, "mine", 10, 50, int64(n))})
	b.StartTimer()
	decisions := e.Step(1, Decide{})
	b.StopTimer()
	victims := 0
	for _, d := range decisions {
		if ev, ok := d.(Evict); ok {
			victims += len(ev.Victims)
			e.Step(1, ForgetEviction{UID: uid})
			for _, v := range ev.Victims {
				e.Step(1, ForgetEviction{UID: v.UID})
			}
		}
	}
	if victims != 10 {
		b.Fatalf("%d victims instead of 10", victims)
	}
	e.Step(1, DeleteWorkload{UID: uid})
	e.Step(1, Decide{})
}

// BenchmarkPreempt is the pass in which one preemptor finds its ten victims among
// so many admitted workloads in 1,000 ClusterQueues.
func BenchmarkPreempt(b *testing.B) {
	for _, fair := range []bool{false, true} {
		for _, admitted := range []int{1_000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("fair=%t/admitted=%d", fair, admitted), func(b *testing.B) {
				e := crowd(Config{FairSharing: fair, Preemption: &PreemptionConfig{}}, 1000, admitted)
				preemptOnce(b, e, -1) // builds what is built once
				b.ReportAllocs()
				b.ResetTimer()
				b.StopTimer()
				for n := range b.N {
					preemptOnce(b, e, n)
				}
			})
		}
	}
}

// BenchmarkPreemptMany is a pass with 1,000 preemptors of one queue, which find
// one victim each in others.
func BenchmarkPreemptMany(b *testing.B) {
	for range b.N {
		b.StopTimer()
		e := crowd(Config{Preemption: &PreemptionConfig{}}, 1000, 10_000)
		for q := range 1000 {
			e.Step(1, SetWorkload{one(fmt.Sprint("p", q), "mine", 1, 50, int64(q))})
		}
		b.StartTimer()
		victims := 0
		for _, d := range e.Step(1, Decide{}) {
			if ev, ok := d.(Evict); ok {
				victims += len(ev.Victims)
			}
		}
		if victims != 1000 {
			b.Fatalf("%d victims instead of 1,000", victims)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/preemptor")
	}
}
