package admission

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// oneByOne is an engine under BlockAdmission and what the API server knows.
type oneByOne struct {
	*draw
	engine  *Engine
	config  Config
	events  []Event
	objects map[string]*Workload
	now     int64

	submitted int
}

func (o *oneByOne) edit(ev Event) {
	o.events = append(o.events, ev)
	o.engine.Step(o.now, ev)
}

func (o *oneByOne) show(w Workload) {
	o.objects[w.UID] = &w
	o.engine.Step(o.now, SetWorkload{&w})
}

func (o *oneByOne) lacking() int {
	n := 0
	for _, w := range o.objects {
		if w.Admission != nil && !w.PodsReady {
			n++
		}
	}
	return n
}

// decide lets the engine decide and writes what it says. It returns whether
// anything was admitted.
func (o *oneByOne) decide() bool {
	o.now++
	before, admitted := o.lacking(), 0
	for _, d := range o.engine.Step(o.now, Decide{}) {
		switch d := d.(type) {
		case Admit:
			admitted++
			w := *o.objects[d.UID]
			a := d.Assignment
			w.Admission = &a
			if o.oneIn(3, "confirmed late") {
				o.objects[d.UID] = &w // the engine has not seen it yet
				continue
			}
			o.show(w)
		case Wait:
			if d.Reason == WaitingForPodsReady && before+admitted == 0 {
				o.t.Fatalf("%s waits for the pods of nobody", d.UID)
			}
		}
	}
	if admitted > 1 || admitted == 1 && before > 0 {
		o.t.Fatalf("%d admitted while %d lack pods", admitted, before)
	}
	if err := o.engine.CheckInvariants(); err != nil {
		o.t.Fatal(err)
	}
	return admitted > 0
}

func (o *oneByOne) some(want func(*Workload) bool) *Workload {
	var list []*Workload
	for _, uid := range slices.Sorted(maps.Keys(o.objects)) {
		if want(o.objects[uid]) {
			list = append(list, o.objects[uid])
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[o.n(len(list), "which")]
}

func (o *oneByOne) event() {
	holds := func(w *Workload) bool { return w.Admission != nil }
	switch o.n(8, "event") {
	case 0, 1:
		o.decide()
	case 2, 3:
		o.submitted++
		o.show(o.workload(fmt.Sprintf("x%03d", o.submitted)))
	case 4, 5:
		if w := o.some(holds); w != nil {
			c := *w
			c.PodsReady = !o.oneIn(4, "lost")
			o.show(c)
		}
	case 6:
		if w := o.some(holds); w != nil {
			delete(o.objects, w.UID)
			o.engine.Step(o.now, Finish{UID: w.UID})
		}
	case 7:
		o.edit(SetClusterQueue{o.clusterQueue(o.queueName())})
	}
}

// begin makes the objects that a story begins with.
func (o *oneByOne) begin() {
	o.edit(SetNamespace{Name: "n0", Labels: map[string]string{"team": "a"}})
	for f := range flavorNames {
		o.edit(SetFlavor{o.flavor(fmt.Sprint("f", f))})
	}
	for c := range cohortNames {
		if !o.oneIn(4, "no cohort") {
			o.edit(SetCohort{o.cohort(fmt.Sprint("c", c))})
		}
	}
	o.known = queueNames
	for q := range queueNames {
		name := fmt.Sprint("q", q)
		o.edit(SetClusterQueue{o.clusterQueue(name)})
		o.edit(SetLocalQueue{LocalQueue{Namespace: "n0", Name: name, ClusterQueue: name}})
	}
	for i := range 5 + o.n(15, "workloads") {
		o.show(o.workload(fmt.Sprintf("w%02d", i)))
	}
}

// TestOneAdmissionAtATime: never two at once, never one while another lacks its
// pods; and when all are ready and nothing more is admitted, an engine without
// BlockAdmission would not admit anything either.
func TestOneAdmissionAtATime(t *testing.T) {
	admissions := 0
	rapid.Check(t, func(t *rapid.T) {
		d := &draw{t: t, seen: &features{}, lenient: true, plain: true} // elsewhere a rise of usage, or a restart, may let something fit
		o := &oneByOne{draw: d, objects: map[string]*Workload{}}
		o.config = Config{FairSharing: d.oneIn(2, "fair"), BlockAdmission: true}
		o.engine = New(o.config)
		o.begin()
		for range 10 + o.n(30, "events") {
			o.event()
		}
		for again := true; again; {
			for _, uid := range slices.Sorted(maps.Keys(o.objects)) {
				if w := *o.objects[uid]; w.Admission != nil {
					w.PodsReady = true
					o.show(w)
				}
			}
			if again = o.decide(); again {
				admissions++
			}
		}
		o.config.BlockAdmission = false
		plain := New(o.config)
		for _, ev := range o.events {
			plain.Step(o.now, ev)
		}
		for _, uid := range slices.Sorted(maps.Keys(o.objects)) {
			plain.Step(o.now, SetWorkload{o.objects[uid]})
		}
		for _, decision := range plain.Step(o.now, Decide{}) {
			if a, ok := decision.(Admit); ok {
				t.Fatalf("at rest, yet %s could be admitted", Line(a))
			}
		}
	})
	if admissions == 0 {
		t.Error("nothing was ever admitted")
	}
}
