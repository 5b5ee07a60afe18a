package chaos

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/internal/sandbox"
)

const (
	kindLabel = "chaos.example.com/kind" // of nodes: fast, slow or spot
	zoneLabel = "chaos.example.com/zone" // of all nodes: a
	tierLabel = "chaos.example.com/tier" // of namespaces
	gpu       = "example.com/gpu"
	adminUser = "chaos-administrator"
)

// The objects that are there from the beginning. Actors add others.
var (
	tenants       = []string{"team-a", "team-b", "team-c", "team-d"}
	cohorts       = []string{"site", "physics", "biology", "lab"}
	parents       = map[string]string{"physics": "site", "biology": "site", "lab": "physics"}
	clusterQueues = []string{"cq-a", "cq-b", "cq-c", "cq-d", "cq-e"}
	cohortOf      = map[string]string{"cq-a": "lab", "cq-b": "lab", "cq-c": "physics", "cq-d": "biology"}
	flavors       = []string{"fast", "slow", "spot"}
	classes       = []string{"low", "high"}
	nodeKinds     = []string{"fast", "slow", "spot"}
)

// queueTargets are the ClusterQueues that the LocalQueues q0, q1 ... of tenant
// i lead to.
func queueTargets(i int) []string {
	n := len(clusterQueues)
	return []string{clusterQueues[i%n], clusterQueues[(i+1)%n], clusterQueues[(i+3)%n]}
}

// nodeGroups are large enough to hold whatever quota allows, so that
// kube-scheduler is never what a Job waits for.
func nodeGroups() []sandbox.NodeGroup {
	var groups []sandbox.NodeGroup
	for _, kind := range nodeKinds {
		groups = append(groups, sandbox.NodeGroup{Prefix: kind, Count: 2, CPU: "2000", Memory: "8Ti", Pods: 5000,
			Labels: map[string]string{kindLabel: kind, zoneLabel: "a"}, Resources: map[string]string{gpu: "2000"}})
	}
	return groups
}

func userOf(tenant string) string { return tenant + "-user" }

// as returns a client that acts as a user, with that user's rights alone.
func as(config *rest.Config, scheme client.Client, user string) (client.Client, error) {
	config = rest.CopyConfig(config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	return client.New(config, client.Options{Scheme: scheme.Scheme(), Mapper: scheme.RESTMapper()})
}

// install creates the site and waits until the roles carry their rules.
func install(ctx context.Context, admin client.Client, config *rest.Config) error {
	objects := []client.Object{binding(adminUser, "fairlead-batch-admin")}
	for _, tenant := range tenants {
		objects = append(objects, namespace(tenant), grant(tenant, userOf(tenant)))
	}
	for _, name := range flavors {
		objects = append(objects, flavor(name))
	}
	objects = append(objects, &v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: "gpu"}})
	for i, name := range classes {
		objects = append(objects, &v1beta1.WorkloadPriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: int32(i*20 - 10)})
	}
	for _, name := range cohorts {
		objects = append(objects, baseCohort(name))
	}
	for _, name := range clusterQueues {
		objects = append(objects, baseQueue(name))
	}
	for i, tenant := range tenants {
		objects = append(objects, localQueues(i, tenant)...)
	}
	for _, object := range objects {
		if err := admin.Create(ctx, object); err != nil {
			return fmt.Errorf("create %T %s: %w", object, object.GetName(), err)
		}
	}
	return waitForRoles(ctx, admin, config)
}

// waitForRoles waits until the users may do what their roles allow: the
// controller manager fills aggregated roles in its own time.
func waitForRoles(ctx context.Context, admin client.Client, config *rest.Config) error {
	probe := func(user string, object client.Object) error {
		c, err := as(config, admin, user)
		if err != nil {
			return err
		}
		return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			err := c.Create(ctx, object.DeepCopyObject().(client.Object), client.DryRunAll)
			if err == nil || apierrors.IsForbidden(err) {
				return err == nil, nil
			}
			return false, err
		})
	}
	if err := probe(adminUser, &v1beta1.Cohort{ObjectMeta: metav1.ObjectMeta{Name: "probe"}}); err != nil {
		return fmt.Errorf("the administrator gets no rights: %w", err)
	}
	for _, tenant := range tenants {
		j := newJob("probe", tenant, shape{parallelism: 1, cpu: "1"})
		if err := probe(userOf(tenant), j); err != nil {
			return fmt.Errorf("%s gets no rights: %w", userOf(tenant), err)
		}
	}
	return nil
}

func namespace(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{tierLabel: "one"}}}
}

func grant(namespace, user string) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chaos"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "fairlead-batch-user"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
}

func binding(user, role string) *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "chaos-" + role},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
}

// flavor is one of the kinds of nodes. Pods on spot nodes have to tolerate it.
func flavor(name string) *v1beta1.ResourceFlavor {
	f := &v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: name}}
	f.Spec.NodeLabels = map[string]string{kindLabel: name}
	if name == "spot" {
		f.Spec.NodeTaints = []corev1.Taint{{Key: kindLabel, Value: name, Effect: corev1.TaintEffectNoSchedule}}
	}
	return f
}

func baseCohort(name string) *v1beta1.Cohort {
	c := &v1beta1.Cohort{ObjectMeta: metav1.ObjectMeta{Name: name}}
	c.Spec.ParentName = v1beta1.CohortReference(parents[name])
	if name == "physics" {
		c.Spec.ResourceGroups = plainGroups("4", "8Gi")
	}
	return c
}

func baseQueue(name string) *v1beta1.ClusterQueue {
	cq := &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: name}}
	cq.Spec.CohortName = v1beta1.CohortReference(cohortOf[name])
	cq.Spec.NamespaceSelector = &metav1.LabelSelector{}
	cq.Spec.ResourceGroups = plainGroups("8", "16Gi")
	return cq
}

// plainGroups gives the same quota in every flavor.
func plainGroups(cpu, memory string) []v1beta1.ResourceGroup {
	group := v1beta1.ResourceGroup{CoveredResources: []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory}}
	for _, name := range flavors {
		group.Flavors = append(group.Flavors, v1beta1.FlavorQuotas{Name: v1beta1.ResourceFlavorReference(name),
			Resources: []v1beta1.ResourceQuota{
				{Name: corev1.ResourceCPU, NominalQuota: resource.MustParse(cpu)},
				{Name: corev1.ResourceMemory, NominalQuota: resource.MustParse(memory)},
			}})
	}
	return []v1beta1.ResourceGroup{group, {CoveredResources: []corev1.ResourceName{gpu},
		Flavors: []v1beta1.FlavorQuotas{{Name: "gpu", Resources: []v1beta1.ResourceQuota{{Name: gpu, NominalQuota: resource.MustParse("4")}}}}}}
}

func localQueue(namespace, name, clusterQueue string) *v1beta1.LocalQueue {
	return &v1beta1.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1beta1.LocalQueueSpec{ClusterQueue: v1beta1.ClusterQueueReference(clusterQueue)}}
}

func localQueues(i int, tenant string) []client.Object {
	var all []client.Object
	for k, target := range queueTargets(i) {
		all = append(all, localQueue(tenant, fmt.Sprintf("q%d", k), target))
	}
	return all
}
