package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// ownHome gives the test a state directory of its own and makes sure, however
// the test ends, that no process of a sandbox in it is left.
func ownHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv(HomeEnv, home)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		names, _ := stateNames(home)
		for _, name := range names {
			if err := down(ctx, home, name); err != nil && !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
		}
		if left := processesOf(t, home); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
	})
	return home
}

// processesOf finds the processes whose command line or environment names the
// state directory: a way that shares nothing with how sandboxes are ended.
func processesOf(t *testing.T, home string) (found []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() == fmt.Sprint(os.Getpid()) {
			continue
		}
		command, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		environ, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		if bytes.Contains(command, []byte(home)) || bytes.Contains(environ, []byte(home)) {
			found = append(found, entry.Name()+": "+strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return found
}

// eventually waits for a condition, for as long as a loaded machine may take.
func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	if err := poll(t.Context(), time.Minute, check); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func mustUp(t *testing.T, o Options) *Cluster {
	t.Helper()
	o.Output = t.Output()
	cluster, err := Up(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

// clientOf reads the kubeconfig that the sandbox has written, as a user would.
func clientOf(t *testing.T, path string) kubernetes.Interface {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestPlainCluster takes one sandbox through all that can be done with it.
func TestPlainCluster(t *testing.T) {
	home := ownHome(t)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	options := Options{
		Name: "plain", Kubeconfig: file, WithoutManifests: true,
		Nodes: []NodeGroup{{Count: 3, CPU: "20", Memory: "64Gi", Labels: map[string]string{"pool": "a"}}},
	}
	cluster := mustUp(t, options)
	client := clientOf(t, file)

	t.Run("nodes", func(t *testing.T) { checkNodes(t, cluster, client) })
	t.Run("pods run as annotated", func(t *testing.T) { checkPods(t, client) })
	t.Run("audit log", func(t *testing.T) { checkAuditLog(t, cluster) })
	t.Run("loopback only", func(t *testing.T) { checkListeners(t, cluster) })
	t.Run("up twice harms nothing", func(t *testing.T) {
		before, err := cluster.Processes()
		if err != nil {
			t.Fatal(err)
		}
		_, err = Up(t.Context(), options)
		if !errors.Is(err, ErrRunning) || !strings.Contains(err.Error(), "export KUBECONFIG="+file) ||
			!strings.Contains(err.Error(), "sandbox down --name plain") {
			t.Errorf("got %v", err)
		}
		after, err := cluster.Processes()
		if err != nil || len(after) != len(controlPlanePrograms) || fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("processes were %v and are %v, %v", before, after, err)
		}
		if _, err := client.CoreV1().Namespaces().Get(t.Context(), "default", metav1.GetOptions{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("its port and its kubeconfig are not given away", func(t *testing.T) {
		s, err := loadState(home, "plain")
		if err != nil {
			t.Fatal(err)
		}
		_, err = Up(t.Context(), Options{Name: "other", Port: s.Ports.APIServer, WithoutManifests: true})
		if !errors.Is(err, ErrPortBusy) || !strings.Contains(err.Error(), fmt.Sprint(s.Ports.APIServer)) {
			t.Errorf("got %v", err)
		}
		_, err = Up(t.Context(), Options{Name: "other", Kubeconfig: file, WithoutManifests: true})
		if err == nil || !strings.Contains(err.Error(), `belongs to sandbox "plain"`) {
			t.Errorf("got %v", err)
		}
		if isDir(filepath.Join(home, "other")) {
			t.Error("a refused sandbox leaves its directory")
		}
	})
	t.Run("list", func(t *testing.T) {
		if got := statusOf(t, "plain"); got.Condition != Running || got.Nodes != 5 || got.Manager != "none" || got.Kubeconfig != file {
			t.Errorf("got %+v", got)
		}
		alive, err := cluster.Processes()
		if err != nil {
			t.Fatal(err)
		}
		if err := end(t.Context(), []Process{alive["kube-scheduler"]}, 0); err != nil {
			t.Fatal(err)
		}
		if got := statusOf(t, "plain"); got.Condition != Partial || !strings.Contains(got.Remedy, "down --name plain") {
			t.Errorf("without its scheduler: got %+v", got)
		}
		if _, err := Up(t.Context(), options); !errors.Is(err, ErrRunning) || !strings.Contains(err.Error(), "not all of it") {
			t.Errorf("up over it: got %v", err)
		}
	})
	t.Run("down", func(t *testing.T) {
		if err := cluster.Down(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left := processesOf(t, home); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
		for _, path := range []string{file, cluster.Dir} {
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Errorf("%s is still there: %v", path, err)
			}
		}
		if err := Down(t.Context(), "plain"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "sandbox list") {
			t.Errorf("down on nothing: got %v", err)
		}
	})
}

// statusOf returns one line of List.
func statusOf(t *testing.T, name string) Status {
	t.Helper()
	all, err := List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("list does not show %s: %+v", name, all)
	return Status{}
}

func checkNodes(t *testing.T, cluster *Cluster, client kubernetes.Interface) {
	added, err := cluster.AddNodes(t.Context(), NodeGroup{Count: 2, Resources: map[string]string{"nvidia.com/gpu": "8"}})
	if err != nil || fmt.Sprint(added) != "[node-3 node-4]" {
		t.Fatalf("added %v, %v", added, err)
	}
	nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil || len(nodes.Items) != 5 {
		t.Fatalf("%d nodes, %v", len(nodes.Items), err)
	}
	for i := range nodes.Items {
		node := &nodes.Items[i]
		if !schedulable(node) || node.Labels[corev1.LabelHostname] != node.Name || node.Status.Allocatable.Pods().Value() != 1000 {
			t.Errorf("node %s: %v %v %v", node.Name, node.Labels, node.Status.Allocatable, node.Spec.Taints)
		}
		gpus := node.Status.Allocatable["nvidia.com/gpu"]
		if old := node.Labels["pool"] == "a"; old != (node.Status.Allocatable.Cpu().Value() == 20) || old != gpus.IsZero() {
			t.Errorf("node %s: %v %v", node.Name, node.Labels, node.Status.Allocatable)
		}
	}
}

// oneJob is a Job of pods that run for the given time.
func oneJob(name, duration string, pods int32, annotations ...string) *batchv1.Job {
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}}
	job.Spec.Parallelism, job.Spec.Completions = &pods, &pods
	job.Spec.BackoffLimit = new(int32)
	job.Spec.Template.Annotations = map[string]string{"sandbox.fairlead.dev/duration": duration}
	for i := 0; i+1 < len(annotations); i += 2 {
		job.Spec.Template.Annotations[annotations[i]] = annotations[i+1]
	}
	job.Spec.Template.Spec = corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever,
		Containers:    []corev1.Container{{Name: "work", Image: "work"}},
	}
	return job
}

func checkPods(t *testing.T, client kubernetes.Interface) {
	ctx := t.Context()
	jobs := client.BatchV1().Jobs("default")
	began := time.Now()
	const runs = 1500 * time.Millisecond
	for _, job := range []*batchv1.Job{
		oneJob("good", runs.String(), 10),
		oneJob("bad", "10ms", 1, "sandbox.fairlead.dev/fail", "true"),
		oneJob("long", "1h", 2),
	} {
		if _, err := jobs.Create(ctx, job, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	service := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "service"}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "serve", Image: "serve"}},
	}}
	if _, err := client.CoreV1().Pods("default").Create(ctx, service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	counts := func(name string) batchv1.JobStatus {
		job, err := jobs.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return job.Status
	}
	eventually(t, "the good Job's pods succeed", func(context.Context) error {
		if got := counts("good"); got.Succeeded != 10 {
			return fmt.Errorf("status %+v", got)
		}
		return nil
	})
	if took := time.Since(began); took < runs {
		t.Errorf("pods of %s had ended after %s", runs, took)
	}
	eventually(t, "the bad Job's pod fails", func(context.Context) error {
		if got := counts("bad"); got.Failed != 1 {
			return fmt.Errorf("status %+v", got)
		}
		return nil
	})
	eventually(t, "the others run", func(context.Context) error {
		got := counts("long")
		pod, err := client.CoreV1().Pods("default").Get(ctx, "service", metav1.GetOptions{})
		if err != nil || got.Active != 2 || *got.Ready != 2 || pod.Status.Phase != corev1.PodRunning {
			return fmt.Errorf("%+v, service %s, %w", got, pod.Status.Phase, err)
		}
		return nil
	})
	checkPodsGo(t, client)
}

// checkPodsGo suspends a running Job and deletes a running pod: both end at
// once, not after their grace period of 30 s.
func checkPodsGo(t *testing.T, client kubernetes.Interface) {
	ctx := t.Context()
	began := time.Now()
	patch := []byte(`{"spec":{"suspend":true}}`)
	if _, err := client.BatchV1().Jobs("default").Patch(ctx, "long", "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := client.CoreV1().Pods("default").Delete(ctx, "service", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pods go", func(context.Context) error {
		pods, err := client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=long"})
		if err != nil || len(pods.Items) > 0 {
			return fmt.Errorf("%d pods of the suspended Job, %w", len(pods.Items), err)
		}
		if _, err := client.CoreV1().Pods("default").Get(ctx, "service", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the deleted pod: %w", err)
		}
		return nil
	})
	if took := time.Since(began); took > 25*time.Second {
		t.Errorf("took %s", took)
	}
}

func checkAuditLog(t *testing.T, cluster *Cluster) {
	type event struct {
		Stage, Verb    string
		User           struct{ Username string }
		ObjectRef      struct{ Resource, Name string }
		ResponseStatus struct{ Code int }
	}
	eventually(t, "the log has the Job's creation", func(context.Context) error {
		file, err := os.Open(cluster.AuditLog)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		created, byController := false, false
		for lines.Scan() {
			var e event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				return err
			}
			if e.Stage == "RequestReceived" {
				t.Fatalf("the log has stage %s", e.Stage)
			}
			created = created || e.Verb == "create" && e.ObjectRef.Resource == "jobs" && e.ResponseStatus.Code == http.StatusCreated
			byController = byController || e.Verb == "create" && e.ObjectRef.Resource == "pods" &&
				e.User.Username == "system:serviceaccount:kube-system:job-controller"
		}
		if !created || !byController {
			return fmt.Errorf("job created: %t; pod created by the job controller's account: %t", created, byController)
		}
		return lines.Err()
	})
}

// checkListeners looks at every listening socket of the sandbox's processes.
func checkListeners(t *testing.T, cluster *Cluster) {
	alive, err := cluster.Processes()
	if err != nil {
		t.Fatal(err)
	}
	inodes := map[string]string{} // inode -> process
	for name, p := range alive {
		links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.PID))
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			target, _ := os.Readlink(link)
			if inode, ok := strings.CutPrefix(target, "socket:["); ok {
				inodes[strings.TrimSuffix(inode, "]")] = name
			}
		}
	}
	found := 0
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(table)
		if err != nil {
			continue // a kernel without IPv6
		}
		for line := range strings.Lines(string(data)) {
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] != "0A" || inodes[fields[9]] == "" {
				continue
			}
			found++
			if address, _, _ := strings.Cut(fields[1], ":"); !strings.HasSuffix(address, "0100007F") {
				t.Errorf("%s listens on %s (%s)", inodes[fields[9]], fields[1], table)
			}
		}
	}
	if found < len(controlPlanePrograms) {
		t.Errorf("found only %d listeners of %d servers", found, len(controlPlanePrograms))
	}
}
