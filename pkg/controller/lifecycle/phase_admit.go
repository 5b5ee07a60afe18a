package lifecycle

import (
	"encoding/json"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/translate"
	"fairlead.dev/fairlead/pkg/job"
)

// mostRefusals is how often a job is tried to be started before it is evicted.
const mostRefusals = 5

// adopted: what a job found running holds is written down.
func adopted(s *sight) *step {
	if !s.unadopted() || !s.running() {
		return nil
	}
	assignment := s.slot.adopt
	if assignment == nil && s.slot.decision != nil {
		assignment = &s.slot.decision.assignment
	}
	if assignment == nil {
		return stop // its queue leads nowhere yet; the job is left alone
	}
	message := fmt.Sprintf("The job was running already: charged to ClusterQueue %s as found", assignment.ClusterQueue)
	return &step{write: putStatus(s.workload, Adopt, s.granted(assignment, message))}
}

// respecified: the job was edited since its Workload was written. Without
// reservation the Workload follows; a reservation for another shape is
// released first.
func respecified(s *sight) *step {
	if s.evicted() && s.holds() {
		return nil
	}
	current := &s.workload.Spec
	desired := *current
	desired.QueueName = v1beta1.LocalQueueName(s.state.Queue)
	if !s.admitted() { // others are planned around what runs
		desired.MaximumExecutionTimeSeconds = s.state.MaxExecutionSeconds
	}
	if priority, err := job.ResolvePriority(s.state, s.facts.Classes); err == nil {
		desired.Priority, desired.PriorityClassRef = &priority.Value, priority.Class
	}
	sameShape := true
	if s.state.Suspended && s.slot.compared != s.shapes() {
		podSets, err := s.kind.PodSets(s.job)
		if err != nil {
			return s.shapeless(err)
		}
		if sameShape = job.SameShape(podSets, current.PodSets); sameShape {
			s.slot.compared = s.shapes()
		} else {
			desired.PodSets = podSets
		}
	}
	if s.holds() {
		if s.state.Suspended && (!sameShape || desired.QueueName != current.QueueName) {
			return &step{write: putStatus(s.workload, Release, released(s.workload,
				"The job was changed after its quota was reserved; it is evaluated again", s.now))}
		}
		// What runs keeps its queue, and its kind of class: the value may change.
		desired.QueueName = current.QueueName
		if !sameClassKind(current.PriorityClassRef, desired.PriorityClassRef) {
			desired.Priority, desired.PriorityClassRef = current.Priority, current.PriorityClassRef
		}
	}
	if sameShape && equality.Semantic.DeepEqual(current, &desired) {
		return nil
	}
	return &step{write: putSpec(s.workload, desired)}
}

// shapeless: the waiting job was edited so that it cannot be described any
// more. What it holds is given back; then it has no Workload, like a job that
// was never described, until it is mended.
func (s *sight) shapeless(err error) *step {
	var st step
	if s.holds() {
		st.write = putStatus(s.workload, Release, released(s.workload, err.Error(), s.now))
	} else {
		st = *discard(s)
	}
	st.warningReason, st.warning = v1beta1.PendingMisconfigured, err.Error()
	return &st
}

func sameClassKind(a, b *v1beta1.PriorityClassRef) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Group == b.Group && a.Kind == b.Kind
}

func putSpec(wl *v1beta1.Workload, spec v1beta1.WorkloadSpec) *Write {
	changed := wl.DeepCopy()
	changed.APIVersion, changed.Kind = v1beta1.GroupVersion.String(), "Workload"
	changed.Spec = spec
	body, err := json.Marshal(changed)
	if err != nil {
		panic("a Workload cannot be encoded: " + err.Error())
	}
	return &Write{
		Verb: PutWorkload, Purpose: Respec,
		Namespace: wl.Namespace, Name: wl.Name, UID: wl.UID, Version: wl.ResourceVersion, Body: body,
	}
}

// decided: the engine has charged the workload and the admission is to be
// written, if what it decided upon still stands.
func decided(s *sight) *step {
	d := s.slot.decision
	if d == nil || s.holds() {
		return nil
	}
	switch {
	case s.workload.Generation != d.generation, !s.workload.IsActive(), s.workload.DeletionTimestamp != nil:
		return &step{forget: true}
	case s.closed(d.assignment.ClusterQueue) != nil:
		return &step{forget: true, retry: time.Second}
	case s.job != nil && (!s.state.Suspended || s.state.Injected != nil || !s.state.Idle):
		// It is still stopping, from an admission that was taken away early.
		return &step{forget: true, retry: time.Second}
	}
	return &step{write: putStatus(s.workload, Admit, s.granted(&d.assignment, reservedMessage(&d.assignment)))}
}

// granted is the workload's status with an admission, and with all that goes
// with one in the same write.
func (s *sight) granted(assignment *admission.Assignment, message string) v1beta1.WorkloadStatus {
	status := admitted(s.workload, assignment, message, s.now)
	cq, _ := s.facts.Queues.ClusterQueue(assignment.ClusterQueue)
	status.Admission.MaximumExecutionTimeSeconds = translate.ExecutionTime(s.workload, cq)
	return s.awaited(status)
}

// unaccepted: somebody has reserved quota for the workload, and there is no
// admission check that it has to wait for.
func unaccepted(s *sight) *step {
	if !s.holds() || s.admitted() || s.evicted() || s.unadopted() {
		return nil
	}
	for i := range s.workload.Status.AdmissionChecks {
		if s.workload.Status.AdmissionChecks[i].State != v1beta1.CheckStateReady {
			return nil
		}
	}
	return &step{write: putStatus(s.workload, Accept, s.awaited(accepted(s.workload, s.now)))}
}

// startBackoff is how long a workload that could not be started waits: a
// minute, doubling with each failure up to an hour.
func (s *sight) startBackoff() *time.Duration {
	wait := backoff(time.Minute, time.Hour, s.workload.UID, failures(s.workload)+1)
	return &wait
}

// started: the workload is admitted and its job is to be unsuspended.
func started(s *sight) *step {
	if !s.admitted() || s.evicted() || s.running() {
		return nil
	}
	if s.slot.refusals >= mostRefusals {
		return &step{write: putStatus(s.workload, Evict, evicted(s.workload, Eviction{
			Reason: EvictedByFailedStart, Backoff: s.startBackoff(),
			Message: fmt.Sprintf("The job could not be started in %d tries; the server says: %s", s.slot.refusals, s.slot.refusal),
		}, s.now))}
	}
	start, missing := s.start()
	if missing != "" {
		return &step{wait: time.Second, warningReason: v1beta1.ClusterQueueFlavorNotFound,
			warning: fmt.Sprintf("ResourceFlavor %q of the admission does not exist: create it to let the job start", missing)}
	}
	patch, conflict := s.kind.Start(s.job, start)
	if conflict != nil {
		return &step{write: putStatus(s.workload, Finish, finished(s.workload, v1beta1.FinishedFailedToStart, conflict.Message, s.now))}
	}
	return &step{write: patchJob(s, StartJob, patch)}
}

// start collects what the admission gives to the job's pods. missing names a
// flavor that does not exist.
func (s *sight) start() (start job.Start, missing string) {
	start.Workload = string(s.workload.UID)
	for i := range s.workload.Status.Admission.PodSetAssignments {
		psa := &s.workload.Status.Admission.PodSetAssignments[i]
		given := job.PodSetStart{Name: string(psa.Name)}
		if psa.Count != nil {
			given.Count = *psa.Count
		}
		for _, name := range flavorsOf(psa) {
			flavor, exists := s.facts.Flavor(name)
			if !exists {
				return start, name
			}
			for key, value := range flavor.Spec.NodeLabels {
				if given.NodeSelector == nil {
					given.NodeSelector = map[string]string{}
				}
				given.NodeSelector[key] = value
			}
			given.Tolerations = append(given.Tolerations, flavor.Spec.Tolerations...)
		}
		start.PodSets = append(start.PodSets, given)
	}
	return start, ""
}

// unexplained: the workload has waited for a while and says why.
func unexplained(s *sight) *step {
	v := s.slot.verdict
	if v == nil || !v.due || s.holds() || s.slot.decision != nil {
		return nil
	}
	if saysAlready(s.workload, v) {
		return nil
	}
	return &step{write: putStatus(s.workload, Explain, explained(s.workload, v, s.facts.Shapes.Of(s.workload), s.now))}
}
