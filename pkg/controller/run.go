package controller

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
)

// Run builds the manager as configured and runs it until the context ends, or
// until the lease is lost: then it returns an error at once and the process
// has to exit, since another replica may be deciding already.
func Run(ctx context.Context, restConfig *rest.Config, options Options) error {
	limitClient(restConfig, options.Configuration.ClientConnection)
	mgr, err := ctrl.NewManager(restConfig, managerOptions(restConfig, &options))
	if err != nil {
		return fmt.Errorf("cannot begin to work with the API server %s: %w", restConfig.Host, err)
	}
	c, err := Setup(ctx, mgr, options)
	if err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("rebuilt", c.Ready); err != nil {
		return fmt.Errorf("readiness check: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("liveness check: %w", err)
	}
	return mgr.Start(ctx)
}

// limitClient applies the client's own limits; none by default, since the
// server's priority and fairness is the limiter.
func limitClient(restConfig *rest.Config, limits *configv1beta1.ClientConnection) {
	restConfig.QPS = -1
	if *limits.QPS > 0 {
		restConfig.QPS, restConfig.Burst = *limits.QPS, int(*limits.Burst)
	}
}

func managerOptions(restConfig *rest.Config, options *Options) manager.Options {
	scheme := NewScheme()
	configuration := options.Configuration
	election := configuration.LeaderElection
	return manager.Options{
		Logger:                        options.Log,
		Scheme:                        scheme,
		Cache:                         CacheOptions(restConfig, scheme, options.Kind),
		LeaderElection:                *election.LeaderElect,
		LeaderElectionID:              election.ResourceName,
		LeaderElectionNamespace:       election.ResourceNamespace,
		LeaseDuration:                 &election.LeaseDuration.Duration,
		RenewDeadline:                 &election.RenewDeadline.Duration,
		RetryPeriod:                   &election.RetryPeriod.Duration,
		LeaderElectionReleaseOnCancel: true,
		HealthProbeBindAddress:        configuration.Health.HealthProbeBindAddress,
		ReadinessEndpointName:         "/" + strings.Trim(configuration.Health.ReadinessEndpointName, "/"),
		LivenessEndpointName:          "/" + strings.Trim(configuration.Health.LivenessEndpointName, "/"),
		Metrics: metricsserver.Options{
			BindAddress:    configuration.Metrics.BindAddress,
			SecureServing:  true,
			FilterProvider: filters.WithAuthenticationAndAuthorization,
			TLSOpts:        []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }},
		},
	}
}
