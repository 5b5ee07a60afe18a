package controller

import (
	"context"
	"fmt"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// watches collects the handlers that must have seen the initial objects before
// anything is decided.
type watches struct {
	cache  cache.Cache
	synced []toolscache.InformerSynced
}

// watch calls seen for every object that is there or comes, and gone for every
// one that goes. An object that is replaced by another of the same name is
// gone first.
func watch[T client.Object](ctx context.Context, w *watches, example T, seen, gone func(T)) error {
	informer, err := w.cache.GetInformer(ctx, example, cache.BlockUntilSynced(false))
	if err != nil {
		return fmt.Errorf("watch %T: %w (are the CRDs installed, and may the service account read them?)", example, err)
	}
	registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			if object, ok := obj.(T); ok {
				seen(object)
			}
		},
		UpdateFunc: func(before, after any) {
			was, ok := before.(T)
			is, alsoOK := after.(T)
			if !ok || !alsoOK {
				return
			}
			if was.GetUID() != is.GetUID() {
				gone(was)
			}
			seen(is)
		},
		DeleteFunc: func(obj any) {
			if tombstone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
				obj = tombstone.Obj
			}
			if object, ok := obj.(T); ok {
				gone(object)
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watch %T: %w", example, err)
	}
	w.synced = append(w.synced, registration.HasSynced)
	return nil
}

// wait returns true when every handler has been given the initial objects.
func (w *watches) wait(ctx context.Context) bool {
	return toolscache.WaitForCacheSync(ctx.Done(), w.synced...)
}
