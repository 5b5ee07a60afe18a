package lifecycle

import (
	"context"
	"errors"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/job"
)

// Verb is what a write does.
type Verb int

// The verbs.
const (
	CreateWorkload Verb = iota
	PutWorkload
	PutWorkloadStatus
	DeleteWorkload
	PatchJob
	PatchJobStatus
	DeleteJob
)

// Purpose is why a write is made. It chooses what follows the answer.
type Purpose string

// The purposes.
const (
	Create     Purpose = "create"     // the Workload of a new job
	Respec     Purpose = "respec"     // the job was edited while it waits
	Admit      Purpose = "admit"      // carry out a decision of the engine
	Preempt    Purpose = "preempt"    // tell what is held for the workload while others leave
	Adopt      Purpose = "adopt"      // charge a job that runs already
	Accept     Purpose = "accept"     // quota is reserved by somebody and no check is missing
	Ready      Purpose = "ready"      // whether the job's pods are ready has changed
	MarkJob    Purpose = "mark"       // say on the job itself that it is held
	StartJob   Purpose = "start"      // unsuspend the job
	Evict      Purpose = "evict"      // begin to stop the job
	StopJob    Purpose = "stop"       // suspend the job
	RestoreJob Purpose = "restore"    // take the injection out of the job
	Release    Purpose = "release"    // give the quota back
	Reclaim    Purpose = "reclaim"    // give the quota of ended pods back
	Requeue    Purpose = "requeue"    // what kept the workload from waiting is over
	Condemn    Purpose = "condemn"    // the workload is to be deactivated
	Deactivate Purpose = "deactivate" // ... and is
	Hold       Purpose = "hold"       // the evicted job must not run again by itself
	Delete     Purpose = "delete"     // the evicted job must not run again
	Finish     Purpose = "finish"     // the job has ended
	Explain    Purpose = "explain"    // why the workload waits
	Discard    Purpose = "discard"    // the Workload of a job that left the queue
	Retain     Purpose = "retention"  // the Workload has been kept long enough
)

// Write is one write, complete and ready to be repeated byte for byte.
type Write struct {
	Verb      Verb
	Purpose   Purpose
	Namespace string
	Name      string // of the Workload or the job
	UID       types.UID
	Version   string // resourceVersion the write is made on, for deletions
	Body      []byte
	// Basis is the sight that the write was made on: the job of a patch, the
	// Workload of a status.
	Basis client.Object
	// Status is what a status write leaves behind. With Basis it spares the
	// server from sending the whole Workload back.
	Status *v1beta1.WorkloadStatus
}

// ofJob says whether the write is one of the job, not of its Workload.
func (w *Write) ofJob() bool { return w.Verb == PatchJob || w.Verb == PatchJobStatus }

// API performs writes and reads single objects from the server.
type API interface {
	// Do performs a write and returns the object as it then is, nil for a
	// deletion.
	Do(ctx context.Context, kind job.Kind, write *Write) (client.Object, error)
	// ReadWorkload reads a Workload from the server, past every cache.
	ReadWorkload(ctx context.Context, namespace, name string) (*v1beta1.Workload, error)
	// ReadJob reads a job from the server, past every cache, and trims it.
	ReadJob(ctx context.Context, kind job.Kind, namespace, name string) (client.Object, error)
}

// outcome is what an answer says about a write.
type outcome int

const (
	// done: the write is in the store.
	done outcome = iota
	// unknown: it may or may not be, or it was not looked at; to be repeated
	// as it is.
	unknown
	// conflict: the object is not what the write was made on. An earlier
	// repetition of the same write may be the reason.
	conflict
	// exists: an object of that name is there already.
	exists
	// gone: there is no such object.
	gone
	// refused: the server has looked at the write and does not want it.
	refused
)

// judge reads an answer. Whatever is not a clear word of the server about this
// very write is unknown.
func judge(err error) outcome {
	if err == nil {
		return done
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return unknown
	}
	switch {
	case apierrors.IsAlreadyExists(err):
		return exists
	case apierrors.IsConflict(err):
		return conflict
	case apierrors.IsNotFound(err):
		return gone
	}
	switch code := status.Status().Code; {
	case code == http.StatusUnauthorized, code == http.StatusRequestTimeout, code == http.StatusTooManyRequests:
		return unknown // says nothing about the object
	case code >= 400 && code < 500:
		return refused
	}
	return unknown
}
