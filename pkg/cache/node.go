package cache

import (
	"strings"

	"fairlead.dev/fairlead/pkg/quota"
)

// Spec is what a node's object says.
type Spec struct {
	Parent      string // name of a Cohort, "" for none
	WeightMilli int64  // fair-sharing weight in thousandths
	Quotas      []Quota
}

// Quota is the quota of one flavor-resource, numbered by the Forest.
type Quota struct {
	FR int32
	quota.Quota
}

// implicit is the specification of a Cohort that is named but not created.
var implicit = Spec{WeightMilli: 1000}

// Node is a ClusterQueue or a Cohort.
//
// Invariant: usage, held and leaving have no zero amounts and name no flavor-resource
// twice; unless the tree is stale, the tree's cell of each flavor-resource
// holds the sum of usage and held for a ClusterQueue, and that of the tree
// ahead, if there is one, the same less leaving.
type Node struct {
	Name   string
	Cohort bool
	Spec   Spec
	// Exists says that the object exists, and is not only named by another or
	// charged with what was admitted before it was deleted.
	Exists bool

	tree     *Tree
	at       int32
	usage    []quota.Request // charged by workloads
	held     []quota.Request // held for workloads
	leaving  []quota.Request // of usage, by workloads that are being evicted
	children []*Node
	mark     int
}

// Tree is the tree that the node is in, valid after Sync, and its number there.
func (n *Node) Tree() (t *Tree, at int32) { return n.tree, n.at }

// Used is what workloads are charged at the node of flavor-resource fr, holds
// not included.
func (n *Node) Used(fr int32) quota.Amount { return amountOf(n.usage, fr) }

// Held is what is held at the node of flavor-resource fr.
func (n *Node) Held(fr int32) quota.Amount { return amountOf(n.held, fr) }

// Leaving is what of the node's charges of fr is about to be given back.
func (n *Node) Leaving(fr int32) quota.Amount { return amountOf(n.leaving, fr) }

// Usage is everything that is charged at the node, in no particular order. The
// slice is the node's own.
func (n *Node) Usage() []quota.Request { return n.usage }

func amountOf(list []quota.Request, fr int32) quota.Amount {
	for i := range list {
		if list[i].FR == fr {
			return list[i].Amount
		}
	}
	return 0
}

// bump changes the amount of fr in a list and drops it at zero.
func bump(list []quota.Request, fr int32, delta quota.Amount) []quota.Request {
	for i := range list {
		if list[i].FR != fr {
			continue
		}
		if list[i].Amount += delta; list[i].Amount == 0 {
			list[i] = list[len(list)-1]
			return list[:len(list)-1]
		}
		return list
	}
	return append(list, quota.Request{FR: fr, Amount: delta})
}

func compareNodes(a, b *Node) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	if a.Cohort {
		return -1
	}
	return 1
}
