// Package plan decides who holds a reservation on a timeline, and who may start
// without delaying one: backfill (semantics, section 7; docs/backfill.md).
//
//	Start, Run, Finish, Block ──> what is charged          blocked workloads, in order
//	Advance(now) ───────────────> outlived limits go on               │
//	        │                                                         v
//	        │ freed? broken?          ┌──────────────── Plan: release whoever is not among
//	        └────────────────────────>│                 the first Depth of his leaf any more
//	                                  │ broken: drop all, place all in order
//	                                  │ freed:  move each earlier if it can be, in order
//	                                  v place those that hold none yet, in order
//	                            reservations ──> MayStart(workload): fits beside all of them,
//	                                             now and until its limit?
//
// EASY (Lifka, The ANL/IBM SP Scheduling System, JSSPP 1995) is Depth 1;
// conservative backfill (Mu'alem and Feitelson, IEEE TPDS 12(6), 2001) is Depth All.
//
// Laws, while limits are upper bounds and no quota is cut: no arrival delays a
// reservation; whoever starts when MayStart says so, or at his reservation,
// keeps every node within its limits at every instant.
//
// What a reservation costs is EarliestStart of package timeline, and a Plan is
// one for each new reservation; after something was freed earlier than planned,
// one for each that is held.
package plan
