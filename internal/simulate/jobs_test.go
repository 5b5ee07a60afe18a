package simulate

import (
	"strings"
	"testing"

	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// Queues of a trace that are no LocalQueues are dealt out, the largest first,
// to where most quota is left.
func TestAssign(t *testing.T) {
	set, err := DefaultQueues()
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := trace.ReadJSONLines(strings.NewReader(`
{"submit":0,"run":100,"queue":"osg","cores":1}
{"submit":0,"run":100,"queue":"dune/dune","cores":1}
{"submit":0,"run":100,"queue":"big","cores":100}
{"submit":0,"run":100,"queue":"bigger","cores":300}`))
	if err != nil {
		t.Fatal(err)
	}
	queues, notes := Assign(jobs, set)
	var got []string
	for i, q := range queues {
		got = append(got, jobs.Queues[i]+"="+q.Name)
	}
	if want := "osg=osg dune/dune=dune big=belle2 bigger=usatlas"; strings.Join(got, " ") != want || len(notes) != 2 {
		t.Errorf("got %v, want %s; notes %v", got, want, notes)
	}
}

// Without queues, a trace gets some that are as large as its machine.
func TestQueuesForATrace(t *testing.T) {
	var text strings.Builder
	text.WriteString("; MaxProcs: 100\n")
	line := func(group, processors string) {
		text.WriteString("1 0 -1 100 " + processors + " -1 -1 -1 -1 -1 1 1 " + group + " -1 1 1 -1 -1\n")
	}
	line("1", "60")
	line("2", "30")
	for _, group := range strings.Fields("3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20") {
		line(group, "1")
	}
	jobs, err := trace.ReadSWF(strings.NewReader(text.String()), trace.ByGroup)
	if err != nil {
		t.Fatal(err)
	}
	for cores, want := range map[int64]float64{0: 100_000, 40_000: 40_000} {
		set, err := QueuesFor(jobs, cores)
		if err != nil {
			t.Fatal(err)
		}
		nominal := set.nominal()
		if set.Capacity() != want || nominal["group-1"] < nominal["group-2"] || len(set.LocalQueues) != mostOwnQueues+1 {
			t.Errorf("%d cores: capacity %g, %v", cores, set.Capacity(), nominal)
		}
		if _, notes := Assign(jobs, set); len(notes) != 20-mostOwnQueues {
			t.Errorf("%d cores: notes %v", cores, notes)
		}
	}
	jobs.MaxCores = 0
	set, err := QueuesFor(jobs, 0)
	if err != nil || set.Capacity() < 60_000 {
		t.Errorf("no size known: %v, %g", err, set.Capacity())
	}
}

func TestQueueSets(t *testing.T) {
	const list = `apiVersion: v1
kind: List
items:
- {apiVersion: fairlead.dev/v1beta1, kind: ResourceFlavor, metadata: {name: f}}
- apiVersion: fairlead.dev/v1beta1
  kind: ClusterQueue
  metadata: {name: q}
  spec:
    namespaceSelector: {matchLabels: {team: a}}
    resourceGroups: [{coveredResources: [cpu], flavors: [{name: f, resources: [{name: cpu, nominalQuota: 4}]}]}]
- {apiVersion: fairlead.dev/v1beta1, kind: LocalQueue, metadata: {name: l, namespace: ns}, spec: {clusterQueue: q}}
- {apiVersion: v1, kind: Namespace, metadata: {name: ns, labels: {team: a}}}
- {apiVersion: config.fairlead.dev/v1beta1, kind: Configuration, fairSharing: {enable: false}}
`
	set, err := ParseQueues("list", []byte(list))
	if err != nil {
		t.Fatal(err)
	}
	if set.Config.FairSharing || set.Config.Preemption == nil || len(set.LocalQueues) != 1 || set.Capacity() != 4000 {
		t.Errorf("got %+v", set)
	}
	if _, err := ParseQueues("twice", []byte(list+"---\n"+list)); err == nil || !strings.Contains(err.Error(), "given twice") {
		t.Errorf("got %v", err)
	}
}
