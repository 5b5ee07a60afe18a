// Package ledger holds the newest sight of every Workload and every job,
// whoever saw it first: the watch or the answer to a write of our own.
//
//	watch ----See, Gone----> +------+
//	                         | Book | --change--> engine loop, lifecycle queue
//	write --Learn (answer)-> +------+
//
// A sight never goes back: what is older than what is known is dropped, so
// that nobody acts on an object as it was before our own write.
package ledger
