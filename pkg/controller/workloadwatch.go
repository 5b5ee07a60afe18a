package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// Every Workload comes by watch some four times in its life, and client-go's
// way to read an event goes over its bytes eight times: twice for the frame,
// twice for the event around the object, twice for its kind, twice for its
// content. Where all objects of a watch are of one kind, one decoding does.

// newInformers returns what makes the informers of a cache: those of Workloads
// read their events as above, all others as client-go does.
func newInformers(config *rest.Config, scheme *runtime.Scheme) func(toolscache.ListerWatcher, runtime.Object, time.Duration, toolscache.Indexers) toolscache.SharedIndexInformer {
	return func(lw toolscache.ListerWatcher, object runtime.Object, resync time.Duration, indexers toolscache.Indexers) toolscache.SharedIndexInformer {
		if list, ok := lw.(*toolscache.ListWatch); ok {
			if _, ok := object.(*v1beta1.Workload); ok {
				lw = watchWorkloads(list, config, scheme)
			}
		}
		return toolscache.NewSharedIndexInformer(lw, object, resync, indexers)
	}
}

// watchWorkloads lists as list does, and reads the events of Workloads itself.
func watchWorkloads(list *toolscache.ListWatch, config *rest.Config, scheme *runtime.Scheme) *toolscache.ListWatch {
	return &toolscache.ListWatch{
		ListWithContextFunc: list.ListWithContextFunc,
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (apiwatch.Interface, error) {
			return WatchWorkloads(ctx, config, scheme, options)
		},
	}
}

// WatchWorkloads opens a watch of the Workloads of all namespaces, with
// bookmarks, and decodes each event once.
func WatchWorkloads(ctx context.Context, config *rest.Config, scheme *runtime.Scheme, options metav1.ListOptions) (apiwatch.Interface, error) {
	client, err := workloadClient(config, scheme)
	if err != nil {
		return nil, err
	}
	options.Watch, options.AllowWatchBookmarks = true, true
	body, err := client.Get().Resource("workloads").VersionedParams(&options, runtime.NewParameterCodec(scheme)).Stream(ctx)
	if err != nil {
		return nil, err
	}
	return apiwatch.NewStreamWatcher(newWorkloadEvents(body), reportStatus{}), nil
}

func workloadClient(config *rest.Config, scheme *runtime.Scheme) (*rest.RESTClient, error) {
	config = rest.CopyConfig(config)
	config.GroupVersion, config.APIPath = &v1beta1.GroupVersion, "/apis"
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	config.AcceptContentTypes, config.ContentType = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make a client for the watch of Workloads: %w", err)
	}
	return client, nil
}

// workloadEvents reads watch events about Workloads: apiwatch.Decoder.
type workloadEvents struct {
	body io.Closer
	json *json.Decoder
}

func newWorkloadEvents(body io.ReadCloser) *workloadEvents {
	return &workloadEvents{body: body, json: json.NewDecoder(body)}
}

// workloadEvent is a watch event: about a Workload or, of type ERROR, with a
// metav1.Status. The fields of a Status that a Workload does not have stand
// beside it.
type workloadEvent struct {
	Type   apiwatch.EventType `json:"type"`
	Object struct {
		*v1beta1.Workload
		Message string                `json:"message"`
		Reason  metav1.StatusReason   `json:"reason"`
		Details *metav1.StatusDetails `json:"details"`
		Code    int32                 `json:"code"`
	} `json:"object"`
}

// Decode waits for the next event.
func (d *workloadEvents) Decode() (apiwatch.EventType, runtime.Object, error) {
	var event workloadEvent
	event.Object.Workload = &v1beta1.Workload{}
	err := d.json.Decode(&event)
	if mismatch := (*json.UnmarshalTypeError)(nil); event.Type == apiwatch.Error && errors.As(err, &mismatch) {
		err = nil // the status of a Status is a word
	}
	if err != nil {
		return "", nil, err
	}
	switch o := &event.Object; event.Type {
	case apiwatch.Added, apiwatch.Modified, apiwatch.Deleted, apiwatch.Bookmark:
		o.TypeMeta = metav1.TypeMeta{} // as client-go leaves it
		return event.Type, o.Workload, nil
	case apiwatch.Error:
		return event.Type, &metav1.Status{
			Status: metav1.StatusFailure, Message: o.Message, Reason: o.Reason, Details: o.Details, Code: o.Code,
		}, nil
	}
	return "", nil, fmt.Errorf("watch of Workloads: an event of unknown type %q", event.Type)
}

// Close ends the watch.
func (d *workloadEvents) Close() { _ = d.body.Close() }

// reportStatus turns a failure to read an event into an event: apiwatch.Reporter.
type reportStatus struct{}

func (reportStatus) AsObject(err error) runtime.Object {
	return &metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusInternalServerError, Reason: metav1.StatusReasonInternalError,
		Message: "watch of Workloads: " + err.Error(),
	}
}
