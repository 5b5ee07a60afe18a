// Package admission is the engine: events in, decisions out. It does no I/O
// and knows no clock; time is an argument.
//
//	shell --Step(now, Event)--> Engine --[]Decision--> executor --API write--> shell
//
// Inside, an event changes the one place where a thing is known, and a pass
// drains what can be admitted:
//
//	SetWorkload ─> place ─> queue.Queue (active) ─┐
//	Finish, Forget ─> discharge ─> a fall of usage ┤ wakes what consulted it
//	Set/Delete of queues, flavors ─> sync ─────────┘ wakes the tree
//	                                               │
//	Decide ─> pass over each tree with work: store representatives,
//	          winner of the tournament, re-check, act, rounds
//	              │ fits            │ does not
//	              v                 v
//	          charge, Admit     park its class, Wait
//
// The rules are those of semantics sections 1 to 6. Files: events and
// decisions are the interface; workload is the life of one; clusterqueue and
// localqueue are what queues say; shape, plan and flavor turn pod sets into
// integers; verdict is the flavor search; scope, pass, wake, besteffort,
// strict, park and admit are the procedure; planner, plain, fair, roster, evict,
// hold and resume take quota back; calendar, choose, yield and windows plan
// ahead; leap, turns, foresight, ranking, and contest with standing, rounds and
// nested, leave out of it what nobody could tell; snapshot, message and line are for readers.
//
// What a pass costs, n being the queues of a tree: where all of them are in one
// Cohort without StrictFIFO, lending limits and the like, a pass that admits
// one workload costs what has changed since the last passes, times log n
// (ranking). Where Cohorts are below others the same holds (contest), but that in
// place of log n each Cohort on the way up costs a key for everybody below who comes
// before the one that is admitted; and a pass that admits several is not foretold.
// Otherwise, and for each further admission until nothing more fits, it looks at the
// queues whose workloads the fall may help; where somebody plans, at all classes of
// them (foresight). Trees with
// holds or policies of preemption are stepped to the letter; there a search for
// victims costs the queues that exceed their quota, and log of what is admitted
// for each candidate.
package admission
