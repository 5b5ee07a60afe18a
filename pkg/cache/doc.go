// Package cache holds the cohort trees with what is admitted, assumed and held
// in them. It turns nodes that name each other by strings into quota.Trees of
// dense integers, and keeps the usage of each ClusterQueue through every edit.
//
//	Queue/Cohort ──Set, Remove──> Forest ──Sync──> new Trees in place of stale ones
//	                                │
//	Charge, Hold (queue, fr, ±) ────┴──> Node.usage, Node.held ──> Tree cells
//	Leave (queue, fr, ±) ─────────> Node.leaving ──> Ahead: the tree once it has left
//
// A Tree includes holds in its usage: for everybody but their holder they
// count as used. Checkpoint and rollback are exact because Charge and Hold are
// their own inverses.
package cache
