package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/job"
	"fairlead.dev/fairlead/pkg/job/batchjob"
)

// server is an API server of one Workload. answers are given in turn to
// writes: nil performs the write.
type server struct {
	stored  *v1beta1.Workload
	answers []error
	// perform says whether a write that is answered with an error has been
	// performed all the same.
	perform bool
	bodies  []string
	reads   int
}

func (s *server) Do(_ context.Context, _ job.Kind, w *Write) (client.Object, error) {
	s.bodies = append(s.bodies, string(w.Body))
	var err error
	if len(s.answers) > 0 {
		err, s.answers = s.answers[0], s.answers[1:]
	}
	if err == nil && w.Version != s.stored.ResourceVersion {
		return nil, apierrors.NewConflict(schema.GroupResource{Resource: "workloads"}, w.Name, errors.New("modified"))
	}
	if err == nil || s.perform {
		version, _ := strconv.Atoi(s.stored.ResourceVersion)
		s.stored = w.after(strconv.Itoa(version + 1))
	}
	if err != nil {
		return nil, err
	}
	return s.stored, nil
}

func (s *server) ReadWorkload(context.Context, string, string) (*v1beta1.Workload, error) {
	s.reads++
	if s.stored == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, "gone")
	}
	return s.stored, nil
}

func (s *server) ReadJob(context.Context, job.Kind, string, string) (client.Object, error) {
	return nil, apierrors.NewNotFound(schema.GroupResource{}, "gone")
}

// forgotten notes what the engine is told.
type forgotten struct {
	times     int
	evictions []types.UID
}

func (f *forgotten) Forget(types.UID, int64) { f.times++ }
func (f *forgotten) ForgetEviction(uid types.UID, _ int64) {
	f.evictions = append(f.evictions, uid)
}

type silent struct{ refused int }

func (*silent) Decided(*v1beta1.Workload, admission.Admit)       {}
func (*silent) Waits(*v1beta1.Workload, admission.Wait)          {}
func (*silent) Preempts(*v1beta1.Workload, admission.Evict)      {}
func (*silent) HoldEnded(*v1beta1.Workload, admission.EndHold)   {}
func (*silent) Written(*Write, *v1beta1.Workload, client.Object) {}
func (s *silent) Refused(*Write, error)                          { s.refused++ }
func (*silent) Warn(client.Object, string, string)               {}

type stage struct {
	*Executor
	server *server
	engine *forgotten
	quiet  *silent
	wl     *v1beta1.Workload
}

// newStage has a Workload without job that the engine has just admitted.
func newStage(answers ...error) *stage {
	s := newScene()
	s.own()
	st := &stage{server: &server{stored: s.workload, answers: answers}, engine: &forgotten{}, quiet: &silent{}, wl: s.workload}
	st.Executor = New(Config{
		API: st.server, Kind: batchjob.Kind{}, Engine: st.engine, Reporter: st.quiet, Log: logr.Discard(), Facts: &s.facts,
		Workloads: ledger.NewBook[*v1beta1.Workload](nil), Jobs: ledger.NewBook[client.Object](nil),
	})
	st.config.Workloads.See(keyOf(s.workload), s.workload)
	st.Admit(s.workload, admission.Admit{UID: string(s.workload.UID), Assignment: *assignment()})
	return st
}

// play works until nothing is left to be repeated.
func (s *stage) play() {
	for range 10 {
		s.work(context.Background(), keyOf(s.wl))
		s.mu.Lock()
		slot := s.slots[keyOf(s.wl)]
		s.mu.Unlock()
		if slot == nil || slot.pending == nil {
			return
		}
		slot.notBefore = time.Time{}
	}
}

func (s *stage) confirmed() bool {
	now, _ := s.config.Workloads.Get(keyOf(s.wl))
	return now.Status.Admission != nil
}

func answered(code int) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Code: int32(code), Reason: metav1.StatusReason(http.StatusText(code))}}
}

func conflictError() error {
	return apierrors.NewConflict(schema.GroupResource{}, "one", errors.New("modified"))
}

func TestAnAdmissionIsConfirmedOrForgottenNeverBoth(t *testing.T) {
	lost := io.ErrUnexpectedEOF
	for name, c := range map[string]struct {
		answers   []error
		performed bool // although the answer was an error
		meanwhile func(*server)
		confirmed bool
		writes    int
	}{
		"answered":                       {nil, false, nil, true, 1},
		"lost on its way":                {[]error{lost, lost}, false, nil, true, 3},
		"done, but its answer was lost":  {[]error{lost}, true, nil, true, 2},
		"a server in trouble":            {[]error{answered(500), answered(503), answered(429)}, false, nil, true, 4},
		"a token that has run out":       {[]error{answered(401)}, false, nil, true, 2},
		"a conflict with somebody else":  {[]error{conflictError()}, false, func(s *server) { s.change("8") }, false, 1},
		"a conflict with itself":         {[]error{lost, conflictError()}, true, nil, true, 2},
		"refused":                        {[]error{answered(403)}, false, nil, false, 1},
		"refused after it had been done": {[]error{lost, answered(403)}, true, nil, true, 2},
		"the Workload is gone":           {[]error{apierrors.NewNotFound(schema.GroupResource{}, "one")}, false, nil, false, 1},
	} {
		s := newStage(c.answers...)
		s.server.perform = c.performed
		if c.meanwhile != nil {
			c.meanwhile(s.server)
		}
		s.play()
		if s.confirmed() != c.confirmed {
			t.Errorf("%s: confirmed is %v", name, s.confirmed())
		}
		if (s.engine.times == 1) == c.confirmed || s.engine.times > 1 {
			t.Errorf("%s: forgotten %d times", name, s.engine.times)
		}
		if len(s.server.bodies) != c.writes {
			t.Errorf("%s: %d writes, want %d", name, len(s.server.bodies), c.writes)
		}
		for _, body := range s.server.bodies {
			if body != s.server.bodies[0] {
				t.Errorf("%s: repeated differently: %s", name, body)
			}
		}
	}
}

// change is somebody else's write.
func (s *server) change(version string) {
	changed := s.stored.DeepCopy()
	changed.ResourceVersion = version
	s.stored = changed
}

func TestAConflictIsReadFromTheServer(t *testing.T) {
	s := newStage(conflictError())
	s.server.change("9")
	s.play()
	if s.server.reads != 1 {
		t.Errorf("%d reads", s.server.reads)
	}
	if now, _ := s.config.Workloads.Get(keyOf(s.wl)); now.ResourceVersion != "9" {
		t.Errorf("the sight is still version %s", now.ResourceVersion)
	}
}

func TestSlotsOfIdleWorkloadsAreDropped(t *testing.T) {
	s := newStage()
	s.play()
	if len(s.slots) != 0 || len(s.intakes) != 0 {
		t.Errorf("%d slots and %d intakes are left", len(s.slots), len(s.intakes))
	}
}

func TestJudge(t *testing.T) {
	for want, errs := range map[outcome][]error{
		done:     {nil},
		unknown:  {io.EOF, context.DeadlineExceeded, answered(500), answered(503), answered(504), answered(429), answered(408), answered(401), fmt.Errorf("wrapped: %w", io.EOF)},
		conflict: {conflictError(), fmt.Errorf("wrapped: %w", conflictError())},
		exists:   {apierrors.NewAlreadyExists(schema.GroupResource{}, "one")},
		gone:     {apierrors.NewNotFound(schema.GroupResource{}, "one")},
		refused:  {answered(400), answered(403), answered(413), answered(422)},
	} {
		for _, err := range errs {
			if got := judge(err); got != want {
				t.Errorf("%v: judged %d, want %d", err, got, want)
			}
		}
	}
}
