// Command backfill compares FIFO, best effort, EASY and conservative backfill on
// generated jobs and prints the table of docs/backfill.md:
//
//	go run ./test/performance/backfill -jobs 5000 -seeds 5
//	go run ./test/performance/backfill -jobs 20000 -seeds 5 -generator lublin -load 0.9
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"fairlead.dev/fairlead/internal/simulate"
	"fairlead.dev/fairlead/pkg/admission"
)

// policies are what is compared.
var policies = []struct {
	name     string
	strategy admission.QueueingStrategy
	mode     admission.BackfillMode
}{
	{"FIFO", admission.StrictFIFO, admission.BackfillNone},
	{"best effort", admission.BestEffortFIFO, admission.BackfillNone},
	{"EASY", admission.BestEffortFIFO, admission.BackfillEASY},
	{"conservative", admission.BestEffortFIFO, admission.BackfillConservative},
}

// queues is the file of the queues that are simulated.
var queues string

// facility reads them.
func facility() (*simulate.QueueSet, error) {
	if queues == "" {
		return simulate.DefaultQueues()
	}
	return simulate.LoadQueues(queues)
}

// figures are those of one run.
type figures struct{ use, all, largest float64 }

func main() {
	jobs := flag.Int("jobs", 5000, "jobs of each run")
	seeds := flag.Int("seeds", 5, "seeds, from 1")
	generator := flag.String("generator", "", "only jobs of this one: "+strings.Join(simulate.Generators, ", "))
	load := flag.Float64("load", 0, "only this offered load")
	flag.StringVar(&queues, "queues", "", "manifests of the queues; the default facility if empty")
	flag.Parse()
	generators, loads := simulate.Generators, []float64{0.7, 0.9, 1.1}
	if *generator != "" {
		generators = []string{*generator}
	}
	if *load > 0 {
		loads = []float64{*load}
	}
	if err := table(generators, loads, *jobs, *seeds); err != nil {
		fmt.Fprintln(os.Stderr, "backfill:", err)
		os.Exit(1)
	}
}

func table(generators []string, loads []float64, jobs, seeds int) error {
	fmt.Println("| jobs | load | policy | use | p95 wait, all | p95 wait, largest 1 % | of best effort's |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- |")
	for _, generator := range generators {
		for _, load := range loads {
			best := 0.0
			for _, policy := range policies {
				var runs []figures
				for seed := range seeds {
					f, err := run(generator, load, uint64(seed+1), jobs, policy.strategy, policy.mode)
					if err != nil {
						return fmt.Errorf("%s, load %g, seed %d, %s: %w", generator, load, seed+1, policy.name, err)
					}
					runs = append(runs, f)
				}
				largest := median(runs, func(f figures) float64 { return f.largest })
				if policy.name == "best effort" {
					best = largest
				}
				ratio := ""
				if best > 0 {
					ratio = fmt.Sprintf("%.2f", largest/best)
				}
				fmt.Printf("| %s | %.1f | %s | %.1f %% | %s | %s | %s |\n", generator, load, policy.name,
					100*median(runs, func(f figures) float64 { return f.use }),
					span(median(runs, func(f figures) float64 { return f.all })), span(largest), ratio)
			}
		}
	}
	return nil
}

// run simulates the default facility.
func run(generator string, load float64, seed uint64, jobs int, strategy admission.QueueingStrategy, mode admission.BackfillMode) (figures, error) {
	set, err := facility()
	if err != nil {
		return figures{}, err
	}
	for i, event := range set.Events {
		if cq, ok := event.(admission.SetClusterQueue); ok {
			cq.Strategy = strategy
			set.Events[i] = cq
		}
	}
	trace, err := simulate.Generate(generator, set, jobs, seed, load)
	if err != nil {
		return figures{}, err
	}
	s, err := simulate.Run(set.WithBackfill(mode), trace, simulate.Options{Resource: "cpu", Grace: 30 * time.Second, Begin: time.Unix(0, 0)})
	if err != nil {
		return figures{}, err
	}
	f := figures{use: s.Summary.Use, all: s.Summary.All.Wait.P95}
	for _, size := range s.Summary.Sizes {
		if strings.HasPrefix(size.Name, "largest") {
			f.largest = size.Wait.P95
		}
	}
	return f, nil
}

func median(runs []figures, of func(figures) float64) float64 {
	var values []float64
	for _, f := range runs {
		values = append(values, of(f))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// span is a time as people read it.
func span(seconds float64) string {
	switch {
	case seconds < 120:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 7200:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return fmt.Sprintf("%.1f h", seconds/3600)
}
