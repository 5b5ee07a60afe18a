package report

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/pkg/metrics"
)

const (
	component = "fairlead-manager"
	// mostEvents may wait to be written, eventRate are written a second in the
	// long run, eventBurst at once. More are dropped and counted: Events are for
	// people, who read one of a thousand.
	mostEvents = 1024
	eventRate  = 20
	eventBurst = 1000
	// eventWriters write at once. Few, so that Events never crowd out the
	// writes that start jobs.
	eventWriters = 2
	// eventTimeout is how long an Event may take, most of it waiting for a lull
	// (CanWait).
	eventTimeout = 2 * time.Minute
)

type canWait struct{}

// Patient marks a request about something that nobody waits for, an Event: it
// is to begin when little else is under way.
func Patient(ctx context.Context) context.Context { return context.WithValue(ctx, canWait{}, true) }

// CanWait says whether a request is Patient.
func CanWait(ctx context.Context) bool { return ctx.Value(canWait{}) != nil }

// Events writes Events, each once, without waiting for the server and without
// reading what is there.
type Events struct {
	client   typedcorev1.EventsGetter
	counters *metrics.Counters
	log      logr.Logger
	queue    chan *corev1.Event
	limit    *rate.Limiter
}

// NewEvents returns a writer that is to be started.
func NewEvents(client typedcorev1.EventsGetter, counters *metrics.Counters, log logr.Logger) *Events {
	return &Events{client: client, counters: counters, log: log, queue: make(chan *corev1.Event, mostEvents), limit: rate.NewLimiter(eventRate, eventBurst)}
}

// Emit queues an Event about an object; related may be nil.
func (e *Events) Emit(about corev1.ObjectReference, related *corev1.ObjectReference, kind, reason, message string) {
	if !e.limit.Allow() {
		e.counters.EventDropped()
		return
	}
	now := metav1.Now()
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: about.Namespace,
			Name:      fmt.Sprintf("%.200s.%x", about.Name, now.UnixNano()),
		},
		InvolvedObject: about, Related: related,
		Type: kind, Reason: reason, Message: shorten(message),
		Source: corev1.EventSource{Component: component}, ReportingController: component, ReportingInstance: component,
		Action: reason, FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}
	select {
	case e.queue <- event:
	default:
		e.counters.EventDropped()
	}
}

// NeedLeaderElection keeps a standby from writing.
func (e *Events) NeedLeaderElection() bool { return true }

// Start writes until the context ends.
func (e *Events) Start(ctx context.Context) error {
	var writers sync.WaitGroup
	for range eventWriters {
		writers.Add(1)
		go func() {
			defer writers.Done()
			for {
				select {
				case <-ctx.Done():
					return
				case event := <-e.queue:
					e.write(ctx, event)
				}
			}
		}()
	}
	writers.Wait()
	return nil
}

func (e *Events) write(ctx context.Context, event *corev1.Event) {
	ctx, cancel := context.WithTimeout(Patient(ctx), eventTimeout)
	defer cancel()
	if _, err := e.client.Events(event.Namespace).Create(ctx, event, metav1.CreateOptions{}); err != nil {
		e.counters.EventDropped()
		e.log.V(1).Info("event not written", "reason", event.Reason, "about", event.InvolvedObject.Name, "error", err.Error())
	}
}

// shorten keeps a message within what the API allows.
func shorten(message string) string {
	const most = 1024
	if len(message) > most {
		return strings.ToValidUTF8(message[:most], "")
	}
	return message
}

func objectReference(gvk schema.GroupVersionKind, obj client.Object) corev1.ObjectReference {
	apiVersion, kind := gvk.ToAPIVersionAndKind()
	return corev1.ObjectReference{APIVersion: apiVersion, Kind: kind, Namespace: obj.GetNamespace(), Name: obj.GetName(), UID: obj.GetUID()}
}
