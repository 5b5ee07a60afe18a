package job

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"

	"fairlead.dev/fairlead/apis/v1beta1"
)

func fullTemplate() *corev1.PodTemplateSpec {
	template := &corev1.PodTemplateSpec{}
	template.Labels = map[string]string{"app": "sleep"}
	template.Spec = corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever,
		NodeSelector:  map[string]string{"site": "bnl"},
		Volumes:       []corev1.Volume{{Name: "scratch"}},
		Containers: []corev1.Container{{Name: "main", Image: "busybox", Command: []string{"sleep", "1"},
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}}}},
	}
	return template
}

func TestTrimKeepsWhatSchedulingNeeds(t *testing.T) {
	trimmed := TrimTemplate(fullTemplate())
	c := trimmed.Spec.Containers[0]
	if c.Image != "" || c.Command != nil || trimmed.Spec.Volumes != nil {
		t.Errorf("too much is kept: %+v", trimmed.Spec)
	}
	if c.Name != "main" || c.Resources.Requests.Cpu().String() != "1" || trimmed.Spec.NodeSelector["site"] != "bnl" || trimmed.Labels["app"] != "sleep" {
		t.Errorf("too little is kept: %+v", trimmed)
	}
}

func TestTrimTwiceIsTrimOnce(t *testing.T) {
	once := TrimTemplate(fullTemplate())
	twice := TrimTemplate(once.DeepCopy())
	if once.Annotations[ContainersHashAnnotation] != twice.Annotations[ContainersHashAnnotation] {
		t.Error("the hash is not that of the containers any more")
	}
}

func TestTrimKeepsAGracePeriodThatIsNotTheDefault(t *testing.T) {
	for given, want := range map[int64]int64{30: 30, 0: 0, 300: 300} {
		full := fullTemplate()
		full.Spec.TerminationGracePeriodSeconds = &given
		trimmed := TrimTemplate(full)
		if got := GracePeriodSeconds(&trimmed); got != want {
			t.Errorf("%d became %d", given, got)
		}
		if kept := trimmed.Spec.TerminationGracePeriodSeconds != nil; kept != (given != 30) {
			t.Errorf("%d is kept: %v", given, kept)
		}
	}
	if trimmed := TrimTemplate(fullTemplate()); GracePeriodSeconds(&trimmed) != 30 {
		t.Error("without one it is not Kubernetes' default")
	}
}

func TestHashTellsContainersApart(t *testing.T) {
	hash := TrimTemplate(fullTemplate()).Annotations[ContainersHashAnnotation]
	for name, change := range map[string]func(*corev1.PodSpec){
		"image":    func(s *corev1.PodSpec) { s.Containers[0].Image = "other" },
		"command":  func(s *corev1.PodSpec) { s.Containers[0].Command = nil },
		"moved":    func(s *corev1.PodSpec) { s.InitContainers, s.Containers = s.Containers, nil },
		"one more": func(s *corev1.PodSpec) { s.Containers = append(s.Containers, corev1.Container{Name: "x", Image: "y"}) },
	} {
		changed := fullTemplate()
		change(&changed.Spec)
		if TrimTemplate(changed).Annotations[ContainersHashAnnotation] == hash {
			t.Errorf("%s: the hash stays the same", name)
		}
	}
}

func podSets(t *testing.T, count int32, template *corev1.PodTemplateSpec) []v1beta1.PodSet {
	t.Helper()
	trimmed := TrimTemplate(template)
	raw, err := EncodeTemplate(&trimmed)
	if err != nil {
		t.Fatal(err)
	}
	return []v1beta1.PodSet{{Name: "main", Count: count, Template: raw}}
}

func TestSameShape(t *testing.T) {
	base := podSets(t, 2, fullTemplate())
	reordered := podSets(t, 2, fullTemplate())
	reordered[0].Template = runtime.RawExtension{Raw: append([]byte(" "), reordered[0].Template.Raw...)}
	other := fullTemplate()
	other.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("1000m")
	if !SameShape(base, reordered) || !SameShape(base, podSets(t, 2, other)) {
		t.Error("spelling makes a difference")
	}
	other.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("2")
	least := int32(1)
	elastic := podSets(t, 2, fullTemplate())
	elastic[0].MinCount = &least
	unreadable := podSets(t, 2, fullTemplate())
	unreadable[0].Template = runtime.RawExtension{Raw: []byte(`{"spec":1}`)}
	for name, different := range map[string][]v1beta1.PodSet{
		"requests": podSets(t, 2, other), "count": podSets(t, 3, fullTemplate()), "minCount": elastic, "none": nil, "unreadable": unreadable,
	} {
		if SameShape(base, different) {
			t.Errorf("%s: taken for the same", name)
		}
	}
	if SameShape(unreadable, unreadable) {
		t.Error("what cannot be read is taken for the same")
	}
}
