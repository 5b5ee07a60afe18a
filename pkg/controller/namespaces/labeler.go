package namespaces

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// Patch sends a JSON patch of a namespace.
type Patch func(ctx context.Context, namespace string, patch []byte) error

// Labeler keeps label fairlead.dev/default-queue of every managed namespace in
// step with the existence of a LocalQueue named "default". Another value of the
// label, also an empty one, is an administrator's choice and stays.
type Labeler struct {
	selection *Selection
	queues    *ledger.Book[*v1beta1.LocalQueue]
	patch     Patch
	log       logr.Logger
	work      workqueue.TypedRateLimitingInterface[string]
}

// NewLabeler returns a Labeler that is to be started.
func NewLabeler(selection *Selection, queues *ledger.Book[*v1beta1.LocalQueue], patch Patch, log logr.Logger) *Labeler {
	return &Labeler{
		selection: selection, queues: queues, patch: patch, log: log,
		work: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]()),
	}
}

// Enqueue has a namespace looked at.
func (l *Labeler) Enqueue(namespace string) { l.work.Add(namespace) }

// NeedLeaderElection keeps a standby from writing.
func (l *Labeler) NeedLeaderElection() bool { return true }

// Start works until the context ends.
func (l *Labeler) Start(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			name, closed := l.work.Get()
			if closed {
				return
			}
			l.look(ctx, name)
			l.work.Done(name)
		}
	}()
	<-ctx.Done()
	l.work.ShutDown()
	<-done
	return nil
}

func (l *Labeler) look(ctx context.Context, name string) {
	namespace, ok := l.selection.known.Get(ledger.Key{Name: name})
	if !ok {
		l.work.Forget(name)
		return
	}
	queue, exists := l.queues.Get(ledger.Key{Namespace: name, Name: string(v1beta1.DefaultLocalQueueName)})
	patch := labelPatch(namespace, l.selection.Selects(namespace) && exists && queue.DeletionTimestamp == nil)
	if patch == nil || ctx.Err() != nil {
		l.work.Forget(name)
		return
	}
	switch err := l.patch(ctx, name, patch); {
	case err == nil:
		l.log.Info("default queue", "namespace", name, "patch", string(patch))
		l.work.Forget(name)
	case apierrors.IsNotFound(err) || ctx.Err() != nil:
		l.work.Forget(name)
	default:
		// A failed test means that the label was edited: the watch will show it.
		l.log.Info("label of a namespace could not be written; it is tried again", "namespace", name,
			"label", v1beta1.DefaultQueueLabel, "error", err.Error())
		l.work.AddRateLimited(name)
	}
}

// labelPatch is what brings the label in step, nil if it is. It holds for the
// label that was seen and changes no other.
func labelPatch(namespace *corev1.Namespace, exists bool) []byte {
	value, labelled := namespace.Labels[v1beta1.DefaultQueueLabel]
	ours := labelled && value == string(v1beta1.DefaultLocalQueueName)
	path := "/metadata/labels/" + strings.ReplaceAll(v1beta1.DefaultQueueLabel, "/", "~1")
	type op struct {
		Op    string  `json:"op"`
		Path  string  `json:"path"`
		Value *string `json:"value"`
	}
	uid, name := string(namespace.UID), string(v1beta1.DefaultLocalQueueName)
	ops := []op{{"test", "/metadata/uid", &uid}}
	switch {
	case exists && !labelled:
		ops = append(ops, op{"test", path, nil}, op{"add", path, &name})
	case !exists && ours:
		ops = append(ops, op{"test", path, &name}, op{"remove", path, nil})
	default:
		return nil
	}
	raw, err := json.Marshal(ops)
	if err != nil {
		panic(fmt.Sprintf("a patch of plain values cannot be encoded: %v", err))
	}
	return raw
}
