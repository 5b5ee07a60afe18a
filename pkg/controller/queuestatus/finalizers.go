package queuestatus

import (
	"context"
	"encoding/json"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// mostFinalizers is how many finalizers are written in one tick.
const mostFinalizers = 50

// keep holds back the deletion of what is in use: of every ClusterQueue until
// nothing holds its quota, of a ResourceFlavor while a ClusterQueue lists it.
//
//	ClusterQueue: seen ──add──> kept ──deleted, nothing reserved in a snapshot──remove──> gone
//	              that was taken after the engine had closed it
//	ResourceFlavor: listed ──add──> kept ──deleted, listed nowhere──remove──> gone
//
// Never on namespaced objects: deleting a namespace must not wait for us.
func (w *Writer) keep(ctx context.Context, snapshot *admission.Snapshot) {
	if snapshot == nil || snapshot == w.kept {
		return
	}
	free := map[string]bool{}
	for i := range snapshot.ClusterQueues {
		st := &snapshot.ClusterQueues[i]
		free[st.Name] = st.Closing && st.Reserving == 0
	}
	listed := map[string]bool{}
	var changes []client.Object
	w.books.ClusterQueues.Each(func(key ledger.Key, cq *v1beta1.ClusterQueue) bool {
		for _, group := range cq.Spec.ResourceGroups {
			for _, flavor := range group.Flavors {
				listed[string(flavor.Name)] = true
			}
		}
		if needsChange(cq, !free[key.Name], free[key.Name]) {
			changes = append(changes, cq.DeepCopy())
		}
		return true
	})
	w.books.Flavors.Each(func(key ledger.Key, flavor *v1beta1.ResourceFlavor) bool {
		if needsChange(flavor, listed[key.Name], !listed[key.Name]) {
			changes = append(changes, flavor.DeepCopy())
		}
		return true
	})
	if len(changes) == 0 {
		w.kept = snapshot
		return
	}
	slices.SortFunc(changes, func(a, b client.Object) int { return compareNames(a, b) })
	for _, obj := range changes[:min(len(changes), mostFinalizers)] {
		w.toggle(ctx, obj)
	}
}

// needsChange says whether an object lacks our finalizer and shall be kept, or
// is being deleted and may go.
func needsChange(obj client.Object, inUse, free bool) bool {
	has := slices.Contains(obj.GetFinalizers(), v1beta1.ResourceInUseFinalizer)
	if obj.GetDeletionTimestamp() != nil {
		return has && free
	}
	return !has && inUse
}

// toggle adds our finalizer, or removes it from what is being deleted. A write
// that fails is tried again at the next tick.
func (w *Writer) toggle(ctx context.Context, obj client.Object) {
	finalizers := slices.DeleteFunc(slices.Clone(obj.GetFinalizers()), func(f string) bool { return f == v1beta1.ResourceInUseFinalizer })
	if obj.GetDeletionTimestamp() == nil {
		finalizers = append(finalizers, v1beta1.ResourceInUseFinalizer)
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": obj.GetUID(), "resourceVersion": obj.GetResourceVersion(), "finalizers": finalizers,
	}})
	if err != nil {
		panic("finalizers cannot be encoded: " + err.Error())
	}
	if err := w.patch(ctx, obj, patch); err != nil {
		if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && ctx.Err() == nil {
			w.log.Error(err, "finalizer not written; it is tried again", "object", obj.GetName())
		}
		return
	}
	obj.SetManagedFields(nil)
	key := ledger.Key{Name: obj.GetName()}
	switch obj := obj.(type) {
	case *v1beta1.ClusterQueue:
		w.books.ClusterQueues.Learn(key, obj)
	case *v1beta1.ResourceFlavor:
		w.books.Flavors.Learn(key, obj)
	}
}

// compareNames orders objects by name, ClusterQueues first.
func compareNames(a, b client.Object) int {
	_, aIsQueue := a.(*v1beta1.ClusterQueue)
	_, bIsQueue := b.(*v1beta1.ClusterQueue)
	switch {
	case aIsQueue != bIsQueue && aIsQueue:
		return -1
	case aIsQueue != bIsQueue:
		return 1
	case a.GetName() < b.GetName():
		return -1
	case a.GetName() > b.GetName():
		return 1
	}
	return 0
}
