package oracle

// Event is one entry of the log that a World replays.
type Event interface{ isEvent() }

// The events. An object set again without a difference is not an edit and changes nothing.
type (
	// SetClusterQueue creates or edits a ClusterQueue.
	SetClusterQueue struct{ ClusterQueue ClusterQueue }
	// DeleteClusterQueue says that the object is gone.
	DeleteClusterQueue struct{ Name string }
	// SetCohort creates or edits a Cohort.
	SetCohort struct{ Cohort Cohort }
	// DeleteCohort says that the object is gone; while somebody names it, it exists without quota.
	DeleteCohort struct{ Name string }
	// SetFlavor creates or edits a ResourceFlavor.
	SetFlavor struct{ Flavor Flavor }
	// DeleteFlavor says that the object is gone: ClusterQueues that list it become inactive.
	DeleteFlavor struct{ Name string }
	// SetLocalQueue creates or edits a LocalQueue.
	SetLocalQueue struct{ LocalQueue LocalQueue }
	// DeleteLocalQueue says that the object is gone.
	DeleteLocalQueue struct{ Namespace, Name string }
	// SetNamespace gives the labels of a namespace; one never heard of has none.
	SetNamespace struct {
		Name   string
		Labels map[string]string
	}
	// SetWorkload is the Workload as seen now. If it is assumed and the object seen carries no
	// admission, the object is older than our write and the workload stays assumed.
	SetWorkload struct{ Workload Workload }
	// DeleteWorkload removes it and frees what it holds.
	DeleteWorkload struct{ UID UID }
	// Finish removes it and frees what it holds.
	Finish struct{ UID UID }
	// Confirm says that the write of an assumed admission succeeded.
	Confirm struct{ UID UID }
	// Forget says that it failed: the workload is pending again.
	Forget struct{ UID UID }
	// Assume charges an admission that somebody else decided (the engine under test), so that the
	// laws can be checked along the engine's own decisions. See OverLimit.
	Assume struct {
		UID       UID
		Admission Admission
	}
	// AssumeEvict takes over a preemption that somebody else decided (the engine under test): the request is
	// held and the victims count as evicted. It judges nothing: see CheckEvict.
	AssumeEvict struct{ Evict Evict }
	// AssumeEnd takes over the end of a preemptor's hold that somebody else decided.
	AssumeEnd struct{ End End }
	// EvictFailed says that the write of a decided eviction failed for good: the victim stays.
	EvictFailed struct{ UID UID }
	// SetReservation creates or edits a window.
	SetReservation struct{ Reservation Reservation }
	// DeleteReservation says that it is gone.
	DeleteReservation struct{ Name string }
	// Time says what time it is, in any unit; it never runs back. A World begins at time 0.
	Time struct{ Now int64 }
	// Decide runs a pass.
	Decide struct{}
)

func (SetClusterQueue) isEvent()    {}
func (DeleteClusterQueue) isEvent() {}
func (SetCohort) isEvent()          {}
func (DeleteCohort) isEvent()       {}
func (SetFlavor) isEvent()          {}
func (DeleteFlavor) isEvent()       {}
func (SetLocalQueue) isEvent()      {}
func (DeleteLocalQueue) isEvent()   {}
func (SetNamespace) isEvent()       {}
func (SetWorkload) isEvent()        {}
func (DeleteWorkload) isEvent()     {}
func (Finish) isEvent()             {}
func (Confirm) isEvent()            {}
func (Forget) isEvent()             {}
func (Assume) isEvent()             {}
func (AssumeEvict) isEvent()        {}
func (AssumeEnd) isEvent()          {}
func (EvictFailed) isEvent()        {}
func (SetReservation) isEvent()     {}
func (DeleteReservation) isEvent()  {}
func (Time) isEvent()               {}
func (Decide) isEvent()             {}

// Reason says why a workload is pending, as the reason of QuotaReserved=False.
type Reason string

// The pending reasons that this package gives by itself.
const (
	NoMatchingFlavor  Reason = "NoMatchingFlavor"
	ExceedsMaxQuota   Reason = "ExceedsMaxQuota"
	WaitingForQuota   Reason = "WaitingForQuota"
	Misconfigured     Reason = "Misconfigured"
	Suspended         Reason = "Suspended"
	PendingEvaluation Reason = "PendingEvaluation"
	Deactivated       Reason = "Deactivated"
	OnHold            Reason = "OnHold"
	AdmissionGated    Reason = "AdmissionGated"

	// WaitingForPreemptedWorkloads is the reason of whoever holds its request until evicted workloads are gone.
	WaitingForPreemptedWorkloads Reason = "WaitingForPreemptedWorkloads"
)

// Outcome of a Decide; of other events there are only Ends, by UID.
type Outcome struct {
	Admits []Admit // in the order decided
	Evicts []Evict // in the order decided
	Ends   []End   // in the order decided
	Waits  []Wait  // everybody still pending, by UID
}

// End is the end of a preemptor's hold without its admission.
type End struct {
	UID         UID
	Queue       string // where it held
	Cause       EndCause
	AfterAdmits int // how many of the Outcome's Admits were decided before
	AfterEvicts int // and of its Evicts
}

// EndCause says why a hold ended.
type EndCause string

// The causes.
const (
	// EndNoFit: its verdict became NoFit.
	EndNoFit EndCause = "NoFit"
	// EndOvertaken: it stands behind another whom it may not pass, in a StrictFIFO queue.
	EndOvertaken EndCause = "Overtaken"
	// EndTimeout: its time was up.
	EndTimeout EndCause = "Timeout"
	// EndLeft: the holder was deleted or changed, or stands in its queue's order no more.
	EndLeft EndCause = "Left"
)

// EvictReason says why a workload is preempted.
type EvictReason string

// The reasons of preemption.
const (
	InClusterQueue              EvictReason = "InClusterQueue"
	InCohortReclamation         EvictReason = "InCohortReclamation"
	InCohortFairSharing         EvictReason = "InCohortFairSharing"
	InCohortReclaimWhileBorrows EvictReason = "InCohortReclaimWhileBorrowing"
)

// Evict is the decision to evict victims for a preemptor, whose request is held from then on.
type Evict struct {
	Preemptor   UID
	Queue       string                   // the preemptor's ClusterQueue
	Victims     []Victim                 // in the order taken; never empty in an Outcome
	Hold        map[FlavorResource]int64 // what is held for the preemptor
	AfterAdmits int                      // how many of the Outcome's Admits were decided before
	// PodSets says, with Options.HoldersKeep, for which flavors and counts of each pod set the Hold is. AssumeEvict without it, as
	// after a restart, says that only amounts are known: the search decides until the next decision.
	PodSets []PodSetAssignment
}

// Victim of a preemption.
type Victim struct {
	UID    UID
	Queue  string // the ClusterQueue whose quota it uses
	Reason EvictReason
}

// Admit is the decision to admit a workload.
type Admit struct {
	UID       UID
	Admission Admission
}

// Wait says why a workload is still pending.
type Wait struct {
	UID      UID
	Reason   Reason
	Verdict  Kind // NoFit, Preempt, Fit (only when HeldBack), or Untried
	Level    int  // borrowing level of the verdict, unless NoFit
	Parked   bool
	HeldBack bool // by the order of a StrictFIFO queue
}
