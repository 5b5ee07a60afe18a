package oracle

import (
	"fmt"
	"math/bits"
	"sort"
)

// MostCandidates is how many candidates the brute force of a Problem looks at: 4,096 sets of victims.
const MostCandidates = 12

// Problem is the search for victims that a pending workload poses in the present state, judged by brute force. It is
// a snapshot of the question, not of the World: use it before the next event.
type Problem struct {
	p          *problem
	candidates []*victim
	within     bool // under fair sharing: the preemptor stays within nominal
}

// Candidate is one who may be a victim by policy.
type Candidate struct {
	Victim
	// Nominal says that he may be taken only if the preemptor's queue ends within nominal: plan B.
	Nominal bool
}

// Problem poses the search for victims for a workload that asks for the request in the queue where it waits. Short is
// whatever of the request does not fit now, others' holds counted. Nil if there is no such workload or ClusterQueue.
func (s *World) Problem(uid UID, request map[FlavorResource]int64) *Problem {
	w := s.workloads[uid]
	if w == nil {
		return nil
	}
	for f := range request {
		s.fr(f)
	}
	q := s.trees().byName[s.nodeOf(w)]
	if q == nil || q.queue == nil || q.broken {
		return nil
	}
	var uses []use
	short, u := map[int]bool{}, s.usageWithHolds(uid)
	for i, f := range s.frs {
		if amount := request[f]; amount > 0 {
			uses = append(uses, use{i, amount})
			if !q.fits(u, i, amount) {
				short[i] = true
			}
		}
	}
	p := s.problem(q, w, uses, short)
	if s.fairSharing {
		within := p.staysWithin()
		return &Problem{p, p.fairCandidates(within), within}
	}
	return &Problem{p: p, candidates: p.candidates()}
}

// Request is what the verdict of a pending workload asks for now; nil if it is NoFit or the workload stands in no queue.
func (s *World) Request(uid UID) map[FlavorResource]int64 {
	w := s.workloads[uid]
	if w == nil || w.state != pending || s.barred(w) != "" {
		return nil
	}
	v := s.verdict(s.trees().byName[s.nodeOf(w)], w, s.usageWithHolds(uid))
	if v.kind == NoFit {
		return nil
	}
	request := map[FlavorResource]int64{}
	for _, r := range v.request {
		request[s.frs[r.f]] = r.amount
	}
	return request
}

// Candidates lists in victim order who may be a victim.
func (p *Problem) Candidates() []Candidate {
	var all []Candidate
	for _, v := range p.candidates {
		all = append(all, Candidate{Victim{v.w.seen.UID, v.q.Name, v.reason}, v.nominal})
	}
	return all
}

// Short lists the flavor-resources that are short.
func (p *Problem) Short() []FlavorResource {
	var all []FlavorResource
	for i, f := range p.p.s.frs {
		if p.p.short[i] {
			all = append(all, f)
		}
	}
	return all
}

// Feasible says whether the request fits once the victims are gone. Who is no candidate does not go.
func (p *Problem) Feasible(victims []UID) bool { return p.p.fits(p.pick(victims)) }

func (p *Problem) pick(uids []UID) []*victim {
	var all []*victim
	for _, v := range p.candidates {
		for _, uid := range uids {
			if v.w.seen.UID == uid {
				all = append(all, v)
				break
			}
		}
	}
	return all
}

// Illegal lists what is wrong with taking the victims, apart from feasibility: a victim who is no candidate, or
// whose taking rule does not hold with all other victims gone and itself present, or whose taking requires that the
// preemptor's queue ends within nominal, which it does not. Empty: legal.
func (p *Problem) Illegal(victims []UID) []string {
	var wrong []string
	picked := p.pick(victims)
	for _, uid := range victims {
		if len(p.pick([]UID{uid})) == 0 {
			wrong = append(wrong, fmt.Sprintf("%s is no candidate", uid))
		}
	}
	if len(picked) < len(victims) && len(wrong) == 0 {
		wrong = append(wrong, "a victim is named twice")
	}
	return append(wrong, p.illegal(picked)...)
}

func (p *Problem) illegal(victims []*victim) []string {
	var wrong []string
	second := map[*node]int{} // victims that only the second strategy allows
	for _, v := range victims {
		others := except(victims, v)
		switch {
		case !p.p.s.fairSharing:
			if !p.p.exceedsInTaken(v, others) {
				wrong = append(wrong, fmt.Sprintf("%s: a node of ClusterQueue %s's path is within its quota", v.w.seen.UID, v.q.Name))
			}
			if v.nominal && p.PlanBExcluded() {
				wrong = append(wrong, fmt.Sprintf("%s: plan B is not tried here", v.w.seen.UID))
			}
			if v.nominal && !p.p.within(victims) {
				wrong = append(wrong, fmt.Sprintf("%s: the preemptor's queue does not end within nominal", v.w.seen.UID))
			}
		case v.q == p.p.q:
		default:
			switch p.allowed(v, others) {
			case 1:
				second[v.q]++
			case -1:
				wrong = append(wrong, fmt.Sprintf("%s: ClusterQueue %s need not yield to the preemptor", v.w.seen.UID, v.q.Name))
			}
		}
	}
	for q, n := range second {
		if n > 1 {
			wrong = append(wrong, fmt.Sprintf("%d victims of ClusterQueue %s by the second strategy", n, q.Name))
		}
	}
	sort.Strings(wrong)
	return wrong
}

// PlanBExcluded says that plan A alone is tried, so that victims who need the preemptor's queue to end within nominal may
// not be taken. Not under fair sharing.
func (p *Problem) PlanBExcluded() bool {
	return !p.p.s.fairSharing && len(p.p.plans(p.candidates)) == 1
}

// allowed is the index of the first fair sharing strategy that allows to take the victim, -1 if none does.
func (p *Problem) allowed(v *victim, others []*victim) int {
	strategies := p.p.s.strategies
	if p.within {
		strategies = []FairStrategy{""}
	}
	for i, strategy := range strategies {
		if v.rule = strategy; p.p.fairRule(v, others) {
			return i
		}
	}
	return -1
}

// Minimal says whether no proper part of the victims is a feasible and legal plan too.
func (p *Problem) Minimal(victims []UID) bool {
	picked := p.pick(victims)
	for mask := range 1<<len(picked) - 1 {
		if part := part(picked, mask); p.p.fits(part) && len(p.illegal(part)) == 0 {
			return false
		}
	}
	return true
}

func part(victims []*victim, mask int) []*victim {
	var some []*victim
	for i, v := range victims {
		if mask&(1<<i) != 0 {
			some = append(some, v)
		}
	}
	return some
}

// BruteForce finds a smallest feasible and legal plan among all sets of candidates, of which there may be at most
// MostCandidates. A plan without victims means that those in flight suffice.
func (p *Problem) BruteForce() (victims []UID, found bool) {
	if len(p.candidates) > MostCandidates {
		panic(fmt.Sprintf("oracle: %d candidates are too many for brute force", len(p.candidates)))
	}
	best := -1
	for mask := range 1 << len(p.candidates) {
		if best >= 0 && bits.OnesCount(uint(mask)) >= bits.OnesCount(uint(best)) {
			continue
		}
		if some := part(p.candidates, mask); p.p.fits(some) && len(p.illegal(some)) == 0 {
			best = mask
		}
	}
	if best < 0 {
		return nil, false
	}
	for _, v := range part(p.candidates, best) {
		victims = append(victims, v.w.seen.UID)
	}
	return victims, true
}

// Procedure finds victims as semantics section 5 says, in the order taken.
func (p *Problem) Procedure() (victims []Victim, found bool) {
	plan, found := p.p.solve()
	for _, v := range plan {
		victims = append(victims, Victim{v.w.seen.UID, v.q.Name, v.reason})
	}
	return victims, found
}

// smaller names the exception if the plan is the procedure's, and not minimal for the reason of one.
func (p *Problem) smaller(victims []UID) Exception {
	plan, found := p.p.solve()
	if !found || len(plan) != len(victims) {
		return ""
	}
	for _, v := range p.pick(victims) {
		if !contains(plan, v) {
			return ""
		}
	}
	switch {
	case p.p.s.fairSharing && p.minimalByRules(plan):
		return OtherRuleSmaller
	case !p.p.s.fairSharing && len(p.p.plans(p.candidates)) == 2:
		return OtherPlanSmaller
	}
	return ""
}

// minimalByRules says whether, each victim being judged by the strategy that took him, no proper part of the plan is
// feasible and legal.
func (p *Problem) minimalByRules(plan []*victim) bool {
	for mask := range 1<<len(plan) - 1 {
		some := part(plan, mask)
		legal := p.p.fits(some)
		for _, v := range some {
			legal = legal && p.p.fairRule(v, except(some, v))
		}
		if legal {
			return false
		}
	}
	return true
}

// CheckEvict judges one preemption against the state before it and lists what is wrong: who preempts does not wait, or fits
// as it is; a victim is no candidate (policy, priority, minimum runtime, evicted already, uses nothing that is
// short), carries the wrong reason, or may not be taken on the final state; the plan is not feasible, or not minimal (see smaller).
// The Hold of e is taken for the request.
func (s *World) CheckEvict(e Evict) []string {
	var wrong []string
	say := func(format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("preemptor %s in ClusterQueue %s: ", e.Preemptor, e.Queue)+fmt.Sprintf(format, args...))
	}
	w := s.workloads[e.Preemptor]
	p := s.Problem(e.Preemptor, e.Hold)
	if p == nil || w.state != pending || s.nodeOf(w).Name != e.Queue || s.barred(w) != "" {
		say("does not wait there")
		return wrong
	}
	if len(p.p.short) == 0 {
		say("fits without victims")
	}
	var uids []UID
	for _, v := range e.Victims {
		uids = append(uids, v.UID)
		if h := s.workloads[v.UID]; h != nil && s.protectedUntil(h) > s.now {
			say("%s is within its minimum runtime", v.UID)
		}
		for _, c := range p.Candidates() {
			if c.UID == v.UID && c.Victim != v {
				say("%s has reason %s in ClusterQueue %s instead of %s in %s", v.UID, v.Reason, v.Queue, c.Reason, c.Queue)
			}
		}
	}
	if !p.Feasible(uids) {
		say("does not fit once the victims %v are gone", uids)
	}
	for _, problem := range p.Illegal(uids) {
		say("%s", problem)
	}
	if len(uids) <= MostCandidates && !p.Minimal(uids) && p.smaller(uids) == "" {
		say("not all of %v are needed", uids)
	}
	return wrong
}

// IllegalPlans lists what Options.Judge found wrong with the preemptions that Decide decided.
func (s *World) IllegalPlans() []string { return s.illegal }
