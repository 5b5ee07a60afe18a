package controller

import (
	"container/list"
	"context"
	"errors"
	"net"
	"net/http"
	"sync"

	"fairlead.dev/fairlead/pkg/controller/report"
)

// inFlight bounds how many requests are under way at once, and adapts the bound
// to what the API server bears. Each answer that comes while the bound is
// reached raises it by one part of itself, one a round; a request that the
// server turns away (429), cannot serve (503) or does not answer in time halves
// it, once for all that were under way then. Additive increase and
// multiplicative decrease find a fair share among clients that know nothing of
// each other: D.-M. Chiu and R. Jain, Analysis of the Increase and Decrease
// Algorithms for Congestion Avoidance in Computer Networks, Computer Networks
// and ISDN Systems 17 (1989), pages 1 to 14.
type inFlight struct {
	next http.RoundTripper
	most float64

	mu    sync.Mutex
	bound float64
	under int
	// waiting are those that want to begin, chan struct{} each, the first first;
	// patient those among them that can wait.
	waiting, patient list.List
	// begun counts requests; those up to halvedAt were under way, or over, when
	// the bound was halved last.
	begun, halvedAt uint64
}

// lull is how few are under way when what can wait may begin: the API server
// has time then.
const lull = 4

// leastInFlight is as few as it comes to: a server in trouble still has to be
// asked whether it is.
const leastInFlight = 4

func newInFlight(most int, next http.RoundTripper) *inFlight {
	bound := float64(max(most, leastInFlight))
	return &inFlight{next: next, most: bound, bound: bound}
}

// RoundTrip implements http.RoundTripper.
func (f *inFlight) RoundTrip(request *http.Request) (*http.Response, error) {
	number, err := f.begin(request.Context())
	if err != nil {
		return nil, err
	}
	response, err := f.next.RoundTrip(request)
	f.end(number, turnedAway(response, err))
	return response, err
}

// WrappedRoundTripper implements net.RoundTripperWrapper of apimachinery.
func (f *inFlight) WrappedRoundTripper() http.RoundTripper { return f.next }

// turnedAway says whether an answer, or that there is none, tells of a server
// that has too much to do.
func turnedAway(response *http.Response, err error) bool {
	var timeout net.Error
	switch {
	case err == nil:
		return response.StatusCode == http.StatusTooManyRequests || response.StatusCode == http.StatusServiceUnavailable
	case errors.Is(err, context.DeadlineExceeded):
		return true
	}
	return errors.As(err, &timeout) && timeout.Timeout()
}

// begin waits for a place and returns the number of the request.
func (f *inFlight) begin(ctx context.Context) (uint64, error) {
	line := &f.waiting
	if report.CanWait(ctx) {
		line = &f.patient
	}
	f.mu.Lock()
	if line.Len() == 0 && f.room(line) {
		defer f.mu.Unlock()
		return f.enter(), nil
	}
	turn := make(chan struct{})
	place := line.PushBack(turn)
	f.mu.Unlock()
	select {
	case <-turn:
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.begun, nil
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-turn: // it came at the same moment
		f.under--
		f.admit()
	default:
		line.Remove(place)
	}
	return 0, ctx.Err()
}

// room says whether the first of a line may begin.
func (f *inFlight) room(line *list.List) bool {
	if line == &f.patient {
		return f.waiting.Len() == 0 && f.under < lull
	}
	return f.under < int(f.bound)
}

func (f *inFlight) enter() uint64 {
	f.under++
	f.begun++
	return f.begun
}

// admit lets those begin for whom there is room.
func (f *inFlight) admit() {
	for _, line := range []*list.List{&f.waiting, &f.patient} {
		for line.Len() > 0 && f.room(line) {
			f.enter()
			close(line.Remove(line.Front()).(chan struct{}))
		}
	}
}

func (f *inFlight) end(number uint64, turnedAway bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !turnedAway:
		if f.under >= int(f.bound) {
			f.bound = min(f.most, f.bound+1/f.bound)
		}
	case number > f.halvedAt:
		f.bound = max(leastInFlight, f.bound/2)
		f.halvedAt = f.begun
	}
	f.under--
	f.admit()
}
