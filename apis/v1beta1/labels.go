package v1beta1

// Labels that users put on jobs.
const (
	// QueueLabel names the LocalQueue of a job. A job without it is left alone
	// unless the configuration or its namespace says otherwise.
	QueueLabel = "fairlead.dev/queue-name"
	// PriorityClassLabel names the WorkloadPriorityClass of a job.
	PriorityClassLabel = "fairlead.dev/priority-class"
	// MaxExecTimeSecondsLabel is the maximum execution time of a job, in seconds.
	MaxExecTimeSecondsLabel = "fairlead.dev/max-exec-time-seconds"
)

// Annotations on jobs.
const (
	// JobMinParallelismAnnotation is the smallest parallelism with which a
	// batch Job may start.
	JobMinParallelismAnnotation = "fairlead.dev/job-min-parallelism"
	// OnEvictionAnnotation says what becomes of an evicted job: one of
	// OnEvictionXxx. Unset means Requeue.
	OnEvictionAnnotation = "fairlead.dev/on-eviction"
	// InjectedAnnotation records, as JSON, what the manager added to the pod
	// template when it started the job, so that it can take exactly that away
	// again. Nobody else may write it.
	InjectedAnnotation = "fairlead.dev/injected"
)

// Values of OnEvictionAnnotation.
const (
	// OnEvictionRequeue lets the job wait again.
	OnEvictionRequeue = "Requeue"
	// OnEvictionHold keeps the job suspended and inactive.
	OnEvictionHold = "Hold"
	// OnEvictionDelete deletes the job.
	OnEvictionDelete = "Delete"
)

// Labels on namespaces.
const (
	// ManagedLabel with value ManagedStrict makes a namespace accept no job
	// without a queue.
	ManagedLabel = "fairlead.dev/managed"
	// ManagedStrict is the value of ManagedLabel.
	ManagedStrict = "strict"
	// HeldLabel marks a job without queue that policy has suspended; its value
	// is the reason.
	HeldLabel = "fairlead.dev/held"
	// DefaultQueueLabel names the LocalQueue that policy gives to jobs created
	// without one. The manager keeps it.
	DefaultQueueLabel = "fairlead.dev/default-queue"
)

// Labels on Workloads.
const (
	// JobUIDLabel holds the UID of the job that a Workload stands for.
	JobUIDLabel = "fairlead.dev/job-uid"
)

// ResourceInUseFinalizer keeps a ClusterQueue or a ResourceFlavor until nothing
// uses it any more.
const ResourceInUseFinalizer = "fairlead.dev/resource-in-use"

// UnsuspendVerb is the RBAC verb, on the resource that a job is (for example
// "jobs" in group "batch"), without which nobody can start a queued job.
const UnsuspendVerb = "unsuspend"

// The service account under which the manager always runs.
const (
	ManagerNamespace      = "fairlead-system"
	ManagerServiceAccount = "fairlead-manager"
)
