package policies

import (
	"os/exec"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/config"
)

var _ = Describe("The manifests", func() {
	It("of the manager are taken by the API server", func(ctx SpecContext) {
		objects, err := config.Objects("manager")
		Expect(err).NotTo(HaveOccurred())
		for _, object := range objects {
			Expect(admin.Create(ctx, object, client.DryRunAll)).To(Succeed(), object.GetKind())
		}
	})

	It("of the sample are two groups whose Jobs wait", func(ctx SpecContext) {
		objects, err := config.Objects(config.Samples)
		Expect(err).NotTo(HaveOccurred())
		for _, object := range objects {
			Expect(admin.Create(ctx, object)).To(Succeed(), "%s %s", object.GetKind(), object.GetName())
		}
		for _, namespace := range []string{"usatlas", "osg"} {
			job := &batchv1.Job{}
			Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "sleep"}, job)).To(Succeed())
			Expect(suspended(job)).To(BeTrue())
		}
	})

	It("are the same built in and by kustomize", func(ctx SpecContext) {
		for _, dir := range []string{config.Default, config.ValidatingOnly, config.Sandbox, config.Samples} {
			command := exec.CommandContext(ctx, kubectlPath(), "kustomize", filepath.Join("../../../config", dir))
			out, err := command.StdoutPipe()
			Expect(err).NotTo(HaveOccurred())
			Expect(command.Start()).To(Succeed())
			var rendered []map[string]any
			decoder := yaml.NewYAMLOrJSONDecoder(out, 4096)
			for {
				object := &unstructured.Unstructured{}
				if decoder.Decode(&object.Object) != nil {
					break
				}
				rendered = append(rendered, object.Object)
			}
			Expect(command.Wait()).To(Succeed())
			objects, err := config.Objects(dir)
			Expect(err).NotTo(HaveOccurred())
			var builtIn []map[string]any
			for _, object := range objects {
				builtIn = append(builtIn, object.Object)
			}
			Expect(builtIn).To(ConsistOf(rendered), dir)
		}
	})
})
