package controller

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/job"
)

// NewScheme knows the kinds that the manager reads or writes.
func NewScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		v1beta1.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, nodev1.AddToScheme, schedulingv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			panic("kinds cannot be registered: " + err.Error())
		}
	}
	return scheme
}

// CacheOptions trims what informers keep to what is needed.
func CacheOptions(kind job.Kind) cache.Options {
	return cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			kind.New():          {Transform: trimJob(kind)},
			&corev1.Namespace{}: {Transform: trimNamespace},
		},
	}
}

func trimJob(kind job.Kind) toolscache.TransformFunc {
	return func(obj any) (any, error) {
		if object, ok := obj.(client.Object); ok {
			kind.Trim(object)
		}
		return obj, nil
	}
}

func trimNamespace(obj any) (any, error) {
	full, ok := obj.(*corev1.Namespace)
	if !ok {
		return obj, nil
	}
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: full.Name, UID: full.UID, ResourceVersion: full.ResourceVersion, Labels: full.Labels,
	}}, nil
}
