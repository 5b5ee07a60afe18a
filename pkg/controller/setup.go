package controller

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/internal/policies"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/controller/lifecycle"
	"fairlead.dev/fairlead/pkg/controller/loop"
	"fairlead.dev/fairlead/pkg/controller/namespaces"
	"fairlead.dev/fairlead/pkg/controller/queuestatus"
	"fairlead.dev/fairlead/pkg/controller/report"
	"fairlead.dev/fairlead/pkg/controller/reservations"
	"fairlead.dev/fairlead/pkg/controller/translate"
	"fairlead.dev/fairlead/pkg/job"
	"fairlead.dev/fairlead/pkg/metrics"
)

// Options are what the controller is built from.
type Options struct {
	// Configuration is complete: defaults have been filled in.
	Configuration *configv1beta1.Configuration
	Engine        loop.Engine
	Kind          job.Kind
	// Registry takes the metrics. The metrics server serves
	// controller-runtime's.
	Registry prometheus.Registerer
	Log      logr.Logger
}

// EngineConfig is what a complete configuration says of the engine.
func EngineConfig(configuration *configv1beta1.Configuration) admission.Config {
	preemption := configuration.Preemption
	limits := &admission.PreemptionConfig{
		HoldTimeout:             preemption.HoldTimeout.Nanoseconds(),
		SearchBudget:            int(*preemption.SearchBudget),
		EvictionsPerMinute:      int(preemption.MaxEvictionsPerMinute),
		EvictedToRequestedMilli: int64(math.Round(preemption.MaxEvictedToRequestedRatio * 1000)),
	}
	for _, strategy := range configuration.FairSharing.PreemptionStrategies {
		limits.Strategies = append(limits.Strategies, admission.FairSharingStrategy(strategy))
	}
	return admission.Config{
		Preemption:       limits,
		FairSharing:      *configuration.FairSharing.Enable,
		IgnoreUndeclared: configuration.Resources.QuotaCheckStrategy == configv1beta1.IgnoreUndeclared,
		BlockAdmission:   configuration.WaitForPodsReady != nil && *configuration.WaitForPodsReady.BlockAdmission,
	}
}

// concurrency is how many workloads are worked on at once, and how many writes
// are under way at most.
func concurrency(c *configv1beta1.Configuration) int {
	return c.Controller.GroupKindConcurrency["Workload.fairlead.dev"]
}

// Controller is the shell around one engine.
type Controller struct {
	manager  manager.Manager
	options  Options
	inbox    *loop.Inbox
	loop     *loop.Loop
	executor *lifecycle.Executor
	watches  watches
	writes   connection
	statuses client.Client // writes them
	classes  *classes
	turned   *turned
	// reservations are told to the engine, and where they stand to people.
	reservations *reservations.Keeper
	// surroundings are asked by the loop.
	surroundings *surroundings
	rebuilt      chan struct{} // closed when ledgers and engine know all initial objects

	workloads  *ledger.Book[*v1beta1.Workload]
	jobs       *ledger.Book[client.Object]
	flavors    *ledger.Book[*v1beta1.ResourceFlavor]
	namespaces *ledger.Book[*corev1.Namespace]
	booked     *ledger.Book[*v1beta1.Reservation]
	queues     queuestatus.Books

	selection *namespaces.Selection
	labels    *namespaces.Labeler
}

// Setup adds the controller's parts to the manager. They start with it.
func Setup(ctx context.Context, mgr manager.Manager, options Options) (*Controller, error) {
	c := &Controller{
		manager: mgr, options: options,
		inbox:   loop.NewInbox(),
		watches: watches{cache: mgr.GetCache()},
		classes: newClasses(), surroundings: newSurroundings(),
		rebuilt: make(chan struct{}),
	}
	c.turned = newTurned(c)
	c.reservations = reservations.New(reservations.Config{
		Tell: c.inbox.Object, Snapshot: func() *admission.Snapshot { return c.loop.Snapshot() },
		Update:  func(ctx context.Context, obj client.Object) error { return c.statuses.Status().Update(ctx, obj) },
		Leading: mgr.Elected(), Log: mgr.GetLogger().WithName("reservations"),
	})
	c.openBooks()
	var err error
	if c.writes, err = newConnection(mgr.GetConfig(), concurrency(options.Configuration)); err != nil {
		return nil, err
	}
	if err = c.newNamespaces(); err != nil {
		return nil, err
	}
	counters := metrics.NewCounters(options.Registry)
	events, err := c.newEvents(counters)
	if err != nil {
		return nil, err
	}
	reporter := report.New(options.Kind, mgr.GetLogger().WithName("decisions"), counters, events)
	if err := c.newExecutor(reporter); err != nil {
		return nil, err
	}
	c.newLoop(counters)
	c.statuses, err = client.New(c.writes.config, client.Options{HTTPClient: c.writes.http, Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper()})
	if err != nil {
		return nil, fmt.Errorf("client for statuses: %w", err)
	}
	c.queues.Flavors = c.flavors
	writer := queuestatus.New(queuestatus.Config{
		Update: func(ctx context.Context, obj client.Object) error { return c.statuses.Status().Update(ctx, obj) },
		Patch: func(ctx context.Context, obj client.Object, patch []byte) error {
			return c.statuses.Patch(ctx, obj, client.RawPatch(types.MergePatchType, patch))
		},
		Books: c.queues, Snapshot: c.loop.Snapshot, FairSharing: *options.Configuration.FairSharing.Enable,
		Log: mgr.GetLogger().WithName("queues"),
	})
	writer.Overcommitted = reporter.Overcommitted
	reporter.Admitted = writer.Admitted
	metrics.NewQueues(options.Registry, c.loop.Snapshot, options.Configuration.Metrics.EnableClusterQueueResources)
	if err := c.watchAll(ctx); err != nil {
		return nil, err
	}
	policies := &policyWatch{reader: mgr.GetAPIReader(), choices: policies.ChoicesOf(options.Configuration),
		counters: counters, log: mgr.GetLogger().WithName("policies")}
	for _, part := range []manager.Runnable{c.loop, c.executor, c.turned, events, writer, c.reservations, c.labels, policies} {
		if err := mgr.Add(part); err != nil {
			return nil, fmt.Errorf("add a part to the manager: %w", err)
		}
	}
	return c, nil
}

// Ready is the readiness check: it fails until the state is rebuilt.
func (c *Controller) Ready(*http.Request) error {
	if c.loop.Ready() {
		return nil
	}
	return errors.New("the state is being rebuilt from the API server")
}

// newNamespaces makes what knows of namespaces.
func (c *Controller) newNamespaces() error {
	var err error
	if c.selection, err = namespaces.NewSelection(c.options.Configuration.ManagedJobsNamespaceSelector, c.namespaces); err != nil {
		return err
	}
	core, err := typedcorev1.NewForConfigAndClient(c.writes.config, c.writes.http)
	if err != nil {
		return fmt.Errorf("client for Namespaces: %w", err)
	}
	patch := func(ctx context.Context, namespace string, patch []byte) error {
		_, err := core.Namespaces().Patch(ctx, namespace, types.JSONPatchType, patch, metav1.PatchOptions{})
		return err
	}
	c.labels = namespaces.NewLabeler(c.selection, c.queues.LocalQueues, patch, c.manager.GetLogger().WithName("namespaces"))
	return nil
}

func (c *Controller) newLoop(counters *metrics.Counters) {
	timeout := c.options.Configuration.Controller.CacheSyncTimeout.Duration
	c.loop = loop.New(loop.Config{
		Engine: c.options.Engine,
		Inbox:  c.inbox,
		Sink:   c.executor,
		Rebuilt: func(ctx context.Context) error {
			limited, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			if !c.watches.wait(limited) && ctx.Err() == nil {
				return fmt.Errorf("the API server did not deliver all objects within %s: is it reachable, are the CRDs installed, "+
					"and may the service account list and watch them? Raise controller.cacheSyncTimeout if it is only slow", timeout)
			}
			return ctx.Err()
		},
		Fed:      c.rebuilt,
		Leading:  c.manager.Elected(),
		Shapes:   c.shapes(),
		JobEnded: c.jobEnded,

		EvictionTime: orderedByEviction(c.options.Configuration),
		Observe:      counters.Pass,
		Log:          c.manager.GetLogger().WithName("loop"),
	})
}

func (c *Controller) newExecutor(reporter lifecycle.Reporter) error {
	configuration := c.options.Configuration
	api, err := lifecycle.NewClient(c.writes.config, c.writes.http, c.manager.GetScheme(), c.options.Kind)
	if err != nil {
		return err
	}
	facts := &lifecycle.Facts{
		Classes: c.classes,
		Queues:  c,
		Shapes:  c.shapes(),
		Managed: c.selection.Managed, HoldUnqueued: configuration.ManageJobsWithoutQueueName,
		LabelKeys:      configuration.Integrations.LabelKeysToCopy,
		ReleaseStopped: configuration.Integrations.ReleaseAt == configv1beta1.ReleaseAtTerminating,
		Flavor:         func(name string) (*v1beta1.ResourceFlavor, bool) { return c.flavors.Get(ledger.Key{Name: name}) },
	}
	if policy := configuration.ObjectRetentionPolicies; policy != nil && policy.Workloads != nil && policy.Workloads.AfterFinished != nil {
		retention := policy.Workloads.AfterFinished.Duration
		facts.Retention = &retention
	}
	if wait := configuration.WaitForPodsReady; wait != nil {
		facts.Readiness = readiness(wait)
	}
	c.executor = lifecycle.New(lifecycle.Config{
		API: api, Kind: c.options.Kind,
		Workloads: c.workloads, Jobs: c.jobs,
		Facts: facts, Engine: c.inbox, Reporter: reporter,
		Rebuilt:     c.rebuilt,
		Concurrency: concurrency(configuration),
		Log:         c.manager.GetLogger().WithName("lifecycle"),
	})
	return nil
}

// shapes derives what workloads ask for.
func (c *Controller) shapes() translate.Shapes {
	return translate.Shapes{Counting: translate.NewCounting(c.options.Configuration.Resources), Surroundings: c.surroundings,
		MinimumRuntime: c.classes.minimumRuntime, ClusterQueue: c.leadsTo}
}

func (c *Controller) newEvents(counters *metrics.Counters) (*report.Events, error) {
	config := rest.CopyConfig(c.writes.config)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	typed, err := typedcorev1.NewForConfigAndClient(config, c.writes.http)
	if err != nil {
		return nil, fmt.Errorf("client for Events: %w", err)
	}
	return report.NewEvents(typed, counters, c.manager.GetLogger().WithName("events")), nil
}

// jobEnded says whether the job of a Workload is known to have ended.
func (c *Controller) jobEnded(key ledger.Key) bool {
	obj, known := c.jobs.Get(key)
	return known && c.options.Kind.State(obj).Finished != nil
}
