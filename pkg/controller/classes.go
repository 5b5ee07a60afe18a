package controller

import (
	"sync"

	schedulingv1 "k8s.io/api/scheduling/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// classes holds the priority classes. It implements job.Classes.
type classes struct {
	mu       sync.RWMutex
	workload map[string]int32
	pod      map[string]podClass
}

type podClass struct {
	value         int32
	globalDefault bool
}

func newClasses() *classes {
	return &classes{workload: map[string]int32{}, pod: map[string]podClass{}}
}

// WorkloadPriorityClass implements job.Classes.
func (c *classes) WorkloadPriorityClass(name string) (int32, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	value, exists := c.workload[name]
	return value, exists
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

func (c *classes) setWorkloadClass(class *v1beta1.WorkloadPriorityClass) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.workload[class.Name] = class.Value
}

func (c *classes) deleteWorkloadClass(class *v1beta1.WorkloadPriorityClass) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.workload, class.Name)
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
