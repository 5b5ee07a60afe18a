package manager

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"k8s.io/client-go/rest"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller"
	"fairlead.dev/fairlead/pkg/job/batchjob"
)

const managerUser = "system:serviceaccount:fairlead-system:fairlead-manager"

// process is one life of a manager.
type process struct {
	*network
	health string // host:port
	cancel context.CancelFunc
	ended  chan error
}

// option changes how a manager is run.
type option func(*configv1beta1.Configuration, *network)

func withFaults(decide func(request, int) fault) option {
	return func(_ *configv1beta1.Configuration, n *network) { n.decide = decide }
}

func withConfig(change func(*configv1beta1.Configuration)) option {
	return func(c *configv1beta1.Configuration, _ *network) { change(c) }
}

// startManager runs a manager and returns when it is ready, or dead. It ends
// with the spec at the latest.
func startManager(options ...option) *process {
	GinkgoHelper()
	p := launch(options...)
	Eventually(func() bool { return p.ready() || p.isDead() }).Should(BeTrue())
	return p
}

// launch runs a manager and does not wait.
func launch(options ...option) *process {
	GinkgoHelper()
	off := false
	configuration := &configv1beta1.Configuration{
		LeaderElection: &configv1beta1.LeaderElection{LeaderElect: &off},
		Metrics:        configv1beta1.Metrics{BindAddress: "0"},
		Health:         configv1beta1.Health{HealthProbeBindAddress: freeAddress()},
	}
	p := &process{network: newNetwork(), ended: make(chan error, 1)}
	for _, o := range options {
		o(configuration, p.network)
	}
	configv1beta1.SetDefaults(configuration)
	p.health = configuration.Health.HealthProbeBindAddress

	config := rest.CopyConfig(restConfig)
	config.Impersonate = rest.ImpersonationConfig{UserName: managerUser,
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:fairlead-system", "system:authenticated"}}
	config.Wrap(p.wrap)
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go func() {
		defer GinkgoRecover()
		p.ended <- controller.Run(ctx, config, controller.Options{
			Configuration: configuration,
			Engine:        admission.New(controller.EngineConfig(configuration)),
			Kind:          batchjob.Kind{Aliases: configuration.Integrations.LabelAliases},
			Registry:      prometheus.NewRegistry(),
			Log:           testLog(),
		})
	}()
	DeferCleanup(p.stop)
	return p
}

// stop ends the process in good order.
func (p *process) stop() {
	p.cancel()
	Eventually(p.ended).WithTimeout(waitToEnd).Should(Receive())
	p.ended <- nil
}

// kill ends the process so that nothing it does reaches the server any more.
func (p *process) kill() {
	p.die()
	p.stop()
}

func (p *process) ready() bool { return p.get("/readyz") == http.StatusOK }

func (p *process) get(path string) int {
	response, err := http.Get("http://" + p.health + path)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func freeAddress() string {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = listener.Close() }()
	return fmt.Sprintf("127.0.0.1:%d", listener.Addr().(*net.TCPAddr).Port)
}

// testLog writes the manager's log where ginkgo shows it for failed specs, if
// FAIRLEAD_TEST_LOG is set.
func testLog() logr.Logger {
	if os.Getenv("FAIRLEAD_TEST_LOG") == "" {
		return logr.Discard()
	}
	log, err := zap.NewDevelopment()
	Expect(err).NotTo(HaveOccurred())
	return zapr.NewLogger(log)
}
