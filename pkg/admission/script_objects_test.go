package admission

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fairlead.dev/fairlead/pkg/quota"
)

// How the scripts write objects: words of the form key=value. What is no
// option is an amount of a resource; a quota is FLAVOR:RESOURCE=NOMINAL, with
// limits as in cpu=10,borrow=5,lend=3; a bar begins the next resource group or
// pod set.

// clusterQueue: NAME [cohort= strict stop= weight= selector=KEY:VALUE|none
// inactive= when-can-borrow= when-can-preempt= preference= within= reclaim=
// borrow-within= threshold= min-runtime= no-door] QUOTA... Its first sight makes a LocalQueue of its
// name in namespace ns too, unless no-door is said.
func (s *script) clusterQueue(args []string) {
	cq := ClusterQueue{Name: args[0], Namespaces: &Selector{}, WeightMilli: 1000}
	door := !s.doors[cq.Name]
	s.doors[cq.Name] = true
	var quotas []string
	for _, a := range args[1:] {
		key, value, _ := strings.Cut(a, "=")
		switch key {
		case "cohort":
			cq.Cohort = value
		case "strict":
			cq.Strategy = StrictFIFO
		case "stop":
			cq.Stop = StopPolicy(value)
		case "weight":
			cq.WeightMilli = s.thousandths(value)
		case "selector":
			cq.Namespaces = s.selector(value)
		case "inactive":
			cq.Inactive = value
		case "when-can-borrow":
			cq.Fungibility.WhenCanBorrow = FungibilityPolicy(value)
		case "when-can-preempt":
			cq.Fungibility.WhenCanPreempt = FungibilityPolicy(value)
		case "preference":
			cq.Fungibility.Preference = FungibilityPreference(value)
		case "within":
			cq.Preemption.WithinClusterQueue = value
		case "reclaim":
			cq.Preemption.ReclaimWithinCohort = value
		case "borrow-within":
			cq.Preemption.BorrowWithinCohort = value
		case "threshold":
			threshold := int32(s.number(value))
			cq.Preemption.MaxPriorityThreshold = &threshold
		case "min-runtime": // seconds
			cq.MinimumRuntime = s.number(value)
		case "no-door":
			door = false
		default:
			quotas = append(quotas, a)
		}
	}
	cq.Groups = s.groups(quotas)
	s.edit(SetClusterQueue{cq})
	if door {
		s.edit(SetLocalQueue{LocalQueue{Namespace: "ns", Name: cq.Name, ClusterQueue: cq.Name}})
	}
}

// cohort: NAME [parent= weight=] QUOTA...
func (s *script) cohort(args []string) {
	c := Cohort{Name: args[0], WeightMilli: 1000}
	var quotas []string
	for _, a := range args[1:] {
		switch key, value, _ := strings.Cut(a, "="); key {
		case "parent":
			c.Parent = value
		case "weight":
			c.WeightMilli = s.thousandths(value)
		default:
			quotas = append(quotas, a)
		}
	}
	c.Groups = s.groups(quotas)
	s.edit(SetCohort{c})
}

// flavor: NAME [label=KEY:VALUE] [taint=KEY:VALUE:EFFECT] [tolerate=...]
func (s *script) flavor(args []string) {
	f := Flavor{Name: args[0]}
	for _, a := range args[1:] {
		switch key, value, _ := strings.Cut(a, "="); key {
		case "label":
			if f.NodeLabels == nil {
				f.NodeLabels = map[string]string{}
			}
			k, v, _ := strings.Cut(value, ":")
			f.NodeLabels[k] = v
		case "taint":
			p := strings.Split(value, ":")
			f.Taints = append(f.Taints, Taint{Key: p[0], Value: p[1], Effect: p[2]})
		case "tolerate":
			f.Tolerations = append(f.Tolerations, toleration(value))
		default:
			s.fail("flavor: %s?", a)
		}
	}
	s.edit(SetFlavor{f})
}

// toleration: KEY (exists), KEY:VALUE (equals) or KEY:VALUE:EFFECT.
func toleration(text string) Toleration {
	p := strings.Split(text, ":")
	t := Toleration{Key: p[0], Operator: "Exists"}
	if len(p) > 1 {
		t.Operator, t.Value = "Equal", p[1]
	}
	if len(p) > 2 {
		t.Effect = p[2]
	}
	return t
}

// localQueue: [NAMESPACE/]NAME to=CLUSTER-QUEUE [stop=]
func (s *script) localQueue(args []string) {
	name := s.localName(args[0])
	l := LocalQueue{Namespace: name.namespace, Name: name.name}
	for _, a := range args[1:] {
		switch key, value, _ := strings.Cut(a, "="); key {
		case "to":
			l.ClusterQueue = value
		case "stop":
			l.Stop = StopPolicy(value)
		default:
			s.fail("local-queue: %s?", a)
		}
	}
	s.edit(SetLocalQueue{l})
}

func (s *script) localName(text string) localName {
	if namespace, name, ok := strings.Cut(text, "/"); ok {
		return localName{namespace, name}
	}
	return localName{"ns", text}
}

// groups reads quotas; resources of a group may be listed in any order.
func (s *script) groups(args []string) []ResourceGroup {
	var all []ResourceGroup
	g := &ResourceGroup{}
	for _, a := range append(args, "|") {
		if a == "|" {
			if len(g.Flavors) > 0 {
				all = append(all, *g)
			}
			g = &ResourceGroup{}
			continue
		}
		what, limits, ok := strings.Cut(a, "=")
		flavor, resource, named := strings.Cut(what, ":")
		if !named {
			flavor, resource = "default", what
		}
		if !ok {
			s.fail("%s is no quota", a)
		}
		at := slices.IndexFunc(g.Flavors, func(f FlavorQuotas) bool { return f.Flavor == flavor })
		if at < 0 {
			at = len(g.Flavors)
			g.Flavors = append(g.Flavors, FlavorQuotas{Flavor: flavor})
		}
		if !slices.Contains(g.Resources, resource) {
			g.Resources = append(g.Resources, resource)
		}
		g.Flavors[at].Quotas = append(g.Flavors[at].Quotas, s.quota(resource, limits))
	}
	return all
}

func (s *script) quota(resource, text string) ResourceQuota {
	parts := strings.Split(text, ",")
	q := ResourceQuota{Resource: resource, Nominal: s.amount(resource, parts[0])}
	for _, p := range parts[1:] {
		key, value, _ := strings.Cut(p, "=")
		amount := s.amount(resource, value)
		switch key {
		case "borrow":
			q.BorrowingLimit = &amount
		case "lend":
			q.LendingLimit = &amount
		default:
			s.fail("quota: %s?", p)
		}
	}
	return q
}

// described returns a copy of a Workload as options say: [to=[NAMESPACE/]QUEUE
// priority= time= inactive[=false] evicted not-before= reserved= min-runtime= misconfigured=], and its
// pod sets: [name= count= min= reclaimable= node=KEY:VALUE affinity=TERM
// tolerate=...] AMOUNT... A TERM is KEY:OPERATOR:VALUE..., joined by "&".
func (s *script) described(old *Workload, options []string) *Workload {
	w := *old
	w.PodSets = slices.Clone(w.PodSets)
	if len(w.PodSets) == 0 {
		w.PodSets = []PodSet{{Name: "main", Count: 1}}
	}
	at := 0
	for _, o := range options {
		key, value, _ := strings.Cut(o, "=")
		switch key {
		case "to":
			l := s.localName(value)
			w.Namespace, w.Queue = l.namespace, l.name
		case "priority":
			w.Priority = int32(s.number(value))
		case "time":
			w.QueueTime = s.number(value)
		case "inactive":
			w.Inactive = value != "false"
		case "evicted":
			w.Evicted = true
		case "not-before":
			w.NotBefore = s.time(value)
		case "reserved": // when it reserved quota
			w.ReservedAt = s.time(value)
			w.AdmittedAt = w.ReservedAt
		case "min-runtime": // seconds
			w.MinimumRuntime = s.number(value)
		case "misconfigured":
			w.Misconfigured = value
		case "|":
			if at++; at == len(w.PodSets) {
				w.PodSets = append(w.PodSets, PodSet{Name: fmt.Sprint("set", at), Count: 1})
			}
		default:
			s.podSet(&w.PodSets[at], key, value)
		}
	}
	return &w
}

func (s *script) podSet(p *PodSet, key, value string) {
	switch key {
	case "name":
		p.Name = value
	case "count":
		p.Count = int32(s.number(value))
	case "min":
		p.MinCount = int32(s.number(value))
	case "reclaimable":
		p.Reclaimable = int32(s.number(value))
	case "node":
		p.NodeSelector = s.labels([]string{value})
	case "affinity":
		var term Selector
		for r := range strings.SplitSeq(value, "&") {
			if r != "" {
				term.Requirements = append(term.Requirements, requirement(r))
			}
		}
		p.Affinity = append(slices.Clone(p.Affinity), term)
	case "tolerate":
		p.Tolerations = append(slices.Clone(p.Tolerations), toleration(value))
	default:
		r := quota.ResourceAmount{Resource: key, Amount: s.amount(key, value)}
		rest := slices.DeleteFunc(slices.Clone(p.Requests), func(o quota.ResourceAmount) bool { return o.Resource == key })
		p.Requests = append(rest, r)
		slices.SortFunc(p.Requests, func(a, b quota.ResourceAmount) int { return strings.Compare(a.Resource, b.Resource) })
	}
}

// selector: none matches nothing, KEY:VALUE a label, all everything.
func (s *script) selector(text string) *Selector {
	switch text {
	case "none":
		return nil
	case "all":
		return &Selector{}
	}
	k, v, _ := strings.Cut(text, ":")
	return &Selector{Requirements: []Requirement{{Key: k, Operator: "In", Values: []string{v}}}}
}

func requirement(text string) Requirement {
	p := strings.Split(text, ":")
	return Requirement{Key: p[0], Operator: p[1], Values: p[2:]}
}

func (s *script) labels(args []string) map[string]string {
	labels := map[string]string{}
	for _, a := range args {
		k, v, _ := strings.Cut(a, ":")
		labels[k] = v
	}
	return labels
}

// uids reads the words before the first option; NAME{1..3} stands for three.
func (s *script) uids(args []string) (uids, rest []string) {
	for i, a := range args {
		if strings.Contains(a, "=") || a == "|" || a == "evicted" || a == "inactive" {
			return uids, args[i:]
		}
		prefix, span, ranged := strings.Cut(a, "{")
		if !ranged {
			uids = append(uids, a)
			continue
		}
		from, to, _ := strings.Cut(strings.TrimSuffix(span, "}"), "..")
		for n := s.number(from); n <= s.number(to); n++ {
			uids = append(uids, fmt.Sprint(prefix, n))
		}
	}
	return uids, nil
}

func (s *script) number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.fail("%v", err)
	}
	return n
}

// time reads nanoseconds, or seconds where an s follows.
func (s *script) time(text string) int64 {
	if n, ok := strings.CutSuffix(text, "s"); ok {
		return s.number(n) * 1_000_000_000
	}
	return s.number(text)
}

// thousandths reads a weight, for example 2 or 0.5.
func (s *script) thousandths(text string) int64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		s.fail("%v", err)
	}
	return int64(f * 1000)
}

// amount reads an amount: cores of cpu, or 500m; else a number, or 2Gi.
func (s *script) amount(resource, text string) quota.Amount {
	if text == "unlimited" {
		return quota.Unlimited
	}
	unit := int64(1)
	if resource == "cpu" {
		unit = 1000
	}
	if n, ok := strings.CutSuffix(text, "m"); ok {
		text, unit = n, 1
	}
	if n, ok := strings.CutSuffix(text, "Gi"); ok {
		text, unit = n, 1<<30
	}
	return s.number(text) * unit
}
