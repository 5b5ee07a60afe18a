package trace

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/quota"
)

// Job is one job of a trace.
type Job struct {
	// Submit is when it is submitted, from the beginning of the trace.
	Submit time.Duration
	// Run is how long it runs once it has started.
	Run time.Duration
	// Limit is the run-time limit that its user gave; 0 if none is known. It
	// may be wrong, in both directions.
	Limit time.Duration
	// Shape, Queue and User are places in the lists of the Trace.
	Shape, Queue, User int32
	Priority           int32
	// Line is where it stands in the input, from 1.
	Line int32
}

// Shape is what a job asks for.
type Shape struct {
	PodSets []admission.PodSet
	// Cores are those of all pods, in thousandths.
	Cores int64
}

// Trace is a list of jobs and the names they refer to.
type Trace struct {
	Jobs   []Job // by Submit, then as in the input
	Shapes []Shape
	// Queues are the names of queues or groups as the input gives them; a name
	// with a slash is NAMESPACE/NAME of a LocalQueue.
	Queues []string
	Users  []string
	// MaxCores is the size of the machine as the input tells it, in
	// thousandths of a core; 0 if it does not.
	MaxCores int64
	// Problems are what was wrong with the input.
	Problems Problems
	// Found are jobs that are in the cluster already, by their place in Jobs:
	// they keep their UID, queue time and admission.
	Found map[int32]*admission.Workload
}

// CoreTime is what all jobs use together, in core-seconds.
func (t *Trace) CoreTime() float64 {
	sum := 0.0
	for i := range t.Jobs {
		j := &t.Jobs[i]
		sum += float64(t.Shapes[j.Shape].Cores) / 1000 * j.Run.Seconds()
	}
	return sum
}

// Span is the time from the first to the last submission.
func (t *Trace) Span() time.Duration {
	if len(t.Jobs) == 0 {
		return 0
	}
	return t.Jobs[len(t.Jobs)-1].Submit - t.Jobs[0].Submit
}

// Load is the offered load on a number of cores (in thousandths): the work of
// all jobs divided by what the cores can do between the first and the last
// submission. It is 0 if there is no such time.
func (t *Trace) Load(cores int64) float64 {
	if span := t.Span().Seconds(); span > 0 && cores > 0 {
		return t.CoreTime() / (span * float64(cores) / 1000)
	}
	return 0
}

// ScaleTo stretches or shortens all times between submissions by one factor,
// so that the offered load on cores (in thousandths) becomes load. It says
// whether there was something to scale.
func (t *Trace) ScaleTo(load float64, cores int64) bool {
	now := t.Load(cores)
	if now <= 0 || load <= 0 {
		return false
	}
	factor, first := now/load, t.Jobs[0].Submit
	for i := range t.Jobs {
		j := &t.Jobs[i]
		j.Submit = first + time.Duration(float64(j.Submit-first)*factor)
	}
	return true
}

// Limit keeps the first n jobs.
func (t *Trace) Limit(n int) {
	if n > 0 && n < len(t.Jobs) {
		t.Jobs = slices.Clip(t.Jobs[:n])
	}
}

// Builder puts a Trace together.
type Builder struct {
	trace  Trace
	names  map[string]int32
	shapes map[Request]int32
	last   time.Duration // the latest Submit so far
	// numbered: lines are to be numbered by Trace.
	numbered bool
}

// Request is what a plain job asks for: pods that are alike.
type Request struct {
	Pods int32
	// Cores of one pod, in thousandths; Memory of one pod in bytes, 0 if
	// unknown; GPUs of one pod.
	Cores, Memory, GPUs int64
}

// NewBuilder returns an empty one.
func NewBuilder() *Builder {
	return &Builder{names: map[string]int32{}, shapes: map[Request]int32{}}
}

// Queue returns the place of a queue's name, which it adds if it is new.
func (b *Builder) Queue(name string) int32 { return b.name(&b.trace.Queues, "q", name) }

// User returns the place of a user's name, which it adds if it is new.
func (b *Builder) User(name string) int32 { return b.name(&b.trace.Users, "u", name) }

func (b *Builder) name(list *[]string, kind, name string) int32 {
	key := kind + name
	at, known := b.names[key]
	if !known {
		at = int32(len(*list))
		*list = append(*list, name)
		b.names[key] = at
	}
	return at
}

// Shape returns the place of a plain request's shape, which it adds if it is
// new.
func (b *Builder) Shape(r Request) int32 {
	at, known := b.shapes[r]
	if known {
		return at
	}
	set := admission.PodSet{Name: "main", Count: r.Pods, Requests: []quota.ResourceAmount{{Resource: "cpu", Amount: r.Cores}}}
	if r.Memory > 0 {
		set.Requests = append(set.Requests, quota.ResourceAmount{Resource: "memory", Amount: r.Memory})
	}
	if r.GPUs > 0 {
		set.Requests = append(set.Requests, quota.ResourceAmount{Resource: "nvidia.com/gpu", Amount: r.GPUs})
	}
	set.Requests = append(set.Requests, quota.ResourceAmount{Resource: "pods", Amount: 1})
	at = b.ShapeOf([]admission.PodSet{set})
	b.shapes[r] = at
	return at
}

// ShapeOf adds a shape of any pod sets.
func (b *Builder) ShapeOf(sets []admission.PodSet) int32 {
	shape := Shape{PodSets: sets}
	for i := range sets {
		for _, r := range sets[i].Requests {
			if r.Resource == "cpu" {
				cores, _ := quota.Times(max(0, r.Amount), int64(max(0, sets[i].Count)))
				shape.Cores = quota.AddSaturating(shape.Cores, cores)
			}
		}
	}
	b.trace.Shapes = append(b.trace.Shapes, shape)
	return int32(len(b.trace.Shapes) - 1)
}

// Add adds a job. One that comes before the last one in time is counted as out
// of order; Trace puts it where it belongs.
func (b *Builder) Add(j Job) {
	if len(b.trace.Jobs) > 0 && j.Submit < b.last {
		b.trace.Problems.Note(OutOfOrder, j.Line, "submitted at "+seconds(j.Submit)+" s, after a line of "+seconds(b.last)+" s")
	}
	b.last = max(b.last, j.Submit)
	b.trace.Jobs = append(b.trace.Jobs, j)
}

// Append adds a job whose place in time is not that of its line: Trace sorts it
// in, and numbers all of them by their place.
func (b *Builder) Append(j Job) {
	b.numbered = true
	b.trace.Jobs = append(b.trace.Jobs, j)
}

// Cores are those of a shape, in thousandths.
func (b *Builder) Cores(shape int32) int64 { return b.trace.Shapes[shape].Cores }

// Len is how many jobs have been added.
func (b *Builder) Len() int { return len(b.trace.Jobs) }

// PodSets are those of a shape.
func (b *Builder) PodSets(shape int32) []admission.PodSet { return b.trace.Shapes[shape].PodSets }

// AddFound adds a job that is in the cluster already.
func (b *Builder) AddFound(j Job, w *admission.Workload) {
	if b.trace.Found == nil {
		b.trace.Found = map[int32]*admission.Workload{}
	}
	b.trace.Found[int32(len(b.trace.Jobs))] = w
	b.Add(j)
}

// Trace returns the trace; the builder is not to be used any more. Found jobs
// must all be submitted at 0 and before the others.
func (b *Builder) Trace() *Trace {
	slices.SortStableFunc(b.trace.Jobs, func(x, y Job) int { return cmp.Compare(x.Submit, y.Submit) })
	for i := range b.trace.Jobs {
		if b.numbered {
			b.trace.Jobs[i].Line = int32(i + 1)
		}
	}
	return &b.trace
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
