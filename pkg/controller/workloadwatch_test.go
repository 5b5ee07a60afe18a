package controller

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/streaming"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	restwatch "k8s.io/client-go/rest/watch"
	toolscache "k8s.io/client-go/tools/cache"

	"fairlead.dev/fairlead/apis/v1beta1"
)

func exampleWorkload(n int) *v1beta1.Workload {
	at := metav1.NewTime(time.Unix(1_800_000_000, 0))
	return &v1beta1.Workload{
		TypeMeta: metav1.TypeMeta{APIVersion: v1beta1.GroupVersion.String(), Kind: "Workload"},
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprint("w", n), Namespace: "atlas", UID: "u-1", ResourceVersion: fmt.Sprint(n), CreationTimestamp: at,
			Labels:          map[string]string{"a": "b"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: "j", UID: "j-1"}},
			ManagedFields: []metav1.ManagedFieldsEntry{{
				Manager: "manager", Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "v1", FieldsType: "FieldsV1", Time: &at,
				FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:queueName":{},"f:podSets":{".":{},"k:{\"name\":\"main\"}":{".":{},"f:count":{}}}}}`),
			}},
		},
		Spec: v1beta1.WorkloadSpec{QueueName: "main", PodSets: []v1beta1.PodSet{{
			Name: "main", Count: 1, Template: runtime.RawExtension{Raw: []byte(`{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}}]}}`)},
		}}},
		Status: v1beta1.WorkloadStatus{
			Conditions: []metav1.Condition{{Type: "Admitted", Status: metav1.ConditionTrue, LastTransitionTime: at, Reason: "Admitted", Message: "on ünïcode"}},
			Admission:  &v1beta1.Admission{ClusterQueue: "cq"},
		},
	}
}

func eventBytes(t testing.TB, kind apiwatch.EventType, object any) []byte {
	t.Helper()
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	event, err := json.Marshal(metav1.WatchEvent{Type: string(kind), Object: runtime.RawExtension{Raw: raw}})
	if err != nil {
		t.Fatal(err)
	}
	return append(event, '\n')
}

// serveEvents is an API server whose watches of Workloads bring the given bytes.
func serveEvents(t testing.TB, body []byte) *rest.Config {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Query().Get("watch") == "" || !strings.HasSuffix(r.URL.Path, "/workloads") {
			t.Errorf("unexpected request %s", r.URL)
		}
		if r.URL.Query().Get("resourceVersion") == "old" {
			w.WriteHeader(http.StatusGone)
			_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
				Status: "Failure", Reason: metav1.StatusReasonExpired, Code: http.StatusGone, Message: "too old"})
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

func watchAll(t testing.TB, config *rest.Config, version string) ([]apiwatch.Event, error) {
	t.Helper()
	w, err := watchWorkloads(&toolscache.ListWatch{}, config, NewScheme()).WatchWithContext(t.Context(), metav1.ListOptions{ResourceVersion: version})
	if err != nil {
		return nil, err
	}
	var events []apiwatch.Event
	for e := range w.ResultChan() {
		events = append(events, e)
	}
	return events, nil
}

// TestWorkloadEventsAreReadAsClientGoReadsThem compares with client-go's watch
// on the same bytes.
func TestWorkloadEventsAreReadAsClientGoReadsThem(t *testing.T) {
	bookmark := &v1beta1.Workload{TypeMeta: exampleWorkload(0).TypeMeta, ObjectMeta: metav1.ObjectMeta{
		ResourceVersion: "7", Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"}}}
	status := &metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Reason: metav1.StatusReasonExpired,
		Code: http.StatusGone, Message: "too old", Details: &metav1.StatusDetails{RetryAfterSeconds: 3}}
	var body []byte
	body = append(body, eventBytes(t, apiwatch.Added, exampleWorkload(1))...)
	body = append(body, eventBytes(t, apiwatch.Modified, exampleWorkload(2))...)
	body = append(body, eventBytes(t, apiwatch.Bookmark, bookmark)...)
	body = append(body, eventBytes(t, apiwatch.Deleted, exampleWorkload(3))...)
	body = append(body, eventBytes(t, apiwatch.Error, status)...)
	config := serveEvents(t, body)
	got, err := watchAll(t, config, "1")
	if err != nil {
		t.Fatal(err)
	}
	client, err := workloadClient(config, NewScheme())
	if err != nil {
		t.Fatal(err)
	}
	w, err := client.Get().Resource("workloads").Param("watch", "true").Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		want, open := <-w.ResultChan()
		if !open {
			if i != len(got) || i != 5 {
				t.Errorf("%d events, client-go has %d", len(got), i)
			}
			return
		}
		if s, ok := want.Object.(*metav1.Status); ok {
			s.TypeMeta = metav1.TypeMeta{}
		}
		want.Object.GetObjectKind().SetGroupVersionKind(got[i].Object.GetObjectKind().GroupVersionKind())
		if !reflect.DeepEqual(got[i], want) {
			t.Errorf("event %d is\n%+v, client-go reads\n%+v", i, got[i], want)
		}
	}
}

// TestWorkloadEventsThatCannotBeRead end the watch with an event that says so;
// a refused watch is the server's own error.
func TestWorkloadEventsThatCannotBeRead(t *testing.T) {
	good := string(eventBytes(t, apiwatch.Added, exampleWorkload(1)))
	for name, c := range map[string]struct{ body, want string }{
		"not JSON":         {good + "banana", "invalid character"},
		"a wrong type":     {good + strings.Replace(good, `"queueName":"main"`, `"queueName":7`, 1), "cannot unmarshal number"},
		"an unknown event": {good + strings.Replace(good, "ADDED", "PAINTED", 1), `unknown type "PAINTED"`},
	} {
		events, err := watchAll(t, serveEvents(t, []byte(c.body)), "1")
		if err != nil || len(events) != 2 || events[1].Type != apiwatch.Error {
			t.Errorf("%s: events %+v, error %v", name, events, err)
			continue
		}
		if text := apierrors.FromObject(events[1].Object).Error(); !strings.Contains(text, c.want) {
			t.Errorf("%s: %s", name, text)
		}
	}
	if events, _ := watchAll(t, serveEvents(t, []byte(good+good[:40])), "1"); len(events) != 1 {
		t.Errorf("a watch cut off in an event has events %+v, want the one before", events)
	}
	if _, err := watchAll(t, serveEvents(t, nil), "old"); !apierrors.IsResourceExpired(err) {
		t.Errorf("a watch from a version that is gone: %v", err)
	}
}

// BenchmarkWorkloadEvents reads events one after the other, as client-go does
// and as the manager does.
func BenchmarkWorkloadEvents(b *testing.B) {
	body := bytes.Repeat(eventBytes(b, apiwatch.Modified, exampleWorkload(1)), 1000)
	for name, open := range map[string]func(io.ReadCloser) apiwatch.Decoder{
		"here":      func(r io.ReadCloser) apiwatch.Decoder { return newWorkloadEvents(r) },
		"client-go": clientGoEvents,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body) / 1000))
			for n := 0; n < b.N; {
				d := open(io.NopCloser(bytes.NewReader(body)))
				for ; n < b.N; n++ {
					if _, _, err := d.Decode(); err != nil {
						break
					}
				}
			}
		})
	}
}

func clientGoEvents(r io.ReadCloser) apiwatch.Decoder {
	codecs := serializer.NewCodecFactory(NewScheme()).WithoutConversion()
	info, _ := runtime.SerializerInfoForMediaType(codecs.SupportedMediaTypes(), runtime.ContentTypeJSON)
	frames := streaming.NewDecoder(info.StreamSerializer.NewFrameReader(r), info.StreamSerializer.Serializer)
	return restwatch.NewDecoder(frames, codecs.DecoderToVersion(info.Serializer, v1beta1.GroupVersion))
}
