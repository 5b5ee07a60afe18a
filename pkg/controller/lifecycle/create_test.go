package lifecycle

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/job"
	"fairlead.dev/fairlead/pkg/job/batchjob"
)

// nursery is an API server that creates Workloads, and may lose them.
type nursery struct {
	created, reads int
	lost           bool
	last           *v1beta1.Workload
}

func (n *nursery) Do(_ context.Context, _ job.Kind, w *Write) (client.Object, error) {
	n.created++
	n.last = &v1beta1.Workload{}
	if err := json.Unmarshal(w.Body, n.last); err != nil {
		return nil, err
	}
	n.last.UID, n.last.ResourceVersion, n.lost = types.UID(w.Name+time.Now().String()), "7", false
	return n.last, nil
}

func (n *nursery) ReadWorkload(context.Context, string, string) (*v1beta1.Workload, error) {
	n.reads++
	if n.lost {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, "gone")
	}
	return n.last, nil
}

func (n *nursery) ReadJob(context.Context, job.Kind, string, string) (client.Object, error) {
	return nil, apierrors.NewNotFound(schema.GroupResource{}, "gone")
}

// A Workload that we have created is known at once. Until the watch shows it the
// server is asked now and then whether it is still there; where it was deleted
// and the watch has missed that, another is created.
func TestACreatedWorkloadIsKnownAtOnceAndNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene()
		n := &nursery{}
		key := keyOf(s.workload)
		x := New(Config{
			API: n, Kind: batchjob.Kind{}, Engine: &forgotten{}, Reporter: &silent{}, Log: logr.Discard(), Facts: &s.facts,
			Workloads: ledger.NewBook[*v1beta1.Workload](nil), Jobs: ledger.NewBook[client.Object](nil),
		})
		defer x.queue.ShutDown()
		x.config.Jobs.See(key, s.job)
		expect := func(after time.Duration, created, reads int) {
			t.Helper()
			time.Sleep(after)
			x.work(t.Context(), key)
			if n.created != created || n.reads != reads {
				t.Fatalf("%d created, %d reads; not %d, %d", n.created, n.reads, created, reads)
			}
			if _, known := x.config.Workloads.Get(key); !known && !n.lost {
				t.Fatal("the Workload is not known")
			}
		}
		expect(0, 1, 0)
		expect(createdGrace/2, 1, 0)
		expect(createdGrace, 1, 1) // it is there
		expect(createdGrace/2, 1, 1)
		n.lost = true
		expect(createdGrace, 1, 2)
		expect(0, 2, 2)
		x.config.Workloads.See(key, n.last)
		expect(2*createdGrace, 2, 2) // the watch has shown it
	})
}
