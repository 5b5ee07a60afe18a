package admission

import (
	"reflect"
	"strings"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/replica"
)

// Clone returns an engine of its own in the same state: stepped with the same
// events it gives the same decisions, to the byte, and neither sees what is done
// with the other. It reads the engine and must not run while that is stepped;
// the clone may then be stepped in another goroutine.
//
// It costs time and memory in proportion to the workloads: some 0.3 s for
// 100,000 (docs/adr/0007).
func (e *Engine) Clone() *Engine { return replica.Of(e, cloneRules()) }

// cloneRules say what a clone shares: what came with an event or went out with
// a decision, which nobody changes any more, and the orders of trees; and what it
// does without: the room for a search for victims, and contests, which are large and
// made again when one is asked.
func cloneRules() *replica.Rules {
	r := &replica.Rules{Shared: func(t reflect.Type) bool {
		switch {
		case t == labelsType, sharedTypes[t]:
			return true
		case t.Kind() == reflect.Func:
			return strings.HasPrefix(t.PkgPath(), "github.com/google/btree") || t == nameOrder || t == localOrder
		}
		return false
	}, Room: func(t reflect.Type) bool {
		return t == reflect.TypeFor[planner]() || t == reflect.TypeFor[contest]()
	}}
	replica.Part(r, func(i *queue.Item) any { return i.Owner })
	return r
}

// sharedTypes are those of events and decisions; labelsType is that of labels
// and node selectors.
var (
	sharedTypes = map[reflect.Type]bool{}
	labelsType  = reflect.TypeFor[map[string]string]()
	nameOrder   = reflect.TypeFor[func(a, b string) int]()
	localOrder  = reflect.TypeFor[func(a, b localName) int]()
)

func init() {
	for _, t := range []reflect.Type{
		reflect.TypeFor[ClusterQueue](), reflect.TypeFor[Cohort](), reflect.TypeFor[Flavor](), reflect.TypeFor[LocalQueue](),
		reflect.TypeFor[[]PodSet](), reflect.TypeFor[Selector](), reflect.TypeFor[Assignment](), reflect.TypeFor[Preempting](),
		reflect.TypeFor[Config](), reflect.TypeFor[Backfill](), reflect.TypeFor[Reservation](), reflect.TypeFor[[]Decision](),
	} {
		sharedTypes[t] = true
	}
}
