package translate

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/quota"
)

// site is what a cluster adds to pods.
type site struct {
	ranges  []*corev1.LimitRange
	classes map[string]*nodev1.RuntimeClass
}

func (s *site) LimitRanges(string) []*corev1.LimitRange { return s.ranges }

func (s *site) RuntimeClass(name string) (*nodev1.RuntimeClass, bool) {
	class, exists := s.classes[name]
	return class, exists
}

// list reads "cpu=1,memory=2Gi".
func list(text string) corev1.ResourceList {
	if text == "" {
		return nil
	}
	out := corev1.ResourceList{}
	for _, part := range strings.Split(text, ",") {
		name, amount, _ := strings.Cut(part, "=")
		out[corev1.ResourceName(name)] = resource.MustParse(amount)
	}
	return out
}

func limitRange(name string, items ...corev1.LimitRangeItem) *corev1.LimitRange {
	return &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.LimitRangeSpec{Limits: items}}
}

// with is a container of these requests and limits.
func with(requests, limits string) corev1.Container {
	return corev1.Container{Name: "main", Resources: corev1.ResourceRequirements{Requests: list(requests), Limits: list(limits)}}
}

func podOf(containers ...corev1.Container) corev1.PodSpec {
	return corev1.PodSpec{Containers: containers}
}

func shapeOf(t *testing.T, shapes *Shapes, spec corev1.PodSpec) Shape {
	t.Helper()
	raw, err := json.Marshal(corev1.PodTemplateSpec{Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	return shapes.Of(&v1beta1.Workload{ObjectMeta: metav1.ObjectMeta{Namespace: "osg"}, Spec: v1beta1.WorkloadSpec{
		PodSets: []v1beta1.PodSet{{Name: "main", Count: 1, Template: runtime.RawExtension{Raw: raw}}}}})
}

// asked writes requests as list reads them, amounts as counted, without pods.
func asked(set admission.PodSet) map[string]int64 {
	out := map[string]int64{}
	for _, r := range set.Requests {
		if r.Resource != "pods" {
			out[r.Resource] = r.Amount
		}
	}
	return out
}

var (
	container1  = corev1.LimitTypeContainer
	pod1        = corev1.LimitTypePod
	kata        = "kata"
	ghost       = "ghost"
	kataClass   = &nodev1.RuntimeClass{Overhead: &nodev1.Overhead{PodFixed: list("cpu=250m")}}
	surrounding = &site{classes: map[string]*nodev1.RuntimeClass{"kata": kataClass, "plain": {}}}
)

func TestDefaultsOfTheCluster(t *testing.T) {
	defaults := limitRange("defaults", corev1.LimitRangeItem{Type: container1, Default: list("cpu=2,memory=1Gi"), DefaultRequest: list("cpu=1,memory=512Mi")})
	later := limitRange("later", corev1.LimitRangeItem{Type: container1, DefaultRequest: list("cpu=9,example.com/gpu=1")})
	kataPod := podOf(with("cpu=1", ""))
	kataPod.RuntimeClassName = &kata
	stated := kataPod
	stated.Overhead = list("cpu=2")
	initial := podOf(with("", ""))
	initial.InitContainers = []corev1.Container{with("cpu=3", "cpu=3")}
	for name, c := range map[string]struct {
		ranges []*corev1.LimitRange
		spec   corev1.PodSpec
		want   map[string]int64
	}{
		"nothing":                       {nil, podOf(with("", "")), map[string]int64{}},
		"default requests":              {[]*corev1.LimitRange{defaults}, podOf(with("", "")), map[string]int64{"cpu": 1000, "memory": 512 << 20}},
		"of each container":             {[]*corev1.LimitRange{defaults}, podOf(with("", ""), with("cpu=500m", "")), map[string]int64{"cpu": 1500, "memory": 1 << 30}},
		"an own limit stands in first":  {[]*corev1.LimitRange{defaults}, podOf(with("", "cpu=1500m")), map[string]int64{"cpu": 1500, "memory": 512 << 20}},
		"init containers too":           {[]*corev1.LimitRange{defaults}, initial, map[string]int64{"cpu": 3000, "memory": 512 << 20}},
		"the first LimitRange counts":   {[]*corev1.LimitRange{defaults, later}, podOf(with("", "")), map[string]int64{"cpu": 1000, "memory": 512 << 20, "example.com/gpu": 1}},
		"overhead of the RuntimeClass":  {nil, kataPod, map[string]int64{"cpu": 1250}},
		"overhead stated in the pod":    {nil, stated, map[string]int64{"cpu": 3000}},
		"a RuntimeClass without any":    {nil, func() corev1.PodSpec { s, plain := kataPod, "plain"; s.RuntimeClassName = &plain; return s }(), map[string]int64{"cpu": 1000}},
		"defaults of pods do not exist": {[]*corev1.LimitRange{limitRange("x", corev1.LimitRangeItem{Type: pod1, DefaultRequest: list("cpu=1")})}, podOf(with("", "")), map[string]int64{}},
	} {
		around := *surrounding
		around.ranges = c.ranges
		shape := shapeOf(t, &Shapes{Surroundings: &around}, c.spec)
		if got := asked(shape.PodSets[0]); shape.Problem != "" || !maps.Equal(got, c.want) {
			t.Errorf("%s: %v (%s), want %v", name, got, shape.Problem, c.want)
		}
	}
}

func TestWhatTheClusterRefuses(t *testing.T) {
	ghostly := podOf(with("cpu=1", ""))
	ghostly.RuntimeClassName = &ghost
	whole := podOf(with("cpu=1", ""))
	whole.Resources = &corev1.ResourceRequirements{Requests: list("cpu=4"), Limits: list("cpu=3")}
	whole2, whole3 := podOf(with("", "cpu=2")), podOf(with("cpu=1", "cpu=5"))
	whole2.Resources = &corev1.ResourceRequirements{Requests: list("cpu=1")}
	whole3.Resources = &corev1.ResourceRequirements{Limits: list("cpu=4")}
	overhead := podOf(with("cpu=1", ""))
	overhead.Overhead = list("cpu=-1")
	item := func(kind corev1.LimitType, minimum, maximum, ratio string) []*corev1.LimitRange {
		return []*corev1.LimitRange{limitRange("bounds", corev1.LimitRangeItem{Type: kind, Min: list(minimum), Max: list(maximum), MaxLimitRequestRatio: list(ratio)})}
	}
	for name, c := range map[string]struct {
		ranges []*corev1.LimitRange
		spec   corev1.PodSpec
		want   string // "" if it is fine
	}{
		"request above limit":      {nil, podOf(with("cpu=4", "cpu=2")), "pod set main: container main: request of cpu is 4, above its limit of 2"},
		"of the pod as a whole":    {nil, whole, "the pod as a whole: request of cpu is 4, above its limit of 3"},
		"less than its containers": {nil, whole2, "the pod as a whole: request of cpu is 1, but its containers request 2 together"},
		"a container above it":     {nil, whole3, "container main: limit of cpu is 5, above that of the pod as a whole, 4"},
		"above the default limit":  {[]*corev1.LimitRange{limitRange("small", corev1.LimitRangeItem{Type: container1, Default: list("cpu=2")})}, podOf(with("cpu=4", "")), "above the default limit of LimitRange small of 2"},
		"no such RuntimeClass":     {nil, ghostly, `RuntimeClass "ghost" does not exist: create it`},
		"negative overhead":        {nil, overhead, "overhead of cpu is -1: it must not be negative"},
		"within all bounds":        {item(container1, "cpu=1", "cpu=4", "cpu=2"), podOf(with("cpu=1", "cpu=2")), ""},
		"below the minimum":        {item(container1, "cpu=200m", "", ""), podOf(with("cpu=100m", "")), "container main: request of cpu is 100m, but LimitRange bounds demands at least 200m for each container: ask for more"},
		"no request at all":        {item(container1, "memory=1Gi", "", ""), podOf(with("cpu=1", "")), "no request of memory, but LimitRange bounds demands at least 1Gi"},
		"limit above the maximum":  {item(container1, "", "cpu=2", ""), podOf(with("cpu=1", "cpu=3")), "limit of cpu is 3, but LimitRange bounds allows at most 2 for each container: lower the limit"},
		"no limit at all":          {item(container1, "", "cpu=2", ""), podOf(with("cpu=1", "")), "no limit of cpu, but LimitRange bounds allows at most 2"},
		"limit too far above":      {item(container1, "", "", "cpu=2"), podOf(with("cpu=1", "cpu=2100m")), "limit of cpu is 2100m and the request 1, but LimitRange bounds allows at most 2 times"},
		"limit just as far above":  {item(container1, "", "", "cpu=3"), podOf(with("cpu=700m", "cpu=2100m")), ""},
		"half a limit is not 0":    {item(container1, "", "", "cpu=1500m"), podOf(with("cpu=1", "cpu=1500m")), ""},
		"a ratio to nothing":       {item(container1, "", "", "cpu=2"), podOf(with("cpu=0", "cpu=1")), "one of them is missing or 0"},
		"all containers together":  {item(pod1, "", "cpu=3", ""), podOf(with("cpu=2", "cpu=2"), with("cpu=2", "cpu=2")), "the pod: limit of cpu is 4, but LimitRange bounds allows at most 3 for each pod"},
		"each container small":     {item(pod1, "cpu=3", "", ""), podOf(with("cpu=2", ""), with("cpu=2", "")), ""},
		"volumes are not our case": {item(corev1.LimitTypePersistentVolumeClaim, "storage=1Gi", "", ""), podOf(with("cpu=2", "")), ""},
	} {
		around := *surrounding
		around.ranges = c.ranges
		shape := shapeOf(t, &Shapes{Surroundings: &around}, c.spec)
		if (c.want == "") != (shape.Problem == "") || !strings.Contains(shape.Problem, c.want) {
			t.Errorf("%s: %q, want %q", name, shape.Problem, c.want)
		}
	}
}

func TestOverheadIsNotBounded(t *testing.T) {
	spec := podOf(with("cpu=2", "cpu=2"))
	spec.RuntimeClassName = &kata
	around := *surrounding
	around.ranges = []*corev1.LimitRange{limitRange("bounds", corev1.LimitRangeItem{Type: pod1, Max: list("cpu=2")})}
	if shape := shapeOf(t, &Shapes{Surroundings: &around}, spec); shape.Problem != "" || asked(shape.PodSets[0])["cpu"] != 2250 {
		t.Errorf("%+v", shape)
	}
}

func TestResourceRequestsAreThoseOfAllPods(t *testing.T) {
	shape := Shape{PodSets: []admission.PodSet{
		{Name: "driver", Count: 1, Requests: []quota.ResourceAmount{{Resource: "cpu", Amount: 1500}, {Resource: "pods", Amount: 1}}},
		{Name: "workers", Count: 3, Requests: []quota.ResourceAmount{{Resource: "cpu", Amount: 500}, {Resource: "memory", Amount: 1 << 30}, {Resource: "pods", Amount: 1}}},
		{Name: "unreadable", Count: 3},
	}}
	want := []v1beta1.PodSetRequest{{Name: "driver", Resources: list("cpu=1500m")}, {Name: "workers", Resources: list("cpu=1500m,memory=3Gi")}}
	if got := shape.ResourceRequests(); !equality.Semantic.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestCounting(t *testing.T) {
	transform := func(input, by string, strategy configv1beta1.TransformationStrategy, outputs string) configv1beta1.ResourceTransformation {
		out := map[string]resource.Quantity{}
		for name, q := range list(outputs) {
			out[string(name)] = q
		}
		return configv1beta1.ResourceTransformation{Input: input, MultiplyBy: by, Strategy: strategy, Outputs: out}
	}
	const retain, replace = configv1beta1.TransformationRetain, configv1beta1.TransformationReplace
	for name, c := range map[string]struct {
		exclude    []string
		transform  []configv1beta1.ResourceTransformation
		have, want string
	}{
		"nothing configured":         {nil, nil, "cpu=1,example.com/gpu=2", "cpu=1,example.com/gpu=2"},
		"excluded":                   {[]string{"example.com/", "mem"}, nil, "cpu=1,example.com/gpu=2,memory=1", "cpu=1"},
		"replaced":                   {nil, []configv1beta1.ResourceTransformation{transform("mig", "", replace, "credits=2,memory=5Gi")}, "cpu=1,mig=3", "cpu=1,credits=6,memory=15Gi"},
		"retained":                   {nil, []configv1beta1.ResourceTransformation{transform("mig", "", retain, "credits=2")}, "mig=3", "mig=3,credits=6"},
		"added to what is asked":     {nil, []configv1beta1.ResourceTransformation{transform("mig", "", replace, "memory=5Gi")}, "mig=1,memory=1Gi", "memory=6Gi"},
		"two with one output":        {nil, []configv1beta1.ResourceTransformation{transform("a", "", replace, "c=2"), transform("b", "", replace, "c=3")}, "a=1,b=1", "c=5"},
		"dropped":                    {nil, []configv1beta1.ResourceTransformation{transform("a", "", replace, "")}, "a=1,b=1", "b=1"},
		"not twice":                  {nil, []configv1beta1.ResourceTransformation{transform("a", "", replace, "b=1"), transform("b", "", replace, "c=1")}, "a=1", "b=1"},
		"multiplied":                 {nil, []configv1beta1.ResourceTransformation{transform("mem", "gpu", replace, "total=1")}, "mem=40,gpu=2", "gpu=2,total=80"},
		"multiplied and retained":    {nil, []configv1beta1.ResourceTransformation{transform("mem", "gpu", retain, "total=1")}, "mem=40,gpu=2", "gpu=2,mem=80,total=80"},
		"multiplied by nothing":      {nil, []configv1beta1.ResourceTransformation{transform("mem", "gpu", replace, "total=1")}, "mem=40", "total=40"},
		"multiplied by what is left": {[]string{"gpu"}, []configv1beta1.ResourceTransformation{transform("mem", "gpu", replace, "total=1")}, "mem=40,gpu=2", "total=40"},
		"parts of a core":            {nil, []configv1beta1.ResourceTransformation{transform("cpu", "", retain, "credits=2")}, "cpu=1500m", "cpu=1500m,credits=3"},
		"parts of a unit":            {nil, []configv1beta1.ResourceTransformation{transform("mig", "", replace, "credits=0.1")}, "mig=3", "credits=300m"},
		"nothing asked for":          {nil, []configv1beta1.ResourceTransformation{transform("mig", "", replace, "credits=2")}, "mig=0", "credits=0"},
	} {
		counting := NewCounting(&configv1beta1.Resources{ExcludeResourcePrefixes: c.exclude, Transformations: c.transform})
		have := list(c.have)
		got, want := counting.Count(have), list(c.want)
		same := len(got) == len(want)
		for name, q := range want {
			has, there := got[name]
			same = same && there && has.Cmp(q) == 0
		}
		if !same {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
		if q := have["memory"]; c.have == "mig=1,memory=1Gi" && q.String() != "1Gi" {
			t.Errorf("%s: what was requested has changed to %s", name, q.String())
		}
	}
}

func TestStrictNamespaces(t *testing.T) {
	q := NewQueues()
	cq := admission.ClusterQueue{Name: "cq", Groups: []admission.ResourceGroup{{Resources: []string{"cpu", "memory"}}, {Resources: []string{"example.com/gpu", "pods"}}}}
	q.Learn(admission.SetClusterQueue{ClusterQueue: cq})
	q.Learn(admission.SetLocalQueue{LocalQueue: admission.LocalQueue{Namespace: "osg", Name: "main", ClusterQueue: "cq"}})
	lacking := func(requests string) string {
		shape := shapeOf(t, &Shapes{}, podOf(with(requests, "")))
		return q.Lacking(&admission.Workload{Namespace: "osg", Queue: "main", PodSets: shape.PodSets})
	}
	strict := map[string]string{v1beta1.ManagedLabel: v1beta1.ManagedStrict}
	if got := lacking("cpu=1"); got != "" || q.AnyStrict() {
		t.Errorf("not strict: %q", got)
	}
	q.Learn(admission.SetNamespace{Name: "osg", Labels: strict})
	if got := lacking("cpu=1"); !strings.Contains(got, "pod set main: no request of memory, example.com/gpu, which ClusterQueue cq covers") || !q.AnyStrict() {
		t.Errorf("strict: %q", got)
	}
	if got := lacking("cpu=1,memory=1Gi,example.com/gpu=0"); got != "" {
		t.Errorf("all stated: %q", got)
	}
	cq.Groups = cq.Groups[:1]
	q.Learn(admission.SetClusterQueue{ClusterQueue: cq})
	if got := lacking("cpu=1"); !strings.Contains(got, "no request of memory,") {
		t.Errorf("covers less: %q", got)
	}
	q.Learn(admission.DeleteLocalQueue{Namespace: "osg", Name: "main"})
	if got := lacking("cpu=1"); got != "" {
		t.Errorf("queue leads nowhere: %q", got)
	}
	q.Learn(admission.SetNamespace{Name: "osg"})
	if q.AnyStrict() {
		t.Error("still strict")
	}
}

func TestWhatBreaksARuleIsAdoptedAllTheSame(t *testing.T) {
	q := NewQueues()
	q.Learn(admission.SetClusterQueue{ClusterQueue: admission.ClusterQueue{Name: "cq",
		Groups: []admission.ResourceGroup{{Resources: []string{"cpu"}, Flavors: []admission.FlavorQuotas{{Flavor: "plain"}}}}}})
	q.Learn(admission.SetLocalQueue{LocalQueue: admission.LocalQueue{Namespace: "osg", Name: "main", ClusterQueue: "cq"}})
	for spec, charged := range map[string]bool{"cpu=2": true, "cpu=-2": false} {
		around := &site{ranges: []*corev1.LimitRange{limitRange("bounds", corev1.LimitRangeItem{Type: container1, Max: list("cpu=1")})}}
		shape := shapeOf(t, &Shapes{Surroundings: around}, podOf(with(spec, spec)))
		held := q.Adopt(&admission.Workload{Namespace: "osg", Queue: "main", PodSets: shape.PodSets, Misconfigured: shape.Problem})
		if shape.Problem == "" || (held != nil) != charged {
			t.Errorf("%s: %q, held %+v", spec, shape.Problem, held)
		}
	}
}
