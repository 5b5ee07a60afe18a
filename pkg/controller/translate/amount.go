package translate

import (
	"fmt"
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"fairlead.dev/fairlead/pkg/quota"
)

var (
	largestWhole = resource.NewQuantity(math.MaxInt64, resource.DecimalSI)
	largestMilli = resource.NewMilliQuantity(math.MaxInt64, resource.DecimalSI)
)

// Amount is a request in the engine's unit: milli for cpu, else whole units,
// rounded up. Negative amounts and those that cannot be counted are errors
// that name the resource.
func Amount(name corev1.ResourceName, q resource.Quantity) (quota.Amount, error) {
	if q.Sign() < 0 {
		return 0, fmt.Errorf("request of %s is %s: it must not be negative", name, q.String())
	}
	if q.Cmp(*largest(name)) >= 0 {
		return 0, fmt.Errorf("request of %s is %s: more than can be counted", name, q.String())
	}
	return inUnit(name, q), nil
}

// Limit is a quota in the engine's unit: what is too large to be counted is
// unlimited, what is negative zero.
func Limit(name corev1.ResourceName, q resource.Quantity) quota.Amount {
	switch {
	case q.Sign() < 0:
		return 0
	case q.Cmp(*largest(name)) >= 0:
		return quota.Unlimited
	default:
		return inUnit(name, q)
	}
}

// Quantity writes an amount as the API does.
func Quantity(name corev1.ResourceName, amount quota.Amount) resource.Quantity {
	switch name {
	case corev1.ResourceCPU:
		return *resource.NewMilliQuantity(amount, resource.DecimalSI)
	case corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
		return *resource.NewQuantity(amount, resource.BinarySI)
	default:
		return *resource.NewQuantity(amount, resource.DecimalSI)
	}
}

func largest(name corev1.ResourceName) *resource.Quantity {
	if name == corev1.ResourceCPU {
		return largestMilli
	}
	return largestWhole
}

func inUnit(name corev1.ResourceName, q resource.Quantity) quota.Amount {
	if name == corev1.ResourceCPU {
		return q.MilliValue()
	}
	return q.Value()
}
