// Package v1beta1 is the manager's configuration file, group
// config.fairlead.dev.
//
//	YAML file --strict decoding--> Configuration --SetDefaults--> --Validate--> the manager
//
// Decoding refuses unknown fields by name; Validate returns every fault at
// once, each with its field and what to write instead. Nothing here is served
// by an API server.
//
// +kubebuilder:object:generate=true
// +groupName=config.fairlead.dev
package v1beta1
