package job

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// Kind knows one kind of job. Its methods do no I/O and, Trim apart, leave
// the object as it is. Objects passed in have gone through Trim.
type Kind interface {
	// GroupVersionKind names the kind.
	GroupVersionKind() schema.GroupVersionKind
	// Resource is the plural under which the API server serves the kind.
	Resource() string
	// New returns an empty object of the kind.
	New() client.Object
	// Trim drops, in place, what Fairlead does not need to know. It is applied
	// once to every object that the API server sends.
	Trim(obj client.Object)
	// State describes the job at this moment.
	State(obj client.Object) State
	// PodSets derives the job's shape: what it is before an admission injects
	// anything. An error names the field and the remedy; it makes the job's
	// Workload impossible, not the manager.
	PodSets(obj client.Object) ([]v1beta1.PodSet, error)
	// Needs says how many pods each pod set of a started job may have from now
	// on. Pod sets that it does not name have what they were given.
	Needs(obj client.Object) []PodSetNeeds
	// Start is the patch that unsuspends the job as admitted. A Conflict says
	// that the job cannot take what the admission asks for, ever.
	Start(obj client.Object, start Start) ([]byte, *Conflict)
	// Suspend is the patch that stops a running job.
	Suspend(obj client.Object) []byte
	// Restore is the patch that takes an injection away again, exactly. It may
	// be applied only to a suspended job without pods.
	Restore(obj client.Object) []byte
	// Mark is the patch of the status of an Unmarked job that says whether it
	// is held.
	Mark(obj client.Object) []byte
}

// State is what a job says of itself.
type State struct {
	// Queue is the LocalQueue that the job asks for; empty if it is none of
	// Fairlead's business.
	Queue string
	// PriorityClass is the WorkloadPriorityClass asked for by label, or empty.
	PriorityClass string
	// PodPriorityClass is the PriorityClass of the first pod set, or empty.
	PodPriorityClass string
	// MaxExecutionSeconds limits the time over all attempts; nil for no limit.
	MaxExecutionSeconds *int32
	// OwnDeadlineSeconds is after how long Kubernetes itself ends an attempt, as
	// a rule; nil if it does not. MaxExecutionSeconds is at most that.
	OwnDeadlineSeconds *int32
	// Warning, if not empty, says what the job's user has to mend, although the
	// job can be described without it.
	Warning string
	// Suspended says that the job asks for no pods.
	Suspended bool
	// Unmarked says that the status of the job ought to say that the job is
	// held, or not any more, and that its own controller leaves that to us.
	Unmarked bool
	// Idle says that the job has no pods, not even terminating ones, and that
	// its template may be changed.
	Idle bool
	// Stopped says that the job asks for no pods and has none but terminating
	// ones; what is idle is stopped, too.
	Stopped bool
	// PodsReady says that all pods the job asks for are ready or have succeeded.
	PodsReady bool
	// OnEviction is what its user wants to become of the job when it is evicted:
	// one of v1beta1.OnEvictionXxx, or empty for Requeue.
	OnEviction string
	// Injected is what the last start added, nil if nothing is to be restored.
	Injected *Injection
	// Finished tells how the job ended, nil while it has not.
	Finished *Outcome
	// Deleting says that the object is about to go.
	Deleting bool
}

// PodSetNeeds is how many pods of a pod set a started job may have at once.
type PodSetNeeds struct {
	Name string
	// Wanted is the number of pods that the job's controller keeps running.
	Wanted int32
	// Pods is that number, or more if there are pods that it lets run on.
	Pods int32
}

// Outcome is how a job ended.
type Outcome struct {
	Succeeded bool
	Message   string
}

// Start is what an admission gives to a job.
type Start struct {
	// Workload is the UID of the admitted Workload.
	Workload string
	PodSets  []PodSetStart
}

// PodSetStart is what an admission gives to one pod set: the labels and
// tolerations of its flavors, and the number of pods.
type PodSetStart struct {
	Name         string
	Count        int32
	NodeSelector map[string]string
	Tolerations  []Toleration
}

// Conflict says why a job cannot be started as admitted.
type Conflict struct{ Message string }
