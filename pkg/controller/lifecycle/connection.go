package lifecycle

import (
	"net/http"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
)

// idleConnections is how many connections are kept between bursts of writes:
// client-go's 25 are fewer than there are workers, and each new one costs both
// sides a TLS handshake.
const idleConnections = 256

// ForWrites gives the clients of a configuration a connection for each write
// that is under way, and none that a watch uses.
//
// Watches and writes must not share one: all requests of an HTTP/2 client
// travel over a single TCP connection, and in a burst of writes the events of
// a watch queue up behind the answers. The API server then closes the watch as
// unresponsive, several times a second when it is loaded, and what is decided
// rests on late events.
func ForWrites(config *rest.Config) {
	config.NextProtos = []string{"http/1.1"}
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
}
