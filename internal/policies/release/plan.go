package release

import (
	"context"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/internal/policies"
)

// Plan is what a release is about to do.
type Plan struct {
	// Policies are the policies and bindings to remove, bindings first.
	Policies []*unstructured.Unstructured
	// Aliases are the label prefixes, besides ours, whose queue labels count.
	Aliases []string
	// Waiting, Held and Running count queued Jobs that are not finished:
	// suspended, suspended and held by their Workload, started.
	Waiting, Held, Running int
	// Finalizers counts objects of Fairlead's kinds that carry one of ours.
	Finalizers int
	// Manager is the holder of a fresh lease, if a manager is still running.
	Manager string
}

// Survey looks at the cluster and changes nothing.
func Survey(ctx context.Context, c client.Client, options Options) (*Plan, error) {
	plan := &Plan{}
	installed, _, err := policies.Installed(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("%w: releasing needs the rights of a cluster administrator", err)
	}
	plan.Aliases = slices.Clone(options.LabelAliases)
	for _, object := range installed {
		if alias := object.GetAnnotations()[policies.AliasAnnotation]; alias != "" {
			plan.Aliases = append(plan.Aliases, alias)
		}
	}
	slices.Sort(plan.Aliases)
	plan.Aliases = slices.Compact(plan.Aliases)

	if options.Namespace == "" {
		plan.Policies = installed
	} else if err := checkNamespace(ctx, c, options.Namespace, len(installed) > 0); err != nil {
		return nil, err
	}

	r := &releaser{client: c, options: options, aliases: plan.Aliases}
	held, err := r.heldJobs(ctx)
	if err != nil {
		return nil, err
	}
	err = r.eachQueued(ctx, func(j *batchv1.Job) {
		switch {
		case !isSuspended(j):
			plan.Running++
		case held[j.UID]:
			plan.Held++
		default:
			plan.Waiting++
		}
	})
	if err != nil {
		return nil, err
	}
	if options.Namespace == "" {
		objects, err := r.withFinalizers(ctx)
		if err != nil {
			return nil, err
		}
		plan.Finalizers = len(objects)
	}
	plan.Manager, err = managerRunning(ctx, c)
	return plan, err
}

// checkNamespace finds out early what the policies would refuse for each Job.
func checkNamespace(ctx context.Context, c client.Client, name string, guarded bool) error {
	namespace := &corev1.Namespace{}
	err := c.Get(ctx, client.ObjectKey{Name: name}, namespace)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("namespace %s does not exist: kubectl get namespaces lists those there are", name)
	}
	if err != nil {
		return fmt.Errorf("read namespace %s: %w", name, err)
	}
	if guarded && namespace.Labels[fairleadv1beta1.ManagedLabel] == fairleadv1beta1.ManagedStrict {
		return fmt.Errorf("namespace %s accepts only queued Jobs, so none can leave its queue: first remove its label (kubectl label namespace %s %s-)",
			name, name, fairleadv1beta1.ManagedLabel)
	}
	return nil
}

// managerRunning returns the holder of a lease in the manager's namespace that
// was renewed within its duration; empty if there is none.
func managerRunning(ctx context.Context, c client.Client) (string, error) {
	var leases coordinationv1.LeaseList
	if err := c.List(ctx, &leases, client.InNamespace(fairleadv1beta1.ManagerNamespace)); err != nil {
		return "", fmt.Errorf("list leases in namespace %s, to see whether a manager runs: %w", fairleadv1beta1.ManagerNamespace, err)
	}
	for i := range leases.Items {
		spec := &leases.Items[i].Spec
		if spec.HolderIdentity == nil || *spec.HolderIdentity == "" || spec.RenewTime == nil || spec.LeaseDurationSeconds == nil {
			continue
		}
		if time.Since(spec.RenewTime.Time) < time.Duration(*spec.LeaseDurationSeconds)*time.Second {
			return *spec.HolderIdentity, nil
		}
	}
	return "", nil
}
