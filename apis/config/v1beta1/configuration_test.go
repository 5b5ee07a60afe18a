package v1beta1

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func defaulted(edit func(*Configuration)) *Configuration {
	c := &Configuration{}
	edit(c)
	SetDefaults(c)
	return c
}

func TestDefaultsAreValidAndStable(t *testing.T) {
	for name, edit := range map[string]func(*Configuration){
		"empty": func(*Configuration) {},
		"everything on": func(c *Configuration) {
			c.WaitForPodsReady = &WaitForPodsReady{}
			c.AdmissionFairSharing = &AdmissionFairSharing{}
			c.Resources = &Resources{Transformations: []ResourceTransformation{{Input: "a"}}}
		},
	} {
		c := defaulted(edit)
		if faults := Validate(c); len(faults) > 0 {
			t.Errorf("%s: %v", name, faults)
		}
		again := c.DeepCopy()
		SetDefaults(again)
		if diff := cmp.Diff(c, again); diff != "" {
			t.Errorf("%s: defaulting twice differs:\n%s", name, diff)
		}
	}
}

func TestDefaults(t *testing.T) {
	c := defaulted(func(c *Configuration) {
		c.Controller = &Controller{GroupKindConcurrency: map[string]int{"Job.batch": 3}}
		c.WaitForPodsReady = &WaitForPodsReady{Timeout: metav1.Duration{Duration: time.Minute}}
	})
	if !*c.FairSharing.Enable || !*c.LeaderElection.LeaderElect {
		t.Error("fair sharing and leader election are on unless switched off")
	}
	if *c.ClientConnection.QPS != 0 {
		t.Error("the client has a limit of its own")
	}
	if got := c.Controller.GroupKindConcurrency; got["Job.batch"] != 3 || got["Workload.fairlead.dev"] != DefaultWorkloadConcurrency {
		t.Errorf("concurrency %v", got)
	}
	if got := c.WaitForPodsReady.RecoveryTimeout.Duration; got != time.Minute {
		t.Errorf("recovery timeout %v, want that of start", got)
	}
	if got := c.Integrations.ReleaseAt; got != ReleaseAtTerminated {
		t.Errorf("quota is released when pods are %s", got)
	}
	if got := c.Inactive(); len(got) != 0 {
		t.Errorf("%v do nothing although nothing was set", got)
	}
	if got := (&Configuration{AdmissionFairSharing: &AdmissionFairSharing{}}).Inactive(); !slices.Equal(got, []string{"admissionFairSharing"}) {
		t.Errorf("set and inactive: %v", got)
	}
	if c.AdmissionFairSharing != nil || c.ObjectRetentionPolicies != nil {
		t.Error("what is off by default was switched on")
	}
}

func transform(t ResourceTransformation) func(*Configuration) {
	if t.Strategy == "" {
		t.Strategy = TransformationRetain
	}
	return func(c *Configuration) { c.Resources.Transformations = []ResourceTransformation{t} }
}

// TestFaults: each fault is found, alone, at its field.
func TestFaults(t *testing.T) {

	minus := func(d time.Duration) metav1.Duration { return metav1.Duration{Duration: -d} }
	for _, c := range []struct {
		field string
		edit  func(*Configuration)
	}{
		{"apiVersion", func(c *Configuration) { c.APIVersion = "config.fairlead.dev/v9" }},
		{"kind", func(c *Configuration) { c.Kind = "Config" }},
		{"controller.groupKindConcurrency[Job.batch]", func(c *Configuration) { c.Controller.GroupKindConcurrency["Job.batch"] = 0 }},
		{"controller.groupKindConcurrency[jobs]", func(c *Configuration) { c.Controller.GroupKindConcurrency["jobs"] = 1 }},
		{"controller.cacheSyncTimeout", func(c *Configuration) { c.Controller.CacheSyncTimeout = &metav1.Duration{} }},
		{"leaderElection.resourceName", func(c *Configuration) { c.LeaderElection.ResourceName = "A B" }},
		{"leaderElection.renewDeadline", func(c *Configuration) { c.LeaderElection.RenewDeadline = metav1.Duration{Duration: time.Second} }},
		{"leaderElection.leaseDuration", func(c *Configuration) { c.LeaderElection.LeaseDuration = metav1.Duration{Duration: 10 * time.Second} }},
		{"metrics.bindAddress", func(c *Configuration) { c.Metrics.BindAddress = "8443" }},
		{"metrics.bindAddress", func(c *Configuration) { c.Metrics.BindAddress = ":70000" }},
		{"health.healthProbeBindAddress", func(c *Configuration) { c.Health.HealthProbeBindAddress = "localhost" }},
		{"health.livenessEndpointName", func(c *Configuration) { c.Health.LivenessEndpointName = "readyz" }},
		{"clientConnection.qps", func(c *Configuration) { *c.ClientConnection.QPS = -1 }},
		{"clientConnection.burst", func(c *Configuration) { *c.ClientConnection.Burst = 0 }},
		{"fairSharing.preemptionStrategies", func(c *Configuration) { slices.Reverse(c.FairSharing.PreemptionStrategies) }},
		{"preemption.holdTimeout", func(c *Configuration) { c.Preemption.HoldTimeout.Duration = 0 }},
		{"preemption.searchBudget", func(c *Configuration) { *c.Preemption.SearchBudget = 0 }},
		{"preemption.maxEvictionsPerMinute", func(c *Configuration) { c.Preemption.MaxEvictionsPerMinute = -1 }},
		{"preemption.maxEvictedToRequestedRatio", func(c *Configuration) { c.Preemption.MaxEvictedToRequestedRatio = 0.5 }},
		{"admissionFairSharing.usageHalfLifeTime", func(c *Configuration) { c.AdmissionFairSharing.UsageHalfLifeTime = minus(time.Hour) }},
		{"admissionFairSharing.resourceWeights[cpu]", func(c *Configuration) { c.AdmissionFairSharing.ResourceWeights = map[string]float64{"cpu": -1} }},
		{"waitForPodsReady.timeout", func(c *Configuration) { c.WaitForPodsReady.Timeout = minus(time.Second) }},
		{"waitForPodsReady.requeuingStrategy.timestamp", func(c *Configuration) { *c.WaitForPodsReady.RequeuingStrategy.Timestamp = "Never" }},
		{"managedJobsNamespaceSelector.matchExpressions[0].operator", func(c *Configuration) { c.ManagedJobsNamespaceSelector.MatchExpressions[0].Operator = "Like" }},
		{"integrations.frameworks[1]", func(c *Configuration) { c.Integrations.Frameworks = append(c.Integrations.Frameworks, "batch/jobs") }},
		{"integrations.labelAliases[0]", func(c *Configuration) { c.Integrations.LabelAliases = []string{"kueue.x-k8s.io/"} }},
		{"integrations.releaseAt", func(c *Configuration) { c.Integrations.ReleaseAt = "AtOnce" }},
		{"integrations.labelKeysToCopy[0]", func(c *Configuration) { c.Integrations.LabelKeysToCopy = []string{"a b"} }},
		{"resources.excludeResourcePrefixes[0]", func(c *Configuration) { c.Resources.ExcludeResourcePrefixes = []string{""} }},
		{"resources.quotaCheckStrategy", func(c *Configuration) { c.Resources.QuotaCheckStrategy = "Maybe" }},
		{"resources.transformations[1].input", func(c *Configuration) {
			c.Resources.Transformations = []ResourceTransformation{{Input: "a", Strategy: TransformationRetain}, {Input: "a", Strategy: TransformationReplace}}
		}},
		{"resources.transformations[0].outputs[b]", func(c *Configuration) {
			c.Resources.Transformations = []ResourceTransformation{{Input: "a", Strategy: TransformationRetain,
				Outputs: map[string]resource.Quantity{"b": resource.MustParse("-1")}}}
		}},
		{"resources.transformations[0].input", transform(ResourceTransformation{})},
		{"resources.transformations[0].input", transform(ResourceTransformation{Input: "a b"})},
		{"resources.transformations[0].input", transform(ResourceTransformation{Input: "pods"})},
		{"resources.transformations[0].input", func(c *Configuration) {
			c.Resources.ExcludeResourcePrefixes = []string{"example.com/"}
			transform(ResourceTransformation{Input: "example.com/gpu"})(c)
		}},
		{"resources.transformations[0].strategy", transform(ResourceTransformation{Input: "a", Strategy: "Keep"})},
		{"resources.transformations[0].multiplyBy", transform(ResourceTransformation{Input: "a", MultiplyBy: "a"})},
		{"resources.transformations[0].multiplyBy", transform(ResourceTransformation{Input: "a", MultiplyBy: "b c"})},
		{"resources.transformations[0].outputs[pods]", transform(ResourceTransformation{Input: "a",
			Outputs: map[string]resource.Quantity{"pods": resource.MustParse("1")}})},
		{"objectRetentionPolicies.workloads.afterFinished", func(c *Configuration) { *c.ObjectRetentionPolicies.Workloads.AfterFinished = minus(time.Second) }},
	} {
		minute := metav1.Duration{Duration: time.Minute}
		configuration := defaulted(func(c *Configuration) {
			c.WaitForPodsReady = &WaitForPodsReady{}
			c.AdmissionFairSharing = &AdmissionFairSharing{}
			c.ObjectRetentionPolicies = &ObjectRetentionPolicies{Workloads: &WorkloadRetentionPolicy{AfterFinished: &minute}}
		})
		c.edit(configuration)
		faults := Validate(configuration)
		if len(faults) != 1 || faults[0].Field != c.field {
			t.Errorf("%s: got %v", c.field, faults)
		}
	}
}
