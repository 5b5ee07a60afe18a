package observer

import (
	"fmt"
	"time"
)

// Verdict is what the judge found.
type Verdict struct {
	Pass    bool    `json:"pass"`
	Summary string  `json:"summary"`
	Checks  []Check `json:"checks"`
	// Violations lists what was wrong, at most mostListed of each check.
	Violations []Violation    `json:"violations"`
	Groups     []GroupFigures `json:"groups"`
	Split      []Window       `json:"split"`
	// Seconds is the time from the first start to the last finish.
	Seconds float64 `json:"seconds"`
	// Utilisation is core-seconds of running pods / (all quota x Seconds).
	Utilisation float64 `json:"utilisation"`
	Records     int     `json:"records"`
}

// Check is one rule and whether it held.
type Check struct {
	Name   string `json:"name"`
	Pass   bool   `json:"pass"`
	Detail string `json:"detail"`
}

// Violation is one thing that was wrong, with the time since the recording
// began and the object's name.
type Violation struct {
	Check  string  `json:"check"`
	At     float64 `json:"at"` // seconds
	Object string  `json:"object,omitempty"`
	Detail string  `json:"detail"`
}

// GroupFigures are the figures of one group.
type GroupFigures struct {
	Name      string `json:"name"`
	Submitted int    `json:"submitted"`
	Complete  int    `json:"complete"`
	// Wait is from a Job's creation to its being unsuspended, Start from there
	// to its pod running. Seconds.
	Wait  Spread `json:"waitSeconds"`
	Start Spread `json:"startSeconds"`
	// PeakHeld and PeakRunning are the most it used at one instant.
	PeakHeld    Milli   `json:"peakHeld"`
	PeakRunning Milli   `json:"peakRunning"`
	Limit       Milli   `json:"limit"`
	CoreSeconds float64 `json:"coreSeconds"`
}

// Spread sums up a set of durations in seconds; zero if there were none.
type Spread struct {
	Median float64 `json:"median"`
	P95    float64 `json:"p95"`
	Max    float64 `json:"max"`
}

// The names of the checks.
const (
	checkRecording = "recording is whole"
	checkManifest  = "manifest is whole"
	checkComplete  = "every Job complete, once"
	checkTwice     = "no Job started twice"
	checkQueued    = "no Job went round its queue"
	checkStranger  = "nothing ran that was not submitted"
	checkQuota     = "no group over what the rules allow"
	checkSplit     = "split follows the fair share"
)

// mostListed bounds how many violations of one check are listed.
const mostListed = 20

// docket collects what is found while a verdict is made.
type docket struct {
	verdict *Verdict
	counts  map[string]int
}

// open adds a check that passes until a violation says otherwise.
func (d *docket) open(name string) {
	d.verdict.Checks = append(d.verdict.Checks, Check{Name: name, Pass: true})
}

// violate counts a violation against a check.
func (d *docket) violate(check string, at time.Duration, object, format string, args ...any) {
	d.counts[check]++
	if d.counts[check] <= mostListed {
		d.verdict.Violations = append(d.verdict.Violations,
			Violation{Check: check, At: at.Seconds(), Object: object, Detail: fmt.Sprintf(format, args...)})
	}
}

// detail says in words what a check looked at.
func (d *docket) detail(check, format string, args ...any) {
	for i := range d.verdict.Checks {
		if d.verdict.Checks[i].Name == check {
			d.verdict.Checks[i].Detail = fmt.Sprintf(format, args...)
		}
	}
}

// close turns counts into passes and writes the summary.
func (d *docket) close() *Verdict {
	v := d.verdict
	v.Pass = true
	failed := 0
	for i := range v.Checks {
		if n := d.counts[v.Checks[i].Name]; n > 0 {
			v.Checks[i].Pass, v.Pass = false, false
			v.Checks[i].Detail = fmt.Sprintf("%d violations; %s", n, v.Checks[i].Detail)
			failed++
		}
	}
	if v.Pass {
		v.Summary = fmt.Sprintf("PASS: all %d checks hold", len(v.Checks))
	} else {
		v.Summary = fmt.Sprintf("FAIL: %d of %d checks do not hold", failed, len(v.Checks))
	}
	return v
}
