package measure

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"k8s.io/client-go/rest"
)

// Request names a kind of request as the API server counts it
// (apiserver_request_total). A watch is counted when it ends.
type Request struct {
	Verb        string `json:"verb"`
	Resource    string `json:"resource"`
	Subresource string `json:"subresource,omitempty"`
	Code        string `json:"code"`
}

// IsWrite says whether requests of this kind change objects.
func (r Request) IsWrite() bool {
	switch r.Verb {
	case "POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION":
		return true
	}
	return false
}

// Path is the resource with its subresource, as in "jobs/status".
func (r Request) Path() string {
	if r.Subresource == "" {
		return r.Resource
	}
	return r.Resource + "/" + r.Subresource
}

// Requests counts requests by kind.
type Requests map[Request]int64

// RequestCount is one line of Requests, for output.
type RequestCount struct {
	Request
	Count int64 `json:"count"`
}

// ReadRequests reads the API server's counters.
func ReadRequests(ctx context.Context, client rest.Interface) (Requests, error) {
	body, err := client.Get().AbsPath("/metrics").SetHeader("Accept", "text/plain").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the API server's /metrics: %w", err)
	}
	counts, err := parseRequests(body)
	if err != nil {
		return nil, fmt.Errorf("read the API server's /metrics: %w", err)
	}
	return counts, nil
}

// parseRequests picks apiserver_request_total out of the Prometheus text
// format. It reads only what the API server writes: one sample a line, no
// timestamps.
func parseRequests(body []byte) (Requests, error) {
	const metric = "apiserver_request_total{"
	counts := Requests{}
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(make([]byte, 0, 1<<16), 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if !strings.HasPrefix(line, metric) {
			continue
		}
		labels, value, ok := strings.Cut(line[len(metric):], "} ")
		if !ok {
			return nil, fmt.Errorf("sample %q has no value", line)
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			return nil, fmt.Errorf("sample %q: %w", line, err)
		}
		if request := requestOf(labels); request.Resource != "" {
			counts[request] += int64(n)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return counts, nil
}

// requestOf reads the labels of one sample, such as code="200",verb="GET". No
// value of a label that is used here holds a comma or a quotation mark.
func requestOf(labels string) Request {
	var r Request
	for label := range strings.SplitSeq(labels, ",") {
		name, value, _ := strings.Cut(label, "=")
		value = strings.Trim(value, `"`)
		switch name {
		case "verb":
			r.Verb = value
		case "resource":
			r.Resource = value
		case "subresource":
			r.Subresource = value
		case "code":
			r.Code = value
		}
	}
	return r
}

// Since gives the requests from an earlier reading to this one.
func (r Requests) Since(before Requests) Requests {
	delta := Requests{}
	for request, n := range r {
		if d := n - before[request]; d != 0 {
			delta[request] = d
		}
	}
	return delta
}

// Counts lists the requests by resource, verb and code.
func (r Requests) Counts() []RequestCount {
	counts := make([]RequestCount, 0, len(r))
	for request, n := range r {
		counts = append(counts, RequestCount{Request: request, Count: n})
	}
	sort.Slice(counts, func(i, j int) bool {
		a, b := counts[i].Request, counts[j].Request
		if a.Path() != b.Path() {
			return a.Path() < b.Path()
		}
		if a.Verb != b.Verb {
			return a.Verb < b.Verb
		}
		return a.Code < b.Code
	})
	return counts
}

// Count sums what matches verb and path ("jobs/status"), whatever its code.
func (r Requests) Count(verb, path string) int64 {
	var n int64
	for request, count := range r {
		if request.Verb == verb && request.Path() == path {
			n += count
		}
	}
	return n
}

// Writes is how many requests asked to change something.
func (r Requests) Writes() int64 {
	var n int64
	for request, count := range r {
		if request.IsWrite() {
			n += count
		}
	}
	return n
}
