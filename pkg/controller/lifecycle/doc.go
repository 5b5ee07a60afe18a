// Package lifecycle carries a workload from its job's creation to its end:
// it decides, from the newest sight of Workload and job, the one write that
// comes next, performs it, and looks again.
//
//	loop --Admit, Wait, Adopt--+
//	ledger (Workload, job)-----+--> queue of keys --> worker: sight --phases--> write --> API
//	repeats, delays -----------+                                 ^                        |
//	                                                             +--- answer: ledger -----+
//
// One key is worked on by one goroutine at a time, so that the writes of one
// workload have an order; keys are worked on concurrently up to a bound. Every
// write carries the UID, and the resourceVersion or generation, of what was
// looked at.
//
// phases.go lists the phases in their order; each is a pure function of the
// sight in a file of its own.
package lifecycle
