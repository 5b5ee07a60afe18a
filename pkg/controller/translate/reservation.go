package translate

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
)

// Reservation translates a Reservation, with its windows as they are known now;
// again is when to translate it once more, zero if never. An error says what in
// it its administrator has to mend.
func Reservation(r *v1beta1.Reservation, now time.Time) (out admission.Reservation, again time.Time, err error) {
	out = admission.Reservation{Name: r.Name, ClusterQueue: string(r.Spec.ClusterQueue), Cohort: string(r.Spec.Cohort)}
	if out.Windows, again, err = Windows(&r.Spec, now); err != nil {
		return out, again, err
	}
	if share := r.Spec.SharePercent; share != nil {
		out.ShareMilli = int64(*share) * 10
	}
	for i := range r.Spec.Resources {
		of := &r.Spec.Resources[i]
		for _, name := range SortedNames(of.Amounts) {
			amount, err := Amount(name, of.Amounts[name])
			if err != nil {
				return out, again, fmt.Errorf("spec.resources, flavor %s: %w", of.Flavor, err)
			}
			out.Amounts = append(out.Amounts, admission.FlavorAmount{Flavor: string(of.Flavor), Resource: string(name), Amount: amount})
		}
	}
	slices.SortStableFunc(out.Amounts, func(a, b admission.FlavorAmount) int { return cmp.Compare(a.Flavor, b.Flavor) })
	for _, lq := range r.Spec.LocalQueues {
		out.For = append(out.For, admission.LocalQueueName{Namespace: lq.Namespace, Name: string(lq.Name)})
	}
	return out, again, nil
}
