package simulation

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/explain"
	"fairlead.dev/fairlead/internal/sandbox"
	"fairlead.dev/fairlead/pkg/controller"
)

// explained asks about the scenario's jobs while one runs, the others wait and
// no manager does.
func explained(t *testing.T, cluster *sandbox.Cluster, c client.Client) {
	t.Helper()
	now := time.Now()
	ask := func(c client.Client, kind, namespace, name string) (*explain.Report, string) {
		t.Helper()
		r, err := explain.Explain(t.Context(), c, explain.Options{Kind: kind, Namespace: namespace, Name: name, AssumedLimit: time.Hour, Seed: 1}, now)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := r.WriteText(&text, now); err != nil {
			t.Fatal(err)
		}
		return r, text.String()
	}
	const needsAll = 3 // all 4 cores, of which the first job has 2, and another of b would start at once
	r, text := ask(c, "Job", "b", name(needsAll))
	t.Logf("%s", text)
	if r.State != explain.Waiting || r.Reason != "WaitingForQuota" || r.ClusterQueue != "b" || len(r.Missing) != 1 || r.Missing[0].Missing.String() != "4" {
		t.Errorf("%+v", r)
	}
	if s := r.Start; s == nil || s.Planned == nil || s.Planned.Before(now.Add(50*time.Minute)) || s.P50 == nil || s.P90 == nil || s.P90.Before(*s.P50) ||
		s.Unlimited != len(scenario) || s.Workloads != len(scenario) || s.Samples != 100 {
		t.Errorf("%+v", s)
	}
	if r.Place == nil || r.Place.Length != 4 || r.Before == 0 || r.First[0].ClusterQueue != "a" || !strings.Contains(r.First[0].Workload, name(firstJob)) {
		t.Errorf("%+v, before it %+v", r.Place, r.First)
	}
	if byWorkload, _ := ask(c, "Workload", "b", r.Workload); byWorkload.Reason != r.Reason || !byWorkload.Start.Planned.Equal(*r.Start.Planned) {
		t.Errorf("asked about its Workload: %+v", byWorkload)
	}
	if r, _ := ask(c, "Job", "a", name(firstJob)); r.State != explain.Running || len(r.Holds) != 1 || r.Holds[0] != "pod set main: 2 cpu of flavor plain" {
		t.Errorf("%+v", r)
	}
	asTenant, asViewer := tenant(t, cluster, c, "ann", false), tenant(t, cluster, c, "eve", true)
	if r, text := ask(asTenant, "Job", "b", name(needsAll)); r.State == "" || r.ClusterQueue != "" || r.Start != nil ||
		!strings.Contains(text, "of the 5 that wait in LocalQueue") || !strings.Contains(text, "fairlead-batch-viewer") {
		t.Errorf("with rights in the namespace alone: %+v", r)
	}
	if r, _ := ask(asViewer, "Job", "b", name(needsAll)); r.Start == nil || r.Start.Planned == nil {
		t.Errorf("with fairlead-batch-viewer: %+v", r)
	}
	if _, err := explain.Explain(t.Context(), asTenant, explain.Options{Kind: "Job", Namespace: "a", Name: name(firstJob)}, now); err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("of another namespace: %v", err)
	}
}

// tenant is a client with the rights of a user in namespace b, and of who may
// look at the queues of all if so said.
func tenant(t *testing.T, cluster *sandbox.Cluster, c client.Client, user string, sees bool) client.Client {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "b", Name: user}}
	subjects := []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "b", Name: user}}
	objects := []client.Object{account, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: "b", Name: user}, Subjects: subjects,
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "fairlead-batch-user"},
	}}
	if sees {
		objects = append(objects, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: user}, Subjects: subjects,
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "fairlead-batch-viewer"},
		})
	}
	if err := errors.Join(rbacv1.AddToScheme(c.Scheme()), authenticationv1.AddToScheme(c.Scheme())); err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if err := c.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	token := &authenticationv1.TokenRequest{}
	if err := c.SubResource("token").Create(t.Context(), account, token); err != nil {
		t.Fatal(err)
	}
	config, err := cluster.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	config = rest.AnonymousClientConfig(config)
	config.BearerToken = token.Status.Token
	tenant, err := client.New(config, client.Options{Scheme: controller.NewScheme()})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the roles of "+user+" are in force", func(ctx context.Context) (bool, error) {
		var jobs batchv1.JobList
		var namespaces corev1.NamespaceList
		return tenant.List(ctx, &jobs, client.InNamespace("b")) == nil && (!sees || tenant.List(ctx, &namespaces) == nil), nil
	})
	return tenant
}
