package admission

// Decision is one thing that the shell is to do. Decisions come in the order
// in which the engine took them; the same events give the same decisions, to
// the byte.
type Decision interface{ decision() }

// Admit tells the shell to write an admission. The quota is charged already
// (assumed): the workload counts as admitted until Forget says otherwise. A
// SetWorkload with this admission confirms it.
type Admit struct {
	UID        string
	Assignment Assignment
	// Borrows says that the ClusterQueue uses more than its nominal quota
	// somewhere after this admission.
	Borrows bool
	// Share is the ClusterQueue's dominant resource share after it, as its
	// status shows it; zero without fair sharing.
	Share int64
}

// Wait tells why a pending workload is not admitted. It is given when the
// reason or the message changes, not at each pass.
type Wait struct {
	UID    string
	Reason PendingReason
	Why    Explanation
	// Limit names the limit that keeps the workload from preempting although
	// the rules might allow it; "" if none does.
	Limit PreemptionLimit
}

// PreemptionLimit names what, apart from the rules, keeps a workload from
// preempting: see PreemptionConfig.
type PreemptionLimit string

// The limits.
const (
	// SearchBudget: the search for victims has stopped after so many
	// candidates. It goes on at the next pass, with twice as many.
	SearchBudget PreemptionLimit = "SearchBudget"
	// EvictionRate: its ClusterQueue has caused as many evictions within a
	// minute as it may. It is tried again when it may cause more.
	EvictionRate PreemptionLimit = "EvictionRate"
	// EvictionRatio: only plans were found that evict too much for what is
	// requested.
	EvictionRatio PreemptionLimit = "EvictionRatio"
	// HoldTimeout: its hold has timed out, and nothing was released since.
	HoldTimeout PreemptionLimit = "HoldTimeout"
)

// Evict tells the shell to take quota back for a pending workload, the
// preemptor. In this order: write Preemption to the preemptor's
// status.preemption (replacing what is there), then evict each of Victims,
// with condition Preempted and its Reason.
//
// From the decision on the engine counts the victims as gone in its planning
// (assumed), and holds the preemptor's request for it. A SetWorkload with
// Evicted confirms the eviction of a victim; its quota is free when a
// SetWorkload shows it without admission, or with Finish or DeleteWorkload.
// A write that has definitely failed is reported by ForgetEviction.
//
// Victims is empty if those that are on their way out anyway suffice, or if
// only the deadline was renewed: then there is only the status to be written.
type Evict struct {
	Preemptor    string // UID
	ClusterQueue string // the preemptor's
	// Path names the Cohorts from the root down to the ClusterQueue, and that.
	Path       []string
	Preemption Preempting
	Victims    []Victim
	// Resumed says that the decision was taken before a restart, as the
	// preemptor's status.preemption told, and had not been carried out.
	Resumed bool
}

// Victim is a workload to be evicted, and why.
type Victim struct {
	UID          string
	ClusterQueue string
	Path         []string // as in Evict
	Reason       PreemptionReason
	// With reason InCohortFairSharing: the shares, as a status shows them, of
	// the preemptor's side with its request, and of the victim's side before
	// and after it is gone, at the children of their lowest common Cohort.
	PreemptorShare, ShareBefore, ShareAfter int64
}

// PreemptionReason is the reason of condition Preempted=True.
type PreemptionReason string

// The reasons of the API (semantics, section 5).
const (
	InClusterQueue                PreemptionReason = "InClusterQueue"
	InCohortReclamation           PreemptionReason = "InCohortReclamation"
	InCohortFairSharing           PreemptionReason = "InCohortFairSharing"
	InCohortReclaimWhileBorrowing PreemptionReason = "InCohortReclaimWhileBorrowing"
)

// spareSlots is how many slots there are.
const spareSlots = 4

// slot is where a workload's list of who is spared has a reason.
func (r PreemptionReason) slot() int {
	switch r {
	case InClusterQueue:
		return 0
	case InCohortFairSharing:
		return 1
	case InCohortReclaimWhileBorrowing:
		return 2
	}
	return spareSlots - 1 // InCohortReclamation, for which nobody is spared
}

// EndHold tells the shell that nothing is held any more for a workload that
// still waits: its status.preemption is to be cleared. (An Admit ends the hold
// too: its write clears the field.)
type EndHold struct {
	UID   string
	Cause HoldEnd
}

// HoldEnd says why a hold has ended without an admission.
type HoldEnd string

// Why holds end (semantics, section 5, "Hold").
const (
	HoldTimedOut HoldEnd = "TimedOut" // nothing was released in time
	HoldUseless  HoldEnd = "NoFit"    // the workload can never have it any more
	HoldChanged  HoldEnd = "Changed"  // the workload, or where it queues, has changed
	// HoldOvertaken: in a StrictFIFO queue a workload that asks for some of it has
	// come before.
	HoldOvertaken HoldEnd = "Overtaken"
)

func (Admit) decision()   {}
func (Wait) decision()    {}
func (Evict) decision()   {}
func (EndHold) decision() {}

// PendingReason is the reason of condition QuotaReserved=False.
type PendingReason string

// The pending reasons of the API (semantics, section 6).
const (
	NoMatchingFlavor             PendingReason = "NoMatchingFlavor"
	WaitingForQuota              PendingReason = "WaitingForQuota"
	ExceedsMaxQuota              PendingReason = "ExceedsMaxQuota"
	WaitingForPreemptedWorkloads PendingReason = "WaitingForPreemptedWorkloads"
	Misconfigured                PendingReason = "Misconfigured"
	Suspended                    PendingReason = "Suspended"
	PendingEvaluation            PendingReason = "PendingEvaluation"
	WaitingForPodsReady          PendingReason = "WaitingForPodsReady"
	OnHold                       PendingReason = "OnHold"
	Deactivated                  PendingReason = "Deactivated"
)
