// Package fairshare decides whose turn it is in a tree of cohorts: the exact
// comparison of dominant resource shares (Ghodsi et al., "Dominant Resource
// Fairness", NSDI 2011, over what is borrowed, divided by a weight) and the
// tournament that keeps, at every cohort, the best candidate below it
// (semantics, section 4; design, section 4).
//
//	          root: winner = next workload
//	         /    \            each inner node: heap of children by Key,
//	   cohort      cohort      a child's Key = "its share, were its own
//	   /    \        |          winner admitted"
//	queue  queue   queue       each leaf: its candidate
//
// The tournament knows no quota: a Keyer tells it the key of a node for the
// candidate of a leaf.
package fairshare
