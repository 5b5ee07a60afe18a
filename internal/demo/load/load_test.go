package load

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"fairlead.dev/fairlead/internal/demo/observer"
)

func TestDemoLoadIsWhatTheIssueAsksFor(t *testing.T) {
	counts := map[string]int{}
	for _, act := range Demo() {
		if err := act.Validate(); err != nil {
			t.Error(err)
		}
		if act.Title == "" || act.Look == "" {
			t.Errorf("act %s has no title or nothing to look for", act.Name)
		}
		for _, b := range act.Batches {
			cores := observer.Core
			if act.Name >= reclaimFrom {
				cores = 4 * observer.Core
			}
			if b.CPU != cores {
				t.Errorf("act %s: Jobs of %s cores, want %s", act.Name, b.CPU, cores)
			}
			counts[act.Name+" "+b.Group] += b.Count
		}
	}
	for batch, want := range map[string]int{"1 usatlas": 40, "1 osg": 20, "2 osg": 150, "3 usatlas": 150, "2 usatlas": 0, "3 osg": 0, "7 osg": 25, "8 usatlas": 15} {
		if counts[batch] != want {
			t.Errorf("act and group %s: %d Jobs, want %d", batch, counts[batch], want)
		}
	}
	if rules := DemoSite().Rules(); rules.Total() != 100*observer.Core || rules.Validate() != nil {
		t.Errorf("the rules give %s cores (%v), want 100", rules.Total(), rules.Validate())
	}
}

// Nobody may be stopped while the demo's load is played with a dying manager:
// its observer knows of no reclaim.
func TestCompressedStopsNobody(t *testing.T) {
	acts := Compressed()
	if len(acts) != 6 {
		t.Errorf("%d acts, want 6", len(acts))
	}
	for _, act := range acts {
		if act.Edit != nil || act.Validate() != nil {
			t.Errorf("act %s: edit %v, %v", act.Name, act.Edit, act.Validate())
		}
	}
}

// Cores must come free one after another, whatever number of Jobs starts at
// once: no two seconds may differ much in how many end.
func TestTimesAreSpreadEvenly(t *testing.T) {
	b := Batch{Shortest: 10 * time.Second, Longest: 20 * time.Second}
	for _, n := range []int{20, 100, 150} {
		var ends [10]int
		for i := range n {
			d := b.RunFor(i)
			if d < b.Shortest || d > b.Longest {
				t.Fatalf("Job %d runs for %s", i, d)
			}
			ends[min(9, int((d-b.Shortest)/time.Second))]++
		}
		for second, count := range ends {
			if count < n/10-2 || count > n/10+2 {
				t.Errorf("of %d Jobs %d end in second %d, want about %d", n, count, second, n/10)
			}
		}
	}
}

func TestUntil(t *testing.T) {
	groups := DemoSite().Rules().Groups
	loads := func(u, o observer.Load) []observer.Load { return []observer.Load{u, o} }
	busy := observer.Load{Running: 100 * observer.Core, ActiveJobs: 100, PendingJobs: 50}
	for name, tt := range map[string]struct {
		until     Until
		loads     []observer.Load
		submitted int
		want      bool
	}{
		"all done":              {Until{AllDone: true}, loads(observer.Load{DoneJobs: 40}, observer.Load{DoneJobs: 20}), 60, true},
		"one is not":            {Until{AllDone: true}, loads(observer.Load{DoneJobs: 40}, observer.Load{DoneJobs: 19, ActiveJobs: 1}), 60, false},
		"one was not seen yet":  {Until{AllDone: true}, loads(observer.Load{DoneJobs: 40}, observer.Load{DoneJobs: 19}), 60, false},
		"osg has all":           {Until{Running: map[string]observer.Milli{"osg": 100 * observer.Core}}, loads(observer.Load{}, busy), 150, true},
		"osg lacks one":         {Until{Running: map[string]observer.Milli{"osg": 101 * observer.Core}}, loads(observer.Load{}, busy), 150, false},
		"both wait":             {Until{NoneWaiting: []string{"usatlas", "osg"}}, loads(busy, busy), 300, false},
		"one does not wait":     {Until{NoneWaiting: []string{"usatlas", "osg"}}, loads(busy, observer.Load{ActiveJobs: 150}), 300, true},
		"the other's no matter": {Until{NoneWaiting: []string{"usatlas"}}, loads(busy, observer.Load{ActiveJobs: 150}), 300, false},
	} {
		if got := tt.until.Holds(groups, tt.loads, tt.submitted); got != tt.want {
			t.Errorf("%s: %t, want %t", name, got, tt.want)
		}
	}
}

func TestManifestOfTheSite(t *testing.T) {
	limit := 10 * observer.Core
	site := DemoSite()
	site.Prefix, site.Groups[1].Borrowing = "x-", &limit
	objects, err := site.Objects()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, o := range objects {
		kinds[o.GetKind()]++
		if o.GetName() == "x-osg" {
			spec, _ := o.MarshalJSON()
			for _, want := range []string{`"nominalQuota":"40"`, `"borrowingLimit":"10"`, `"cohortName":"x-wlcg"`} {
				if !strings.Contains(string(spec), want) {
					t.Errorf("ClusterQueue x-osg lacks %s: %s", want, spec)
				}
			}
		}
	}
	for kind, want := range map[string]int{"ClusterQueue": 3, "LocalQueue": 3, "Cohort": 2, "ResourceFlavor": 1, "Namespace": 3, "Role": 2} {
		if kinds[kind] != want {
			t.Errorf("%d of kind %s, want %d", kinds[kind], kind, want)
		}
	}
}

// server is a fake API server that gives Jobs UIDs, refuses names that are
// taken and may lose an answer.
func server(lose bool) *fake.Clientset {
	client := fake.NewClientset()
	var mu sync.Mutex
	lost := map[string]bool{}
	client.PrependReactor("create", "jobs", func(a clienttesting.Action) (bool, runtime.Object, error) {
		mu.Lock()
		defer mu.Unlock()
		job := a.(clienttesting.CreateAction).GetObject().(*batchv1.Job)
		if lost[job.Name] {
			return true, nil, apierrors.NewAlreadyExists(batchv1.Resource("jobs"), job.Name)
		}
		job.UID = types.UID("uid-" + job.Name)
		if lose {
			lost[job.Name] = true
			if err := client.Tracker().Add(job); err != nil {
				return true, nil, err
			}
			return true, nil, apierrors.NewTimeoutError("no answer", 1)
		}
		return false, nil, nil
	})
	return client
}

func TestSubmitWritesWhatTheServerAccepted(t *testing.T) {
	for _, lose := range []bool{false, true} {
		var out bytes.Buffer
		manifest := observer.NewManifestWriter(&out)
		client := server(lose)
		s := &Submitter{Site: DemoSite(), Manifest: manifest, Workers: 4, Clients: map[string]kubernetes.Interface{"osg": client}}
		act := Act{Name: "2", Batches: []Batch{{Group: "osg", Count: 30, CPU: observer.Core, Shortest: time.Second, Longest: time.Second}}}
		if err := s.Submit(t.Context(), act); err != nil {
			t.Fatal(err)
		}
		if err := manifest.Close(); err != nil {
			t.Fatal(err)
		}
		read, err := observer.ReadManifest(&out)
		if err != nil || len(read.Faults) > 0 {
			t.Fatal(err, read.Faults)
		}
		if len(read.Jobs) != 30 || s.Submitted() != 30 || len(read.Acts) != 1 {
			t.Errorf("answers lost %t: %d Jobs of %d acts in the manifest, want 30 of 1", lose, len(read.Jobs), len(read.Acts))
		}
		for _, job := range read.Jobs {
			if job.UID != "uid-"+job.Name || job.Act != "2" || job.Namespace != "osg" {
				t.Errorf("a Job in the manifest: %+v", job)
			}
		}
	}
}

func TestSubmitStopsAtARefusal(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("create", "jobs", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(batchv1.Resource("jobs"), "", errors.New("the policy says no"))
	})
	s := &Submitter{Site: DemoSite(), Manifest: observer.NewManifestWriter(&bytes.Buffer{}), Workers: 4,
		Clients: map[string]kubernetes.Interface{"osg": client}}
	act := Act{Name: "2", Batches: []Batch{{Group: "osg", Count: 30, CPU: observer.Core, Shortest: 1, Longest: 1}}}
	if err := s.Submit(t.Context(), act); err == nil || !strings.Contains(err.Error(), "the policy says no") {
		t.Errorf("error %v; want the server's own words", err)
	}
}
