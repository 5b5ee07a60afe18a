package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "fairlead"

// waitBuckets are seconds: from an idle system's latency to days.
var waitBuckets = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240, 40960, 163840}

// Counters are what the manager counts as it goes.
type Counters struct {
	attempts      *prometheus.CounterVec
	passSeconds   *prometheus.HistogramVec
	quotaReserved *prometheus.CounterVec
	admitted      *prometheus.CounterVec
	waitSeconds   *prometheus.HistogramVec
	reserveWait   *prometheus.HistogramVec
	readyWait     *prometheus.HistogramVec
	startSeconds  *prometheus.HistogramVec
	evicted       *prometheus.CounterVec
	evictedOnce   *prometheus.CounterVec
	readySeconds  *prometheus.HistogramVec
	preempted     *prometheus.CounterVec
	limited       *prometheus.CounterVec
	holdsEnded    *prometheus.CounterVec
	finished      *prometheus.CounterVec
	writes        *prometheus.CounterVec
	refused       *prometheus.CounterVec
	eventsDropped prometheus.Counter
	policies      prometheus.Gauge
}

// NewCounters registers the counters.
func NewCounters(registry prometheus.Registerer) *Counters {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
		registry.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
		registry.MustRegister(h)
		return h
	}
	c := &Counters{
		attempts: counter("admission_attempts_total", "Passes of the engine, by result: success if something was admitted.", "result"),
		passSeconds: histogram("admission_attempt_duration_seconds", "Duration of a pass of the engine, by result.",
			prometheus.ExponentialBuckets(1e-6, 4, 12), "result"),
		quotaReserved: counter("quota_reserved_workloads_total", "Workloads that were given quota.", "cluster_queue"),
		admitted:      counter("admitted_workloads_total", "Workloads that were admitted.", "cluster_queue"),
		waitSeconds: histogram("admission_wait_time_seconds", "Time from the creation of a workload to its admission.",
			waitBuckets, "cluster_queue"),
		reserveWait: histogram("quota_reserved_wait_time_seconds", "Time from the creation of a workload, or from its last requeuing, until it was given quota.",
			waitBuckets, "cluster_queue"),
		readyWait: histogram("ready_wait_time_seconds", "Time from the creation of a workload, or from its last requeuing, until its pods were ready.",
			waitBuckets, "cluster_queue"),
		startSeconds: histogram("admitted_until_ready_wait_time_seconds", "Time from the admission of a workload until its pods were ready.",
			waitBuckets, "cluster_queue"),
		evicted: counter("evicted_workloads_total", "Evictions of workloads.", "cluster_queue", "reason", "underlying_cause"),
		evictedOnce: counter("evicted_workloads_once_total", "Workloads that were evicted for this reason, each counted once.",
			"cluster_queue", "reason", "underlying_cause"),
		readySeconds: histogram("pods_ready_to_evicted_time_seconds", "Time from when a workload's pods were ready until it was evicted.",
			waitBuckets, "cluster_queue", "reason", "underlying_cause"),
		preempted: counter("preempted_workloads_total", "Workloads that were chosen to leave for another, by the other's ClusterQueue and the reason.",
			"preempting_cluster_queue", "reason"),
		limited: counter("preemption_limited_total", "Times that a limit kept a workload from preempting, by limit: SearchBudget means that the search goes on later.",
			"limit"),
		holdsEnded: counter("preemption_holds_ended_total", "Holds of preempting workloads that ended without their admission, by cause.", "cause"),
		finished:   counter("finished_workloads_total", "Workloads that have ended.", "cluster_queue"),
		writes:     counter("api_writes_total", "Writes to the API server that were done, by purpose.", "purpose"),
		refused:    counter("api_writes_refused_total", "Writes that the API server refused, by purpose.", "purpose"),
		eventsDropped: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "events_dropped_total",
			Help: "Events that were not written because there were too many."}),
		policies: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "policy_differences",
			Help: "Admission policies of the cluster that are not as configured."}),
	}
	registry.MustRegister(c.eventsDropped, c.policies)
	return c
}

// Pass counts a pass of the engine.
func (c *Counters) Pass(took time.Duration, decisions int) {
	result := "inadmissible"
	if decisions > 0 {
		result = "success"
	}
	c.attempts.WithLabelValues(result).Inc()
	c.passSeconds.WithLabelValues(result).Observe(took.Seconds())
}

// Admitted counts an admission of a workload that was created, and last queued,
// so long ago.
func (c *Counters) Admitted(clusterQueue string, created, queued time.Duration) {
	c.quotaReserved.WithLabelValues(clusterQueue).Inc()
	c.admitted.WithLabelValues(clusterQueue).Inc()
	c.waitSeconds.WithLabelValues(clusterQueue).Observe(max(created.Seconds(), 0))
	c.reserveWait.WithLabelValues(clusterQueue).Observe(max(queued.Seconds(), 0))
}

// PodsReady counts a workload whose pods have become ready, so long after it
// was last queued and after its admission.
func (c *Counters) PodsReady(clusterQueue string, queued, admitted time.Duration) {
	c.readyWait.WithLabelValues(clusterQueue).Observe(max(queued.Seconds(), 0))
	c.startSeconds.WithLabelValues(clusterQueue).Observe(max(admitted.Seconds(), 0))
}

// Eviction is what is counted of one.
type Eviction struct {
	ClusterQueue, Reason, Cause string
	// First: the workload has not been evicted for this reason before.
	First bool
	// Ready is for how long its pods had been ready; 0 if they were not.
	Ready time.Duration
}

// Evicted counts an eviction.
func (c *Counters) Evicted(ev Eviction) {
	c.evicted.WithLabelValues(ev.ClusterQueue, ev.Reason, ev.Cause).Inc()
	if ev.First {
		c.evictedOnce.WithLabelValues(ev.ClusterQueue, ev.Reason, ev.Cause).Inc()
	}
	if ev.Ready > 0 {
		c.readySeconds.WithLabelValues(ev.ClusterQueue, ev.Reason, ev.Cause).Observe(ev.Ready.Seconds())
	}
}

// Preempted counts a victim of a preemption.
func (c *Counters) Preempted(preempting, reason string) {
	c.preempted.WithLabelValues(preempting, reason).Inc()
}

// PreemptionLimited counts a preemption that a limit has put off.
func (c *Counters) PreemptionLimited(limit string) { c.limited.WithLabelValues(limit).Inc() }

// HoldEnded counts a hold that ended without an admission.
func (c *Counters) HoldEnded(cause string) { c.holdsEnded.WithLabelValues(cause).Inc() }

// Finished counts the end of a workload.
func (c *Counters) Finished(clusterQueue string) { c.finished.WithLabelValues(clusterQueue).Inc() }

// Written counts a write to the API server.
func (c *Counters) Written(purpose string) { c.writes.WithLabelValues(purpose).Inc() }

// Refused counts a write that the API server refused.
func (c *Counters) Refused(purpose string) { c.refused.WithLabelValues(purpose).Inc() }

// PolicyDifferences tells how many admission policies are not as configured.
func (c *Counters) PolicyDifferences(n int) { c.policies.Set(float64(n)) }

// EventDropped counts an event that was not written.
func (c *Counters) EventDropped() { c.eventsDropped.Inc() }
