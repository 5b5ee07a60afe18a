package v1beta1

import (
	"maps"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The defaults of the configuration file.
const (
	DefaultCacheSyncTimeout       = 2 * time.Minute
	DefaultWorkloadConcurrency    = 96
	DefaultJobConcurrency         = 8
	DefaultLeaseName              = "manager.fairlead.dev"
	DefaultNamespace              = "fairlead-system"
	DefaultLeaseDuration          = 15 * time.Second
	DefaultRenewDeadline          = 10 * time.Second
	DefaultRetryPeriod            = 2 * time.Second
	DefaultMetricsBindAddress     = ":8443"
	DefaultHealthProbeBindAddress = ":8081"
	DefaultReadinessEndpointName  = "readyz"
	DefaultLivenessEndpointName   = "healthz"
	DefaultClientBurst            = 100
	DefaultUsageSamplingInterval  = 5 * time.Minute
	DefaultPodsReadyTimeout       = 5 * time.Minute
	DefaultHoldTimeout            = 10 * time.Minute
	DefaultSearchBudget           = 20_000
	DefaultBackoffBaseSeconds     = 60
	DefaultBackoffMaxSeconds      = 3600
)

// namespaceNameLabel is the label that every namespace carries with its name.
const namespaceNameLabel = "kubernetes.io/metadata.name"

// SetDefaults fills in what the file leaves out. It changes nothing that is
// set, and applying it twice is the same as once.
func SetDefaults(c *Configuration) {
	if c.APIVersion == "" {
		c.APIVersion = GroupVersion.String()
	}
	if c.Kind == "" {
		c.Kind = Kind
	}
	setController(c)
	setLeaderElection(c)
	setEndpoints(c)
	setScheduling(c)
	setIntegrations(c)
	setResources(c)
}

func setController(c *Configuration) {
	ensure(&c.Controller)
	concurrency := map[string]int{
		"Job.batch":             DefaultJobConcurrency,
		"Workload.fairlead.dev": DefaultWorkloadConcurrency,
	}
	maps.Copy(concurrency, c.Controller.GroupKindConcurrency)
	c.Controller.GroupKindConcurrency = concurrency
	fill(&c.Controller.CacheSyncTimeout, metav1.Duration{Duration: DefaultCacheSyncTimeout})

	ensure(&c.ClientConnection)
	fill(&c.ClientConnection.QPS, 0)
	fill(&c.ClientConnection.Burst, DefaultClientBurst)
}

func setLeaderElection(c *Configuration) {
	ensure(&c.LeaderElection)
	le := c.LeaderElection
	fill(&le.LeaderElect, true)
	orElse(&le.ResourceName, DefaultLeaseName)
	orElse(&le.ResourceNamespace, DefaultNamespace)
	orElse(&le.LeaseDuration.Duration, DefaultLeaseDuration)
	orElse(&le.RenewDeadline.Duration, DefaultRenewDeadline)
	orElse(&le.RetryPeriod.Duration, DefaultRetryPeriod)
}

func setEndpoints(c *Configuration) {
	orElse(&c.Metrics.BindAddress, DefaultMetricsBindAddress)
	orElse(&c.Health.HealthProbeBindAddress, DefaultHealthProbeBindAddress)
	orElse(&c.Health.ReadinessEndpointName, DefaultReadinessEndpointName)
	orElse(&c.Health.LivenessEndpointName, DefaultLivenessEndpointName)
}

func setScheduling(c *Configuration) {
	ensure(&c.FairSharing)
	fill(&c.FairSharing.Enable, true)
	if len(c.FairSharing.PreemptionStrategies) == 0 {
		c.FairSharing.PreemptionStrategies = []PreemptionStrategy{LessThanOrEqualToFinalShare, LessThanInitialShare}
	}
	ensure(&c.Preemption)
	fill(&c.Preemption.HoldTimeout, metav1.Duration{Duration: DefaultHoldTimeout})
	fill(&c.Preemption.SearchBudget, DefaultSearchBudget)
	if afs := c.AdmissionFairSharing; afs != nil {
		orElse(&afs.UsageSamplingInterval.Duration, DefaultUsageSamplingInterval)
	}
	if w := c.WaitForPodsReady; w != nil {
		orElse(&w.Timeout.Duration, DefaultPodsReadyTimeout)
		fill(&w.RecoveryTimeout, w.Timeout)
		fill(&w.BlockAdmission, false)
		ensure(&w.RequeuingStrategy)
		fill(&w.RequeuingStrategy.Timestamp, EvictionTimestamp)
		fill(&w.RequeuingStrategy.BackoffBaseSeconds, DefaultBackoffBaseSeconds)
		fill(&w.RequeuingStrategy.BackoffMaxSeconds, DefaultBackoffMaxSeconds)
	}
}

func setIntegrations(c *Configuration) {
	ensure(&c.Integrations)
	if len(c.Integrations.Frameworks) == 0 {
		c.Integrations.Frameworks = []string{BatchJobFramework}
	}
	orElse(&c.Integrations.ReleaseAt, ReleaseAtTerminated)
	if c.ManagedJobsNamespaceSelector == nil {
		c.ManagedJobsNamespaceSelector = &metav1.LabelSelector{
			MatchExpressions: []metav1.LabelSelectorRequirement{{
				Key:      namespaceNameLabel,
				Operator: metav1.LabelSelectorOpNotIn,
				Values:   []string{"kube-system", DefaultNamespace},
			}},
		}
	}
}

func setResources(c *Configuration) {
	ensure(&c.Resources)
	orElse(&c.Resources.QuotaCheckStrategy, BlockUndeclared)
	for i := range c.Resources.Transformations {
		orElse(&c.Resources.Transformations[i].Strategy, TransformationRetain)
	}
}

// ensure makes *p point to something.
func ensure[T any](p **T) {
	if *p == nil {
		*p = new(T)
	}
}

// fill makes *p point to value if it points to nothing.
func fill[T any](p **T, value T) {
	if *p == nil {
		*p = &value
	}
}

// orElse sets *p to value if it is zero.
func orElse[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}
