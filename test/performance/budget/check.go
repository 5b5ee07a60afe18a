package budget

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Expectation says whose requests are judged, and on which Jobs.
type Expectation struct {
	// User is the manager's.
	User string
	// From and To bound the time that is judged.
	From, To time.Time
	Jobs     []Job
}

// Job is one plain Job that was run from its creation to its end.
type Job struct {
	Namespace, Name string
	// Workload is the name of its Workload.
	Workload string
	// MayWait says that the Job's queue was short of quota: one more status
	// write may then say why it waits.
	MayWait bool
}

// The limits of the write budget.
const (
	// conflictShare is the part of the manager's writes that may conflict.
	conflictShare = 0.01
	// queueStatusRate and queueStatusShare bound the status writes of all queue
	// kinds together: the larger of so many a second and this part of the
	// admission writes.
	queueStatusRate  = 10.0
	queueStatusShare = 0.05
	// readShare is the number of single reads a Job that the manager may need:
	// what it caches it must not ask for.
	readShare = 0.01
)

// Count is how often the user asked for one kind of request.
type Count struct {
	Verb, Path string
	Code       int
	N          int
}

// Report is the verdict.
type Report struct {
	// Counts are all requests of the user in the time judged, the most
	// frequent first.
	Counts []Count
	Jobs   int
	// Waited is how many Jobs got a status write that said why they wait.
	Waited int
	// Writes, Conflicts, QueueStatuses and Reads are sums over the time judged.
	Writes, Conflicts, QueueStatuses, Reads int
	Seconds                                 float64
	// Violations says what is over budget; empty if nothing is.
	Violations []string
}

// spent is what the user wrote for one Job, successfully.
type spent struct{ creates, statuses, patches, events, others int }

// queueStatusPaths are the statuses that are coalesced.
var queueStatusPaths = []string{"clusterqueues/status", "localqueues/status", "cohorts/status", "resourceflavors/status"}

// Check counts and judges.
func Check(entries []Entry, want Expectation) *Report {
	r := &Report{Jobs: len(want.Jobs), Seconds: want.To.Sub(want.From).Seconds()}
	book := newBook(want.Jobs)
	counts := map[Count]int{}
	forbidden := map[string]int{}
	for i := range entries {
		e := &entries[i]
		if e.User != want.User || e.Received.Before(want.From) || e.Received.After(want.To) {
			continue
		}
		counts[Count{Verb: e.Verb, Path: e.Path, Code: e.Code}]++
		if e.Code == http.StatusForbidden {
			forbidden[fmt.Sprintf("%s %s %s/%s", e.Verb, e.Path, e.Namespace, e.Name)]++
		}
		if e.Verb == "get" {
			r.Reads++
		}
		if e.IsWrite() {
			r.write(e, book)
		}
	}
	for count, n := range counts {
		count.N = n
		r.Counts = append(r.Counts, count)
	}
	slices.SortFunc(r.Counts, func(a, b Count) int {
		if a.N != b.N {
			return b.N - a.N
		}
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	for what, n := range forbidden {
		r.violation("%d times forbidden (403): %s", n, what)
	}
	r.judge(book)
	slices.Sort(r.Violations)
	return r
}

func (r *Report) violation(format string, args ...any) {
	r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
}

// write counts one write.
func (r *Report) write(e *Entry, book *book) {
	r.Writes++
	// A JSON patch whose test fails is answered 422: the object is not the one
	// that was looked at, as with 409.
	if e.Code == http.StatusConflict || (e.Verb == "patch" && e.Code == http.StatusUnprocessableEntity) {
		r.Conflicts++
	}
	if slices.Contains(queueStatusPaths, e.Path) {
		r.QueueStatuses++
	}
	if e.Succeeded() {
		book.note(e)
	}
}

// judge compares the sums with the budget.
func (r *Report) judge(book *book) {
	if limit := conflictShare * float64(r.Writes); float64(r.Conflicts) > limit {
		r.violation("%d of %d writes conflicted, at most %.0f may", r.Conflicts, r.Writes, limit)
	}
	limit := max(queueStatusRate*r.Seconds, queueStatusShare*float64(r.Jobs))
	if float64(r.QueueStatuses) > limit {
		r.violation("%d status writes of queues in %.1f s, at most %.0f may be", r.QueueStatuses, r.Seconds, limit)
	}
	if limit := readShare * float64(r.Jobs); float64(r.Reads) > limit {
		r.violation("%d single reads for %d Jobs, at most %.0f may be: the cache has the objects", r.Reads, r.Jobs, limit)
	}
	r.Waited = book.judge(r.violation)
}

// book is what was written for each Job.
type book struct {
	jobs []Job
	// byJob and byWorkload find a Job by "namespace/name".
	byJob, byWorkload map[string]int
	spent             []spent
}

func newBook(jobs []Job) *book {
	b := &book{jobs: jobs, byJob: map[string]int{}, byWorkload: map[string]int{}, spent: make([]spent, len(jobs))}
	for i, j := range jobs {
		b.byJob[j.Namespace+"/"+j.Name] = i
		b.byWorkload[j.Namespace+"/"+j.Workload] = i
	}
	return b
}

// note books a successful write, if it is for one of the Jobs.
func (b *book) note(e *Entry) {
	key := e.Namespace + "/" + e.Name
	resource, _, _ := strings.Cut(e.Path, "/")
	switch resource {
	case "workloads":
		if i, ok := b.byWorkload[key]; ok {
			b.spent[i].noteWorkload(e)
		}
	case "jobs":
		if i, ok := b.byJob[key]; ok {
			if e.Verb == "patch" && e.Path == "jobs" {
				b.spent[i].patches++
			} else {
				b.spent[i].others++
			}
		}
	case "events":
		// An Event is named after its object, a dot and a number.
		if dot := strings.LastIndexByte(key, '.'); dot >= 0 {
			key = key[:dot]
		}
		i, ok := b.byJob[key]
		if !ok {
			i, ok = b.byWorkload[key]
		}
		if ok {
			b.spent[i].events++
		}
	}
}

func (s *spent) noteWorkload(e *Entry) {
	switch e.Verb + " " + e.Path {
	case "create workloads":
		s.creates++
	case "update workloads/status":
		s.statuses++
	default:
		s.others++
	}
}

// examples is how many Jobs a violation names.
const examples = 3

// judge complains of each kind of excess once, with examples, and returns how
// many Jobs were told why they wait.
func (b *book) judge(violation func(string, ...any)) int {
	const admittedAndFinished = 2
	waited := 0
	faults := map[string][]string{}
	for i, j := range b.jobs {
		s := b.spent[i]
		most := admittedAndFinished
		if j.MayWait {
			most++
		}
		if s.statuses > admittedAndFinished {
			waited++
		}
		for _, rule := range []struct {
			what       string
			n          int
			least, max int
		}{
			{"Workload creates", s.creates, 1, 1},
			{"Workload status PUTs", s.statuses, admittedAndFinished, most},
			{"Job patches", s.patches, 1, 1},
			{"Events", s.events, 1, 1},
			{"other writes", s.others, 0, 0},
		} {
			if rule.n < rule.least || rule.n > rule.max {
				kind := fmt.Sprintf("%d %s instead of %s", rule.n, rule.what, between(rule.least, rule.max))
				faults[kind] = append(faults[kind], j.Name)
			}
		}
	}
	for kind, names := range faults {
		violation("%d Jobs with %s, such as %s", len(names), kind, strings.Join(names[:min(examples, len(names))], ", "))
	}
	return waited
}

func between(least, most int) string {
	if least == most {
		return fmt.Sprint(least)
	}
	return fmt.Sprintf("%d or %d", least, most)
}
