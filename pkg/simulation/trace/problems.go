package trace

import "fmt"

// ProblemKind is a kind of fault of an input.
type ProblemKind string

// The kinds of faults. Jobs out of order are put where they belong, all others
// are left out.
const (
	BrokenLine   ProblemKind = "broken line"
	NegativeTime ProblemKind = "negative time"
	NoProcessors ProblemKind = "no processors"
	UnknownRun   ProblemKind = "run time unknown"
	TooLarge     ProblemKind = "too large to be counted"

	OutOfOrder ProblemKind = "out of order"
	NeverFits  ProblemKind = "never fits"
)

// Kinds lists them in the order in which they are reported.
var Kinds = []ProblemKind{BrokenLine, NegativeTime, NoProcessors, UnknownRun, TooLarge, OutOfOrder, NeverFits}

// LeftOut says whether a job with this fault is not simulated.
func (k ProblemKind) LeftOut() bool { return k != OutOfOrder }

// Problem is one fault of an input.
type Problem struct {
	Kind   ProblemKind `json:"kind"`
	Line   int32       `json:"line"`
	Detail string      `json:"detail"`
}

func (p Problem) String() string { return fmt.Sprintf("line %d: %s: %s", p.Line, p.Kind, p.Detail) }

// keptProblems is how many of each kind are kept with their line.
const keptProblems = 100

// Problems counts faults by kind and keeps the first of each.
type Problems struct {
	Counts map[ProblemKind]int
	List   []Problem
}

// Note counts a fault; the first of each kind are kept.
func (p *Problems) Note(kind ProblemKind, line int32, detail string) {
	if p.Counts == nil {
		p.Counts = map[ProblemKind]int{}
	}
	p.Counts[kind]++
	if p.Counts[kind] <= keptProblems {
		p.List = append(p.List, Problem{Kind: kind, Line: line, Detail: detail})
	}
}

// Total is how many faults there were.
func (p *Problems) Total() int {
	sum := 0
	for _, kind := range Kinds {
		sum += p.Counts[kind]
	}
	return sum
}

// LeftOut is how many jobs are not simulated.
func (p *Problems) LeftOut() int {
	sum := 0
	for _, kind := range Kinds {
		if kind.LeftOut() {
			sum += p.Counts[kind]
		}
	}
	return sum
}
