package controller

import (
	"time"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/lifecycle"
)

// readiness translates a complete configuration block.
func readiness(wait *configv1beta1.WaitForPodsReady) *lifecycle.Readiness {
	strategy := wait.RequeuingStrategy
	return &lifecycle.Readiness{
		Timeout:     wait.Timeout.Duration,
		Recovery:    wait.RecoveryTimeout.Duration,
		BackoffBase: time.Duration(*strategy.BackoffBaseSeconds) * time.Second,
		BackoffMost: time.Duration(*strategy.BackoffMaxSeconds) * time.Second,
		Limit:       strategy.BackoffLimitCount,
	}
}

// orderedByEviction says whether a workload whose pods were not ready in time
// is queued as of its eviction.
func orderedByEviction(configuration *configv1beta1.Configuration) bool {
	wait := configuration.WaitForPodsReady
	return wait != nil && *wait.RequeuingStrategy.Timestamp == configv1beta1.EvictionTimestamp
}
