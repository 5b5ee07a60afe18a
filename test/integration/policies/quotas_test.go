package policies

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// object reads one object from YAML, with $ for two more spaces of indent.
func object(kind, name, spec string) *unstructured.Unstructured {
	GinkgoHelper()
	text := "apiVersion: fairlead.dev/v1beta1\nkind: " + kind + "\nmetadata:\n  name: " + name + "\nspec: " + spec
	u := &unstructured.Unstructured{}
	Expect(yaml.Unmarshal([]byte(text), &u.Object)).To(Succeed(), text)
	if kind == "LocalQueue" || kind == "Workload" {
		u.SetNamespace("default")
	}
	return u
}

// cohort returns a Cohort with a nominal quota of cpu.
func cohort(name, parent, nominal string) *unstructured.Unstructured {
	spec := "{resourceGroups: [{coveredResources: [cpu], flavors: [{name: f, resources: [{name: cpu, nominalQuota: '" + nominal + "'}]}]}]"
	if parent != "" {
		spec += ", parentName: " + parent
	}
	return object("Cohort", name, spec+"}")
}

// group is a resource group in YAML, from "flavor: resource=nominal[/borrowing[/lending]] ...; ...".
func group(covered, flavors string) string {
	var out []string
	for flavor := range strings.SplitSeq(flavors, ";") {
		name, quotas, _ := strings.Cut(strings.TrimSpace(flavor), ":")
		var resources []string
		for quota := range strings.FieldsSeq(quotas) {
			resource, amounts, _ := strings.Cut(quota, "=")
			text := "name: " + resource
			for i, amount := range strings.Split(amounts, "/") {
				if amount != "" {
					text += ", " + []string{"nominalQuota", "borrowingLimit", "lendingLimit"}[i] + ": '" + amount + "'"
				}
			}
			resources = append(resources, "{"+text+"}")
		}
		out = append(out, "{name: "+name+", resources: ["+strings.Join(resources, ", ")+"]}")
	}
	return "{coveredResources: [" + covered + "], flavors: [" + strings.Join(out, ", ") + "]}"
}

func groups(list ...string) string { return "resourceGroups: [" + strings.Join(list, ", ") + "]" }

var _ = Describe("Queue kinds", func() {
	// Each row is one fault; code is the answer's, words what the message says.
	DescribeTable("refuse", func(ctx context.Context, code int, kind, spec string, words ...string) {
		err := admin.Create(ctx, object(kind, "bad", spec))
		if code == 403 {
			expectForbidden(err, words...)
		} else {
			expectInvalid(err, words...)
		}
	},
		Entry("a negative nominal quota", 403, "ClusterQueue", "{"+groups(group("cpu", "a: cpu=-1"))+"}",
			"ClusterQueue bad", "nominalQuota, borrowingLimit and lendingLimit must be 0 or more; mend cpu of flavor a"),
		Entry("a negative borrowing limit", 403, "ClusterQueue", "{cohortName: c, "+groups(group("cpu", "a: cpu=1/-1"))+"}", "must be 0 or more", "cpu of flavor a"),
		Entry("a negative lending limit of a Cohort", 403, "Cohort", "{parentName: c, "+groups(group("cpu", "a: cpu=1//-2"))+"}", "Cohort bad", "must be 0 or more"),
		Entry("a lending limit above the nominal quota", 403, "ClusterQueue", "{cohortName: c, "+groups(group("cpu", "a: cpu=1//2"))+"}",
			"lendingLimit must not be above nominalQuota; mend cpu of flavor a"),
		Entry("a borrowing limit without cohort", 422, "ClusterQueue", "{"+groups(group("cpu", "a: cpu=1/1"))+"}",
			"borrowingLimit must not be set on a ClusterQueue without a cohort", "set spec.cohortName or remove borrowingLimit"),
		Entry("a lending limit without cohort", 422, "ClusterQueue", "{"+groups(group("cpu", "a: cpu=1//1"))+"}", "set spec.cohortName or remove lendingLimit"),
		Entry("a borrowing limit of a root Cohort", 422, "Cohort", "{"+groups(group("cpu", "a: cpu=1/1"))+"}", "set spec.parentName or remove borrowingLimit"),
		Entry("a missing quota of a covered resource", 422, "ClusterQueue", "{"+groups(group("cpu, memory", "a: cpu=1"))+"}",
			"every flavor must give one quota for each of coveredResources"),
		Entry("quotas in another order than the covered resources", 403, "ClusterQueue", "{"+groups(group("cpu, memory", "a: memory=1 cpu=1"))+"}",
			"in the order of coveredResources", "a (covered: cpu, memory; given: memory, cpu)"),
		Entry("a resource in two groups", 403, "ClusterQueue", "{"+groups(group("cpu", "a: cpu=1"), group("cpu", "b: cpu=1"))+"}",
			"covers more than once: cpu", "keep it in one place"),
		Entry("a flavor in two groups", 403, "ClusterQueue", "{"+groups(group("cpu", "a: cpu=1"), group("memory", "a: memory=1"))+"}",
			"flavor a", "merge the groups, or use another flavor"),
		Entry("a flavor twice in a group", 422, "ClusterQueue", "{"+groups(group("cpu", "a: cpu=1; a: cpu=2"))+"}", "Duplicate value"),
		Entry("a resource name in Unicode", 403, "ClusterQueue", "{"+groups(group("größe", "a: größe=1"))+"}", "größe, which cannot be the name of a resource"),
		Entry("a quota that is no quantity", 422, "ClusterQueue", "{"+groups(group("cpu", "a: cpu=banana"))+"}", "nominalQuota"),
		Entry("a selector with an unknown operator", 403, "ClusterQueue", "{namespaceSelector: {matchExpressions: [{key: k, operator: Like, values: [v]}]}}",
			"spec.namespaceSelector cannot be understood at k Like"),
		Entry("a selector with In and no values", 403, "ClusterQueue", "{namespaceSelector: {matchExpressions: [{key: k, operator: In}]}}", "k In"),
		Entry("a selector with a bad label", 403, "ClusterQueue", "{namespaceSelector: {matchLabels: {k: 'a b'}}}", "cannot be understood at k"),
		Entry("a negative weight", 422, "ClusterQueue", "{fairSharing: {weight: -1}}", "weight must be 0, or 0.001 or more"),
		Entry("a weight below a thousandth", 422, "Cohort", "{fairSharing: {weight: 100u}}", "weight must be 0, or 0.001 or more"),
		Entry("an unknown strategy", 422, "ClusterQueue", "{queueingStrategy: LIFO}", "supported values", "StrictFIFO"),
		Entry("borrowing preemption without reclaim", 422, "ClusterQueue", "{preemption: {borrowWithinCohort: {policy: LowerPriority}}}",
			"set reclaimWithinCohort to LowerPriority or Any"),
		Entry("a cohort name with capitals", 422, "ClusterQueue", "{cohortName: WLCG}", "cohortName"),
		Entry("a Cohort that is its own parent", 422, "Cohort", "{parentName: bad}", "spec.parentName must not be the Cohort itself"),
		Entry("a taint with an unknown effect", 422, "ResourceFlavor", "{nodeTaints: [{key: k, effect: Never}]}", "effect of a taint must be"),
		Entry("two taints of one key and effect", 403, "ResourceFlavor", "{nodeTaints: [{key: k, value: a, effect: NoSchedule}, {key: k, value: b, effect: NoSchedule}]}",
			"no two taints may have the same key and effect"),
		Entry("a toleration of everything without Exists", 422, "ResourceFlavor", "{tolerations: [{value: v}]}", "set operator to Exists, or name a key"),
		Entry("a toleration time without NoExecute", 422, "ResourceFlavor", "{tolerations: [{key: k, tolerationSeconds: 5}]}", "needs effect NoExecute"),
		Entry("a node label that cannot be", 403, "ResourceFlavor", "{nodeLabels: {'a b': c}}", "spec.nodeLabels has what no node can carry: a b"),
		Entry("a LocalQueue with a bad ClusterQueue", 422, "LocalQueue", "{clusterQueue: 'a/b'}", "clusterQueue"),
		Entry("a LocalQueue of negative weight", 422, "LocalQueue", "{clusterQueue: a, fairSharing: {weight: -1}}", "weight must be 0"),
	)

	DescribeTable("accept", func(ctx context.Context, kind, spec string) {
		good := object(kind, "good", spec)
		Expect(admin.Create(ctx, good)).To(Succeed())
		Expect(admin.Delete(ctx, good)).To(Succeed())
	},
		Entry("a ClusterQueue of nothing", "ClusterQueue", "{}"),
		Entry("whole numbers as quotas and weight", "ClusterQueue",
			"{cohortName: c, fairSharing: {weight: 2}, resourceGroups: [{coveredResources: [cpu], flavors: [{name: a, resources: [{name: cpu, nominalQuota: 60, borrowingLimit: 0, lendingLimit: 60}]}]}]}"),
		Entry("two groups with several flavors", "ClusterQueue", "{cohortName: c, "+groups(group("cpu, memory", "a: cpu=1/2/1 memory=1Gi; b: cpu=0 memory=0"), group("example.com/gpu, pods", "g: example.com/gpu=8 pods=100"))+"}"),
		Entry("a namespace selector", "ClusterQueue", "{namespaceSelector: {matchLabels: {example.com/vo: usatlas}, matchExpressions: [{key: k, operator: In, values: [a, b]}, {key: l, operator: Exists}]}}"),
		Entry("a lending limit of a Cohort above its own quota", "Cohort", "{parentName: c, "+groups(group("cpu", "a: cpu=0//10"))+"}"),
		Entry("weight 0", "Cohort", "{fairSharing: {weight: 0}}"),
		Entry("a flavor with labels, taints and tolerations", "ResourceFlavor",
			"{nodeLabels: {example.com/kind: himem}, nodeTaints: [{key: dedicated, value: osg, effect: NoSchedule}], tolerations: [{key: dedicated, operator: Equal, value: osg, effect: NoSchedule}, {operator: Exists}]}"),
		Entry("the largest quotas", "ClusterQueue", "{"+groups(group("cpu", "a: cpu=9223372036854775807"))+"}"),
	)

	It("keeps a LocalQueue at its ClusterQueue", func(ctx SpecContext) {
		queue := object("LocalQueue", "fixed", "{clusterQueue: a}")
		Expect(admin.Create(ctx, queue)).To(Succeed())
		expectInvalid(admin.Patch(ctx, queue.DeepCopy(), mergePatch(`{"spec":{"clusterQueue":"b"}}`)),
			"clusterQueue cannot be changed: create another LocalQueue")
		expectInvalid(admin.Patch(ctx, queue.DeepCopy(), mergePatch(`{"spec":{"clusterQueue":null}}`)), "clusterQueue cannot be changed")
		Expect(admin.Patch(ctx, queue, mergePatch(`{"spec":{"stopPolicy":"Hold"}}`))).To(Succeed())
	})

	It("lets finalizers of a queue go that was stored before its rules", func(ctx SpecContext) {
		queue := object("ClusterQueue", "finalized", "{}")
		queue.SetFinalizers([]string{"fairlead.dev/resource-in-use"})
		Expect(admin.Create(ctx, queue)).To(Succeed())
		Expect(admin.Delete(ctx, queue)).To(Succeed())
		Expect(as(managerUser).Patch(ctx, queue, jsonPatch(`[{"op":"remove","path":"/metadata/finalizers"}]`))).To(Succeed())
	})

	It("warn of fields that do nothing yet, and of no others", func(ctx SpecContext) {
		warnings := &warningRecorder{}
		cfg := rest.CopyConfig(restCfg)
		cfg.WarningHandlerWithContext = warnings
		c, err := client.New(cfg, client.Options{Scheme: scheme, Mapper: admin.RESTMapper()})
		Expect(err).NotTo(HaveOccurred())
		for _, row := range []struct{ kind, spec, warning string }{
			{"ClusterQueue", "{preemption: {withinClusterQueue: LowerPriority}}", ""},
			{"ClusterQueue", "{admissionChecksStrategy: {admissionChecks: [{name: a}]}}", "spec.admissionChecksStrategy is stored, but"},
			{"ClusterQueue", "{admissionScope: {admissionMode: UsageBasedAdmissionFairSharing}}", "spec.admissionScope is stored, but"},
			{"ClusterQueue", "{backfill: {mode: EASY}}", ""},
			{"Reservation", window(""), ""},
			{"ResourceFlavor", "{topologyName: t, nodeLabels: {a: b}}", "spec.topologyName is stored, but"},
			{"LocalQueue", "{clusterQueue: a, fairSharing: {weight: 2}}", "spec.fairSharing of a LocalQueue is stored, but"},
			{"ClusterQueue", "{cohortName: c, fairSharing: {weight: 2}, queueingStrategy: StrictFIFO}", ""},
		} {
			warnings.texts = nil
			Expect(c.Create(ctx, object(row.kind, "warned", row.spec), client.DryRunAll)).To(Succeed())
			if row.warning == "" {
				Expect(warnings.texts).To(BeEmpty())
			} else {
				Expect(warnings.texts).To(ConsistOf(ContainSubstring(row.warning)))
			}
		}
	})
})

// warningRecorder keeps the warnings of one client's requests, one at a time.
type warningRecorder struct{ texts []string }

func (w *warningRecorder) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	w.texts = append(w.texts, text)
}
