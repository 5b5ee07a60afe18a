package v1beta1

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of the configuration file.
var GroupVersion = schema.GroupVersion{Group: "config.fairlead.dev", Version: "v1beta1"}

// Kind is the kind of the configuration file.
const Kind = "Configuration"

var (
	schemeBuilder = runtime.NewSchemeBuilder(func(scheme *runtime.Scheme) error {
		scheme.AddKnownTypes(GroupVersion, &Configuration{})
		return nil
	})

	// AddToScheme registers Configuration.
	AddToScheme = schemeBuilder.AddToScheme
)
