package observer

import (
	"math"
	"time"
)

// Window is a time in which every group had Jobs waiting, after those above
// their fair share had ended enough Jobs to give back what they held above it.
type Window struct {
	// Backlogged is when every group began to have Jobs waiting; From and To
	// bound the judged time. Seconds.
	Backlogged float64 `json:"backlogged"`
	From       float64 `json:"from"`
	To         float64 `json:"to"`
	// Converged is when the split first was within tolerance. Seconds; 0 if never.
	Converged float64       `json:"converged"`
	Fill      float64       `json:"fill"` // part of all quota that was held
	Groups    []WindowGroup `json:"groups"`
}

// WindowGroup is one group's part of a window.
type WindowGroup struct {
	Name string `json:"name"`
	// Due is the fair share in cores; Held and Running are averages over time.
	Due     float64 `json:"due"`
	Held    float64 `json:"held"`
	Running float64 `json:"running"`
	// HeldError and RunningError are relative: 0.01 is one per cent more than
	// the part of all cores in use that is due.
	HeldError    float64 `json:"heldError"`
	RunningError float64 `json:"runningError"`
}

// judgeSplit demands at least one window, and in each window that every
// group's part of the cores in use is its part of the fair shares.
func judgeSplit(d *docket, h *History) {
	d.open(checkSplit)
	rule := h.Rules.Split
	windows := h.windows()
	for _, w := range windows {
		from := seconds(w.From)
		for _, g := range w.Groups {
			if !(math.Abs(g.HeldError) <= rule.Tolerance) {
				d.violate(checkSplit, from, g.Name, "from %.1f to %.1f s it held %.1f cores on average; its fair share is %.1f (%+.1f %%)",
					w.From, w.To, g.Held, g.Due, 100*g.HeldError)
			}
			if !(math.Abs(g.RunningError) <= rule.RunningTolerance) {
				d.violate(checkSplit, from, g.Name, "from %.1f to %.1f s pods of %.1f cores ran on average; its fair share is %.1f (%+.1f %%)",
					w.From, w.To, g.Running, g.Due, 100*g.RunningError)
			}
		}
		if w.Fill < rule.MinimumFill {
			d.violate(checkSplit, from, h.Rules.Cohort, "from %.1f to %.1f s only %.0f %% of the quota was held although Jobs waited",
				w.From, w.To, 100*w.Fill)
		}
	}
	d.verdict.Split = append(d.verdict.Split, windows...)
	if len(windows) == 0 {
		d.violate(checkSplit, h.Length, h.Rules.Cohort,
			"all groups had Jobs waiting never long enough after the split could settle: %.0f s are needed to judge it",
			time.Duration(rule.Minimum).Seconds())
		return
	}
	w := windows[0]
	var worstHeld, worstRunning float64
	for _, g := range w.Groups {
		worstHeld, worstRunning = max(worstHeld, math.Abs(g.HeldError)), max(worstRunning, math.Abs(g.RunningError))
	}
	d.detail(checkSplit, "in %.1f s: cores held %.1f %% off at most (%.0f %% allowed), running pods %.1f %% (%.0f %%)",
		w.To-w.From, 100*worstHeld, 100*rule.Tolerance, 100*worstRunning, 100*rule.RunningTolerance)
}

// windows finds the times worth judging. Where a window begins depends on how
// many Jobs ended, not on who got their cores: a split that never moves is
// judged, and found wrong.
func (h *History) windows() []Window {
	var found []Window
	for i := 0; i < len(h.Steps); i++ {
		if !backlogged(h.Steps[i]) {
			continue
		}
		end := i
		for end < len(h.Steps) && backlogged(h.Steps[end]) {
			end++
		}
		to := h.until(end - 1)
		if from, ok := h.turned(i, end); ok {
			from += time.Duration(h.Rules.Split.Settle)
			if to-from >= time.Duration(h.Rules.Split.Minimum) {
				found = append(found, h.measure(h.Steps[i].At, from, to))
			}
		}
		i = end
	}
	return found
}

func backlogged(step Step) bool {
	for _, load := range step.Loads {
		if load.PendingJobs == 0 {
			return false
		}
	}
	return len(step.Loads) > 1
}

// dueBacklogged is the fair share of each group in cores when all want all.
func (h *History) dueBacklogged() []float64 {
	demand := make([]Milli, len(h.Rules.Groups))
	for i := range demand {
		demand[i] = h.Rules.Total()
	}
	due := make([]float64, len(demand))
	for i, d := range h.Rules.FairShare(demand) {
		due[i] = cores(d)
	}
	return due
}

// turned tells when, in steps i to end, each group that held more than its
// share at step i has ended Jobs of at least the excess.
func (h *History) turned(i, end int) (time.Duration, bool) {
	due := h.dueBacklogged()
	first := h.Steps[i]
	for _, step := range h.Steps[i:end] {
		all := true
		for g, load := range step.Loads {
			excess := first.Loads[g].Held.Cores() - due[g]
			if (load.Freed - first.Loads[g].Freed).Cores() < excess {
				all = false
			}
		}
		if all {
			return step.At, true
		}
	}
	return 0, false
}

// measure averages a window.
func (h *History) measure(backlog, from, to time.Duration) Window {
	due := h.dueBacklogged()
	w := Window{Backlogged: backlog.Seconds(), From: from.Seconds(), To: to.Seconds()}
	length := (to - from).Seconds()
	var dueSum, heldSum, runningSum float64
	for g := range h.Rules.Groups {
		held := h.Integral(from, to, func(s Step) float64 { return s.Loads[g].Held.Cores() }) / length
		running := h.Integral(from, to, func(s Step) float64 { return s.Loads[g].Running.Cores() }) / length
		w.Groups = append(w.Groups, WindowGroup{Name: h.Rules.Groups[g].Name, Due: due[g], Held: held, Running: running})
		dueSum, heldSum, runningSum = dueSum+due[g], heldSum+held, runningSum+running
	}
	for g := range w.Groups {
		group := &w.Groups[g]
		group.HeldError = relative(group.Held/heldSum, group.Due/dueSum)
		group.RunningError = relative(group.Running/runningSum, group.Due/dueSum)
	}
	w.Fill = heldSum / h.Rules.Total().Cores()
	w.Converged = h.converged(backlog, to, due)
	return w
}

// converged tells when every group first held its share within the tolerance.
func (h *History) converged(from, to time.Duration, due []float64) float64 {
	for _, step := range h.Steps {
		if step.At < from || step.At > to {
			continue
		}
		near := true
		for g, load := range step.Loads {
			near = near && math.Abs(relative(load.Held.Cores(), due[g])) <= h.Rules.Split.Tolerance
		}
		if near {
			return step.At.Seconds()
		}
	}
	return 0
}

// relative is how far is is from should be, as a part of it. A group that is
// due nothing must have nothing; nobody running at all is wrong in any case.
func relative(is, should float64) float64 {
	switch {
	case math.IsNaN(is):
		return -1
	case should == 0 && is == 0:
		return 0
	case should == 0:
		return 1
	}
	return is/should - 1
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
