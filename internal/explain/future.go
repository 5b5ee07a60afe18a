package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/duration"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/translate"
	"fairlead.dev/fairlead/pkg/simulation/forecast"
)

// fewest, most and work are how many futures are drawn if nobody says: work is
// what one run through all Workloads may cost in all, counted in Workloads.
const (
	fewest = 20
	most   = 100
	work   = 400_000
)

// shown is how many of those that end before are named.
const shown = 5

// fromSite answers from the state of the whole cluster.
func (r *Report) fromSite(s *site, wl *v1beta1.Workload, options Options) error {
	uid := string(wl.UID)
	look := s.engine.Clone() // the forecast's first pass is the same
	look.Step(s.now.UnixNano(), admission.Decide{})
	standing, known := look.Standing(uid)
	if !known {
		return errGone
	}
	r.ClusterQueue = standing.ClusterQueue
	if standing.Charged {
		r.Reason, r.Message, r.Summary = "", "", "it can start now: the manager admits it within moments; if this lasts, the manager does not run"
		r.ToldReason, r.ToldMessage = "", ""
		return nil
	}
	if standing.Reason != "" && (string(standing.Reason) != r.Reason || standing.Message != r.Message) {
		r.ToldReason, r.ToldMessage = r.Reason, r.Message
		r.Reason, r.Message = string(standing.Reason), standing.Message
	}
	r.summarize()
	if standing.Queued {
		r.Place = &Place{Ahead: standing.Ahead, Length: standing.Length, Strict: standing.Strict}
	}
	for i := range standing.Short {
		r.Missing = append(r.Missing, missing(&standing.Short[i]))
	}
	switch standing.Reason {
	case admission.ExceedsMaxQuota, admission.NoMatchingFlavor, admission.Misconfigured:
		return nil
	}
	if r.State == Held {
		return nil
	}
	return r.forecast(s, uid, wl, standing.Short, options)
}

func missing(s *admission.Shortage) Missing {
	name := corev1.ResourceName(s.Resource)
	return Missing{
		PodSet: s.PodSet, Flavor: s.Flavor, Resource: s.Resource,
		Missing: translate.Quantity(name, s.Missing()), Requested: translate.Quantity(name, s.Requested), Available: translate.Quantity(name, s.Available),
		Nominal: translate.Quantity(name, s.Nominal), Used: translate.Quantity(name, s.Used), Held: translate.Quantity(name, s.Held), Most: translate.Quantity(name, s.Most),
	}
}

// forecast asks when it will start, and who ends before.
func (r *Report) forecast(s *site, uid string, wl *v1beta1.Workload, short []admission.Shortage, options Options) error {
	samples := options.Samples
	if samples == 0 {
		samples = min(most, max(fewest, work/max(1, len(s.values))))
	}
	type ended struct {
		uid string
		at  int64
	}
	var ends []ended
	answer, err := forecast.Of(forecast.Config{
		Engine: s.engine, Now: s.now.UnixNano(), Workloads: s.values, Of: []string{uid}, History: s.history,
		DefaultLimit: options.AssumedLimit, Samples: samples, Seed: options.Seed,
		Ended: func(uid string, at int64) { ends = append(ends, ended{uid, at}) },
	})
	if err != nil {
		return fmt.Errorf("the forecast: %w", err)
	}
	e := &answer.Estimates[0]
	r.Start = &Start{
		Planned: moment(e.Planned), P50: moment(e.P50), P90: moment(e.P90), Samples: samples,
		Workloads: len(s.values), Unlimited: answer.Unlimited, Assumed: answer.Assumed, AssumedLimit: duration.HumanDuration(options.AssumedLimit),
	}
	r.Start.Known, r.Start.KnownOf = s.history.Known(wl.Namespace, string(wl.Spec.QueueName))
	if e.Planned == 0 {
		return nil
	}
	root := s.roots[r.ClusterQueue]
	for _, end := range ends {
		o := s.objects[end.uid]
		if end.at > e.Planned || !translate.HoldsQuota(o) || s.roots[string(o.Status.Admission.ClusterQueue)] != root {
			continue
		}
		holds := holdsOf(o, short)
		if holds == "" {
			continue
		}
		if r.Before++; len(r.First) < shown {
			r.First = append(r.First, Other{Namespace: o.Namespace, Workload: o.Name, ClusterQueue: string(o.Status.Admission.ClusterQueue), Holds: holds, Ends: *moment(end.at)})
		}
	}
	return nil
}

// holdsOf tells what a Workload holds of what is short, "" if nothing.
func holdsOf(wl *v1beta1.Workload, short []admission.Shortage) string {
	type key struct{ resource, flavor string }
	amounts := map[key]*resource.Quantity{}
	for i := range wl.Status.Admission.PodSetAssignments {
		a := &wl.Status.Admission.PodSetAssignments[i]
		for name, flavor := range a.Flavors {
			k := key{string(name), string(flavor)}
			if !slices.ContainsFunc(short, func(s admission.Shortage) bool { return s.Resource == k.resource && s.Flavor == k.flavor }) {
				continue
			}
			if amounts[k] == nil {
				amounts[k] = &resource.Quantity{}
			}
			amounts[k].Add(a.ResourceUsage[name])
		}
	}
	var keys []key
	for k := range amounts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(strings.Compare(a.resource, b.resource), strings.Compare(a.flavor, b.flavor))
	})
	var parts []string
	for _, k := range keys {
		parts = append(parts, fmt.Sprintf("%s %s of flavor %s", amounts[k], k.resource, k.flavor))
	}
	return strings.Join(parts, ", ")
}

// moment is a time of the forecast, nil for never.
func moment(at int64) *time.Time {
	if at == 0 {
		return nil
	}
	t := time.Unix(0, at).UTC().Truncate(time.Second)
	return &t
}
