package observer

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// figures fills in what is worth knowing besides the verdict.
func figures(v *Verdict, h *History, manifest *Manifest) {
	from, to := h.Busy()
	v.Seconds = (to - from).Seconds()
	submitted := make([]int, len(h.Rules.Groups))
	for _, job := range manifest.Jobs {
		if g := h.Rules.GroupOf(job.Namespace); g >= 0 {
			submitted[g]++
		}
	}
	var all float64
	for g, group := range h.Rules.Groups {
		one := GroupFigures{Name: group.Name, Submitted: submitted[g], Limit: h.Rules.Limit(g)}
		for _, step := range h.Steps {
			one.PeakHeld = max(one.PeakHeld, step.Loads[g].Held)
			one.PeakRunning = max(one.PeakRunning, step.Loads[g].Running)
		}
		one.CoreSeconds = h.Integral(0, h.Length, func(s Step) float64 { return s.Loads[g].Running.Cores() })
		all += one.CoreSeconds
		for _, job := range h.Jobs {
			if job.Group == g && job.Outcome == "Complete" {
				one.Complete++
			}
		}
		one.Wait, one.Start = spread(h.Waits(g)), spread(h.startLatencies(g))
		v.Groups = append(v.Groups, one)
	}
	if v.Seconds > 0 {
		v.Utilisation = all / (h.Rules.Total().Cores() * v.Seconds)
	}
}

// Waits tells how long each Job of a group was queued, in seconds, ascending:
// from its creation to its first start.
func (h *History) Waits(group int) []float64 {
	var waits []float64
	for _, job := range h.Jobs {
		if job.Group == group && job.Born && len(job.Starts) > 0 {
			waits = append(waits, (job.Starts[0].At - job.Created.At).Seconds())
		}
	}
	slices.Sort(waits)
	return waits
}

// startLatencies tells how long after the start its first pod ran, in seconds.
func (h *History) startLatencies(group int) []float64 {
	var late []float64
	for _, job := range h.Jobs {
		if job.Group != group || len(job.Starts) == 0 || len(job.Pods) == 0 || !job.Pods[0].Started.Happened() {
			continue
		}
		if len(job.Stops) > 0 && job.Pods[0].Created.RV > job.Stops[0].RV {
			continue // stopped before it had a pod
		}
		late = append(late, (job.Pods[0].Started.At - job.Starts[0].At).Seconds())
	}
	slices.Sort(late)
	return late
}

// spread sums up sorted numbers. Percentiles are nearest-rank.
func spread(sorted []float64) Spread {
	if len(sorted) == 0 {
		return Spread{}
	}
	rank := func(p float64) float64 { return sorted[max(0, int(math.Ceil(p*float64(len(sorted))))-1)] }
	return Spread{Median: rank(0.5), P95: rank(0.95), Max: sorted[len(sorted)-1]}
}

// mostAtOnce tells how many cores of an act's Jobs ran at one instant at most,
// and when. An empty group means all groups.
func (h *History) mostAtOnce(manifest *Manifest, act, group string) (Milli, time.Duration) {
	type edge struct {
		Moment
		change Milli
	}
	var edges []edge
	for _, submitted := range manifest.Jobs {
		job := h.Job(submitted.UID)
		if job == nil || submitted.Act != act || (group != "" && h.Rules.Groups[job.Group].Name != group) {
			continue
		}
		for _, pod := range job.Pods {
			if !pod.Started.Happened() {
				continue
			}
			edges = append(edges, edge{pod.Started, pod.CPU})
			if pod.Finished.Happened() {
				edges = append(edges, edge{pod.Finished, -pod.CPU})
			}
		}
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.RV, b.RV) })
	var now, most Milli
	var at time.Duration
	for _, e := range edges {
		if now += e.change; now > most {
			most, at = now, e.At
		}
	}
	return most, at
}
