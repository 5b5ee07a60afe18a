package controller

import (
	"fmt"
	"net/http"

	"k8s.io/client-go/rest"

	"fairlead.dev/fairlead/pkg/controller/lifecycle"
)

// connection is a way to the API server that writes have for themselves, with
// a bound on how many are under way.
type connection struct {
	config *rest.Config
	http   *http.Client
}

// newConnection makes one for at most so many requests at once.
func newConnection(shared *rest.Config, most int) (connection, error) {
	config := rest.CopyConfig(shared)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return newInFlight(most, next) })
	lifecycle.ForWrites(config)
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return connection{}, fmt.Errorf("connection for writes: %w", err)
	}
	return connection{config: config, http: client}, nil
}
