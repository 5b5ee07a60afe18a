package oracle

// Exception names a case in which the procedure of semantics section 5 does not find a plan although brute force does, or
// finds one that is not inclusion-minimal. Below 1 % of random cases have one: see TestExceptions.
type Exception string

// The exceptions. Empty is none.
const (
	// PlanDropped: enough was taken, but in the end a victim might not be taken any more, because others of its queue or
	// Cohort, taken after it, have ended the excess (or share) by which it was taken, and the plan is dropped whole. The
	// text takes in a fixed order and never tries another.
	PlanDropped Exception = "PlanDropped"
	// ExcessUsedUp (without fair sharing): not enough was taken, since small victims, taken first, ended the excess of a
	// queue or Cohort, so that a larger victim of it, who alone would have been enough, was passed over.
	ExcessUsedUp Exception = "ExcessUsedUp"
	// RejectedEarly (fair sharing): not enough was taken. A victim is judged once by each strategy, in a fixed order, at most
	// one a queue by the second; shares that change later, or another choice in his queue, would have allowed more.
	RejectedEarly Exception = "RejectedEarly"
	// OtherPlanSmaller (without fair sharing): plan A was dropped, or plan B came first, and the plan found contains a part
	// that is legal and enough by the conditions of the other.
	OtherPlanSmaller Exception = "OtherPlanSmaller"
	// OtherRuleSmaller (fair sharing): the plan found contains a part that is legal and enough if a victim is judged by
	// the second strategy instead of by the first, which took him.
	OtherRuleSmaller Exception = "OtherRuleSmaller"
	// NotMinimal: the plan found is not minimal for any other reason. There is no such case.
	NotMinimal Exception = "NotMinimal"
)

// Exception compares the procedure with brute force; there may be at most MostCandidates candidates.
func (p *Problem) Exception() Exception {
	victims, found := p.p.solve()
	if found {
		var uids []UID
		for _, v := range victims {
			uids = append(uids, v.w.seen.UID)
		}
		if p.Minimal(uids) {
			return ""
		}
		if e := p.smaller(uids); e != "" {
			return e
		}
		return NotMinimal
	}
	if _, exists := p.BruteForce(); !exists {
		return ""
	}
	if p.p.s.fairSharing {
		return p.fairException()
	}
	for _, within := range p.p.plans(p.candidates) {
		if _, done := p.p.take(p.candidates, within); done {
			return PlanDropped
		}
	}
	return ExcessUsedUp
}

func (p *Problem) fairException() Exception {
	if _, done := p.p.takeFair(); !done {
		return RejectedEarly
	}
	return PlanDropped
}
