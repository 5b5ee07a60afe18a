package lifecycle

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/job"
	"fairlead.dev/fairlead/pkg/job/batchjob"
)

var now = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// noClasses knows no priority class.
type noClasses struct{}

func (noClasses) WorkloadPriorityClass(string) (int32, bool) { return 0, false }
func (noClasses) PriorityClass(string) (int32, bool)         { return 0, false }
func (noClasses) GlobalDefault() (string, int32, bool)       { return "", 0, false }

// scene is a workload in some state.
type scene struct {
	job      *batchv1.Job
	workload *v1beta1.Workload
	slot     slot
	facts    Facts
	queues   queues
}

// queues are the one ClusterQueue and the one LocalQueue of a scene.
type queues struct {
	cq *v1beta1.ClusterQueue
	lq *v1beta1.LocalQueue
}

func (q *queues) ClusterQueue(name string) (*v1beta1.ClusterQueue, bool) {
	return q.cq, q.cq != nil && q.cq.Name == name
}

func (q *queues) LocalQueue(key ledger.Key) (*v1beta1.LocalQueue, bool) {
	return q.lq, q.lq != nil && q.lq.Name == key.Name && q.lq.Namespace == key.Namespace
}

// newScene is a suspended Job with its Workload, which waits.
func newScene() *scene {
	yes := true
	j := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: "osg", Name: "sim", UID: "job-uid", ResourceVersion: "5", Generation: 1,
		Labels: map[string]string{v1beta1.QueueLabel: "main"}}}
	j.Spec.Suspend = &yes
	j.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main"}}
	s := &scene{job: j, facts: Facts{Classes: noClasses{}, Flavor: func(name string) (*v1beta1.ResourceFlavor, bool) {
		return &v1beta1.ResourceFlavor{Spec: v1beta1.ResourceFlavorSpec{NodeLabels: map[string]string{"kind": name}}}, name != "missing"
	}}}
	s.queues = queues{
		cq: &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "cq"}},
		lq: &v1beta1.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: "osg", Name: "main"}, Spec: v1beta1.LocalQueueSpec{ClusterQueue: "cq"}},
	}
	s.facts.Queues = &s.queues
	sets, err := batchjob.Kind{}.PodSets(j)
	if err != nil {
		panic(err)
	}
	kind := batchjob.Kind{}
	active := true
	s.workload = job.NewWorkload(kind, j, job.DesiredSpec(kind.State(j), sets, job.Priority{}, &active))
	s.workload.UID, s.workload.ResourceVersion, s.workload.Generation = "wl-uid", "7", 1
	s.workload.CreationTimestamp = metav1.NewTime(now.Add(-time.Minute))
	return s
}

func (s *scene) sight() *sight {
	v := &sight{now: now, kind: batchjob.Kind{}, workload: s.workload, slot: &s.slot, facts: &s.facts}
	if s.job != nil {
		v.job, v.state = s.job, batchjob.Kind{}.State(s.job)
	}
	if v.workload != nil {
		v.key = keyOf(s.workload)
	}
	v.reconcileSlot()
	return v
}

func assignment() *admission.Assignment {
	return &admission.Assignment{ClusterQueue: "cq", PodSets: []admission.PodSetAssignment{{Name: "main", Count: 1,
		Flavors: []admission.ResourceFlavorName{{Resource: "cpu", Flavor: "plain"}}}}}
}

func (s *scene) decided() {
	s.slot.decision = &decision{uid: "wl-uid", generation: 1, assignment: *assignment()}
}

func (s *scene) admit() {
	s.workload.Status = admitted(s.workload, assignment(), "reserved", now)
}

func (s *scene) run() {
	no := false
	s.job.Spec.Suspend = &no
	s.job.Status.Active = 1
}

func (s *scene) inject(workload string) {
	raw, _ := json.Marshal(job.Injection{Workload: workload})
	s.job.Annotations = map[string]string{v1beta1.InjectedAnnotation: string(raw)}
}

func (s *scene) evict(reason string) {
	s.workload.Status = evicted(s.workload, Eviction{Reason: reason, Message: "because"}, now)
}

// terminate is an eviction of a job whose only pod is in its grace period.
func (s *scene) terminate(onEviction string) {
	s.admit()
	s.evict("Preempted")
	s.inject("wl-uid")
	s.job.Annotations[v1beta1.OnEvictionAnnotation] = onEviction
	s.job.Status.StartTime, s.job.Status.Terminating = &metav1.Time{Time: now}, number(1)
	s.end(batchv1.JobSuspended)
}

func (s *scene) end(kind batchv1.JobConditionType) {
	s.job.Status.Conditions = append(s.job.Status.Conditions, batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue})
}

func TestTheNextStep(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*scene)
		want   string // purpose of the write, or "nothing", "wait", "verify", "forget", "warn"
	}{
		"a Job without Workload":          {func(s *scene) { s.workload = nil }, "create"},
		"its Workload is on its way":      {func(s *scene) { s.workload = nil; s.slot.created, s.slot.createdAt = "job-uid", now }, "wait"},
		"its Workload never came":         {func(s *scene) { s.workload = nil; s.slot.created, s.slot.createdAt = "job-uid", now.Add(-time.Hour) }, "create"},
		"without Workload, class missing": {func(s *scene) { s.workload = nil; s.job.Labels[v1beta1.PriorityClassLabel] = "ghost" }, "warn"},
		"without Workload, annotation odd": {func(s *scene) {
			s.workload = nil
			s.job.Annotations = map[string]string{v1beta1.JobMinParallelismAnnotation: "x"}
		}, "warn"},
		"without Workload, ended":         {func(s *scene) { s.workload = nil; s.end(batchv1.JobComplete) }, "nothing"},
		"without Workload, being deleted": {func(s *scene) { s.workload = nil; s.job.DeletionTimestamp = &metav1.Time{Time: now} }, "nothing"},
		"it waits":                        {func(*scene) {}, "nothing"},
		"it has waited for long":          {func(s *scene) { s.slot.verdict = &verdict{reason: "WaitingForQuota", due: true} }, "explain"},
		"its reason is not due":           {func(s *scene) { s.slot.verdict = &verdict{reason: "WaitingForQuota"} }, "nothing"},
		"its turn has come":               {func(s *scene) { s.decided() }, "admit"},
		"its turn came for an older self": {func(s *scene) { s.decided(); s.workload.Generation = 2 }, "forget"},
		"its turn came when inactive":     {func(s *scene) { s.decided(); no := false; s.workload.Spec.Active = &no }, "forget"},
		"its turn came while it stops":    {func(s *scene) { s.decided(); s.job.Status.Active = 1 }, "forget"},
		"it is edited while it waits":     {func(s *scene) { s.job.Spec.Parallelism = new(int32); s.job.ResourceVersion = "6" }, "respec"},
		"it moves to another queue":       {func(s *scene) { s.job.Labels[v1beta1.QueueLabel] = "other" }, "respec"},
		"it is admitted":                  {func(s *scene) { s.admit() }, "start"},
		"it is admitted, then edited":     {func(s *scene) { s.admit(); s.job.Spec.Parallelism = new(int32) }, "release"},
		"it is admitted, then moved":      {func(s *scene) { s.admit(); s.job.Labels[v1beta1.QueueLabel] = "other" }, "release"},
		"it runs":                         {func(s *scene) { s.admit(); s.run(); s.inject("wl-uid") }, "nothing"},
		"the server will not have it":     {func(s *scene) { s.admit(); s.slot.refusals = mostRefusals }, "evict"},
		"its flavor is gone":              {func(s *scene) { s.admit(); s.workload.Status.Admission.PodSetAssignments[0].Flavors["cpu"] = "missing" }, "wait"},
		"its flavor contradicts it": {func(s *scene) {
			s.admit()
			s.job.Spec.Template.Spec.NodeSelector = map[string]string{"kind": "other"}
			s.slot.compared = s.sight().shapes()
		}, "finish"},
		"it is edited beyond description": {func(s *scene) {
			s.job.Annotations = map[string]string{v1beta1.JobMinParallelismAnnotation: "x"}
		}, "discard"},
		"it is admitted, then edited beyond description": {func(s *scene) {
			s.admit()
			s.job.Annotations = map[string]string{v1beta1.JobMinParallelismAnnotation: "x"}
		}, "release"},
		"it runs wider than it may":  {func(s *scene) { s.wide(4); s.widen(6) }, "verify"},
		"it really runs wider":       {func(s *scene) { s.wide(4); s.widen(6); s.slot.verified = s.sight().versions() }, "evict"},
		"it runs as wide as it may":  {func(s *scene) { s.wide(4) }, "nothing"},
		"a pod of it has just ended": {func(s *scene) { s.wide(4); s.job.Status.Succeeded = 1 }, "wait"},
		"a pod of it has ended":      {func(s *scene) { s.wide(4); s.job.Status.Succeeded = 1; s.slot.narrowed = now.Add(-time.Minute) }, "reclaim"},
		"what had ended is known": {func(s *scene) {
			s.wide(4)
			s.job.Status.Succeeded = 1
			s.gaveBack(1)
			s.slot.narrowed = now.Add(-time.Minute)
		}, "nothing"},
		"it grows after giving back":     {func(s *scene) { s.wide(4); s.gaveBack(1); s.slot.verified = s.sight().versions() }, "evict"},
		"its only pod has ended":         {func(s *scene) { s.wide(1); s.job.Status.Succeeded = 1; s.slot.narrowed = now.Add(-time.Minute) }, "nothing"},
		"it runs narrower than it asked": {func(s *scene) { s.partial(4, 2); s.slot.narrowed = now.Add(-time.Minute) }, "nothing"},
		"a pod of the narrower has ended": {func(s *scene) {
			s.partial(4, 2)
			s.job.Status.Succeeded = 3
			s.slot.narrowed = now.Add(-time.Minute)
		}, "reclaim"},
		"its user suspends it":                {func(s *scene) { s.admit(); s.inject("wl-uid") }, "verify"},
		"its user has suspended it":           {func(s *scene) { s.admit(); s.inject("wl-uid"); s.slot.verified = s.sight().versions() }, "evict"},
		"it was started by an earlier self":   {func(s *scene) { s.admit(); s.inject("other-uid") }, "restore"},
		"it runs and is deactivated":          {func(s *scene) { s.admit(); s.run(); no := false; s.workload.Spec.Active = &no }, "evict"},
		"it runs and is evicted":              {func(s *scene) { s.admit(); s.run(); s.evict("Deactivated") }, "stop"},
		"evicted, pods left":                  {func(s *scene) { s.admit(); s.evict("Deactivated"); s.inject("wl-uid"); s.job.Status.Active = 1 }, "nothing"},
		"evicted, pods gone":                  {func(s *scene) { s.admit(); s.evict("Deactivated"); s.inject("wl-uid") }, "restore"},
		"evicted, pods terminate":             {func(s *scene) { s.terminate("") }, "nothing"},
		"the same, releasing early":           {func(s *scene) { s.terminate(""); s.facts.ReleaseStopped = true }, "release"},
		"early, a pod does not terminate yet": {func(s *scene) { s.terminate(""); s.facts.ReleaseStopped = true; s.job.Status.Active = 1 }, "nothing"},
		"early, the suspension is not seen":   {func(s *scene) { s.terminate(""); s.facts.ReleaseStopped = true; s.job.Status.Conditions = nil }, "nothing"},
		"early, then not restored yet":        {func(s *scene) { s.terminate(""); s.facts.ReleaseStopped = true; s.release() }, "nothing"},
		"early, its turn has come again":      {func(s *scene) { s.terminate(""); s.facts.ReleaseStopped = true; s.release(); s.decided() }, "nothing"},
		"early, then pods gone": {func(s *scene) {
			s.terminate("")
			s.facts.ReleaseStopped = true
			s.release()
			s.job.Status.Terminating = nil
		}, "restore"},
		"early, but it is to be deleted":      {func(s *scene) { s.terminate(v1beta1.OnEvictionDelete); s.facts.ReleaseStopped = true }, "nothing"},
		"evicted and restored":                {func(s *scene) { s.admit(); s.evict("Deactivated") }, "release"},
		"it runs without admission":           {func(s *scene) { s.run() }, "verify"},
		"it really runs without admission":    {func(s *scene) { s.run(); s.slot.verified = s.sight().versions() }, "stop"},
		"found running, charge known":         {func(s *scene) { s.run(); s.found(); s.slot.adopt = assignment() }, "adopt"},
		"found running, queue leads nowhere":  {func(s *scene) { s.run(); s.found() }, "nothing"},
		"found running, admitted by its turn": {func(s *scene) { s.run(); s.found(); s.decided() }, "adopt"},
		"it succeeds":                         {func(s *scene) { s.admit(); s.run(); s.end(batchv1.JobComplete) }, "finish"},
		"it ends while it waits":              {func(s *scene) { s.end(batchv1.JobFailed) }, "finish"},
		"its end is known":                    {func(s *scene) { s.end(batchv1.JobFailed); s.workload.Status = finished(s.workload, "Failed", "x", now) }, "nothing"},
		"its end is kept for a while": {func(s *scene) {
			s.end(batchv1.JobFailed)
			s.workload.Status = finished(s.workload, "Failed", "x", now)
			s.keep(time.Minute)
		}, "wait"},
		"its end was kept long enough": {func(s *scene) {
			s.end(batchv1.JobFailed)
			s.workload.Status = finished(s.workload, "Failed", "x", now.Add(-time.Hour))
			s.keep(time.Minute)
		}, "retention"},
		"it could never start, long ago": {func(s *scene) {
			s.workload.Status = finished(s.workload, "FailedToStart", "x", now.Add(-time.Hour))
			s.keep(time.Minute)
		}, "nothing"},
		"it leaves the queue":                    {func(s *scene) { s.job.Labels = nil }, "discard"},
		"it leaves the queue while it runs":      {func(s *scene) { s.admit(); s.run(); s.job.Labels = nil }, "nothing"},
		"it leaves the queue after running":      {func(s *scene) { s.admit(); s.inject("wl-uid"); s.job.Labels = nil }, "restore"},
		"it left the queue, runs and was to run": {func(s *scene) { s.run(); s.job.Labels = nil }, "discard"},
		"it left the queue, runs and is deactivated": {func(s *scene) {
			s.admit()
			s.run()
			s.job.Labels = nil
			no := false
			s.workload.Spec.Active = &no
		}, "evict"},
		"it left the queue, runs and is evicted": {func(s *scene) { s.admit(); s.run(); s.evict("Deactivated"); s.job.Labels = nil }, "stop"},
		"it left the queue and its pods end":     {func(s *scene) { s.admit(); s.evict("Deactivated"); s.job.Labels = nil; s.job.Status.Active = 1 }, "nothing"},
		"it left the queue and succeeds":         {func(s *scene) { s.admit(); s.run(); s.job.Labels = nil; s.end(batchv1.JobComplete) }, "finish"},
		"it left the queue and fails, never run": {func(s *scene) { s.job.Labels = nil; s.end(batchv1.JobFailed) }, "finish"},
		"it left the queue and is deleted":       {func(s *scene) { s.job.Labels = nil; s.job.DeletionTimestamp = &metav1.Time{Time: now} }, "discard"},
		"it never had a queue":                   {func(s *scene) { s.workload, s.job.Labels = nil, nil }, "nothing"},
		"it never had a queue, where all wait":   {func(s *scene) { s.workload, s.job.Labels, s.facts.HoldUnqueued = nil, nil, true }, "warn"},
		"it runs without queue, where all wait":  {func(s *scene) { s.workload, s.job.Labels, s.facts.HoldUnqueued = nil, nil, true; s.run() }, "nothing"},
		"another controller runs it":             {func(s *scene) { s.managedBy(); s.decided() }, "mark"},
		"another controller runs it, marked":     {func(s *scene) { s.managedBy(); s.mark("True", batchjob.HeldReason); s.decided() }, "admit"},
		"another controller marks it itself":     {func(s *scene) { s.managedBy(); s.mark("True", "Mine"); s.decided() }, "admit"},
		"another controller takes the mark away": {func(s *scene) { s.managedBy(); s.slot.marked = 1; s.decided() }, "admit"},
		"another controller's Job has started":   {func(s *scene) { s.managedBy(); s.admit(); s.run(); s.mark("True", batchjob.HeldReason) }, "mark"},
		"another controller's Job is as it is":   {func(s *scene) { s.managedBy(); s.admit(); s.run() }, "nothing"},
		"the Job was deleted just now":           {func(s *scene) { s.job = nil }, "wait"},
		"the Job was deleted":                    {func(s *scene) { s.job = nil; s.slot.ownerless = now.Add(-time.Minute) }, "finish"},
		"the Job orphaned it just now":           {func(s *scene) { s.abandon() }, "wait"},
		"the Job orphaned it":                    {func(s *scene) { s.abandon(); s.admit(); s.slot.ownerless = now.Add(-time.Minute) }, "finish"},
		"the Job orphaned it, it is finished":    {func(s *scene) { s.abandon(); s.workload.Status = finished(s.workload, "Succeeded", "", now) }, "discard"},
		"nothing is left":                        {func(s *scene) { s.job, s.workload = nil, nil }, "nothing"},
		"a Workload of its own waits":            {func(s *scene) { s.own() }, "nothing"},
		"a Workload of its own has its turn":     {func(s *scene) { s.own(); s.decided() }, "admit"},
		"a Workload of its own is deactivated":   {func(s *scene) { s.own(); s.admit(); no := false; s.workload.Spec.Active = &no }, "evict"},
		"a Workload of its own is evicted":       {func(s *scene) { s.own(); s.admit(); s.evict("Preempted") }, "nothing"},
		"a Workload of its own is admitted":      {func(s *scene) { s.own(); s.admit() }, "nothing"},
	} {
		s := newScene()
		c.change(s)
		if got := describe(next(s.sight())); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func number(n int32) *int32 { return &n }

// wide is a running Job of count pods, that it holds quota for.
func (s *scene) wide(count int32) {
	s.job.Spec.Parallelism, s.job.Spec.Completions = &count, &count
	s.workload.Spec.PodSets[0].Count = count
	s.admit()
	s.workload.Status.Admission.PodSetAssignments[0].Count = &count
	s.run()
	s.inject("wl-uid")
}

// partial is one that was given fewer pods than it asked for.
func (s *scene) partial(count, given int32) {
	s.wide(count)
	s.job.Spec.Parallelism = &given
	s.workload.Status.Admission.PodSetAssignments[0].Count = &given
	raw, _ := json.Marshal(job.Injection{Workload: "wl-uid", PodSets: []job.PodSetInjection{{Name: "main", Count: &count, Given: &given}}})
	s.job.Annotations[v1beta1.InjectedAnnotation] = string(raw)
}

func (s *scene) widen(count int32) { s.job.Spec.Parallelism, s.job.Spec.Completions = &count, &count }

func (s *scene) gaveBack(n int32) {
	s.workload.Status.ReclaimablePods = []v1beta1.ReclaimablePod{{Name: "main", Count: n}}
}

func (s *scene) found() { s.workload.Annotations = map[string]string{job.AdoptedAnnotation: "true"} }
func (s *scene) abandon() {
	s.own()
	s.workload.Labels = map[string]string{v1beta1.JobUIDLabel: "job-uid"}
}

func (s *scene) own() { s.job, s.workload.OwnerReferences, s.workload.Labels = nil, nil, nil }

func (s *scene) managedBy() {
	name := "example.com/other"
	s.job.Spec.ManagedBy = &name
}

func (s *scene) mark(status corev1.ConditionStatus, reason string) {
	s.job.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobSuspended, Status: status, Reason: reason}}
}

func (s *scene) keep(d time.Duration) { s.facts.Retention = &d }

func describe(st *step) string {
	switch {
	case st.verify:
		return "verify"
	case st.forget:
		return "forget"
	case st.write != nil:
		return string(st.write.Purpose)
	case st.wait > 0:
		return "wait"
	case st.warning != "":
		return "warn"
	default:
		return "nothing"
	}
}

func TestStatusWritesCarryWhatTheyWereMadeOn(t *testing.T) {
	s := newScene()
	s.decided()
	w := next(s.sight()).write
	var body struct {
		Metadata metav1.ObjectMeta
		Spec     *json.RawMessage
		Status   v1beta1.WorkloadStatus
	}
	if err := json.Unmarshal(w.Body, &body); err != nil {
		t.Fatal(err)
	}
	if body.Metadata.UID != "wl-uid" || body.Metadata.ResourceVersion != "7" || body.Spec != nil {
		t.Errorf("written as %s", w.Body)
	}
	if body.Status.Admission.ClusterQueue != "cq" || len(body.Status.Conditions) != 2 {
		t.Errorf("status is %+v", body.Status)
	}
	after := w.after("8")
	if after.ResourceVersion != "8" || after.Status.Admission == nil || after.Spec.QueueName != "main" || s.workload.ResourceVersion != "7" {
		t.Errorf("afterwards %+v", after)
	}
}

func TestReservingSettlesAnEviction(t *testing.T) {
	s := newScene()
	s.admit()
	s.evict(v1beta1.EvictedDeactivated)
	if c := condition(s.workload, v1beta1.WorkloadAdmitted); c.Status != metav1.ConditionTrue {
		t.Errorf("what is stopping is still admitted: %+v", c)
	}
	no := false
	s.workload.Spec.Active = &no
	s.workload.Status = released(s.workload, "stopped", now)
	requeued := condition(s.workload, v1beta1.WorkloadRequeued)
	if requeued.Status != metav1.ConditionFalse || requeued.Reason != v1beta1.EvictedDeactivated {
		t.Errorf("a deactivated workload is requeued: %+v", requeued)
	}
	if c := condition(s.workload, v1beta1.WorkloadQuotaReserved); c.Status != metav1.ConditionFalse || c.Reason != v1beta1.PendingEvaluation || s.workload.Status.Admission != nil {
		t.Errorf("still reserved: %+v", c)
	}
	s.admit()
	if c := condition(s.workload, v1beta1.WorkloadEvicted); c.Status != metav1.ConditionFalse {
		t.Errorf("still evicted: %+v", c)
	}
	if c := condition(s.workload, v1beta1.WorkloadRequeued); c.Reason != v1beta1.RequeuedReactivated {
		t.Errorf("not reactivated: %+v", c)
	}
}

func condition(wl *v1beta1.Workload, kind string) metav1.Condition {
	for _, c := range wl.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return metav1.Condition{}
}

func TestFailedStartsWaitLongerEachTime(t *testing.T) {
	s := newScene()
	waited := []time.Duration{}
	for range 8 {
		s.admit()
		s.slot.refusals = mostRefusals
		s.workload.Status = *next(s.sight()).write.Status
		waited = append(waited, s.workload.Status.RequeueState.RequeueAt.Sub(now))
		s.workload.Status = released(s.workload, "refused", now)
	}
	for i, least := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour} {
		if waited[i] < least || waited[i] > min(least+least/10, time.Hour) {
			t.Errorf("failure %d waits %v, want about %v", i+1, waited[i], least)
		}
	}
}

func TestMessagesFitTheAPI(t *testing.T) {
	s := newScene()
	s.evict(strings.Repeat("x", 10))
	s.workload.Status = evicted(s.workload, Eviction{Reason: "Reason", Message: strings.Repeat("long ", 10000)}, now)
	if got := len(condition(s.workload, v1beta1.WorkloadEvicted).Message); got > 32<<10 {
		t.Errorf("a message of %d bytes", got)
	}
}

func TestReclaimablePods(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*scene)
		want   int32
	}{
		"all run":                    {func(s *scene) { s.wide(4) }, 0},
		"some have ended":            {func(s *scene) { s.wide(4); s.job.Status.Succeeded = 3 }, 3},
		"it never falls":             {func(s *scene) { s.wide(4); s.gaveBack(3); s.job.Status.Succeeded = 1 }, 3},
		"more has ended":             {func(s *scene) { s.wide(4); s.gaveBack(1); s.job.Status.Succeeded = 2 }, 2},
		"made narrower":              {func(s *scene) { s.wide(4); s.job.Spec.Parallelism = number(1) }, 3},
		"fewer given than asked for": {func(s *scene) { s.partial(4, 2); s.job.Status.Succeeded = 2 }, 0},
		"of those, one has ended":    {func(s *scene) { s.partial(4, 2); s.job.Status.Succeeded = 3 }, 3},
	} {
		s := newScene()
		c.change(s)
		got := int32(0)
		if list := s.sight().reclaimable(); len(list) > 0 {
			got = list[0].Count
		}
		if got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
