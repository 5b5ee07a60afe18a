// Package oracle is a second, naive scheduler, written from semantics.md and from nothing else, against which tests
// compare the engine. It imports nothing of this module and aims to be plainly right, not fast: whatever follows
// from the objects and the list of workloads is computed from them anew.
//
//	Event --> World.Apply --+-- objects: queues, cohorts, flavors, namespaces, workloads   (world.go)
//	                        +-- wake-ups: who must be looked at again                      (wake.go)
//	Decide --> pass --+-- store: the first of each queue that may act                      (pass.go)
//	                  |     verdict: flavors, fit, reasons, partial admission              (verdict.go, match.go)
//	                  |       amounts: subtree, local, available, level, usage             (tree.go, usage.go)
//	                  +-- winner: flat order, or tournament on exact shares                (order.go, share.go)
//	                  +-- act: Admit, or hold and park --> Outcome{Admits, Waits}
//	laws: CheckAdmit, OverLimit, Unserved, MustEvict, Usage, Available, Share ...          (laws.go)
//
// The only state kept beyond what the events say is what the procedure "A pass" (semantics section 4) defines: stored
// representatives, parked marks, holds, and the verdict of the last look at a workload, by which falls of usage
// wake it. Built: sections 1 to 4, and of 6 what concerns quota. Not built: victims (section 5), admission checks,
// topology, decayed usage, section 7, blockAdmission. Where victims will be found is marked in verdict.go (judge) and
// pass.go (act).
//
// Amounts are int64. The oracle is meant for worlds in which the usage of one flavor-resource in one tree stays
// below 2^63; a request that would take it there does not fit.
//
// # Readings
//
// Where semantics.md leaves a choice, this is the one taken here, with the sentence in question.
//
//  1. "Quotas and limits derived from them saturate at unlimited": unlimited is the number 2^63-1, not an infinity:
//     unlimited - lendingLimit, and unlimited - usage, are ordinary differences. lendable(r) saturates too;
//     borrowed(r) is exact.
//  2. "trees in order of root name": each tree completes its whole pass before the next. Of a root Cohort and a root
//     ClusterQueue of one name the Cohort comes first.
//  3. "A workload asks per pod set: requests of one pod x count, reduced by status.reclaimablePods, pending and
//     admitted alike": a pod set that runs (or would run) with s of its `count` pods is charged for
//     min(s, count - reclaimable) pods, as in Kueue, not s - reclaimable; section 6 counts
//     reclaimablePods from "the Workload's count", which is not lowered by partial admission. An Admit
//     carries that smaller count.
//  4. "every pod counts 1 of `pods`": counted here; a request for `pods` in a pod set is ignored.
//  5. "Zero requests for uncovered resources are ignored": zero is judged after multiplication by the count. A zero
//     request for a covered resource takes part in choosing the group's flavor and gets it assigned, but it
//     always fits, at level 0, "uses" nothing, and is neither consulted nor held.
//  6. "Preempt is possible only if nominal >= request, or X exists for this f and is not the root, or ...; else NoFit":
//     a request above potential is NoFit (ExceedsMaxQuota) even if X exists, since no removal could help. The request
//     includes what earlier pod sets of the workload take of the same flavor-resource, here, in X, in levels and
//     in "above potential".
//  7. "per resource group the mildest, across groups and pod sets the gravest": a flavor's reason is that of its gravest
//     resource; a group that fails lends nothing to the use "of earlier pod sets" that later ones count. A resource
//     of the group that the flavor does not list counts as NoMatchingFlavor for that flavor. A Preempt verdict without victims
//     has reason WaitingForQuota.
//  8. Reasons of those who stand in no queue, first that applies: spec.active false: Deactivated; not queueable: the reason
//     given by the shell (OnHold, AdmissionGated, PendingEvaluation in backoff); LocalQueue or ClusterQueue missing:
//     Misconfigured; LocalQueue or ClusterQueue stopped, or ClusterQueue terminating, in a cycle or with a missing
//     flavor: Suspended; namespace not selected: Misconfigured. They block nobody in a StrictFIFO queue.
//  9. "the namespace matches namespaceSelector (...; a mismatch never blocks a StrictFIFO queue), requests <= limits,
//     LimitRange holds; else Misconfigured": the exception is made for the namespace alone, so a workload that is
//     misconfigured by itself stands in the order with verdict NoFit and blocks, by what it requests, those
//     behind it in a StrictFIFO queue, as in Kueue.
//  10. "one behind may pass only if the flavor-resources that its own verdict assigns include none that an earlier waiting or
//     held-back workload of the queue requests in any flavor open to it": earlier are all members of the order before
//     it, parked or not. A flavor is open if labels, affinity and taints admit the pods, whatever its quota. "Head" is
//     the first member of the order, whatever its verdict.
//  11. A workload held back has reason WaitingForQuota, whatever its own verdict.
//  12. "parks later workloads of equal shape (priority included) of its queue with it": only those that stand in the order
//     at that moment, once, and only unparked ones; an equal one that arrives later has a turn of its own. Shape is, pod
//     set by pod set, count, reclaimable, minCount (count where there is none), requests of one pod, and the set of open
//     flavors, plus the priority (design section 3: "requests, flavors allowed, priority class").
//  13. "A fall of usage + holds wakes ...": usage plus holds is one sum, compared before and after one change (dropping a hold
//     and charging the same workload is one change, as is one event). The topmost changed node is taken for each
//     flavor-resource by itself. Held-back workloads are looked at again like parked ones, else law 7 would fail.
//  14. Queues whose representative is not valid are stored, in tree order (children by name), before every choice of a winner and not only at
//     the start of the pass: a queue woken in mid-pass takes part again at once.
//  15. "if stored(q) != old": workload, kind, level, assigned amounts or counts differ. Under fair sharing the numbers of a
//     key (borrows, share) are read from live usage, with the stored verdict: every change of usage re-keys its whole
//     path, so stored numbers are never stale; stored verdicts and levels are.
//  16. A head's hold is fixed when it acts and recomputed when it acts again; "usage" in it includes the holds of others at the
//     leaf; "if its assignment borrows" means level above 0. Between passes it is dropped when its holder stops
//     being the head of that StrictFIFO queue, or is changed in any way but Evicted ("until it is admitted, deleted,
//     changed").
//  17. "When a StrictFIFO head leaves, is overtaken or changes verdict, its queue is examined again": everybody in the queue is
//     unparked; leaving by admission counts; "changes verdict" means its kind (Fit, Preempt, NoFit). If another member
//     leaves a StrictFIFO queue, the queue is looked at again but nobody is unparked.
//  18. "Any edit, creation or deletion ... wakes the tree": setting an object again as it was is no edit. The trees are those that the
//     object's node is in before and after; for a ResourceFlavor, those of ClusterQueues that list it; for a LocalQueue,
//     that of its ClusterQueue. A Workload whose priority changes, pending or running, wakes its tree.
//     Labels of a namespace wake the workloads of that namespace.
//  19. "Admissions wake nobody" wins over law 7: a rise of usage can make a workload fit that did not (a first pod set moves to
//     another flavor and leaves room to the second), or let one pass in a StrictFIFO queue (its own verdict moves to a
//     flavor that nobody before it may use). See UnservedAfterRise.
//  20. "A node of weight 0 that borrows": its unweighted share is above 0. Borrowing only what has lendable 0 is share 0.
//  21. "admissions written or cleared by others are charged or released as found": also for flavor-resources and
//     ClusterQueues that list them no more; while the ClusterQueue does not exist they are charged nowhere.
//  22. "a flavor in use keeps admitting until its last queue drops it": DeleteFlavor is the moment the object is gone; then
//     queues that list it are inactive (FlavorNotFound).
//  23. "Partial admission: ... one pod set has minCount": the first that has one below its count.
package oracle
