package observer

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func oneCore() corev1.PodSpec {
	return corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}}}}}
}

func aJob(namespace, version string, suspend bool) *batchv1.Job {
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "j", UID: "u", ResourceVersion: version},
		Spec:       batchv1.JobSpec{Suspend: &suspend, Template: corev1.PodTemplateSpec{Spec: oneCore()}},
	}
}

func aPod(version string, phase corev1.PodPhase) *corev1.Pod {
	yes := true
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "osg", Name: "p", UID: "pu", ResourceVersion: version,
			OwnerReferences: []metav1.OwnerReference{{Kind: "Job", UID: "u", Controller: &yes}}},
		Spec: oneCore(), Status: corev1.PodStatus{Phase: phase},
	}
}

// recorded runs a Recorder over watches that the test feeds, until the text
// shows up in the recording, and returns the whole recording.
func recorded(t *testing.T, jobs, pods []watch.Interface, until string) *Recording {
	t.Helper()
	client := fake.NewClientset()
	feed := func(resource string, watches []watch.Interface) {
		client.PrependWatchReactor(resource, func(clienttesting.Action) (bool, watch.Interface, error) {
			if len(watches) == 0 {
				return true, watch.NewFake(), nil
			}
			next := watches[0]
			watches = watches[1:]
			return true, next, nil
		})
	}
	feed("jobs", jobs)
	feed("pods", pods)
	var out syncBuffer
	writer, err := NewWriter(&out, "fake")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out.onWrite = func(all string) {
		if strings.Contains(all, until) {
			cancel()
		}
	}
	if err := (&Recorder{Client: client, Rules: demoRules(), Writer: writer}).Run(ctx, func() {}); err != nil {
		t.Fatal(err)
	}
	rec, err := ReadRecording(bytes.NewReader([]byte(out.String())))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func events(list ...watch.Event) watch.Interface {
	w := watch.NewFakeWithChanSize(len(list), false)
	for _, e := range list {
		w.Action(e.Type, e.Object)
	}
	return w
}

func ended(list ...watch.Event) watch.Interface {
	w := events(list...)
	w.Stop()
	return w
}

func TestRecorderWritesWhatGroupsOwn(t *testing.T) {
	done := aJob("osg", "30", false)
	done.Status.Succeeded = 1
	done.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}
	rec := recorded(t,
		[]watch.Interface{
			ended(watch.Event{Type: watch.Added, Object: aJob("elsewhere", "9", true)}, watch.Event{Type: watch.Added, Object: aJob("osg", "10", true)}),
			events(watch.Event{Type: watch.Modified, Object: aJob("osg", "20", false)}, watch.Event{Type: watch.Modified, Object: done}),
		},
		[]watch.Interface{events(watch.Event{Type: watch.Added, Object: aPod("25", corev1.PodRunning)})},
		`"finished":"Complete"`)
	if len(rec.Faults) > 0 {
		t.Errorf("faults %q; want none, the first watch ended cleanly", rec.Faults)
	}
	replay := NewReplay(demoRules())
	for _, one := range rec.Records {
		replay.Apply(one)
	}
	job := replay.Job("u")
	if len(replay.Jobs()) != 1 || job == nil || !job.Born || job.BornRunning || len(job.Starts) != 1 || job.Starts[0].RV != 20 {
		t.Errorf("jobs %+v; want one, born suspended, started at version 20", job)
	}
	if job.Outcome != "Complete" || job.shape != 0 {
		t.Errorf("outcome %q, holds %s; want a Complete Job that holds nothing", job.Outcome, job.shape)
	}
}

func TestRecorderAdmitsToAGap(t *testing.T) {
	expired := apierrors.NewResourceExpired("too old").Status()
	rec := recorded(t,
		[]watch.Interface{ended(watch.Event{Type: watch.Error, Object: &expired})},
		nil, `"gap"`)
	if !slices.ContainsFunc(rec.Faults, func(f string) bool { return strings.Contains(f, "missed events") }) {
		t.Errorf("faults %q; want the gap among them", rec.Faults)
	}
}

func TestRecorderSaysWhatItLacks(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(corev1.Resource("pods"), "", nil)
	})
	var out syncBuffer
	writer, err := NewWriter(&out, "fake")
	if err != nil {
		t.Fatal(err)
	}
	err = (&Recorder{Client: client, Rules: demoRules(), Writer: writer}).Run(t.Context(), func() {})
	if err == nil || !strings.Contains(err.Error(), "needs list and watch on jobs and pods") {
		t.Errorf("error %v; want one that says what is needed", err)
	}
}

type syncBuffer struct {
	mu      sync.Mutex
	data    bytes.Buffer
	onWrite func(string)
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.data.Write(p)
	if b.onWrite != nil {
		b.onWrite(b.data.String())
	}
	return n, err
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.data.String()
}
