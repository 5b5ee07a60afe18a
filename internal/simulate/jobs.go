package simulate

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/simulation"
	"fairlead.dev/fairlead/pkg/simulation/model"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// Generators are the names of the models that make jobs up.
var Generators = []string{"hep", "lublin"}

// Generate makes jobs up for the LocalQueues of a set, in proportion to the
// quota of their ClusterQueues.
func Generate(generator string, set *QueueSet, jobs int, seed uint64, load float64) (*trace.Trace, error) {
	e, names := set.entitlements()
	config := model.Config{Jobs: jobs, Seed: seed, Cores: int64(e.Capacity()), Load: load}
	doors := map[string]float64{} // LocalQueues of each ClusterQueue
	for _, lq := range set.LocalQueues {
		doors[lq.ClusterQueue]++
	}
	nominal := set.nominal()
	for _, lq := range set.LocalQueues {
		at, _ := slices.BinarySearch(names, lq.ClusterQueue)
		config.Largest = max(config.Largest, int64(min(e.Most(at), math.MaxInt64/2)))
		// Who owns little has work all the same.
		share := max(nominal[lq.ClusterQueue], e.Capacity()/50)
		config.Queues = append(config.Queues, model.Queue{Name: lq.Namespace + "/" + lq.Name, Share: share / doors[lq.ClusterQueue]})
	}
	switch generator {
	case "hep":
		return model.HEP(config)
	case "lublin":
		return model.Lublin(config)
	}
	return nil, fmt.Errorf("--generator %q: use %s", generator, strings.Join(Generators, " or "))
}

// entitlements are those of the set's cpu quota, and the names of its
// ClusterQueues, sorted.
func (s *QueueSet) entitlements() (*simulation.Entitlements, []string) {
	names := sortedKeys(s.nominal())
	return simulation.NewEntitlements(s.Events, "cpu", names), names
}

// nominal is the cpu quota of each ClusterQueue.
func (s *QueueSet) nominal() map[string]float64 {
	out := map[string]float64{}
	for _, event := range s.Events {
		cq, ok := event.(admission.SetClusterQueue)
		if !ok {
			continue
		}
		out[cq.Name] = 0
		for _, g := range cq.Groups {
			for _, f := range g.Flavors {
				for _, q := range f.Quotas {
					if q.Resource == "cpu" {
						out[cq.Name] += float64(q.Nominal)
					}
				}
			}
		}
	}
	return out
}

// Formats are the names of the formats of traces.
var Formats = []string{"swf", "jsonl"}

// ReadTrace reads a trace.
func ReadTrace(r io.Reader, format string, by trace.QueueField) (*trace.Trace, error) {
	switch format {
	case "swf":
		return trace.ReadSWF(r, by)
	case "jsonl":
		return trace.ReadJSONLines(r)
	}
	return nil, fmt.Errorf("--format %q: use %s", format, strings.Join(Formats, " or "))
}

// Assign finds a LocalQueue for each queue that a trace names: the one that is
// called NAMESPACE/NAME or NAME, else, those with most work first, the one
// whose ClusterQueue has least work for its quota. Notes tell the latter.
func Assign(t *trace.Trace, set *QueueSet) (queues []simulation.LocalQueue, notes []string) {
	work := make([]float64, len(t.Queues))
	for i := range t.Jobs {
		j := &t.Jobs[i]
		work[j.Queue] += float64(t.Shapes[j.Shape].Cores) / 1000 * j.Run.Seconds()
	}
	nominal := set.nominal()
	given := map[string]float64{} // work by ClusterQueue
	queues = make([]simulation.LocalQueue, len(t.Queues))
	var homeless []int
	for i, name := range t.Queues {
		lq := set.named(name)
		if lq == nil {
			homeless = append(homeless, i)
			continue
		}
		queues[i] = simulation.LocalQueue{Namespace: lq.Namespace, Name: lq.Name}
		given[lq.ClusterQueue] += work[i]
	}
	slices.SortStableFunc(homeless, func(a, b int) int { return cmp.Compare(work[b], work[a]) })
	for _, i := range homeless {
		best := &set.LocalQueues[0]
		load := func(lq *admission.LocalQueue) float64 {
			return (given[lq.ClusterQueue] + work[i]) / max(nominal[lq.ClusterQueue], 1)
		}
		for k := range set.LocalQueues {
			if lq := &set.LocalQueues[k]; load(lq) < load(best) {
				best = lq
			}
		}
		queues[i] = simulation.LocalQueue{Namespace: best.Namespace, Name: best.Name}
		given[best.ClusterQueue] += work[i]
		notes = append(notes, fmt.Sprintf("%s of the trace is no LocalQueue: its jobs go to %s/%s", t.Queues[i], best.Namespace, best.Name))
	}
	return queues, notes
}

// named is the LocalQueue of a name, nil if there is none or more than one.
func (s *QueueSet) named(name string) *admission.LocalQueue {
	var found *admission.LocalQueue
	for i := range s.LocalQueues {
		lq := &s.LocalQueues[i]
		if lq.Namespace+"/"+lq.Name == name {
			return lq
		}
		if lq.Name == name {
			if found != nil {
				return nil
			}
			found = lq
		}
	}
	return found
}

// mostOwnQueues is how many queues of a trace get a ClusterQueue of their own.
const mostOwnQueues = 16

// QueuesFor makes queues for a trace: one Cohort of the machine's cores, and for
// each queue with much work a ClusterQueue that owns its part of them. The
// machine is as large as cores says (in thousandths), else the trace, else so
// that the load is 0.8.
func QueuesFor(t *trace.Trace, cores int64) (*QueueSet, error) {
	note := fmt.Sprintf("queues made for the trace: %d cores, divided by work", cores/1000)
	if cores <= 0 {
		cores = t.MaxCores
		note = fmt.Sprintf("queues made for the trace: %d cores as its header says, divided by work", cores/1000)
	}
	if cores <= 0 {
		largest := int64(1000)
		for _, s := range t.Shapes {
			largest = max(largest, s.Cores)
		}
		cores = max(largest, int64(t.Load(1000)/0.8*1000))
		note = fmt.Sprintf("queues made for the trace: it does not tell the machine's size; %d cores make a load of about 0.8 (--cores sets them)", (cores+999)/1000)
	}
	work := make([]float64, len(t.Queues))
	sum := 0.0
	for i := range t.Jobs {
		j := &t.Jobs[i]
		w := float64(t.Shapes[j.Shape].Cores)/1000*j.Run.Seconds() + 1
		work[j.Queue] += w
		sum += w
	}
	order := make([]int, len(work))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(work[b], work[a]) })
	p := newParser()
	p.flavors["default"] = admission.SetFlavor{Flavor: admission.Flavor{Name: "default"}}
	p.cohorts["machine"] = admission.SetCohort{Cohort: admission.Cohort{Name: "machine", WeightMilli: 1000}}
	left, others := (cores+999)/1000, 0.0
	for rank, i := range order {
		if rank >= mostOwnQueues {
			others += work[i]
			continue
		}
		own := min(left, int64(math.Round(float64(cores)/1000*work[i]/sum)))
		left -= own
		p.queue(t.Queues[i], own*1000)
	}
	if left > 0 || others > 0 {
		p.queue("others", left*1000)
	}
	p.notes = append(p.notes, note)
	return p.set("queues made for the trace")
}

// queue adds a ClusterQueue of the machine with its LocalQueue.
func (p *parser) queue(name string, cores quota.Amount) {
	namespace, local, ok := strings.Cut(name, "/")
	if !ok {
		local = namespace
	}
	name = strings.ReplaceAll(name, "/", "-")
	p.clusterQueues[name] = admission.SetClusterQueue{ClusterQueue: admission.ClusterQueue{
		Name: name, Cohort: "machine", WeightMilli: 1000, Namespaces: &admission.Selector{},
		Groups: []admission.ResourceGroup{{Resources: []string{"cpu"}, Flavors: []admission.FlavorQuotas{
			{Flavor: "default", Quotas: []admission.ResourceQuota{{Resource: "cpu", Nominal: cores}}},
		}}},
	}}
	p.localQueues[namespace+"/"+local] = admission.LocalQueue{Namespace: namespace, Name: local, ClusterQueue: name, WeightMilli: 1000}
}
