package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ResourceFlavorSpec describes a kind of nodes.
//
// +kubebuilder:validation:XValidation:rule="!has(self.topologyName) || (has(self.nodeLabels) && size(self.nodeLabels) > 0)",message="nodeLabels must not be empty when topologyName is set: name at least one label that the nodes of this flavor carry"
type ResourceFlavorSpec struct {
	// nodeLabels are the labels that nodes of this flavor carry. Pods admitted
	// to the flavor get them as node selector; pods whose own node selector or
	// required node affinity contradicts them cannot use it.
	//
	// +optional
	// +mapType=atomic
	// +kubebuilder:validation:MaxProperties=8
	NodeLabels map[string]string `json:"nodeLabels,omitempty"`

	// nodeTaints are the taints that nodes of this flavor carry. Pods must
	// tolerate those with effect NoSchedule or NoExecute to use the flavor.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:XValidation:rule="self.all(t, t.effect in ['NoSchedule', 'PreferNoSchedule', 'NoExecute'])",message="effect of a taint must be NoSchedule, PreferNoSchedule or NoExecute"
	NodeTaints []corev1.Taint `json:"nodeTaints,omitempty"`

	// tolerations are added to the pods admitted to this flavor.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:XValidation:rule="self.all(t, !has(t.operator) || t.operator in ['', 'Equal', 'Exists'])",message="operator of a toleration must be Equal (the default) or Exists"
	// +kubebuilder:validation:XValidation:rule="self.all(t, (has(t.key) && t.key != '') || (has(t.operator) && t.operator == 'Exists'))",message="a toleration without key tolerates every taint and needs operator Exists: set operator to Exists, or name a key"
	// +kubebuilder:validation:XValidation:rule="self.all(t, !has(t.operator) || t.operator != 'Exists' || !has(t.value) || t.value == '')",message="a toleration with operator Exists must have no value: remove value, or set operator to Equal"
	// +kubebuilder:validation:XValidation:rule="self.all(t, !has(t.effect) || t.effect in ['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute'])",message="effect of a toleration must be NoSchedule, PreferNoSchedule or NoExecute, or left out for all of them"
	// +kubebuilder:validation:XValidation:rule="self.all(t, !has(t.tolerationSeconds) || (has(t.effect) && t.effect == 'NoExecute'))",message="tolerationSeconds of a toleration needs effect NoExecute: set effect, or remove tolerationSeconds"
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// topologyName is the Topology of this flavor's nodes.
	//
	// +optional
	TopologyName *TopologyReference `json:"topologyName,omitempty"`
}

// ResourceFlavor is a kind of nodes that quotas are given for.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName={flavor,flavors,rf}
// +kubebuilder:storageversion
type ResourceFlavor struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec describes the nodes. Empty: any node will do.
	//
	// +optional
	Spec ResourceFlavorSpec `json:"spec,omitempty"`
}

// ResourceFlavorList is a list of ResourceFlavors.
//
// +kubebuilder:object:root=true
type ResourceFlavorList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ResourceFlavor `json:"items"`
}
