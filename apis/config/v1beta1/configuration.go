package v1beta1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Configuration is the manager's configuration file.
//
// +kubebuilder:object:root=true
type Configuration struct {
	metav1.TypeMeta `json:",inline"`

	// Controller bounds the work done at once.
	Controller *Controller `json:"controller,omitempty"`

	// LeaderElection lets several replicas run of which one decides.
	LeaderElection *LeaderElection `json:"leaderElection,omitempty"`

	// Metrics says where metrics are served, and which.
	Metrics Metrics `json:"metrics,omitzero"`

	// Health says where the probes are answered.
	Health Health `json:"health,omitzero"`

	// ClientConnection bounds the requests to the API server.
	ClientConnection *ClientConnection `json:"clientConnection,omitempty"`

	// FairSharing orders the members of a cohort by their share. On by default.
	FairSharing *FairSharing `json:"fairSharing,omitempty"`

	// Preemption limits what the queues' preemption policies allow.
	Preemption *Preemption `json:"preemption,omitempty"`

	// AdmissionFairSharing orders the LocalQueues of a ClusterQueue by decayed
	// usage. Unset: off.
	AdmissionFairSharing *AdmissionFairSharing `json:"admissionFairSharing,omitempty"`

	// WaitForPodsReady gives admitted workloads a time within which their pods
	// must be ready. Unset: off.
	WaitForPodsReady *WaitForPodsReady `json:"waitForPodsReady,omitempty"`

	// Integrations chooses the kinds of jobs that are queued.
	Integrations *Integrations `json:"integrations,omitempty"`

	// ManageJobsWithoutQueueName also suspends jobs without a queue label, in
	// the namespaces of ManagedJobsNamespaceSelector. They wait until they are
	// given a queue. Default: false.
	ManageJobsWithoutQueueName bool `json:"manageJobsWithoutQueueName,omitempty"`

	// ManagedJobsNamespaceSelector selects, by labels, the namespaces in which
	// jobs are managed. Default: all but kube-system and the manager's own.
	ManagedJobsNamespaceSelector *metav1.LabelSelector `json:"managedJobsNamespaceSelector,omitempty"`

	// Resources says how the requests of pods are counted.
	Resources *Resources `json:"resources,omitempty"`

	// Recording writes down what the scheduler is told and decides, so that it
	// can be decided again with `fairlead simulate --replay`. Unset: off.
	Recording *Recording `json:"recording,omitempty"`

	// ObjectRetentionPolicies says how long objects are kept that nobody needs.
	ObjectRetentionPolicies *ObjectRetentionPolicies `json:"objectRetentionPolicies,omitempty"`
}

// Controller bounds the work done at once.
type Controller struct {
	// GroupKindConcurrency is the number of objects of a kind that are worked
	// on at once, by "Kind.group" (for example "Job.batch": 8). Kinds that are
	// not named have 1. "Workload.fairlead.dev" bounds the writes that are
	// under way at once, of which there are fewer while the API server turns some
	// away; its default is 96.
	GroupKindConcurrency map[string]int `json:"groupKindConcurrency,omitempty"`

	// CacheSyncTimeout is how long the manager waits at start until it has
	// read all objects. Default: 2m.
	CacheSyncTimeout *metav1.Duration `json:"cacheSyncTimeout,omitempty"`
}

// LeaderElection lets several replicas run of which one decides.
type LeaderElection struct {
	// LeaderElect turns it on. Default: true.
	LeaderElect *bool `json:"leaderElect,omitempty"`

	// ResourceName is the name of the Lease. Default:
	// manager.fairlead.dev.
	ResourceName string `json:"resourceName,omitempty"`

	// ResourceNamespace is the namespace of the Lease. Default:
	// fairlead-system.
	ResourceNamespace string `json:"resourceNamespace,omitempty"`

	// LeaseDuration is how long a lost leader's lease lasts. Default: 15s.
	LeaseDuration metav1.Duration `json:"leaseDuration,omitzero"`

	// RenewDeadline is how long the leader tries to renew before it exits.
	// Shorter than LeaseDuration. Default: 10s.
	RenewDeadline metav1.Duration `json:"renewDeadline,omitzero"`

	// RetryPeriod is the time between tries. Shorter than RenewDeadline.
	// Default: 2s.
	RetryPeriod metav1.Duration `json:"retryPeriod,omitzero"`
}

// Metrics says where metrics are served, and which.
type Metrics struct {
	// BindAddress is HOST:PORT; "0" turns metrics off. Default: ":8443".
	BindAddress string `json:"bindAddress,omitempty"`

	// EnableClusterQueueResources adds a time series for every quota and usage
	// of every ClusterQueue. Default: false.
	EnableClusterQueueResources bool `json:"enableClusterQueueResources,omitempty"`
}

// Health says where the probes are answered.
type Health struct {
	// HealthProbeBindAddress is HOST:PORT; "0" turns the probes off.
	// Default: ":8081".
	HealthProbeBindAddress string `json:"healthProbeBindAddress,omitempty"`

	// ReadinessEndpointName is the path of the readiness probe, which succeeds
	// once the manager has rebuilt its state. Default: readyz.
	ReadinessEndpointName string `json:"readinessEndpointName,omitempty"`

	// LivenessEndpointName is the path of the liveness probe. Default: healthz.
	LivenessEndpointName string `json:"livenessEndpointName,omitempty"`
}

// ClientConnection bounds the requests to the API server.
type ClientConnection struct {
	// QPS is requests a second; 0 means no limit of the client's own (the
	// server's priority and fairness is the limiter). Default: 0.
	QPS *float32 `json:"qps,omitempty"`

	// Burst is the number of requests allowed at once above QPS. Not used when
	// QPS is 0. Default: 100.
	Burst *int32 `json:"burst,omitempty"`
}

// PreemptionStrategy is a rule of fair sharing for taking quota back.
type PreemptionStrategy string

const (
	// LessThanOrEqualToFinalShare asks that the preemptor's share, its request
	// included, is at most the victim's share without the victim.
	LessThanOrEqualToFinalShare PreemptionStrategy = "LessThanOrEqualToFinalShare"
	// LessThanInitialShare asks that the preemptor's share, its request
	// included, is below the victim's share as it is.
	LessThanInitialShare PreemptionStrategy = "LessThanInitialShare"
)

// FairSharing orders the members of a cohort by their share.
type FairSharing struct {
	// Enable turns it on. Default: true.
	Enable *bool `json:"enable,omitempty"`

	// PreemptionStrategies are tried in this order. Allowed are
	// [LessThanOrEqualToFinalShare], [LessThanInitialShare] and both in this
	// order, which is the default.
	PreemptionStrategies []PreemptionStrategy `json:"preemptionStrategies,omitempty"`
}

// Preemption limits what the queues' preemption policies allow.
type Preemption struct {
	// HoldTimeout is how long quota is held for a preemptor although nothing
	// is released. Default: 10m.
	HoldTimeout *metav1.Duration `json:"holdTimeout,omitempty"`

	// SearchBudget is how many running workloads one search for victims may
	// look at; one that needs more goes on in the next pass. Default: 20000.
	SearchBudget *int32 `json:"searchBudget,omitempty"`

	// MaxEvictionsPerMinute is how many evictions the workloads of one
	// ClusterQueue may cause within a minute. Default: 0, any number.
	MaxEvictionsPerMinute int32 `json:"maxEvictionsPerMinute,omitempty"`

	// MaxEvictedToRequestedRatio is how much of each short resource may be
	// evicted for what is requested of it: 2 is twice as much. Default: 0, any
	// amount.
	MaxEvictedToRequestedRatio float64 `json:"maxEvictedToRequestedRatio,omitempty"`
}

// AdmissionFairSharing orders the LocalQueues of a ClusterQueue by usage.
type AdmissionFairSharing struct {
	// UsageHalfLifeTime is the time after which past usage counts half; 0
	// means that it does not count at all. Required.
	UsageHalfLifeTime metav1.Duration `json:"usageHalfLifeTime"`

	// UsageSamplingInterval is the time between updates. Default: 5m.
	UsageSamplingInterval metav1.Duration `json:"usageSamplingInterval,omitzero"`

	// ResourceWeights is what a unit of a resource counts (a core, a byte, a
	// piece). Resources that are not named count 1.
	ResourceWeights map[string]float64 `json:"resourceWeights,omitempty"`
}

// RequeuingTimestamp says which time orders a workload that is requeued.
type RequeuingTimestamp string

const (
	// CreationTimestamp is the time at which the workload was created.
	CreationTimestamp RequeuingTimestamp = "Creation"
	// EvictionTimestamp is the time of its eviction.
	EvictionTimestamp RequeuingTimestamp = "Eviction"
)

// WaitForPodsReady gives admitted workloads a time within which their pods
// must be ready.
type WaitForPodsReady struct {
	// Timeout is that time, from admission. Default: 5m.
	Timeout metav1.Duration `json:"timeout,omitzero"`

	// RecoveryTimeout is the time within which a pod that has failed or was
	// lost must be replaced. Default: Timeout.
	RecoveryTimeout *metav1.Duration `json:"recoveryTimeout,omitempty"`

	// BlockAdmission admits one workload at a time: the next when the pods of
	// the last are ready. Default: false.
	BlockAdmission *bool `json:"blockAdmission,omitempty"`

	// RequeuingStrategy says how evicted workloads wait again.
	RequeuingStrategy *RequeuingStrategy `json:"requeuingStrategy,omitempty"`
}

// RequeuingStrategy says how workloads wait again after PodsReadyTimeout.
type RequeuingStrategy struct {
	// Timestamp says which time orders them. Default: Eviction.
	Timestamp *RequeuingTimestamp `json:"timestamp,omitempty"`

	// BackoffLimitCount is the number of requeues after which a workload is
	// deactivated. Default: no limit.
	BackoffLimitCount *int32 `json:"backoffLimitCount,omitempty"`

	// BackoffBaseSeconds is the wait, in seconds, after the first eviction; it
	// doubles with each. Default: 60.
	BackoffBaseSeconds *int32 `json:"backoffBaseSeconds,omitempty"`

	// BackoffMaxSeconds is the longest wait, in seconds. Default: 3600.
	BackoffMaxSeconds *int32 `json:"backoffMaxSeconds,omitempty"`
}

// BatchJobFramework is the name of the integration of batch/v1 Jobs.
const BatchJobFramework = "batch/job"

// Integrations chooses the kinds of jobs that are queued.
type Integrations struct {
	// Frameworks lists them. Default: ["batch/job"].
	Frameworks []string `json:"frameworks,omitempty"`

	// LabelAliases lists label prefixes, besides fairlead.dev, whose labels
	// count as ours: "kueue.x-k8s.io" makes kueue.x-k8s.io/queue-name a queue
	// label. The admission policies must be rendered with the same list.
	// Default: none.
	LabelAliases []string `json:"labelAliases,omitempty"`

	// LabelKeysToCopy lists keys of labels that are copied from a job to its
	// Workload when that is created. Default: none.
	LabelKeysToCopy []string `json:"labelKeysToCopy,omitempty"`

	// ReleaseAt says when an evicted job gives its quota back: once its pods are
	// gone (Terminated), or as soon as all of them terminate, while they use up
	// their grace period (Terminating): whoever is admitted then waits for nodes
	// instead. Default: Terminated.
	ReleaseAt ReleasePoint `json:"releaseAt,omitempty"`
}

// ReleasePoint is a state of the pods of an evicted job.
type ReleasePoint string

// When an evicted job gives its quota back.
const (
	ReleaseAtTerminated  ReleasePoint = "Terminated"
	ReleaseAtTerminating ReleasePoint = "Terminating"
)

// TransformationStrategy says what becomes of the resource transformed.
type TransformationStrategy string

const (
	// TransformationRetain counts it besides the outputs.
	TransformationRetain TransformationStrategy = "Retain"
	// TransformationReplace counts the outputs only.
	TransformationReplace TransformationStrategy = "Replace"
)

// QuotaCheckStrategy says what a request for a resource means that the
// ClusterQueue does not cover.
type QuotaCheckStrategy string

const (
	// BlockUndeclared means that the workload cannot be admitted there.
	BlockUndeclared QuotaCheckStrategy = "BlockUndeclared"
	// IgnoreUndeclared means that the request is not counted.
	IgnoreUndeclared QuotaCheckStrategy = "IgnoreUndeclared"
)

// Resources says how the requests of pods are counted.
type Resources struct {
	// ExcludeResourcePrefixes lists prefixes of names of resources that are
	// not counted. Default: none.
	ExcludeResourcePrefixes []string `json:"excludeResourcePrefixes,omitempty"`

	// Transformations turn requests for one resource into requests for others.
	Transformations []ResourceTransformation `json:"transformations,omitempty"`

	// QuotaCheckStrategy says what a request for a resource means that the
	// ClusterQueue does not cover. Default: BlockUndeclared.
	QuotaCheckStrategy QuotaCheckStrategy `json:"quotaCheckStrategy,omitempty"`
}

// ResourceTransformation turns a request for Input into requests for Outputs,
// which are not transformed again.
type ResourceTransformation struct {
	// Input is the resource transformed. Each may be named once. Required.
	Input string `json:"input"`

	// Strategy says whether Input itself is still counted. Default: Retain.
	Strategy TransformationStrategy `json:"strategy,omitempty"`

	// MultiplyBy is a resource whose requested amount multiplies that of Input
	// first. It changes nothing where the pod does not request it. Unset: none.
	MultiplyBy string `json:"multiplyBy,omitempty"`

	// Outputs is the amount of each resource that one unit of Input stands for
	// (quantities, for example "5Gi").
	Outputs map[string]resource.Quantity `json:"outputs,omitempty"`
}

// Recording says where events and decisions are written down.
type Recording struct {
	// Path is the file. One of the same name, from an earlier start, is kept
	// beside it as PATH.1 (and an older PATH.1 is lost). Required.
	Path string `json:"path"`

	// MaxSize is how large the file may become; then the recording ends, and
	// the manager goes on without. A workload takes about 2 KiB. Default: 1Gi.
	MaxSize *resource.Quantity `json:"maxSize,omitempty"`
}

// ObjectRetentionPolicies says how long objects are kept that nobody needs.
type ObjectRetentionPolicies struct {
	// Workloads is about Workloads.
	Workloads *WorkloadRetentionPolicy `json:"workloads,omitempty"`
}

// WorkloadRetentionPolicy says how long Workloads are kept.
type WorkloadRetentionPolicy struct {
	// AfterFinished is how long a finished Workload is kept; 0s deletes it at
	// once. Unset: as long as its job.
	AfterFinished *metav1.Duration `json:"afterFinished,omitempty"`
}
