package drive

import (
	"encoding/json"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	fairlead "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/test/performance/load"
)

// durationAnnotation tells the sandbox's simulated kubelet how long a pod runs.
const durationAnnotation = "sandbox.fairlead.dev/duration"

// tenantJob is the Job that a tenant submits for an item. It does not say
// suspend: policy does.
func tenantJob(item load.Item) *batchv1.Job {
	one, none := int32(1), int32(0)
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: Namespace,
			Name:      item.Name,
			Labels:    map[string]string{fairlead.QueueLabel: item.Queue},
		},
		Spec: batchv1.JobSpec{
			Parallelism:  &one,
			Completions:  &one,
			BackoffLimit: &none,
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Annotations: map[string]string{durationAnnotation: item.Class.RunTime.String()},
				},
				Spec: corev1.PodSpec{
					RestartPolicy: corev1.RestartPolicyNever,
					Containers: []corev1.Container{{
						Name:      "main",
						Image:     "registry.example/sleep:1",
						Args:      []string{item.Class.RunTime.String()},
						Resources: corev1.ResourceRequirements{Requests: cores(item.Class.Cores)},
					}},
				},
			},
		},
	}
}

// bareWorkload is the Workload that is submitted for an item of a load without
// Jobs.
func bareWorkload(item load.Item) (*fairlead.Workload, error) {
	template, err := json.Marshal(corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever,
		Containers:    []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{Requests: cores(item.Class.Cores)}}},
	}})
	if err != nil {
		return nil, fmt.Errorf("encode the pod template of %s: %w", item.Name, err)
	}
	w := &fairlead.Workload{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: item.Name},
		Spec: fairlead.WorkloadSpec{
			QueueName: fairlead.LocalQueueName(item.Queue),
			Priority:  &item.Class.Priority,
			PodSets:   []fairlead.PodSet{{Name: fairlead.DefaultPodSetName, Count: 1}},
		},
	}
	w.Spec.PodSets[0].Template.Raw = template
	return w, nil
}

func cores(n int64) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceCPU: *resource.NewQuantity(n, resource.DecimalSI)}
}
