package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// addNodes creates the nodes of a group, numbering on after those that exist
// with its prefix, and returns their names.
func addNodes(ctx context.Context, client kubernetes.Interface, group NodeGroup) ([]string, error) {
	capacity, err := group.capacity()
	if err != nil {
		return nil, err
	}
	var names []string
	for index := 0; len(names) < group.Count; index++ {
		node := simulatedNode(fmt.Sprintf("%s-%d", group.Prefix, index), group.Labels, capacity)
		_, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			continue // a former group of the same prefix; this one goes on after it
		}
		if err != nil {
			return nil, fmt.Errorf("create node %s: %w", node.Name, err)
		}
		names = append(names, node.Name)
	}
	return names, nil
}

// simulatedNode is a node as a kubelet would register it; kwok then plays the
// kubelet (assets/stages.yaml).
func simulatedNode(name string, labels map[string]string, capacity corev1.ResourceList) *corev1.Node {
	all := map[string]string{
		corev1.LabelHostname:   name,
		corev1.LabelOSStable:   "linux",
		corev1.LabelArchStable: "amd64",
		"type":                 "kwok",
	}
	maps.Copy(all, labels)
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Labels:      all,
			Annotations: map[string]string{"kwok.x-k8s.io/node": "fake", "node.alpha.kubernetes.io/ttl": "0"},
		},
		Status: corev1.NodeStatus{Capacity: capacity, Allocatable: capacity},
	}
}

// waitNodes waits until the named nodes are Ready and the node-lifecycle
// controller has taken the not-ready taint off them.
func waitNodes(ctx context.Context, client kubernetes.Interface, names []string) error {
	missing := make(map[string]bool, len(names))
	for _, name := range names {
		missing[name] = true
	}
	return poll(ctx, 60*time.Second, func(ctx context.Context) error {
		list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range list.Items {
			if schedulable(&list.Items[i]) {
				delete(missing, list.Items[i].Name)
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("%d of %d nodes are not ready yet", len(missing), len(names))
		}
		return nil
	})
}

// schedulable reports whether pods can be placed on the node now.
func schedulable(node *corev1.Node) bool {
	for _, taint := range node.Spec.Taints {
		if taint.Key == corev1.TaintNodeNotReady || taint.Key == corev1.TaintNodeUnreachable {
			return false
		}
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// pollEvery is how often poll looks again.
const pollEvery = 100 * time.Millisecond

// errHopeless is wrapped by what a check of poll returns when it makes no
// sense to look again.
var errHopeless = errors.New("hopeless")

// poll calls check until it returns nil or an error that wraps errHopeless;
// after limit, or when ctx ends, it returns what check said last.
func poll(ctx context.Context, limit time.Duration, check func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	for {
		err := check(bounded)
		if err == nil || errors.Is(err, errHopeless) {
			return err
		}
		if bounded.Err() == nil || last == nil {
			last = err // not the mere echo of the deadline
		}
		select {
		case <-bounded.Done():
			if ctx.Err() != nil {
				return fmt.Errorf("interrupted while waiting: %w", ctx.Err())
			}
			return fmt.Errorf("gave up after %s: %w", limit, last)
		case <-time.After(pollEvery):
		}
	}
}
