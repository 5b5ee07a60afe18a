package reservations

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// standing is what the status of a Reservation should say.
type standing struct {
	reservation *v1beta1.Reservation
	status      v1beta1.ReservationStatus
	edge        time.Time // when it will be another for the time alone; zero for never
}

// desired lists all, by name.
func (k *Keeper) desired(snapshot *admission.Snapshot, now time.Time) []standing {
	seen := map[string]*admission.ReservationStatus{}
	for i := range snapshot.Reservations {
		seen[snapshot.Reservations[i].Name] = &snapshot.Reservations[i]
	}
	k.mu.Lock()
	plans := make([]plan, 0, len(k.plans))
	for _, p := range k.plans {
		plans = append(plans, *p)
	}
	k.mu.Unlock()
	slices.SortFunc(plans, func(a, b plan) int { return cmp.Compare(a.reservation.Name, b.reservation.Name) })
	all := make([]standing, 0, len(plans))
	for i := range plans {
		all = append(all, k.standing(&plans[i], plans, seen[plans[i].reservation.Name], now))
	}
	return all
}

// standing is the status of one of the plans; the engine may not know it yet.
func (k *Keeper) standing(p *plan, plans []plan, seen *admission.ReservationStatus, now time.Time) standing {
	r := p.reservation
	s := standing{reservation: r, status: *r.Status.DeepCopy()}
	s.status.Keeps, s.status.For = keeps(&r.Spec), beneficiaries(&r.Spec)
	problem := p.problem
	if problem == "" && seen != nil {
		if problem = seen.Problem; problem != "" {
			problem = owner(&r.Spec) + ": " + problem
		}
	}
	window, phase := current(p.told.Windows, now)
	if window != nil {
		s.status.Window = &v1beta1.ReservationWindow{Start: seconds(window.Start), End: seconds(window.End)}
	}
	message := ""
	switch {
	case problem != "":
		s.status.Window = nil
		phase, message = v1beta1.ReservationMisconfigured, problem
	case phase == v1beta1.ReservationOn:
		s.edge, message = time.Unix(0, window.End), "It is on until "+clock(window.End)
	case phase == v1beta1.ReservationPending:
		s.edge, message = time.Unix(0, window.Start), "It begins at "+clock(window.Start)
	case s.status.Window != nil && (window != nil || observed(r)):
		message = "It was over at " + clock(s.status.Window.End.UnixNano())
	default:
		s.status.Window = nil
		message = "It does not come again"
	}
	if phase == v1beta1.ReservationOn || phase == v1beta1.ReservationPending {
		message += k.strangers(&r.Spec)
	}
	set(&s.status, r.Generation, v1beta1.ReservationActive, phase == v1beta1.ReservationOn, phase, message)
	switch {
	case phase != v1beta1.ReservationOn && phase != v1beta1.ReservationPending:
		meta.RemoveStatusCondition(&s.status.Conditions, v1beta1.ReservationConflicting)
	case seen == nil:
	case seen.Conflict != nil:
		set(&s.status, r.Generation, v1beta1.ReservationConflicting, true, v1beta1.ReservationLacksRoom, k.arithmetic(p, plans, seen.Conflict))
	default:
		set(&s.status, r.Generation, v1beta1.ReservationConflicting, false, v1beta1.ReservationHasRoom, "There is room for all of it")
	}
	return s
}

// observed says whether the status is about the Reservation as it is specified
// now.
func observed(r *v1beta1.Reservation) bool {
	c := meta.FindStatusCondition(r.Status.Conditions, v1beta1.ReservationActive)
	return c != nil && c.ObservedGeneration == r.Generation
}

// current is the window that is on, or else the next, or else the last, and
// where a Reservation with these windows stands.
func current(windows []admission.Window, now time.Time) (*admission.Window, string) {
	for i := range windows {
		w := &windows[i]
		switch at := now.UnixNano(); {
		case at < w.Start:
			return w, v1beta1.ReservationPending
		case at < w.End:
			return w, v1beta1.ReservationOn
		}
	}
	if len(windows) > 0 {
		return &windows[len(windows)-1], v1beta1.ReservationEnded
	}
	return nil, v1beta1.ReservationEnded
}

func set(status *v1beta1.ReservationStatus, generation int64, kind string, value bool, reason, message string) {
	is := metav1.ConditionFalse
	if value {
		is = metav1.ConditionTrue
	}
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{Type: kind, Status: is, Reason: reason, Message: message, ObservedGeneration: generation})
}

// reworded says whether two statuses differ in the wording of a conflict alone.
func reworded(a, b *v1beta1.ReservationStatus) bool {
	was, is := meta.FindStatusCondition(a.Conditions, v1beta1.ReservationConflicting), meta.FindStatusCondition(b.Conditions, v1beta1.ReservationConflicting)
	if was == nil || is == nil {
		return false
	}
	same := b.DeepCopy()
	meta.FindStatusCondition(same.Conditions, v1beta1.ReservationConflicting).Message = was.Message
	return equality.Semantic.DeepEqual(*a, *same)
}

// strangers names the LocalQueues that cannot use what is kept for them.
func (k *Keeper) strangers(spec *v1beta1.ReservationSpec) string {
	var text strings.Builder
	for _, door := range spec.LocalQueues {
		lq, exists := k.books.LocalQueues.Get(ledger.Key{Namespace: door.Namespace, Name: string(door.Name)})
		switch {
		case !exists:
			fmt.Fprintf(&text, "; LocalQueue %s/%s does not exist", door.Namespace, door.Name)
		case lq.Spec.ClusterQueue != spec.ClusterQueue:
			fmt.Fprintf(&text, "; LocalQueue %s/%s leads to ClusterQueue %s and cannot use it", door.Namespace, door.Name, lq.Spec.ClusterQueue)
		}
	}
	return text.String()
}

func seconds(nanos int64) metav1.Time { return metav1.NewTime(time.Unix(0, nanos)).Rfc3339Copy() }

// clock writes a time for people.
func clock(nanos int64) string { return time.Unix(0, nanos).UTC().Format(time.RFC3339) }
