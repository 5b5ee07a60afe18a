package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ReservationSpec says what is kept, when, and for whom.
//
// +kubebuilder:validation:XValidation:rule="has(self.clusterQueue) != has(self.cohort)",message="name one of clusterQueue and cohort: whose quota is it?"
// +kubebuilder:validation:XValidation:rule="has(self.resources) != has(self.sharePercent)",message="say one of resources and sharePercent: how much is kept? sharePercent: 100 keeps all"
// +kubebuilder:validation:XValidation:rule="!has(self.localQueues) || has(self.clusterQueue)",message="localQueues need clusterQueue: name the ClusterQueue that they lead to instead of a cohort, or leave localQueues out to keep everybody out"
// +kubebuilder:validation:XValidation:rule="!has(self.recurrence) || !has(self.recurrence.until) || self.recurrence.until > self.start",message="recurrence.until must be after start"
type ReservationSpec struct {
	// clusterQueue is the ClusterQueue whose quota is kept.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	ClusterQueue ClusterQueueReference `json:"clusterQueue,omitempty"`

	// cohort is the Cohort whose quota is kept, that of all below it included.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	Cohort CohortReference `json:"cohort,omitempty"`

	// localQueues are those whose workloads may use what is kept; they lead to
	// clusterQueue. Unset: nobody may, as for maintenance.
	//
	// +optional
	// +listType=map
	// +listMapKey=namespace
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	LocalQueues []ReservationLocalQueue `json:"localQueues,omitempty"`

	// resources are the amounts that are kept.
	//
	// +optional
	// +listType=map
	// +listMapKey=flavor
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Resources []ReservationFlavor `json:"resources,omitempty"`

	// sharePercent is which part of each nominal quota is kept, in percent: that
	// of the ClusterQueue, or of the Cohort and all below it, rounded up.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	SharePercent *int32 `json:"sharePercent,omitempty"`

	// start is when it begins; with recurrence, before when it does not.
	//
	// +required
	Start metav1.Time `json:"start"`

	// duration is how long it lasts, each time: for example 8h or 1h30m.
	//
	// +required
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$') && self != '' && duration(self) > duration('0s')",message="duration must be more than 0, in hours, minutes and seconds: for example 8h or 1h30m"
	Duration metav1.Duration `json:"duration"`

	// recurrence repeats it. Unset: it takes place once.
	//
	// +optional
	Recurrence *ReservationRecurrence `json:"recurrence,omitempty"`
}

// ReservationLocalQueue names a LocalQueue.
type ReservationLocalQueue struct {
	// namespace of the LocalQueue.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace"`

	// name of the LocalQueue.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	Name LocalQueueName `json:"name"`
}

// ReservationFlavor is what is kept of one flavor.
type ReservationFlavor struct {
	// flavor is the ResourceFlavor's name.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	Flavor ResourceFlavorReference `json:"flavor"`

	// amounts are how much is kept of each resource: cores for cpu, bytes for
	// memory, pieces otherwise.
	//
	// +required
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=64
	Amounts corev1.ResourceList `json:"amounts"`
}

// ReservationRecurrence says when it takes place again.
type ReservationRecurrence struct {
	// schedule has the beginnings, as that of a CronJob: minute, hour, day of
	// month, month, day of week, for example "0 8 * * TUE"; or @weekly and the
	// like.
	//
	// +required
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[-0-9*,/?A-Za-z]+( +[-0-9*,/?A-Za-z]+){4})$')",message="schedule must have five fields (minute, hour, day of month, month, day of week), for example \"0 8 * * TUE\", or be @weekly or the like"
	Schedule string `json:"schedule"`

	// timeZone is where the clock is that schedule is read by, for example
	// America/New_York. Unset means UTC.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self != '' && self != 'Local'",message="timeZone must be the name of a time zone, for example America/New_York, or UTC"
	TimeZone *string `json:"timeZone,omitempty"`

	// until is when it begins for the last time at the latest. Unset: it goes on.
	//
	// +optional
	Until *metav1.Time `json:"until,omitempty"`
}

// ReservationStatus tells how a Reservation stands.
type ReservationStatus struct {
	// conditions holds Active and Conflicting.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`

	// window is the one that is on, or else the next, or else the last.
	//
	// +optional
	Window *ReservationWindow `json:"window,omitempty"`

	// keeps says in words how much is kept.
	//
	// +optional
	Keeps string `json:"keeps,omitempty"`

	// for says in words who may use it.
	//
	// +optional
	For string `json:"for,omitempty"`
}

// ReservationWindow is one time at which a Reservation takes place.
type ReservationWindow struct {
	// start is when it begins.
	//
	// +required
	Start metav1.Time `json:"start"`

	// end is when it is over.
	//
	// +required
	End metav1.Time `json:"end"`
}

// Conditions of a Reservation.
const (
	// ReservationActive is True while the reservation is on; its reason, one of
	// ReservationXxx, says where it stands otherwise.
	ReservationActive = "Active"
	// ReservationConflicting is True where not all of it can be kept: others
	// have reserved it too, or what runs will not have ended.
	ReservationConflicting = "Conflicting"
)

// Reasons of condition Active of a Reservation.
const (
	ReservationOn            = "Active"
	ReservationPending       = "Pending"
	ReservationEnded         = "Ended"
	ReservationMisconfigured = "Misconfigured"
)

// Reasons of condition Conflicting of a Reservation.
const (
	ReservationLacksRoom = "LacksRoom"
	ReservationHasRoom   = "HasRoom"
)

// Reservation keeps quota free at a time to come, for some LocalQueues or from
// everybody. Jobs that would run into it, by their maximum execution times, do
// not start; what runs is left alone.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName={rsv}
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:printcolumn:name="ClusterQueue",type=string,JSONPath=`.spec.clusterQueue`,description="ClusterQueue whose quota is kept"
// +kubebuilder:printcolumn:name="Cohort",type=string,JSONPath=`.spec.cohort`,description="Cohort whose quota is kept"
// +kubebuilder:printcolumn:name="Keeps",type=string,JSONPath=`.status.keeps`,description="How much is kept"
// +kubebuilder:printcolumn:name="For",type=string,JSONPath=`.status.for`,description="Who may use it"
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.conditions[?(@.type=='Active')].reason`,description="Pending, Active, Ended or Misconfigured"
// +kubebuilder:printcolumn:name="Start",type=string,JSONPath=`.status.window.start`,description="When it begins, or began"
// +kubebuilder:printcolumn:name="End",type=string,JSONPath=`.status.window.end`,description="When it is over"
// +kubebuilder:printcolumn:name="Conflicting",type=string,JSONPath=`.status.conditions[?(@.type=='Conflicting')].status`,description="Whether there is not room for all of it"
type Reservation struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the administrator wants.
	//
	// +required
	Spec ReservationSpec `json:"spec"`

	// status is what the manager sees.
	//
	// +optional
	Status ReservationStatus `json:"status,omitzero"`
}

// ReservationList is a list of Reservations.
//
// +kubebuilder:object:root=true
type ReservationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Reservation `json:"items"`
}
