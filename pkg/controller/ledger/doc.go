// Package ledger holds the newest sight of every Workload and every job,
// whoever saw it first: the watch or the answer to a write of our own.
//
//	watch ----See, Gone----> +------+
//	                         | Book | --change--> engine loop, lifecycle queue
//	write -Learn, Created--> +------+
//
// A sight never goes back: what is older than what is known is dropped, so
// that nobody acts on an object as it was before our own write. An object that
// we have created ourselves need not wait for the watch, which a busy server
// delivers late.
package ledger
