package v1beta1

import (
	"fmt"
	"math"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	apivalidation "k8s.io/apimachinery/pkg/util/validation"
)

// Validate returns every fault of a configuration to which SetDefaults has
// been applied, each with its field and what to write instead; nil if there is
// none.
func Validate(c *Configuration) field.ErrorList {
	var faults field.ErrorList
	if c.APIVersion != GroupVersion.String() {
		faults = append(faults, field.NotSupported(field.NewPath("apiVersion"), c.APIVersion, []string{GroupVersion.String()}))
	}
	if c.Kind != Kind {
		faults = append(faults, field.NotSupported(field.NewPath("kind"), c.Kind, []string{Kind}))
	}
	faults = append(faults, validateController(c.Controller, field.NewPath("controller"))...)
	faults = append(faults, validateLeaderElection(c.LeaderElection, field.NewPath("leaderElection"))...)
	faults = append(faults, validateEndpoints(c)...)
	faults = append(faults, validateClient(c.ClientConnection, field.NewPath("clientConnection"))...)
	faults = append(faults, validateFairSharing(c.FairSharing, field.NewPath("fairSharing"))...)
	faults = append(faults, validatePreemption(c.Preemption, field.NewPath("preemption"))...)
	faults = append(faults, validateAdmissionFairSharing(c.AdmissionFairSharing, field.NewPath("admissionFairSharing"))...)
	faults = append(faults, validateWaitForPodsReady(c.WaitForPodsReady, field.NewPath("waitForPodsReady"))...)
	faults = append(faults, validateIntegrations(c)...)
	faults = append(faults, validateResources(c.Resources, field.NewPath("resources"))...)
	if p := c.ObjectRetentionPolicies; p != nil && p.Workloads != nil && p.Workloads.AfterFinished != nil && p.Workloads.AfterFinished.Duration < 0 {
		faults = append(faults, field.Invalid(field.NewPath("objectRetentionPolicies", "workloads", "afterFinished"),
			p.Workloads.AfterFinished.Duration.String(), "must not be negative: use 0s to delete at once, or leave it out to keep a Workload as long as its job"))
	}
	faults = append(faults, validateRecording(c.Recording, field.NewPath("recording"))...)
	return faults
}

func validateRecording(r *Recording, path *field.Path) field.ErrorList {
	if r == nil {
		return nil
	}
	var faults field.ErrorList
	if r.Path == "" {
		faults = append(faults, field.Required(path.Child("path"), "name the file, for example /var/lib/fairlead/recording.jsonl"))
	}
	if r.MaxSize != nil && r.MaxSize.Sign() <= 0 {
		faults = append(faults, field.Invalid(path.Child("maxSize"), r.MaxSize.String(), "must be positive, for example 1Gi"))
	}
	return faults
}

var groupKind = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(\.[a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$`)

func validateController(c *Controller, path *field.Path) field.ErrorList {
	if c == nil {
		return nil
	}
	var faults field.ErrorList
	for _, kind := range sortedKeys(c.GroupKindConcurrency) {
		at := path.Child("groupKindConcurrency").Key(kind)
		if !groupKind.MatchString(kind) {
			faults = append(faults, field.Invalid(at, kind, "must name a kind and its group, for example Job.batch or Workload.fairlead.dev"))
		}
		if n := c.GroupKindConcurrency[kind]; n < 1 || n > 1000 {
			faults = append(faults, field.Invalid(at, n, "must be from 1 to 1000"))
		}
	}
	if t := c.CacheSyncTimeout; t != nil && t.Duration <= 0 {
		faults = append(faults, field.Invalid(path.Child("cacheSyncTimeout"), t.Duration.String(), "must be positive, for example 2m"))
	}
	return faults
}

func validateLeaderElection(le *LeaderElection, path *field.Path) field.ErrorList {
	if le == nil || le.LeaderElect == nil || !*le.LeaderElect {
		return nil
	}
	var faults field.ErrorList
	for _, problem := range apivalidation.IsDNS1123Subdomain(le.ResourceName) {
		faults = append(faults, field.Invalid(path.Child("resourceName"), le.ResourceName, "must be a name for a Lease: "+problem))
	}
	for _, problem := range apivalidation.IsDNS1123Label(le.ResourceNamespace) {
		faults = append(faults, field.Invalid(path.Child("resourceNamespace"), le.ResourceNamespace, "must be the name of a namespace: "+problem))
	}
	if le.RetryPeriod.Duration <= 0 {
		faults = append(faults, field.Invalid(path.Child("retryPeriod"), le.RetryPeriod.Duration.String(), "must be positive, for example 2s"))
	}
	if le.RenewDeadline.Duration <= le.RetryPeriod.Duration {
		faults = append(faults, field.Invalid(path.Child("renewDeadline"), le.RenewDeadline.Duration.String(),
			fmt.Sprintf("must be longer than retryPeriod (%s), for example 10s with 2s", le.RetryPeriod.Duration)))
	}
	if le.LeaseDuration.Duration <= le.RenewDeadline.Duration {
		faults = append(faults, field.Invalid(path.Child("leaseDuration"), le.LeaseDuration.Duration.String(),
			fmt.Sprintf("must be longer than renewDeadline (%s), for example 15s with 10s", le.RenewDeadline.Duration)))
	}
	return faults
}

func validateEndpoints(c *Configuration) field.ErrorList {
	faults := validateAddress(c.Metrics.BindAddress, field.NewPath("metrics", "bindAddress"))
	health := field.NewPath("health")
	faults = append(faults, validateAddress(c.Health.HealthProbeBindAddress, health.Child("healthProbeBindAddress"))...)
	for name, value := range map[string]string{"readinessEndpointName": c.Health.ReadinessEndpointName, "livenessEndpointName": c.Health.LivenessEndpointName} {
		if strings.ContainsAny(value, "?#% ") || strings.Trim(value, "/") == "" {
			faults = append(faults, field.Invalid(health.Child(name), value, "must be a path such as readyz"))
		}
	}
	if strings.Trim(c.Health.ReadinessEndpointName, "/") == strings.Trim(c.Health.LivenessEndpointName, "/") {
		faults = append(faults, field.Invalid(health.Child("livenessEndpointName"), c.Health.LivenessEndpointName, "must differ from readinessEndpointName"))
	}
	slices.SortFunc(faults, func(a, b *field.Error) int { return strings.Compare(a.Field, b.Field) })
	return faults
}

func validateAddress(address string, path *field.Path) field.ErrorList {
	if address == "0" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		if n, convErr := strconv.Atoi(port); convErr == nil && n >= 0 && n <= math.MaxUint16 {
			return nil
		}
	}
	return field.ErrorList{field.Invalid(path, address, `must be HOST:PORT or :PORT with a port from 0 to 65535, for example 127.0.0.1:8443, or "0" to serve nothing`)}
}

func validateClient(c *ClientConnection, path *field.Path) field.ErrorList {
	if c == nil {
		return nil
	}
	var faults field.ErrorList
	if c.QPS != nil && (*c.QPS < 0 || math.IsNaN(float64(*c.QPS)) || math.IsInf(float64(*c.QPS), 0)) {
		faults = append(faults, field.Invalid(path.Child("qps"), *c.QPS, "must be 0 (no limit) or a positive number of requests a second"))
	}
	if c.Burst != nil && *c.Burst < 1 {
		faults = append(faults, field.Invalid(path.Child("burst"), *c.Burst, "must be at least 1; to have no limit set qps to 0"))
	}
	return faults
}

func validateFairSharing(f *FairSharing, path *field.Path) field.ErrorList {
	if f == nil {
		return nil
	}
	allowed := [][]PreemptionStrategy{
		{LessThanOrEqualToFinalShare},
		{LessThanInitialShare},
		{LessThanOrEqualToFinalShare, LessThanInitialShare},
	}
	for _, strategies := range allowed {
		if slices.Equal(strategies, f.PreemptionStrategies) {
			return nil
		}
	}
	return field.ErrorList{field.Invalid(path.Child("preemptionStrategies"), fmt.Sprint(f.PreemptionStrategies),
		fmt.Sprintf("must be one of [%s], [%s], [%[1]s, %[2]s]", LessThanOrEqualToFinalShare, LessThanInitialShare))}
}

func validatePreemption(p *Preemption, path *field.Path) field.ErrorList {
	if p == nil {
		return nil
	}
	var faults field.ErrorList
	if p.HoldTimeout != nil && p.HoldTimeout.Duration <= 0 {
		faults = append(faults, field.Invalid(path.Child("holdTimeout"), p.HoldTimeout.Duration.String(), "must be positive, for example 10m"))
	}
	if p.SearchBudget != nil && *p.SearchBudget < 1 {
		faults = append(faults, field.Invalid(path.Child("searchBudget"), *p.SearchBudget, "must be at least 1"))
	}
	if p.MaxEvictionsPerMinute < 0 {
		faults = append(faults, field.Invalid(path.Child("maxEvictionsPerMinute"), p.MaxEvictionsPerMinute, "must be positive, or 0 for any number"))
	}
	if r := p.MaxEvictedToRequestedRatio; r != 0 && (r < 1 || r > 1e6 || math.IsNaN(r)) {
		faults = append(faults, field.Invalid(path.Child("maxEvictedToRequestedRatio"), r, "must be from 1 to 1000000, or 0 for any amount"))
	}
	return faults
}

// Inactive names the fields that are set and do nothing yet.
func (c *Configuration) Inactive() []string {
	if c.AdmissionFairSharing == nil {
		return nil
	}
	return []string{"admissionFairSharing"}
}

func validateAdmissionFairSharing(f *AdmissionFairSharing, path *field.Path) field.ErrorList {
	if f == nil {
		return nil
	}
	var faults field.ErrorList
	if f.UsageHalfLifeTime.Duration < 0 {
		faults = append(faults, field.Invalid(path.Child("usageHalfLifeTime"), f.UsageHalfLifeTime.Duration.String(),
			"must not be negative: use a time such as 168h, or 0s to leave past usage out"))
	}
	if f.UsageSamplingInterval.Duration <= 0 {
		faults = append(faults, field.Invalid(path.Child("usageSamplingInterval"), f.UsageSamplingInterval.Duration.String(),
			"must be positive, for example 5m"))
	}
	for _, name := range sortedKeys(f.ResourceWeights) {
		if w := f.ResourceWeights[name]; w < 0 || math.IsNaN(w) || math.IsInf(w, 0) {
			faults = append(faults, field.Invalid(path.Child("resourceWeights").Key(name), w, "must be 0 or a positive number"))
		}
	}
	return faults
}

func validateWaitForPodsReady(w *WaitForPodsReady, path *field.Path) field.ErrorList {
	if w == nil {
		return nil
	}
	var faults field.ErrorList
	if w.Timeout.Duration <= 0 {
		faults = append(faults, field.Invalid(path.Child("timeout"), w.Timeout.Duration.String(), "must be positive, for example 5m"))
	}
	if r := w.RecoveryTimeout; r != nil && r.Duration <= 0 {
		faults = append(faults, field.Invalid(path.Child("recoveryTimeout"), r.Duration.String(), "must be positive, for example 3m"))
	}
	s := w.RequeuingStrategy
	if s == nil {
		return faults
	}
	path = path.Child("requeuingStrategy")
	if s.Timestamp != nil && *s.Timestamp != CreationTimestamp && *s.Timestamp != EvictionTimestamp {
		faults = append(faults, field.NotSupported(path.Child("timestamp"), *s.Timestamp, []RequeuingTimestamp{CreationTimestamp, EvictionTimestamp}))
	}
	if s.BackoffLimitCount != nil && *s.BackoffLimitCount < 0 {
		faults = append(faults, field.Invalid(path.Child("backoffLimitCount"), *s.BackoffLimitCount, "must not be negative; to have no limit leave it out"))
	}
	if s.BackoffBaseSeconds != nil && *s.BackoffBaseSeconds < 0 {
		faults = append(faults, field.Invalid(path.Child("backoffBaseSeconds"), *s.BackoffBaseSeconds, "must be 0 or a positive number of seconds"))
	}
	if s.BackoffMaxSeconds != nil && *s.BackoffMaxSeconds < 0 {
		faults = append(faults, field.Invalid(path.Child("backoffMaxSeconds"), *s.BackoffMaxSeconds, "must be 0 or a positive number of seconds"))
	}
	return faults
}

func validateIntegrations(c *Configuration) field.ErrorList {
	var faults field.ErrorList
	if c.ManagedJobsNamespaceSelector != nil {
		faults = append(faults, validation.ValidateLabelSelector(c.ManagedJobsNamespaceSelector,
			validation.LabelSelectorValidationOptions{}, field.NewPath("managedJobsNamespaceSelector"))...)
	}
	if c.Integrations == nil {
		return faults
	}
	path := field.NewPath("integrations")
	seen := map[string]bool{}
	for i, framework := range c.Integrations.Frameworks {
		at := path.Child("frameworks").Index(i)
		if framework != BatchJobFramework {
			faults = append(faults, field.NotSupported(at, framework, []string{BatchJobFramework}))
		} else if seen[framework] {
			faults = append(faults, field.Duplicate(at, framework))
		}
		seen[framework] = true
	}
	seen = map[string]bool{}
	for i, prefix := range c.Integrations.LabelAliases {
		at := path.Child("labelAliases").Index(i)
		for _, problem := range apivalidation.IsDNS1123Subdomain(prefix) {
			faults = append(faults, field.Invalid(at, prefix, "must be a label prefix without a slash, for example kueue.x-k8s.io: "+problem))
		}
		if prefix == "fairlead.dev" || seen[prefix] {
			faults = append(faults, field.Duplicate(at, prefix))
		}
		seen[prefix] = true
	}
	for i, key := range c.Integrations.LabelKeysToCopy {
		for _, problem := range apivalidation.IsQualifiedName(key) {
			faults = append(faults, field.Invalid(path.Child("labelKeysToCopy").Index(i), key, "must be the key of a label: "+problem))
		}
	}
	if at := c.Integrations.ReleaseAt; at != ReleaseAtTerminated && at != ReleaseAtTerminating {
		faults = append(faults, field.NotSupported(path.Child("releaseAt"), at, []ReleasePoint{ReleaseAtTerminated, ReleaseAtTerminating}))
	}
	return faults
}

func validateResources(r *Resources, path *field.Path) field.ErrorList {
	if r == nil {
		return nil
	}
	var faults field.ErrorList
	for i, prefix := range r.ExcludeResourcePrefixes {
		if prefix == "" {
			faults = append(faults, field.Required(path.Child("excludeResourcePrefixes").Index(i), "an empty prefix would exclude every resource: name one, for example example.com/"))
		}
	}
	if r.QuotaCheckStrategy != BlockUndeclared && r.QuotaCheckStrategy != IgnoreUndeclared {
		faults = append(faults, field.NotSupported(path.Child("quotaCheckStrategy"), r.QuotaCheckStrategy, []QuotaCheckStrategy{BlockUndeclared, IgnoreUndeclared}))
	}
	seen := map[string]bool{}
	for i := range r.Transformations {
		t, at := &r.Transformations[i], path.Child("transformations").Index(i)
		if seen[t.Input] {
			faults = append(faults, field.Duplicate(at.Child("input"), t.Input))
		}
		seen[t.Input] = true
		faults = append(faults, validateTransformation(t, at)...)
		for j, prefix := range r.ExcludeResourcePrefixes {
			if prefix != "" && strings.HasPrefix(t.Input, prefix) {
				faults = append(faults, field.Invalid(at.Child("input"), t.Input,
					fmt.Sprintf("is left out by %s (%q) and so never transformed: remove one of the two", path.Child("excludeResourcePrefixes").Index(j), prefix)))
			}
		}
	}
	return faults
}

func validateTransformation(t *ResourceTransformation, path *field.Path) field.ErrorList {
	faults := validateResourceName(t.Input, path.Child("input"), "name the resource to transform, for example nvidia.com/mig-1g.5gb")
	if t.Strategy != TransformationRetain && t.Strategy != TransformationReplace {
		faults = append(faults, field.NotSupported(path.Child("strategy"), t.Strategy, []TransformationStrategy{TransformationRetain, TransformationReplace}))
	}
	if t.MultiplyBy != "" {
		faults = append(faults, validateResourceName(t.MultiplyBy, path.Child("multiplyBy"), "")...)
		if t.MultiplyBy == t.Input {
			faults = append(faults, field.Invalid(path.Child("multiplyBy"), t.MultiplyBy, "must be another resource than input"))
		}
	}
	for _, name := range sortedKeys(t.Outputs) {
		at := path.Child("outputs").Key(name)
		faults = append(faults, validateResourceName(name, at, "name the resource that is counted")...)
		if q := t.Outputs[name]; q.Sign() < 0 {
			faults = append(faults, field.Invalid(at, q.String(), "must be 0 or a positive quantity"))
		}
	}
	return faults
}

// validateResourceName refuses what no pod can request. Pods themselves are
// counted, one for each pod, and not by requests.
func validateResourceName(name string, path *field.Path, missing string) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, missing)}
	}
	if name == string(corev1.ResourcePods) {
		return field.ErrorList{field.Invalid(path, name, "pods are counted as such, one for each pod: use another resource")}
	}
	var faults field.ErrorList
	for _, problem := range apivalidation.IsQualifiedName(name) {
		faults = append(faults, field.Invalid(path, name, "must be the name of a resource, for example cpu or example.com/gpu: "+problem))
	}
	return faults
}

// sortedKeys gives the keys of m in order, so that faults come in the same
// order each time.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
