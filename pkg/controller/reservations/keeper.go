package reservations

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

const (
	// tick is how often is looked whether there is anything to do.
	tick = 250 * time.Millisecond
	// least is the least time between two writes of one status; calm is that
	// between two that differ in the wording of a conflict alone.
	least = 2 * time.Second
	calm  = 30 * time.Second
)

// Books are the newest sights of the objects that Reservations are about.
type Books struct {
	Reservations  *ledger.Book[*v1beta1.Reservation]
	ClusterQueues *ledger.Book[*v1beta1.ClusterQueue]
	LocalQueues   *ledger.Book[*v1beta1.LocalQueue]
}

// Config is what a Keeper works with.
type Config struct {
	// Tell tells the engine, under a name that is the Reservation's alone.
	Tell func(name string, event admission.Event)
	// Snapshot is the newest picture of the engine, nil while there is none.
	Snapshot func() *admission.Snapshot
	// Update writes the status of an object and fills it with the answer.
	Update func(context.Context, client.Object) error
	// Leading is closed when this replica may write.
	Leading <-chan struct{}
	Log     logr.Logger
}

// Keeper keeps Reservations.
type Keeper struct {
	config Config
	books  Books

	mu      sync.Mutex
	plans   map[string]*plan
	changed bool // since the last look

	seen    *admission.Snapshot  // at the last look at which all statuses were right
	due     time.Time            // when a window begins or ends next, zero if none will
	written map[string]time.Time // by name
	clock   func() time.Time
}

// plan is what the engine was told of a Reservation.
type plan struct {
	reservation *v1beta1.Reservation
	told        admission.Reservation // nothing if there is a problem
	problem     string
	again       time.Time // when to tell it anew; zero for never
}

// New returns a Keeper that is to be given its Books and started.
func New(config Config) *Keeper {
	return &Keeper{config: config, plans: map[string]*plan{}, written: map[string]time.Time{}, clock: time.Now}
}

// Keep gives the Keeper its books, of which that of Reservations reports to
// Changed.
func (k *Keeper) Keep(books Books) { k.books = books }

// Changed is the ledger's Change of Reservations.
func (k *Keeper) Changed(key ledger.Key, was, is *v1beta1.Reservation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changed = true
	switch {
	case is == nil || is.DeletionTimestamp != nil:
		delete(k.plans, key.Name)
		k.config.Tell(nameOf(key.Name), admission.DeleteReservation{Name: key.Name})
	case was == nil || was.UID != is.UID || was.Generation != is.Generation:
		k.plan(is, k.clock())
	default:
		k.plans[key.Name].reservation = is
	}
}

func nameOf(reservation string) string { return "Reservation/" + reservation }

// plan tells the engine of a Reservation as it is now, unless it knows that
// already. k.mu is held.
func (k *Keeper) plan(r *v1beta1.Reservation, now time.Time) {
	p := &plan{reservation: r}
	was := k.plans[r.Name]
	k.plans[r.Name] = p
	told, again, err := translate.Reservation(r, now)
	p.again = again
	switch {
	case err != nil:
		p.problem = err.Error()
		k.config.Tell(nameOf(r.Name), admission.DeleteReservation{Name: r.Name})
	case len(told.Windows) == 0:
		k.config.Tell(nameOf(r.Name), admission.DeleteReservation{Name: r.Name})
	case was == nil || !reflect.DeepEqual(was.told, told):
		p.told = told
		k.config.Tell(nameOf(r.Name), admission.SetReservation{Reservation: told})
	default:
		p.told = told
	}
}

// NeedLeaderElection has a standby's engine know Reservations too.
func (k *Keeper) NeedLeaderElection() bool { return false }

// Start works until the context ends.
func (k *Keeper) Start(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			k.look(ctx, now)
		}
	}
}

// look tells the engine of windows that have come into view, and writes
// statuses that are not what they should be.
func (k *Keeper) look(ctx context.Context, now time.Time) {
	k.mu.Lock()
	for _, p := range k.plans {
		if !p.again.IsZero() && !now.Before(p.again) {
			k.plan(p.reservation, now)
		}
	}
	changed := k.changed
	k.changed = false
	k.mu.Unlock()
	select {
	case <-k.config.Leading:
	default:
		k.changedAgain(changed)
		return
	}
	snapshot := k.config.Snapshot()
	if snapshot == nil || !changed && snapshot == k.seen && (k.due.IsZero() || now.Before(k.due)) {
		k.changedAgain(changed)
		return
	}
	if k.write(ctx, snapshot, now) {
		k.seen = snapshot
	} else {
		k.seen = nil
	}
}

// changedAgain keeps what has changed for the next look.
func (k *Keeper) changedAgain(changed bool) {
	if changed {
		k.mu.Lock()
		k.changed = true
		k.mu.Unlock()
	}
}

// write writes the statuses that differ, and says whether all are right.
func (k *Keeper) write(ctx context.Context, snapshot *admission.Snapshot, now time.Time) bool {
	settled := true
	k.due = time.Time{}
	for _, s := range k.desired(snapshot, now) {
		if !s.edge.IsZero() && (k.due.IsZero() || s.edge.Before(k.due)) {
			k.due = s.edge
		}
		is := s.reservation
		if equality.Semantic.DeepEqual(is.Status, s.status) {
			continue
		}
		settled = false
		name := is.Name
		wait := least
		if reworded(&is.Status, &s.status) {
			wait = calm
		}
		if now.Sub(k.written[name]) < wait {
			continue
		}
		changed := is.DeepCopy()
		changed.Status = s.status
		k.written[name] = now
		err := k.config.Update(ctx, changed)
		if err == nil {
			changed.ManagedFields = nil
			k.books.Reservations.Learn(ledger.Key{Name: name}, changed)
		} else if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && ctx.Err() == nil {
			k.config.Log.Error(err, "status of a Reservation not written; it is tried again", "reservation", name)
		}
	}
	return settled
}
