package observer

import (
	"fmt"
	"strings"
)

// Judge holds a recording against the rules and against what the load says it
// submitted. It is strict: what cannot be proved from the recording fails.
func Judge(rules *Rules, rec *Recording, manifest *Manifest) *Verdict {
	d := &docket{verdict: &Verdict{Records: len(rec.Records), Violations: []Violation{}, Split: []Window{}}, counts: map[string]int{}}
	h := NewHistory(rules, rec)
	judgeSources(d, rec, manifest)
	judgeJobs(d, h, manifest)
	judgeStrangers(d, h, manifest)
	judgeQuota(d, h)
	if rules.Split != nil {
		judgeSplit(d, h)
	}
	judgeExpectations(d, h, manifest)
	judgeGangs(d, h, manifest)
	judgeReclaims(d, h, manifest)
	figures(d.verdict, h, manifest)
	return d.close()
}

func judgeSources(d *docket, rec *Recording, manifest *Manifest) {
	d.open(checkRecording)
	d.detail(checkRecording, "%d sights of Jobs and Pods in %.1f s", len(rec.Records), rec.Length.Seconds())
	for _, fault := range rec.Faults {
		d.violate(checkRecording, rec.Length, "", "%s", fault)
	}
	d.open(checkManifest)
	d.detail(checkManifest, "%d Jobs submitted", len(manifest.Jobs))
	for _, fault := range manifest.Faults {
		d.violate(checkManifest, rec.Length, "", "%s", fault)
	}
	seen := map[string]bool{}
	for _, job := range manifest.Jobs {
		if seen[job.UID] {
			d.violate(checkManifest, 0, "Job "+job.Namespace+"/"+job.Name, "the manifest lists it twice")
		}
		seen[job.UID] = true
	}
	if len(manifest.Jobs) == 0 {
		d.violate(checkManifest, 0, "", "the manifest lists no Jobs: there is nothing to judge")
	}
}

// judgeJobs follows every submitted Job: it must have been complete exactly
// once, must have started at most once, unless it is one that may be stopped,
// and must not have gone round its queue.
func judgeJobs(d *docket, h *History, manifest *Manifest) {
	d.open(checkComplete)
	d.open(checkTwice)
	d.open(checkQueued)
	complete, again := 0, 0
	for _, submitted := range manifest.Jobs {
		object := "Job " + submitted.Namespace + "/" + submitted.Name
		job := h.Job(submitted.UID)
		if job == nil || !job.Seen {
			d.violate(checkComplete, h.Length, object, "it was submitted and accepted but never seen on the server")
			continue
		}
		if judgeEnd(d, h, job) {
			complete++
		}
		judgeStarts(d, job, h.Rules.mayStop(submitted))
		again += min(len(job.Stops), 1)
	}
	d.detail(checkComplete, "%d of %d", complete, len(manifest.Jobs))
	d.detail(checkTwice, "one start and one pod for each of %d", len(manifest.Jobs)-again)
	if again > 0 {
		d.detail(checkTwice, "one start and one pod for each of %d; the other %d were stopped and are judged below", len(manifest.Jobs)-again, again)
	}
	d.detail(checkQueued, "all were created suspended")
}

// judgeEnd says whether a Job is complete, once.
func judgeEnd(d *docket, h *History, job *JobStory) bool {
	switch {
	case job.Outcome == "Failed":
		d.violate(checkComplete, job.Finishes[len(job.Finishes)-1].At, job.Object(), "it failed")
	case job.Deleted.Happened() && job.Outcome == "":
		d.violate(checkComplete, job.Deleted.At, job.Object(), "it was deleted before it was complete")
	case job.Outcome == "" && job.active():
		d.violate(checkComplete, h.Length, job.Object(), "it was still running when the recording ended")
	case job.Outcome == "":
		d.violate(checkComplete, h.Length, job.Object(), "it was still waiting when the recording ended: it was lost")
	case len(job.Finishes) > 1:
		d.violate(checkComplete, job.Finishes[1].At, job.Object(), "it finished %d times", len(job.Finishes))
	case len(job.Starts) == 0:
		d.violate(checkComplete, job.Finishes[0].At, job.Object(), "it is complete but was never unsuspended")
	case !ranToSuccess(job):
		d.violate(checkComplete, job.Finishes[0].At, job.Object(), "it is complete but no pod of it was seen to succeed")
	default:
		return true
	}
	return false
}

func ranToSuccess(job *JobStory) bool {
	succeeded := 0
	for _, pod := range job.Pods {
		if pod.Outcome == "Succeeded" {
			succeeded++
		}
	}
	return succeeded >= int(job.pods)
}

// judgeStarts looks at how a Job came to run. One that may be stopped has one
// start and one set of pods more for each stop.
func judgeStarts(d *docket, job *JobStory, mayStop bool) {
	stops := 0
	if mayStop {
		stops = len(job.Stops)
	}
	if len(job.Starts) > 1+stops {
		d.violate(checkTwice, job.Starts[1].At, job.Object(), "it was unsuspended %d times", len(job.Starts))
	}
	if len(job.Stops) > stops {
		d.violate(checkTwice, job.Stops[0].At, job.Object(), "it was suspended again after it had started")
	}
	if may := int(job.pods) * (1 + stops); len(job.Pods) > may {
		var names []string
		for _, pod := range job.Pods {
			names = append(names, pod.Name)
		}
		d.violate(checkTwice, job.Pods[may].Created.At, job.Object(), "it needs %d pods and had %d: %s",
			may, len(job.Pods), strings.Join(names, ", "))
	}
	if job.BornRunning {
		d.violate(checkQueued, job.Created.At, job.Object(), "it was not suspended at its creation")
	}
	for _, pod := range job.Pods {
		if len(job.Starts) == 0 || pod.Created.RV < job.Starts[0].RV {
			d.violate(checkQueued, pod.Created.At, job.Object(), "its pod %s was there before it was unsuspended", pod.Name)
		}
	}
}

// judgeStrangers looks for work in the groups' namespaces that the load does
// not know of.
func judgeStrangers(d *docket, h *History, manifest *Manifest) {
	d.open(checkStranger)
	known := map[string]bool{}
	for _, job := range manifest.Jobs {
		known[job.UID] = true
	}
	for _, job := range h.Jobs {
		if !known[job.UID] {
			d.violate(checkStranger, job.Created.At, job.Object(), "the manifest does not list it")
		}
	}
	d.detail(checkStranger, "%d Jobs seen", len(h.Jobs))
}

// judgeQuota looks at every instant. A violation is reported once, when it
// begins.
func judgeQuota(d *docket, h *History) {
	d.open(checkQuota)
	total := h.Rules.Total()
	over := make([]bool, len(h.Rules.Groups)+1)
	for _, step := range h.Steps {
		var sum Milli
		for i, load := range step.Loads {
			sum += load.Held
			limit := h.Rules.Limit(i)
			if load.Held > limit && !over[i] {
				d.violate(checkQuota, step.At, h.Rules.Groups[i].Name,
					"it holds %s cores; nominal quota and borrowing limit allow %s", load.Held, limit)
			}
			over[i] = load.Held > limit
		}
		if sum > total && !over[len(over)-1] {
			d.violate(checkQuota, step.At, h.Rules.Cohort, "its groups hold %s cores together; its quota is %s", sum, total)
		}
		over[len(over)-1] = sum > total
	}
	d.detail(checkQuota, "%d changes looked at; the cohort has %s cores", len(h.Steps), total)
}

func judgeExpectations(d *docket, h *History, manifest *Manifest) {
	for _, want := range h.Rules.Expect {
		d.open(want.Text)
		most, at := h.mostAtOnce(manifest, want.Act, want.Group)
		d.detail(want.Text, "at most %s cores of act %s ran at once (%.1f s)", most, want.Act, at.Seconds())
		if most < want.Running {
			d.violate(want.Text, at, fmt.Sprintf("act %s", want.Act), "%s cores were to run at one instant, at most %s did",
				want.Running, most)
		}
	}
}
