package lifecycle

import "fairlead.dev/fairlead/apis/v1beta1"

// phase looks at a workload and says what to do next, nil if that is not for
// it to say.
type phase func(*sight) *step

// ofJobs are the phases of a workload with a job, or that had one.
var ofJobs = []phase{
	orphaned,     // the job is gone
	unqueued,     // the job has no queue
	ended,        // the job has ended
	departing,    // the job is being deleted
	unmarked,     // the job does not say that it is held
	uncreated,    // there is no Workload yet
	retired,      // the Workload has ended
	sentenced,    // it is to be deactivated
	deactivated,  // active: false
	shutOut,      // its queue is stopped
	ordered,      // the engine wants it to leave
	paused,       // somebody suspended the running job
	adopted,      // the job runs already and is to be charged
	unaccepted,   // it holds quota and may run
	unentitled,   // the job runs without being admitted
	outgrown,     // the job has become larger than its quota
	unrepeatable, // the evicted job must not run again
	injected,     // the job's template is to be restored
	cleared,      // the evicted job has stopped
	respecified,  // the job was edited
	decided,      // the engine has admitted it
	held,         // quota is taken back for it
	observed,     // its pods have become ready, or are lost
	overdue,      // its pods are not ready in time
	exceeded,     // it has run for as long as it may
	started,      // it is admitted and may run
	reclaimed,    // some of its pods have ended
	barred,       // it must not be tried again, or may now
	unexplained,  // it waits
}

// ofWorkloads are the phases of a Workload that stands for itself.
var ofWorkloads = []phase{
	retired,
	sentenced,
	deactivated,
	shutOut,
	ordered,
	unaccepted,
	decided,
	held,
	overdue,
	exceeded,
	barred,
	unexplained,
}

// next finds the phase that the workload is in.
func next(s *sight) *step {
	phases := ofJobs
	if s.job == nil && s.workload != nil && !s.owned() {
		phases = ofWorkloads
	}
	if s.state.Warning != "" {
		s.warn(v1beta1.PendingMisconfigured, s.state.Warning)
	}
	for _, p := range phases {
		if st := p(s); st != nil {
			return s.noted(st)
		}
	}
	return s.noted(stop)
}

// noted adds to a step that leaves the workload alone what phases have noted.
func (s *sight) noted(st *step) *step {
	if st.write != nil || st.verify || st.forget || (s.again == 0 && s.warning == "") {
		return st
	}
	with := *st
	if s.again > 0 && (with.wait == 0 || s.again < with.wait) {
		with.wait = s.again
	}
	if with.warning == "" {
		with.warning, with.warningReason = s.warning, s.warningReason
	}
	return &with
}
