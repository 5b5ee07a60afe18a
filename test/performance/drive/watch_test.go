package drive

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// scriptedWatch answers the n-th watch with the n-th script and notes from
// which version each was asked for.
type scriptedWatch struct {
	client.WithWatch
	scripts [][]watch.Event
	errors  map[int]error
	from    []string
}

func (s *scriptedWatch) Watch(_ context.Context, _ client.ObjectList, options ...client.ListOption) (watch.Interface, error) {
	var o client.ListOptions
	o.ApplyOptions(options)
	n := len(s.from)
	s.from = append(s.from, o.Raw.ResourceVersion)
	if err := s.errors[n]; err != nil {
		return nil, err
	}
	stream := watch.NewFakeWithChanSize(10, false)
	if n < len(s.scripts) {
		for _, event := range s.scripts[n] {
			stream.Action(event.Type, event.Object)
		}
		stream.Stop()
	}
	return stream, nil
}

func jobAt(name, version string) *batchv1.Job {
	return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name, ResourceVersion: version}}
}

func TestWatchGoesOnWhereTheServerClosedIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	source := &scriptedWatch{
		scripts: [][]watch.Event{
			{{Type: watch.Added, Object: jobAt("a", "11")}, {Type: watch.Bookmark, Object: jobAt("", "15")}},
			nil,
			{{Type: watch.Modified, Object: jobAt("b", "16")}},
		},
		errors: map[int]error{1: apierrors.NewTooManyRequests("starting", 1)},
	}
	var seen []string
	w := &objectWatch{client: source, list: &batchv1.JobList{}, version: "10", see: func(object runtime.Object) error {
		seen = append(seen, object.(*batchv1.Job).Name)
		if len(seen) == 2 {
			cancel()
		}
		return nil
	}}
	if err := w.follow(ctx); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(seen, []string{"a", "b"}) || !slices.Equal(source.from, []string{"10", "15", "15"}) {
		t.Errorf("saw %v, watched from %v; want a, b from 10, 15 and 15 again", seen, source.from)
	}
}

func TestWatchThatCannotGoOnFails(t *testing.T) {
	expired := &metav1.Status{Status: metav1.StatusFailure, Code: http.StatusGone, Reason: metav1.StatusReasonExpired, Message: "too old"}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "jobs"}, "", nil)
	for name, source := range map[string]*scriptedWatch{
		"too old": {scripts: [][]watch.Event{{{Type: watch.Error, Object: expired}}}},
		"jobs":    {errors: map[int]error{0: forbidden}},
	} {
		w := &objectWatch{client: source, list: &batchv1.JobList{}, see: func(runtime.Object) error { return nil }}
		if err := w.follow(t.Context()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want a complaint with %q", err, name)
		}
	}
}
