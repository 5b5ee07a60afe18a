package controller

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
)

// TestWritesKeepTheirConnections: a second burst of writes needs no new
// connection to the API server.
func TestWritesKeepTheirConnections(t *testing.T) {
	const burst = 64
	var mu sync.Mutex
	seen := map[string]bool{}
	together := make(chan struct{})
	var arrived sync.WaitGroup
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != "HTTP/1.1" {
			t.Errorf("a write travels by %s", r.Proto)
		}
		mu.Lock()
		seen[r.RemoteAddr] = true
		mu.Unlock()
		arrived.Done()
		<-together
	}))
	defer server.Close()
	c, err := newConnection(&rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}}, burst)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		arrived.Add(burst)
		var done sync.WaitGroup
		for range burst {
			done.Go(func() {
				response, err := c.http.Get(server.URL)
				if err != nil {
					t.Error(err)
					return
				}
				response.Body.Close()
			})
		}
		arrived.Wait()
		close(together)
		done.Wait()
		together = make(chan struct{})
	}
	if len(seen) != burst {
		t.Errorf("%d connections for bursts of %d writes", len(seen), burst)
	}
}
