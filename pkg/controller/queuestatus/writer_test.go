package queuestatus

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// counter is an API server that takes every status and counts.
type counter struct {
	writes  []string
	patches []string
	version int
}

func (c *counter) update(_ context.Context, obj client.Object) error {
	c.version++
	obj.SetResourceVersion(strconv.Itoa(100 + c.version))
	c.writes = append(c.writes, fmt.Sprintf("%T %s", obj, obj.GetName()))
	return nil
}

func (c *counter) patch(_ context.Context, obj client.Object, patch []byte) error {
	c.version++
	c.patches = append(c.patches, obj.GetName())
	var change struct{ Metadata metav1.ObjectMeta }
	if err := json.Unmarshal(patch, &change); err != nil {
		return err
	}
	if change.Metadata.ResourceVersion != obj.GetResourceVersion() || change.Metadata.UID != obj.GetUID() {
		return fmt.Errorf("patch of %s is not made on what it was looked at: %s", obj.GetName(), patch)
	}
	obj.SetFinalizers(change.Metadata.Finalizers)
	obj.SetResourceVersion(strconv.Itoa(100 + c.version))
	return nil
}

// hall has queues, their statuses and a writer in a bubble of fake time.
type hall struct {
	*Writer
	server *counter
	state  *admission.Snapshot
}

func newHall(queues int) *hall {
	h := &hall{server: &counter{}, state: &admission.Snapshot{}}
	books := Books{ClusterQueues: ledger.NewBook[*v1beta1.ClusterQueue](nil), Cohorts: ledger.NewBook[*v1beta1.Cohort](nil),
		LocalQueues: ledger.NewBook[*v1beta1.LocalQueue](nil), Flavors: ledger.NewBook[*v1beta1.ResourceFlavor](nil)}
	for i := range queues {
		name := fmt.Sprintf("cq-%03d", i)
		meta := metav1.ObjectMeta{Name: name, Finalizers: []string{v1beta1.ResourceInUseFinalizer}, UID: types.UID(name), ResourceVersion: "1", Generation: 1}
		books.ClusterQueues.See(ledger.Key{Name: name}, &v1beta1.ClusterQueue{ObjectMeta: meta})
		h.state.ClusterQueues = append(h.state.ClusterQueues, admission.ClusterQueueStatus{Name: name, ActiveReason: "Ready"})
	}
	h.Writer = New(Config{Update: h.server.update, Patch: h.server.patch, Books: books,
		Snapshot: func() *admission.Snapshot { return h.state }, FairSharing: true, Log: logr.Discard()})
	return h
}

// move changes every queue, as a pass does that admits.
func (h *hall) move() {
	next := &admission.Snapshot{ClusterQueues: append([]admission.ClusterQueueStatus(nil), h.state.ClusterQueues...)}
	for i := range next.ClusterQueues {
		next.ClusterQueues[i].Admitted++
	}
	h.state = next
}

func TestStatusesAreFinalSoonAfterQuietAndFewBefore(t *testing.T) {
	t.Run("60 queues", func(t *testing.T) { testFinalAfterQuiet(t, 60) })
	t.Run("2000 queues", func(t *testing.T) { testFinalAfterQuiet(t, 2000) })
}

func testFinalAfterQuiet(t *testing.T, queues int) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(queues)
		ctx := t.Context()
		go func() { _ = h.Start(ctx) }()
		for range 200 { // 20 seconds in which everything changes ten times a second
			h.move()
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if busy := len(h.server.writes); busy > 200 {
			t.Errorf("%d writes in 20 seconds", busy)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for i := range h.state.ClusterQueues {
			cq, _ := h.books.ClusterQueues.Get(ledger.Key{Name: h.state.ClusterQueues[i].Name})
			if cq.Status.AdmittedWorkloads != 200 {
				t.Errorf("%s says %d after 10 quiet seconds", cq.Name, cq.Status.AdmittedWorkloads)
			}
		}
		settled := len(h.server.writes)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(h.server.writes) != settled {
			t.Errorf("%d writes although nothing changes", len(h.server.writes)-settled)
		}
	})
}

func TestManyAdmissionsAllowMoreStatuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(1000)
		ctx := t.Context()
		go func() { _ = h.Start(ctx) }()
		const admissions = 20000
		for range 100 {
			h.move()
			for range admissions / 100 {
				h.Admitted()
			}
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		if got := len(h.server.writes); got < 300 || got > admissions/20 {
			t.Errorf("%d writes for %d admissions", got, admissions)
		}
	})
}

func TestNobodyIsStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(40)
		ctx := t.Context()
		go func() { _ = h.Start(ctx) }()
		for range 120 {
			h.move()
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		seen := map[string]int{}
		for _, w := range h.server.writes {
			seen[w]++
		}
		if len(seen) != 40 {
			t.Errorf("only %d of 40 queues were written", len(seen))
		}
	})
}
