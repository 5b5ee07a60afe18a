package loop

import (
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/controller/translate"
	"fairlead.dev/fairlead/pkg/job"
)

// feeder steps the engine with what happened and keeps, for each Workload,
// what saves work at the next sight of it.
type feeder struct {
	engine   Engine
	sink     Sink
	jobEnded func(ledger.Key) bool
	records  map[string]*record // by UID
	shapes   translate.Shapes
	queues   *translate.Queues // for adoption and strict namespaces
	// unsettled: what pods in strict namespaces must request may have changed.
	unsettled bool
	// evictionTime: see Config.
	evictionTime bool
}

// record is what the loop knows of one Workload.
//
//	invariant: finished workloads are never fed again; the engine has been
//	told of each exactly once.
type record struct {
	sight      *v1beta1.Workload // the last one fed
	generation int64             // of shape
	shape      translate.Shape
	lacking    string // what a strict namespace has against it
	held       bool   // the last sight fed held quota
	limit      int64  // what was fed as its limit
	finished   bool
}

func newFeeder(config Config) *feeder {
	return &feeder{
		engine:   config.Engine,
		sink:     config.Sink,
		jobEnded: config.JobEnded,
		records:  map[string]*record{},
		shapes:   config.Shapes,
		queues:   translate.NewQueues(),

		evictionTime: config.EvictionTime,
	}
}

// feedAll steps the engine with items that have come together.
func (f *feeder) feedAll(now int64, items []item) {
	for stage := range 3 {
		for i := range items {
			if items[i].stage() == stage {
				f.feed(now, items[i])
			}
		}
		f.settle(now)
	}
}

// feed steps the engine with one item.
func (f *feeder) feed(now int64, it item) {
	if it.reshape != "" {
		f.reshape(now, it.reshape)
		return
	}
	if it.limits {
		f.refeed(now, func(r *record) bool { return !r.held && f.shapes.Limit(r.sight, &r.shape) != r.limit })
		return
	}
	if it.class != "" {
		f.refeed(now, func(r *record) bool { return translate.PriorityClassOf(r.sight) == it.class })
		return
	}
	if it.workload != nil {
		f.feedWorkload(now, it.workload)
		return
	}
	switch event := it.event.(type) {
	case admission.DeleteWorkload:
		delete(f.records, event.UID)
	case admission.Finish:
		r := f.records[event.UID]
		if r == nil || r.finished {
			return
		}
		r.finish()
	case admission.Forget:
		// Somebody's admission has been seen meanwhile: it stands.
		if r := f.records[event.UID]; r == nil || r.held || r.finished {
			return
		}
	default:
		f.unsettled = f.unsettled || f.queues.AnyStrict()
		f.queues.Learn(event)
		f.unsettled = f.unsettled || f.queues.AnyStrict()
	}
	f.engine.Step(now, it.event)
}

func (f *feeder) feedWorkload(now int64, wl *v1beta1.Workload) {
	uid := string(wl.UID)
	r := f.records[uid]
	if r == nil {
		r = &record{generation: -1}
		f.records[uid] = r
	}
	r.sight = wl
	if r.finished {
		return
	}
	if translate.IsFinished(wl) || f.jobEnded(types.NamespacedName{Namespace: wl.Namespace, Name: wl.Name}) {
		r.finish()
		f.engine.Step(now, admission.Finish{UID: uid})
		return
	}
	if r.generation != wl.Generation {
		r.generation, r.shape = wl.Generation, f.shapes.Of(wl)
	}
	value := translate.Workload(wl, r.shape)
	value.MinimumRuntime = f.shapes.Protection(wl)
	r.limit = f.shapes.Limit(wl, &r.shape)
	value.Limit = r.limit
	value.QueueTime = translate.QueueTime(wl, f.evictionTime)
	if value.Admission == nil && runsUnseen(wl) {
		value.Admission = f.queues.Adopt(&value)
		if value.Admission != nil {
			f.sink.Adopt(wl, value.Admission)
		}
	}
	r.held = value.Admission != nil
	if r.lacking = f.queues.Lacking(&value); value.Misconfigured == "" {
		value.Misconfigured = r.lacking
	}
	f.engine.Step(now, admission.SetWorkload{Workload: &value})
}

// finish drops what only a live workload needs.
func (r *record) finish() {
	r.finished = true
	r.shape = translate.Shape{}
	r.generation = -1
}

// runsUnseen says that the Workload was made for a job found running, and that
// its admission has not been written yet.
func runsUnseen(wl *v1beta1.Workload) bool {
	return wl.Annotations[job.AdoptedAnnotation] != "" &&
		translate.Condition(wl, v1beta1.WorkloadQuotaReserved) == nil &&
		translate.Condition(wl, v1beta1.WorkloadEvicted) == nil
}

// handOut gives decisions to the sink.
func (f *feeder) handOut(decisions []admission.Decision) {
	for _, decision := range decisions {
		switch d := decision.(type) {
		case admission.Admit:
			if r := f.records[d.UID]; r != nil {
				f.sink.Admit(r.sight, d)
			}
		case admission.Wait:
			if r := f.records[d.UID]; r != nil {
				f.sink.Wait(r.sight, d)
			}
		case admission.Evict:
			f.handPreemption(d)
		case admission.EndHold:
			if r := f.records[d.UID]; r != nil {
				f.sink.EndHold(r.sight, d)
			}
		}
	}
}

// handPreemption gives a preemption to the sink. Whoever is not there any more
// the engine is about to be told of.
func (f *feeder) handPreemption(d admission.Evict) {
	preemptor := f.records[d.Preemptor]
	if preemptor == nil {
		return
	}
	victims := make([]*v1beta1.Workload, 0, len(d.Victims))
	for i := range d.Victims {
		if r := f.records[d.Victims[i].UID]; r != nil && !r.finished {
			victims = append(victims, r.sight)
		}
	}
	f.sink.Preempt(preemptor.sight, d, victims)
}
