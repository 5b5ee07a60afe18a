package manager

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// request is what a transport has seen of one write.
type request struct {
	Method string // POST, PUT, PATCH, DELETE
	Path   string // without /apis/GROUP/VERSION/namespaces/NS, for example workloads/NAME/status
	Body   string
	Code   int // of the answer; 0 if there was none
	done   bool
}

// kind is "POST workloads", "PUT workloads/status", "PATCH jobs" and so on.
func (r request) kind() string {
	parts := strings.Split(r.Path, "/")
	kind := r.Method + " " + parts[0]
	if len(parts) == 3 {
		kind += "/" + parts[2]
	}
	return kind
}

// fault is what happens to a request instead of a plain round trip.
type fault int

const (
	pass      fault = iota
	loseCall        // the request never arrives
	loseReply       // it arrives; the answer is lost
	internal        // it does not arrive; the answer is 500
	dieBefore       // the process dies before the request leaves
	dieAfter        // the process dies when the request has arrived
)

var errDead = errors.New("the process is dead")

// network stands between one manager and the API server. It records writes
// and does to them what the spec asks for.
type network struct {
	mu     sync.Mutex
	next   http.RoundTripper
	writes []request
	// decide is asked for each write; nil passes all.
	decide func(r request, nth int) fault
	// hold, if set, is called with the path of each read before it leaves.
	hold func(path string)
	dead bool
	died chan struct{}
	// ended is signalled when a write has its answer, or will get none.
	ended sync.Cond
}

func newNetwork() *network {
	n := &network{died: make(chan struct{})}
	n.ended.L = &n.mu
	return n
}

func (n *network) wrap(next http.RoundTripper) http.RoundTripper {
	n.next = next
	return n
}

// RoundTrip implements http.RoundTripper.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	if n.isDead() {
		return nil, errDead
	}
	if req.Method == http.MethodGet || strings.Contains(req.URL.Path, "/leases") {
		if n.hold != nil {
			n.hold(req.URL.Path)
		}
		return n.next.RoundTrip(req)
	}
	seen := request{Method: req.Method, Path: resourcePath(req.URL.Path)}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		seen.Body = string(body)
	}
	at, what := n.note(seen)
	defer n.done(at)
	switch what {
	case loseCall:
		return nil, fmt.Errorf("%s %s: connection reset by the test", req.Method, req.URL.Path)
	case internal:
		return answer(req, http.StatusInternalServerError), nil
	case dieBefore:
		n.die()
		return nil, errDead
	}
	response, err := n.next.RoundTrip(req)
	if err == nil {
		n.mu.Lock()
		n.writes[at].Code = response.StatusCode
		n.mu.Unlock()
	}
	if what == loseReply || what == dieAfter {
		if err == nil {
			_ = response.Body.Close()
		}
		if what == dieAfter {
			n.die()
		}
		return nil, fmt.Errorf("%s %s: answer lost by the test", req.Method, req.URL.Path)
	}
	return response, err
}

func (n *network) note(seen request) (int, fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.writes = append(n.writes, seen)
	if n.decide == nil {
		return len(n.writes) - 1, pass
	}
	return len(n.writes) - 1, n.decide(seen, len(n.writes)-1)
}

func (n *network) isDead() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dead
}

func (n *network) die() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.dead {
		n.dead = true
		close(n.died)
	}
}

// all returns the writes so far.
func (n *network) all() []request {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]request(nil), n.writes...)
}

// done notes that nothing more happens to a write.
func (n *network) done(at int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.writes[at].done = true
	n.ended.Broadcast()
}

// counts tells how many writes of each kind were answered with success. What a
// write has done can be seen before its answer has come: those that have begun
// are waited for.
func (n *network) counts() map[string]int {
	n.mu.Lock()
	for i := range len(n.writes) {
		for !n.writes[i].done {
			n.ended.Wait()
		}
	}
	n.mu.Unlock()
	counts := map[string]int{}
	for _, w := range n.all() {
		if w.Code >= 200 && w.Code < 300 {
			counts[w.kind()]++
		}
	}
	return counts
}

// refusals lists the writes that were answered with an error.
func (n *network) refusals() []request {
	var list []request
	for _, w := range n.all() {
		if w.Code >= 400 {
			list = append(list, w)
		}
	}
	return list
}

// resourcePath shortens /apis/GROUP/VERSION/namespaces/NS/workloads/NAME.
func resourcePath(path string) string {
	if _, rest, ok := strings.Cut(path, "/namespaces/"); ok {
		if _, rest, ok := strings.Cut(rest, "/"); ok {
			return rest
		}
	}
	parts := strings.SplitN(strings.Trim(path, "/"), "/", 4)
	return parts[len(parts)-1]
}

func answer(req *http.Request, code int) *http.Response {
	body := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"made by the test","code":%d}`, code)
	return &http.Response{
		Status: http.StatusText(code), StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:  http.Header{"Content-Type": []string{"application/json"}},
		Body:    io.NopCloser(strings.NewReader(body)),
		Request: req, ContentLength: int64(len(body)),
	}
}
