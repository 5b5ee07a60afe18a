package jobs

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/sandbox"
	"fairlead.dev/fairlead/pkg/controller"
	"fairlead.dev/fairlead/test/performance/budget"
)

const (
	alice       = "alice" // a tenant: may edit in her namespaces
	managerUser = "system:serviceaccount:fairlead-system:fairlead-manager"
)

var (
	cluster *sandbox.Cluster
	admin   client.Client
	tenant  client.Client
)

func TestJobs(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(60 * time.Second)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	RunSpecs(t, "Jobs")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	var err error
	cluster, err = sandbox.Up(ctx, sandbox.Options{
		Name:   fmt.Sprintf("jobs-%d", os.Getpid()),
		Nodes:  []sandbox.NodeGroup{{Count: 2, CPU: "64", Memory: "64Gi", Labels: map[string]string{"example.com/kind": "fast"}}},
		Output: GinkgoWriter,
	})
	Expect(err).NotTo(HaveOccurred(), "`make build` builds the programs")
	DeferCleanup(func(ctx SpecContext) { Expect(cluster.Down(ctx)).To(Succeed()) }, NodeTimeout(2*time.Minute))
	config, err := cluster.RESTConfig()
	Expect(err).NotTo(HaveOccurred())
	scheme := controller.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	admin, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	config = rest.CopyConfig(config)
	config.Impersonate = rest.ImpersonationConfig{UserName: alice, Groups: []string{"system:authenticated"}}
	tenant, err = client.New(config, client.Options{Scheme: scheme, Mapper: admin.RESTMapper()})
	Expect(err).NotTo(HaveOccurred())
	early = beginEarly(context.WithoutCancel(ctx))
}, NodeTimeout(20*time.Minute))

// One container keeps the order, which is that of the files: what was begun
// early comes last, in slow_test.go.
var _ = Describe("Every kind of Job:", func() {
	sizes()
	restorations()
	kinds()
	refusals()
})

// The manager has asked for nothing that its role does not allow.
var _ = AfterSuite(func() {
	if cluster == nil {
		return
	}
	log, err := os.Open(cluster.AuditLog)
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = log.Close() }()
	entries, err := budget.Read(log)
	Expect(err).NotTo(HaveOccurred())
	asked := 0
	for _, e := range entries {
		if e.User == managerUser {
			asked++
			Expect(e.Code).NotTo(Equal(403), "%s %s %s/%s", e.Verb, e.Path, e.Namespace, e.Name)
		}
	}
	Expect(asked).To(BeNumerically(">", 100), "the audit log does not show the manager")
})
