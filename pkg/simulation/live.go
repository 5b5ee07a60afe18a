package simulation

import (
	"strconv"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// liveJob is a job that the engine knows.
type liveJob struct {
	uid string
	// admission is what it holds, nil while it waits; reserved since when, Unix
	// nanoseconds.
	admission *admission.Assignment
	reserved  int64
	// amount is what it asks for, used what it holds, of the resource counted.
	amount, used float64
	since        int64 // when it started, Unix nanoseconds
	home         int32 // the ClusterQueue that it runs in
	attempt      int32
	runs         bool
}

// live are the jobs that the engine knows, by their place in the trace. Places
// of UIDs are told from the UID: "job-" and the place in nine digits, so that
// jobs of one moment are in the order of the trace; jobs found in a cluster
// have UIDs of their own.
type live struct {
	jobs  map[int32]*liveJob
	given map[int32]*admission.Workload
	found map[string]int32
	free  []*liveJob
	text  []byte
}

const (
	uidPrefix = "job-"
	uidDigits = 9
)

func newLive(t *trace.Trace) live {
	v := live{jobs: map[int32]*liveJob{}, given: t.Found, found: map[string]int32{}}
	for job, w := range t.Found {
		v.found[w.UID] = job
	}
	return v
}

// makeUID makes up the UID of a job.
func (v *live) makeUID(job int32) string {
	v.text = append(v.text[:0], uidPrefix...)
	digits := strconv.AppendInt(v.text[len(v.text):], int64(job), 10)
	for range uidDigits - len(digits) {
		v.text = append(v.text, '0')
	}
	v.text = strconv.AppendInt(v.text, int64(job), 10)
	return string(v.text)
}

// add begins to know a job.
func (v *live) add(job int32) *liveJob {
	uid := ""
	if w := v.given[job]; w != nil {
		uid = w.UID
	} else {
		uid = v.makeUID(job)
	}
	l := &liveJob{}
	if n := len(v.free); n > 0 {
		l = v.free[n-1]
		v.free = v.free[:n-1]
	}
	*l = liveJob{uid: uid}
	v.jobs[job] = l
	return l
}

// find returns the job of a UID; nil if the engine does not know it.
func (v *live) find(uid string) (int32, *liveJob) {
	job, found := v.found[uid]
	if !found {
		if len(uid) <= len(uidPrefix) || uid[:len(uidPrefix)] != uidPrefix {
			return 0, nil
		}
		n, err := strconv.ParseInt(uid[len(uidPrefix):], 10, 32)
		if err != nil {
			return 0, nil
		}
		job = int32(n)
	}
	return job, v.jobs[job]
}

func (v *live) at(job int32) *liveJob { return v.jobs[job] }

// remove forgets a job.
func (v *live) remove(job int32) {
	v.free = append(v.free, v.jobs[job])
	delete(v.jobs, job)
}
