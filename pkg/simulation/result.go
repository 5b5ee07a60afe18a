package simulation

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// Result is what happened.
type Result struct {
	// ClusterQueues are their names, sorted; Nominal their own quota of the
	// resource counted.
	ClusterQueues []string
	Nominal       []float64
	Entitlements  *Entitlements
	Resource      string

	Trace *trace.Trace
	// Starts and Ends of each job of the trace: nanoseconds from the beginning,
	// -1 if there was none. Starts are the first ones of jobs that were evicted.
	Starts, Ends []int64
	// Used is what each job has held, over all attempts: amount x seconds.
	Used []float64
	// Lost is the part of Used whose work was lost by evictions, Evictions how
	// often that was, of the jobs that were evicted.
	Lost      map[int32]float64
	Evictions map[int32]int
	// Preempted counts evictions for the sake of each ClusterQueue, Reasons
	// those of each reason.
	Preempted []int
	Reasons   map[string]int
	// Problems are those of the trace, and the jobs that could never start.
	Problems trace.Problems
	// Submitted counts jobs told to the engine, Started their starts, repeated
	// ones included, Ended those that ran to their end, Refused those that could
	// never start.
	Submitted, Started, Ended, Refused int
	// PeakPending is the most jobs that waited at once.
	PeakPending int
	// Length is the time from the beginning to the last moment.
	Length time.Duration
	Series Series
	// UsedWhileSubmitting and UsedTotal are the use of each ClusterQueue until
	// the last submission and until the end: amount x seconds.
	UsedWhileSubmitting, UsedTotal []float64

	places  map[string]int32
	queueOf []int32   // the ClusterQueue of each queue of the trace, -1 if none
	amounts []float64 // of each shape
}

func newResult(config *Config) (*Result, error) {
	t := config.Jobs
	r := &Result{
		Trace: t, Resource: config.Resource, Problems: t.Problems, places: map[string]int32{},
		Starts: unset(len(t.Jobs)), Ends: unset(len(t.Jobs)), Used: make([]float64, len(t.Jobs)),
		Lost: map[int32]float64{}, Evictions: map[int32]int{}, Reasons: map[string]int{},
	}
	r.Problems.List = slices.Clip(r.Problems.List)
	r.Problems.Counts = copyCounts(r.Problems.Counts)
	homes := map[LocalQueue]string{}
	for _, object := range config.Objects {
		switch o := object.(type) {
		case admission.SetClusterQueue:
			r.ClusterQueues = append(r.ClusterQueues, o.Name)
		case admission.SetLocalQueue:
			homes[LocalQueue{Namespace: o.Namespace, Name: o.Name}] = o.ClusterQueue
		}
	}
	if len(r.ClusterQueues) == 0 {
		return nil, errors.New("there is no ClusterQueue")
	}
	slices.Sort(r.ClusterQueues)
	if twice := slices.Compact(slices.Clone(r.ClusterQueues)); len(twice) < len(r.ClusterQueues) {
		return nil, fmt.Errorf("a ClusterQueue is given twice, among %v", r.ClusterQueues)
	}
	for i, name := range r.ClusterQueues {
		r.places[name] = int32(i)
	}
	r.Preempted = make([]int, len(r.ClusterQueues))
	r.Entitlements = NewEntitlements(config.Objects, config.Resource, r.ClusterQueues)
	for i := range r.ClusterQueues {
		r.Nominal = append(r.Nominal, r.Entitlements.nodes[r.Entitlements.queues[i]].nominal)
	}
	for _, q := range config.Queues {
		home, known := r.places[homes[q]]
		if !known {
			home = -1
		}
		r.queueOf = append(r.queueOf, home)
	}
	for i := range t.Shapes {
		r.amounts = append(r.amounts, asked(&t.Shapes[i], config.Resource))
	}
	return r, nil
}

func unset(n int) []int64 {
	list := make([]int64, n)
	for i := range list {
		list[i] = -1
	}
	return list
}

func copyCounts(counts map[trace.ProblemKind]int) map[trace.ProblemKind]int {
	out := map[trace.ProblemKind]int{}
	for _, kind := range trace.Kinds {
		if n := counts[kind]; n > 0 {
			out[kind] = n
		}
	}
	return out
}

// asked is what a shape asks for of a resource.
func asked(shape *trace.Shape, resource string) float64 {
	sum := 0.0
	for i := range shape.PodSets {
		for _, r := range shape.PodSets[i].Requests {
			if r.Resource == resource {
				sum += float64(r.Amount) * float64(shape.PodSets[i].Count)
			}
		}
	}
	return sum
}

// place is that of a ClusterQueue, -1 if it is none of the queue set's (a
// found admission may name one that is gone).
func (r *Result) place(name string) int32 {
	if at, known := r.places[name]; known {
		return at
	}
	return -1
}

// Home is the place of the ClusterQueue that a job was submitted to, -1 if its
// LocalQueue leads nowhere.
func (r *Result) Home(job int) int { return int(r.queueOf[r.Trace.Jobs[job].Queue]) }

// Amount is what a job asks for, in the unit of the quotas.
func (r *Result) Amount(job int) float64 { return r.amounts[r.Trace.Jobs[job].Shape] }

// Wait is how long a job waited for its first start; false if it never came.
func (r *Result) Wait(job int) (time.Duration, bool) {
	if r.Starts[job] < 0 {
		return 0, false
	}
	return time.Duration(r.Starts[job]) - r.Trace.Jobs[job].Submit, true
}

// Unit is how much of the quotas' unit a whole one of the resource is.
func (r *Result) Unit() float64 { return unit(r.Resource) }
