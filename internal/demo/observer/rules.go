package observer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// Rules is all that the observer knows of what should happen: who may use how
// many cores, and what the run is expected to show.
type Rules struct {
	Cohort string `json:"cohort"`
	// Shared is quota that belongs to the cohort itself.
	Shared Milli   `json:"shared,omitempty"`
	Groups []Group `json:"groups"`
	// Split, if set, demands that backlogged groups come to their fair share.
	Split  *SplitRule    `json:"split,omitempty"`
	Expect []Expectation `json:"expect,omitempty"`
	// Gangs must have been started whole.
	Gangs []Gang `json:"gangs,omitempty"`
	// Reclaims are the only times at which Jobs may be stopped.
	Reclaims []Reclaim `json:"reclaims,omitempty"`
}

// Group is one owner of quota and the namespaces whose Jobs count as its own.
type Group struct {
	Name       string   `json:"name"`
	Namespaces []string `json:"namespaces"`
	Nominal    Milli    `json:"nominal"`
	// BorrowingLimit bounds what it may use above Nominal; nil: all that is idle.
	BorrowingLimit *Milli `json:"borrowingLimit,omitempty"`
	// Weight divides its share; 1 is the usual weight. Thousandths, as cores are.
	Weight Milli `json:"weight"`
}

// SplitRule says how closely the split must follow the fair share, and when.
type SplitRule struct {
	// Tolerance is for the cores that a group holds, relative to its share:
	// 0.05 is 5 %. RunningTolerance is for the cores of its running pods, which
	// depend on the cluster's own controllers too: how soon they clear away
	// ended pods and start new ones.
	Tolerance        float64 `json:"tolerance"`
	RunningTolerance float64 `json:"runningTolerance"`
	// MinimumFill is the part of all quota that must be in use meanwhile.
	MinimumFill float64 `json:"minimumFill"`
	// Settle is left out of the judgement after the groups above their share
	// have ended enough Jobs to give back what they held above it. Seconds.
	Settle Seconds `json:"settleSeconds"`
	// Minimum is the shortest time worth judging; a run without it fails. Seconds.
	Minimum Seconds `json:"minimumSeconds"`
}

// Expectation is something that the run must have shown at one instant.
type Expectation struct {
	Text string `json:"text"`
	Act  string `json:"act"`
	// Group restricts it to Jobs of one group; empty means all.
	Group string `json:"group,omitempty"`
	// Running is how many cores of the act's Jobs must have run at one instant.
	Running Milli `json:"running"`
}

// Gang is one Job of many pods that must run all at once, and start while
// another group's Jobs that had come before it still wait: nobody may overtake
// it for ever, nobody is killed for it.
type Gang struct {
	Text string `json:"text"`
	// Act and Group find the Job; it must be the only one.
	Act   string `json:"act"`
	Group string `json:"group"`
	// Pods is how many it must have.
	Pods int32 `json:"pods"`
	// Backlogged is the other group, Backlog how many of its Jobs must wait when
	// the gang comes. At least one of these must wait still when it starts.
	Backlogged string `json:"backlogged"`
	Backlog    int    `json:"backlog"`
}

// Reclaim is a group that takes its nominal quota back from another one that
// has borrowed it: Jobs of the borrower are stopped, never more than are needed
// at that instant, and run again later.
type Reclaim struct {
	Text string `json:"text"`
	// Act and Group find the Jobs that want the group's nominal quota back.
	Act   string `json:"act"`
	Group string `json:"group"`
	// Borrower is the group, BorrowerAct the act of the Jobs that may be stopped.
	Borrower    string `json:"borrower"`
	BorrowerAct string `json:"borrowerAct"`
	// Within is how long after its first Job came the group must hold its
	// nominal quota. Seconds.
	Within Seconds `json:"withinSeconds"`
}

// Seconds is a duration written as a number of seconds.
type Seconds time.Duration

// MarshalJSON writes a number of seconds.
func (s Seconds) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).Seconds()) }

// UnmarshalJSON reads a number of seconds.
func (s *Seconds) UnmarshalJSON(data []byte) error {
	var number float64
	if err := json.Unmarshal(data, &number); err != nil {
		return fmt.Errorf("reading a number of seconds from %s: %w", data, err)
	}
	*s = Seconds(number * float64(time.Second))
	return nil
}

// LoadRules reads and checks a rules file.
func LoadRules(path string) (*Rules, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the rules: %w", err)
	}
	var rules Rules
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&rules); err != nil {
		return nil, fmt.Errorf("reading the rules in %s: %w", path, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the rules in %s: there is more than one document", path)
	}
	if err := rules.Validate(); err != nil {
		return nil, fmt.Errorf("the rules in %s: %w", path, err)
	}
	return &rules, nil
}

// Validate says what is wrong with the rules, nil if nothing.
func (r *Rules) Validate() error {
	if len(r.Groups) == 0 {
		return errors.New("no groups; name at least one")
	}
	var names, namespaces []string
	for _, g := range r.Groups {
		if g.Name == "" || slices.Contains(names, g.Name) {
			return fmt.Errorf("group name %q is empty or used twice", g.Name)
		}
		names = append(names, g.Name)
		if g.Nominal < 0 || g.Weight < 0 || (g.BorrowingLimit != nil && *g.BorrowingLimit < 0) {
			return fmt.Errorf("group %s: negative numbers make no sense", g.Name)
		}
		for _, ns := range g.Namespaces {
			if slices.Contains(namespaces, ns) {
				return fmt.Errorf("namespace %s is given to two groups", ns)
			}
			namespaces = append(namespaces, ns)
		}
	}
	for _, e := range r.Expect {
		if e.Group != "" && !slices.Contains(names, e.Group) {
			return fmt.Errorf("expectation %q names an unknown group %s", e.Text, e.Group)
		}
		if e.Running <= 0 {
			return fmt.Errorf("expectation %q must say how many cores are to run", e.Text)
		}
	}
	for _, g := range r.Gangs {
		if !slices.Contains(names, g.Group) || !slices.Contains(names, g.Backlogged) {
			return fmt.Errorf("gang %q names an unknown group: %s or %s", g.Text, g.Group, g.Backlogged)
		}
		if g.Pods < 2 || g.Backlog < 1 {
			return fmt.Errorf("gang %q must have at least 2 pods and come upon a backlog of at least 1 Job", g.Text)
		}
	}
	for _, c := range r.Reclaims {
		if !slices.Contains(names, c.Group) || !slices.Contains(names, c.Borrower) || c.Group == c.Borrower {
			return fmt.Errorf("reclaim %q must name two groups of these rules, not %s and %s", c.Text, c.Group, c.Borrower)
		}
		if c.Within <= 0 {
			return fmt.Errorf("reclaim %q: withinSeconds must be above 0", c.Text)
		}
	}
	if s := r.Split; s != nil && (s.Tolerance <= 0 || s.RunningTolerance <= 0 || s.Minimum <= 0) {
		return errors.New("split: the tolerances and minimumSeconds must be above 0")
	}
	return nil
}

// Total is all quota of the cohort.
func (r *Rules) Total() Milli {
	total := r.Shared
	for _, g := range r.Groups {
		total += g.Nominal
	}
	return total
}

// Limit is the most that group i may ever use.
func (r *Rules) Limit(i int) Milli {
	g := r.Groups[i]
	if g.BorrowingLimit == nil {
		return r.Total()
	}
	return min(r.Total(), g.Nominal+*g.BorrowingLimit)
}

// GroupOf tells the index of the group that owns a namespace, -1 if none does.
func (r *Rules) GroupOf(namespace string) int {
	return slices.IndexFunc(r.Groups, func(g Group) bool { return slices.Contains(g.Namespaces, namespace) })
}
