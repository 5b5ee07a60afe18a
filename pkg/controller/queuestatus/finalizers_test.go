package queuestatus

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
)

func TestFinalizers(t *testing.T) {
	gone := metav1.Now()
	for name, c := range map[string]struct {
		has, deleting, closing bool
		reserving              int32
		patched                bool
	}{
		"new":                               {patched: true},
		"kept":                              {has: true},
		"kept and in use":                   {has: true, reserving: 1},
		"deleted, the engine does not know": {has: true, deleting: true},
		"deleted and in use":                {has: true, deleting: true, closing: true, reserving: 1},
		"deleted and free":                  {has: true, deleting: true, closing: true, patched: true},
		"deleted, held by another":          {deleting: true, closing: true},
	} {
		h := newHall(0)
		cq := &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "q", UID: "q", ResourceVersion: "1", Finalizers: []string{"other.example/kept"}}}
		if c.has {
			cq.Finalizers = append(cq.Finalizers, v1beta1.ResourceInUseFinalizer)
		}
		if c.deleting {
			cq.DeletionTimestamp = &gone
		}
		h.books.ClusterQueues.See(ledger.Key{Name: "q"}, cq)
		h.state.ClusterQueues = []admission.ClusterQueueStatus{{Name: "q", Closing: c.closing, Reserving: c.reserving}}
		h.keep(t.Context(), h.state)
		h.keep(t.Context(), h.state) // and leaves it at that
		if got := len(h.server.patches) == 1; got != c.patched {
			t.Errorf("%s: patches %v", name, h.server.patches)
		}
		now, _ := h.books.ClusterQueues.Get(ledger.Key{Name: "q"})
		if want := c.has != c.patched; slices.Contains(now.Finalizers, v1beta1.ResourceInUseFinalizer) != want || now.Finalizers[0] != "other.example/kept" {
			t.Errorf("%s: finalizers %v", name, now.Finalizers)
		}
	}
}

func TestAFlavorIsKeptWhileItIsListed(t *testing.T) {
	gone := metav1.Now()
	for name, c := range map[string]struct{ has, deleting, listed, patched bool }{
		"listed":                  {listed: true, patched: true},
		"listed and kept":         {listed: true, has: true},
		"listed nowhere":          {},
		"not listed any more":     {has: true},
		"deleted while listed":    {listed: true, has: true, deleting: true},
		"deleted, listed nowhere": {has: true, deleting: true, patched: true},
	} {
		h := newHall(0)
		flavor := &v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: "f", UID: "f", ResourceVersion: "1"}}
		if c.has {
			flavor.Finalizers = []string{v1beta1.ResourceInUseFinalizer}
		}
		if c.deleting {
			flavor.DeletionTimestamp = &gone
		}
		h.books.Flavors.See(ledger.Key{Name: "f"}, flavor)
		cq := &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "q", UID: "q", ResourceVersion: "1", Finalizers: []string{v1beta1.ResourceInUseFinalizer}}}
		if c.listed {
			cq.Spec.ResourceGroups = []v1beta1.ResourceGroup{{Flavors: []v1beta1.FlavorQuotas{{Name: "f"}}}}
		}
		h.books.ClusterQueues.See(ledger.Key{Name: "q"}, cq)
		h.state.ClusterQueues = []admission.ClusterQueueStatus{{Name: "q"}}
		h.keep(t.Context(), h.state)
		if got := len(h.server.patches) == 1; got != c.patched {
			t.Errorf("%s: patches %v", name, h.server.patches)
		}
	}
}

func TestFinalizersAreWrittenAFewAtATime(t *testing.T) {
	h := newHall(3 * mostFinalizers)
	h.books.ClusterQueues.Each(func(_ ledger.Key, cq *v1beta1.ClusterQueue) bool {
		cq.Finalizers = nil
		return true
	})
	for tick := 1; tick <= 4; tick++ {
		h.keep(t.Context(), h.state)
		if want := min(tick, 3) * mostFinalizers; len(h.server.patches) != want {
			t.Fatalf("%d patches after %d ticks, want %d", len(h.server.patches), tick, want)
		}
	}
}

func TestOvercommitIsToldWhenItBegins(t *testing.T) {
	h := newHall(1)
	var told []string
	h.Overcommitted = func(cq *v1beta1.ClusterQueue, message string) { told = append(told, cq.Name+": "+message) }
	with := func(excess ...admission.Excess) *admission.Snapshot {
		return &admission.Snapshot{ClusterQueues: []admission.ClusterQueueStatus{{Name: "cq-000", Excess: excess}}}
	}
	over := admission.Excess{Flavor: "plain", Resource: "cpu", Amount: 2000}
	less := admission.Excess{Flavor: "plain", Resource: "cpu", Amount: 1000}
	h.tellOvercommit(nil)
	for _, snapshot := range []*admission.Snapshot{with(), with(over), with(less), with(), with(over)} {
		h.tellOvercommit(snapshot)
		h.tellOvercommit(snapshot)
	}
	want := []string{"cq-000: it uses 2 cpu of flavor plain more than its quota and borrowing limit allow"}
	if want = append(want, want[0]); !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
}
