// Package timeline knows the use of a quota tree over future time, and when a
// request can first be given what it asks for (semantics, sections 2 and 7).
//
//	running workloads [now, limit) ─┐
//	reservations      [start, end) ─┼─Add/Remove─> profile per node and flavor-resource
//	windows           [start, end) ─┘                 │   a treap of steps: sum, high, low
//	                                    past local quota, run by run, to the parent's
//	                                                  v
//	Fits(leaf, request, a, b)      at every instant of [a, b)?
//	EarliestStart(leaf, ...)       the first t at which it Fits for a length of time
//
// Files: profile is a function of time, search what is asked of one; timeline
// is the tree of them; fit the rules of section 2 on it; sum answers for paths
// on which idle local quota helps out. Package plan, below, decides who holds
// a reservation.
//
// # Time
//
// Instants are integers (the engine's are Unix nanoseconds); intervals contain
// their start and not their end. What is before now is forgotten.
//
// # What it costs
//
// n is the number of breakpoints of the profiles on the leaf's path, D the
// path's length, F the number of flavor-resources asked for; all bounds are
// expected ones, over the hash that shapes the treaps.
//
// A change of one interval takes O(F D log n), as does Fits, on paths without
// lending limits. Fit is linear there: the request fits if and only if at every
// node of the path the use is at most the node's limit less the request
// (fit.go), so each node is one search in one treap.
//
// EarliestStart asks Fits once a hop. A hop leads from the last violation in
// [t, t+length) to its end, so that two of them pass a whole length, and
// their number is at most
//
//	h = 2 + min(gaps that are too short, 2 x wait / length) for each constraint
//
// where wait is how far ahead the start is found: O(h F D log n). If nothing is
// charged but what runs now, use only falls, h is 2, and this is O(F D log n).
//
// With lending limits, usage(cohort) = sum of max(0, usage(c) - local(c)) is
// not linear: what a charge adds above a node depends on what is charged
// there already. A change then takes O(F (1 + k) D log n), where k is the number
// of runs in which a different part of it is carried upwards; k is at most
// the number of breakpoints in the interval at which the child's use crosses
// the strip (local - amount, local). A query has to look at sums of profiles,
// use(ancestor) - sum of idle local quota below it, that are stored nowhere,
// because a change at one leaf would change such a sum for every other leaf. It
// searches the union of the profiles' breakpoints, which, the treaps being
// shaped by one hash, has the form of a treap too; bounds of each profile over
// a part of the time decide whether the part needs to be looked into. With
// nothing but running workloads use falls and idle quota grows, the bounds are
// exact, and O(log n) parts are looked at: O(F D^2 log^2 n). In the worst case,
// profiles that rise and fall so that their extremes never coincide, all parts
// are: O(F D^2 n log n). No way is known to keep sums of pairs of changing
// profiles better than that for all leaves at once.
package timeline
