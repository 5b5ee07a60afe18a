package translate

import (
	"fmt"
	"math/big"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
)

// violation says which bound of a LimitRange a completed pod, before overhead,
// does not keep, if any. The rules are those of admission plugin LimitRanger.
func violation(pod *corev1.Pod, lr *corev1.LimitRange) error {
	for i := range lr.Spec.Limits {
		b := bounds{owner: lr.Name, item: &lr.Spec.Limits[i]}
		switch b.item.Type {
		case corev1.LimitTypeContainer:
			for _, c := range containersOf(pod) {
				if err := b.check("container "+c.Name, c.Resources.Requests, c.Resources.Limits); err != nil {
					return err
				}
			}
		case corev1.LimitTypePod:
			own := resourcehelper.PodResourcesOptions{ExcludeOverhead: true}
			if err := b.check("the pod", resourcehelper.PodRequests(pod, own), resourcehelper.PodLimits(pod, own)); err != nil {
				return err
			}
		}
	}
	return nil
}

// bounds are what one item of a LimitRange demands.
type bounds struct {
	owner string // name of the LimitRange
	item  *corev1.LimitRangeItem
}

func (b *bounds) check(who string, requests, limits corev1.ResourceList) error {
	for _, name := range SortedNames(b.item.Min) {
		least := b.item.Min[name]
		asked, has := requests[name]
		most, limited := limits[name]
		switch {
		case !has:
			return b.fault(who, "no request of %s, but LimitRange %s demands at least %s for each %s: state a request", name, b.owner, least.String(), b.kind())
		case asked.Cmp(least) < 0:
			return b.fault(who, "request of %s is %s, but LimitRange %s demands at least %s for each %s: ask for more", name, asked.String(), b.owner, least.String(), b.kind())
		case limited && most.Cmp(least) < 0:
			return b.fault(who, "limit of %s is %s, but LimitRange %s demands at least %s for each %s: raise the limit", name, most.String(), b.owner, least.String(), b.kind())
		}
	}
	for _, name := range SortedNames(b.item.Max) {
		highest := b.item.Max[name]
		asked, most := requests[name], limits[name]
		_, limited := limits[name]
		switch {
		case !limited:
			return b.fault(who, "no limit of %s, but LimitRange %s allows at most %s for each %s: state a limit", name, b.owner, highest.String(), b.kind())
		case most.Cmp(highest) > 0:
			return b.fault(who, "limit of %s is %s, but LimitRange %s allows at most %s for each %s: lower the limit", name, most.String(), b.owner, highest.String(), b.kind())
		case asked.Cmp(highest) > 0:
			return b.fault(who, "request of %s is %s, but LimitRange %s allows at most %s for each %s: ask for less", name, asked.String(), b.owner, highest.String(), b.kind())
		}
	}
	for _, name := range SortedNames(b.item.MaxLimitRequestRatio) {
		ratio := b.item.MaxLimitRequestRatio[name]
		asked, most := requests[name], limits[name]
		switch {
		case asked.Sign() <= 0 || most.Sign() <= 0:
			return b.fault(who, "LimitRange %s bounds the ratio of limit to request of %s, but one of them is missing or 0: state both", b.owner, name)
		case exact(most).Cmp(new(big.Rat).Mul(exact(ratio), exact(asked))) > 0:
			return b.fault(who, "limit of %s is %s and the request %s, but LimitRange %s allows at most %s times the request for each %s: bring them closer together",
				name, most.String(), asked.String(), b.owner, ratio.String(), b.kind())
		}
	}
	return nil
}

func (b *bounds) kind() string {
	if b.item.Type == corev1.LimitTypePod {
		return "pod"
	}
	return "container"
}

func (b *bounds) fault(who, format string, args ...any) error {
	return fmt.Errorf("%s: %s", who, fmt.Sprintf(format, args...))
}

// exact is the value of a quantity without rounding.
func exact(q resource.Quantity) *big.Rat {
	value, ok := new(big.Rat).SetString(q.AsDec().String())
	if !ok {
		panic("a quantity is no decimal number: " + q.String())
	}
	return value
}
