package chaos

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/internal/oracle"
)

// story is a history in the making: one queue of 4 cores and one Job of 2.
type story struct {
	events   []event
	revision int64
	at       time.Time
}

func newStory() *story {
	s := &story{at: time.Unix(1000, 0)}
	s.config(oracle.SetFlavor{Flavor: oracle.Flavor{Name: "f"}})
	s.quota(4000)
	s.config(oracle.SetLocalQueue{LocalQueue: oracle.LocalQueue{Namespace: "n", Name: "l", ClusterQueue: "q"}})
	s.config(oracle.SetNamespace{Name: "n"})
	return s
}

func (s *story) add(e event) {
	s.revision++
	s.at = s.at.Add(time.Second)
	e.revision, e.at = s.revision, s.at
	s.events = append(s.events, e)
}

func (s *story) config(e oracle.Event) { s.add(event{config: e}) }

func (s *story) quota(cpu int64) {
	s.config(oracle.SetClusterQueue{ClusterQueue: oracle.ClusterQueue{Name: "q", NamespaceSelector: &oracle.Selector{},
		Groups: []oracle.ResourceGroup{{Covered: []string{"cpu"},
			Flavors: []oracle.FlavorQuotas{{Name: "f", Resources: map[string]oracle.Quota{"cpu": {Nominal: cpu}}}}}}}})
}

func (s *story) job(uid types.UID, suspended bool, active int32) {
	s.add(event{job: &seenJob{uid: uid, name: "n/" + string(uid), queue: "l", suspended: suspended, active: active}})
}

func (s *story) workload(uid types.UID, holds bool) {
	wl := &seenWorkload{name: "n/" + string(uid), owner: uid, admitted: holds, oracle: oracle.Workload{
		UID: oracle.UID("wl-" + uid), Namespace: "n", LocalQueue: "l", Active: true,
		PodSets: []oracle.PodSet{{Name: "main", Count: 2, Requests: map[string]int64{"cpu": 1000}}}}}
	if holds {
		wl.oracle.Admission = &oracle.Admission{ClusterQueue: "q", PodSets: []oracle.PodSetAssignment{{
			Name: "main", Count: 2, Flavors: map[string]string{"cpu": "f"}, Usage: map[string]int64{"cpu": 2000}}}}
	}
	s.add(event{workload: wl})
}

// run lets a Job of 2 cores start as it should.
func (s *story) run(uid types.UID) {
	s.job(uid, true, 0)
	s.workload(uid, false)
	s.workload(uid, true)
	s.job(uid, false, 2)
}

// TestTheJudgeSeesWhatMustNotBe shows the judge histories with one thing wrong.
func TestTheJudgeSeesWhatMustNotBe(t *testing.T) {
	for name, c := range map[string]struct {
		tell func(*story)
		want string // part of the one fault, empty for none
	}{
		"all is well": {func(s *story) { s.run("a"); s.run("b") }, ""},
		"stopped, released and started again": {func(s *story) {
			s.run("a")
			s.job("a", true, 2)
			s.job("a", true, 0)
			s.workload("a", false)
			s.workload("a", true)
			s.job("a", false, 0)
		}, ""},
		"too many": {func(s *story) { s.run("a"); s.run("b"); s.run("c") }, "does not fit"},
		"one of them has ended": {func(s *story) {
			s.run("a")
			s.run("b")
			s.add(event{job: &seenJob{uid: "a", name: "n/a", queue: "l", finished: true}})
			s.run("c")
		}, ""},
		"one of them is gone": {func(s *story) {
			s.run("a")
			s.run("b")
			s.add(event{job: &seenJob{uid: "a", name: "n/a", queue: "l"}, gone: true})
			s.run("c")
		}, ""},
		"quota was cut just now":      {func(s *story) { s.quota(1000); s.run("a") }, ""},
		"quota was cut some time ago": {func(s *story) { s.quota(1000); s.at = s.at.Add(time.Minute); s.run("a") }, "does not fit"},
		"an edit below use is legal":  {func(s *story) { s.run("a"); s.quota(1000); s.at = s.at.Add(time.Minute); s.job("a", false, 1) }, ""},
		"started without quota":       {func(s *story) { s.job("a", true, 0); s.workload("a", false); s.job("a", false, 0) }, "holds no quota"},
		"started without Workload":    {func(s *story) { s.job("a", true, 0); s.job("a", false, 0) }, "without a Workload"},
		"started twice":               {func(s *story) { s.run("a"); s.job("a", true, 0); s.job("a", false, 0) }, "started twice"},
		"released with pods":          {func(s *story) { s.run("a"); s.job("a", true, 1); s.workload("a", false) }, "gave its quota back"},
		"released while it may run":   {func(s *story) { s.run("a"); s.workload("a", false) }, "gave its quota back"},
		"admitted while the queue stops": {func(s *story) {
			s.config(oracle.SetClusterQueue{ClusterQueue: oracle.ClusterQueue{Name: "q", NamespaceSelector: &oracle.Selector{}, Stop: oracle.Hold}})
			s.at = s.at.Add(time.Minute)
			s.run("a")
		}, "Suspended"},
	} {
		s := newStory()
		c.tell(s)
		j := newJudge(oracle.Options{})
		j.hear(s.events)
		found := strings.Join(j.faults, "\n")
		if (c.want == "") != (found == "") || !strings.Contains(found, c.want) || len(j.faults) > 1 {
			t.Errorf("%s: %q, want %q", name, found, c.want)
		}
	}
}

// TestLeakedHasBounds: what grows with what was done is told from what does not.
func TestLeakedHasBounds(t *testing.T) {
	fresh := vitals{heap: 7 << 20, goroutines: 200}
	for name, c := range map[string]struct {
		end  vitals
		acts int
		want string
	}{
		"as before":                 {fresh, 1000, ""},
		"some MiB of empty tables":  {vitals{15 << 20, 240}, 1000, ""},
		"4 KiB of each of many":     {vitals{27 << 20, 200}, 5000, "heap"},
		"a goroutine for some acts": {vitals{7 << 20, 300}, 1000, "goroutines"},
	} {
		err := leaked(fresh, c.end, c.acts)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
