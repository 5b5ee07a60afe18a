// Package load says what a benchmark submits: which objects, into which
// queues, and when. It is data and arithmetic only; package drive submits it.
//
//	Table ("J1", "W1", ...)
//	   |  Find
//	   v
//	 Load --Scaled(0.1)--> Load --Plan()--> []Item, ordered by due time
//	   |                                      each: queue, cores, run time, due
//	   +--Queues()--> the cohorts and ClusterQueues to create first
package load
