package drive

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"

	authenticationv1 "k8s.io/api/authentication/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairlead "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/lifecycle"
	"fairlead.dev/fairlead/pkg/job/batchjob"
	"fairlead.dev/fairlead/test/performance/measure"
)

// clients are the three identities that a run acts under. Each counts its
// requests, and none is limited on this side.
type clients struct {
	// admin prepares the cluster, and submits and finishes bare Workloads;
	// watcher is the same on a connection of its own, as the manager has it: what
	// a run sees must not wait for what it writes.
	admin, watcher client.WithWatch
	// config is the watcher's.
	config *rest.Config
	// tenant creates Jobs.
	tenant client.Client
	// manager and events are the service account of the manager, under which
	// the floor makes the manager's writes: with the manager's own client.
	manager *lifecycle.Client
	events  client.Client

	counter *counter
}

// impersonate makes the clients of the tenant and of the manager.
func (c *clients) impersonate(ctx context.Context, admin *rest.Config, scheme *runtime.Scheme) error {
	tenant, err := withToken(ctx, c.admin, admin, Namespace, tenantName)
	if err != nil {
		return err
	}
	if c.tenant, err = newClient(tenant, scheme, c.counter); err != nil {
		return err
	}
	manager, err := withToken(ctx, c.admin, admin, fairlead.ManagerNamespace, fairlead.ManagerServiceAccount)
	if err != nil {
		return err
	}
	if c.events, err = newClient(manager, scheme, c.counter); err != nil {
		return err
	}
	c.manager, err = newWriter(manager, scheme, c.counter)
	return err
}

// tokenSeconds is how long a token for a run lasts; no run is that long.
const tokenSeconds = 4 * 3600

// newScheme knows every kind that a run touches.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, batchv1.AddToScheme, rbacv1.AddToScheme,
		authenticationv1.AddToScheme, fairlead.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register the benchmark's kinds: %w", err)
		}
	}
	return scheme, nil
}

// newClient is a client for config without a limit of its own, counting into
// counter. What it watches it is to watch with newWatcher.
func newClient(config *rest.Config, scheme *runtime.Scheme, counter *counter) (client.WithWatch, error) {
	config = rest.CopyConfig(config)
	lifecycle.ForWrites(config)
	return newWatcher(counted(config, counter), scheme)
}

// newWatcher is a client whose requests share one connection.
func newWatcher(config *rest.Config, scheme *runtime.Scheme) (client.WithWatch, error) {
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("make a client for %s: %w", config.Host, err)
	}
	return c, nil
}

// newWriter is the manager's client for what an admission writes.
func newWriter(config *rest.Config, scheme *runtime.Scheme, counter *counter) (*lifecycle.Client, error) {
	config = rest.CopyConfig(config)
	lifecycle.ForWrites(config)
	config = counted(config, counter)
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make a client for %s: %w", config.Host, err)
	}
	return lifecycle.NewClient(config, transport, scheme, batchjob.Kind{})
}

// counted is config without a limit on this side, counting its requests.
func counted(config *rest.Config, counter *counter) *rest.Config {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.UserAgent = "fairlead-bench"
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return &countingTransport{next: next, counter: counter}
	})
	return config
}

// withToken is config for a service account, by a token that the API server
// issues for it.
func withToken(ctx context.Context, admin client.Client, config *rest.Config, namespace, name string) (*rest.Config, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	seconds := int64(tokenSeconds)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	if err := admin.SubResource("token").Create(ctx, account, request); err != nil {
		return nil, fmt.Errorf("get a token for service account %s/%s: %w", namespace, name, err)
	}
	config = rest.AnonymousClientConfig(config)
	config.BearerToken = request.Status.Token
	return config, nil
}

// counter counts the requests that the driver sent.
type counter struct {
	mu     sync.Mutex
	counts measure.Requests
}

func newCounter() *counter { return &counter{counts: measure.Requests{}} }

func (c *counter) add(request measure.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[request]++
}

func (c *counter) requests() measure.Requests {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.counts)
}

// countingTransport counts answers by kind of request.
type countingTransport struct {
	next    http.RoundTripper
	counter *counter
}

// RoundTrip implements http.RoundTripper.
func (t *countingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r)
	kind := requestKind(r)
	if err != nil {
		kind.Code = "error"
	} else {
		kind.Code = strconv.Itoa(response.StatusCode)
	}
	t.counter.add(kind)
	return response, err
}

// requestKind reads verb, resource and subresource from a request, in the API
// server's words.
func requestKind(r *http.Request) measure.Request {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		parts = parts[3:]
	default:
		return measure.Request{Verb: r.Method, Resource: r.URL.Path}
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	kind := measure.Request{Verb: r.Method, Resource: parts[0]}
	if len(parts) > 2 {
		kind.Subresource = parts[2]
	}
	if r.Method == http.MethodGet && len(parts) == 1 {
		kind.Verb = "LIST"
		if r.URL.Query().Get("watch") != "" {
			kind.Verb = "WATCH"
		}
	}
	return kind
}
