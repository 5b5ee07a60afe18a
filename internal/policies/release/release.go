package release

import (
	"context"
	"fmt"
	"io"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
)

// fieldManager is the name under which a release writes.
const fieldManager = "fairlead-release"

// Options say what is released.
type Options struct {
	// Namespace limits the release to the Jobs of one namespace. Policies and
	// finalizers then stay. Empty: the whole cluster.
	Namespace string
	// LabelAliases are label prefixes whose queue labels count besides ours.
	// Those of the installed policies are known without being named here.
	LabelAliases []string
	// Held also starts Jobs whose Workload is held (spec.active: false).
	Held bool
	// Timeout is how long to go on without any progress. At most half of it is
	// spent on waiting for the pods of stopped Jobs to go.
	Timeout time.Duration
	// Output gets progress, one line at a time.
	Output io.Writer
}

// Summary is what a release has done.
type Summary struct {
	// Policies and Finalizers are objects removed or cleared.
	Policies, Finalizers int
	// Started are Jobs that waited and now run outside any queue.
	Started int
	// Placed are those of them that keep the node selector and tolerations of
	// their last admission, since their pods were not gone in time.
	Placed int
	// Running are queued Jobs that ran already; they were left alone.
	Running int
	// Held are Jobs left suspended, by NAMESPACE/NAME.
	Held []types.NamespacedName
}

// Scheme knows every kind that a release reads or writes.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		batchv1.AddToScheme, corev1.AddToScheme, coordinationv1.AddToScheme, fairleadv1beta1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register kinds: %w", err)
		}
	}
	return scheme, nil
}

// Run does what the plan says. An error names what is left and what to do;
// the summary tells what was done until then.
func Run(ctx context.Context, c client.Client, plan *Plan, options Options) (Summary, error) {
	r := &releaser{client: c, options: options, aliases: plan.Aliases}
	if options.Namespace == "" {
		if err := r.removePolicies(ctx, plan); err != nil {
			return r.summary, err
		}
	}
	if err := r.freeJobs(ctx); err != nil {
		return r.summary, err
	}
	if options.Namespace == "" {
		if err := r.clearFinalizers(ctx); err != nil {
			return r.summary, err
		}
	}
	return r.summary, nil
}

// releaser carries out one release.
type releaser struct {
	client  client.Client
	options Options
	aliases []string
	summary Summary
}

// say reports progress.
func (r *releaser) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.options.Output, format+"\n", args...)
}

// pause waits, unless the context ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
