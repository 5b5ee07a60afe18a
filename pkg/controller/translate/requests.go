package translate

import (
	"fmt"
	"math"
	"sort"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"

	"fairlead.dev/fairlead/pkg/quota"
)

// Requests are what one pod of a template asks for, sorted by resource, one
// pod of "pods" included. Limits stand in for missing requests, as the API
// server does when it creates the pod. An error names what cannot be charged.
func Requests(template *corev1.PodTemplateSpec) ([]quota.ResourceAmount, error) {
	pod := &corev1.Pod{Spec: template.Spec}
	pod.Spec.InitContainers = withLimitsAsRequests(template.Spec.InitContainers)
	pod.Spec.Containers = withLimitsAsRequests(template.Spec.Containers)
	if err := checkSigns(pod); err != nil {
		return nil, err
	}
	if own := template.Spec.Resources; own != nil {
		completed := *own
		completed.Requests = completeRequests(own.Requests, own.Limits)
		pod.Spec.Resources = &completed
	}
	list := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
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

// checkSigns refuses negative requests in any container: added up with others
// they could go unseen.
func checkSigns(pod *corev1.Pod) error {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			for name, q := range list[i].Resources.Requests {
				if q.Sign() < 0 {
					return fmt.Errorf("container %s: request of %s is %s: it must not be negative", list[i].Name, name, q.String())
				}
			}
		}
	}
	return nil
}

func withLimitsAsRequests(containers []corev1.Container) []corev1.Container {
	for i := range containers {
		if missesRequest(&containers[i]) {
			completed := make([]corev1.Container, len(containers))
			copy(completed, containers)
			for j := range completed {
				completed[j].Resources.Requests = completeRequests(completed[j].Resources.Requests, completed[j].Resources.Limits)
			}
			return completed
		}
	}
	return containers
}

func missesRequest(c *corev1.Container) bool {
	for name := range c.Resources.Limits {
		if _, ok := c.Resources.Requests[name]; !ok {
			return true
		}
	}
	return false
}

func completeRequests(requests, limits corev1.ResourceList) corev1.ResourceList {
	completed := make(corev1.ResourceList, len(limits)+len(requests))
	for name, q := range limits {
		completed[name] = q
	}
	for name, q := range requests {
		completed[name] = q
	}
	return completed
}
