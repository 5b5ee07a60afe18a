package observer

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const gangText = "the gang starts whole"

func gangRules() *Rules {
	rules := demoRules()
	rules.Split, rules.Expect = nil, nil
	rules.Gangs = []Gang{{Text: gangText, Act: "6", Group: "usatlas", Pods: 50, Backlogged: "osg", Backlog: 60}}
	return rules
}

// simulateGang has osg fill the cluster with 160 Jobs, and usatlas bring a Job
// of 50 pods.
func simulateGang(choose func(*cluster) int) ([]Record, *Manifest) {
	c := &cluster{choose: choose, rv: 1000, pods: 1}
	c.at(0, func() { c.submit("5", 1, 160, 6*time.Second, 10*time.Second) })
	c.at(3*time.Second, func() {
		c.pods = 50
		c.submit("6", 0, 1, 4*time.Second, 4*time.Second)
	})
	c.play()
	return c.records, &c.manifest
}

// keep keeps what comes free for the gang.
func keep(c *cluster) int {
	free := 100 - c.held[0] - c.held[1]
	switch {
	case len(c.waiting[0]) > 0 && free >= 50:
		return 0
	case len(c.waiting[0]) > 0 || len(c.waiting[1]) == 0 || free == 0:
		return -1
	}
	return 1
}

// pass lets osg's small Jobs pass the gang as long as there are any.
func pass(c *cluster) int {
	free := 100 - c.held[0] - c.held[1]
	switch {
	case len(c.waiting[1]) > 0 && free > 0:
		return 1
	case len(c.waiting[0]) > 0 && free >= 50:
		return 0
	}
	return -1
}

const gangUID = "uid-usatlas-a6-000"

func TestGang(t *testing.T) {
	honest, manifest := simulateGang(keep)
	passed, _ := simulateGang(pass)
	for name, tt := range map[string]struct {
		records []Record
		doctor  func([]Record) []Record
		rules   func(*Gang)
		says    string // empty: it holds
	}{
		"kept for":                   {records: honest},
		"overtaken until none waits": {records: passed, says: "were all gone"},
		"started with a part": {records: honest, says: "started with 30 pods at once; whole it has 50", doctor: each(func(r *Record) {
			if r.Job != nil && !r.Job.Suspend {
				r.Job.Parallelism = 30
			}
		})},
		"its pods one after another": {records: honest, says: "49 of its pods ran at one instant at most", doctor: each(func(r *Record) {
			if r.Pod != nil && r.Pod.Name == "usatlas-a6-000-7" && r.Pod.Phase == "Running" {
				r.Pod.Phase = "Pending"
			}
		})},
		"smaller from the beginning": {records: honest, says: "it has 49 pods", doctor: each(func(r *Record) {
			if r.Job != nil {
				r.Job.Completions = 49
			}
		})},
		"never started": {records: honest, says: "it never started", doctor: func(r []Record) []Record {
			return slices.DeleteFunc(r, func(one Record) bool {
				return one.Pod != nil && one.Pod.Job == gangUID || one.Job != nil && one.Job.UID == gangUID && !one.Job.Suspend
			})
		}},
		"never seen": {records: honest, says: "there must be one Job", doctor: func(r []Record) []Record {
			return slices.DeleteFunc(r, func(one Record) bool {
				return one.Pod != nil && one.Pod.Job == gangUID || one.Job != nil && one.Job.UID == gangUID
			})
		}},
		"came upon too few":      {records: honest, says: "60 Jobs of osg waited; 61 were to", rules: func(g *Gang) { g.Backlog = 61 }},
		"of an act without Jobs": {records: honest, says: "there must be one Job", rules: func(g *Gang) { g.Act = "7" }},
		"of an act with many":    {records: honest, says: "there must be one Job", rules: func(g *Gang) { g.Act, g.Group = "5", "osg" }},
	} {
		t.Run(name, func(t *testing.T) {
			records := cloneRecords(tt.records)
			if tt.doctor != nil {
				records = tt.doctor(records)
			}
			rules := gangRules()
			if tt.rules != nil {
				tt.rules(&rules.Gangs[0])
			}
			v := judgeLines(t, rules, lines(t, records), manifest)
			broken := slices.Contains(failed(v), gangText)
			if broken != (tt.says != "") {
				t.Fatalf("the gang is found broken: %t; %+v", broken, v.Violations)
			}
			if tt.says != "" && !slices.ContainsFunc(v.Violations, func(one Violation) bool {
				return one.Check == gangText && strings.Contains(one.Detail, tt.says)
			}) {
				t.Errorf("no violation says %q: %+v", tt.says, v.Violations)
			}
			if tt.doctor == nil && tt.says == "" && !v.Pass {
				t.Errorf("an honest run fails: %+v", v.Violations)
			}
		})
	}
}

// each lets a doctor change each sight of the gang.
func each(change func(*Record)) func([]Record) []Record {
	return func(records []Record) []Record {
		for i := range records {
			r := &records[i]
			if r.Job != nil && r.Job.UID == gangUID || r.Pod != nil && r.Pod.Job == gangUID {
				change(r)
			}
		}
		return records
	}
}
