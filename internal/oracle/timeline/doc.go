// Package timeline is a naive twin of pkg/timeline and its planner, written
// from sections 2 and 7 of the semantics and from docs/backfill.md, and from
// nothing else. It imports nothing of this module and keeps nothing but lists:
//
//	Tree (parents, quotas) + []Charge --> World
//	    Use(n, f, t), Available(n, f, t)    section 2, word for word, at one instant
//	    Fits(n, request, a, b)              asked at every instant of the window
//	    EarliestStart                       every instant from `from` on is tried
//	    Chart: the same between any two instants at which something changes (chart.go)
//	Plan: who holds a reservation, and may this one start?   (plan.go)
//
// Instants are integers, and every function of a World is meant for worlds in
// which the interesting ones lie between 0 and Horizon: beyond it nothing may
// change. A Chart, and with it a Plan, needs no horizon.
// Nothing here is fast; all of it is meant to be plainly right.
package timeline
