package lifecycle

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/pkg/admission"
)

// slot is what is known of one workload besides the objects: decisions that
// wait to be written and writes whose answer is not clear. All of it may be
// lost at any moment; the objects alone say what comes next.
//
// The life of a decision (the engine has charged it when it arrives here):
//
//	            Admit                   PUT ok, seen in the ledger
//	[pending] --------> [assumed] ---------------------------------> [confirmed]
//	    ^                |  |  ^                                          ^
//	    |                |  |  | no answer, 5xx, 429:                     |
//	    |                |  +--+ the same bytes again                     |
//	    |                |                                                |
//	    |                | 409: GET                                       |
//	    |                +-------> admission found ------------------------
//	    |                |
//	    |                +-------> no admission found: nobody can write
//	    | Forget         |         with that resourceVersion any more
//	    +----------------+-------> other 4xx: refused, try later
//	                     +-------> not sent, the objects have changed
//
// The engine is told of a confirmation by the ledger's next sight of the
// Workload, of a failure by Forget. Deletion ends every state.
type slot struct {
	decision *decision
	adopt    *admission.Assignment
	verdict  *verdict
	order    *order
	// preemption is what is held, or no more held, for this workload.
	preemption *preemption

	// pending is a write whose answer is not known; nothing else is written
	// before it is.
	pending *Write
	// failures counts tries in a row that did not succeed; notBefore is when
	// to try again.
	failures  int
	notBefore time.Time

	// created is the UID of the job whose Workload was created, until the
	// watch shows it.
	created   types.UID
	createdAt time.Time

	// ownerless is since when the owner is missing.
	ownerless time.Time

	// refusals counts how often the server refused to start the job;
	// refusal quotes it.
	refusals int
	refusal  string

	// compared is the pair of versions (job, Workload) whose shapes were found
	// equal; verified the pair that the server was asked about.
	compared, verified pair

	// narrowed is since when the running job needs less quota than it holds.
	narrowed time.Time

	// marked is the generation of the job of which was said that it is held, or
	// not any more.
	marked int64

	// warned is the last warning given to the job's user.
	warned string
}

// pair is the resourceVersion of a job and of a Workload, or its generation.
type pair struct{ job, workload string }

// decision is an admission of the engine that is not yet written.
type decision struct {
	uid        types.UID
	generation int64 // of the Workload that was decided upon
	assignment admission.Assignment
	at         time.Time
}

// verdict is why a workload waits.
type verdict struct {
	reason, message string
	due             bool // it has waited long enough to be written
}

// empty says whether there is nothing left to remember.
func (s *slot) empty() bool {
	return s.decision == nil && s.adopt == nil && s.verdict == nil && s.order == nil && s.preemption == nil && s.pending == nil && s.failures == 0 &&
		s.created == "" && s.ownerless.IsZero() && s.refusals == 0 && s.compared == pair{} && s.verified == pair{} &&
		s.narrowed.IsZero() && s.marked == 0 && s.warned == ""
}

// failed notes a failure and says how long to wait: 50 ms doubling to 10 s.
func (s *slot) failed(now time.Time) time.Duration {
	wait := 50 * time.Millisecond << min(s.failures, 8)
	wait = min(wait, 10*time.Second)
	s.failures++
	s.notBefore = now.Add(wait)
	return wait
}

// succeeded forgets failures.
func (s *slot) succeeded() {
	s.failures, s.notBefore = 0, time.Time{}
}
