package load

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// Edit is a change that the administrator makes while the queues are in use.
type Edit struct {
	// ClusterQueue is its name without the site's prefix.
	ClusterQueue string
	Patch        string // a JSON merge patch
}

// Command is what somebody would type to make the same change.
func (e Edit) Command(s Site) string {
	return fmt.Sprintf("kubectl patch clusterqueue %s --type merge -p '%s'", s.Prefix+e.ClusterQueue, e.Patch)
}

// Apply makes an edit as an administrator.
func (s Site) Apply(ctx context.Context, admin *rest.Config, e Edit) error {
	door, err := newDoor(admin)
	if err != nil {
		return err
	}
	queue := &unstructured.Unstructured{}
	queue.SetAPIVersion("fairlead.dev/v1beta1")
	queue.SetKind("ClusterQueue")
	queues, err := door.of(queue)
	if err != nil {
		return err
	}
	name := s.Prefix + e.ClusterQueue
	if _, err := queues.Patch(ctx, name, types.MergePatchType, []byte(e.Patch), metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("editing ClusterQueue %s: %w", name, err)
	}
	return nil
}
