package cache

import "fairlead.dev/fairlead/pkg/quota"

// Index numbers flavor-resources and resources in the order in which they are
// first seen. Numbers are never given twice.
type Index struct {
	frs       []quota.FlavorResource
	resource  []int32 // of each flavor-resource
	number    map[quota.FlavorResource]int32
	resources map[string]int32
}

func newIndex() Index {
	return Index{number: map[quota.FlavorResource]int32{}, resources: map[string]int32{}}
}

// Number is the number of a flavor-resource.
func (x *Index) Number(flavor, resource string) int32 {
	k := quota.FlavorResource{Flavor: flavor, Resource: resource}
	if n, ok := x.number[k]; ok {
		return n
	}
	r, ok := x.resources[resource]
	if !ok {
		r = int32(len(x.resources))
		x.resources[resource] = r
	}
	n := int32(len(x.frs))
	x.number[k] = n
	x.frs = append(x.frs, k)
	x.resource = append(x.resource, r)
	return n
}

// Name is the flavor-resource that has number n.
func (x *Index) Name(n int32) quota.FlavorResource { return x.frs[n] }

// Label is where Name is written. It is never written again.
func (x *Index) Label(n int32) *quota.FlavorResource { return &x.frs[n] }
