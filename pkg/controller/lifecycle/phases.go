package lifecycle

// phase looks at a workload and says what to do next, nil if that is not for
// it to say.
type phase func(*sight) *step

// ofJobs are the phases of a workload with a job, or that had one.
var ofJobs = []phase{
	orphaned,    // the job is gone
	unqueued,    // the job has no queue
	ended,       // the job has ended
	departing,   // the job is being deleted
	unmarked,    // the job does not say that it is held
	uncreated,   // there is no Workload yet
	retired,     // the Workload has ended
	deactivated, // active: false
	paused,      // somebody suspended the running job
	adopted,     // the job runs already and is to be charged
	unentitled,  // the job runs without quota
	outgrown,    // the job has become larger than its quota
	injected,    // the job's template is to be restored
	cleared,     // the evicted job has stopped
	respecified, // the job was edited
	decided,     // the engine has admitted it
	started,     // it is admitted and may run
	reclaimed,   // some of its pods have ended
	unexplained, // it waits
}

// ofWorkloads are the phases of a Workload that stands for itself.
var ofWorkloads = []phase{
	retired,
	deactivated,
	decided,
	unexplained,
}

// next finds the phase that the workload is in.
func next(s *sight) *step {
	phases := ofJobs
	if s.job == nil && s.workload != nil && !s.owned() {
		phases = ofWorkloads
	}
	for _, p := range phases {
		if st := p(s); st != nil {
			return st
		}
	}
	return stop
}
