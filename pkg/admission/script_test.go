package admission

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"fairlead.dev/fairlead/pkg/quota"
)

// TestScripts plays the stories in testdata. Each begins with the sentence of
// the semantics that it shows; what is expected was worked out from there.
// `go test ./pkg/admission -run Scripts -rewrite` writes down what the engine
// says instead: read the difference as you would read code.
//
// A case is "story [fair] [ignore-undeclared] [block-admission]", which begins with an empty
// engine that has a ResourceFlavor "default", or "then", which goes on. With
// "preempt" the policies of preemption hold; strategies=final+initial,
// timeout=SECONDS, budget=, rate= and ratio= are its configuration. One
// command a line follows; see the commands below, and script_objects_test.go
// for what objects may say. Amounts of cpu are cores (or 500m). UIDs may be
// ranges: w{1..3}.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		t.Run(name, func(t *testing.T) {
			var s *script
			datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
				switch d.Cmd {
				case "story":
					config := Config{FairSharing: d.HasArg("fair"), IgnoreUndeclared: d.HasArg("ignore-undeclared"),
						BlockAdmission: d.HasArg("block-admission")}
					if d.HasArg("preempt") {
						config.Preemption = preemptionConfig(t, d)
					}
					s = newScript(config)
				case "then":
				default:
					d.Fatalf(t, "a case is a story or a then")
				}
				return s.play(func(format string, args ...any) { d.Fatalf(t, format, args...) }, d.Input)
			})
		})
	}
}

// script is an engine and the API server's content, as a story goes on.
type script struct {
	fail   func(format string, args ...any)
	config Config
	engine *Engine
	now    int64
	born   int64 // queue time of the next workload
	doors  map[string]bool
	// events are the edits of queues, flavors and namespaces so far.
	events  []Event
	objects map[string]*Workload
	// assumed are admissions that nobody has written yet, evicting evictions.
	assumed  map[string]*Assignment
	evicting map[string]bool
	ended    map[string]bool
	out      strings.Builder
}

func newScript(config Config) *script {
	s := &script{
		config: config, engine: New(config), doors: map[string]bool{}, objects: map[string]*Workload{},
		assumed: map[string]*Assignment{}, evicting: map[string]bool{}, ended: map[string]bool{},
	}
	s.edit(SetFlavor{Flavor{Name: "default"}})
	return s
}

// play runs the commands of one case and returns what they print.
func (s *script) play(fail func(string, ...any), input string) string {
	s.fail = fail
	s.out.Reset()
	for line := range strings.Lines(input) {
		if words := strings.Fields(line); len(words) > 0 {
			s.command(words[0], words[1:])
			if err := s.engine.CheckInvariants(); err != nil {
				fail("after %s: %v", strings.TrimSpace(line), err)
			}
		}
	}
	return s.out.String()
}

func (s *script) command(name string, args []string) {
	switch name {
	case "cluster-queue":
		s.clusterQueue(args)
	case "cohort":
		s.cohort(args)
	case "flavor":
		s.flavor(args)
	case "local-queue":
		s.localQueue(args)
	case "namespace": // NAME KEY:VALUE...
		s.edit(SetNamespace{Name: args[0], Labels: s.labels(args[1:])})
	case "delete-cluster-queue":
		s.edit(DeleteClusterQueue{Name: args[0]})
	case "delete-cohort":
		s.edit(DeleteCohort{Name: args[0]})
	case "delete-flavor":
		s.edit(DeleteFlavor{Name: args[0]})
	case "delete-local-queue":
		l := s.localName(args[0])
		s.edit(DeleteLocalQueue{Namespace: l.namespace, Name: l.name})
	case "delete-namespace":
		s.edit(DeleteNamespace{Name: args[0]})
	case "at": // TIME: so late is it now; 5s are seconds
		s.now = s.time(args[0])
	case "decide": // [messages | count]
		s.decide(slices.Contains(args, "messages"), slices.Contains(args, "count"))
	case "finish-in-turn":
		s.finishInTurn(args)
	case "next-wake":
		at, ok := s.engine.NextWake(s.now)
		fmt.Fprintf(&s.out, "next wake: %d %t\n", at, ok)
	case "status": // queues, LocalQueues as NAMESPACE/NAME, Cohorts as cohort/NAME
		s.status(args)
	case "excess": // what queues and cohort/NAME use beyond what they may
		s.excess(args)
	case "restart": // a new engine learns everything from a list
		s.restart()
	default:
		s.workloadCommand(name, args)
	}
}

// finishInTurn finishes one workload after the other, with a decision after
// each, and prints how many each queue was admitted.
func (s *script) finishInTurn(args []string) {
	uids, _ := s.uids(args)
	byQueue := map[string]int{}
	for _, uid := range uids {
		s.workloadCommand("finish", []string{uid})
		for _, d := range s.step(Decide{}) {
			if d, ok := d.(Admit); ok {
				s.assumed[d.UID] = &d.Assignment
				s.admittedNow(d.UID)
				byQueue[d.Assignment.ClusterQueue]++
			}
		}
	}
	s.counts(byQueue)
}

func (s *script) counts(byQueue map[string]int) {
	for _, q := range slices.Sorted(maps.Keys(byQueue)) {
		fmt.Fprintf(&s.out, "%s admits %d\n", q, byQueue[q])
	}
}

// workloadCommand is about Workloads: UIDs, then what they say.
func (s *script) workloadCommand(name string, args []string) {
	uids, options := s.uids(args)
	if len(uids) == 0 {
		s.fail("%s: whom?", name)
	}
	for _, uid := range uids {
		w := s.objects[uid]
		if w == nil && name != "submit" && name != "found" {
			s.fail("%s: there is no workload %s", name, uid)
		}
		switch name {
		case "submit": // it is new on the API server
			s.born++
			w = &Workload{UID: uid, Namespace: "ns", Name: uid, QueueTime: s.born}
			s.show(s.described(w, options))
		case "edit": // its spec or metadata have changed
			s.show(s.described(w, options))
		case "found": // it is new, with an admission: in=QUEUE flavor=NAME
			s.born++
			s.show(s.foundAdmitted(&Workload{UID: uid, Namespace: "ns", Name: uid, QueueTime: s.born}, options))
		case "again": // it is seen as the API server has it
			s.show(w)
		case "confirm": // the assumed admission has been written, and is seen
			c := *w
			if c.Admission = s.assumed[uid]; c.Admission == nil {
				s.fail("confirm: %s is not assumed", uid)
			}
			delete(s.assumed, uid)
			c.Preempting = nil // cleared by the same write
			s.show(&c)
		case "ready", "unready": // its pods are, or are not any more
			c := *w
			c.PodsReady = name == "ready"
			s.show(&c)
		case "evicted": // its eviction has been written, and is seen
			c := *w
			if a := s.assumed[uid]; a != nil {
				c.Admission = a
				delete(s.assumed, uid)
			}
			c.Evicted = true
			delete(s.evicting, uid)
			s.show(&c)
		case "forget-eviction": // the write of an eviction has failed: [not-before=TIME]
			delete(s.evicting, uid)
			s.step(ForgetEviction{UID: uid, NotBefore: s.described(w, options).NotBefore})
		case "clear": // somebody has taken its admission away
			c := *w
			c.Admission, c.Evicted, c.ReservedAt = nil, false, 0
			delete(s.evicting, uid)
			s.show(&c)
		case "forget": // the write of the assumed admission has failed: [not-before=TIME]
			c := *s.described(w, options)
			s.objects[uid] = &c
			delete(s.assumed, uid)
			s.step(Forget{UID: uid, NotBefore: c.NotBefore})
		case "finish": // it has ended; finish-in-turn decides after each
			s.ended[uid] = true
			delete(s.assumed, uid)
			s.step(Finish{UID: uid})
		case "delete":
			delete(s.objects, uid)
			delete(s.assumed, uid)
			delete(s.ended, uid)
			s.step(DeleteWorkload{UID: uid})
		default:
			s.fail("there is no command %s", name)
		}
	}
}

func (s *script) step(ev Event) []Decision { return s.engine.Step(s.now, ev) }

// edit steps an event that a restarted engine would learn again.
func (s *script) edit(ev Event) {
	s.events = append(s.events, ev)
	s.step(ev)
}

// show writes a Workload to the API server and lets the engine see it.
func (s *script) show(w *Workload) {
	s.objects[w.UID] = w
	s.step(SetWorkload{w})
}

// decide prints admissions in their order, then who was told to wait and why,
// by UID: who parks whom first is the engine's own affair.
func (s *script) decide(messages, count bool) {
	var waits []string
	before := s.out.Len()
	admitted, byQueue := map[string]bool{}, map[string]int{}
	for _, d := range s.step(Decide{}) {
		switch d := d.(type) {
		case Admit:
			a := d.Assignment
			s.assumed[d.UID], admitted[d.UID] = &a, true
			s.admittedNow(d.UID)
			byQueue[a.ClusterQueue]++
			if !count {
				fmt.Fprintln(&s.out, Line(d))
			}
		case Evict:
			s.preempt(d)
			if !count {
				fmt.Fprintln(&s.out, Line(d))
			}
		case EndHold:
			if w := s.objects[d.UID]; w != nil {
				c := *w
				c.Preempting = nil
				s.objects[d.UID] = &c
			}
			fmt.Fprintln(&s.out, Line(d))
		case Wait:
			if admitted[d.UID] {
				s.fail("%s waits after it was admitted", d.UID)
			}
			line := Line(d)
			if !messages {
				line = strings.TrimSuffix(line, " "+strconv.Quote(d.Why.String()))
			}
			waits = append(waits, line)
		}
	}
	slices.Sort(waits)
	switch {
	case count:
		s.counts(byQueue)
		fmt.Fprintf(&s.out, "told to wait: %d\n", len(waits))
	case len(waits) == 0 && s.out.Len() == before:
		fmt.Fprintln(&s.out, "nothing")
	default:
		for _, line := range waits {
			fmt.Fprintln(&s.out, line)
		}
	}
}

// restart replaces the engine by one that has seen the API server's content
// and the admissions that were to be written, workloads first.
func (s *script) restart() {
	s.engine = New(s.config)
	for _, uid := range slices.Sorted(maps.Keys(s.objects)) {
		if s.ended[uid] {
			s.step(Finish{UID: uid})
			continue
		}
		w := *s.objects[uid]
		if a := s.assumed[uid]; a != nil {
			w.Admission = a
		}
		s.show(&w)
	}
	for _, ev := range s.events {
		switch ev := ev.(type) {
		case SetClusterQueue, SetCohort, SetFlavor, SetLocalQueue, SetNamespace:
			s.step(ev)
		default:
			s.fail("restart after a deletion is not told in scripts")
		}
	}
	clear(s.assumed)
	clear(s.evicting)
}

// admittedNow notes what the write of an admission says besides.
func (s *script) admittedNow(uid string) {
	c := *s.objects[uid]
	c.ReservedAt, c.AdmittedAt, c.Preempting = s.now, s.now, nil
	s.objects[uid] = &c
}

// preempt writes the preemptor's status, and nothing else.
func (s *script) preempt(d Evict) {
	c := *s.objects[d.Preemptor]
	p := d.Preemption
	c.Preempting = &p
	s.objects[d.Preemptor] = &c
	for _, v := range d.Victims {
		s.evicting[v.UID] = true
	}
}

// preemptionConfig reads the configuration of preemption.
func preemptionConfig(t *testing.T, d *datadriven.TestData) *PreemptionConfig {
	p := &PreemptionConfig{}
	for _, arg := range d.CmdArgs {
		if len(arg.Vals) != 1 {
			continue
		}
		n, err := strconv.ParseInt(arg.Vals[0], 10, 64)
		switch arg.Key {
		case "timeout":
			p.HoldTimeout = n * 1_000_000_000
		case "budget":
			p.SearchBudget = int(n)
		case "rate":
			p.EvictionsPerMinute = int(n)
		case "ratio":
			p.EvictedToRequestedMilli = n * 1000
		case "strategies":
			err = nil
			for name := range strings.SplitSeq(arg.Vals[0], "+") {
				p.Strategies = append(p.Strategies, map[string]FairSharingStrategy{
					"final": LessThanOrEqualToFinalShare, "initial": LessThanInitialShare,
				}[name])
			}
		default:
			d.Fatalf(t, "story: %s?", arg.Key)
		}
		if err != nil {
			d.Fatalf(t, "story: %v", err)
		}
	}
	return p
}

// status prints queues by name.
func (s *script) excess(names []string) {
	snap := s.engine.Snapshot()
	list := func(name string, all []Excess) {
		if !slices.Contains(names, name) {
			return
		}
		fmt.Fprintf(&s.out, "%s:", name)
		for i := range all {
			fmt.Fprintf(&s.out, " %s", all[i].String())
		}
		s.out.WriteString("\n")
	}
	for _, c := range snap.Cohorts {
		list("cohort/"+c.Name, c.Excess)
	}
	for _, q := range snap.ClusterQueues {
		list(q.Name, q.Excess)
	}
}

func (s *script) status(names []string) {
	snap := s.engine.Snapshot()
	for _, name := range names {
		before := s.out.Len()
		for _, c := range snap.Cohorts {
			if "cohort/"+c.Name == name {
				fmt.Fprintf(&s.out, "cohort %s: share %d %s", c.Name, c.WeightedShare, c.Problem)
			}
		}
		for _, q := range snap.ClusterQueues {
			if q.Name == name {
				fmt.Fprintf(&s.out, "%s: pending %d active %d inadmissible, reserving %d, admitted %d,", name,
					q.PendingActive, q.PendingInadmissible, q.Reserving, q.Admitted)
				s.usage(q.Usage)
				if s.config.FairSharing {
					fmt.Fprintf(&s.out, " share %d,", q.WeightedShare)
				}
				fmt.Fprintf(&s.out, " %s", q.ActiveReason)
			}
		}
		for _, l := range snap.LocalQueues {
			if l.Namespace+"/"+l.Name == name {
				fmt.Fprintf(&s.out, "%s: pending %d, reserving %d, admitted %d,", name, l.Pending, l.Reserving, l.Admitted)
				s.usage(l.Usage)
				fmt.Fprintf(&s.out, " %s", l.ActiveReason)
			}
		}
		if s.out.Len() == before {
			fmt.Fprintf(&s.out, "%s: none", name)
		}
		trimmed := strings.TrimRight(s.out.String(), " ")
		s.out.Reset()
		s.out.WriteString(trimmed + "\n")
	}
}

func (s *script) usage(list []FlavorUsage) {
	for _, u := range list {
		fmt.Fprintf(&s.out, " %s:%s=%d", u.Resource, u.Flavor, u.Total)
		if u.Borrowed != 0 {
			fmt.Fprintf(&s.out, " (%d borrowed)", u.Borrowed)
		}
		s.out.WriteString(",")
	}
}

// foundAdmitted gives a workload the admission that options describe.
func (s *script) foundAdmitted(w *Workload, options []string) *Workload {
	in, flavor := "", "default"
	var rest []string
	for _, o := range options {
		switch key, value, _ := strings.Cut(o, "="); key {
		case "in":
			in = value
		case "flavor":
			flavor = value
		default:
			rest = append(rest, o)
		}
	}
	w = s.described(w, rest)
	if in == "" {
		in = w.Queue
	}
	a := &Assignment{ClusterQueue: in}
	for _, p := range w.PodSets {
		psa := PodSetAssignment{Name: p.Name, Count: p.Count}
		for _, r := range p.Requests {
			psa.Flavors = append(psa.Flavors, ResourceFlavorName{Resource: r.Resource, Flavor: flavor})
			psa.Usage = append(psa.Usage, quota.ResourceAmount{Resource: r.Resource, Amount: r.Amount * int64(p.Count)})
		}
		a.PodSets = append(a.PodSets, psa)
	}
	w.Admission = a
	return w
}
