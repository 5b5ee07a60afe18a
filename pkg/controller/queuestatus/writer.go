package queuestatus

import (
	"context"
	"sort"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
)

const (
	// busyRate is the number of status writes a second while queues change all
	// the time, quietRate when they have not changed for calm; perAdmission is
	// what each admission adds. Together they stay below the larger of 10 a
	// second and 5 % of the admission writes, and 80 statuses are final within
	// 10 seconds of quiet. So are more, as of a thousand queues that were made at
	// once: in quiet as many are written as it takes to be done in catchUp.
	busyRate     = 5.0
	quietRate    = 9.0
	calm         = time.Second
	catchUp      = 8 * time.Second
	perAdmission = 0.02
	// burst bounds what may be saved up.
	burst = 4.0
	// saved bounds what admissions add.
	saved = 500.0
	// least is the least time between two writes for one object.
	least = 2 * time.Second
	tick  = 250 * time.Millisecond
)

// Books are the newest sights of the objects whose statuses are written.
type Books struct {
	ClusterQueues *ledger.Book[*v1beta1.ClusterQueue]
	Cohorts       *ledger.Book[*v1beta1.Cohort]
	LocalQueues   *ledger.Book[*v1beta1.LocalQueue]
	Flavors       *ledger.Book[*v1beta1.ResourceFlavor]
}

// Update writes the status of an object to the API server and fills the object
// with the answer.
type Update func(context.Context, client.Object) error

// Patch applies a merge patch to an object and fills it with the answer.
type Patch func(ctx context.Context, obj client.Object, patch []byte) error

// Writer writes statuses, and the finalizers of what is in use.
type Writer struct {
	// Overcommitted is told when a ClusterQueue begins to use more than it may,
	// or to borrow what is not there.
	Overcommitted func(cq *v1beta1.ClusterQueue, message string)

	update      Update
	patch       Patch
	books       Books
	snapshot    func() *admission.Snapshot
	fairSharing bool
	log         logr.Logger

	admissions atomic.Int64
	written    map[string]time.Time // by kind and name
	behind     int                  // statuses that differed when looked at last
	seen       *admission.Snapshot  // the last one looked at without finding differences
	newest     *admission.Snapshot
	changed    time.Time           // when newest was first looked at
	kept       *admission.Snapshot // the last one that needed no finalizer changed
	told       *admission.Snapshot // the last one looked at for excesses

	overcommitted map[overcommitted]bool
}

// Config is what a Writer works with.
type Config struct {
	Update      Update
	Patch       Patch
	Books       Books
	Snapshot    func() *admission.Snapshot // the newest, nil while there is none
	FairSharing bool
	Log         logr.Logger
}

// New returns a Writer that is to be started.
func New(config Config) *Writer {
	return &Writer{
		Overcommitted: silent, update: config.Update, patch: config.Patch, books: config.Books,
		snapshot: config.Snapshot, fairSharing: config.FairSharing, log: config.Log, written: map[string]time.Time{},
	}
}

// Admitted counts an admission: the more there are, the more statuses may be
// written.
func (w *Writer) Admitted() { w.admissions.Add(1) }

// NeedLeaderElection keeps a standby from writing.
func (w *Writer) NeedLeaderElection() bool { return true }

// Start writes until the context ends.
func (w *Writer) Start(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	base, extra := burst, 0.0
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			w.tellOvercommit(w.snapshot())
			w.keep(ctx, w.snapshot())
			gain := w.rate(now) * tick.Seconds()
			base = min(base+gain, max(burst, gain))
			extra = min(extra+perAdmission*float64(w.admissions.Swap(0)), saved)
			spent := float64(w.write(ctx, now, int(base)+int(extra)))
			fromBase := min(spent, float64(int(base)))
			base -= fromBase
			extra -= spent - fromBase
		}
	}
}

// rate is the number of writes a second at the moment.
func (w *Writer) rate(now time.Time) float64 {
	if snapshot := w.snapshot(); snapshot != w.newest {
		w.newest, w.changed = snapshot, now
	}
	if now.Sub(w.changed) < calm {
		return busyRate
	}
	return max(quietRate, float64(w.behind)/catchUp.Seconds())
}

// pending is a status that differs from what it should be.
type pending struct {
	name  string // kind and name
	since time.Time
	put   func(context.Context) error
}

// write writes at most budget statuses, those first that were written longest
// ago, and returns how many.
func (w *Writer) write(ctx context.Context, now time.Time, budget int) int {
	snapshot := w.snapshot()
	if snapshot == nil || snapshot == w.seen || budget < 1 {
		return 0
	}
	all := w.differing(snapshot)
	if w.behind < len(all) || len(all) == 0 {
		w.behind = len(all) // it stays at its peak, or the last would take ever longer
	}
	if len(all) == 0 {
		w.seen = snapshot
		return 0
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].since.Before(all[j].since) })
	spent := 0
	for _, p := range all {
		if spent == budget || now.Sub(p.since) < least {
			break
		}
		spent++
		w.written[p.name] = now
		if err := p.put(ctx); err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && ctx.Err() == nil {
			w.log.Error(err, "queue status not written; it is tried again", "object", p.name)
		}
	}
	return spent
}

// differing lists the statuses that are not what they should be.
func (w *Writer) differing(snapshot *admission.Snapshot) []pending {
	var all []pending
	for i := range snapshot.ClusterQueues {
		now := &snapshot.ClusterQueues[i]
		key := ledger.Key{Name: now.Name}
		cq, ok := w.books.ClusterQueues.Get(key)
		if !ok {
			continue
		}
		if status := clusterQueueStatus(cq, now, w.fairSharing); !equality.Semantic.DeepEqual(cq.Status, status) {
			changed := cq.DeepCopy()
			changed.Status = status
			all = append(all, w.pending("ClusterQueue "+now.Name, func(ctx context.Context) error {
				return put(ctx, w.update, w.books.ClusterQueues, key, changed)
			}))
		}
	}
	for i := range snapshot.Cohorts {
		now := &snapshot.Cohorts[i]
		key := ledger.Key{Name: now.Name}
		cohort, ok := w.books.Cohorts.Get(key)
		if !ok {
			continue
		}
		if status := cohortStatus(cohort, now, w.fairSharing); !equality.Semantic.DeepEqual(cohort.Status, status) {
			changed := cohort.DeepCopy()
			changed.Status = status
			all = append(all, w.pending("Cohort "+now.Name, func(ctx context.Context) error {
				return put(ctx, w.update, w.books.Cohorts, key, changed)
			}))
		}
	}
	for i := range snapshot.LocalQueues {
		now := &snapshot.LocalQueues[i]
		key := ledger.Key{Namespace: now.Namespace, Name: now.Name}
		lq, ok := w.books.LocalQueues.Get(key)
		if !ok {
			continue
		}
		if status := localQueueStatus(lq, now); !equality.Semantic.DeepEqual(lq.Status, status) {
			changed := lq.DeepCopy()
			changed.Status = status
			all = append(all, w.pending("LocalQueue "+now.Namespace+"/"+now.Name, func(ctx context.Context) error {
				return put(ctx, w.update, w.books.LocalQueues, key, changed)
			}))
		}
	}
	return all
}

func (w *Writer) pending(name string, put func(context.Context) error) pending {
	return pending{name: name, since: w.written[name], put: put}
}

// put writes a status and files the answer.
func put[T client.Object](ctx context.Context, update Update, book *ledger.Book[T], key ledger.Key, changed T) error {
	if err := update(ctx, changed); err != nil {
		return err
	}
	changed.SetManagedFields(nil)
	book.Learn(key, changed)
	return nil
}
