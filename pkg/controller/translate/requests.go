package translate

import (
	"fmt"
	"math"
	"sort"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"

	"fairlead.dev/fairlead/pkg/quota"
)

// requests are what a completed pod asks for as it is counted, sorted by
// resource, one pod of "pods" included. An error names what cannot be charged.
func (c *Counting) requests(pod *corev1.Pod) ([]quota.ResourceAmount, error) {
	if err := checkSigns(pod); err != nil {
		return nil, err
	}
	list := c.Count(resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}))
	requests := make([]quota.ResourceAmount, 0, len(list)+1)
	for name, q := range list {
		if name == corev1.ResourcePods {
			continue
		}
		amount, err := Amount(name, q)
		if err != nil {
			return nil, err
		}
		requests = append(requests, quota.ResourceAmount{Resource: string(name), Amount: amount})
	}
	requests = append(requests, quota.ResourceAmount{Resource: string(corev1.ResourcePods), Amount: 1})
	sort.Slice(requests, func(i, j int) bool { return requests[i].Resource < requests[j].Resource })
	return requests, nil
}

// countable says whether count pods of these requests can be added up.
func countable(requests []quota.ResourceAmount, count int32) error {
	for _, r := range requests {
		if count > 0 && r.Amount > math.MaxInt64/int64(count) {
			return fmt.Errorf("request of %s for %d pods is more than can be counted", r.Resource, count)
		}
	}
	return nil
}

// checkSigns refuses negative amounts: added up with others they could go
// unseen.
func checkSigns(pod *corev1.Pod) error {
	for _, c := range containersOf(pod) {
		if err := checkSign("container "+c.Name+": request", c.Resources.Requests); err != nil {
			return err
		}
	}
	return checkSign("overhead", pod.Spec.Overhead)
}

func checkSign(what string, list corev1.ResourceList) error {
	for _, name := range SortedNames(list) {
		if q := list[name]; q.Sign() < 0 {
			return fmt.Errorf("%s of %s is %s: it must not be negative", what, name, q.String())
		}
	}
	return nil
}

// SortedNames lists the resources of a list in order, so that of several faults
// the same is told each time.
func SortedNames(list corev1.ResourceList) []corev1.ResourceName {
	names := make([]corev1.ResourceName, 0, len(list))
	for name := range list {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return names[i] < names[j] })
	return names
}
