package controller

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/fairlead/pkg/controller/report"
)

// server answers each request after a second, and turns away what is beyond
// its capacity. Each takes a microsecond longer than the one before it: no two
// answers come at the same moment, and no run differs from another.
type server struct {
	mu                    sync.Mutex
	capacity, under, most int
	asked, turnedAway     int
}

func (s *server) RoundTrip(request *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.under++
	s.asked++
	s.most = max(s.most, s.under)
	took := time.Second + time.Duration(s.asked)*time.Microsecond
	status := http.StatusOK
	if s.under > s.capacity {
		status = http.StatusTooManyRequests
		s.turnedAway++
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.under--
		s.mu.Unlock()
	}()
	select {
	case <-time.After(took):
		return &http.Response{StatusCode: status}, nil
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
}

// send has so many requests wait for their turns at once, for so many rounds.
func send(t *testing.T, f *inFlight, clients, rounds int) {
	t.Helper()
	var done sync.WaitGroup
	for range clients {
		done.Go(func() {
			for range rounds {
				if _, err := f.RoundTrip((&http.Request{}).WithContext(t.Context())); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
}

func TestWritesAdaptToTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{capacity: 1000}
		f := newInFlight(64, s)
		send(t, f, 200, 5)
		if s.most != 64 || f.bound != 64 {
			t.Fatalf("%d at once, bound %.1f; want 64", s.most, f.bound)
		}
		s.capacity, s.turnedAway = 20, 0
		send(t, f, 200, 5)
		// Without adaptation it would be 44 of each 64.
		if s.turnedAway > 200 || f.bound > 21 || f.bound < 10 {
			t.Errorf("a server for 20 had to turn away %d of 1,000, bound %.1f", s.turnedAway, f.bound)
		}
		s.capacity, s.most = 1000, 0
		send(t, f, 200, 20)
		if s.most < 50 {
			t.Errorf("the server has recovered, and only %d are sent at once", s.most)
		}
		if f.under != 0 || f.waiting.Len() != 0 {
			t.Errorf("%d under way, %d waiting after all", f.under, f.waiting.Len())
		}
	})
}

func TestWhoGivesUpLeavesTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{capacity: 1000}
		f := newInFlight(leastInFlight, s)
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		var mu sync.Mutex
		var done sync.WaitGroup
		ended := map[bool]int{}
		for range 3 * leastInFlight {
			done.Go(func() {
				_, err := f.RoundTrip((&http.Request{}).WithContext(ctx))
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				mu.Lock()
				ended[err == nil]++
				mu.Unlock()
			})
		}
		done.Wait()
		if ended[true] != leastInFlight || ended[false] != 2*leastInFlight {
			t.Errorf("ended %v, want %d answered", ended, leastInFlight)
		}
		if f.under != 0 || f.waiting.Len() != 0 {
			t.Errorf("%d under way, %d waiting after all", f.under, f.waiting.Len())
		}
		if _, err := f.RoundTrip((&http.Request{}).WithContext(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

// What can wait begins when nothing else wants to and little is under way, and
// does not wait for ever.
func TestEventsWaitForALull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newInFlight(lull, &server{capacity: 1000})
		began := time.Now()
		var done sync.WaitGroup
		request := func(ctx context.Context, note func()) {
			done.Go(func() {
				if _, err := f.RoundTrip((&http.Request{}).WithContext(ctx)); err != nil {
					t.Error(err)
				}
				note()
			})
			synctest.Wait()
		}
		var event time.Duration
		for n := range 3 * lull {
			if n == lull {
				request(report.Patient(t.Context()), func() { event = time.Since(began) })
			}
			request(t.Context(), func() {})
		}
		done.Wait()
		if event.Round(time.Millisecond) != 4*time.Second {
			t.Errorf("the Event was written after %v, want 4s: three rounds of a second for all others, though most came after it, and its own", event)
		}
	})
}
