package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Install creates the site's objects as an administrator and waits until every
// LocalQueue says that it is Active.
func (s Site) Install(ctx context.Context, admin *rest.Config) error {
	door, err := newDoor(admin)
	if err != nil {
		return err
	}
	objects, err := s.Objects()
	if err != nil {
		return err
	}
	for _, object := range objects {
		resource, err := door.of(object)
		if err != nil {
			return err
		}
		if _, err := resource.Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	for _, o := range s.Groups {
		if err := waitActive(ctx, door.client, o.Namespace); err != nil {
			return err
		}
	}
	return nil
}

// door finds the way to objects of any kind.
type door struct {
	client dynamic.Interface
	mapper meta.RESTMapper
}

func newDoor(admin *rest.Config) (*door, error) {
	client, err := dynamic.NewForConfig(admin)
	if err != nil {
		return nil, fmt.Errorf("connecting as administrator: %w", err)
	}
	discover, err := discovery.NewDiscoveryClientForConfig(admin)
	if err != nil {
		return nil, fmt.Errorf("connecting as administrator: %w", err)
	}
	return &door{client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discover))}, nil
}

// of tells where an object of this kind and namespace is created and deleted.
func (d *door) of(object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := object.GroupVersionKind()
	mapping, err := d.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, fmt.Errorf("the server does not know kind %s: %w; are Fairlead's CRDs installed?", kind.Kind, err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return d.client.Resource(mapping.Resource).Namespace(object.GetNamespace()), nil
	}
	return d.client.Resource(mapping.Resource), nil
}

// waitActive waits until the LocalQueue of a namespace is Active.
func waitActive(ctx context.Context, client dynamic.Interface, namespace string) error {
	queues := client.Resource(schema.GroupVersionResource{Group: "fairlead.dev", Version: "v1beta1", Resource: "localqueues"}).Namespace(namespace)
	why := ""
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (active bool, _ error) {
		active, why = isActive(queues.Get(ctx, QueueName, metav1.GetOptions{}))
		return active, nil
	})
	if err != nil {
		return fmt.Errorf("LocalQueue %s/%s does not become Active (%s); look at the manager's log: %w", namespace, QueueName, why, err)
	}
	return nil
}

// isActive reads condition Active of a queue, or says why it is not.
func isActive(queue *unstructured.Unstructured, err error) (active bool, why string) {
	if err != nil {
		return false, err.Error()
	}
	conditions, _, _ := unstructured.NestedSlice(queue.Object, "status", "conditions")
	for _, one := range conditions {
		if condition, _ := one.(map[string]any); condition["type"] == "Active" {
			return condition["status"] == "True", fmt.Sprintf("%v: %v", condition["reason"], condition["message"])
		}
	}
	return false, "it has no condition Active yet"
}

// Account names a service account.
type Account struct{ Namespace, Name string }

// Tenant is the account that submits a group's Jobs.
func (s Site) Tenant(group string) Account { return Account{s.Namespace(group), TenantAccount} }

// Observer is the account that the observer watches with.
func (s Site) Observer() Account { return Account{s.Prefix + ObserverAccount, ObserverAccount} }

// tokenLife is how long an identity is good for, longer than anybody keeps a
// demo's cluster.
const tokenLife = 24 * time.Hour

// WriteKubeconfig asks for a token of a service account and writes a
// kubeconfig that acts as it and whose default namespace is its own.
func WriteKubeconfig(ctx context.Context, admin *rest.Config, who Account, path string) error {
	c, err := kubernetes.NewForConfig(admin)
	if err != nil {
		return fmt.Errorf("connecting as administrator: %w", err)
	}
	life := int64(tokenLife.Seconds())
	token, err := c.CoreV1().ServiceAccounts(who.Namespace).CreateToken(ctx, who.Name,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &life}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("asking for a token of service account %s/%s: %w", who.Namespace, who.Name, err)
	}
	authority := admin.CAData
	if len(authority) == 0 && admin.CAFile != "" {
		if authority, err = os.ReadFile(admin.CAFile); err != nil {
			return fmt.Errorf("reading the cluster's certificate authority: %w", err)
		}
	}
	const only = "demo"
	config := clientcmdapi.NewConfig()
	config.Clusters[only] = &clientcmdapi.Cluster{Server: admin.Host, CertificateAuthorityData: authority}
	config.AuthInfos[only] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	config.Contexts[only] = &clientcmdapi.Context{Cluster: only, AuthInfo: only, Namespace: who.Namespace}
	config.CurrentContext = only
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// Connect makes a client from a kubeconfig, without a limit of its own on
// requests a second.
func Connect(path string) (kubernetes.Interface, *rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading kubeconfig %s: %w", path, err)
	}
	config.QPS = -1
	if config.BearerToken != "" && (config.CertData != nil || config.CertFile != "") {
		return nil, nil, errors.New("a kubeconfig of an account must not carry a client certificate")
	}
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting with %s: %w", path, err)
	}
	return c, config, nil
}

// Remove deletes the site's objects, the last made first, without waiting
// until they are gone. What is not there is no error.
func (s Site) Remove(ctx context.Context, admin *rest.Config) error {
	door, err := newDoor(admin)
	if err != nil {
		return err
	}
	objects, err := s.Objects()
	if err != nil {
		return err
	}
	background := metav1.DeletePropagationBackground
	for i := len(objects) - 1; i >= 0; i-- {
		resource, err := door.of(objects[i])
		if err != nil {
			return err
		}
		err = resource.Delete(ctx, objects[i].GetName(), metav1.DeleteOptions{PropagationPolicy: &background})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("deleting %s %s: %w", objects[i].GetKind(), objects[i].GetName(), err)
		}
	}
	return nil
}
