// Package queue keeps the pending workloads of ClusterQueues: their order, and
// which of them are parked because a verdict said that they do not fit.
//
//	Insert ──> active class ──Park (one verdict for all of equal shape)──> parked class
//	              ^   │ Remove                                               │
//	              │   v                                                      │
//	              │  admitted, deleted                                       │
//	              └────────────── Wake (a consulted quota fell) ─────────────┘
//
// A Class holds the workloads of one Queue that are equal in shape and
// priority; parking or waking it costs the same for one as for ten thousand.
// Backoff holds those that may not be tried before some time.
package queue
