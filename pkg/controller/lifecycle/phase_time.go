package lifecycle

import (
	"fmt"
	"time"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

// ownEndGrace is how much longer a job is left that Kubernetes is about to end
// by itself, so that it ends as its user expects: failed, for its deadline.
const ownEndGrace = 30 * time.Second

// exceeded: the workload has been admitted for as long as it may be, over all
// its attempts. It is deactivated.
//
// Until then it is to be looked at again at that moment: all these moments wait
// in the executor's queue, which has one timer for the first of them. After a
// restart every workload is looked at, and its own status says the rest.
func exceeded(s *sight) *step {
	if !s.admitted() || s.evicted() {
		return nil
	}
	limit := translate.ExecutionTimeInForce(s.workload)
	if limit == nil {
		return nil
	}
	past := translate.PastExecution(s.workload)
	allowed := time.Duration(*limit)*time.Second - past
	left := allowed
	if c := translate.Condition(s.workload, v1beta1.WorkloadAdmitted); c != nil {
		left -= s.now.Sub(c.LastTransitionTime.Time)
	}
	if own := s.state.OwnDeadlineSeconds; own != nil && time.Duration(*own)*time.Second <= allowed {
		left += ownEndGrace
	}
	if left > 0 {
		s.wake(left)
		return nil
	}
	message := fmt.Sprintf("its maximum execution time of %d s is over", *limit)
	if past > 0 {
		message += fmt.Sprintf("; earlier attempts took %d s of it", past/time.Second)
	}
	return &step{write: putStatus(s.workload, Condemn, condemned(s.workload, v1beta1.DeactivatedMaximumExecutionTimeExceeded, message, s.now))}
}
