package translate

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/quota"
)

func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		name corev1.ResourceName
		text string
		want quota.Amount
		fail string
	}{
		{"cpu", "1", 1000, ""},
		{"cpu", "1500m", 1500, ""},
		{"cpu", "100u", 1, ""},
		{"memory", "1Gi", 1 << 30, ""},
		{"memory", "1500m", 2, ""},
		{"example.com/gpu", "3", 3, ""},
		{"cpu", "-1m", 0, "must not be negative"},
		{"cpu", "9223372036854776", 0, "more than can be counted"},
		{"memory", "9223372036854775807", 0, "more than can be counted"},
		{"memory", "1e30", 0, "more than can be counted"},
	} {
		got, err := Amount(c.name, resource.MustParse(c.text))
		if c.fail == "" && (err != nil || got != c.want) {
			t.Errorf("%s %s: %d, %v", c.name, c.text, got, err)
		}
		if c.fail != "" && (err == nil || !strings.Contains(err.Error(), c.fail) || !strings.Contains(err.Error(), string(c.name))) {
			t.Errorf("%s %s: %v", c.name, c.text, err)
		}
	}
}

func TestLimitsSaturate(t *testing.T) {
	for text, want := range map[string]quota.Amount{"2": 2000, "-5": 0, "9223372036854775807": quota.Unlimited, "1e30": quota.Unlimited} {
		if got := Limit("cpu", resource.MustParse(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

func TestAmountsComeBackFromTheAPI(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := corev1.ResourceName(rapid.SampledFrom([]string{"cpu", "memory", "pods", "example.com/gpu"}).Draw(t, "resource"))
		amount := rapid.Int64Range(0, math.MaxInt64/2).Draw(t, "amount")
		text := Quantity(name, amount)
		back, err := Amount(name, resource.MustParse(text.String()))
		if err != nil || back != amount {
			t.Fatalf("%s: %d became %s, then %d (%v)", name, amount, text.String(), back, err)
		}
	})
}

func container(requests, limits string) corev1.Container {
	list := func(text string) corev1.ResourceList {
		if text == "" {
			return nil
		}
		return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(text)}
	}
	return corev1.Container{Name: "c", Resources: corev1.ResourceRequirements{Requests: list(requests), Limits: list(limits)}}
}

// askedFor is what one pod asks for where nothing is configured.
func askedFor(spec corev1.PodSpec) ([]quota.ResourceAmount, error) {
	raw, err := json.Marshal(corev1.PodTemplateSpec{Spec: spec})
	if err != nil {
		return nil, err
	}
	shape := new(Shapes).Of(&v1beta1.Workload{Spec: v1beta1.WorkloadSpec{PodSets: []v1beta1.PodSet{{Name: "main", Count: 1, Template: runtime.RawExtension{Raw: raw}}}}})
	if shape.Problem != "" {
		return nil, errors.New(shape.Problem)
	}
	return shape.PodSets[0].Requests, nil
}

func TestRequests(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	sidecar := container("1", "")
	sidecar.RestartPolicy = &always
	for name, c := range map[string]struct {
		spec corev1.PodSpec
		cpu  quota.Amount
	}{
		"sum of containers":           {corev1.PodSpec{Containers: []corev1.Container{container("1", ""), container("2", "")}}, 3000},
		"largest init container":      {corev1.PodSpec{InitContainers: []corev1.Container{container("5", "")}, Containers: []corev1.Container{container("2", "")}}, 5000},
		"a sidecar is added":          {corev1.PodSpec{InitContainers: []corev1.Container{sidecar}, Containers: []corev1.Container{container("2", "")}}, 3000},
		"limits stand in":             {corev1.PodSpec{Containers: []corev1.Container{container("", "4"), container("1", "9")}}, 5000},
		"overhead":                    {corev1.PodSpec{Containers: []corev1.Container{container("1", "")}, Overhead: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}}, 1100},
		"of the pod as a whole":       {corev1.PodSpec{Containers: []corev1.Container{container("1", "")}, Resources: &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("6")}}}, 6000},
		"the pod as a whole limited":  {corev1.PodSpec{Containers: []corev1.Container{container("1", "")}, Resources: &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("7")}}}, 1000},
		"limit of the pod as a whole": {corev1.PodSpec{Containers: []corev1.Container{container("", "")}, Resources: &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("7")}}}, 7000},
	} {
		got, err := askedFor(c.spec)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := []quota.ResourceAmount{{Resource: "cpu", Amount: c.cpu}, {Resource: "pods", Amount: 1}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestANegativeRequestIsNotHiddenByOthers(t *testing.T) {
	_, err := askedFor(corev1.PodSpec{Containers: []corev1.Container{container("5", ""), container("-1", "")}})
	if err == nil || !strings.Contains(err.Error(), "container c") {
		t.Errorf("got %v", err)
	}
}

func TestAssignmentsComeBackFromTheAPI(t *testing.T) {
	two := admission.Assignment{ClusterQueue: "cq", PodSets: []admission.PodSetAssignment{
		{Name: "driver", Count: 1, Flavors: []admission.ResourceFlavorName{{Resource: "cpu", Flavor: "fast"}, {Resource: "memory", Flavor: "big"}},
			Usage: []quota.ResourceAmount{{Resource: "cpu", Amount: 1500}, {Resource: "memory", Amount: 1 << 30}}},
		{Name: "workers", Count: 0},
	}}
	wl := &v1beta1.Workload{}
	wl.Status.Admission = Admission(&two)
	if HeldBy(wl) != nil {
		t.Error("held without the condition")
	}
	wl.Status.Conditions = []metav1.Condition{{Type: v1beta1.WorkloadQuotaReserved, Status: metav1.ConditionTrue}}
	if got := HeldBy(wl); !reflect.DeepEqual(*got, two) {
		t.Errorf("got %+v", *got)
	}
	if wl.Status.Admission.PodSetAssignments[0].ResourceUsage.Cpu().String() != "1500m" {
		t.Errorf("written as %v", wl.Status.Admission)
	}
}

func TestWorkload(t *testing.T) {
	no, priority := false, int32(7)
	created := metav1.Unix(100, 0)
	wl := &v1beta1.Workload{ObjectMeta: metav1.ObjectMeta{Namespace: "osg", Name: "one", UID: "u", CreationTimestamp: created}}
	wl.Spec = v1beta1.WorkloadSpec{QueueName: "main", Priority: &priority, Active: &no, PodSets: []v1beta1.PodSet{{Name: "main", Count: 3,
		Template: runtime.RawExtension{Raw: []byte(`{"spec":{"nodeSelector":{"a":"x"},"tolerations":[{"key":"t"}],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"k","operator":"In","values":["v"]}]},{}]}}},"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}}]}}`)}}}}
	wl.Status.ReclaimablePods = []v1beta1.ReclaimablePod{{Name: "main", Count: 9}}
	later := metav1.Unix(500, 0)
	wl.Status.RequeueState = &v1beta1.RequeueState{RequeueAt: &later}
	wl.Status.Conditions = []metav1.Condition{{Type: v1beta1.WorkloadEvicted, Status: metav1.ConditionTrue}}
	shape := new(Shapes).Of(wl)
	if shape.Problem != "" {
		t.Fatal(shape.Problem)
	}
	got := Workload(wl, shape)
	want := admission.Workload{UID: "u", Namespace: "osg", Name: "one", Queue: "main", Priority: 7, QueueTime: created.UnixNano(), Inactive: true,
		NotBefore: later.UnixNano(), PodSets: []admission.PodSet{{Name: "main", Count: 3, Reclaimable: 3,
			Requests:     []quota.ResourceAmount{{Resource: "cpu", Amount: 1000}, {Resource: "pods", Amount: 1}},
			NodeSelector: map[string]string{"a": "x"}, Tolerations: []admission.Toleration{{Key: "t"}},
			Affinity: []admission.Selector{{Requirements: []admission.Requirement{{Key: "k", Operator: "In", Values: []string{"v"}}}}, {}}}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if shape.PodSets[0].Reclaimable != 0 {
		t.Error("the kept shape was changed")
	}
}

func TestWhatCannotBeChargedIsMisconfigured(t *testing.T) {
	for name, c := range map[string]struct {
		sets []v1beta1.PodSet
		want string
	}{
		"no pod sets":    {nil, "spec.podSets is empty"},
		"unreadable":     {[]v1beta1.PodSet{{Name: "main", Count: 1, Template: runtime.RawExtension{Raw: []byte("[1]")}}}, "pod set main: pod template cannot be read"},
		"negative count": {[]v1beta1.PodSet{{Name: "main", Count: -1}}, "count is -1"},
	} {
		shape := new(Shapes).Of(&v1beta1.Workload{Spec: v1beta1.WorkloadSpec{PodSets: c.sets}})
		if !strings.Contains(shape.Problem, c.want) {
			t.Errorf("%s: %q", name, shape.Problem)
		}
	}
}

func TestClusterQueue(t *testing.T) {
	borrow, weight := resource.MustParse("5"), resource.MustParse("500m")
	cq := &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "osg", DeletionTimestamp: &metav1.Time{}}}
	cq.Spec = v1beta1.ClusterQueueSpec{CohortName: "wlcg", QueueingStrategy: v1beta1.StrictFIFO, StopPolicy: v1beta1.StopPolicyHold,
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"b": "2", "a": "1"}},
		FairSharing:       &v1beta1.FairSharing{Weight: &weight},
		ResourceGroups: []v1beta1.ResourceGroup{{CoveredResources: []corev1.ResourceName{"cpu"}, Flavors: []v1beta1.FlavorQuotas{{Name: "plain",
			Resources: []v1beta1.ResourceQuota{{Name: "cpu", NominalQuota: resource.MustParse("40"), BorrowingLimit: &borrow}}}}}},
	}
	got := ClusterQueue(cq).ClusterQueue
	limit := quota.Amount(5000)
	want := admission.ClusterQueue{Name: "osg", Cohort: "wlcg", Strategy: admission.StrictFIFO, Stop: admission.StopHold, WeightMilli: 500, Inactive: "Terminating",
		Namespaces: &admission.Selector{Requirements: []admission.Requirement{
			{Key: "a", Operator: "In", Values: []string{"1"}}, {Key: "b", Operator: "In", Values: []string{"2"}}}},
		Groups: []admission.ResourceGroup{{Resources: []string{"cpu"}, Flavors: []admission.FlavorQuotas{{Flavor: "plain",
			Quotas: []admission.ResourceQuota{{Resource: "cpu", Nominal: 40000, BorrowingLimit: &limit}}}}}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	one, none, day := int32(3), int32(0), int32(86400)
	cq.Spec.Backfill = &v1beta1.Backfill{Mode: v1beta1.BackfillConservative, Depth: &one, BorrowingDepth: &none, AssumedExecutionTimeSeconds: &day, AllowUnlimited: true}
	planned := &admission.Backfill{Mode: admission.BackfillConservative, Depth: 3, BorrowingDepth: &none, DefaultLimit: 86400e9, BackfillUnlimited: true}
	if got := ClusterQueue(cq).Backfill; !reflect.DeepEqual(got, planned) {
		t.Errorf("planned as %+v", got)
	}
	cohort := &v1beta1.Cohort{Spec: v1beta1.CohortSpec{Backfill: &v1beta1.Backfill{Mode: v1beta1.BackfillEASY}}}
	if got := Cohort(cohort).Backfill; !reflect.DeepEqual(got, &admission.Backfill{Mode: admission.BackfillEASY}) {
		t.Errorf("a Cohort's: %+v", got)
	}
	cq.Spec.FairSharing, cq.Spec.NamespaceSelector = nil, nil
	if got := ClusterQueue(cq).ClusterQueue; got.WeightMilli != 1000 || got.Namespaces != nil {
		t.Errorf("defaults: %+v", got)
	}
}

func TestAdoptTakesTheFlavorSelected(t *testing.T) {
	q := NewQueues()
	q.Learn(admission.SetClusterQueue{ClusterQueue: admission.ClusterQueue{Name: "cq", Groups: []admission.ResourceGroup{
		{Resources: []string{"cpu", "memory"}, Flavors: []admission.FlavorQuotas{{Flavor: "plain"}, {Flavor: "fast"}}}}}})
	q.Learn(admission.SetLocalQueue{LocalQueue: admission.LocalQueue{Namespace: "osg", Name: "main", ClusterQueue: "cq"}})
	q.Learn(admission.SetFlavor{Flavor: admission.Flavor{Name: "fast", NodeLabels: map[string]string{"kind": "fast"}}})
	wl := &admission.Workload{Namespace: "osg", Queue: "main", PodSets: []admission.PodSet{{Name: "main", Count: 2,
		Requests: []quota.ResourceAmount{{Resource: "cpu", Amount: 1000}, {Resource: "gpu", Amount: 1}}}}}
	if got := q.Adopt(wl).PodSets[0]; got.Flavors[0].Flavor != "plain" || got.Usage[0].Amount != 2000 || len(got.Usage) != 1 {
		t.Errorf("without selector: %+v", got)
	}
	wl.PodSets[0].NodeSelector = map[string]string{"kind": "fast", "other": "x"}
	if got := q.Adopt(wl).PodSets[0]; got.Flavors[0].Flavor != "fast" {
		t.Errorf("with selector: %+v", got)
	}
	q.Learn(admission.DeleteLocalQueue{Namespace: "osg", Name: "main"})
	if q.Adopt(wl) != nil {
		t.Error("adopted into a queue that is gone")
	}
}

func TestLimitIsWhatIsLeftWithTheGraceOfThePods(t *testing.T) {
	seconds := func(n int32) *int32 { return &n }
	cq := &v1beta1.ClusterQueue{Spec: v1beta1.ClusterQueueSpec{DefaultExecutionTimeSeconds: seconds(600), MaximumExecutionTimeSeconds: seconds(1000)}}
	shapes := Shapes{ClusterQueue: func(string, string) *v1beta1.ClusterQueue { return cq }}
	for name, c := range map[string]struct {
		asks, past, given *int32 // given: by an admission that it has
		grace             int64
		want              int64 // seconds
	}{
		"the default":                    {nil, nil, nil, 30, 630},
		"its own":                        {seconds(60), nil, nil, 0, 60},
		"above the maximum":              {seconds(5000), nil, nil, 30, 1030},
		"what is left":                   {seconds(60), seconds(45), nil, 10, 25},
		"nothing is left":                {seconds(60), seconds(90), nil, 10, 11},
		"given when the queue gave more": {seconds(60), seconds(10), seconds(50), 30, 70},
		"the largest":                    {seconds(1<<31 - 1), nil, seconds(1<<31 - 1), 1 << 62, 1<<32 - 2},
	} {
		wl := &v1beta1.Workload{Spec: v1beta1.WorkloadSpec{MaximumExecutionTimeSeconds: c.asks}}
		wl.Status.AccumulatedPastExecutionTimeSeconds = c.past
		if c.given != nil {
			wl.Status.Admission = &v1beta1.Admission{MaximumExecutionTimeSeconds: c.given}
			wl.Status.Conditions = []metav1.Condition{{Type: v1beta1.WorkloadQuotaReserved, Status: metav1.ConditionTrue}}
		}
		if got := shapes.Limit(wl, &Shape{Grace: c.grace}); got != c.want*1e9 {
			t.Errorf("%s: %d s, want %d", name, got/1e9, c.want)
		}
	}
	cq = nil
	if got := shapes.Limit(&v1beta1.Workload{}, &Shape{Grace: 30}); got != 0 {
		t.Errorf("without any limit: %d", got)
	}
}

func TestGraceIsThatOfThePodSetThatGetsMost(t *testing.T) {
	set := func(name, template string) v1beta1.PodSet {
		return v1beta1.PodSet{Name: v1beta1.PodSetReference(name), Count: 1, Template: runtime.RawExtension{Raw: []byte(template)}}
	}
	wl := &v1beta1.Workload{Spec: v1beta1.WorkloadSpec{PodSets: []v1beta1.PodSet{set("a", `{"spec":{"terminationGracePeriodSeconds":300}}`), set("b", `{}`)}}}
	if got := new(Shapes).Of(wl).Grace; got != 300 {
		t.Errorf("grace %d", got)
	}
}
