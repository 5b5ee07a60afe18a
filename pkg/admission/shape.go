package admission

import (
	"encoding/binary"
	"slices"
)

// shape is what scheduling knows of a workload apart from its place in the
// order: its pod sets. Equal pod sets share one shape, so that one verdict
// serves all workloads that have it.
type shape struct {
	number  int32
	refs    int32
	key     string
	podSets []PodSet
	// partial is the pod set that may be reduced, -1 if none.
	partial int32
	// misconfigured, if not empty, says why it can never be admitted.
	misconfigured string
}

// shapes gives each distinct list of pod sets a small number for as long as a
// workload has it.
type shapes struct {
	byKey  map[string]*shape
	list   []*shape
	vacant []int32
	buf    []byte
	keys   []string
}

// intern returns the shape of a workload and counts one more user of it.
func (s *shapes) intern(w *Workload) *shape {
	podSets := w.PodSets
	s.buf = s.buf[:0]
	s.text(w.Misconfigured)
	for i := range podSets {
		s.encode(&podSets[i])
	}
	if sh := s.byKey[string(s.buf)]; sh != nil {
		sh.refs++
		return sh
	}
	sh := &shape{refs: 1, key: string(s.buf), podSets: podSets, partial: -1, misconfigured: w.Misconfigured}
	for i := range podSets {
		if m := podSets[i].MinCount; m > 0 && m < podSets[i].Count && sh.partial < 0 {
			sh.partial = int32(i)
		}
	}
	if n := len(s.vacant); n > 0 {
		sh.number = s.vacant[n-1]
		s.vacant = s.vacant[:n-1]
		s.list[sh.number] = sh
	} else {
		sh.number = int32(len(s.list))
		s.list = append(s.list, sh)
	}
	s.byKey[sh.key] = sh
	return sh
}

// release counts one user less.
func (s *shapes) release(sh *shape) {
	if sh == nil {
		return
	}
	if sh.refs--; sh.refs == 0 {
		delete(s.byKey, sh.key)
		s.list[sh.number] = nil
		s.vacant = append(s.vacant, sh.number)
	}
}

func (s *shapes) text(t string) {
	s.buf = binary.AppendUvarint(s.buf, uint64(len(t)))
	s.buf = append(s.buf, t...)
}

func (s *shapes) number(n int64) { s.buf = binary.AppendVarint(s.buf, n) }

// size is how many pods of a pod set that runs with count of them ask for
// quota: reclaimable pods are those that the pod set no longer has.
func (p *PodSet) size(count int32) int32 {
	return max(0, min(count, p.Count-max(0, p.Reclaimable)))
}

// alike says whether two shapes ask the same wherever the same flavors are
// open to them.
func (s *shape) alike(o *shape) bool {
	if s == o {
		return true
	}
	if len(s.podSets) != len(o.podSets) || s.misconfigured != o.misconfigured {
		return false
	}
	for i := range s.podSets {
		a, b := &s.podSets[i], &o.podSets[i]
		if a.Count != b.Count || a.Reclaimable != b.Reclaimable || a.least() != b.least() || !slices.Equal(a.Requests, b.Requests) {
			return false
		}
	}
	return true
}

// least is the smallest count that the pod set may have.
func (p *PodSet) least() int32 {
	if p.MinCount > 0 {
		return min(p.MinCount, p.Count)
	}
	return p.Count
}

// encode appends a pod set to buf so that different pod sets give different
// bytes.
func (s *shapes) encode(p *PodSet) {
	s.text(p.Name)
	s.number(int64(p.Count))
	s.number(int64(p.MinCount))
	s.number(int64(p.Reclaimable))
	s.number(int64(len(p.Requests)))
	for _, r := range p.Requests {
		s.text(r.Resource)
		s.number(r.Amount)
	}
	s.keys = s.keys[:0]
	for k := range p.NodeSelector {
		s.keys = append(s.keys, k)
	}
	slices.Sort(s.keys)
	s.number(int64(len(s.keys)))
	for _, k := range s.keys {
		s.text(k)
		s.text(p.NodeSelector[k])
	}
	s.number(int64(len(p.Affinity)))
	for _, t := range p.Affinity {
		s.number(int64(len(t.Requirements)))
		for _, r := range t.Requirements {
			s.text(r.Key)
			s.text(r.Operator)
			s.number(int64(len(r.Values)))
			for _, v := range r.Values {
				s.text(v)
			}
		}
	}
	s.number(int64(len(p.Tolerations)))
	for _, t := range p.Tolerations {
		s.text(t.Key)
		s.text(t.Operator)
		s.text(t.Value)
		s.text(t.Effect)
	}
}
