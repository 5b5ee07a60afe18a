package reservations

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

// mostInColumn is how many characters a column shows.
const mostInColumn = 60

// keeps says how much is kept: "100%", "60 cpu of plain".
func keeps(spec *v1beta1.ReservationSpec) string {
	if spec.SharePercent != nil {
		return fmt.Sprintf("%d%%", *spec.SharePercent)
	}
	var parts []string
	for i := range spec.Resources {
		of := &spec.Resources[i]
		for _, name := range translate.SortedNames(of.Amounts) {
			amount := of.Amounts[name]
			parts = append(parts, fmt.Sprintf("%s %s of %s", amount.String(), name, of.Flavor))
		}
	}
	return shortened(parts)
}

// owner names whose quota it is.
func owner(spec *v1beta1.ReservationSpec) string {
	if spec.ClusterQueue != "" {
		return "ClusterQueue " + string(spec.ClusterQueue)
	}
	return "Cohort " + string(spec.Cohort)
}

// beneficiaries says who may use it.
func beneficiaries(spec *v1beta1.ReservationSpec) string {
	if len(spec.LocalQueues) == 0 {
		return "nobody"
	}
	parts := make([]string, 0, len(spec.LocalQueues))
	for _, lq := range spec.LocalQueues {
		parts = append(parts, lq.Namespace+"/"+string(lq.Name))
	}
	return shortened(parts)
}

// shortened joins parts, and counts those that there is no room for.
func shortened(parts []string) string {
	text := ""
	for i, part := range parts {
		if i > 0 && len(text)+len(part) > mostInColumn {
			return fmt.Sprintf("%s and %d more", text, len(parts)-i)
		}
		if i > 0 {
			text += ", "
		}
		text += part
	}
	return text
}

// arithmetic says what a Reservation lacks, where and when, and who has it.
func (k *Keeper) arithmetic(p *plan, plans []plan, c *admission.ReservationConflict) string {
	amount := func(n int64) string {
		q := translate.Quantity(corev1.ResourceName(c.Resource), n)
		return q.String()
	}
	kind := "Cohort"
	if p.told.ClusterQueue == c.Node {
		kind = "ClusterQueue"
	}
	text := fmt.Sprintf("At %s %s %s lacks %s %s of flavor %s", clock(c.At), kind, c.Node, amount(c.Missing), c.Resource, c.Flavor)
	nominal, known := k.nominal(c)
	if kind == "Cohort" || !known {
		return text + beside(p, plans, c)
	}
	var parts []string
	asked := int64(0)
	for i := range plans {
		other := &plans[i]
		n := asks(&other.told, c, nominal)
		if n == 0 || !covers(&other.told, c.At) {
			continue
		}
		asked += n
		who := "by Reservation " + other.reservation.Name
		if other.reservation.Name == p.reservation.Name {
			who = "here"
		}
		parts = append(parts, fmt.Sprintf("%s are kept %s", amount(n), who))
	}
	if rest := c.Missing - max(asked-nominal, 0); rest > 0 {
		parts = append(parts, fmt.Sprintf("at least %s are in use by what will not have ended, or are kept for others", amount(rest)))
	}
	return fmt.Sprintf("%s: of its %s, %s", text, amount(nominal), strings.Join(parts, ", "))
}

// beside names the other Reservations at the time of a conflict.
func beside(p *plan, plans []plan, c *admission.ReservationConflict) string {
	var others []string
	for i := range plans {
		if other := &plans[i]; other.reservation.Name != p.reservation.Name && covers(&other.told, c.At) {
			others = append(others, other.reservation.Name)
		}
	}
	if len(others) == 0 {
		return ": what is in use there will not have ended"
	}
	return ", beside what will not have ended and other Reservations then: " + shortened(others)
}

// nominal is the quota of a ClusterQueue that a conflict is about.
func (k *Keeper) nominal(c *admission.ReservationConflict) (int64, bool) {
	cq, exists := k.books.ClusterQueues.Get(ledger.Key{Name: c.Node})
	if !exists {
		return 0, false
	}
	for _, group := range translate.ClusterQueue(cq).Groups {
		for _, flavor := range group.Flavors {
			for _, q := range flavor.Quotas {
				if flavor.Flavor == c.Flavor && q.Resource == c.Resource {
					return q.Nominal, true
				}
			}
		}
	}
	return 0, false
}

// asks is how much a Reservation keeps of what a conflict is about, in a
// ClusterQueue of that nominal quota.
func asks(r *admission.Reservation, c *admission.ReservationConflict, nominal int64) int64 {
	if r.ClusterQueue != c.Node {
		return 0
	}
	for _, a := range r.Amounts {
		if a.Flavor == c.Flavor && a.Resource == c.Resource {
			return a.Amount
		}
	}
	if len(r.Amounts) > 0 {
		return 0
	}
	whole, part := nominal/1000, nominal%1000
	return whole*r.ShareMilli + (part*r.ShareMilli+999)/1000
}

// covers says whether a Reservation is on at a time.
func covers(r *admission.Reservation, at int64) bool {
	for _, w := range r.Windows {
		if w.Start <= at && at < w.End {
			return true
		}
	}
	return false
}
