package oracle

import "math"

// Unlimited is the amount at which quotas, and limits derived from them, saturate.
const Unlimited int64 = math.MaxInt64

// UID identifies a workload.
type UID string

// FlavorResource is a pair of a ResourceFlavor and a resource name.
type FlavorResource struct {
	Flavor, Resource string
}

// Quota is what one node says about one flavor-resource. A nil limit is no limit.
type Quota struct {
	Nominal        int64
	BorrowingLimit *int64
	LendingLimit   *int64
}

// FlavorQuotas is one flavor of a resource group with the quota of each resource.
type FlavorQuotas struct {
	Name      string
	Resources map[string]Quota
}

// ResourceGroup lists the flavors, in order of preference, of the resources it covers.
type ResourceGroup struct {
	Covered []string
	Flavors []FlavorQuotas
}

// Strategy is the queueing strategy of a ClusterQueue; empty means BestEffortFIFO.
type Strategy string

// The queueing strategies.
const (
	BestEffortFIFO Strategy = "BestEffortFIFO"
	StrictFIFO     Strategy = "StrictFIFO"
)

// StopPolicy of a ClusterQueue or LocalQueue; empty means None.
type StopPolicy string

// The stop policies.
const (
	StopNone     StopPolicy = "None"
	Hold         StopPolicy = "Hold"
	HoldAndDrain StopPolicy = "HoldAndDrain"
)

// FungibilityPolicy says whether the search for a flavor may stop; empty means the default of its field.
type FungibilityPolicy string

// The fungibility policies.
const (
	MayStopSearch FungibilityPolicy = "MayStopSearch"
	TryNextFlavor FungibilityPolicy = "TryNextFlavor"
)

// Preference between borrowing and preempting; empty means BorrowingOverPreemption.
type Preference string

// The preferences.
const (
	BorrowingOverPreemption Preference = "BorrowingOverPreemption"
	PreemptionOverBorrowing Preference = "PreemptionOverBorrowing"
)

// Fungibility is flavorFungibility of a ClusterQueue.
type Fungibility struct {
	WhenCanBorrow  FungibilityPolicy // default MayStopSearch
	WhenCanPreempt FungibilityPolicy // default TryNextFlavor
	Preference     Preference
}

// PreemptionPolicy is a value of one of the policies of Preemption; empty means Never.
type PreemptionPolicy string

// The preemption policies.
const (
	Never                     PreemptionPolicy = "Never"
	LowerPriority             PreemptionPolicy = "LowerPriority"
	LowerOrNewerEqualPriority PreemptionPolicy = "LowerOrNewerEqualPriority"
	AnyPriority               PreemptionPolicy = "Any"
	defaultWeightMilli        int64            = 1000
	podsResource                               = "pods"
)

// Preemption holds the preemption policies of a ClusterQueue.
type Preemption struct {
	WithinClusterQueue  PreemptionPolicy
	ReclaimWithinCohort PreemptionPolicy
	BorrowWithinCohort  PreemptionPolicy // Never or LowerPriority
	// MaxPriorityThreshold bounds the priority of victims under BorrowWithinCohort; nil is no bound.
	MaxPriorityThreshold *int64
}

func set(p PreemptionPolicy) bool { return p != "" && p != Never }

// Requirement is one expression of a label selector or of a node selector term.
// Operators: In, NotIn, Exists, DoesNotExist, and for nodes Gt and Lt.
type Requirement struct {
	Key, Operator string
	Values        []string
}

// Selector is a label selector; everything in it must hold, an empty one matches all.
type Selector struct {
	MatchLabels map[string]string
	Expressions []Requirement
}

// ClusterQueue is a leaf of the quota tree.
type ClusterQueue struct {
	Name              string
	Cohort            string // empty: alone, its own root
	Groups            []ResourceGroup
	Strategy          Strategy
	Fungibility       Fungibility
	Preemption        Preemption
	WeightMilli       *int64    // fair sharing weight x 1000; nil means 1
	NamespaceSelector *Selector // nil matches no namespace
	Stop              StopPolicy
	Terminating       bool // its deletion has begun: admits nothing new
	// MinimumRuntime is how long a workload admitted here runs before it may be preempted, in the unit of Time.
	MinimumRuntime int64
	Backfill       Backfill
}

// Cohort is an inner node of the quota tree.
type Cohort struct {
	Name        string
	Parent      string // empty: a root
	Groups      []ResourceGroup
	WeightMilli *int64
	Backfill    Backfill // of what is below it
}

// Taint of the nodes of a flavor.
type Taint struct {
	Key, Value, Effect string
}

// Toleration of a pod, or added by a flavor.
type Toleration struct {
	Key, Operator, Value, Effect string
}

// Flavor is a ResourceFlavor.
type Flavor struct {
	Name        string
	NodeLabels  map[string]string
	NodeTaints  []Taint
	Tolerations []Toleration
}

// LocalQueue maps a name in a namespace to a ClusterQueue.
type LocalQueue struct {
	Namespace, Name string
	ClusterQueue    string
	Stop            StopPolicy
}

// PodSet is a group of equal pods.
type PodSet struct {
	Name         string
	Count        int64
	MinCount     *int64           // set: partial admission may go down to it
	Requests     map[string]int64 // of one pod, milli-units for cpu; an entry for "pods" is ignored
	NodeSelector map[string]string
	Affinity     [][]Requirement // required node affinity: terms joined by or; nil is no affinity
	Tolerations  []Toleration
	Reclaimable  int64 // pods of Count that need nothing any more
}

// PodSetAssignment is the part of an admission that concerns one pod set.
type PodSetAssignment struct {
	Name    string
	Flavors map[string]string // resource to flavor
	Usage   map[string]int64  // resource to total amount of Count pods
	Count   int64
}

// Admission holds quota of one ClusterQueue.
type Admission struct {
	ClusterQueue string
	PodSets      []PodSetAssignment
	Reserved     bool // QuotaReserved is True but Admitted is not yet
}

// Workload as an observer of the API sees it.
type Workload struct {
	UID           UID
	Namespace     string
	LocalQueue    string
	Priority      int64
	QueueTime     int64 // any unit, as long as it is the same for all
	PodSets       []PodSet
	Active        bool   // spec.active
	Evicted       bool   // condition Evicted is True; keeps quota until Admission is cleared
	Misconfigured string // not empty: requests exceed limits, a LimitRange fails, or the like
	Withheld      Reason // not empty: not queueable for this reason (OnHold, AdmissionGated, backoff ...)
	Admission     *Admission

	// ReservedAt and AdmittedAt are when QuotaReserved and Admitted last became True, in the unit of Time.
	// They matter while the workload holds quota.
	ReservedAt, AdmittedAt int64
	// MinimumRuntime is what the WorkloadPriorityClass says; see also ClusterQueue.MinimumRuntime.
	MinimumRuntime int64

	// Limit is what is left of the maximum execution time when it starts, termination included; 0 if there is none. Started
	// is when it last started to run, 0 if it does not or that is not known. Both in the unit of Time; Started matters while
	// the workload holds quota.
	Limit, Started int64
}
