package drive

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairlead "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/test/performance/load"
)

// Names of what a run works on. FlavorLabel is on every node of a cluster for
// Jobs, with FlavorName as its value.
const (
	Namespace   = "bench"
	FlavorName  = "bench"
	FlavorLabel = "bench.fairlead.dev/flavor"

	tenantName = "tenant"
)

// readyTimeout bounds how long the manager may take to see the queues.
const readyTimeout = time.Minute

// Session is a prepared cluster, on which one round of a load can be run.
type Session struct {
	load        load.Load
	concurrency int
	clients     clients
}

// Config says what to run where.
type Config struct {
	// Admin reaches the cluster as an administrator.
	Admin *rest.Config
	Load  load.Load
	// Concurrency is how many requests the driver may have in flight.
	Concurrency int
	// Manager says that a manager runs: preparation waits until it has seen
	// the queues.
	Manager bool
}

// Validate complains about a Config that cannot be run.
func (c Config) Validate() error {
	switch {
	case c.Admin == nil:
		return fmt.Errorf("the benchmark has no cluster to run on")
	case c.Concurrency < 1:
		return fmt.Errorf("a concurrency of %d cannot send anything: use 1 or more", c.Concurrency)
	case c.Load.Size() == 0:
		return fmt.Errorf("load %q submits nothing", c.Load.Name)
	}
	return nil
}

// Prepare creates the namespace, flavor, queues and accounts of a load, as far
// as an earlier round has not, and waits until the manager, if there is one, has made the queues active.
func Prepare(ctx context.Context, config Config) (*Session, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	s := &Session{load: config.Load, concurrency: config.Concurrency}
	s.clients.counter = newCounter()
	if s.clients.admin, err = newClient(config.Admin, scheme, s.clients.counter); err != nil {
		return nil, err
	}
	s.clients.config = counted(config.Admin, s.clients.counter)
	if s.clients.watcher, err = newWatcher(s.clients.config, scheme); err != nil {
		return nil, err
	}
	for _, object := range s.fixtures() {
		if err := s.clients.admin.Create(ctx, object); err != nil && !apierrors.IsAlreadyExists(err) {
			return nil, fmt.Errorf("prepare the cluster: create %T %s: %w", object, object.GetName(), err)
		}
	}
	if err := s.clients.impersonate(ctx, config.Admin, scheme); err != nil {
		return nil, err
	}
	if config.Manager {
		if err := s.waitForQueues(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// fixtures lists what the load needs before it starts, in order.
func (s *Session) fixtures() []client.Object {
	objects := []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: tenantName}},
		&rbacv1.Role{
			ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: tenantName},
			Rules: []rbacv1.PolicyRule{{
				APIGroups: []string{batchv1.GroupName}, Resources: []string{"jobs"},
				Verbs: []string{"create", "get", "list", "watch", "update", "patch", "delete"},
			}},
		},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: tenantName},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: tenantName},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: Namespace, Name: tenantName}},
		},
		s.flavor(),
	}
	cohorts := map[string]bool{}
	for _, q := range s.load.Queues() {
		if !cohorts[q.Cohort] {
			cohorts[q.Cohort] = true
			objects = append(objects, &fairlead.Cohort{ObjectMeta: metav1.ObjectMeta{Name: q.Cohort}})
		}
		objects = append(objects, s.clusterQueue(q), &fairlead.LocalQueue{
			ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: q.Name},
			Spec:       fairlead.LocalQueueSpec{ClusterQueue: fairlead.ClusterQueueReference(q.Name)},
		})
	}
	return objects
}

// flavor selects the load's nodes by a label, so that starting a Job injects a
// node selector as it does in real use.
func (s *Session) flavor() *fairlead.ResourceFlavor {
	flavor := &fairlead.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: FlavorName}}
	if s.load.Kind == load.Jobs {
		flavor.Spec.NodeLabels = map[string]string{FlavorLabel: FlavorName}
	}
	return flavor
}

func (s *Session) clusterQueue(q load.Queue) *fairlead.ClusterQueue {
	quota := fairlead.ResourceQuota{
		Name:         corev1.ResourceCPU,
		NominalQuota: *resource.NewQuantity(s.load.Nominal, resource.DecimalSI),
	}
	if s.load.BorrowingLimit != load.Unlimited {
		quota.BorrowingLimit = resource.NewQuantity(s.load.BorrowingLimit, resource.DecimalSI)
	}
	return &fairlead.ClusterQueue{
		ObjectMeta: metav1.ObjectMeta{Name: q.Name},
		Spec: fairlead.ClusterQueueSpec{
			CohortName:        fairlead.CohortReference(q.Cohort),
			QueueingStrategy:  fairlead.BestEffortFIFO,
			NamespaceSelector: &metav1.LabelSelector{},
			ResourceGroups: []fairlead.ResourceGroup{{
				CoveredResources: []corev1.ResourceName{corev1.ResourceCPU},
				Flavors:          []fairlead.FlavorQuotas{{Name: FlavorName, Resources: []fairlead.ResourceQuota{quota}}},
			}},
		},
	}
}

// waitForQueues returns when every LocalQueue is Active.
func (s *Session) waitForQueues(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	waiting := ""
	for {
		var queues fairlead.LocalQueueList
		if err := s.clients.admin.List(ctx, &queues, client.InNamespace(Namespace)); err != nil {
			return fmt.Errorf("wait for the queues to be active (last: %s): %w", waiting, err)
		}
		waiting = ""
		for i := range queues.Items {
			q := &queues.Items[i]
			if !meta.IsStatusConditionTrue(q.Status.Conditions, fairlead.ConditionActive) {
				waiting = fmt.Sprintf("LocalQueue %s is not Active", q.Name)
				break
			}
		}
		if waiting == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s after %s: look at the manager's log: %w", waiting, readyTimeout, ctx.Err())
		case <-tick.C:
		}
	}
}
