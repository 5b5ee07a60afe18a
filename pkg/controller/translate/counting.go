package translate

import (
	"math/big"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
)

// Counting turns what a pod requests into what it is charged, as configured
// under `resources`. The zero value changes nothing.
type Counting struct {
	excluded        []string // prefixes
	transformations map[corev1.ResourceName]*configv1beta1.ResourceTransformation
}

// NewCounting returns the counting of a valid configuration.
func NewCounting(resources *configv1beta1.Resources) Counting {
	c := Counting{transformations: map[corev1.ResourceName]*configv1beta1.ResourceTransformation{}}
	if resources == nil {
		return c
	}
	c.excluded = resources.ExcludeResourcePrefixes
	for i := range resources.Transformations {
		c.transformations[corev1.ResourceName(resources.Transformations[i].Input)] = &resources.Transformations[i]
	}
	return c
}

// Count leaves out what is excluded, then transforms the rest; outputs are not
// transformed again. Amounts for one resource, requested or from several
// transformations, add up.
func (c *Counting) Count(requested corev1.ResourceList) corev1.ResourceList {
	if len(c.excluded) == 0 && len(c.transformations) == 0 {
		return requested
	}
	kept := corev1.ResourceList{}
	for name, q := range requested {
		if !c.excludes(name) {
			kept[name] = q
		}
	}
	counted := corev1.ResourceList{}
	for _, name := range SortedNames(kept) {
		t := c.transformations[name]
		if t == nil {
			add(counted, name, kept[name])
			continue
		}
		amount := kept[name]
		if factor, has := kept[corev1.ResourceName(t.MultiplyBy)]; has {
			amount = product(amount, factor)
		}
		if t.Strategy != configv1beta1.TransformationReplace {
			add(counted, name, amount)
		}
		for output, each := range t.Outputs {
			add(counted, corev1.ResourceName(output), product(each, amount))
		}
	}
	return counted
}

func (c *Counting) excludes(name corev1.ResourceName) bool {
	for _, prefix := range c.excluded {
		if strings.HasPrefix(string(name), prefix) {
			return true
		}
	}
	return false
}

func add(list corev1.ResourceList, name corev1.ResourceName, q resource.Quantity) {
	sum := list[name].DeepCopy()
	sum.Add(q)
	list[name] = sum
}

// product multiplies two quantities without rounding (each has at most nine
// decimal places), then rounds up to the ninth place.
func product(a, b resource.Quantity) resource.Quantity {
	const places = 18
	return resource.MustParse(new(big.Rat).Mul(exact(a), exact(b)).FloatString(places))
}
