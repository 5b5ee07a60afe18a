package loop

import (
	"slices"
	"strings"

	"fairlead.dev/fairlead/pkg/controller/translate"
)

// reshape derives the shapes of the workloads of a namespace anew, or those
// everywhere. What holds quota keeps what it was given; its
// shape is derived when it waits again.
func (f *feeder) reshape(now int64, namespace string) {
	f.refeed(now, func(r *record) bool {
		if namespace != everywhere && r.sight.Namespace != namespace {
			return false
		}
		r.generation = -1
		return !r.held
	})
}

// settle feeds those again of whom a strict namespace demands something else
// than before.
func (f *feeder) settle(now int64) {
	if !f.unsettled {
		return
	}
	f.unsettled = false
	f.refeed(now, func(r *record) bool {
		value := translate.Workload(r.sight, r.shape)
		return !r.held && f.queues.Lacking(&value) != r.lacking
	})
}

// refeed feeds the workloads that are chosen once more. It is rare: somebody
// has edited a LimitRange, a RuntimeClass, a priority class or a queue.
func (f *feeder) refeed(now int64, choose func(*record) bool) {
	var chosen []*record
	for _, r := range f.records {
		if !r.finished && choose(r) {
			chosen = append(chosen, r)
		}
	}
	slices.SortFunc(chosen, func(a, b *record) int { return strings.Compare(string(a.sight.UID), string(b.sight.UID)) })
	for _, r := range chosen {
		f.feedWorkload(now, r.sight)
	}
}
