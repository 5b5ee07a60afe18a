package lifecycle

import (
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/controller/translate"
	"fairlead.dev/fairlead/pkg/job"
)

// sight is everything that is known about one workload at one moment. Phases
// read it; all they leave in it is a note for when they find nothing to do:
// when to look again, and what to warn the job's user of.
type sight struct {
	now      time.Time
	key      ledger.Key
	kind     job.Kind
	workload *v1beta1.Workload // nil if there is none
	unseen   bool              // it is known from the answer to its creation alone
	job      client.Object     // nil if there is none
	state    job.State         // of job
	slot     *slot
	facts    *Facts

	again                  time.Duration // 0: not before something changes
	warning, warningReason string
}

// wake asks for another look after a while.
func (s *sight) wake(after time.Duration) {
	if s.again == 0 || after < s.again {
		s.again = after
	}
}

// warn tells the job's user what to mend.
func (s *sight) warn(reason, message string) { s.warningReason, s.warning = reason, message }

// Facts is what phases look up besides the workload itself.
type Facts struct {
	Classes job.Classes
	Queues  Queues
	// Shapes tells what workloads ask for.
	Shapes translate.Shapes
	// Flavor returns the node labels and tolerations of a ResourceFlavor.
	Flavor func(name string) (*v1beta1.ResourceFlavor, bool)
	// Retention is how long finished Workloads are kept, nil for as long as
	// their job.
	Retention *time.Duration
	// Managed says whether the jobs of a namespace are managed; nil: those of
	// all are. Jobs of others count as jobs without queue.
	Managed func(namespace string) bool
	// HoldUnqueued says that jobs without queue wait too, in managed namespaces.
	HoldUnqueued bool
	// LabelKeys are of those labels of a job that its Workload is created with.
	LabelKeys []string
	// ReleaseStopped lets an evicted job give its quota back while its last pods
	// terminate.
	ReleaseStopped bool
	// Readiness is nil where nobody waits for pods.
	Readiness *Readiness
}

// managed says whether the jobs of a namespace are managed.
func (f *Facts) managed(namespace string) bool { return f.Managed == nil || f.Managed(namespace) }

// holdsUnqueued says whether jobs without queue have to wait in a namespace.
func (f *Facts) holdsUnqueued(namespace string) bool { return f.HoldUnqueued && f.managed(namespace) }

// step is what a phase wants done. A step without write, wait or forget means
// that there is nothing to do until something changes.
type step struct {
	write *Write
	// wait is when to look again although nothing has changed.
	wait time.Duration
	// forget gives the decision at hand back to the engine, to be tried again
	// after retry.
	forget bool
	retry  time.Duration
	// verify reads Workload and job from the server before anything else: a
	// cache may lag behind the other.
	verify bool
	// warning is for the job's user.
	warning, warningReason string
}

var stop = &step{}

func (s *sight) holds() bool    { return s.workload != nil && translate.HoldsQuota(s.workload) }
func (s *sight) admitted() bool { return s.workload != nil && translate.IsAdmitted(s.workload) }
func (s *sight) evicted() bool  { return s.workload != nil && translate.IsEvicted(s.workload) }
func (s *sight) finished() bool { return s.workload != nil && translate.IsFinished(s.workload) }

// running says that there is a job that may have pods.
func (s *sight) running() bool { return s.job != nil && !s.state.Suspended }

// versions identifies what was looked at.
func (s *sight) versions() pair {
	var p pair
	if s.job != nil {
		p.job = s.job.GetResourceVersion()
	}
	if s.workload != nil {
		p.workload = s.workload.ResourceVersion
	}
	return p
}

// shapes identifies what the comparison of shapes depends on.
func (s *sight) shapes() pair {
	return pair{job: s.job.GetResourceVersion(), workload: string(s.workload.UID) + "/" + strconv.FormatInt(s.workload.Generation, 10)}
}

// owned says whether the Workload belongs to a job of this kind.
func (s *sight) owned() bool {
	owner := metav1.GetControllerOf(s.workload)
	if owner == nil {
		return s.abandoned()
	}
	apiVersion, kind := s.kind.GroupVersionKind().ToAPIVersionAndKind()
	return owner.Kind == kind && owner.APIVersion == apiVersion
}

// abandoned says that the Workload was made for a job but names it no more: who
// deletes a job and orphans its dependents, as the API server does unless it is
// told otherwise, has the garbage collector take the name away.
func (s *sight) abandoned() bool {
	return metav1.GetControllerOf(s.workload) == nil && s.workload.Labels[v1beta1.JobUIDLabel] != ""
}

// unadopted says that the Workload was made for a job found running, and that
// what it holds has not been written yet.
func (s *sight) unadopted() bool {
	return s.workload.Annotations[job.AdoptedAnnotation] != "" && !s.evicted() &&
		translate.Condition(s.workload, v1beta1.WorkloadQuotaReserved) == nil
}
