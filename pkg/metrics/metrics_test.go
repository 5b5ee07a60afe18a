package metrics

import (
	"math"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"fairlead.dev/fairlead/pkg/admission"
)

// gathered reads a registry as name{label="value"...} and number.
func gathered(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			values[family.GetName()+labels(m)] = value(m)
		}
	}
	return values
}

func labels(m *dto.Metric) string {
	var pairs []string
	for _, l := range m.GetLabel() {
		pairs = append(pairs, l.GetName()+"="+l.GetValue())
	}
	sort.Strings(pairs)
	return "{" + strings.Join(pairs, ",") + "}"
}

func value(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.GetCounter().GetValue()
	case m.Gauge != nil:
		return m.GetGauge().GetValue()
	default:
		return float64(m.GetHistogram().GetSampleCount())
	}
}

func TestQueuesFollowTheSnapshot(t *testing.T) {
	registry := prometheus.NewRegistry()
	var state *admission.Snapshot
	NewQueues(registry, func() *admission.Snapshot { return state }, true)
	if got := gathered(t, registry); len(got) != 0 {
		t.Errorf("before the first snapshot: %v", got)
	}
	state = &admission.Snapshot{
		ClusterQueues: []admission.ClusterQueueStatus{{Name: "osg", PendingActive: 3, PendingInadmissible: 2, Reserving: 6, Admitted: 5, WeightedShare: math.MaxInt64,
			ActiveReason: "Ready", Preempting: 1, Usage: []admission.FlavorUsage{{Flavor: "plain", Resource: "cpu", Total: 1500, Nominal: 40000, Held: 2500}, {Flavor: "plain", Resource: "memory", Total: 7}}}},
		Cohorts:      []admission.CohortStatus{{Name: "wlcg", WeightedShare: 12}},
		LocalQueues:  []admission.LocalQueueStatus{{Namespace: "ns", Name: "main", Pending: 4}},
		Reservations: []admission.ReservationStatus{{Name: "fits"}, {Name: "upgrade", Conflict: &admission.ReservationConflict{Missing: 5}}},
	}
	got := gathered(t, registry)
	for name, want := range map[string]float64{
		"fairlead_pending_workloads{cluster_queue=osg,status=active}":                           3,
		"fairlead_pending_workloads{cluster_queue=osg,status=inadmissible}":                     2,
		"fairlead_reserving_active_workloads{cluster_queue=osg}":                                6,
		"fairlead_admitted_active_workloads{cluster_queue=osg}":                                 5,
		"fairlead_cluster_queue_status{cluster_queue=osg,status=active}":                        1,
		"fairlead_cluster_queue_status{cluster_queue=osg,status=pending}":                       0,
		"fairlead_cluster_queue_resource_usage{cluster_queue=osg,flavor=plain,resource=cpu}":    1.5,
		"fairlead_cluster_queue_resource_usage{cluster_queue=osg,flavor=plain,resource=memory}": 7,
		"fairlead_cluster_queue_nominal_quota{cluster_queue=osg,flavor=plain,resource=cpu}":     40,
		"fairlead_preempting_workloads{cluster_queue=osg}":                                      1,
		"fairlead_cluster_queue_resource_held{cluster_queue=osg,flavor=plain,resource=cpu}":     2.5,
		"fairlead_cohort_weighted_share{cohort=wlcg}":                                           12,
		"fairlead_local_queue_pending_workloads{name=main,namespace=ns}":                        4,
		"fairlead_reservation_conflicting{reservation=upgrade}":                                 1,
		"fairlead_reservation_conflicting{reservation=fits}":                                    0,
	} {
		if has, ok := got[name]; !ok || has != want {
			t.Errorf("%s is %v (%v), want %v", name, has, ok, want)
		}
	}
	if share := got["fairlead_cluster_queue_weighted_share{cluster_queue=osg}"]; !math.IsNaN(share) {
		t.Errorf("the share of a borrowing queue of weight 0 is %v", share)
	}
	state = &admission.Snapshot{}
	if got := gathered(t, registry); len(got) != 0 {
		t.Errorf("left of deleted queues: %v", got)
	}
}

func TestCounters(t *testing.T) {
	registry := prometheus.NewRegistry()
	c := NewCounters(registry)
	c.Admitted("osg", 3*time.Second, time.Second)
	c.Admitted("osg", -time.Second, -time.Second) // clocks differ
	c.Evicted(Eviction{ClusterQueue: "osg", Reason: "Preempted", First: true, Ready: time.Second})
	c.Evicted(Eviction{ClusterQueue: "osg", Reason: "Preempted"})
	c.PodsReady("osg", 2*time.Second, time.Second)
	c.Finished("osg")
	c.Pass(time.Millisecond, 0)
	c.Pass(time.Millisecond, 2)
	got := gathered(t, registry)
	for name, want := range map[string]float64{
		"fairlead_admitted_workloads_total{cluster_queue=osg}":                                              2,
		"fairlead_quota_reserved_workloads_total{cluster_queue=osg}":                                        2,
		"fairlead_admission_wait_time_seconds{cluster_queue=osg}":                                           2,
		"fairlead_quota_reserved_wait_time_seconds{cluster_queue=osg}":                                      2,
		"fairlead_evicted_workloads_total{cluster_queue=osg,reason=Preempted,underlying_cause=}":            2,
		"fairlead_evicted_workloads_once_total{cluster_queue=osg,reason=Preempted,underlying_cause=}":       1,
		"fairlead_pods_ready_to_evicted_time_seconds{cluster_queue=osg,reason=Preempted,underlying_cause=}": 1,
		"fairlead_ready_wait_time_seconds{cluster_queue=osg}":                                               1,
		"fairlead_admitted_until_ready_wait_time_seconds{cluster_queue=osg}":                                1,
		"fairlead_finished_workloads_total{cluster_queue=osg}":                                              1,
		"fairlead_admission_attempts_total{result=success}":                                                 1,
		"fairlead_admission_attempt_duration_seconds{result=inadmissible}":                                  1,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}
