package sandbox

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"
)

func TestManagerConfigKeepsWhatIsGiven(t *testing.T) {
	source := t.TempDir()
	s := &state{Name: "lab", home: t.TempDir(), Source: source, Ports: ports{ManagerHealth: 21, ManagerMetrics: 22}}
	if err := s.save(); err != nil {
		t.Fatal(err)
	}
	shipped := filepath.Join(source, "config", "manager", "configuration.yaml")
	given := filepath.Join(source, "given.yaml")
	for path, text := range map[string]string{
		shipped: "kind: ConfigMap\ndata:\n  config.yaml: |\n    kind: Configuration\n    leaderElection: {leaderElect: true, resourceName: x}\n    metrics: {bindAddress: \":8443\"}\n    fairSharing: {enable: true}\n",
		given:   "kind: Configuration\nleaderElection: {leaderElect: true}\nhealth: {livenessEndpointName: live}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, given string
		want        map[string]any
	}{
		{"shipped, without leader election", "", map[string]any{
			"kind": "Configuration", "fairSharing": map[string]any{"enable": true},
			"leaderElection": map[string]any{"leaderElect": false, "resourceName": "x"},
			"metrics":        map[string]any{"bindAddress": "127.0.0.1:22"},
			"health":         map[string]any{"healthProbeBindAddress": "127.0.0.1:21"},
		}},
		{"given, as it is but for the addresses", given, map[string]any{
			"kind": "Configuration", "leaderElection": map[string]any{"leaderElect": true},
			"metrics": map[string]any{"bindAddress": "127.0.0.1:22"},
			"health":  map[string]any{"healthProbeBindAddress": "127.0.0.1:21", "livenessEndpointName": "live"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := writeManagerConfig(s, tt.given); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(s.managerConfig())
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := yaml.Unmarshal(data, &got); err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, %v\nwant %v", got, err, tt.want)
			}
		})
	}
}

func TestManifestsAreOrdered(t *testing.T) {
	rendered := []byte("kind: Role\nmetadata: {name: r}\n---\nkind: CustomResourceDefinition\nmetadata: {name: c}\n---\n\n---\n" +
		"kind: Namespace\nmetadata: {name: s}\n---\nkind: MutatingAdmissionPolicy\nmetadata: {name: m}\n")
	b, err := sortManifests(rendered)
	if err != nil {
		t.Fatal(err)
	}
	names := func(all []manifest) (got string) {
		for _, m := range all {
			got += m.Metadata.Name
		}
		return got
	}
	if names(b.crds) != "c" || names(b.namespaces) != "s" || names(b.rest) != "rm" || !b.mutating {
		t.Errorf("got %+v", b)
	}
	again, err := sortManifests(joinManifests(b.rest)[len("---\n"):])
	if err != nil || names(again.rest) != "rm" {
		t.Errorf("joined and split again: %+v, %v", again, err)
	}
	if _, err := sortManifests([]byte("metadata: {name: x}\n")); err == nil || !strings.Contains(err.Error(), "has no kind") {
		t.Errorf("without a kind: got %v", err)
	}
}

func TestTokenIsRenewedForTheManager(t *testing.T) {
	expires := metav1.NewTime(time.Now().Add(time.Hour).Truncate(time.Second))
	client := fake.NewClientset()
	client.PrependReactor("create", "serviceaccounts", func(action clienttesting.Action) (bool, runtime.Object, error) {
		create := action.(clienttesting.CreateActionImpl)
		if create.GetNamespace() != "fairlead-system" || create.Name != "fairlead-manager" || create.GetSubresource() != "token" {
			return true, nil, errors.New("a token for somebody else: " + create.GetNamespace() + "/" + create.Name)
		}
		request := create.Object.(*authenticationv1.TokenRequest)
		if *request.Spec.ExpirationSeconds != 3600 {
			return true, nil, errors.New("another life was asked for")
		}
		answer := request.DeepCopy()
		answer.Status = authenticationv1.TokenRequestStatus{Token: "secret", ExpirationTimestamp: expires}
		return true, answer, nil
	})
	path := filepath.Join(t.TempDir(), "token")
	got, err := renewToken(t.Context(), client, path, time.Hour)
	if err != nil || !got.Equal(expires.Time) {
		t.Fatalf("got %s, %v", got, err)
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != "secret" {
		t.Errorf("the file has %q, %v", data, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token is readable for others: %v, %v", info.Mode(), err)
	}
}

func TestReadyTellsTheAnswer(t *testing.T) {
	status := http.StatusServiceUnavailable
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte("still listing"))
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	if err := ready(t.Context(), address); err == nil || !strings.Contains(err.Error(), "503") || !strings.Contains(err.Error(), "still listing") {
		t.Errorf("got %v", err)
	}
	status = http.StatusOK
	if err := ready(t.Context(), address); err != nil {
		t.Error(err)
	}
}

func TestPollReturnsTheLastComplaint(t *testing.T) {
	calls := 0
	err := poll(t.Context(), time.Second, func(context.Context) error {
		if calls++; calls < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil || calls != 3 {
		t.Errorf("got %v after %d calls", err, calls)
	}
	err = poll(t.Context(), 150*time.Millisecond, func(context.Context) error { return errors.New("never") })
	if err == nil || !strings.Contains(err.Error(), "never") || !strings.Contains(err.Error(), "gave up after") {
		t.Errorf("got %v", err)
	}
	calls = 0
	err = poll(t.Context(), time.Minute, func(context.Context) error { calls++; return errExited })
	if !errors.Is(err, errExited) || calls != 1 {
		t.Errorf("without hope: got %v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := poll(ctx, time.Minute, func(context.Context) error { return errors.New("x") }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
