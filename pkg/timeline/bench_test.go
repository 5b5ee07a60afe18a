package timeline_test

import (
	"fmt"
	"syscall"
	"testing"

	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
)

// The benchmarks' worlds: 100 leaves in 10 cohorts below a root, charged with so
// many intervals that the root's profile has n breakpoints.
const (
	benchLeaves  = 100
	benchCohorts = 10
	benchLength  = 1_000_000 // when the last ends or starts
)

// sequence is a linear congruential generator (Knuth's MMIX).
type sequence uint64

func (s *sequence) below(n int64) int64 {
	*s = *s*6364136223846793005 + 1442695040888963407
	return int64(uint64(*s)>>33) % n
}

// half, as a lending limit, is half of what a leaf owns.
const half quota.Amount = -1

// owned is what a leaf owns: about what is charged to it.
func owned(n int) quota.Amount { return quota.Amount(n) * 4 / benchLeaves }

type bench struct {
	line    *timeline.Timeline
	handles []timeline.Handle
	random  sequence
}

// leaf is the number of the i-th leaf: each cohort is followed by its leaves.
func leaf(i int64) int32 {
	per := int64(benchLeaves / benchCohorts)
	return int32(1 + i/per*(per+1) + 1 + i%per)
}

// newBench charges n running workloads, whose use only falls, or n
// reservations, whose use rises and falls; lending is the leaves' lending limit.
func newBench(n int, future bool, lending quota.Amount) *bench {
	b := &bench{}
	parent := []int32{-1}
	for range benchCohorts {
		c := int32(len(parent))
		parent = append(parent, 0)
		for range benchLeaves / benchCohorts {
			parent = append(parent, c)
		}
	}
	tree := quota.NewTree(parent, []int32{0})
	own := owned(n)
	if lending == half {
		lending = own / 2
	}
	for i := range int64(benchLeaves) {
		tree.SetQuota(leaf(i), 0, quota.Quota{Nominal: own, BorrowingLimit: own, LendingLimit: lending})
	}
	tree.Seal()
	b.line = timeline.New(tree, 0)
	for range n {
		b.handles = append(b.handles, b.add(future))
	}
	return b
}

func (b *bench) add(future bool) timeline.Handle {
	c := timeline.Charge{
		Node: leaf(b.random.below(benchLeaves)), Requests: []quota.Request{{Amount: 1 + b.random.below(7)}},
		End: 1 + b.random.below(benchLength),
	}
	if future {
		c.Start = c.End
		c.End += 1 + b.random.below(benchLength/20)
	}
	h, _ := b.line.Add(c)
	return h
}

// cpu reports the processor's time beside that of the wall, which on a shared
// machine says more. What is returned is to be called at the end.
func cpu(b *testing.B) func() {
	used := func() int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Utime.Nano() + u.Stime.Nano()
	}
	began := used()
	return func() { b.ReportMetric(float64(used()-began)/float64(b.N), "cpu-ns/op") }
}

func each(b *testing.B, run func(b *testing.B, n int)) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) { run(b, n) })
	}
}

func benchmarkUpdate(b *testing.B, lending quota.Amount, future bool) {
	each(b, func(b *testing.B, n int) {
		w := newBench(n, future, lending)
		defer cpu(b)()
		for b.Loop() {
			i := w.random.below(int64(n))
			w.line.Remove(w.handles[i])
			w.handles[i] = w.add(future)
		}
	})
}

// One workload ends and another starts: a removal and an addition, on three
// levels.
func BenchmarkUpdate(b *testing.B) { benchmarkUpdate(b, quota.Unlimited, false) }

// The same of reservations, which begin in the future.
func BenchmarkUpdateFuture(b *testing.B) { benchmarkUpdate(b, quota.Unlimited, true) }

// The same as BenchmarkUpdate with leaves that keep half of what they own to
// themselves.
func BenchmarkUpdateLending(b *testing.B) { benchmarkUpdate(b, half, false) }

func benchmarkStart(b *testing.B, w *bench, amount quota.Amount, length int64) {
	request := []quota.Request{{Amount: amount}}
	first, ok := w.line.EarliestStart(leaf(0), request, length, 0, false)
	if !ok || first == 0 {
		b.Fatalf("it is to wait: %d, %t", first, ok)
	}
	defer cpu(b)()
	for b.Loop() {
		w.line.EarliestStart(leaf(w.random.below(benchLeaves)), request, length, 0, false)
	}
}

// When can a leaf's whole quota start, about everything being in use now?
func BenchmarkEarliestStart(b *testing.B) {
	each(b, func(b *testing.B, n int) {
		benchmarkStart(b, newBench(n, false, quota.Unlimited), owned(n), 50_000)
	})
}

// The same with leaves that keep half of what they own to themselves.
func BenchmarkEarliestStartLending(b *testing.B) {
	each(b, func(b *testing.B, n int) {
		benchmarkStart(b, newBench(n, false, half), owned(n), 50_000)
	})
}

// The same beside n reservations, among which use rises and falls around what
// leaves room.
func BenchmarkEarliestStartFuture(b *testing.B) {
	each(b, func(b *testing.B, n int) {
		w := newBench(n, true, quota.Unlimited)
		// A charge on the root leaves so much that the request fits at few times.
		usual := w.line.Use(0, 0, benchLength/2)
		fill := []quota.Request{{Amount: w.line.Available(0, 0, 0) - usual}}
		w.line.Add(timeline.Charge{Node: 0, Requests: fill, Start: 0, End: 2 * benchLength})
		benchmarkStart(b, w, usual/20, 50_000)
	})
}
