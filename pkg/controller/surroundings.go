package controller

import (
	"context"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// surroundings holds the LimitRanges and RuntimeClasses. It implements
// translate.Surroundings.
type surroundings struct {
	mu             sync.RWMutex
	limitRanges    map[string][]*corev1.LimitRange // by namespace, in order of their names
	runtimeClasses map[string]*nodev1.RuntimeClass
}

func newSurroundings() *surroundings {
	return &surroundings{limitRanges: map[string][]*corev1.LimitRange{}, runtimeClasses: map[string]*nodev1.RuntimeClass{}}
}

// LimitRanges implements translate.Surroundings.
func (s *surroundings) LimitRanges(namespace string) []*corev1.LimitRange {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.limitRanges[namespace]
}

// RuntimeClass implements translate.Surroundings.
func (s *surroundings) RuntimeClass(name string) (*nodev1.RuntimeClass, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	class, exists := s.runtimeClasses[name]
	return class, exists
}

// setLimitRange says whether anything has changed for pods.
func (s *surroundings) setLimitRange(lr *corev1.LimitRange) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.limitRanges[lr.Namespace]
	at, exists := place(known, lr.Name)
	if exists && equality.Semantic.DeepEqual(known[at].Spec, lr.Spec) {
		return false
	}
	// Readers may hold the list as it was.
	list := slices.Clone(known)
	if exists {
		list[at] = lr
	} else {
		list = slices.Insert(list, at, lr)
	}
	s.limitRanges[lr.Namespace] = list
	return true
}

func (s *surroundings) deleteLimitRange(lr *corev1.LimitRange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.limitRanges[lr.Namespace]
	at, exists := place(known, lr.Name)
	switch {
	case !exists:
	case len(known) == 1:
		delete(s.limitRanges, lr.Namespace)
	default:
		s.limitRanges[lr.Namespace] = slices.Delete(slices.Clone(known), at, at+1)
	}
}

func place(list []*corev1.LimitRange, name string) (int, bool) {
	return slices.BinarySearchFunc(list, name, func(lr *corev1.LimitRange, name string) int { return strings.Compare(lr.Name, name) })
}

// setRuntimeClass says whether anything has changed for pods.
func (s *surroundings) setRuntimeClass(class *nodev1.RuntimeClass) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, exists := s.runtimeClasses[class.Name]
	s.runtimeClasses[class.Name] = class
	return !exists || !equality.Semantic.DeepEqual(known.Overhead, class.Overhead)
}

func (s *surroundings) deleteRuntimeClass(class *nodev1.RuntimeClass) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.runtimeClasses, class.Name)
}

// watchSurroundings: workloads that wait ask for something else when what the
// cluster adds to their pods has changed.
func (c *Controller) watchSurroundings(ctx context.Context) error {
	err := watch(ctx, &c.watches, &corev1.LimitRange{}, func(lr *corev1.LimitRange) {
		if c.surroundings.setLimitRange(lr) {
			c.inbox.Reshape(lr.Namespace)
		}
	}, func(lr *corev1.LimitRange) {
		c.surroundings.deleteLimitRange(lr)
		c.inbox.Reshape(lr.Namespace)
	})
	if err != nil {
		return err
	}
	return watch(ctx, &c.watches, &nodev1.RuntimeClass{}, func(class *nodev1.RuntimeClass) {
		if c.surroundings.setRuntimeClass(class) {
			c.inbox.Reshape("")
		}
	}, func(class *nodev1.RuntimeClass) {
		c.surroundings.deleteRuntimeClass(class)
		c.inbox.Reshape("")
	})
}
