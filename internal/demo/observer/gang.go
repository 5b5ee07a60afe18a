package observer

import (
	"cmp"
	"slices"
	"time"
)

// judgeGangs looks for each gang of the rules: it came upon a backlog, waited,
// started whole before the backlog was gone, and all its pods ran at once.
func judgeGangs(d *docket, h *History, manifest *Manifest) {
	for _, gang := range h.Rules.Gangs {
		d.open(gang.Text)
		job := h.only(gang, manifest)
		if job == nil {
			d.violate(gang.Text, h.Length, "act "+gang.Act, "there must be one Job of %s in it, and it must have been seen", gang.Group)
			continue
		}
		if job.pods != gang.Pods {
			d.violate(gang.Text, job.Created.At, job.Object(), "it has %d pods; %d were to be judged", job.pods, gang.Pods)
		}
		before := h.waitingAt(gang.Backlogged, job.Created.RV)
		if len(before) < gang.Backlog {
			d.violate(gang.Text, job.Created.At, job.Object(), "when it came %d Jobs of %s waited; %d were to wait", len(before), gang.Backlogged, gang.Backlog)
		}
		if len(job.Starts) == 0 {
			d.violate(gang.Text, h.Length, job.Object(), "it never started")
			continue
		}
		start := job.Starts[0]
		if job.startedWith != gang.Pods {
			d.violate(gang.Text, start.At, job.Object(), "it was started with %d pods at once; whole it has %d", job.startedWith, gang.Pods)
		}
		left := 0
		for _, other := range h.waitingAt(gang.Backlogged, start.RV) {
			if slices.Contains(before, other) {
				left++
			}
		}
		if left == 0 {
			d.violate(gang.Text, start.At, job.Object(), "it started when the %d Jobs of %s that waited before it were all gone", len(before), gang.Backlogged)
		}
		most, at := job.mostAtOnce()
		if most < int(gang.Pods) {
			d.violate(gang.Text, at, job.Object(), "%d of its pods ran at one instant at most; all %d were to", most, gang.Pods)
		}
		d.detail(gang.Text, "it came when %d Jobs of %s waited, and started with %d pods %.1f s later, when %d of these still waited; %d pods ran at once",
			len(before), gang.Backlogged, job.startedWith, (start.At - job.Created.At).Seconds(), left, most)
	}
}

// only finds the one Job of a gang's act and group, nil if there is none or
// more than one, or it was not seen.
func (h *History) only(gang Gang, manifest *Manifest) *JobStory {
	var found *JobStory
	for _, submitted := range manifest.Jobs {
		g := h.Rules.GroupOf(submitted.Namespace)
		if submitted.Act != gang.Act || g < 0 || h.Rules.Groups[g].Name != gang.Group {
			continue
		}
		job := h.Job(submitted.UID)
		if found != nil || job == nil || !job.Seen {
			return nil
		}
		found = job
	}
	return found
}

// waitingAt lists the Jobs of a group that were there at a resource version and
// had not been started yet.
func (h *History) waitingAt(group string, rv int64) []*JobStory {
	var waiting []*JobStory
	for _, job := range h.Jobs {
		if h.Rules.Groups[job.Group].Name != group || !job.Seen || job.Created.RV > rv || job.BornRunning {
			continue
		}
		if (len(job.Starts) == 0 || job.Starts[0].RV > rv) && (!job.Deleted.Happened() || job.Deleted.RV > rv) {
			waiting = append(waiting, job)
		}
	}
	return waiting
}

// mostAtOnce tells how many pods of a Job ran at one instant at most, and when.
func (s *JobStory) mostAtOnce() (int, time.Duration) {
	type edge struct {
		Moment
		change int
	}
	var edges []edge
	for _, pod := range s.Pods {
		if !pod.Started.Happened() {
			continue
		}
		edges = append(edges, edge{pod.Started, 1})
		if pod.Finished.Happened() {
			edges = append(edges, edge{pod.Finished, -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.RV, b.RV) })
	now, most, at := 0, 0, time.Duration(0)
	for _, e := range edges {
		if now += e.change; now > most {
			most, at = now, e.At
		}
	}
	return most, at
}
