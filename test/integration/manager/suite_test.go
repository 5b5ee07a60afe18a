package manager

import (
	"context"
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
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"fairlead.dev/fairlead/config"
	"fairlead.dev/fairlead/internal/sandbox"
	"fairlead.dev/fairlead/pkg/controller"
)

var (
	restConfig *rest.Config
	admin      client.Client
)

func TestManager(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(20 * time.Second)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	RunSpecs(t, "Manager")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		var err error
		assets, err = sandbox.Assets(ctx, GinkgoWriter)
		Expect(err).NotTo(HaveOccurred())
	}
	server := &envtest.Environment{BinaryAssetsDirectory: assets, ControlPlaneStartTimeout: 2 * time.Minute}
	var err error
	restConfig, err = server.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(server.Stop)
	restConfig.QPS = -1
	scheme := controller.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	admin, err = client.New(restConfig, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	objects, err := config.Objects(config.Sandbox)
	Expect(err).NotTo(HaveOccurred())
	for _, object := range objects {
		Expect(admin.Create(ctx, object)).To(Succeed(), "%s %s", object.GetKind(), object.GetName())
	}
	waitForPolicies(ctx)
}, NodeTimeout(20*time.Minute))

// waitForPolicies waits until the API server suspends queued Jobs.
func waitForPolicies(ctx context.Context) {
	Eventually(func(g Gomega) {
		j := job("default", "probe", "q")
		g.Expect(admin.Create(ctx, j, client.DryRunAll)).To(Succeed())
		g.Expect(isSuspended(j)).To(BeTrue())
	}).WithTimeout(time.Minute).Should(Succeed())
}
