package metrics

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"

	"fairlead.dev/fairlead/pkg/admission"
)

// Queues draws gauges from a snapshot of the engine each time they are read:
// nothing is kept that could go stale, and nothing is left of a deleted queue.
type Queues struct {
	snapshot  func() *admission.Snapshot
	resources bool

	pending, reserving, admitted, status *prometheus.Desc
	share, cohortShare                   *prometheus.Desc
	usage, nominal                       *prometheus.Desc
	preempting, held                     *prometheus.Desc
	localPending, localAdmitted          *prometheus.Desc
	excess, cohortExcess                 *prometheus.Desc
	conflicting                          *prometheus.Desc
}

// NewQueues registers the gauges. resources adds a series for every quota and
// usage of every queue.
func NewQueues(registry prometheus.Registerer, snapshot func() *admission.Snapshot, resources bool) *Queues {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	q := &Queues{
		snapshot:  snapshot,
		resources: resources,
		pending:   desc("pending_workloads", "Workloads that wait, by status: active ones are tried when something changes.", "cluster_queue", "status"),
		reserving: desc("reserving_active_workloads", "Workloads that hold quota and have not ended.", "cluster_queue"),
		admitted:  desc("admitted_active_workloads", "Workloads that are admitted and have not ended.", "cluster_queue"),
		status:    desc("cluster_queue_status", "1 for the status the queue has, 0 for the others.", "cluster_queue", "status"),
		share: desc("cluster_queue_weighted_share", "Dominant resource share in thousandths, divided by the weight; NaN for a borrowing queue of weight 0.",
			"cluster_queue"),
		cohortShare: desc("cohort_weighted_share", "Dominant resource share in thousandths, divided by the weight; NaN for a borrowing cohort of weight 0.",
			"cohort"),
		usage:      desc("cluster_queue_resource_usage", "Quota in use: cores for cpu, bytes for memory.", "cluster_queue", "flavor", "resource"),
		nominal:    desc("cluster_queue_nominal_quota", "Quota of the queue's own: cores for cpu, bytes for memory.", "cluster_queue", "flavor", "resource"),
		preempting: desc("preempting_workloads", "Workloads that wait for those preempted for them; quota is held for them meanwhile.", "cluster_queue"),
		held: desc("cluster_queue_resource_held", "Quota held in the queue for workloads that wait: cores for cpu, bytes for memory. Only while there is any.",
			"cluster_queue", "flavor", "resource"),
		excess: desc("cluster_queue_overcommit", "Quota in use beyond what the queue may, or the Cohort named that it borrows from: cores for cpu, bytes for memory. Only while there is any.",
			"cluster_queue", "cohort", "flavor", "resource"),
		cohortExcess: desc("cohort_overcommit", "Quota in use beyond what the Cohort may: cores for cpu, bytes for memory. Only while there is any.",
			"cohort", "flavor", "resource"),
		conflicting:   desc("reservation_conflicting", "1 if a Reservation lacks room, 0 if not.", "reservation"),
		localPending:  desc("local_queue_pending_workloads", "Workloads of a LocalQueue that wait.", "namespace", "name"),
		localAdmitted: desc("local_queue_admitted_active_workloads", "Workloads of a LocalQueue that are admitted.", "namespace", "name"),
	}
	registry.MustRegister(q)
	return q
}

// Describe implements prometheus.Collector.
func (q *Queues) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{q.pending, q.reserving, q.admitted, q.status, q.share, q.cohortShare,
		q.usage, q.nominal, q.localPending, q.localAdmitted, q.excess, q.cohortExcess, q.preempting, q.held, q.conflicting} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (q *Queues) Collect(out chan<- prometheus.Metric) {
	snapshot := q.snapshot()
	if snapshot == nil {
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for i := range snapshot.ClusterQueues {
		cq := &snapshot.ClusterQueues[i]
		gauge(q.pending, float64(cq.PendingActive), cq.Name, "active")
		gauge(q.pending, float64(cq.PendingInadmissible), cq.Name, "inadmissible")
		gauge(q.reserving, float64(cq.Reserving), cq.Name)
		gauge(q.admitted, float64(cq.Admitted), cq.Name)
		gauge(q.share, share(cq.WeightedShare), cq.Name)
		gauge(q.preempting, float64(cq.Preempting), cq.Name)
		for _, u := range cq.Usage {
			if u.Held > 0 {
				gauge(q.held, inUnits(u.Resource, u.Held), cq.Name, u.Flavor, u.Resource)
			}
		}
		for _, status := range []string{"active", "pending", "terminating"} {
			gauge(q.status, truth(statusOf(cq.ActiveReason) == status), cq.Name, status)
		}
		for _, x := range cq.Excess {
			gauge(q.excess, inUnits(x.Resource, x.Amount), cq.Name, x.Cohort, x.Flavor, x.Resource)
		}
		if !q.resources {
			continue
		}
		for _, u := range cq.Usage {
			gauge(q.usage, inUnits(u.Resource, u.Total), cq.Name, u.Flavor, u.Resource)
			gauge(q.nominal, inUnits(u.Resource, u.Nominal), cq.Name, u.Flavor, u.Resource)
		}
	}
	for i := range snapshot.Cohorts {
		gauge(q.cohortShare, share(snapshot.Cohorts[i].WeightedShare), snapshot.Cohorts[i].Name)
		for _, x := range snapshot.Cohorts[i].Excess {
			gauge(q.cohortExcess, inUnits(x.Resource, x.Amount), snapshot.Cohorts[i].Name, x.Flavor, x.Resource)
		}
	}
	for i := range snapshot.Reservations {
		gauge(q.conflicting, truth(snapshot.Reservations[i].Conflict != nil), snapshot.Reservations[i].Name)
	}
	for i := range snapshot.LocalQueues {
		lq := &snapshot.LocalQueues[i]
		gauge(q.localPending, float64(lq.Pending), lq.Namespace, lq.Name)
		gauge(q.localAdmitted, float64(lq.Admitted), lq.Namespace, lq.Name)
	}
}

func statusOf(reason string) string {
	switch reason {
	case "Ready":
		return "active"
	case "Terminating":
		return "terminating"
	default:
		return "pending"
	}
}

func share(value int64) float64 {
	if value == math.MaxInt64 {
		return math.NaN()
	}
	return float64(value)
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// inUnits turns the engine's milli-cores into cores.
func inUnits(resource string, amount int64) float64 {
	if resource == string(corev1.ResourceCPU) {
		return float64(amount) / 1000
	}
	return float64(amount)
}
