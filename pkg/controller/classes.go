package controller

import (
	"sync"

	schedulingv1 "k8s.io/api/scheduling/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// classes holds the priority classes. It implements job.Classes.
type classes struct {
	mu       sync.RWMutex
	workload map[string]workloadClass
	pod      map[string]podClass
}

type workloadClass struct {
	value          int32
	minimumRuntime int64 // seconds
}

type podClass struct {
	value         int32
	globalDefault bool
}

func newClasses() *classes {
	return &classes{workload: map[string]workloadClass{}, pod: map[string]podClass{}}
}

// WorkloadPriorityClass implements job.Classes.
func (c *classes) WorkloadPriorityClass(name string) (int32, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	class, exists := c.workload[name]
	return class.value, exists
}

// minimumRuntime is what the class promises its workloads, in seconds.
func (c *classes) minimumRuntime(name string) int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.workload[name].minimumRuntime
}

// PriorityClass implements job.Classes.
func (c *classes) PriorityClass(name string) (int32, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	class, exists := c.pod[name]
	return class.value, exists
}

// GlobalDefault implements job.Classes. Of several, which the API server does
// not rule out, the lowest value counts, then the first name, as in Kubernetes.
func (c *classes) GlobalDefault() (name string, value int32, exists bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for candidate, class := range c.pod {
		if !class.globalDefault {
			continue
		}
		if !exists || class.value < value || (class.value == value && candidate < name) {
			name, value, exists = candidate, class.value, true
		}
	}
	return name, value, exists
}

// setWorkloadClass says whether the class's minimum runtime has changed.
func (c *classes) setWorkloadClass(class *v1beta1.WorkloadPriorityClass) bool {
	is := workloadClass{value: class.Value}
	if class.MinimumRuntimeSeconds != nil {
		is.minimumRuntime = *class.MinimumRuntimeSeconds
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.workload[class.Name]
	c.workload[class.Name] = is
	return was.minimumRuntime != is.minimumRuntime
}

// deleteWorkloadClass says the same.
func (c *classes) deleteWorkloadClass(class *v1beta1.WorkloadPriorityClass) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.workload[class.Name]
	delete(c.workload, class.Name)
	return was.minimumRuntime != 0
}

func (c *classes) setPodClass(class *schedulingv1.PriorityClass) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pod[class.Name] = podClass{value: class.Value, globalDefault: class.GlobalDefault}
}

func (c *classes) deletePodClass(class *schedulingv1.PriorityClass) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pod, class.Name)
}
