package job

import (
	"fmt"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// Classes looks priority classes up.
type Classes interface {
	// WorkloadPriorityClass returns the value of a WorkloadPriorityClass.
	WorkloadPriorityClass(name string) (value int32, exists bool)
	// PriorityClass returns the value of a PriorityClass of pods.
	PriorityClass(name string) (value int32, exists bool)
	// GlobalDefault returns the PriorityClass of pods that name none.
	GlobalDefault() (name string, value int32, exists bool)
}

// Priority is an effective priority and where it comes from.
type Priority struct {
	Value int32
	Class *v1beta1.PriorityClassRef
}

// MissingClass is the error for a priority class that a job names and nobody
// has created.
type MissingClass struct{ Kind, Name string }

func (m *MissingClass) Error() string {
	return fmt.Sprintf("%s %q does not exist: create it, or name another one on the job", m.Kind, m.Name)
}

// ResolvePriority finds the priority of a job (semantics, section 4): the
// WorkloadPriorityClass named by label; else the one called "default"; else
// the first pod set's PriorityClass; else the global default; else 0.
func ResolvePriority(state State, classes Classes) (Priority, error) {
	if name := state.PriorityClass; name != "" {
		value, exists := classes.WorkloadPriorityClass(name)
		if !exists {
			return Priority{}, &MissingClass{Kind: string(v1beta1.WorkloadPriorityClassKind), Name: name}
		}
		return workloadPriority(name, value), nil
	}
	if value, exists := classes.WorkloadPriorityClass(v1beta1.DefaultWorkloadPriorityClassName); exists {
		return workloadPriority(v1beta1.DefaultWorkloadPriorityClassName, value), nil
	}
	if name := state.PodPriorityClass; name != "" {
		value, exists := classes.PriorityClass(name)
		if !exists {
			return Priority{}, &MissingClass{Kind: string(v1beta1.PodPriorityClassKind), Name: name}
		}
		return podPriority(name, value), nil
	}
	if name, value, exists := classes.GlobalDefault(); exists {
		return podPriority(name, value), nil
	}
	return Priority{}, nil
}

func workloadPriority(name string, value int32) Priority {
	return Priority{Value: value, Class: &v1beta1.PriorityClassRef{
		Group: v1beta1.WorkloadPriorityClassGroup, Kind: v1beta1.WorkloadPriorityClassKind, Name: name}}
}

func podPriority(name string, value int32) Priority {
	return Priority{Value: value, Class: &v1beta1.PriorityClassRef{
		Group: v1beta1.PodPriorityClassGroup, Kind: v1beta1.PodPriorityClassKind, Name: name}}
}
