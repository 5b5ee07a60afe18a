package chaos

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/internal/oracle"
)

// inFlight is how old the rules may be by which an admission was decided: the
// time from a decision to its write, and from an edit to the manager's sight of
// it, on a loaded machine.
const inFlight = 15 * time.Second

// judge goes through a history and looks for what must never be, whatever
// happens meanwhile:
//
//   - an admission that no state of the queues within the last moments allowed,
//   - a Job that was started without holding quota, or twice by one admission,
//   - quota given back while the Job had pods.
type judge struct {
	options   oracle.Options
	world     *oracle.World
	configs   []event
	workloads map[types.UID]*workloadState
	ofJob     map[types.UID]types.UID // the Workload of a job
	jobs      map[types.UID]*jobState
	faults    []string
	checked   int // admissions
	late      int // admissions by rules that had just been changed
	starts    int
}

type workloadState struct {
	seen      *seenWorkload
	ended     bool
	admission int // how many it has had
}

// given is an admission: which of a Workload's.
type given struct {
	workload oracle.UID
	number   int
}

func (w *workloadState) given() given { return given{w.seen.oracle.UID, w.admission} }

type jobState struct {
	seen      *seenJob
	startedBy given // the admission that it was started by last
}

func newJudge(options oracle.Options) *judge {
	return &judge{options: options, world: oracle.New(options), workloads: map[types.UID]*workloadState{},
		ofJob: map[types.UID]types.UID{}, jobs: map[types.UID]*jobState{}}
}

func (j *judge) fault(e event, format string, args ...any) {
	j.faults = append(j.faults, fmt.Sprintf("revision %d, %s: ", e.revision, e.at.Format("15:04:05.000"))+fmt.Sprintf(format, args...))
}

func (j *judge) hear(history []event) {
	for _, e := range history {
		switch {
		case e.config != nil:
			j.world.Apply(e.config)
			j.configs = append(j.configs, e)
		case e.job != nil:
			j.hearJob(e)
		default:
			j.hearWorkload(e)
		}
	}
}

func (j *judge) hearJob(e event) {
	uid := e.job.uid
	state := j.jobs[uid]
	if state == nil {
		state = &jobState{seen: e.job}
		j.jobs[uid] = state
	}
	was := state.seen
	state.seen = e.job
	wl := j.workloads[j.ofJob[uid]]
	if e.job.finished || e.gone {
		if wl != nil && !wl.ended {
			wl.ended = true
			j.world.Apply(oracle.Finish{UID: wl.seen.oracle.UID})
		}
		if e.gone {
			delete(j.jobs, uid)
		}
		return
	}
	if was.suspended && !e.job.suspended && e.job.queue != "" {
		j.started(e, state, wl)
	}
}

func (j *judge) started(e event, state *jobState, wl *workloadState) {
	j.starts++
	switch {
	case wl == nil:
		j.fault(e, "Job %s was started without a Workload", e.job.name)
	case wl.seen.oracle.Admission == nil || !wl.seen.admitted:
		j.fault(e, "Job %s was started although its Workload holds no quota", e.job.name)
	case state.startedBy == wl.given():
		j.fault(e, "Job %s was started twice by one admission", e.job.name)
	default:
		state.startedBy = wl.given()
	}
}

func (j *judge) hearWorkload(e event) {
	e.workload.oracle.Withheld = "" // it ends with time, of which there is no event
	uid := types.UID(e.workload.oracle.UID)
	state := j.workloads[uid]
	if e.gone {
		j.world.Apply(oracle.DeleteWorkload{UID: e.workload.oracle.UID})
		delete(j.workloads, uid)
		return
	}
	if state == nil {
		state = &workloadState{seen: &seenWorkload{}}
		j.workloads[uid] = state
		if e.workload.owner != "" {
			j.ofJob[e.workload.owner] = uid
			if owner := j.jobs[e.workload.owner]; owner == nil || owner.seen.finished {
				state.ended = true // made for a job that had just ended
			}
		}
	}
	was := state.seen
	state.seen = e.workload
	if state.ended {
		return
	}
	if e.workload.finished {
		state.ended = true
		j.world.Apply(oracle.Finish{UID: e.workload.oracle.UID})
		return
	}
	had, has := was.oracle.Admission != nil, e.workload.oracle.Admission != nil
	if has && !had {
		state.admission++
		if !e.workload.adopted {
			j.admitted(e, was)
		}
	}
	if had && !has {
		j.released(e)
	}
	j.world.Apply(oracle.SetWorkload{Workload: e.workload.oracle})
}

// released: who gives quota back must have no pods any more.
func (j *judge) released(e event) {
	job := j.jobs[e.workload.owner]
	if job == nil || job.seen.queue == "" {
		return
	}
	if !job.seen.suspended || job.seen.active > 0 {
		j.fault(e, "Workload %s gave its quota back while its Job was suspended=%t with %d pods", e.workload.name, job.seen.suspended, job.seen.active)
	}
}

// admitted checks an admission by the rules as they are, and else as they were
// at some time within the last moments: it was decided by one of these.
func (j *judge) admitted(e event, was *seenWorkload) {
	j.checked++
	uid, admission := e.workload.oracle.UID, *e.workload.oracle.Admission
	complaints := j.world.CheckAdmit(uid, admission)
	if len(complaints) == 0 {
		return
	}
	j.late++
	for at := len(j.configs) - 1; at > 0 && e.at.Sub(j.configs[at].at) < inFlight; at-- {
		if len(j.before(at, was).CheckAdmit(uid, admission)) == 0 {
			return
		}
	}
	j.fault(e, "Workload %s was admitted against the rules: %s", e.workload.name, strings.Join(complaints, "; "))
}

// before is the world as it would be if the configuration had stayed as it was
// before the event of this index, with one workload still pending.
func (j *judge) before(at int, pending *seenWorkload) *oracle.World {
	world := oracle.New(j.options)
	for _, e := range j.configs[:at] {
		world.Apply(e.config)
	}
	for _, state := range j.workloads {
		if !state.ended && state.seen.oracle.Admission != nil && state.seen.oracle.UID != pending.oracle.UID {
			world.Apply(oracle.SetWorkload{Workload: state.seen.oracle})
		}
	}
	world.Apply(oracle.SetWorkload{Workload: pending.oracle})
	return world
}
