package admission

import "reflect"

// Backfill says how the workloads of a ClusterQueue are planned: who of those
// that do not fit holds a reservation at its earliest start, which no workload
// that starts before may delay (docs/backfill.md).
type Backfill struct {
	Mode BackfillMode // "" means BackfillNone
	// Depth is how many of the first blocked workloads of the ClusterQueue hold
	// reservations; 0 means 1 under EASY and 100 under Conservative.
	Depth int32
	// BorrowingDepth is how many of these may be planned on more than the
	// ClusterQueue's nominal quota; nil means 1.
	BorrowingDepth *int32
	// DefaultLimit, in nanoseconds, is for how long a workload without Limit is
	// planned; 0 means DefaultLimit.
	DefaultLimit int64
	// BackfillUnlimited lets workloads without Limit start ahead of
	// reservations as if DefaultLimit were theirs. If not, they only do where
	// they would delay nobody however long they run.
	BackfillUnlimited bool
}

// BackfillMode names a way to plan.
type BackfillMode string

// The modes of the API.
const (
	BackfillNone         BackfillMode = "None"
	BackfillEASY         BackfillMode = "EASY"
	BackfillConservative BackfillMode = "Conservative"
)

// What zero values mean: 24 hours, 30 seconds, a minute; and the depths.
const (
	DefaultLimit             int64 = 24 * 60 * minute
	DefaultSlack             int64 = minute / 2
	DefaultOverrun           int64 = minute
	DefaultDepthEASY         int32 = 1
	DefaultDepthConservative int32 = 100
)

// Reservation is an advance reservation: windows in which part of a node's quota
// is kept for the workloads of some LocalQueues, or from everybody. What would
// run into a window does not start. What runs already is left running.
type Reservation struct {
	Name string
	// ClusterQueue or Cohort names the node whose quota it is; the other is "".
	ClusterQueue, Cohort string
	// Amounts are what is kept, by flavor and resource. If there are none,
	// ShareMilli thousandths of each nominal quota of the node, and of all nodes
	// below it, are (rounded up); 1000 is an outage of all that they own.
	Amounts    []FlavorAmount
	ShareMilli int64
	// Windows are when, sorted, none beginning before the one before it has
	// ended. A recurring reservation names those of the time to come.
	Windows []Window
	// For are the LocalQueues whose workloads may use what is kept: they must
	// lead to ClusterQueue. None: nobody may (maintenance).
	For []LocalQueueName
}

// FlavorAmount is an amount of one flavor-resource.
type FlavorAmount struct {
	Flavor, Resource string
	Amount           int64
}

// Window is a time from Start until before End, Unix nanoseconds.
type Window struct{ Start, End int64 }

// LocalQueueName names a LocalQueue.
type LocalQueueName struct{ Namespace, Name string }

// ReservationStatus is what the status of an advance reservation shows.
type ReservationStatus struct {
	Name string
	// Problem says why it keeps nothing, "" if it does: its node does not exist,
	// or has no such quota.
	Problem string
	// Conflict is where it first lacks room, nil if it has it all: beside all other
	// advance reservations and what would still run by then, as of the last pass.
	// It keeps what it asks for all the same: nobody else may start into it.
	Conflict *ReservationConflict
}

// ReservationConflict is where and when there is not room for a reservation.
type ReservationConflict struct {
	Node             string // a ClusterQueue or Cohort
	Flavor, Resource string
	At               int64 // the first such time, Unix nanoseconds
	Missing          int64 // by how much, then
}

// reservation is the engine's record of an advance reservation.
type reservation struct {
	spec     Reservation
	problem  string
	conflict *ReservationConflict
}

func (e *Engine) setReservation(spec Reservation) {
	e.plans = true
	old := e.reservations.byName[spec.Name]
	if old != nil && reflect.DeepEqual(old.spec, spec) {
		return
	}
	e.reservations.put(spec.Name, &reservation{spec: spec})
	if old != nil {
		e.rewindow(&old.spec)
	}
	e.rewindow(&spec)
	e.noteEnds()
}

func (e *Engine) deleteReservation(name string) {
	if old := e.reservations.byName[name]; old != nil {
		e.reservations.remove(name)
		e.rewindow(&old.spec)
	}
}
