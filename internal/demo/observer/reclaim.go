package observer

import (
	"slices"
	"time"
)

// judgeReclaims looks at each reclaim of the rules, on the server's order of
// writes:
//
//	borrower holds all -> owner's Jobs come -> stops, each needed -> owner holds its quota -> victims run again
//
// A stop is needed if at that instant the owner's waiting Jobs request more
// than is idle and what Jobs stopped before are still giving back.
func judgeReclaims(d *docket, h *History, manifest *Manifest) {
	for _, rule := range h.Rules.Reclaims {
		d.open(rule.Text)
		owner, borrower := h.Rules.index(rule.Group), h.Rules.index(rule.Borrower)
		nominal := h.Rules.Groups[owner].Nominal
		came, asked := h.arrival(rule, manifest)
		if !came.Happened() {
			d.violate(rule.Text, h.Length, "act "+rule.Act, "there must be Jobs of %s in it, and they must have been seen", rule.Group)
			continue
		}
		before := h.loadsBefore(came.RV)
		borrowed := before[borrower].Held - h.Rules.Groups[borrower].Nominal
		if idle := h.idle(before); idle > 0 || before[owner].Held > 0 || borrowed <= 0 {
			d.violate(rule.Text, came.At, rule.Borrower, "when %s came it held %s cores and %s were idle; it was to hold all", rule.Group, before[borrower].Held, idle)
		}
		if asked != nominal {
			d.violate(rule.Text, came.At, rule.Group, "its Jobs of act %s request %s cores; they were to request its nominal quota, %s", rule.Act, asked, nominal)
		}
		stopped, last := judgeStops(d, h, rule, manifest, came)
		reached, late := h.reaches(owner, nominal, came)
		switch {
		case !reached.Happened():
			d.violate(rule.Text, h.Length, rule.Group, "it never held its nominal quota, %s cores", nominal)
			continue
		case late > time.Duration(rule.Within):
			d.violate(rule.Text, reached.At, rule.Group, "it held its %s cores %.1f s after its first Job came; %.0f s were allowed",
				nominal, late.Seconds(), time.Duration(rule.Within).Seconds())
		}
		d.detail(rule.Text, "%s held its %s cores %.1f s after its first Job came (%.0f s allowed); Jobs of %s cores were stopped, %s had borrowed %s, and the last of them ended %.1f s later",
			rule.Group, nominal, late.Seconds(), time.Duration(rule.Within).Seconds(), stopped, rule.Borrower, borrowed, (last - reached.At).Seconds())
	}
}

// judgeStops holds every stop of the Jobs that may be stopped against what was
// needed. It returns the cores that were stopped in all and when the last of
// these Jobs ended.
func judgeStops(d *docket, h *History, rule Reclaim, manifest *Manifest, came Moment) (stopped Milli, last time.Duration) {
	owner := h.Rules.index(rule.Group)
	for _, submitted := range manifest.Jobs {
		job := h.Job(submitted.UID)
		if job == nil || !rule.mayStop(h.Rules, submitted) {
			continue
		}
		for _, stop := range job.Stops {
			stopped += job.asked
			if stop.RV < came.RV {
				d.violate(rule.Text, stop.At, job.Object(), "it was stopped before %s came", rule.Group)
				continue
			}
			loads := h.loadsBefore(stop.RV)
			needed := loads[owner].Waiting - h.idle(loads)
			for _, load := range loads {
				needed -= load.Leaving
			}
			if needed < job.asked {
				d.violate(rule.Text, stop.At, job.Object(), "it was stopped when Jobs of %s needed %s cores more than were idle or being given back; it holds %s",
					rule.Group, max(needed, 0), job.asked)
			}
		}
		if n := len(job.Finishes); n > 0 && len(job.Stops) > 0 {
			last = max(last, job.Finishes[n-1].At)
		}
		if len(job.Stops) > 0 && job.Outcome != "Complete" {
			d.violate(rule.Text, h.Length, job.Object(), "it was stopped %.1f s after the beginning and never completed", job.Stops[0].At.Seconds())
		}
	}
	return stopped, last
}

// arrival tells when the first Job of a reclaiming group came and what all of
// them request.
func (h *History) arrival(rule Reclaim, manifest *Manifest) (came Moment, asked Milli) {
	for _, submitted := range manifest.Jobs {
		job := h.Job(submitted.UID)
		if submitted.Act != rule.Act || job == nil || !job.Seen || h.Rules.Groups[job.Group].Name != rule.Group {
			continue
		}
		asked += job.asked
		if !came.Happened() || job.Created.RV < came.RV {
			came = job.Created
		}
	}
	return came, asked
}

// reaches tells when a group first held so much, counted from a moment on, and
// how long after that moment it was.
func (h *History) reaches(group int, cores Milli, from Moment) (Moment, time.Duration) {
	for _, step := range h.Steps {
		if step.RV >= from.RV && step.Loads[group].Held >= cores {
			return step.Moment, step.At - from.At
		}
	}
	return Moment{}, 0
}

// loadsBefore is what the groups did just before a resource version.
func (h *History) loadsBefore(rv int64) []Load {
	i, _ := slices.BinarySearchFunc(h.Steps, rv, func(step Step, rv int64) int {
		if step.RV < rv {
			return -1
		}
		return 1
	})
	if i == 0 {
		return make([]Load, len(h.Rules.Groups))
	}
	return h.Steps[i-1].Loads
}

// idle is the quota that nobody holds.
func (h *History) idle(loads []Load) Milli {
	idle := h.Rules.Total()
	for _, load := range loads {
		idle -= load.Held
	}
	return idle
}

// mayStop says whether some reclaim allows a Job to be stopped.
func (r *Rules) mayStop(submitted Submitted) bool {
	return slices.ContainsFunc(r.Reclaims, func(c Reclaim) bool { return c.mayStop(r, submitted) })
}

// mayStop says whether this reclaim allows a Job to be stopped.
func (c Reclaim) mayStop(r *Rules, submitted Submitted) bool {
	return submitted.Act == c.BorrowerAct && r.GroupOf(submitted.Namespace) == r.index(c.Borrower)
}

// index finds a group by name, -1 if there is none.
func (r *Rules) index(group string) int {
	return slices.IndexFunc(r.Groups, func(g Group) bool { return g.Name == group })
}
