package observer

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

const reclaimText = "usatlas gets its quota back"

func reclaimRules() *Rules {
	rules := demoRules()
	rules.Split, rules.Expect = nil, nil
	rules.Reclaims = []Reclaim{{Text: reclaimText, Act: "8", Group: "usatlas", Borrower: "osg", BorrowerAct: "7", Within: Seconds(10 * time.Second)}}
	return rules
}

// simulateReclaim has osg hold all cores, and usatlas come for its 60 when the
// Jobs of an earlier act of osg are over.
func simulateReclaim(preempt func(*cluster)) ([]Record, *Manifest) {
	c := &cluster{choose: owner, preempt: preempt, rv: 1000, pods: 1}
	c.at(0, func() { c.submit("2", 1, 30, time.Second, 2*time.Second) })
	c.at(4*time.Second, func() { c.submit("7", 1, 100, 20*time.Second, 22*time.Second) })
	c.at(7*time.Second, c.admit)
	c.at(8*time.Second, func() { c.submit("8", 0, 60, 7*time.Second, 8*time.Second) })
	c.play()
	return c.records, &c.manifest
}

// owner starts usatlas' Jobs before osg's.
func owner(c *cluster) int {
	for g := range c.waiting {
		if len(c.waiting[g]) > 0 && c.held[0]+c.held[1] < 100 {
			return g
		}
	}
	return -1
}

// reclaim stops the Jobs of osg that started last, as many as usatlas lacks
// and more more.
func reclaim(takes time.Duration, more int) func(*cluster) {
	begun := false
	return func(c *cluster) {
		lacks := len(c.waiting[0]) - (100 - c.held[0] - c.held[1]) - c.leaving
		if lacks > 0 && !begun {
			lacks, begun = lacks+more, true
		}
		for ; lacks > 0; lacks-- {
			for _, job := range slices.Backward(c.running) {
				if job.group == 1 {
					c.stop(job, takes)
					break
				}
			}
		}
	}
}

// late stops nobody until some time has passed.
func late(until time.Duration) func(*cluster) {
	soon, planned := reclaim(40*time.Millisecond, 0), false
	return func(c *cluster) {
		switch {
		case c.now >= until:
			soon(c)
		case !planned && len(c.waiting[0]) == 60:
			planned = true
			c.at(until, c.admit)
		}
	}
}

// early stops a Job of osg before usatlas has come.
func early() func(*cluster) {
	rest, done := reclaim(40*time.Millisecond, 0), false
	return func(c *cluster) {
		if !done && len(c.running) == 100 {
			done = true
			c.stop(c.running[99], 40*time.Millisecond)
		}
		rest(c)
	}
}

// ownJob stops a Job of usatlas too, once.
func ownJob() func(*cluster) {
	rest, done := reclaim(40*time.Millisecond, 0), false
	return func(c *cluster) {
		if c.held[0] == 60 && !done {
			for _, job := range c.running {
				if job.group == 0 {
					done = true
					c.stop(job, 40*time.Millisecond)
					break
				}
			}
		}
		rest(c)
	}
}

// otherAct stops a Job of act 2 as well.
func otherAct() func(*cluster) {
	rest, done := reclaim(40*time.Millisecond, 0), false
	return func(c *cluster) {
		if !done && len(c.running) == 30 {
			done = true
			c.stop(c.running[29], 40*time.Millisecond)
		}
		rest(c)
	}
}

func TestReclaim(t *testing.T) {
	for name, tt := range map[string]struct {
		preempt func(*cluster)
		doctor  func([]Record) []Record
		rules   func(*Reclaim)
		want    string // the check that fails; empty: it holds
		says    string
	}{
		"as it should be":          {preempt: reclaim(40*time.Millisecond, 0)},
		"pods that take a while":   {preempt: reclaim(3*time.Second, 0)},
		"too slow":                 {preempt: late(19 * time.Second), want: reclaimText, says: "10 s were allowed"},
		"slow pods":                {preempt: reclaim(11*time.Second, 0), want: reclaimText, says: "10 s were allowed"},
		"nobody stopped":           {preempt: nil, want: reclaimText, says: "10 s were allowed"},
		"one victim too many":      {preempt: reclaim(40*time.Millisecond, 1), want: reclaimText, says: "needed 0 cores more"},
		"everybody stopped":        {preempt: reclaim(40*time.Millisecond, 40), want: reclaimText, says: "needed 0 cores more"},
		"stopped before they came": {preempt: early(), want: reclaimText, says: "before usatlas came"},
		"a Job of usatlas stopped": {preempt: ownJob(), want: checkTwice, says: "suspended again"},
		"a victim in another act":  {preempt: otherAct(), want: checkTwice, says: "suspended again"},
		"a victim never restarted": {preempt: reclaim(40*time.Millisecond, 0), want: checkComplete, says: "it was lost", doctor: neverAgain},
		"a victim never finishes":  {preempt: reclaim(40*time.Millisecond, 0), want: reclaimText, says: "never completed", doctor: unfinished},
		"started before they left": {preempt: reclaim(40*time.Millisecond, 0), want: checkQuota, says: "its quota is 100", doctor: lingering},
		"two pods for one start":   {preempt: reclaim(40*time.Millisecond, 0), want: checkTwice, says: "needs 2 pods and had 3", doctor: thirdPod},
		"osg held too little":      {preempt: reclaim(40*time.Millisecond, 0), want: reclaimText, says: "it was to hold all", doctor: withoutJob("uid-osg-a7-000")},
		"usatlas asks for less":    {preempt: reclaim(40*time.Millisecond, 0), want: reclaimText, says: "request 59 cores", doctor: withoutJob("uid-usatlas-a8-000")},
		"an act without Jobs":      {preempt: reclaim(40*time.Millisecond, 0), want: reclaimText, says: "there must be Jobs", rules: func(r *Reclaim) { r.Act = "9" }},
		"Jobs of another act":      {preempt: reclaim(40*time.Millisecond, 0), want: checkTwice, says: "suspended again", rules: func(r *Reclaim) { r.BorrowerAct = "2" }},
	} {
		t.Run(name, func(t *testing.T) {
			records, manifest := simulateReclaim(tt.preempt)
			if tt.doctor != nil {
				records = tt.doctor(cloneRecords(records))
			}
			rules := reclaimRules()
			if tt.rules != nil {
				tt.rules(&rules.Reclaims[0])
			}
			v := judgeLines(t, rules, lines(t, records), manifest)
			if tt.want == "" {
				if !v.Pass {
					t.Fatalf("an honest run fails: %+v", v.Violations)
				}
				if osg := v.Groups[1]; osg.Complete != 130 || osg.Start.Max > 0.2 {
					t.Errorf("figures of osg: %+v", osg)
				}
				return
			}
			if !slices.Contains(failed(v), tt.want) || !slices.ContainsFunc(v.Violations, func(one Violation) bool {
				return one.Check == tt.want && strings.Contains(one.Detail, tt.says)
			}) {
				t.Errorf("failed %q; want %q to say %q: %+v", failed(v), tt.want, tt.says, v.Violations)
			}
		})
	}
}

// firstVictim is the Job that was stopped first.
func firstVictim(records []Record) string {
	running := map[string]bool{}
	for _, r := range records {
		if r.Job == nil {
			continue
		}
		if r.Job.Suspend && running[r.Job.UID] {
			return r.Job.UID
		}
		running[r.Job.UID] = !r.Job.Suspend
	}
	return ""
}

func isOf(r Record, uid string) bool {
	return r.Job != nil && r.Job.UID == uid || r.Pod != nil && r.Pod.Job == uid
}

// neverAgain drops all that the first victim did from its second start on.
func neverAgain(records []Record) []Record {
	uid, starts, ran := firstVictim(records), 0, false
	return slices.DeleteFunc(records, func(r Record) bool {
		if r.Job != nil && r.Job.UID == uid {
			if !r.Job.Suspend && !ran {
				starts++
			}
			ran = !r.Job.Suspend
		}
		return isOf(r, uid) && starts == 2
	})
}

// unfinished drops the news that the first victim is complete.
func unfinished(records []Record) []Record {
	uid := firstVictim(records)
	return slices.DeleteFunc(records, func(r Record) bool { return r.Job != nil && r.Job.UID == uid && r.Job.Finished != "" })
}

// lingering drops the news that the first victim's first pod has gone.
func lingering(records []Record) []Record {
	uid := firstVictim(records)
	return slices.DeleteFunc(records, func(r Record) bool { return r.Pod != nil && r.Pod.Job == uid && r.Pod.Change == Deleted })
}

// thirdPod gives the first victim a pod more when it ends.
func thirdPod(records []Record) []Record {
	uid := firstVictim(records)
	for i, r := range records {
		if r.Pod != nil && r.Pod.Job == uid && r.Pod.Phase == "Succeeded" {
			more := *r.Pod
			more.UID = "third"
			more.ResourceVersion = version(records[len(records)-1]) + 1
			return slices.Insert(records, i+1, Record{At: r.At, Kind: KindPod, Pod: &more})
		}
	}
	return records
}

// withoutJob takes every sight of a Job away.
func withoutJob(uid string) func([]Record) []Record {
	return func(records []Record) []Record {
		return slices.DeleteFunc(records, func(r Record) bool { return isOf(r, uid) })
	}
}

// What a victim held is counted as given back once, when it ends; one that was
// stopped before it had a pod has no start latency.
func TestFiguresOfVictims(t *testing.T) {
	records, manifest := simulateReclaim(reclaim(40*time.Millisecond, 0))
	uid := firstVictim(records)
	records = slices.DeleteFunc(records, func(r Record) bool {
		return r.Pod != nil && strings.HasPrefix(r.Pod.UID, "pod-0-") && r.Pod.Job == uid
	})
	rec, err := ReadRecording(bytes.NewReader(lines(t, records)))
	if err != nil {
		t.Fatal(err)
	}
	h := NewHistory(reclaimRules(), rec)
	if freed := h.Steps[len(h.Steps)-1].Loads[1].Freed; freed != 130*Core {
		t.Errorf("osg's Jobs gave %s cores back, want 130", freed)
	}
	if v := Judge(h.Rules, rec, manifest); !v.Pass || v.Groups[1].Start.Max > 0.2 {
		t.Errorf("start latencies %+v, violations %+v", v.Groups[1].Start, v.Violations)
	}
}
