// Package quota counts: amounts that saturate where they are limits, requests
// as dense integers, and the arithmetic of a tree of quotas in which idle
// quota is lent upwards and borrowed downwards (semantics, sections 1 and 2).
//
//	Quota per node ──SetQuota──> Tree ──Seal──> subtree, local, potential, lendable
//	                              │
//	Add(leaf, f, ±amount) ────────┤  usage climbs until lending limits absorb it
//	                              │
//	Available / Potential / Level / Reach <── asked by the flavor search
//
// Nodes, flavor-resources and resources are small integers; a Plan is what
// one kind of workload asks of one ClusterQueue in those integers. Nothing
// here allocates once a Tree is built.
package quota
