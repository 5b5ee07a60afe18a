package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller"
	"fairlead.dev/fairlead/pkg/controller/translate"
	"fairlead.dev/fairlead/pkg/simulation/forecast"
)

// The ConfigMap in which config/manager keeps the manager's configuration.
const (
	configNamespace = "fairlead-system"
	configName      = "fairlead-manager"
	configKey       = "config.yaml"
)

// site is a cluster's state as an engine sees it, before it decides anything.
type site struct {
	engine  *admission.Engine
	now     time.Time
	values  []admission.Workload // not finished, by UID
	objects map[string]*v1beta1.Workload
	history *forecast.History
	// roots tell the tree of each ClusterQueue.
	roots map[string]string
	notes []string
}

// readSite rebuilds the engine from the API server. It needs the right to list
// what it lists in the whole cluster.
func readSite(ctx context.Context, c client.Reader, now time.Time) (*site, error) {
	s := &site{now: now, objects: map[string]*v1beta1.Workload{}, history: forecast.NewHistory(), roots: map[string]string{}}
	var flavors v1beta1.ResourceFlavorList
	var cohorts v1beta1.CohortList
	var clusterQueues v1beta1.ClusterQueueList
	var localQueues v1beta1.LocalQueueList
	var reservations v1beta1.ReservationList
	var workloads v1beta1.WorkloadList
	var namespaces corev1.NamespaceList
	for _, list := range []client.ObjectList{&flavors, &cohorts, &clusterQueues, &localQueues, &reservations, &workloads, &namespaces} {
		if err := c.List(ctx, list); err != nil {
			return nil, fmt.Errorf("listing %ss: %w", strings.TrimSuffix(kindOf(list), "List"), err)
		}
	}
	configuration := s.configuration(ctx, c)
	s.engine = admission.New(controller.EngineConfig(configuration))
	tell := func(ev admission.Event) { s.engine.Step(now.UnixNano(), ev) }
	for i := range flavors.Items {
		tell(translate.Flavor(&flavors.Items[i]))
	}
	parents := map[string]string{}
	for i := range cohorts.Items {
		tell(translate.Cohort(&cohorts.Items[i]))
		parents[cohorts.Items[i].Name] = string(cohorts.Items[i].Spec.ParentName)
	}
	for i := range namespaces.Items {
		tell(admission.SetNamespace{Name: namespaces.Items[i].Name, Labels: namespaces.Items[i].Labels})
	}
	queues := map[string]*v1beta1.ClusterQueue{}
	for i := range clusterQueues.Items {
		cq := &clusterQueues.Items[i]
		tell(translate.ClusterQueue(cq))
		queues[cq.Name], s.roots[cq.Name] = cq, rootOf(cq, parents)
	}
	doors := map[string]*v1beta1.ClusterQueue{}
	for i := range localQueues.Items {
		lq := &localQueues.Items[i]
		tell(translate.LocalQueue(lq))
		doors[lq.Namespace+"/"+lq.Name] = queues[string(lq.Spec.ClusterQueue)]
	}
	for i := range reservations.Items {
		if r, _, err := translate.Reservation(&reservations.Items[i], now); err != nil {
			s.notes = append(s.notes, fmt.Sprintf("Reservation %s keeps nothing: %v", reservations.Items[i].Name, err))
		} else {
			tell(admission.SetReservation{Reservation: r})
		}
	}
	shapes := translate.Shapes{
		Counting: translate.NewCounting(configuration.Resources), Surroundings: s.surroundings(ctx, c), MinimumRuntime: s.promises(ctx, c),
		ClusterQueue: func(namespace, local string) *v1beta1.ClusterQueue { return doors[namespace+"/"+local] },
	}
	s.takeWorkloads(workloads.Items, &shapes)
	return s, nil
}

func kindOf(list client.ObjectList) string {
	name := fmt.Sprintf("%T", list)
	return name[strings.LastIndexByte(name, '.')+1:]
}

// rootOf names the tree of a ClusterQueue: its topmost Cohort, or itself.
func rootOf(cq *v1beta1.ClusterQueue, parents map[string]string) string {
	root := "queue " + cq.Name
	for up, steps := string(cq.Spec.CohortName), 0; up != "" && steps <= len(parents); up, steps = parents[up], steps+1 {
		root = "cohort " + up
	}
	return root
}

// takeWorkloads tells the engine of those that are not finished, and the history
// of those that are.
func (s *site) takeWorkloads(list []v1beta1.Workload, shapes *translate.Shapes) {
	slices.SortFunc(list, func(a, b v1beta1.Workload) int { return strings.Compare(string(a.UID), string(b.UID)) })
	for i := range list {
		wl := &list[i]
		shape := shapes.Of(wl)
		limit := shapes.Limit(wl, &shape)
		if translate.IsFinished(wl) {
			s.remember(wl, limit)
			continue
		}
		value := translate.Workload(wl, shape)
		value.MinimumRuntime, value.Limit = shapes.Protection(wl), limit
		s.values, s.objects[value.UID] = append(s.values, value), wl
		s.engine.Step(s.now.UnixNano(), admission.SetWorkload{Workload: &value})
	}
}

// remember notes how long a finished Workload ran.
func (s *site) remember(wl *v1beta1.Workload, limit int64) {
	began, ended := translate.Condition(wl, v1beta1.WorkloadAdmitted), translate.Condition(wl, v1beta1.WorkloadFinished)
	if began == nil || began.Status != "True" {
		return // it never ran
	}
	s.history.Add(wl.Namespace, string(wl.Spec.QueueName), time.Duration(limit), ended.LastTransitionTime.Sub(began.LastTransitionTime.Time))
}

// configuration is the manager's, if it is where config/manager keeps it, else
// the default.
func (s *site) configuration(ctx context.Context, c client.Reader) *configv1beta1.Configuration {
	configuration := &configv1beta1.Configuration{}
	var kept corev1.ConfigMap
	err := c.Get(ctx, client.ObjectKey{Namespace: configNamespace, Name: configName}, &kept)
	if err == nil {
		err = yaml.UnmarshalStrict([]byte(kept.Data[configKey]), configuration)
	}
	if err != nil {
		why := err.Error()
		if apierrors.IsNotFound(err) {
			why = "it does not exist"
		}
		s.notes = append(s.notes, fmt.Sprintf("the manager's configuration is not known, its defaults are taken (ConfigMap %s/%s: %s)", configNamespace, configName, why))
		configuration = &configv1beta1.Configuration{}
	}
	configv1beta1.SetDefaults(configuration)
	return configuration
}

// promises tells the minimum runtimes of WorkloadPriorityClasses.
func (s *site) promises(ctx context.Context, c client.Reader) func(string) int64 {
	var list v1beta1.WorkloadPriorityClassList
	if err := c.List(ctx, &list); err != nil {
		s.notes = append(s.notes, fmt.Sprintf("minimum runtimes of priority classes are left out: %v", err))
		return nil
	}
	promised := map[string]int64{}
	for i := range list.Items {
		if seconds := list.Items[i].MinimumRuntimeSeconds; seconds != nil {
			promised[list.Items[i].Name] = *seconds
		}
	}
	return func(class string) int64 { return promised[class] }
}

// around is what pods inherit: translate.Surroundings.
type around struct {
	ranges  map[string][]*corev1.LimitRange
	classes map[string]*nodev1.RuntimeClass
}

// LimitRanges implements translate.Surroundings.
func (a *around) LimitRanges(namespace string) []*corev1.LimitRange { return a.ranges[namespace] }

// RuntimeClass implements translate.Surroundings.
func (a *around) RuntimeClass(name string) (*nodev1.RuntimeClass, bool) {
	class, ok := a.classes[name]
	return class, ok
}

// surroundings reads them; nil, with a note, if they cannot be read.
func (s *site) surroundings(ctx context.Context, c client.Reader) translate.Surroundings {
	var ranges corev1.LimitRangeList
	var classes nodev1.RuntimeClassList
	for _, list := range []client.ObjectList{&ranges, &classes} {
		if err := c.List(ctx, list); err != nil {
			s.notes = append(s.notes, fmt.Sprintf("defaults of LimitRanges and overheads of RuntimeClasses are left out: %v", err))
			return nil
		}
	}
	a := &around{ranges: map[string][]*corev1.LimitRange{}, classes: map[string]*nodev1.RuntimeClass{}}
	slices.SortFunc(ranges.Items, func(x, y corev1.LimitRange) int { return strings.Compare(x.Name, y.Name) })
	for i := range ranges.Items {
		a.ranges[ranges.Items[i].Namespace] = append(a.ranges[ranges.Items[i].Namespace], &ranges.Items[i])
	}
	for i := range classes.Items {
		a.classes[classes.Items[i].Name] = &classes.Items[i]
	}
	return a
}
