package load

import (
	"fmt"
	"math"
	"slices"
	"time"

	"fairlead.dev/fairlead/internal/demo/observer"
)

// Act is a part of the load with one point to make.
type Act struct {
	Name  string // "1"
	Title string
	Look  string // what to look for, one sentence
	// Edit, if set, is what the administrator changes before anything is submitted.
	Edit *Edit
	// Batches are submitted at once when the act begins.
	Batches []Batch
	// Until says when the act is over.
	Until Until
}

// Batch is a number of Jobs of one group.
type Batch struct {
	Group string
	Count int
	// Pods of each Job, which run side by side; 0 means one.
	Pods int32
	CPU  observer.Milli // of each pod
	// Shortest and Longest bound how long a pod runs. The times in between are
	// spread evenly and mixed well, so that cores come free one after another.
	Shortest, Longest time.Duration
}

// golden spreads i x golden mod 1 evenly over [0, 1) for any number of i
// (Weyl's sequence).
const golden = 0.6180339887498949

// RunFor is how long the pod of Job i runs.
func (b Batch) RunFor(i int) time.Duration {
	_, part := math.Modf(float64(i+1) * golden)
	return (b.Shortest + time.Duration(part*float64(b.Longest-b.Shortest))).Round(10 * time.Millisecond)
}

// Until says when an act is over: when Running, Held, Waiting, NoneWaiting and AllDone, as
// far as they are set, have held for Hold.
type Until struct {
	// Running is how many cores a group's pods must use.
	Running map[string]observer.Milli
	// Held is how many cores a group's started Jobs must hold, Waiting how many
	// of its Jobs must wait.
	Held    map[string]observer.Milli
	Waiting map[string]int
	// NoneWaiting names groups; one of them must have no Jobs waiting.
	NoneWaiting []string
	// AllDone wants every Job finished.
	AllDone bool
	Hold    time.Duration
	// AtMost, if set, ends the act in any case: what did not happen by then is
	// for the verdict to tell.
	AtMost time.Duration
}

// Holds says whether the condition is met by what the groups do now, not
// counting Hold. submitted is the number of Jobs submitted so far.
func (u Until) Holds(groups []observer.Group, loads []observer.Load, submitted int) bool {
	done, noneWaiting := 0, len(u.NoneWaiting) == 0
	seen := 0
	for i, load := range loads {
		if load.Running < u.Running[groups[i].Name] || load.Held < u.Held[groups[i].Name] || load.PendingJobs < u.Waiting[groups[i].Name] {
			return false
		}
		if load.PendingJobs == 0 && slices.Contains(u.NoneWaiting, groups[i].Name) {
			noneWaiting = true
		}
		done += load.DoneJobs
		seen += load.DoneJobs + load.PendingJobs + load.ActiveJobs
	}
	return seen >= submitted && noneWaiting && (!u.AllDone || done >= submitted)
}

// Demo is the load of `make demo`.
func Demo() []Act {
	one := observer.Core
	return []Act{
		{
			Name: "1", Title: "60 Jobs, all at once",
			Look: "Both groups stay within their own quota, so every Job starts at once: the hackathon's proof of concept.",
			Batches: []Batch{
				{Group: "usatlas", Count: 40, CPU: one, Shortest: 6 * time.Second, Longest: 8 * time.Second},
				{Group: "osg", Count: 20, CPU: one, Shortest: 6 * time.Second, Longest: 8 * time.Second},
			},
			Until: Until{AllDone: true, Hold: 500 * time.Millisecond},
		},
		{
			Name: "2", Title: "osg borrows what is idle",
			Look:    "osg owns 40 cores and brings 150 Jobs; usatlas is away, so osg gets all 100 cores.",
			Batches: []Batch{{Group: "osg", Count: 150, CPU: one, Shortest: 12 * time.Second, Longest: 20 * time.Second}},
			Until:   Until{Running: map[string]observer.Milli{"osg": 100 * one}, Hold: 2 * time.Second, AtMost: 30 * time.Second},
		},
		{
			Name: "3", Title: "usatlas comes back",
			Look:    "usatlas brings 150 Jobs. Nothing is killed: as osg's Jobs end, their cores go to usatlas until it has its 60.",
			Batches: []Batch{{Group: "usatlas", Count: 150, CPU: one, Shortest: 12 * time.Second, Longest: 20 * time.Second}},
			Until:   Until{NoneWaiting: []string{"usatlas", "osg"}},
		},
		{
			Name: "4", Title: "Drain",
			Look:  "Nothing new comes. Whoever still has Jobs waiting borrows what the other leaves idle, and all end.",
			Until: Until{AllDone: true, Hold: 500 * time.Millisecond},
		},
		{
			Name: "5", Title: "osg fills the cluster",
			Look:    "osg brings 170 Jobs: 100 start on its own and borrowed cores, the others wait.",
			Batches: []Batch{{Group: "osg", Count: 170, CPU: one, Shortest: 7 * time.Second, Longest: 9 * time.Second}},
			Until: Until{Held: map[string]observer.Milli{"osg": 100 * one}, Waiting: map[string]int{"osg": gangBacklog},
				AtMost: 20 * time.Second},
		},
		{
			Name: "6", Title: "A gang",
			Look: "usatlas brings one Job of 50 pods, all or nothing. Cores that come free are kept for it, since it fits its own quota: " +
				"it starts whole while Jobs of osg that came before it still wait, and nothing is killed for it.",
			Batches: []Batch{{Group: "usatlas", Count: 1, Pods: gangPods, CPU: one, Shortest: 4 * time.Second, Longest: 4 * time.Second}},
			Until:   Until{AllDone: true, Hold: 500 * time.Millisecond},
		},
		{
			Name: "7", Title: "osg holds all, for long",
			Look:    "osg brings 25 Jobs of 4 cores that run long, and again borrows every core: who waits for them to end waits long.",
			Batches: []Batch{{Group: "osg", Count: 25, CPU: 4 * one, Shortest: 15 * time.Second, Longest: 17 * time.Second}},
			Until:   Until{Running: map[string]observer.Milli{"osg": 100 * one}, Hold: 500 * time.Millisecond, AtMost: 20 * time.Second},
		},
		{
			Name: "8", Title: "usatlas takes its cores back", Edit: &DemoReclaim,
			Look: "The administrator lets usatlas reclaim, then it brings 15 Jobs of 4 cores. Exactly the 60 cores that osg borrowed are taken from it, " +
				"within seconds; its evicted Jobs wait, run again when usatlas is done, and complete.",
			Batches: []Batch{{Group: "usatlas", Count: 15, CPU: 4 * one, Shortest: 5 * time.Second, Longest: 6 * time.Second}},
			Until:   Until{AllDone: true, Hold: 500 * time.Millisecond},
		},
	}
}

// DemoReclaim is the administrator's edit of act 8.
var DemoReclaim = Edit{ClusterQueue: "usatlas", Patch: `{"spec":{"preemption":{"reclaimWithinCohort":"Any"}}}`}

// The gang of act 6, and how many Jobs of osg wait when it comes.
const (
	gangPods    = 50
	gangBacklog = 60
)

// Compressed is the load of the demo's acts in which nobody is ever stopped,
// for a fifth of the cores in an eighth of the time. Its acts follow each other by the clock and wait for nothing, so that
// it goes on whatever happens to the manager.
func Compressed() []Act {
	acts := Demo()
	acts = acts[:slices.IndexFunc(acts, func(a Act) bool { return a.Name == reclaimFrom })]
	for i := range acts {
		for k := range acts[i].Batches {
			batch := &acts[i].Batches[k]
			if batch.Pods > 1 {
				batch.Pods /= 5
			} else {
				batch.Count /= 5
			}
			batch.Shortest /= 8
			batch.Longest /= 8
		}
		acts[i].Until = Until{Hold: time.Second}
	}
	acts[len(acts)-1].Until = Until{AllDone: true}
	return acts
}

// Expectations are what the demo's recording must show besides the rules.
func Expectations() []observer.Expectation {
	return []observer.Expectation{
		{Text: "act 1: all 60 Jobs run at once", Act: "1", Running: 60 * observer.Core},
		{Text: "act 2: osg borrows every idle core", Act: "2", Group: "osg", Running: 100 * observer.Core},
		{Text: "act 8: usatlas runs on all its cores", Act: reclaimAct, Group: "usatlas", Running: 60 * observer.Core},
	}
}

// Gangs are the gangs that the demo's recording must show.
func Gangs() []observer.Gang {
	return []observer.Gang{{Text: "act 6: the gang starts whole, before osg's backlog is gone", Act: "6", Group: "usatlas", Pods: gangPods,
		Backlogged: "osg", Backlog: gangBacklog}}
}

// The acts of the reclaim, and how soon usatlas must hold its quota.
const (
	reclaimFrom   = "7"
	reclaimAct    = "8"
	reclaimWithin = 10 * time.Second
)

// Reclaims are the reclaims that the demo's recording must show.
func Reclaims() []observer.Reclaim {
	return []observer.Reclaim{{Text: "act 8: usatlas gets its quota back", Act: reclaimAct, Group: "usatlas",
		Borrower: "osg", BorrowerAct: reclaimFrom, Within: observer.Seconds(reclaimWithin)}}
}

// Validate says what is wrong with an act, nil if nothing.
func (a Act) Validate() error {
	for _, b := range a.Batches {
		if b.Count <= 0 || b.Pods < 0 || b.CPU <= 0 || b.Shortest <= 0 || b.Longest < b.Shortest {
			return fmt.Errorf("act %s: batch of %s needs a count, cores, and a shortest time no longer than the longest", a.Name, b.Group)
		}
	}
	return nil
}
