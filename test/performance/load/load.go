package load

import (
	"cmp"
	"fmt"
	"math"
	"sort"
	"strings"
	"time"
)

// Kind is what a load submits.
type Kind string

const (
	// Jobs are batch/v1 Jobs of one pod that a full control plane runs.
	Jobs Kind = "Jobs"
	// Workloads are bare Workload objects; the driver finishes each when its
	// time after admission is up.
	Workloads Kind = "Workloads"
)

// Unlimited stands for "no borrowing limit" in Load.BorrowingLimit.
const Unlimited int64 = -1

// Load is one thing to measure. All quotas are in cores.
type Load struct {
	Name  string
	About string
	Kind  Kind

	// Cohorts times QueuesPerCohort ClusterQueues, each with one LocalQueue,
	// of Nominal cores and a BorrowingLimit (Unlimited: none is set).
	Cohorts         int
	QueuesPerCohort int
	Nominal         int64
	BorrowingLimit  int64

	// Classes are submitted to every queue alike.
	Classes []Class

	// Nodes is how many nodes of NodeCPU cores the cluster has; Jobs only.
	Nodes   int
	NodeCPU int

	// FloorCores bounds what the floor driver runs at once, so that a load
	// that is bound by its quota has a floor that is bound by it as well. Zero:
	// the floor starts everything at once.
	FloorCores int64

	// Prefix begins the names of cohorts, queues and items; empty means
	// "bench". Loads with different prefixes can share a cluster.
	Prefix string
	// Round tells the items' names of one run from those of another on the
	// same cluster; calibration runs many.
	Round int
}

// Class is a stream of equal items into one queue.
type Class struct {
	Name     string
	Count    int
	Cores    int64
	RunTime  time.Duration
	Priority int32
	// Every is the pause from one submission to the next; zero submits all as
	// fast as the driver can.
	Every time.Duration
}

// Queue is one ClusterQueue with its LocalQueue of the same name.
type Queue struct {
	Name   string
	Cohort string
}

// Item is one object to submit.
type Item struct {
	// Index is the item's place in the plan; Name is unique in the load.
	Index int
	Name  string
	Queue string
	Class *Class
	// Due is when to submit it, counted from the start of the run.
	Due time.Duration
}

// Find returns the load of that name (letters' case does not matter).
func Find(name string) (Load, error) {
	var names []string
	for _, l := range Table() {
		if strings.EqualFold(l.Name, name) {
			return l, nil
		}
		names = append(names, l.Name)
	}
	return Load{}, fmt.Errorf("no load is called %q: choose from %s", name, strings.Join(names, ", "))
}

// Scaled returns the load with every class's count multiplied by factor, at
// least one of each. Queues, quotas and intervals stay as they are.
func (l Load) Scaled(factor float64) Load {
	classes := make([]Class, len(l.Classes))
	for i, c := range l.Classes {
		c.Count = max(1, int(math.Round(float64(c.Count)*factor)))
		classes[i] = c
	}
	l.Classes = classes
	return l
}

// Queues lists the load's queues in order of name.
func (l Load) Queues() []Queue {
	prefix := cmp.Or(l.Prefix, "bench")
	queues := make([]Queue, 0, l.Cohorts*l.QueuesPerCohort)
	for c := range l.Cohorts {
		for q := range l.QueuesPerCohort {
			queues = append(queues, Queue{
				Name:   fmt.Sprintf("%s-%02d-%03d", prefix, c, q),
				Cohort: fmt.Sprintf("%s-%02d", prefix, c),
			})
		}
	}
	return queues
}

// Plan lists everything the load submits, by due time; what is due at the same
// instant goes class by class and then queue by queue, so that no queue is
// served first throughout.
func (l Load) Plan() []Item {
	var items []Item
	for ci := range l.Classes {
		class := &l.Classes[ci]
		for n := range class.Count {
			for _, q := range l.Queues() {
				items = append(items, Item{
					Name:  fmt.Sprintf("%s-%s-%d-%04d", q.Name, class.Name, l.Round, n),
					Queue: q.Name,
					Class: class,
					Due:   time.Duration(n) * class.Every,
				})
			}
		}
	}
	sort.SliceStable(items, func(i, j int) bool { return items[i].Due < items[j].Due })
	for i := range items {
		items[i].Index = i
	}
	return items
}

// Size is how many objects the load submits.
func (l Load) Size() int {
	n := 0
	for _, c := range l.Classes {
		n += c.Count
	}
	return n * l.Cohorts * l.QueuesPerCohort
}

// CoreSeconds is the time that the load's items run, times their cores.
func (l Load) CoreSeconds() float64 {
	total := 0.0
	for _, c := range l.Classes {
		total += float64(c.Count) * float64(c.Cores) * c.RunTime.Seconds()
	}
	return total * float64(l.Cohorts*l.QueuesPerCohort)
}

// QuotaCores is the nominal quota of all queues together.
func (l Load) QuotaCores() int64 {
	return l.Nominal * int64(l.Cohorts*l.QueuesPerCohort)
}

// LeastWall is the shortest time in which any scheduler could finish the load:
// the pace of the submissions with the last item's run, or the work over the
// quota, whichever is longer.
func (l Load) LeastWall() time.Duration {
	pace := time.Duration(0)
	for _, c := range l.Classes {
		pace = max(pace, time.Duration(c.Count-1)*c.Every+c.RunTime)
	}
	quota := l.CoreSeconds() / float64(l.QuotaCores())
	return max(pace, time.Duration(quota*float64(time.Second)))
}
