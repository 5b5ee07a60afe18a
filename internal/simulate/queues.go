package simulate

import (
	"bufio"
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

//go:embed facility.yaml
var facility []byte

// QueueSet is a set of queues and the settings that decide between them.
type QueueSet struct {
	// Name is where it comes from, for people.
	Name   string
	Config admission.Config
	// Events tell an engine of it.
	Events []admission.Event
	// Reservations are those of the manifests, by name. Their windows are on the
	// calendar: when the jobs begin is said with the jobs.
	Reservations []*v1beta1.Reservation
	// LocalQueues lead to a ClusterQueue that admits, sorted by name.
	LocalQueues []admission.LocalQueue
	// Notes say what in it is not active, or not used here.
	Notes []string
}

// DefaultQueues is the facility that is simulated if nothing else is said.
func DefaultQueues() (*QueueSet, error) { return ParseQueues("the default facility", facility) }

// DefaultManifest is the YAML of DefaultQueues.
func DefaultManifest() []byte { return facility }

// LoadQueues reads a file of manifests.
func LoadQueues(path string) (*QueueSet, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("queues: %w", err)
	}
	return ParseQueues(path, data)
}

// ParseQueues reads manifests: ResourceFlavors, Cohorts, ClusterQueues,
// LocalQueues, Reservations, Namespaces and a manager's Configuration, also as items of a
// List. Unknown fields and other kinds are refused by name.
func ParseQueues(name string, data []byte) (*QueueSet, error) {
	p := newParser()
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for n := 1; ; n++ {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = p.document(document)
		}
		if err != nil {
			return nil, fmt.Errorf("%s, document %d: %w", name, n, err)
		}
	}
	return p.set(name)
}

// parser collects objects.
type parser struct {
	flavors       map[string]admission.Event
	cohorts       map[string]admission.Event
	clusterQueues map[string]admission.Event
	localQueues   map[string]admission.LocalQueue
	namespaces    map[string]map[string]string
	reservations  map[string]*v1beta1.Reservation
	config        admission.Config
	notes         []string
}

func newParser() *parser {
	return &parser{
		flavors: map[string]admission.Event{}, cohorts: map[string]admission.Event{}, clusterQueues: map[string]admission.Event{},
		localQueues: map[string]admission.LocalQueue{}, namespaces: map[string]map[string]string{},
		reservations: map[string]*v1beta1.Reservation{},
		config:       admission.Config{FairSharing: true, IgnoreUndeclared: true, Preemption: &admission.PreemptionConfig{}},
	}
}

func (p *parser) document(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	var head struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
	}
	if err := yaml.Unmarshal(data, &head); err != nil {
		return err
	}
	if head.Kind == "" && isComment(data) {
		return nil
	}
	if err := p.object(head.TypeMeta, head.Name, data); err != nil {
		return fmt.Errorf("%s %q: %w", cmp.Or(head.Kind, "an object without kind"), head.Name, err)
	}
	return nil
}

// isComment says that a document has nothing but comments.
func isComment(data []byte) bool {
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line != "---" {
			return false
		}
	}
	return true
}

func (p *parser) object(kind metav1.TypeMeta, name string, data []byte) error {
	switch ours := v1beta1.GroupVersion.String(); {
	case kind.Kind == "List" && kind.APIVersion == "v1":
		return p.list(data)
	case kind.Kind == "Namespace" && kind.APIVersion == "v1":
		return p.namespace(data)
	case kind.Kind == configv1beta1.Kind && kind.APIVersion == configv1beta1.GroupVersion.String():
		return p.configuration(data)
	case kind.APIVersion != ours:
		return fmt.Errorf("apiVersion is %q: queues have %s", kind.APIVersion, ours)
	case name == "":
		return errors.New("metadata.name is missing")
	}
	switch kind.Kind {
	case "ResourceFlavor":
		return read(data, func(o *v1beta1.ResourceFlavor) error {
			return once(p.flavors, o.Name, admission.Event(translate.Flavor(o)))
		})
	case "Cohort":
		return read(data, func(o *v1beta1.Cohort) error { return once(p.cohorts, o.Name, admission.Event(translate.Cohort(o))) })
	case "ClusterQueue":
		return read(data, func(o *v1beta1.ClusterQueue) error {
			return once(p.clusterQueues, o.Name, admission.Event(translate.ClusterQueue(o)))
		})
	case "LocalQueue":
		return read(data, func(o *v1beta1.LocalQueue) error {
			o.Namespace = cmp.Or(o.Namespace, "default")
			return once(p.localQueues, o.Namespace+"/"+o.Name, translate.LocalQueue(o).LocalQueue)
		})
	case "Reservation":
		return read(data, func(o *v1beta1.Reservation) error {
			if _, _, err := translate.Reservation(o, o.Spec.Start.Time); err != nil {
				return err
			}
			return once(p.reservations, o.Name, o)
		})
	case "WorkloadPriorityClass":
		p.notes = append(p.notes, "WorkloadPriorityClass "+name+" is not used: jobs of a trace have priorities of their own")
		return nil
	}
	return errors.New("this kind is not part of a queue set: remove it, or give ResourceFlavors, Cohorts, ClusterQueues, LocalQueues, Reservations, Namespaces and a Configuration")
}

// read decodes strictly.
func read[T any](data []byte, use func(*T) error) error {
	object := new(T)
	if err := yaml.UnmarshalStrict(data, object); err != nil {
		return err
	}
	return use(object)
}

// once refuses a second object of the same name.
func once[T any](objects map[string]T, name string, object T) error {
	if _, known := objects[name]; known {
		return errors.New("it is given twice: remove one")
	}
	objects[name] = object
	return nil
}

func (p *parser) list(data []byte) error {
	var list struct {
		Items []any `json:"items"`
	}
	if err := yaml.Unmarshal(data, &list); err != nil {
		return err
	}
	for i, item := range list.Items {
		document, err := yaml.Marshal(item)
		if err == nil {
			err = p.document(document)
		}
		if err != nil {
			return fmt.Errorf("item %d: %w", i+1, err)
		}
	}
	return nil
}

func (p *parser) namespace(data []byte) error {
	return read(data, func(o *corev1.Namespace) error {
		labels := map[string]string{}
		for key, value := range o.Labels {
			labels[key] = value
		}
		return once(p.namespaces, o.Name, labels)
	})
}

// configuration takes over what the engine is configured with.
func (p *parser) configuration(data []byte) error {
	return read(data, func(c *configv1beta1.Configuration) error {
		configv1beta1.SetDefaults(c)
		if faults := configv1beta1.Validate(c); len(faults) > 0 {
			return faults.ToAggregate()
		}
		p.config = controller.EngineConfig(c)
		return nil
	})
}

// set puts the objects in order and asks an engine what it makes of them.
func (p *parser) set(name string) (*QueueSet, error) {
	set := &QueueSet{Name: name, Config: p.config, Notes: p.notes}
	for _, objects := range []map[string]admission.Event{p.flavors, p.cohorts, p.clusterQueues} {
		for _, key := range sortedKeys(objects) {
			set.Events = append(set.Events, objects[key])
		}
	}
	for _, lq := range p.localQueues {
		if _, given := p.namespaces[lq.Namespace]; !given {
			p.namespaces[lq.Namespace] = map[string]string{}
		}
	}
	for _, ns := range sortedKeys(p.namespaces) {
		p.namespaces[ns]["kubernetes.io/metadata.name"] = ns
		set.Events = append(set.Events, admission.SetNamespace{Name: ns, Labels: p.namespaces[ns]})
	}
	for _, key := range sortedKeys(p.localQueues) {
		set.Events = append(set.Events, admission.SetLocalQueue{LocalQueue: p.localQueues[key]})
	}
	for _, key := range sortedKeys(p.reservations) {
		set.Reservations = append(set.Reservations, p.reservations[key])
	}
	return set, set.check()
}

// at is the set with its Reservations, for jobs that begin at that time; zero if
// nobody has said when.
func (s *QueueSet) at(begin time.Time) (*QueueSet, error) {
	if len(s.Reservations) == 0 {
		return s, nil
	}
	out := *s
	out.Events, out.Notes = slices.Clone(s.Events), slices.Clone(s.Notes)
	for _, r := range s.Reservations {
		told, again, err := translate.Reservation(r, begin)
		switch {
		case begin.IsZero():
			out.Notes = append(out.Notes, "Reservation "+r.Name+" is not used: say with --begin when the jobs begin")
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: Reservation %q: %w", s.Name, r.Name, err)
		case len(told.Windows) == 0 || told.Windows[len(told.Windows)-1].End <= begin.UnixNano():
			out.Notes = append(out.Notes, fmt.Sprintf("Reservation %s has no window after %s, when the jobs begin", r.Name, begin.UTC().Format(time.RFC3339)))
			continue
		case !again.IsZero():
			out.Notes = append(out.Notes, fmt.Sprintf("Reservation %s: of its windows the first %d are used", r.Name, len(told.Windows)))
		}
		out.Events = append(out.Events, admission.SetReservation{Reservation: told})
	}
	return &out, nil
}

// check finds the LocalQueues that lead somewhere.
func (s *QueueSet) check() error {
	engine := admission.New(s.Config)
	locals := map[string]admission.LocalQueue{}
	for _, event := range s.Events {
		engine.Step(0, event)
		if lq, ok := event.(admission.SetLocalQueue); ok {
			locals[lq.Namespace+"/"+lq.Name] = lq.LocalQueue
		}
	}
	snapshot := engine.Snapshot()
	for _, cq := range snapshot.ClusterQueues {
		if cq.ActiveReason != "Ready" {
			s.Notes = append(s.Notes, fmt.Sprintf("ClusterQueue %s is inactive (%s): %s", cq.Name, cq.ActiveReason, cq.ActiveMessage))
		}
	}
	s.LocalQueues = nil
	for _, lq := range snapshot.LocalQueues {
		if lq.ActiveReason != "Ready" {
			s.Notes = append(s.Notes, fmt.Sprintf("LocalQueue %s/%s is inactive (%s): %s", lq.Namespace, lq.Name, lq.ActiveReason, lq.ActiveMessage))
			continue
		}
		s.LocalQueues = append(s.LocalQueues, locals[lq.Namespace+"/"+lq.Name])
	}
	if len(s.LocalQueues) == 0 {
		why := "give at least one LocalQueue and its ClusterQueue"
		if len(s.Notes) > 0 {
			why = strings.Join(s.Notes, "; ")
		}
		return fmt.Errorf("%s: no LocalQueue leads to a ClusterQueue that admits: %s", s.Name, why)
	}
	return nil
}

// outlived is for how long a simulated job that has outlived its limit is planned
// to go on. Nobody ends it as a manager would, and traces are full of them: one
// more plan a minute for each would be most of a simulation.
const outlived = 10 * time.Minute

// WithBackfill is a set in which all ClusterQueues plan alike.
func (s *QueueSet) WithBackfill(mode admission.BackfillMode) *QueueSet {
	out := *s
	out.Events = slices.Clone(s.Events)
	for i, event := range out.Events {
		if cq, ok := event.(admission.SetClusterQueue); ok {
			b := admission.Backfill{}
			if cq.Backfill != nil {
				b = *cq.Backfill
			}
			if b.Mode != mode {
				b.Mode, b.Depth = mode, 0
			}
			cq.Backfill = &b
			out.Events[i] = cq
		}
	}
	if out.Config.Overrun == 0 {
		out.Config.Overrun = int64(outlived)
	}
	return &out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Capacity is the cpu quota of all queues together, in thousandths.
func (s *QueueSet) Capacity() float64 {
	e, _ := s.entitlements()
	return e.Capacity()
}
