package record

import (
	"fmt"

	"fairlead.dev/fairlead/pkg/admission"
)

// Version is the version of the format. A reader refuses others.
const Version = 1

// header is the first line.
type header struct {
	Recording string           `json:"fairlead"` // always "recording"
	Version   int              `json:"version"`
	Config    admission.Config `json:"config"`
}

const headerMark = "recording"

// line is a line after the first: one event, or what came of a Decide.
type line struct {
	At int64 `json:"t,omitempty"` // Unix nanoseconds

	SetClusterQueue    *admission.SetClusterQueue    `json:",omitempty"`
	DeleteClusterQueue *admission.DeleteClusterQueue `json:",omitempty"`
	SetCohort          *admission.SetCohort          `json:",omitempty"`
	DeleteCohort       *admission.DeleteCohort       `json:",omitempty"`
	SetFlavor          *admission.SetFlavor          `json:",omitempty"`
	DeleteFlavor       *admission.DeleteFlavor       `json:",omitempty"`
	SetLocalQueue      *admission.SetLocalQueue      `json:",omitempty"`
	DeleteLocalQueue   *admission.DeleteLocalQueue   `json:",omitempty"`
	SetNamespace       *admission.SetNamespace       `json:",omitempty"`
	DeleteNamespace    *admission.DeleteNamespace    `json:",omitempty"`
	SetWorkload        *admission.SetWorkload        `json:",omitempty"`
	Finish             *admission.Finish             `json:",omitempty"`
	DeleteWorkload     *admission.DeleteWorkload     `json:",omitempty"`
	Forget             *admission.Forget             `json:",omitempty"`
	ForgetEviction     *admission.ForgetEviction     `json:",omitempty"`
	SetReservation     *admission.SetReservation     `json:",omitempty"`
	DeleteReservation  *admission.DeleteReservation  `json:",omitempty"`
	Decide             *admission.Decide             `json:",omitempty"`

	// Decided is how many decisions the last Decide gave; Sum is the sum over
	// all lines of the decision log until here (FNV-1a, 64 bits, hexadecimal).
	Decided *int   `json:"decided,omitempty"`
	Sum     string `json:"sum,omitempty"`
}

// set puts an event in its place.
func (l *line) set(event admission.Event) error {
	switch e := event.(type) {
	case admission.SetClusterQueue:
		l.SetClusterQueue = &e
	case admission.DeleteClusterQueue:
		l.DeleteClusterQueue = &e
	case admission.SetCohort:
		l.SetCohort = &e
	case admission.DeleteCohort:
		l.DeleteCohort = &e
	case admission.SetFlavor:
		l.SetFlavor = &e
	case admission.DeleteFlavor:
		l.DeleteFlavor = &e
	case admission.SetLocalQueue:
		l.SetLocalQueue = &e
	case admission.DeleteLocalQueue:
		l.DeleteLocalQueue = &e
	case admission.SetNamespace:
		l.SetNamespace = &e
	case admission.DeleteNamespace:
		l.DeleteNamespace = &e
	case admission.SetWorkload:
		l.SetWorkload = &e
	case admission.Finish:
		l.Finish = &e
	case admission.DeleteWorkload:
		l.DeleteWorkload = &e
	case admission.Forget:
		l.Forget = &e
	case admission.ForgetEviction:
		l.ForgetEviction = &e
	case admission.SetReservation:
		l.SetReservation = &e
	case admission.DeleteReservation:
		l.DeleteReservation = &e
	case admission.Decide:
		l.Decide = &e
	default:
		return fmt.Errorf("events of type %T cannot be recorded", event)
	}
	return nil
}

// event returns the event of a line, nil if it holds none.
func (l *line) event() admission.Event {
	switch {
	case l.SetWorkload != nil:
		return *l.SetWorkload
	case l.Decide != nil:
		return *l.Decide
	case l.Finish != nil:
		return *l.Finish
	case l.DeleteWorkload != nil:
		return *l.DeleteWorkload
	case l.Forget != nil:
		return *l.Forget
	case l.ForgetEviction != nil:
		return *l.ForgetEviction
	}
	return l.object()
}

// object is the event about a queue, cohort, flavor, namespace or reservation.
func (l *line) object() admission.Event {
	switch {
	case l.SetClusterQueue != nil:
		return *l.SetClusterQueue
	case l.DeleteClusterQueue != nil:
		return *l.DeleteClusterQueue
	case l.SetCohort != nil:
		return *l.SetCohort
	case l.DeleteCohort != nil:
		return *l.DeleteCohort
	case l.SetFlavor != nil:
		return *l.SetFlavor
	case l.DeleteFlavor != nil:
		return *l.DeleteFlavor
	case l.SetLocalQueue != nil:
		return *l.SetLocalQueue
	case l.DeleteLocalQueue != nil:
		return *l.DeleteLocalQueue
	case l.SetNamespace != nil:
		return *l.SetNamespace
	case l.DeleteNamespace != nil:
		return *l.DeleteNamespace
	case l.SetReservation != nil:
		return *l.SetReservation
	case l.DeleteReservation != nil:
		return *l.DeleteReservation
	}
	return nil
}
