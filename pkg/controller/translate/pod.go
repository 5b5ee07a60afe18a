package translate

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	resourcehelper "k8s.io/component-helpers/resource"
)

// Surroundings are what the cluster adds to the pods of a namespace when they
// are created, and demands of them.
type Surroundings interface {
	// LimitRanges returns those of a namespace, by name. Of several defaults
	// for one resource the first counts.
	LimitRanges(namespace string) []*corev1.LimitRange
	// RuntimeClass looks one up.
	RuntimeClass(name string) (*nodev1.RuntimeClass, bool)
}

// complete makes of a pod template's specification what the API server will
// make of it when it creates the pod: limits stand in for missing requests
// (pkg/apis/core/v1 SetDefaults_Pod), then come the defaults of LimitRanges
// (admission plugin LimitRanger) and the overhead of the RuntimeClass. The
// error says why the API server would refuse the pod, and what to change; the
// pod is then as complete as it can be.
func complete(pod *corev1.Pod, namespace string, around Surroundings) error {
	for _, c := range containersOf(pod) {
		c.Resources.Requests = fillIn(c.Resources.Requests, c.Resources.Limits)
	}
	completePodLevel(pod)
	fault := withinLimits(pod, "its limit")
	if around == nil {
		return first(fault, withinPodLevel(pod))
	}
	ranges := around.LimitRanges(namespace)
	for _, lr := range ranges {
		setDefaults(pod, lr)
		fault = first(fault, withinLimits(pod, "the default limit of LimitRange "+lr.Name))
	}
	fault = first(fault, withinPodLevel(pod))
	for _, lr := range ranges {
		fault = first(fault, violation(pod, lr))
	}
	return first(fault, addOverhead(pod, around))
}

func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// containersOf lists a pod's containers, init containers first.
func containersOf(pod *corev1.Pod) []*corev1.Container {
	list := make([]*corev1.Container, 0, len(pod.Spec.InitContainers)+len(pod.Spec.Containers))
	for i := range pod.Spec.InitContainers {
		list = append(list, &pod.Spec.InitContainers[i])
	}
	for i := range pod.Spec.Containers {
		list = append(list, &pod.Spec.Containers[i])
	}
	return list
}

// fillIn adds to list what only others has. Neither is changed.
func fillIn(list, others corev1.ResourceList) corev1.ResourceList {
	if len(others) == 0 {
		return list
	}
	filled := make(corev1.ResourceList, len(list)+len(others))
	for name, q := range others {
		filled[name] = q
	}
	for name, q := range list {
		filled[name] = q
	}
	return filled
}

// completePodLevel gives a pod that limits its resources as a whole the
// requests that it leaves out: for cpu and memory those of its containers, if
// they have any, else the limit.
func completePodLevel(pod *corev1.Pod) {
	own := pod.Spec.Resources
	if own == nil || len(own.Limits) == 0 {
		return
	}
	standIns := corev1.ResourceList{}
	for name, q := range own.Limits {
		if resourcehelper.IsSupportedPodLevelResource(name) {
			standIns[name] = q
		}
	}
	sum := resourcehelper.AggregateContainerRequests(pod, resourcehelper.PodResourcesOptions{})
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if q, has := sum[name]; has {
			standIns[name] = q
		}
	}
	completed := *own
	completed.Requests = fillIn(own.Requests, standIns)
	pod.Spec.Resources = &completed
}

// setDefaults applies what a LimitRange sets for containers that state
// nothing.
func setDefaults(pod *corev1.Pod, lr *corev1.LimitRange) {
	for i := range lr.Spec.Limits {
		item := &lr.Spec.Limits[i]
		if item.Type != corev1.LimitTypeContainer {
			continue
		}
		for _, c := range containersOf(pod) {
			c.Resources.Limits = fillIn(c.Resources.Limits, item.Default)
			c.Resources.Requests = fillIn(c.Resources.Requests, item.DefaultRequest)
		}
	}
}

// withinLimits finds a request above a limit, which limit describes.
func withinLimits(pod *corev1.Pod, limit string) error {
	for _, c := range containersOf(pod) {
		if err := within("container "+c.Name, limit, &c.Resources); err != nil {
			return err
		}
	}
	if pod.Spec.Resources != nil {
		return within("the pod as a whole", limit, pod.Spec.Resources)
	}
	return nil
}

func within(who, limit string, r *corev1.ResourceRequirements) error {
	for _, name := range SortedNames(r.Limits) {
		most, asked := r.Limits[name], r.Requests[name]
		if asked.Cmp(most) > 0 {
			return fmt.Errorf("%s: request of %s is %s, above %s of %s: lower the request or raise the limit",
				who, name, asked.String(), limit, most.String())
		}
	}
	return nil
}

// withinPodLevel compares the containers with what the pod states as a whole.
func withinPodLevel(pod *corev1.Pod) error {
	own := pod.Spec.Resources
	if own == nil {
		return nil
	}
	sum := resourcehelper.AggregateContainerRequests(pod, resourcehelper.PodResourcesOptions{})
	for _, name := range SortedNames(own.Requests) {
		asked, together := own.Requests[name], sum[name]
		if together.Cmp(asked) > 0 {
			return fmt.Errorf("the pod as a whole: request of %s is %s, but its containers request %s together, "+
				"defaults included: ask for more as a whole or for less in the containers", name, asked.String(), together.String())
		}
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		for _, name := range SortedNames(own.Limits) {
			most, limited := own.Limits[name], c.Resources.Limits[name]
			if limited.Cmp(most) > 0 {
				return fmt.Errorf("container %s: limit of %s is %s, above that of the pod as a whole, %s: lower the one or raise the other",
					c.Name, name, limited.String(), most.String())
			}
		}
	}
	return nil
}

// addOverhead gives the pod the overhead of its RuntimeClass, unless it states
// one itself.
func addOverhead(pod *corev1.Pod, around Surroundings) error {
	name := pod.Spec.RuntimeClassName
	if name == nil || *name == "" {
		return nil
	}
	class, exists := around.RuntimeClass(*name)
	if !exists {
		return fmt.Errorf("runtimeClassName: RuntimeClass %q does not exist: create it, or name another one in the pod template", *name)
	}
	if class.Overhead != nil && pod.Spec.Overhead == nil {
		pod.Spec.Overhead = class.Overhead.PodFixed
	}
	return nil
}
