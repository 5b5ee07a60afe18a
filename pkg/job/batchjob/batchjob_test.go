package batchjob

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/job"
)

func number(n int32) *int32 { return &n }

func newJob() *batchv1.Job {
	yes := true
	j := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "osg", Name: "sim", UID: "u1", Generation: 1,
		Labels: map[string]string{v1beta1.QueueLabel: "main"}}}
	j.Spec.Suspend = &yes
	j.Spec.Parallelism, j.Spec.Completions = number(4), number(4)
	j.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "busybox"}}
	return j
}

func TestPodCount(t *testing.T) {
	failed := "1,3-5"
	for name, c := range map[string]struct {
		parallelism int32
		completions *int32
		status      batchv1.JobStatus
		want        int32
	}{
		"plain":                       {4, number(4), batchv1.JobStatus{}, 4},
		"fewer completions":           {4, number(2), batchv1.JobStatus{}, 2},
		"some succeeded":              {4, number(10), batchv1.JobStatus{Succeeded: 8}, 2},
		"indexes failed for good":     {4, number(10), batchv1.JobStatus{Succeeded: 5, FailedIndexes: &failed}, 1},
		"more done than asked for":    {4, number(2), batchv1.JobStatus{Succeeded: 3}, 0},
		"work queue":                  {4, nil, batchv1.JobStatus{}, 4},
		"work queue that has success": {4, nil, batchv1.JobStatus{Succeeded: 1}, 0},
		"no pods":                     {0, number(3), batchv1.JobStatus{}, 0},
	} {
		if got := PodCount(c.parallelism, c.completions, &c.status); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestCountIndexes(t *testing.T) {
	for list, want := range map[string]int64{"": 0, "7": 1, "0-9": 10, "1,3-5,7": 5, "5-3": 0, "x": 0, "1,x-2,4": 2} {
		if got := CountIndexes(list); got != want {
			t.Errorf("%q: %d, want %d", list, got, want)
		}
	}
}

func TestNeeds(t *testing.T) {
	failed := "3"
	for name, c := range map[string]struct {
		parallelism  int32
		completions  *int32
		status       batchv1.JobStatus
		wanted, pods int32
	}{
		"it has just begun":              {4, number(10), batchv1.JobStatus{Active: 4}, 4, 4},
		"more remains than runs at once": {4, number(10), batchv1.JobStatus{Succeeded: 6, Active: 4}, 4, 4},
		"less remains":                   {4, number(10), batchv1.JobStatus{Succeeded: 7, Active: 4}, 3, 3},
		"one index failed for good":      {4, number(4), batchv1.JobStatus{Succeeded: 1, FailedIndexes: &failed}, 2, 2},
		"parallelism was lowered":        {1, number(4), batchv1.JobStatus{Active: 1}, 1, 1},
		"parallelism was lowered to 0":   {0, number(4), batchv1.JobStatus{}, 0, 0},
		"work queue":                     {4, nil, batchv1.JobStatus{Active: 4}, 4, 4},
		"work queue that runs dry":       {4, nil, batchv1.JobStatus{Succeeded: 1, Active: 2, Terminating: number(1)}, 0, 3},
	} {
		j := newJob()
		j.Spec.Parallelism, j.Spec.Completions, j.Status = &c.parallelism, c.completions, c.status
		want := []job.PodSetNeeds{{Name: "main", Wanted: c.wanted, Pods: c.pods}}
		if got := (Kind{}).Needs(j); !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// TestPartialAdmissionLeavesEditsAlone: who lowers the parallelism of a Job
// that runs with fewer pods than it asked for is not overruled on stop.
func TestPartialAdmissionLeavesEditsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := newJob()
		given, edited := rapid.Int32Range(1, 3).Draw(t, "given"), rapid.Int32Range(0, 4).Draw(t, "edited")
		patch, _ := Kind{}.Start(j, job.Start{Workload: "w1", PodSets: []job.PodSetStart{{Name: "main", Count: given}}})
		running := apply(t, j, patch)
		if *running.Spec.Parallelism != given {
			t.Fatalf("started with %d pods, given %d", *running.Spec.Parallelism, given)
		}
		running.Spec.Parallelism = &edited
		want := edited
		if edited == given {
			want = 4
		}
		sets, err := Kind{}.PodSets(running)
		if err != nil || sets[0].Count != want {
			t.Fatalf("asks for %d pods (%v), want %d", sets[0].Count, err, want)
		}
		stopped := apply(t, running, Kind{}.Suspend(running))
		if after := apply(t, stopped, Kind{}.Restore(stopped)); *after.Spec.Parallelism != want {
			t.Fatalf("restored to %d pods, want %d", *after.Spec.Parallelism, want)
		}
	})
}

func TestMinParallelism(t *testing.T) {
	for annotation, want := range map[string]int32{"2": 2, "4": 0, "9": 0} {
		j := newJob()
		j.Annotations = map[string]string{v1beta1.JobMinParallelismAnnotation: annotation}
		sets, err := Kind{}.PodSets(j)
		if err != nil {
			t.Fatal(err)
		}
		got := int32(0)
		if sets[0].MinCount != nil {
			got = *sets[0].MinCount
		}
		if got != want {
			t.Errorf("%q: minCount %d, want %d", annotation, got, want)
		}
	}
	for _, annotation := range []string{"0", "-1", "half", ""} {
		j := newJob()
		j.Annotations = map[string]string{v1beta1.JobMinParallelismAnnotation: annotation}
		if _, err := (Kind{}).PodSets(j); err == nil || !strings.Contains(err.Error(), "job osg/sim") || !strings.Contains(err.Error(), "or remove it") {
			t.Errorf("%q: %v", annotation, err)
		}
	}
}

func TestState(t *testing.T) {
	j := newJob()
	state := Kind{}.State(j)
	if state.Queue != "main" || !state.Suspended || !state.Idle || state.Finished != nil || state.Injected != nil {
		t.Errorf("a new Job: %+v", state)
	}
	now := metav1.Now()
	j.Status.StartTime = &now
	if (Kind{}).State(j).Idle {
		t.Error("idle although the job controller has not seen the suspension")
	}
	j.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobSuspended, Status: corev1.ConditionTrue}}
	if !(Kind{}).State(j).Idle {
		t.Error("not idle although the job controller has seen the suspension")
	}
	j.Status.Terminating = number(1)
	if state := (Kind{}).State(j); state.Idle || !state.Stopped {
		t.Errorf("a pod is still terminating: idle %t, stopped %t", state.Idle, state.Stopped)
	}
	j.Status.Active = 1
	if (Kind{}).State(j).Stopped {
		t.Error("stopped although a pod is active")
	}
	j.Status.Active = 0
	j.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobSuccessCriteriaMet, Status: corev1.ConditionTrue}}
	if (Kind{}).State(j).Finished != nil {
		t.Error("finished although pods may be left")
	}
	j.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, Message: "too bad"}}
	if end := (Kind{}).State(j).Finished; end == nil || end.Succeeded || end.Message != "too bad" {
		t.Errorf("a failed Job: %+v", end)
	}
}

func TestMaxExecutionIsTheSmallestLimit(t *testing.T) {
	const none = 0
	for name, c := range map[string]struct {
		label      string
		job, pods  int64 // activeDeadlineSeconds, -1 for unset
		limit, own int32
		warned     bool
	}{
		"none":                           {"", -1, -1, none, none, false},
		"the label":                      {"3600", 7200, 1 << 40, 3600, 7200, false},
		"the Job":                        {"3600", 60, 90, 60, 60, false},
		"the pods":                       {"3600", 7200, 90, 90, 90, false},
		"a typo of 26 days":              {"", -1, 4 * 24 * 23600, 2265600, 2265600, false},
		"beyond counting":                {"", 1 << 40, -1, 1<<31 - 1, 1<<31 - 1, false},
		"the largest label":              {"2147483647", -1, -1, 1<<31 - 1, none, false},
		"a label that is a fruit":        {"banana", 7200, -1, 7200, 7200, true},
		"a label of 0":                   {"0", -1, -1, none, none, true},
		"a negative label":               {"-5", -1, 90, 90, 90, true},
		"a label too large":              {"2147483648", -1, -1, none, none, true},
		"a Job that ends when it starts": {"60", 0, -1, 60, none, false},
	} {
		j := newJob()
		if c.label != "" {
			j.Labels[v1beta1.MaxExecTimeSecondsLabel] = c.label
		}
		if c.job >= 0 {
			j.Spec.ActiveDeadlineSeconds = &c.job
		}
		if c.pods >= 0 {
			j.Spec.Template.Spec.ActiveDeadlineSeconds = &c.pods
		}
		state := Kind{}.State(j)
		if got := valueOr(state.MaxExecutionSeconds, none); got != c.limit {
			t.Errorf("%s: limit %d, want %d", name, got, c.limit)
		}
		if got := valueOr(state.OwnDeadlineSeconds, none); got != c.own {
			t.Errorf("%s: own deadline %d, want %d", name, got, c.own)
		}
		if warned := strings.Contains(state.Warning, c.label+`" and does not count`); warned != c.warned {
			t.Errorf("%s: warning %q", name, state.Warning)
		}
	}
}

func valueOr(p *int32, none int32) int32 {
	if p == nil {
		return none
	}
	return *p
}

func TestTrimForgetsTemplatesOfOthers(t *testing.T) {
	j := newJob()
	j.Labels = nil
	j.Annotations = map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "long"}
	Kind{}.Trim(j)
	if len(j.Spec.Template.Spec.Containers) != 0 {
		t.Error("the template of a Job without queue is kept")
	}
	if value, has := j.Annotations["kubectl.kubernetes.io/last-applied-configuration"]; !has || value != "" {
		t.Error("an annotation must stay known, its value not")
	}
}

// apply applies a patch as the API server does.
func apply(t *rapid.T, j *batchv1.Job, patch []byte) *batchv1.Job {
	raw, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatal(err)
	}
	patched, err := decoded.Apply(raw)
	if err != nil {
		t.Fatalf("patch %s on %s: %v", patch, raw, err)
	}
	after := &batchv1.Job{}
	if err := json.Unmarshal(patched, after); err != nil {
		t.Fatal(err)
	}
	return after
}

func TestRestoreUndoesStart(t *testing.T) {
	labels := rapid.MapOf(rapid.SampledFrom([]string{"a", "b/c"}), rapid.SampledFrom([]string{"x", "y"}))
	tolerations := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"t", "u"}), 0, 2, rapid.ID[string])
	asTolerations := func(names []string) (list []corev1.Toleration) {
		for _, name := range names {
			list = append(list, corev1.Toleration{Key: name, Operator: corev1.TolerationOpExists})
		}
		return list
	}
	rapid.Check(t, func(t *rapid.T) {
		before := newJob()
		before.Spec.Template.Spec.NodeSelector = labels.Draw(t, "selector")
		before.Spec.Template.Spec.Tolerations = asTolerations(tolerations.Draw(t, "tolerations"))
		if rapid.Bool().Draw(t, "annotated") {
			before.Annotations = map[string]string{"kept": "yes"}
		}
		count := rapid.Int32Range(1, 4).Draw(t, "count")
		patch, conflict := Kind{}.Start(before, job.Start{Workload: "w1", PodSets: []job.PodSetStart{{
			Name: "main", Count: count, NodeSelector: labels.Draw(t, "flavor"), Tolerations: asTolerations(tolerations.Draw(t, "flavor tolerations")),
		}}})
		if conflict != nil {
			return
		}
		running := apply(t, before, patch)
		if *running.Spec.Suspend || *running.Spec.Parallelism != count {
			t.Fatalf("not started with %d pods: %+v", count, running.Spec)
		}
		if in := (Kind{}).State(running).Injected; in == nil || in.Workload != "w1" {
			t.Fatalf("the injection is not recorded: %v", running.Annotations)
		}
		was, err := Kind{}.PodSets(before)
		if err != nil {
			t.Fatal(err)
		}
		is, err := Kind{}.PodSets(running)
		if err != nil || !job.SameShape(was, is) {
			t.Fatalf("a start changes the shape: %v", err)
		}
		running.Generation = 2
		stopped := apply(t, running, Kind{}.Suspend(running))
		stopped.Generation = 3
		after := apply(t, stopped, Kind{}.Restore(stopped))
		after.Generation = before.Generation
		if !equality.Semantic.DeepEqual(before, after) {
			t.Fatalf("not as it was:\n%+v\n%+v", before, after)
		}
	})
}

func TestPatchesTestWhatTheyWereMadeFor(t *testing.T) {
	for name, change := range map[string]func(*batchv1.Job){
		"another Job":        func(j *batchv1.Job) { j.UID = "u2" },
		"edited":             func(j *batchv1.Job) { j.Generation++ },
		"in another queue":   func(j *batchv1.Job) { j.Labels[v1beta1.QueueLabel] = "other" },
		"annotated meantime": func(j *batchv1.Job) { j.Annotations = map[string]string{"new": "yes"} },
	} {
		patch, _ := Kind{}.Start(newJob(), job.Start{Workload: "w1"})
		j := newJob()
		change(j)
		raw, err := json.Marshal(j)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := jsonpatch.DecodePatch(patch)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decoded.Apply(raw); err == nil {
			t.Errorf("%s: the patch was applied", name)
		}
	}
}

func TestLabelAliases(t *testing.T) {
	k := Kind{Aliases: []string{"kueue.x-k8s.io"}}
	j := newJob()
	j.Labels = map[string]string{"kueue.x-k8s.io/queue-name": "reana", "kueue.x-k8s.io/priority-class": "gold", "kueue.x-k8s.io/max-exec-time-seconds": "60"}
	k.Trim(j)
	state := k.State(j)
	if state.Queue != "reana" || state.PriorityClass != "gold" || *state.MaxExecutionSeconds != 60 || len(j.Spec.Template.Spec.Containers) == 0 {
		t.Errorf("by alias: %+v", state)
	}
	if other := (Kind{}).State(j); other.Queue != "" {
		t.Errorf("without alias: %+v", other)
	}
	j.Labels[v1beta1.QueueLabel] = "main"
	if state := k.State(j); state.Queue != "main" {
		t.Errorf("our own label comes first: %+v", state)
	}
}
