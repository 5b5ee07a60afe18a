package admission

// Config holds what is fixed for the life of an engine.
type Config struct {
	// FairSharing orders the queues of a tree by dominant resource share;
	// without it the order is by borrowing level.
	FairSharing bool
}

// Engine holds the whole scheduling state.
//
// Its owner calls Step from one goroutine:
//
//	func New(Config) *Engine
//	func (*Engine) Step(now int64, ev Event) []Decision  // Admit and Wait come from Decide
//	func (*Engine) NextWake(now int64) (int64, bool)     // earliest NotBefore still ahead
//	func (*Engine) Snapshot() *Snapshot                  // immutable: for statuses, metrics, readers
type Engine struct{}

// Snapshot is an immutable picture of queues for statuses and metrics.
type Snapshot struct {
	ClusterQueues []ClusterQueueStatus // sorted by name
	Cohorts       []CohortStatus       // sorted by name
	LocalQueues   []LocalQueueStatus   // sorted by namespace, name
}

// ClusterQueueStatus is what a ClusterQueue's status shows.
type ClusterQueueStatus struct {
	Name string
	// Pending counts active and inadmissible workloads; see semantics 6.
	PendingActive, PendingInadmissible int32
	Reserving, Admitted                int32
	Usage                              []FlavorUsage // every flavor-resource the queue lists, in its order
	// WeightedShare is the ceiling of the share, the largest int64 for a
	// borrowing node of weight 0.
	WeightedShare int64
	// ActiveReason is "Ready" or the reason of condition Active=False; ActiveMessage
	// joins all that apply.
	ActiveReason, ActiveMessage string
}

// FlavorUsage is the usage of one flavor-resource.
type FlavorUsage struct {
	Flavor, Resource string
	Total, Borrowed  int64
	// Nominal is the queue's own quota; for metrics.
	Nominal int64
}

// CohortStatus is what a Cohort's status shows.
type CohortStatus struct {
	Name          string
	WeightedShare int64
	// Problem is a cycle or similar, empty if none.
	Problem string
}

// LocalQueueStatus is what a LocalQueue's status shows.
type LocalQueueStatus struct {
	Namespace, Name             string
	Pending                     int32
	Reserving, Admitted         int32
	Usage                       []FlavorUsage
	ActiveReason, ActiveMessage string
}
