package chaos

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// vitals is what a manager uses.
type vitals struct {
	heap       float64 // bytes that the last garbage collection found in use
	goroutines float64
}

func (v vitals) String() string {
	return fmt.Sprintf("heap %.1f MiB, %.0f goroutines", v.heap/(1<<20), v.goroutines)
}

// gauge reads a manager's metrics.
type gauge struct {
	address, token string
	client         *http.Client
}

func newGauge(ctx context.Context, admin client.Client, address string) (*gauge, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "chaos-metrics"}}
	grant := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "chaos-metrics"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "fairlead-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: account.Namespace, Name: account.Name}},
	}
	for _, object := range []client.Object{account, grant} {
		if err := admin.Create(ctx, object); err != nil {
			return nil, err
		}
	}
	life := int64(2 * 3600)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &life}}
	if err := admin.SubResource("token").Create(ctx, account, request); err != nil {
		return nil, fmt.Errorf("a token to read metrics with: %w", err)
	}
	// The manager signs its certificate itself.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	return &gauge{address: address, token: request.Status.Token, client: &http.Client{Transport: transport, Timeout: 10 * time.Second}}, nil
}

// read returns metrics without labels by name.
func (g *gauge) read(ctx context.Context) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+g.address+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+g.token)
	response, err := g.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("metrics: %s", response.Status)
	}
	values := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, text, ok := strings.Cut(lines.Text(), " ")
		if value, err := strconv.ParseFloat(text, 64); ok && err == nil {
			values[name] = value
		}
	}
	return values, lines.Err()
}

// measure waits for two garbage collections, since an object may survive one
// of them, and says what is in use then. Reading metrics makes enough garbage
// to bring them about.
func (g *gauge) measure(ctx context.Context) (vitals, error) {
	const cycles = "go_gc_cycles_total_gc_cycles_total"
	first, deadline := -1.0, time.Now().Add(5*time.Minute)
	for {
		now, err := g.read(ctx)
		var unreachable *url.Error
		if errors.As(err, &unreachable) && ctx.Err() == nil && time.Now().Before(deadline) {
			time.Sleep(100 * time.Millisecond) // a manager is ready before it serves metrics
			continue
		}
		if err != nil {
			return vitals{}, err
		}
		for _, name := range []string{cycles, "go_gc_heap_live_bytes", "go_goroutines"} {
			if _, ok := now[name]; !ok {
				return vitals{}, fmt.Errorf("the manager does not tell metric %s", name)
			}
		}
		if first < 0 {
			first = now[cycles]
		}
		if now[cycles] >= first+2 {
			return vitals{heap: now["go_gc_heap_live_bytes"], goroutines: now["go_goroutines"]}, nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return vitals{}, fmt.Errorf("no two garbage collections within 5 minutes")
		}
	}
}

// leaked compares a manager that has worked off so many acts and is idle again
// with a new and idle one.
func leaked(start, end vitals, acts int) error {
	// The empty tables of what has gone keep their size, informers their
	// buffers, connections theirs: some MiB, whatever the length of the run.
	// What every act left behind would show beyond that: a Workload takes more
	// than 4 KiB in the manager.
	allowed := start.heap + 12<<20 + float64(acts)*512
	if end.heap > allowed {
		return fmt.Errorf("the manager's heap has grown from %.1f to %.1f MiB over %d acts (allowed %.1f)",
			start.heap/(1<<20), end.heap/(1<<20), acts, allowed/(1<<20))
	}
	// Connections to the API server are kept for 90 s after a burst, with two
	// goroutines each; the executor has 16 writes under way at most.
	if end.goroutines > start.goroutines+60 {
		return fmt.Errorf("the manager's goroutines have grown from %.0f to %.0f", start.goroutines, end.goroutines)
	}
	return nil
}
