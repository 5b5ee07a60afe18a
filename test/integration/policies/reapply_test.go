package policies

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// A manifest as people keep it in git: it says suspend: false, although the
// Job is queued.
const manifest = `
apiVersion: batch/v1
kind: Job
metadata:
  name: applied
  labels: {fairlead.dev/queue-name: main}
spec:
  suspend: false
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: busybox}]
`

// The same as servers without mutation want it.
var suspendedManifest = strings.ReplaceAll(manifest, "suspend: false", "suspend: true")

// kubectlPath is the kubectl that was built along with the API server.
func kubectlPath() string {
	return filepath.Join(filepath.Dir(server.ControlPlane.APIServer.Path), "kubectl")
}

// kubeconfigOf returns a file with which a program is the user.
func kubeconfigOf(environment *envtest.Environment, name string, groups ...string) string {
	GinkgoHelper()
	user, err := environment.AddUser(envtest.User{Name: name, Groups: groups}, nil)
	Expect(err).NotTo(HaveOccurred())
	raw, err := user.KubeConfig()
	Expect(err).NotTo(HaveOccurred())
	file := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(os.WriteFile(file, raw, 0o600)).To(Succeed())
	return file
}

// kubectl runs the real one.
func kubectl(ctx context.Context, kubeconfig, namespace, stdin string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, kubectlPath(),
		append([]string{"--kubeconfig", kubeconfig, "-n", namespace}, args...)...)
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	return string(out), err
}

var _ = Describe("A manifest applied again", func() {
	var kubeconfig string

	BeforeEach(func() { kubeconfig = kubeconfigOf(server, alice) })

	DescribeTable("is no error and starts nothing", func(ctx context.Context, args ...string) {
		namespace := newNamespace(ctx, nil)
		job := &batchv1.Job{}
		args = append(args, "-f", "-")
		for range 3 {
			out, err := kubectl(ctx, kubeconfig, namespace, manifest, args...)
			Expect(err).NotTo(HaveOccurred(), out)
			Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "applied"}, job)).To(Succeed())
			Expect(suspended(job)).To(BeTrue())
		}

		By("patching by hand")
		out, err := kubectl(ctx, kubeconfig, namespace, "", "patch", "job", "applied", "-p", `{"spec":{"suspend":false}}`)
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("Fairlead starts it when its turn comes"))

		By("applying it while the Job runs")
		start(ctx, job)
		out, err = kubectl(ctx, kubeconfig, namespace, manifest, args...)
		Expect(err).NotTo(HaveOccurred(), out)
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(job), job)).To(Succeed())
		Expect(suspended(job)).To(BeFalse())
	},
		Entry("by kubectl apply", "apply"),
		Entry("by kubectl apply --server-side", "apply", "--server-side"),
		Entry("as Flux does", "apply", "--server-side", "--force-conflicts", "--field-manager=kustomize-controller"),
	)

	It("by the manager's own right starts the Job", func(ctx SpecContext) {
		// Whoever holds unsuspend is not second-guessed.
		job := newJob(newNamespace(ctx, nil), "own", "main")
		Expect(as(alice).Create(ctx, job)).To(Succeed())
		Expect(as(managerUser).Patch(ctx, job, mergePatch(`{"spec":{"suspend":false}}`), client.FieldOwner("kubectl-client-side-apply"))).To(Succeed())
		Expect(suspended(job)).To(BeFalse())
	})
})
