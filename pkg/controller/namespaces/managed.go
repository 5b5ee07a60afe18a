package namespaces

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// Selection says which namespaces are managed.
type Selection struct {
	selector labels.Selector
	known    *ledger.Book[*corev1.Namespace]
}

// NewSelection selects among known namespaces. The error is about the selector.
func NewSelection(selector *metav1.LabelSelector, known *ledger.Book[*corev1.Namespace]) (*Selection, error) {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return nil, fmt.Errorf("managedJobsNamespaceSelector: %w", err)
	}
	return &Selection{selector: s, known: known}, nil
}

// Managed says whether the jobs of a namespace are managed. One that is not
// known, because it is gone or has not been seen yet, is not.
func (s *Selection) Managed(name string) bool {
	namespace, ok := s.known.Get(ledger.Key{Name: name})
	return ok && s.Selects(namespace)
}

// Selects says whether a namespace is managed; nil is not.
func (s *Selection) Selects(namespace *corev1.Namespace) bool {
	return namespace != nil && s.selector.Matches(labels.Set(namespace.Labels))
}
