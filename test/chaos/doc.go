// Package chaos lets administrators, tenants and operators do whatever they
// may to a running Fairlead, kills its manager meanwhile, and then looks
// whether everything is as it should be.
//
//	seed -> actors (administrators, tenants, operator, killer) --requests--> API
//	                                                                          |
//	manager(s), killed and started again <------------------------------------+
//	                                                                          |
//	recorder <------------------------ watches, in order of resourceVersion --+
//	   |
//	   '-> judge: no admission against the rules, no start without quota
//
//	stop -> repair -> rest: state equals the oracle's -> release: every Job ends
//	     -> empty: nothing is left, heap and goroutines as they were
//
// CHAOS_SECONDS says for how long the actors act (default 30), CHAOS_SEED with
// which seed (default 1). Each actor draws from a source of its own and
// remembers only what it did itself, so that a seed always gives the same
// plans; how they interleave is the machine's affair. What was done, and what
// came of it, is kept in out/chaos/seed-N.
package chaos
