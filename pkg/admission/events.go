package admission

import "fairlead.dev/fairlead/pkg/quota"

// Event is one thing that happened outside the engine. Events are plain data:
// they can be recorded as JSON and replayed.
type Event interface{ event() }

// SetClusterQueue creates a ClusterQueue or replaces its specification.
type SetClusterQueue struct{ ClusterQueue }

// DeleteClusterQueue removes a ClusterQueue. Workloads it has admitted stay
// charged to it until they are finished or deleted.
type DeleteClusterQueue struct{ Name string }

// SetCohort creates a Cohort or replaces its specification.
type SetCohort struct{ Cohort }

// DeleteCohort removes a Cohort's specification. While something still names
// it, it goes on existing without quota, weight or parent.
type DeleteCohort struct{ Name string }

// SetFlavor creates a ResourceFlavor or replaces its specification.
type SetFlavor struct{ Flavor }

// DeleteFlavor removes a ResourceFlavor.
type DeleteFlavor struct{ Name string }

// SetLocalQueue creates a LocalQueue or replaces its specification.
type SetLocalQueue struct{ LocalQueue }

// DeleteLocalQueue removes a LocalQueue.
type DeleteLocalQueue struct{ Namespace, Name string }

// SetNamespace tells the labels of a namespace.
type SetNamespace struct {
	Name   string
	Labels map[string]string
}

// DeleteNamespace forgets a namespace.
type DeleteNamespace struct{ Name string }

// SetWorkload tells the engine how a Workload looks on the API server: newly
// submitted, changed, or found with an admission (which confirms an assumed
// one, or is charged as found). While an admission is assumed, a SetWorkload
// without one is an older sight of the object and takes nothing back: only
// Forget, Finish or DeleteWorkload does. The engine does not keep the Workload,
// but for what its slices and pointers lead to.
type SetWorkload struct{ *Workload }

// Finish says that a workload has ended; its quota is free from now on.
type Finish struct{ UID string }

// DeleteWorkload says that a Workload object is gone.
type DeleteWorkload struct{ UID string }

// Forget says that the write of an assumed admission has definitely failed:
// the quota is given back and the workload waits again. NotBefore, in Unix
// nanoseconds, keeps it from being tried again before that time; zero means
// at once.
type Forget struct {
	UID       string
	NotBefore int64
}

// ForgetEviction says that a write which an Evict asked for has definitely
// failed: UID is the victim that was not evicted, or the preemptor whose
// status.preemption could not be written (then nothing of that decision may
// be carried out, and each of its victims is to be reported too). A victim
// counts as running again and is no candidate before NotBefore, Unix
// nanoseconds; what is held for a preemptor is given back. Whoever waits for
// them is tried again.
//
// What a SetWorkload has confirmed meanwhile is not forgotten.
type ForgetEviction struct {
	UID       string
	NotBefore int64
}

// SetReservation creates an advance reservation or replaces its specification.
type SetReservation struct{ Reservation }

// DeleteReservation removes an advance reservation; what it kept is free for
// everybody from now on.
type DeleteReservation struct{ Name string }

// Decide asks for a pass: everything that can be admitted now is admitted.
type Decide struct{}

func (SetClusterQueue) event()    {}
func (DeleteClusterQueue) event() {}
func (SetCohort) event()          {}
func (DeleteCohort) event()       {}
func (SetFlavor) event()          {}
func (DeleteFlavor) event()       {}
func (SetLocalQueue) event()      {}
func (DeleteLocalQueue) event()   {}
func (SetNamespace) event()       {}
func (DeleteNamespace) event()    {}
func (SetWorkload) event()        {}
func (Finish) event()             {}
func (DeleteWorkload) event()     {}
func (Forget) event()             {}
func (ForgetEviction) event()     {}
func (SetReservation) event()     {}
func (DeleteReservation) event()  {}
func (Decide) event()             {}

// QueueingStrategy says whether a workload that does not fit holds up those
// behind it in its ClusterQueue.
type QueueingStrategy string

// The queueing strategies of the API.
const (
	StrictFIFO     QueueingStrategy = "StrictFIFO"
	BestEffortFIFO QueueingStrategy = "BestEffortFIFO"
)

// StopPolicy says whether a queue admits, and what becomes of what it admitted.
type StopPolicy string

// The stop policies of the API. The empty string means StopNone.
const (
	StopNone         StopPolicy = "None"
	StopHold         StopPolicy = "Hold"
	StopHoldAndDrain StopPolicy = "HoldAndDrain"
)

// ClusterQueue is what the engine needs to know of a ClusterQueue.
type ClusterQueue struct {
	Name     string
	Cohort   string // "" if it is in none
	Groups   []ResourceGroup
	Strategy QueueingStrategy // "" means BestEffortFIFO
	Stop     StopPolicy
	// WeightMilli is the fair-sharing weight in thousandths (1000 is weight 1).
	WeightMilli int64
	Fungibility Fungibility
	Preemption  Preemption
	// MinimumRuntime, in seconds, is how long its workloads are left running
	// before they may be preempted.
	MinimumRuntime int64
	// Backfill says how its workloads are planned; nil means as the nearest
	// Cohort above that says so.
	Backfill *Backfill
	// Namespaces selects the namespaces it serves; nil serves none, an empty
	// selector serves all.
	Namespaces *Selector
	// Inactive, if not empty, says why the queue admits nothing although it is
	// not stopped (for example "Terminating"). Missing flavors and cohort
	// cycles the engine finds by itself.
	Inactive string
}

// ResourceGroup is a set of resources whose quotas come from the same flavors.
type ResourceGroup struct {
	Resources []string
	Flavors   []FlavorQuotas // in the order in which they are tried
}

// FlavorQuotas are the quotas of one flavor, one entry a resource of the group.
type FlavorQuotas struct {
	Flavor string
	Quotas []ResourceQuota
}

// ResourceQuota is the quota of one flavor-resource. Nil limits are unlimited.
type ResourceQuota struct {
	Resource       string
	Nominal        quota.Amount
	BorrowingLimit *quota.Amount
	LendingLimit   *quota.Amount
}

// Fungibility says when the search for a flavor goes on after one that would
// do. Empty strings mean the defaults.
type Fungibility struct {
	WhenCanBorrow  FungibilityPolicy     // default MayStopSearch
	WhenCanPreempt FungibilityPolicy     // default TryNextFlavor
	Preference     FungibilityPreference // default BorrowingOverPreemption
}

// FungibilityPolicy is MayStopSearch or TryNextFlavor.
type FungibilityPolicy string

// FungibilityPreference orders the flavors found when nothing stopped the search.
type FungibilityPreference string

// The values of the API.
const (
	MayStopSearch FungibilityPolicy = "MayStopSearch"
	TryNextFlavor FungibilityPolicy = "TryNextFlavor"

	BorrowingOverPreemption FungibilityPreference = "BorrowingOverPreemption"
	PreemptionOverBorrowing FungibilityPreference = "PreemptionOverBorrowing"
)

// Preemption holds the preemption policies of a ClusterQueue, as the API
// spells them; empty strings mean Never.
type Preemption struct {
	WithinClusterQueue   string
	ReclaimWithinCohort  string
	BorrowWithinCohort   string
	MaxPriorityThreshold *int32
}

// Cohort is what the engine needs to know of a Cohort.
type Cohort struct {
	Name        string
	Parent      string // "" for a root
	Groups      []ResourceGroup
	WeightMilli int64
	// Backfill is that of all ClusterQueues below it that have none of their
	// own, nor from a Cohort between; nil leaves it to the Cohorts above. Where
	// nobody says anything it is BackfillNone.
	Backfill *Backfill
}

// Flavor is what the engine needs to know of a ResourceFlavor.
type Flavor struct {
	Name        string
	NodeLabels  map[string]string
	Taints      []Taint
	Tolerations []Toleration
}

// LocalQueue is a tenant's door to a ClusterQueue.
type LocalQueue struct {
	Namespace, Name string
	ClusterQueue    string
	Stop            StopPolicy
	WeightMilli     int64
}

// Workload is what the engine needs to know of a Workload.
type Workload struct {
	UID             string
	Namespace, Name string
	Queue           string // name of a LocalQueue in Namespace
	Priority        int32
	// QueueTime orders workloads of equal priority: Unix nanoseconds.
	QueueTime int64
	PodSets   []PodSet
	// Inactive workloads (spec.active false) are never admitted.
	Inactive bool
	// Evicted workloads (condition Evicted=True) keep what they hold until
	// Admission is cleared, and are not queued meanwhile. Whoever plans a
	// preemption counts them as gone.
	Evicted bool
	// ReservedAt and AdmittedAt are when QuotaReserved and Admitted became True,
	// Unix nanoseconds, AdmittedAt zero if that is not so yet. If ReservedAt is
	// zero both count as when the engine decided the admission or saw it first.
	// They matter while Admission is set.
	ReservedAt, AdmittedAt int64
	// MinimumRuntime, in seconds from AdmittedAt, is how long its priority
	// class keeps it from being preempted; the larger of this and its
	// ClusterQueue's counts.
	MinimumRuntime int64
	// Preempting is the content of status.preemption, nil if nothing. It
	// matters when the engine sees a workload for the first time: what was
	// held for it is held again, and what was to be evicted is evicted.
	Preempting *Preempting
	// NotBefore, in Unix nanoseconds, is the earliest time at which it may be
	// tried (backoff); zero means at once.
	NotBefore int64
	// Limit is for how long it may run at most, in nanoseconds: what was left
	// of its maximum execution time when it was unsuspended last, or is if it
	// has yet to be, the grace period of its pods included; 0 if there is no such
	// limit. It is used to plan; whoever has a clock enforces it.
	Limit int64
	// Started is when it was unsuspended last, Unix nanoseconds; 0 if nobody
	// knows: then AdmittedAt counts, or else when it reserved its quota. It
	// matters while Admission is set.
	Started int64
	// PodsReady says that all pods of an admitted workload are ready. It counts
	// under Config.BlockAdmission only.
	PodsReady bool
	// Misconfigured, if not empty, says why it can never be admitted as it is.
	Misconfigured string
	// Admission is what the object's status holds, nil if nothing.
	Admission *Assignment
}

// Preempting is a preemption that was decided and is not over: what the
// preemptor's status.preemption says.
type Preempting struct {
	// Victims are those that were to be evicted for it, in the order in which
	// that was decided.
	Victims []PreemptingVictim
	// Held is what is held for it, by flavor and resource.
	Held []HeldAmount
	// DecidedAt is when it was decided, Deadline when the hold ends unless
	// quota is released before: Unix nanoseconds. A victim that has reserved
	// its quota after DecidedAt has been evicted before and runs again.
	DecidedAt, Deadline int64
}

// PreemptingVictim is a workload that was to be evicted, and why.
type PreemptingVictim struct {
	UID    string
	Reason PreemptionReason
}

// HeldAmount is an amount that is held of one flavor-resource.
type HeldAmount struct {
	Flavor, Resource string
	Amount           quota.Amount
}

// PodSet is a group of equal pods of a workload.
type PodSet struct {
	Name  string
	Count int32
	// MinCount, if not zero, allows partial admission down to that count.
	MinCount int32
	// Reclaimable pods of Count have ended and need no quota any more.
	Reclaimable int32
	// Requests are those of one pod.
	Requests []quota.ResourceAmount
	// NodeSelector, Affinity (required node affinity: terms are alternatives)
	// and Tolerations restrict the flavors.
	NodeSelector map[string]string
	Affinity     []Selector
	Tolerations  []Toleration
}

// Selector is a conjunction of requirements on labels.
type Selector struct{ Requirements []Requirement }

// Requirement is one condition on a label. Operator is In, NotIn, Exists,
// DoesNotExist, Gt or Lt.
type Requirement struct {
	Key      string
	Operator string
	Values   []string
}

// Taint and Toleration mean what they mean in Kubernetes.
type Taint struct{ Key, Value, Effect string }

// Toleration matches taints. Operator is Equal (also when empty) or Exists.
type Toleration struct{ Key, Operator, Value, Effect string }

// Assignment says what an admitted workload holds, and where.
type Assignment struct {
	ClusterQueue string
	PodSets      []PodSetAssignment
}

// PodSetAssignment says what one pod set holds. Flavors and Usage are sorted
// by resource; Usage is for all Count pods (before reclaimable ones are taken off).
type PodSetAssignment struct {
	Name    string
	Count   int32
	Flavors []ResourceFlavorName
	Usage   []quota.ResourceAmount
}

// ResourceFlavorName tells the flavor that a resource was assigned.
type ResourceFlavorName struct{ Resource, Flavor string }
