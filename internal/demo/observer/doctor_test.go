package observer

import "slices"

// victim is the Job that most doctors treat; it waits in act 2.
const victim = "uid-osg-a2-120"

// without drops the sights of the victim for which drop says so.
func without(records []Record, drop func(Record) bool) []Record {
	return slices.DeleteFunc(records, drop)
}

func ofVictim(r Record) bool {
	return (r.Job != nil && r.Job.UID == victim) || (r.Pod != nil && r.Pod.Job == victim)
}

func loseWaiting(r []Record, _ *Manifest) []Record {
	return without(r, func(one Record) bool { return ofVictim(one) && (one.Pod != nil || one.Job.Change != Added) })
}

func neverSeen(r []Record, _ *Manifest) []Record { return without(r, ofVictim) }

func neverEnds(r []Record, _ *Manifest) []Record {
	return without(r, func(one Record) bool {
		return ofVictim(one) && (one.Job != nil && one.Job.Finished != "" || one.Pod != nil && one.Pod.Phase == "Succeeded")
	})
}

func deleteWaiting(r []Record, m *Manifest) []Record {
	return edit(loseWaiting(r, m), func(one *Record, after *[]Record) {
		again := *one.Job
		again.Change = Deleted
		*after = append(*after, Record{At: one.At, Kind: KindJob, Job: &again})
	})
}

func failJob(r []Record, _ *Manifest) []Record {
	return edit(r, func(one *Record, _ *[]Record) {
		if one.Job != nil && one.Job.Finished != "" {
			one.Job.Finished = "Failed"
		}
	})
}

func noPod(r []Record, _ *Manifest) []Record {
	return without(r, func(one Record) bool { return ofVictim(one) && one.Pod != nil })
}

func secondPod(r []Record, _ *Manifest) []Record {
	return edit(r, func(one *Record, after *[]Record) {
		if one.Pod != nil && one.Pod.Phase == "Succeeded" {
			again := *one.Pod
			again.UID, again.Name, again.Change = "pod-2", "again", Added
			*after = append(*after, Record{At: one.At, Kind: KindPod, Pod: &again})
		}
	})
}

// toggle flips suspend after the start and, if back, flips it once more.
func toggle(r []Record, back bool) []Record {
	return edit(r, func(one *Record, after *[]Record) {
		if one.Job == nil || one.Job.Suspend || one.Job.Finished != "" {
			return
		}
		off, on := *one.Job, *one.Job
		off.Suspend = true
		*after = append(*after, Record{At: one.At, Kind: KindJob, Job: &off})
		if back {
			*after = append(*after, Record{At: one.At, Kind: KindJob, Job: &on})
		}
	})
}

func startTwice(r []Record, _ *Manifest) []Record { return toggle(r, true) }
func stopOnce(r []Record, _ *Manifest) []Record   { return toggle(r, false) }

func bornRunning(r []Record, _ *Manifest) []Record {
	return edit(r, func(one *Record, _ *[]Record) {
		if one.Job != nil {
			one.Job.Suspend = false
		}
	})
}

func earlyPod(r []Record, _ *Manifest) []Record {
	return edit(r, func(one *Record, after *[]Record) {
		if one.Job != nil && one.Job.Change == Added {
			*after = append(*after, Record{At: one.At, Kind: KindPod, Pod: &PodSeen{
				Change: Added, UID: "early", Name: "early", Namespace: "osg", Job: victim, CPU: Core, Phase: "Pending"}})
		}
	})
}

func stranger(r []Record, m *Manifest) []Record {
	m.Jobs = slices.DeleteFunc(m.Jobs, func(s Submitted) bool { return s.UID == victim })
	return r
}

func strayPod(r []Record, _ *Manifest) []Record {
	return edit(r, func(one *Record, _ *[]Record) {
		if one.Pod != nil {
			one.Pod.Job = ""
		}
	})
}

func fatJob(r []Record, _ *Manifest) []Record {
	return edit(r, func(one *Record, _ *[]Record) {
		if one.Job != nil {
			one.Job.CPU = 51 * Core
		}
		if one.Pod != nil {
			one.Pod.CPU = 51 * Core
		}
	})
}

// edit lets a doctor change each sight of the victim and add sights after it,
// and numbers the resource versions anew.
func edit(records []Record, change func(one *Record, after *[]Record)) []Record {
	var out []Record
	for _, one := range records {
		var after []Record
		if ofVictim(one) {
			change(&one, &after)
		}
		out = append(append(out, one), after...)
	}
	for i := range out {
		if out[i].Job != nil {
			out[i].Job.ResourceVersion = int64(i + 1)
		} else {
			out[i].Pod.ResourceVersion = int64(i + 1)
		}
	}
	return out
}
