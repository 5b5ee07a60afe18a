// Package simulation runs the production engine under a virtual clock: what
// would happen to these jobs in these queues?
//
//	                 ┌───────────── heap of completions <── start ─┐
//	                 v                                             │
//	Trace ──> next moment ──Step(now, Finish, SetWorkload)──> Engine ──Decide──> Admit, Wait
//	                                                                               │
//	                            Result: starts and ends, use over time, preemptions┘
//
// Files: simulator.go is the loop, live.go what is known of jobs in the
// engine, completions.go the heap; series.go follows use, demand and
// entitlement over time; entitlement.go says what each queue is due; result.go
// and summary.go what comes out.
//
// Time is virtual: a decision takes none, a job starts at the moment at which
// it is admitted. Everything at one moment is told to the engine before it
// decides: ends first, then submissions in the order of the trace.
package simulation
