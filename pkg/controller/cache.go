package controller

import (
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/translate"
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
func CacheOptions(config *rest.Config, scheme *runtime.Scheme, kind job.Kind) cache.Options {
	return cache.Options{
		NewInformer:      newInformers(config, scheme),
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			kind.New():          {Transform: trimJob(kind)},
			&v1beta1.Workload{}: {Transform: trimWorkload},
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

// trimWorkload drops of a finished Workload what it asked for and held: nobody
// needs that any more, and finished ones are the most there are.
func trimWorkload(obj any) (any, error) {
	wl, ok := obj.(*v1beta1.Workload)
	if !ok {
		return obj, nil
	}
	wl.ManagedFields = nil
	if !translate.IsFinished(wl) {
		return wl, nil
	}
	for i := range wl.Spec.PodSets {
		wl.Spec.PodSets[i] = v1beta1.PodSet{Name: wl.Spec.PodSets[i].Name, Count: wl.Spec.PodSets[i].Count}
	}
	if wl.Status.Admission != nil {
		wl.Status.Admission = &v1beta1.Admission{ClusterQueue: wl.Status.Admission.ClusterQueue}
	}
	return wl, nil
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
