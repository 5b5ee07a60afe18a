package observer

import (
	"slices"
	"strings"
	"time"
)

// Moment is when something happened: the server's resource version orders
// moments, At is when the observer heard of it. The zero Moment is never.
type Moment struct {
	RV int64
	At time.Duration
}

// Happened says whether it did.
func (m Moment) Happened() bool { return m.RV != 0 }

// JobStory is what became of one Job.
type JobStory struct {
	UID, Namespace, Name string
	Group                int // index in the rules
	Seen                 bool
	// Created is when the Job was first seen; Born says that this was its
	// creation and not a list.
	Created Moment
	Born    bool
	// BornRunning says that it was not suspended at its creation.
	BornRunning bool
	// Starts and Stops are the times at which it was unsuspended and suspended
	// again; a Job that nobody preempts has one start and no stop.
	Starts, Stops []Moment
	// Finishes are the times at which it became Complete or Failed.
	Finishes []Moment
	Outcome  string // "Complete", "Failed" or empty
	Deleted  Moment
	Pods     []*PodStory

	// asked is what its pods requested at once when it was first seen.
	asked Milli
	// startedWith is how many pods it was to run at once when it first started.
	startedWith int32

	last      int64 // newest resource version seen
	suspended bool
	shape     Milli // what its remaining pods request together
	pods      int32 // how many pods it needs in all
	failed    int32
}

// PodStory is what became of one Pod.
type PodStory struct {
	UID, Name                    string
	CPU                          Milli
	Created                      Moment
	Scheduled, Started, Finished Moment
	Outcome                      string // "Succeeded", "Failed", "Deleted" or empty
	last                         int64
	running                      bool
}

// Load is what one group does at one instant.
type Load struct {
	// Held counts against quota: Jobs that are unsuspended and not finished, or
	// their unfinished pods if those request more.
	Held Milli
	// Leaving is the part of Held that Jobs give back which were stopped, as
	// their pods end.
	Leaving Milli
	// Running is what pods in phase Running request.
	Running Milli
	// Waiting is what suspended Jobs request; PendingJobs is their number.
	Waiting     Milli
	PendingJobs int
	// ActiveJobs are unsuspended and not finished.
	ActiveJobs int
	// DoneJobs are finished; Freed is what they held.
	DoneJobs int
	Freed    Milli
}

// Replay rebuilds the state of the groups from records. Live readers apply
// records as they come; the judge sorts them by resource version first.
type Replay struct {
	rules *Rules
	jobs  map[string]*JobStory
	order []*JobStory // by first sight
	pods  map[string]*PodStory
	loads []Load
}

// NewReplay starts with nothing.
func NewReplay(rules *Rules) *Replay {
	return &Replay{
		rules: rules, jobs: map[string]*JobStory{}, pods: map[string]*PodStory{},
		loads: make([]Load, len(rules.Groups)),
	}
}

// Loads tells what each group does now, in the order of the rules. The slice
// is the caller's.
func (r *Replay) Loads() []Load { return slices.Clone(r.loads) }

// Jobs tells every Job seen so far, by first sight.
func (r *Replay) Jobs() []*JobStory { return r.order }

// Job finds a Job by UID, nil if it was never seen.
func (r *Replay) Job(uid string) *JobStory { return r.jobs[uid] }

// Apply takes one record. Records of namespaces that no group owns, and older
// sights of an object than one applied before, change nothing.
func (r *Replay) Apply(one Record) {
	switch {
	case one.Job != nil:
		r.job(one.Job, Moment{RV: one.Job.ResourceVersion, At: one.At})
	case one.Pod != nil:
		r.pod(one.Pod, Moment{RV: one.Pod.ResourceVersion, At: one.At})
	}
}

func (r *Replay) story(uid, namespace, name string) *JobStory {
	group := r.rules.GroupOf(namespace)
	if group < 0 {
		return nil
	}
	story := r.jobs[uid]
	if story == nil {
		story = &JobStory{UID: uid, Namespace: namespace, Name: name, Group: group}
		r.jobs[uid] = story
		r.order = append(r.order, story)
	}
	return story
}

func (r *Replay) job(seen *JobSeen, now Moment) {
	story := r.story(seen.UID, seen.Namespace, seen.Name)
	if story == nil || now.RV <= story.last {
		return
	}
	r.charge(story, -1)
	defer r.charge(story, 1)
	story.last = now.RV
	story.Name = seen.Name
	first := !story.Seen
	if first {
		story.Seen, story.Created, story.suspended = true, now, true
		story.Born = seen.Change == Added
		story.BornRunning = story.Born && !seen.Suspend
	}
	story.pods = min(seen.Parallelism, seen.Completions)
	if seen.Completions > 0 {
		story.pods = seen.Completions
	}
	story.failed = seen.Failed
	story.shape = seen.CPU * Milli(max(0, min(seen.Parallelism, seen.Completions-seen.Succeeded)))
	if first {
		story.asked = story.shape
	}
	switch {
	case story.suspended && !seen.Suspend:
		if len(story.Starts) == 0 {
			story.startedWith = min(seen.Parallelism, max(seen.Completions, 1))
		}
		story.Starts = append(story.Starts, now)
	case !story.suspended && seen.Suspend:
		story.Stops = append(story.Stops, now)
	}
	story.suspended = seen.Suspend
	if seen.Finished != story.Outcome {
		story.Outcome = seen.Finished
		if seen.Finished != "" {
			story.Finishes = append(story.Finishes, now)
		}
	}
	if seen.Change == Deleted {
		story.Deleted = now
	}
}

func (r *Replay) pod(seen *PodSeen, now Moment) {
	owner, name := seen.Job, ""
	if owner == "" {
		owner, name = "pod "+seen.UID, seen.Name
	}
	story := r.story(owner, seen.Namespace, name)
	if story == nil {
		return
	}
	pod := r.pods[seen.UID]
	if pod != nil && now.RV <= pod.last {
		return
	}
	r.charge(story, -1)
	defer r.charge(story, 1)
	if pod == nil {
		pod = &PodStory{UID: seen.UID, Name: seen.Name, Created: now}
		r.pods[seen.UID] = pod
		story.Pods = append(story.Pods, pod)
	}
	pod.last, pod.CPU = now.RV, seen.CPU
	if seen.Node != "" && !pod.Scheduled.Happened() {
		pod.Scheduled = now
	}
	ended := seen.Phase == "Succeeded" || seen.Phase == "Failed"
	pod.running = seen.Phase == "Running"
	if pod.running && !pod.Started.Happened() {
		pod.Started = now
	}
	if pod.Finished.Happened() {
		return
	}
	if ended {
		pod.Finished, pod.Outcome = now, seen.Phase
	} else if seen.Change == Deleted {
		pod.Finished, pod.Outcome = now, "Deleted"
	}
}

// Stray says that this is a pod without a Job.
func (s *JobStory) Stray() bool { return strings.HasPrefix(s.UID, "pod ") }

// Object names the Job for people.
func (s *JobStory) Object() string {
	if s.Stray() {
		return "Pod " + s.Namespace + "/" + s.Name
	}
	return "Job " + s.Namespace + "/" + s.Name
}

// active says that the Job itself holds quota.
func (s *JobStory) active() bool {
	return s.Seen && !s.suspended && s.Outcome == "" && !s.Deleted.Happened()
}

// charge adds what a Job contributes to its group's load, or takes it away.
func (r *Replay) charge(s *JobStory, sign int) {
	load := &r.loads[s.Group]
	var byPods, running Milli
	for _, p := range s.Pods {
		if p.Finished.Happened() {
			continue
		}
		byPods += p.CPU
		if p.running {
			running += p.CPU
		}
	}
	held := byPods
	if s.active() {
		held = max(held, s.shape)
		load.ActiveJobs += sign
	} else {
		load.Leaving += held * Milli(sign)
	}
	load.Held += held * Milli(sign)
	load.Running += running * Milli(sign)
	switch {
	case s.Outcome != "":
		load.DoneJobs += sign
		load.Freed += s.requested() * Milli(sign)
	case s.Seen && s.suspended && !s.Deleted.Happened():
		load.PendingJobs += sign
		load.Waiting += s.shape * Milli(sign)
	}
}

// requested is what the pods of a finished Job requested, without those that
// were taken away when it was stopped.
func (s *JobStory) requested() Milli {
	var sum Milli
	for _, p := range s.Pods {
		if p.Outcome != "Deleted" {
			sum += p.CPU
		}
	}
	return sum
}
