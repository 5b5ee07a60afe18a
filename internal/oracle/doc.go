// Package oracle is a second, naive scheduler, written from semantics.md and from nothing else, against which tests
// compare the engine. It imports nothing of this module and aims to be plainly right, not fast: whatever follows
// from the objects and the list of workloads is computed from them anew.
//
//	Event --> World.Apply --+-- objects: queues, cohorts, flavors, namespaces, workloads   (world.go)
//	                        +-- wake-ups: who must be looked at again                      (wake.go)
//	Decide --> pass --+-- store: the first of each queue that may act                      (pass.go)
//	                  |     verdict: flavors, fit, reasons, partial admission              (verdict.go, match.go)
//	                  |       victims: candidates, plans A and B, fair sharing             (plan.go, fairplan.go)
//	                  |       amounts: subtree, local, available, level, usage             (tree.go, usage.go)
//	                  +-- winner: flat order, or tournament on exact shares                (order.go, share.go)
//	                  +-- act: Admit, or hold, evict and park                              (pass.go, hold.go, keep.go)
//	                  +-- with backfill: who holds reservations, who may start             (backfill.go, planning.go, release.go, window.go)
//	                        --> Outcome{Admits, Evicts, Ends, Waits}
//	laws: CheckAdmit, OverLimit, Unserved, MustEvict, Usage, Available, Share ...          (laws.go)
//	      of the plan: Promises, PlanOverQuota, Unreserved, RefusedForNothing; Play: a virtual clock          (planlaws.go, play.go)
//	judge: Problem, brute force over all sets of candidates, CheckEvict                    (judge.go)
//	       where the procedure falls short of brute force                                  (exception.go)
//	       laws along a history: Ledger, BringToRest, WithinNominal, WeightZeroFirst       (thrash.go)
//
// The only state kept beyond what the events say is what the procedure "A pass" (semantics section 4) defines: stored
// representatives, parked marks, holds with their clocks, evictions decided but not seen yet, and the verdict of the
// last look at a workload, by which falls of usage wake it; by amendments A3 and A11, who has been evicted for what reason since the
// last change; and, by decision record 0005, the reservations held and the overruns granted. Built: sections 1 to 5, of 6 what
// concerns quota, and of 7 backfill; victims are looked for only with Options.Preemption. Not
// built: admission checks, topology, decayed usage (nor, therefore, the order of victims in usage mode), blockAdmission.
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
//     flavors, plus the priority (design section 3: "requests, flavors allowed, priority class"). Flavors are those of resource groups of
//     which the pod set asks something, be it zero (5): of the others it gets none, so whether they are open decides nothing.
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
//
// Readings of preemption. "Planning usage" is usage once the evicted are gone, plus what is held for others.
//
//  24. "every workload with Evicted=True counts as gone": so does one whose eviction is decided, until its quota is
//     released or EvictFailed says that it stays. That it stays, or turns out not to be evicted any more, wakes its tree;
//     that it is evicted wakes nobody. Only Fit is judged with the evicted still there; whatever follows once a
//     flavor-resource does not fit is judged on planning usage: whether Preempt is possible, X, levels (of
//     no-candidates too), the within-nominal conditions, "usage >= nominal".
//  25. "A victim must use a short flavor-resource (one judged Preempt)": short are those judged so in the flavors chosen; "the
//     workload fits" means all of its request, short or not. An assumed workload may be a victim, as in Kueue; its
//     QuotaReserved and Admitted are the time of the decision.
//  26. "A flavor's verdict is that of its worst resource": worst by the preference between borrowing and preempting, so with
//     PreemptionOverBorrowing it may be one that fits. The verdict of the workload is Preempt if any chosen flavor is
//     short of anything.
//  27. "split by a simulated removal of victims": the whole procedure for this flavor-resource alone, final check included.
//     If those in flight suffice it is reclaim.
//  28. "Whoever fits once the evicted are gone, without further victims, holds too": whoever, even if "Preempt is possible
//     only if" does not hold: to wait for the evicted preempts nobody. Else a preemptor would lose its hold ("its verdict
//     becomes NoFit") while its victims leave, because X is gone by then: see TestWhoeverFitsThenHolds.
//  29. X is one node for the whole request: it holds every requested flavor-resource. It is found once, before removals; so
//     are all ranks of candidates. The part of the request not covered by local quota below is never negative.
//  30. "if nobody elsewhere is a candidate", "nobody is outside X": a candidate elsewhere is one who could be taken before
//     any other is: his queue and the nodes below the common ancestor exceed their quota, as in Kueue.
//  31. "must exceed their quota in a short flavor-resource": by amendment A10 all in the same, and in one that the victim uses (50).
//  32. "an illegal plan is dropped whole": it counts as not found, so that without fair sharing the other plan is tried. Under
//     fair sharing there is one plan: the second strategy does not follow an illegal plan of the first.
//  33. "its taking rule": that all nodes below the common ancestor exceed their quota in what is taken (50), and, under fair
//     sharing, the strategy by which he was taken. Own victims have none. Ranks,
//     "exceeds nominal ... before any removal" and "stays within nominal" are not judged again.
//  34. "not in whether a victim's queue exceeds quota": nor in whether a node "borrows anything" under fair sharing. Whether
//     the preemptor's own queue is within nominal is judged with what is held for others there.
//  35. "If the preemptor stays within nominal": reclaimed victims still come from the child with the highest share.
//  36. LessThanInitialShare configured as the only strategy is the first: more than one victim a queue.
//  37. Cohorts of equal share: the smaller name first. UIDs too: the smaller first.
//  38. "maxPriorityThreshold" not set: no bound but the preemptor's priority.
//  39. "stored(q) != old": a plan is not part of the key; the one acted on is that of the re-check.
//  40. A preemptor's hold ends as said, and when its holder stands in its queue's order no more (stopped, deactivated, moved).
//     While it lasts, a verdict without victims changes nothing about it, even of a StrictFIFO head; a new plan replaces
//     it. In a StrictFIFO queue it ends with 55.
//  41. "a timeout passes (renewed only after a release)": the clock is set when it first holds. Acting again sets it anew
//     only if the usage of a ClusterQueue in its tree has fallen meanwhile; else the old deadline stays, and once it
//     has passed the workload may neither hold nor evict. NoFit, admission, changes and 55 reset the clock. The
//     end of a hold by time wakes its holder, too.
//  42. "Parking ... parks later workloads of equal shape": later in the order of semantics section 4, not in the order tried;
//     not those that hold. A workload with a plan parks nobody, whether it may hold or not.
//  43. Minimum runtime: the longer of the class's and the queue's, counted from Admitted; one that has only reserved does not
//     run and is not protected. It ends when now >= Admitted + minimum, by time or by an edit (of the class, the ClusterQueue,
//     or what is seen of the workload), which wakes the tree in which it uses quota, unless the
//     workload counts as gone (24): it is no candidate before nor after, and if it turns out to stay, that wakes the tree. It guards
//     against preemption alone.
//  44. "Waiting for its own preemption": whoever has a preemptor's hold waits with WaitingForPreemptedWorkloads, even when
//     held back.
//  45. With Options.Preemption a verdict may turn to Fit by a rise too: where the search stops at, or prefers, a flavor with
//     victims to one that fits, and those victims get lost; or where a larger size of partial admission has victims and a
//     smaller one fits. See UnservedAfterRise.
//  46. Whether plan B is tried at all is part of who may be a victim: brute force, too, takes those who need the within-nominal
//     condition only where B is tried. See Problem.PlanBExcluded.
//  47. "at most one victim a queue": in brute force of those whom only the second strategy allows.
//  48. No cap on evictions: semantics.md has none.
//  49. "under fair sharing a Preempt verdict ... consults all flavor-resources and nodes of the tree": any fall of usage + holds at
//     any ClusterQueue of the tree wakes it, not only one under whose topmost changed node it stands (reading 13), and
//     with or without a plan; except, as always, that of its own hold.
//
// Readings of the amendments A1 to A6 (A7 is proposed: see Options.HeadsLeaveHolds), which change what semantics section 5 says since by its words preemption under fair
// sharing breaks its own laws. What they bring is measured by TestExceptions and TestBringToRest (with -scale).
//
//  50. A2, "a short flavor-resource in which its queue, and every node below the common ancestor on its side, exceeds its
//     quota": one and the same for all of them, and one that the victim uses; "exceeds" by 34. It also holds
//     for reclamation by a preemptor within nominal, and by amendment A10 without fair sharing. Whom it forbids when a victim is to be chosen is no candidate from
//     then on: neither in ties between queues (by their first candidate), nor for the second strategy as the one of his
//     queue. That nodes which borrow nothing are skipped follows.
//  51. A1: somebody is given back unless he is needed to fit, or another's rule that was true without him (that is, with
//     all the taken but the other gone) would be false with him. A rule that is false already keeps nobody.
//  52. A6: giving back goes through the victims in reverse order again and again until nobody more is given back.
//  53. A3: "evicted ... since" begins with the decision (AssumeEvict too); EvictFailed takes it back. The memory is one for
//     all trees. "Changed (spec, priority)" is whatever is no status: not Admission, Evicted, the times, reclaimable pods,
//     Withheld. Confirm, Forget, Time, and the loss of an admission are no changes, nor is the end of one who was
//     evicted and still used quota. That all are forgotten wakes nobody.
//  54. A5: "borrows" by 20, holds and the request counted, the other victims gone.
//  55. A4: judged by what is held when anything changes, and by its verdict whenever a pass looks at it: if an earlier member
//     of the order requests any of these flavor-resources in any flavor open to it, the hold ends. Its holder is looked at
//     again, and has a clock of its own again when it holds again. Queue times change too: who returns from an
//     eviction may overtake.
//
// Readings of section 7 as decision record 0005 makes it precise. "The planner" is timeline.Plan. A tree in which every
// ClusterQueue's mode is None has none, and nothing below applies to it.
//
//  56. "a Cohort's is the default below it": the nearest node on the way up from the ClusterQueue, itself first, that names a
//     Mode decides, with all of its Backfill; the Depth of one is never mixed with the Mode of another.
//  57. "the queue's default" not set: a workload without a limit is planned to run for ever.
//  58. "blocked = ... those parked by quota or refused": whoever's last verdict was not Fit, for reason WaitingForQuota, who is not
//     held back by the order of a StrictFIFO queue and has no preemptor's hold. That a workload has been woken, or that its
//     verdict is Fit but its turn has not come, does not take its reservation away: else whoever is parked in
//     the meantime takes its place. In a StrictFIFO queue only those are planned who request, in flavors open to them, nothing that
//     one before them requests in a flavor open to it: the others may not start when their time comes. So a reservation
//     there ends when its holder is overtaken, as a hold does by amendment A4.
//  59. "of each queue, in its order, the first depth" and "an arrival that stands before a reserved workload of its own queue
//     releases that reservation only if withinClusterQueue would let it preempt it": those who hold a reservation keep their
//     place among the depth, also from those who stand before them, unless one of these who holds none could preempt them, by priority and queue
//     time alone (and there is a place for one: 81): that they ask for the same, or not, decides nothing, in StrictFIFO queues either, where it never is
//     the same. The order is that of semantics section 4.
//  60. "a head's hold is the timeline's charge from now on": its reservation takes the place of the hold. A StrictFIFO head without
//     victims holds nothing where its queue's mode is not None: what it holds ends with the edit by which the queue begins to plan (its own,
//     or a Cohort's default), before the next plan(), and not only when its head next has a turn. Where it is, it holds as ever, but no more than is available at
//     every instant of the plan, or it would delay reservations; the planner counts what is held as used without end.
//  61. "fits on usage + others' holds, and planner.MayStart(w with this assignment)": each flavor-resource is asked alone, what
//     earlier pod sets took of it included: the timeline judges each for itself. One who is refused counts as NoFit
//     in this flavor; nobody is preempted for him there. Where he asks for more of some resource than can be counted nothing is asked.
//  62. "plan() is called wherever it might have something to do": at the begin of a pass; after an admission, after a turn or a NoFit that ends in
//     parking, once those of equal shape are parked too, and when in store a preemptor is held back and so loses its hold: there if since the
//     last plan() anything was taken off the timeline, or has come to where it may be in the way of a reservation; after parking also
//     if one of that queue is to hold a reservation and has none, or somebody of the tree holds one who is not blocked any more (what he
//     finds cannot be had at all, though one assignment that was planned could); and after the turn of one who did not hold just that already, victims or
//     none, for all these reasons and if one of any queue of the tree is to hold a reservation and has none: once, not once more for its park. So whoever can move when victims are evicted, or a head comes to
//     hold less, moves in the same pass, and whom such a reservation refused is looked at in it. Whoever has been judged is blocked (58)
//     also before his turn, but that alone is no reason to plan after somebody else's admission. Shape includes the limit. Who holds a
//     reservation is not parked with others.
//  63. "wake each holder whose reservation has begun": at the start of each pass all of them; in the middle of one, those whose reservation
//     has another start, end or alternative than before the plan.
//  64. "All refused workloads of the tree then wake": whenever anything is taken off the timeline, those refused in any flavor. (Not only
//     under the topmost node where planned use falls: a reservation that is late lets time alone make room.) At a
//     window's end everybody in the tree. Windows are compared by what they charge, whom they are for included: one that is new takes nothing
//     off, one that is removed does unless it was over, and one that is edited, be it by an edit of the quota of which it is a share, is one
//     removed and a new one. Where the last one is removed and nobody plans there is no planner any more: everybody in the tree wakes.
//  65. "Of workloads that ask for the same": the same ClusterQueue, limit, and amounts in all alternatives, whatever the priority; and the same
//     LocalQueue, if a window of that ClusterQueue which is not over is for either's. Shape (12) the same. A reservation is kept when by
//     that, or by anything else but its holder's request, limit, LocalQueue and ClusterQueue, others come to ask for the same or do not any more.
//  66. "end of what is found running is Started + Limit": also of what was admitted by our decision, once Started is seen; until
//     then it runs from the decision on, or from when it was found. Time passes for the planner in passes alone: it is at
//     a pass that whatever has outlived its end is planned to go on. A limit or start that changes begins anew.
//  67. "starts ahead of a reservation only if it would delay none even if it ran for ever" is broken by the planner as built: a
//     workload without a limit may be planned, for the default, ahead of another's reservation, and then "may start by its own". See
//     Options.LimitlessBehind, which is proposed, and TestBackfillExample.
//     A planned start is exact, if limits are and nobody else arrives, where all reservations may borrow and there is no choice
//     of flavors; else it is the latest: the search for a flavor, and borrowed quota left over, may start somebody earlier.
//  68. "Quota edits are Requota if the tree's nodes are the same": the same names with the same parents. Else all reservations are
//     planned anew. A window made, edited or removed, for nobody or for some LocalQueues, the first or the last, leaves reservations as they
//     are; if then one cannot be kept, all are made anew.
//  69. "Refused by a reservation whose holder it might preempt if that ran": asked of everybody, also of one who fits without
//     victims: else who is entitled to a borrower's quota would wait for his reservation, but not if he had to evict for it.
//     It is judged as section 5 does, with the holder running now on what is reserved for him, for each flavor-resource alone. Of
//     those who may give way the last in the order of planning do first, and who is not in the way in the end does not. They give way
//     when the workload is admitted or holds, and are planned anew then, after those who move up: asked for one flavor-resource after another, each
//     once and with all of its amount, as they were first charged (pod sets, resource groups, covered resources), those gone who gave way before.
//  70. "victims count as gone at the end of their grace": an evicted workload is on the timeline no more from the decision on: its
//     grace is not known, the slack is for starts that are late, and the charge of the holder takes its place. With both on it
//     every preemption would break reservations that begin within the grace, and all would be made anew.
//  71. "planner.Run(holder, until now + its limit)": and the slack, with which it asks, from the decision on as long as it holds. Who
//     holds is not asked again about what is held for it, or it would lose its hold when victims leave late.
//  72. "Refused otherwise: that flavor is NoFit": asked for each resource with its own victims, and in the end for all with the
//     victims found for all together; if that is refused the whole verdict is NoFit.
//  73. "A window for named LocalQueues is charged at the leaf less what their workloads use of it": at every instant of the window,
//     what these are planned to use at that instant, running, holding or reserved. Whose they are is their LocalQueue now, also of what runs. One of them that ends before the window
//     begins lessens nothing, or others would start on what is kept. Whoever of them asks there does not see what the window still
//     keeps, neither in whether it fits nor in whether it borrows, also where the window cannot be kept. What two windows keep for
//     the same LocalQueue is given by the first by name.
//  74. "Each tree in which some ClusterQueue's backfill is not None has one plan.Planner": and one in which there is a window that
//     is not over, or nothing would keep it. Who would run into it is refused, no reservations are held.
//  75. "a share": in thousandths of each nominal quota at the node and below it, rounded up, but of none that is unlimited. A window conflicts while, at some instant
//     of it, with what runs and all windows a node on its way up is over its limit by more than without it; heads' holds apart.
//
// Reading of amendment A8, "A holder keeps to what it holds" (Options.HoldersKeep; the words are in docs/adr/0006, what it brings is measured
// by TestKeepersRest).
//
//  76. "That for which a preemptor holds" is the assignment of the plan that it last acted on, or that AssumeEvict names in PodSets; not
//     what a mere StrictFIFO head holds. It ends with the hold, and is passed over, while the hold stays, as long as
//     edits make it one that the workload could not get (a flavor not listed any more, or not open to it) or that
//     would ask for other amounts than are held. "Fits in any other way" is that the search comes to Fit. "Fits" is on usage plus others' holds, "once
//     the evicted are gone" on planning usage; "Preempt is possible only if" is not asked (28), nor the timeline (71). If not even
//     that holds, which takes an edit, a found admission or an eviction that failed, the search decides, and what it plans is held
//     instead; a verdict without victims changes nothing (40), NoFit ends the hold.
//
// Reading of amendment A9, which is proposed (Options.FirstBlind BlindHolders; the words are in docs/adr/0006, measured by TestBlind).
//
//  77. "Does not see": others' holds count neither in "fits" nor in "fits once the evicted are gone" of what is held for the preemptor
//     itself (76), nor in its level; its search for anything else sees all holds. A head is not asked what it holds: its whole
//     verdict, and what it may hold, do not see other heads' holds behind it. Whoever first holds is looked at again at once:
//     he may fit now. "Behind" is by priority, queue time and UID, also between queues.
//
// Reading of moves, for section 4 and decision record 0005.
//
//  78. A pending workload that comes to another ClusterQueue, because its LocalQueue is pointed there or its queueName is changed, is
//     untried there, as if it had just arrived: it is neither parked nor held back, and has no last verdict, reason, hold or clock of a
//     hold. So it is not in blocked(q) at the first plan() after, which releases its reservation wherever that is, also if it has come
//     back in the meantime; whoever stands before it in the new queue is looked at and planned first. Its place in the
//     order (priority, queue time, UID) is as before. A ClusterQueue that itself moves to another Cohort takes the last verdicts along.
//
// Further readings of decision record 0005; the first is of "a reservation released, or whose holder started".
//
//  79. An admission releases the reservation in any case, also of one who asks for nothing in the flavors assigned, of whom the
//     planner is told nothing. That takes something off the timeline, so that plan() follows, and another takes his place among the depth.
//  80. "If somebody who held a reservation has none now": one who held it when planner.Plan was called, and for whom that was to plan
//     again. It is repeated once only: nothing can break the second. Since he stands among the others then, in order, his place goes to one
//     who stands before him, and had to wait for his reservation; not to one behind.
//  81. "All of L(q) give up their places if planner.Plan could give any of these w a place": any of those to whom one of L(q) would yield, each
//     asked alone, from now on (not only after those of its class), with all of its alternatives, as if all else that is held could be
//     kept; also one who is not among the first depth, or stands behind some of L(q). "Beside all reservations that stand before this plan()":
//     also beside those that end with it, since their holders are not blocked any more, and those of other queues that give up theirs
//     in it, so that the next plan() may find a place where this one found none. When all is planned once more (80) this is asked once more, beside
//     what is reserved then.
//  82. "Or was Fit and whose reservation has given way to who acted since": until the next verdict, its own or that of the equal one with which
//     it is parked, whatever becomes meanwhile of the reservation that is made for it instead. It keeps no place by this: until it holds
//     one again it stands among those of its queue who hold none, in order. In a StrictFIFO queue, too, nothing more is asked (58): it fitted and was not held
//     back. Nor does the mark do anything for whose verdict was another: he is blocked by that, or is not.
//
// Readings of the amendments A10 and A11, which are decided (the words are in docs/adr/0006, what they bring is measured by TestRingsRest).
//
//  83. A10, "without fair sharing, too": whom it forbids while nobody else is taken is no candidate (30), and with him falls what hangs on
//     there being one elsewhere or outside X. It is asked again when he is to be taken, those taken so far gone, when somebody is given back (51),
//     and in the final check, all others gone. Plan B begins anew.
//  84. A11, "by a preemptor whose ClusterQueue ends beyond nominal": the within-nominal condition of plan B does not hold of the plan that is decided, for at
//     least one requested flavor-resource, on planning usage, victims gone, the request included; whichever plan found it, and so under fair sharing, too, whatever
//     "stays within nominal" (35) says of it before removals. AssumeEvict is judged on the state that it finds.
//  85. A11, "at most once each": the memory, what clears it, and that EvictFailed takes back what its eviction has put in, are those of 53; an eviction for one
//     reason spares nobody from another. Without fair sharing, who would be evicted for such a reason again needs the
//     within-nominal condition: plan A omits him, plan B takes him; his rank and reason stay, he counts as a candidate (30), and whether plan B
//     is tried does not hang on it. So where plan A alone is tried, he is spared even if it would end within nominal (in 1 of 2,500 worlds
//     somebody waits for that at rest). Under fair sharing he is no candidate, unless that condition holds before anybody is
//     taken: in every requested flavor-resource, not only in the short ones (35). What is reclaimed by right,
//     with reason InCohortReclamation, never counts and is never forbidden.
package oracle
