package manager

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/apis/v1beta1"
)

// elect turns leader election on, with short times.
func elect(c *configv1beta1.Configuration) {
	on := true
	c.LeaderElection = &configv1beta1.LeaderElection{
		LeaderElect:   &on,
		LeaseDuration: metav1.Duration{Duration: 3 * time.Second},
		RenewDeadline: metav1.Duration{Duration: 2 * time.Second},
		RetryPeriod:   metav1.Duration{Duration: 200 * time.Millisecond},
	}
}

var _ = Describe("Two managers", func() {
	It("of which one decides; when it is cut off it ends, and the other waits out its lease", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		first := startManager(withConfig(elect))
		t.started(t.submit("one"))
		second := startManager(withConfig(elect)) // a standby is ready too
		t.started(t.submit("two"))
		Expect(ofJobs(second.counts())).To(BeEmpty())

		cut := time.Now()
		first.die()
		j := t.submit("three")
		Eventually(first.ended).WithTimeout(10 * time.Second).Should(Receive(MatchError(ContainSubstring("leader election lost"))))
		first.ended <- nil
		t.started(j)
		Expect(time.Since(cut)).To(BeNumerically(">", 2*time.Second), "the lease of the first was not waited for")
		Expect(second.refusals()).To(BeEmpty())
	})

	It("hand over at once when the first is told to stop", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		first := startManager(withConfig(elect))
		t.started(t.submit("one"))
		startManager(withConfig(elect))
		began := time.Now()
		first.stop()
		t.started(t.submit("two"))
		Expect(time.Since(began)).To(BeNumerically("<", 3*time.Second))
	})
})

var _ = Describe("Readiness", func() {
	It("comes only after the state is rebuilt", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		t.create(t.workload("there", "1"))
		hold := make(chan struct{})
		m := launch(func(_ *configv1beta1.Configuration, n *network) {
			n.hold = func(path string) {
				if strings.HasSuffix(path, "/workloads") {
					<-hold
				}
			}
		})
		Eventually(func() int { return m.get("/healthz") }).Should(Equal(http.StatusOK))
		Consistently(m.ready).WithTimeout(quiet).Should(BeFalse())
		Expect(ofJobs(m.counts())).To(BeEmpty())
		close(hold)
		Eventually(m.ready).Should(BeTrue())
	})
})

var _ = Describe("Statuses of queues", func() {
	It("follow what is admitted and what waits", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		startManager()
		t.started(t.submit("runs"))
		t.submit("waits", cpu("2"))
		Eventually(func(g Gomega) {
			cq := &v1beta1.ClusterQueue{}
			g.Expect(admin.Get(ctx, client.ObjectKey{Name: t.ns}, cq)).To(Succeed())
			g.Expect(cq.Status.AdmittedWorkloads).To(BeEquivalentTo(1))
			g.Expect(cq.Status.ReservingWorkloads).To(BeEquivalentTo(1))
			g.Expect(cq.Status.PendingWorkloads).To(BeEquivalentTo(1))
			g.Expect(cq.Status.FlavorsUsage).To(HaveLen(1))
			g.Expect(cq.Status.FlavorsUsage[0].Resources[0].Total.String()).To(Equal("1"))
			lq := &v1beta1.LocalQueue{}
			g.Expect(admin.Get(ctx, client.ObjectKey{Namespace: t.ns, Name: t.ns}, lq)).To(Succeed())
			g.Expect(lq.Status.AdmittedWorkloads).To(BeEquivalentTo(1))
			g.Expect(lq.Status.PendingWorkloads).To(BeEquivalentTo(1))
			g.Expect(lq.Status.FlavorsReservation[0].Resources[0].Total.String()).To(Equal("1"))
		}).Should(Succeed())
		Eventually(func() string { return t.activeOf(&v1beta1.LocalQueue{}, t.ns).Reason }).Should(Equal(v1beta1.LocalQueueReady))
	})

	It("tell the reason of a wait once", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		t.started(t.submit("runs"))
		before := m.counts()["PUT workloads/status"]
		j := t.submit("waits")
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)
		Consistently(func() int { return m.counts()["PUT workloads/status"] }).WithTimeout(quiet).Should(Equal(before + 1))
	})
})

var _ = Describe("Retention", func() {
	It("deletes finished Workloads after the time configured", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager(withConfig(func(c *configv1beta1.Configuration) {
			c.ObjectRetentionPolicies = &configv1beta1.ObjectRetentionPolicies{
				Workloads: &configv1beta1.WorkloadRetentionPolicy{AfterFinished: &metav1.Duration{}},
			}
		}))
		j := t.submit("brief")
		t.started(j)
		t.run(j)
		t.finish(j, "Complete")
		Eventually(func() *v1beta1.Workload { return t.workloadOf(j) }).Should(BeNil())
		Consistently(func() int { return ofJobs(m.counts())["POST workloads"] }).WithTimeout(quiet).Should(Equal(1))
		Expect(m.counts()["DELETE workloads"]).To(Equal(1))
	})
})

var _ = Describe("Metrics", func() {
	It("are for those who may read them", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		address := freeAddress()
		startManager(withConfig(func(c *configv1beta1.Configuration) { c.Metrics.BindAddress = address }))
		scrape := func(token string) (int, string) {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/metrics", nil)
			Expect(err).NotTo(HaveOccurred())
			if token != "" {
				request.Header.Set("Authorization", "Bearer "+token)
			}
			insecure := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // a certificate of its own
			response, err := insecure.Do(request)
			if err != nil {
				return 0, err.Error()
			}
			defer func() { _ = response.Body.Close() }()
			body, err := io.ReadAll(response.Body)
			Expect(err).NotTo(HaveOccurred())
			return response.StatusCode, string(body)
		}
		Eventually(func() int { code, _ := scrape(""); return code }).Should(Equal(http.StatusUnauthorized))

		token := func(name string) string {
			account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: t.ns, Name: name}}
			t.create(account)
			request := &authenticationv1.TokenRequest{}
			Expect(admin.SubResource("token").Create(ctx, account, request)).To(Succeed())
			return request.Status.Token
		}
		stranger, reader := token("stranger"), token("reader")
		code, _ := scrape(stranger)
		Expect(code).To(Equal(http.StatusForbidden))
		t.create(&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: t.ns},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "fairlead-metrics-reader"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: t.ns, Name: "reader"}},
		})
		code, _ = scrape(reader)
		Expect(code).To(Equal(http.StatusOK))
	})
})
