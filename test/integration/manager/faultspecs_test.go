package manager

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// nth applies a fault to the nth write (from 0) and passes all others.
func nth(n int, what fault) func(request, int) fault {
	return func(_ request, at int) fault {
		if at == n {
			return what
		}
		return pass
	}
}

// first applies a fault to the first so many writes of a kind.
func first(times int, kind string, what fault) func(request, int) fault {
	return func(r request, _ int) fault {
		if r.kind() == kind && times > 0 {
			times--
			return what
		}
		return pass
	}
}

// ofJobs leaves out the writes whose number depends on time.
func ofJobs(counts map[string]int) map[string]int {
	of := map[string]int{}
	for kind, n := range counts {
		switch kind {
		case "POST workloads", "PUT workloads", "PUT workloads/status", "PATCH jobs", "DELETE workloads":
			of[kind] = n
		}
	}
	return of
}

var _ = Describe("A manager that dies", func() {
	// A Job of one core in a queue of one core, and another behind it: whatever
	// happens, one runs, and the other only after it.
	for _, when := range []fault{dieBefore, dieAfter} {
		for write := range 6 {
			It(fmt.Sprintf("loses nothing when it dies %s write %d", map[fault]string{dieBefore: "before", dieAfter: "after"}[when], write), func(ctx SpecContext) {
				t := newTenant(ctx, "1")
				one, two := t.submit("one"), t.submit("two")
				startManager(withFaults(nth(write, when)))
				startManager()
				var running, waiting *batchv1.Job
				Eventually(func() bool {
					a, b := t.fresh(one), t.fresh(two)
					running, waiting = a, b
					if isSuspended(a) {
						running, waiting = b, a
					}
					return !isSuspended(running)
				}).Should(BeTrue())
				Expect(isSuspended(waiting)).To(BeTrue(), "both run on a quota for one")
				Eventually(func() *v1beta1.Workload { return t.workloadOf(waiting) }).ShouldNot(BeNil())
				Consistently(func() bool { return isSuspended(t.fresh(waiting)) }).WithTimeout(quiet).Should(BeTrue())
				Expect(running.Generation).To(BeNumerically("<=", 2), "the Job was started more than once")

				t.run(running)
				t.finish(running, batchv1.JobComplete)
				t.started(waiting)
				t.says(running, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
			})
		}
	}

	It("writes nothing when it comes back to work that is done", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		m := startManager()
		running, ended := t.submit("running"), t.submit("ended")
		t.started(running)
		t.started(ended)
		t.run(running)
		t.run(ended)
		t.finish(ended, batchv1.JobComplete)
		t.says(ended, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
		m.kill()
		again := startManager()
		Consistently(func() map[string]int { return ofJobs(again.counts()) }).WithTimeout(quiet).Should(BeEmpty())
		Expect(t.workloadOf(running).Status.Admission).NotTo(BeNil())
	})

	It("ends a Workload whose Job ended while it was away", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		j := t.submit("away")
		t.started(j)
		t.run(j)
		m.kill()
		t.finish(j, batchv1.JobComplete)
		next := t.submit("next")
		startManager()
		t.says(j, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
		t.started(next)
	})
})

var _ = Describe("A write without clear answer", func() {
	for _, kind := range []string{"POST workloads", "PUT workloads/status", "PATCH jobs"} {
		for what, name := range map[fault]string{loseCall: "lost on its way", loseReply: "done, its answer lost", internal: "answered with 500"} {
			It(fmt.Sprintf("(%s, %s) is repeated as it was", kind, name), func(ctx SpecContext) {
				t := newTenant(ctx, "4")
				m := startManager(withFaults(first(2, kind, what)))
				j := t.submit("plain")
				running := t.started(j)
				Expect(running.Generation).To(BeNumerically("==", 2), "the Job was started more than once")
				t.says(j, v1beta1.WorkloadAdmitted, metav1.ConditionTrue, v1beta1.ReasonAdmitted)
				bodies := func() (list []string) {
					for _, w := range m.all() {
						if w.kind() == kind {
							list = append(list, w.Body)
						}
					}
					return list
				}
				Eventually(func() int { return len(bodies()) }).Should(BeNumerically(">=", 2))
				Expect(bodies()[1]).To(Equal(bodies()[0]))
			})
		}
	}

	It("does not free the quota before its fate is known", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		var lost int
		m := startManager(withFaults(func(r request, _ int) fault {
			if r.kind() == "PUT workloads/status" && lost < 4 {
				lost++
				return loseCall
			}
			return pass
		}))
		one, two := t.submit("one"), t.submit("two")
		Eventually(func() bool { return isSuspended(t.fresh(one)) != isSuspended(t.fresh(two)) }).Should(BeTrue())
		Consistently(func() bool { return isSuspended(t.fresh(one)) != isSuspended(t.fresh(two)) }).WithTimeout(quiet).Should(BeTrue())
		names := map[string]bool{}
		for _, w := range m.all() {
			if w.kind() == "PUT workloads/status" {
				names[w.Path] = true
			}
			if len(names) == 1 && w.Code == 200 {
				break
			}
		}
		Expect(names).To(HaveLen(1), "the quota was given to the other while the write was in doubt")
	})
})
