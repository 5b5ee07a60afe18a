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
	NodeTaints []corev1.Taint `json:"nodeTaints,omitempty"`

	// tolerations are added to the pods admitted to this flavor.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
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
