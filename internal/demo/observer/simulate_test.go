package observer

import (
	"bytes"
	"cmp"
	"container/heap"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
)

// demoRules are the rules of the demo.
func demoRules() *Rules {
	return &Rules{
		Cohort: "wlcg",
		Groups: []Group{
			{Name: "usatlas", Namespaces: []string{"usatlas"}, Nominal: 60 * Core, Weight: Core},
			{Name: "osg", Namespaces: []string{"osg"}, Nominal: 40 * Core, Weight: Core},
		},
		Split: &SplitRule{Tolerance: 0.05, RunningTolerance: 0.1, MinimumFill: 0.9, Settle: Seconds(time.Second), Minimum: Seconds(4 * time.Second)},
		Expect: []Expectation{
			{Text: "act 1: all 60 Jobs run at once", Act: "1", Running: 60 * Core},
			{Text: "act 2: osg borrows every idle core", Act: "2", Group: "osg", Running: 100 * Core},
		},
	}
}

// cluster is a toy cluster that runs the demo's load under a policy of its own
// and writes down what an observer would see.
type cluster struct {
	now      time.Duration
	rv       int64
	queue    agenda
	records  []Record
	manifest Manifest
	waiting  [2][]*toyJob
	held     [2]int
	// pods of each Job that is submitted.
	pods int32
	// running are the Jobs that hold cores, by start; leaving is how many cores
	// stopped Jobs are giving back.
	running []*toyJob
	leaving int
	// preempt, if set, stops Jobs before any are started.
	preempt func(c *cluster)
	// choose tells which group starts a Job next, -1 for none.
	choose func(c *cluster) int
}

type toyJob struct {
	JobSeen
	group   int
	runFor  time.Duration
	attempt int // how often it was stopped
}

type entry struct {
	at   time.Duration
	rank int
	do   func()
}

type agenda []entry

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(a[i].at, a[j].at), cmp.Compare(a[i].rank, a[j].rank)) < 0
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(e any)   { *a = append(*a, e.(entry)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

func (c *cluster) at(t time.Duration, do func()) {
	heap.Push(&c.queue, entry{at: t, rank: len(c.records)*1000 + len(c.queue), do: do})
}

func (c *cluster) seen(change Change, job *toyJob) {
	c.rv++
	job.ResourceVersion, job.Change = c.rv, change
	copied := job.JobSeen
	c.records = append(c.records, Record{At: c.now, Kind: KindJob, Job: &copied})
}

// pod writes down a sight of each pod of a Job.
func (c *cluster) pod(job *toyJob, change Change, phase, node string) {
	for i := range job.Completions {
		c.rv++
		c.records = append(c.records, Record{At: c.now, Kind: KindPod, Pod: &PodSeen{
			Change: change, UID: fmt.Sprintf("pod-%d-%d-%s", job.attempt, i, job.UID), Namespace: job.Namespace, Name: fmt.Sprintf("%s-%d", job.Name, i),
			ResourceVersion: c.rv, Job: job.UID, CPU: job.CPU, Node: node, Phase: phase,
		}})
	}
}

func (c *cluster) submit(act string, group, count int, shortest, longest time.Duration) {
	names := []string{"usatlas", "osg"}
	for i := range count {
		name := fmt.Sprintf("%s-a%s-%03d", names[group], act, i)
		job := &toyJob{group: group, runFor: shortest + (longest-shortest)*time.Duration((i*37)%count)/time.Duration(count)}
		job.JobSeen = JobSeen{UID: "uid-" + name, Namespace: names[group], Name: name, Suspend: true, Parallelism: c.pods, Completions: c.pods, CPU: Core}
		c.at(c.now+time.Duration(i)*5*time.Millisecond, func() {
			c.manifest.Jobs = append(c.manifest.Jobs, Submitted{UID: job.UID, Namespace: job.Namespace, Name: name, Act: act, RunFor: job.runFor})
			c.seen(Added, job)
			c.waiting[group] = append(c.waiting[group], job)
			c.at(c.now+20*time.Millisecond, c.admit)
		})
	}
}

func (c *cluster) admit() {
	if c.preempt != nil {
		c.preempt(c)
	}
	for {
		g := c.choose(c)
		if g < 0 || len(c.waiting[g]) == 0 {
			return
		}
		job := c.waiting[g][0]
		c.waiting[g] = c.waiting[g][1:]
		c.held[g] += int(job.Parallelism)
		job.Suspend = false
		c.seen(Modified, job)
		c.run(job)
	}
}

func (c *cluster) run(job *toyJob) {
	start, attempt := c.now, job.attempt
	c.running = append(c.running, job)
	then := func(after time.Duration, do func()) {
		c.at(start+after, func() {
			if job.attempt == attempt {
				do()
			}
		})
	}
	then(30*time.Millisecond, func() { c.pod(job, Added, "Pending", "") })
	then(50*time.Millisecond, func() { c.pod(job, Modified, "Pending", "node-0") })
	then(90*time.Millisecond, func() { c.pod(job, Modified, "Running", "node-0") })
	then(90*time.Millisecond+job.runFor, func() { c.pod(job, Modified, "Succeeded", "node-0") })
	then(120*time.Millisecond+job.runFor, func() {
		job.Succeeded, job.Finished = job.Completions, "Complete"
		c.seen(Modified, job)
		c.gone(job)
		c.at(c.now+10*time.Millisecond, c.admit)
	})
}

// gone takes a Job's cores back.
func (c *cluster) gone(job *toyJob) {
	c.running = slices.DeleteFunc(c.running, func(one *toyJob) bool { return one == job })
	c.held[job.group] -= int(job.Parallelism)
}

// stop suspends a Job that runs; it waits again when its pods are gone.
func (c *cluster) stop(job *toyJob, takes time.Duration) {
	job.Suspend = true
	c.seen(Modified, job)
	c.running = slices.DeleteFunc(c.running, func(one *toyJob) bool { return one == job })
	c.leaving += int(job.Parallelism)
	stopped := *job
	job.attempt++
	c.at(c.now+takes, func() {
		c.pod(&stopped, Deleted, "Running", "node-0")
		c.leaving -= int(job.Parallelism)
		c.held[job.group] -= int(job.Parallelism)
		c.waiting[job.group] = append(c.waiting[job.group], job)
		c.at(c.now+10*time.Millisecond, c.admit)
	})
}

// fair starts Jobs as dominant-resource fair sharing would: first those within
// nominal quota, then the group that borrows less.
func fair(c *cluster) int {
	nominal := []int{60, 40}
	best := -1
	for g := range c.waiting {
		if len(c.waiting[g]) == 0 || c.held[0]+c.held[1] >= 100 {
			continue
		}
		if best < 0 || max(0, c.held[g]+1-nominal[g]) < max(0, c.held[best]+1-nominal[best]) {
			best = g
		}
	}
	return best
}

// simulate runs the demo's first four acts under a policy.
func simulate(choose func(*cluster) int) ([]Record, *Manifest) {
	c := &cluster{choose: choose, rv: 1000, pods: 1}
	c.at(0, func() {
		c.submit("1", 0, 40, 5*time.Second, 6*time.Second)
		c.submit("1", 1, 20, 5*time.Second, 6*time.Second)
	})
	c.at(8*time.Second, func() { c.submit("2", 1, 150, 6*time.Second, 12*time.Second) })
	c.at(11*time.Second, func() { c.submit("3", 0, 150, 6*time.Second, 12*time.Second) })
	c.play()
	return c.records, &c.manifest
}

func (c *cluster) play() {
	for c.queue.Len() > 0 {
		next := heap.Pop(&c.queue).(entry)
		c.now = next.at
		next.do()
	}
}

// lines writes records as an observer would have.
func lines(t *testing.T, records []Record) []byte {
	t.Helper()
	all := append([]Record{{Kind: KindBegin, Begin: &Begin{Version: FormatVersion}}}, records...)
	all = append(all, Record{Kind: KindEnd, At: all[len(all)-1].At, End: &End{Records: int64(len(all))}})
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	for i := range all {
		all[i].Seq = int64(i)
		if err := encoder.Encode(all[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// cloneRecords lets a test doctor records without touching its neighbours'.
func cloneRecords(records []Record) []Record {
	copied := slices.Clone(records)
	for i, r := range copied {
		if r.Job != nil {
			job := *r.Job
			copied[i].Job = &job
		}
		if r.Pod != nil {
			pod := *r.Pod
			copied[i].Pod = &pod
		}
	}
	return copied
}
