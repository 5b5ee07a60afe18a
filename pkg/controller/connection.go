package controller

import (
	"fmt"
	"net/http"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
)

// connection is a way to the API server that writes have for themselves.
//
// Watches and writes must not share one: all requests of an HTTP/2 client
// travel over a single TCP connection, and in a burst of writes the events of
// a watch queue up behind the answers. The API server then closes the watch as
// unresponsive, several times a second when it is loaded, and what is decided
// rests on late events. Writes use HTTP/1.1, one connection for each that is
// under way.
type connection struct {
	config *rest.Config
	http   *http.Client
}

// idleConnections is how many connections are kept between bursts of writes:
// client-go's 25 are fewer than there are workers, and each new one costs both
// sides a TLS handshake.
const idleConnections = 256

// newConnection makes one for at most so many requests at once.
func newConnection(shared *rest.Config, most int) (connection, error) {
	config := rest.CopyConfig(shared)
	config.NextProtos = []string{"http/1.1"}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return newInFlight(most, next) })
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		for at := next; at != nil; {
			switch t := at.(type) {
			case *http.Transport:
				t.MaxIdleConnsPerHost = idleConnections
				return next
			case utilnet.RoundTripperWrapper:
				at = t.WrappedRoundTripper()
			default:
				return next
			}
		}
		return next
	})
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return connection{}, fmt.Errorf("connection for writes: %w", err)
	}
	return connection{config: config, http: client}, nil
}
