package simulation

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/simulation/model"
)

// million is the load of the issue: 1,000,000 jobs of a physics facility on
// 100 ClusterQueues in ten cohorts, which ask for so much of what they can do, load,
// that at least 50,000 wait at the peak.
func million(tb testing.TB, load float64) Config {
	tb.Helper()
	var list []queue
	c := model.Config{Jobs: 1_000_000, Seed: 7, Cores: 100 * 400_000, Load: load, Largest: 400_000}
	for i := range 100 {
		name := fmt.Sprintf("q%02d", i)
		list = append(list, queue{name: name, cohort: fmt.Sprintf("c%d", i%10), cores: 400})
		c.Queues = append(c.Queues, model.Queue{Name: "ns/" + name, Share: float64(1 + i%4)})
	}
	tr, err := model.HEP(c)
	if err != nil {
		tb.Fatal(err)
	}
	config := newSite(list...).config(tr)
	for i, name := range tr.Queues {
		config.Queues[i] = LocalQueue{Namespace: "ns", Name: name[len("ns/"):]}
	}
	return config
}

// BenchmarkSimulateEASY simulates a million jobs with EASY backfill in every
// queue, as `fairlead simulate --backfill EASY` does: who outlives his limit is
// planned on for ten minutes at a time. The aim is below 60 s of one core and 1.5
// GB of memory. So many wait at a load below 1 because a few of the queues are
// asked for far more than they own.
func BenchmarkSimulateEASY(b *testing.B) {
	measure(b, func() Config {
		config := million(b, 0.9)
		config.Engine = admission.New(admission.Config{
			FairSharing: true, IgnoreUndeclared: true, Preemption: &admission.PreemptionConfig{}, Overrun: int64(10 * time.Minute),
		})
		for i, object := range config.Objects {
			if cq, ok := object.(admission.SetClusterQueue); ok {
				cq.Backfill = &admission.Backfill{Mode: admission.BackfillEASY}
				config.Objects[i] = cq
			}
		}
		return config
	})
}

// BenchmarkSimulate simulates a million jobs. The aim is below 20 s of one core
// and 1.5 GB of memory, jobs and results included.
func BenchmarkSimulate(b *testing.B) {
	measure(b, func() Config { return million(b, 1.2) })
}

// measure runs simulations of a million jobs of which at least 50,000 wait at the
// peak.
func measure(b *testing.B, prepare func() Config) {
	for range b.N {
		b.StopTimer()
		config := prepare()
		before := processorTime()
		b.StartTimer()
		r, err := Run(config)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if r.Ended != 1_000_000 || r.PeakPending < 50_000 {
			b.Fatalf("%d jobs ended, at most %d waited", r.Ended, r.PeakPending)
		}
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		b.ReportMetric((processorTime() - before).Seconds(), "cpu-s")
		b.ReportMetric(float64(memory.Sys)/1e9, "GB-of-system")
		b.ReportMetric(float64(r.PeakPending), "peak-pending")
	}
}

// processorTime is what this process has used: other work on the machine does
// not count.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
