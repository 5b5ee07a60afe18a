package simulation

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/internal/demo/load"
	"fairlead.dev/fairlead/internal/demo/observer"
	"fairlead.dev/fairlead/internal/sandbox"
	"fairlead.dev/fairlead/internal/simulate"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller"
	"fairlead.dev/fairlead/pkg/simulation/record"
)

// job is one of the scenario's.
type job struct {
	group string
	cores int64
	run   time.Duration
}

// scenario has 4 cores, 2 of each group. A job of a keeps 2 cores for longer
// than all small ones take one after another on the other 2, so that which job
// ends next does not depend on how long a real cluster takes to start and end
// pods. Who starts then is the scheduler's choice: by share, time and UID, past
// those that do not fit.
var scenario = []job{
	{"a", 2, 45 * time.Second},
	{"b", 2, time.Second}, {"b", 2, time.Second}, {"b", 4, time.Second}, {"b", 2, time.Second},
	{"a", 2, time.Second}, {"a", 4, time.Second}, {"a", 2, time.Second}, {"a", 1, time.Second}, {"b", 2, time.Second},
}

// firstJob is admitted before the others are submitted: which of the jobs of
// one second comes first is the UID's choice.
const firstJob = 0

// TestVirtualAndLiveAdmitInTheSameOrder takes the state of a sandbox with
// waiting Jobs, simulates it, lets the manager loose on the same Jobs, and
// compares. What the manager has recorded is replayed here.
func TestVirtualAndLiveAdmitInTheSameOrder(t *testing.T) {
	recording := filepath.Join(t.TempDir(), "recording.jsonl")
	cluster := up(t, recording)
	c := adminClient(t, cluster)
	ctx := t.Context()
	install(t, c)
	for i := range scenario {
		if i == firstJob+1 {
			eventually(t, "the long job is admitted", func(ctx context.Context) (bool, error) { return admitted(ctx, c, name(firstJob)) })
			stopQueues(t, c, v1beta1.StopPolicyHold)
		}
		j := scenario[i]
		if err := c.Create(ctx, load.NewJob(j.group, name(i), observer.Milli(j.cores)*observer.Core, j.run)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "every Job has its Workload", func(ctx context.Context) (bool, error) {
		var list v1beta1.WorkloadList
		err := c.List(ctx, &list)
		return len(list.Items) == len(scenario), err
	})
	if err := cluster.StopManager(ctx); err != nil {
		t.Fatal(err)
	}
	stopQueues(t, c, v1beta1.StopPolicyNone)
	virtual := simulated(t, c)
	explained(t, cluster, c)

	if err := cluster.StartManager(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "every Job is complete", func(ctx context.Context) (bool, error) {
		var list batchv1.JobList
		err := c.List(ctx, &list)
		complete := 0
		for _, j := range list.Items {
			complete += int(j.Status.Succeeded)
		}
		return complete == len(scenario), err
	})
	if err := cluster.StopManager(ctx); err != nil {
		t.Fatal(err)
	}
	live := replayed(t, c, recording)
	if len(virtual) != len(scenario)-1 || strings.Join(virtual, " ") != strings.Join(live, " ") {
		t.Errorf("order of admissions\nvirtual %v\nlive    %v", virtual, live)
	}
}

func name(i int) string { return fmt.Sprintf("job-%02d", i) }

// up brings a sandbox up whose manager records.
func up(t *testing.T, recording string) *sandbox.Cluster {
	t.Helper()
	config := filepath.Join(t.TempDir(), "manager.yaml")
	text := "apiVersion: config.fairlead.dev/v1beta1\nkind: Configuration\nleaderElection: {leaderElect: false}\nrecording: {path: " + recording + "}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster, err := sandbox.Up(t.Context(), sandbox.Options{
		Name: fmt.Sprintf("virtual-%d", os.Getpid()), Nodes: []sandbox.NodeGroup{{Count: 2, CPU: "8", Memory: "32Gi"}},
		ManagerConfig: config, Output: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

func adminClient(t *testing.T, cluster *sandbox.Cluster) client.Client {
	t.Helper()
	config, err := cluster.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(config, client.Options{Scheme: controller.NewScheme()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// install makes two groups with 2 cores each in one cohort.
func install(t *testing.T, c client.Client) {
	t.Helper()
	objects := []client.Object{
		&v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: "plain"}},
		&v1beta1.Cohort{ObjectMeta: metav1.ObjectMeta{Name: "all"}},
	}
	for _, group := range []string{"a", "b"} {
		objects = append(objects,
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: group}},
			&v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: group}, Spec: v1beta1.ClusterQueueSpec{
				CohortName: "all", NamespaceSelector: &metav1.LabelSelector{},
				ResourceGroups: []v1beta1.ResourceGroup{{CoveredResources: []corev1.ResourceName{"cpu"}, Flavors: []v1beta1.FlavorQuotas{{
					Name: "plain", Resources: []v1beta1.ResourceQuota{{Name: "cpu", NominalQuota: resource.MustParse("2")}}}}}},
			}},
			&v1beta1.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: group, Name: load.QueueName}, Spec: v1beta1.LocalQueueSpec{ClusterQueue: v1beta1.ClusterQueueReference(group)}})
	}
	for _, o := range objects {
		if err := c.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

// stopQueues holds both queues, or opens them.
func stopQueues(t *testing.T, c client.Client, policy v1beta1.StopPolicy) {
	t.Helper()
	for _, group := range []string{"a", "b"} {
		eventually(t, "the queue "+group+" is changed", func(ctx context.Context) (bool, error) {
			var cq v1beta1.ClusterQueue
			if err := c.Get(ctx, client.ObjectKey{Name: group}, &cq); err != nil {
				return false, err
			}
			cq.Spec.StopPolicy = policy
			return c.Update(ctx, &cq) == nil, nil
		})
	}
}

func admitted(ctx context.Context, c client.Client, jobName string) (bool, error) {
	var list v1beta1.WorkloadList
	if err := c.List(ctx, &list); err != nil {
		return false, err
	}
	for i := range list.Items {
		if owner(&list.Items[i]) == jobName {
			return meta.IsStatusConditionTrue(list.Items[i].Status.Conditions, v1beta1.WorkloadAdmitted), nil
		}
	}
	return false, nil
}

// owner is the name of the Job that a Workload stands for.
func owner(wl *v1beta1.Workload) string {
	for _, o := range wl.OwnerReferences {
		return o.Name
	}
	return ""
}

// simulated is the order in which a simulation of the cluster's state admits.
func simulated(t *testing.T, c client.Client) []string {
	t.Helper()
	runs := map[string]time.Duration{}
	for i, j := range scenario {
		runs[name(i)] = j.run
	}
	state, err := simulate.ReadCluster(t.Context(), c, "the sandbox", func(wl *v1beta1.Workload) time.Duration { return runs[owner(wl)] }, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s, err := simulate.Run(state.Set, state.Jobs, simulate.Options{Resource: "cpu", Begin: state.Begin, DecisionLog: &log})
	if err != nil {
		t.Fatal(err)
	}
	if s.Summary.All.Ended != len(scenario) {
		t.Errorf("%d of %d jobs ended in the simulation", s.Summary.All.Ended, len(scenario))
	}
	t.Logf("simulated:\n%s", log.String())
	names := owners(t, c)
	var order []string
	for line := range strings.Lines(log.String()) {
		if _, rest, ok := strings.Cut(line, ` admit "`); ok {
			uid, _, _ := strings.Cut(rest, `"`)
			order = append(order, names[uid])
		}
	}
	return order
}

// replayed is the order in which the manager admitted, as it decided again
// here what it has recorded.
func replayed(t *testing.T, c client.Client, recording string) []string {
	t.Helper()
	file, err := os.Open(recording)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	names := owners(t, c)
	var order []string
	summary, err := record.Replay(file, func(_ int64, d admission.Decision) {
		if a, ok := d.(admission.Admit); ok {
			order = append(order, names[a.UID])
		}
	})
	if err != nil {
		t.Fatalf("what the manager recorded: %v", err)
	}
	t.Logf("the manager's recording: %+v", summary)
	return order
}

// owners are the names of Jobs by the UIDs of their Workloads.
func owners(t *testing.T, c client.Client) map[string]string {
	t.Helper()
	var list v1beta1.WorkloadList
	if err := c.List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for i := range list.Items {
		names[string(list.Items[i].UID)] = owner(&list.Items[i])
	}
	return names
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, is func(context.Context) (bool, error)) {
	t.Helper()
	if err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 4*time.Minute, true, is); err != nil {
		t.Fatalf("waiting until %s: %v", what, err)
	}
}
