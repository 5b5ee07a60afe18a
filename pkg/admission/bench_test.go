package admission

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"fairlead.dev/fairlead/pkg/quota"
)

// load is a cluster under load: queues full of pending workloads of which most
// do not fit, and workloads that finish in random order.
type load struct {
	e   *Engine
	rng *rand.Rand
	layout
	next    int
	running []string
	kinds   [][]PodSet
	names   []string
	seen    Workload // room for the one that is shown
}

// layout says how the ClusterQueues of a load hang together.
type layout struct {
	queues, perCohort int
	// depth 3 puts the cohorts under regions of ten, and those under a root.
	deep bool
	// even gives every queue as many pending workloads of each kind, and leaves
	// it so; otherwise queues and kinds are drawn.
	even bool
}

func newLoad(l layout, pending int) *load {
	b := &load{e: New(Config{FairSharing: true}), rng: rand.New(rand.NewPCG(1, 2)), layout: l}
	for f := range 3 {
		b.e.Step(0, SetFlavor{Flavor{Name: fmt.Sprint("f", f), NodeLabels: map[string]string{"zone": fmt.Sprint("z", f)}}})
	}
	cohorts := max(1, l.queues/l.perCohort)
	for c := range cohorts {
		co := Cohort{Name: fmt.Sprintf("c%03d", c), WeightMilli: 1000}
		if l.deep {
			co.Parent = fmt.Sprintf("r%02d", c/10)
			b.e.Step(0, SetCohort{Cohort{Name: co.Parent, Parent: "root", WeightMilli: 1000}})
		}
		b.e.Step(0, SetCohort{co})
	}
	for q := range l.queues {
		name := fmt.Sprintf("q%04d", q)
		b.names = append(b.names, name)
		cq := ClusterQueue{Name: name, Cohort: fmt.Sprintf("c%03d", q%cohorts), WeightMilli: int64(500 + 500*(q%4)), Namespaces: &Selector{}}
		g := ResourceGroup{Resources: []string{"cpu", "memory"}}
		for f := range 3 {
			limit := quota.Amount(6_000)
			g.Flavors = append(g.Flavors, FlavorQuotas{Flavor: fmt.Sprint("f", f), Quotas: []ResourceQuota{
				{Resource: "cpu", Nominal: 4_000, BorrowingLimit: &limit},
				{Resource: "memory", Nominal: 16 << 30},
			}})
		}
		cq.Groups = []ResourceGroup{g}
		b.e.Step(0, SetClusterQueue{cq})
		b.e.Step(0, SetLocalQueue{LocalQueue{Namespace: "ns", Name: name, ClusterQueue: name}})
	}
	kind := func(cpu, memory quota.Amount, selector map[string]string) []PodSet {
		return []PodSet{{Name: "main", Count: 1, NodeSelector: selector, Requests: []quota.ResourceAmount{
			{Resource: "cpu", Amount: cpu}, {Resource: "memory", Amount: memory},
		}}}
	}
	// The first two fit as soon as one of their like finishes. The others wait
	// for more than is ever free at once, within nominal quota (three kinds)
	// or by borrowing (two), or can never fit (three).
	b.kinds = [][]PodSet{
		kind(1_000, 2<<30, nil), kind(2_000, 4<<30, map[string]string{"zone": "z1"}),
		kind(3_500, 8<<30, nil), kind(4_000, 12<<30, nil), kind(4_000, 16<<30, map[string]string{"zone": "z2"}),
		kind(6_000, 16<<30, nil), kind(9_000, 30<<30, map[string]string{"zone": "z0"}),
		kind(12_000, 1<<30, nil), kind(1_000, 2<<30, map[string]string{"zone": "none"}), kind(90_000, 100<<30, nil),
	}
	for range 14 * l.queues {
		b.submit(b.rng.IntN(b.queues), b.rng.IntN(2))
	}
	b.decide()
	for i := range pending {
		if b.even {
			b.submit(i%b.queues, i/b.queues%len(b.kinds))
		} else {
			b.submit(b.rng.IntN(b.queues), b.rng.IntN(len(b.kinds)))
		}
	}
	b.decide()
	return b
}

func (b *load) submit(queue, kind int) {
	b.next++
	// As long as a UID is; four digits for the queue and one for the kind end it.
	number := 1_000_000_000_000_000 + 100_000*b.next + 10*queue + kind
	uid := string(strconv.AppendInt([]byte("00000000-0000-0000-0"), int64(number), 10))
	b.seen = Workload{
		UID: uid, Namespace: "ns", Queue: b.names[queue], QueueTime: int64(b.next), PodSets: b.kinds[kind],
	}
	b.e.Step(0, SetWorkload{&b.seen})
}

// again submits what is equal to a workload that was.
func (b *load) again(uid string) {
	number, err := strconv.Atoi(uid[len(uid)-5:])
	if err != nil {
		panic(err)
	}
	queue := number / 10
	if !b.even {
		queue = b.rng.IntN(b.queues)
	}
	b.submit(queue, number%10)
}

func (b *load) decide() int {
	admits := 0
	for _, d := range b.e.Step(0, Decide{}) {
		if a, ok := d.(Admit); ok {
			b.running = append(b.running, a.UID)
			admits++
		}
	}
	return admits
}

// churn lets workloads finish, batch by batch with a pass after each, and an
// equal one come in the place of each, until n have been admitted.
func (b *load) churn(n, batch int) (admitted int) {
	for admitted < n {
		for range min(batch, len(b.running)) {
			i := b.rng.IntN(len(b.running))
			uid := b.running[i]
			b.running[i] = b.running[len(b.running)-1]
			b.running = b.running[:len(b.running)-1]
			b.e.Step(0, Finish{UID: uid})
			b.e.Step(0, DeleteWorkload{UID: uid})
			b.again(uid)
		}
		admitted += b.decide()
	}
	return admitted
}

// cpu is the processor time that this process has used: other work on the
// machine does not count.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHardMix is the engine's load of the issue: three flavors, fair
// sharing, 80 % of pending unfit, finishes interleaved, 1,000 ClusterQueues,
// 100,000 pending. An operation is an admission with everything around it: a
// finish, a new workload in its place, wake-ups, and the pass.
func BenchmarkHardMix(b *testing.B) {
	for _, c := range []struct {
		name string
		layout
	}{
		{"50x20", layout{queues: 1000, perCohort: 20}},
		{"1x1000", layout{queues: 1000, perCohort: 1000}},
		{"depth3", layout{queues: 1000, perCohort: 20, deep: true}},
	} {
		for _, batch := range []int{1, 16, 128} {
			b.Run(fmt.Sprintf("%s/batch=%d", c.name, batch), func(b *testing.B) {
				l := newLoad(c.layout, 100_000)
				b.ReportAllocs()
				b.ResetTimer()
				began := cpu()
				n := l.churn(b.N, batch)
				b.ReportMetric(float64(n)/(cpu()-began).Seconds(), "admissions/cpu-s")
			})
		}
	}
}

// BenchmarkGrowth shows how the cost of an admission grows with the number of
// queues and of pending workloads, all else being equal: a queue of ten has one
// of each kind. With fewer there is less to choose from.
func BenchmarkGrowth(b *testing.B) {
	for _, queues := range []int{10, 100, 1000} {
		for _, pending := range []int{1_000, 10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("queues=%d/pending=%d", queues, pending), func(b *testing.B) {
				l := newLoad(layout{queues: queues, perCohort: 20, even: true}, pending)
				runtime.GC() // of what making the load has left
				b.ResetTimer()
				began := cpu()
				n := l.churn(b.N, 16)
				b.ReportMetric(float64((cpu()-began).Nanoseconds())/float64(n), "cpu-ns/admission")
			})
		}
	}
}

// BenchmarkMemory tells the heap that a pending workload costs.
func BenchmarkMemory(b *testing.B) {
	for range b.N {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		l := newLoad(layout{queues: 1000, perCohort: 20}, 1_000_000)
		l.running = nil
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "B/pending")
		runtime.KeepAlive(l)
	}
}

// BenchmarkPassWithoutAdmission is a new workload that does not fit, among
// 100,000 that wait for the same or more, with the pass that finds that out.
func BenchmarkPassWithoutAdmission(b *testing.B) {
	l := newLoad(layout{queues: 1000, perCohort: 20}, 100_000)
	b.ResetTimer()
	for range b.N {
		l.submit(l.rng.IntN(l.queues), 2+l.rng.IntN(len(l.kinds)-2))
		if l.decide() != 0 {
			b.Fatal("something was admitted: the load is not full")
		}
	}
}
