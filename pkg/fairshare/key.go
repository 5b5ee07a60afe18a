package fairshare

import "strings"

// Key orders the candidates below one node. The zero value of a part that an
// order does not use leaves the decision to the next part; UID makes the order
// total.
type Key struct {
	// Turn is the turn in which the candidate comes, where that is known before.
	Turn int32
	// Borrows: the node uses more than its subtree quota, after the charge, of
	// a flavor-resource that its candidate requests.
	Borrows bool
	// Share is the node's after the charge.
	Share Share
	// Level is the borrowing level of the candidate's assignment, for the
	// order without fair sharing.
	Level int32
	// Priority (higher first), Time (smaller first) and UID are the candidate's.
	Priority int32
	Time     int64
	UID      string
}

// CompareKeys is negative if a goes before b, positive if b goes before a, and
// zero only if both are keys of the same workload.
func CompareKeys(a, b *Key) int {
	if a.Turn != b.Turn {
		return int(a.Turn) - int(b.Turn)
	}
	if a.Borrows != b.Borrows {
		return boolToInt(a.Borrows) - boolToInt(b.Borrows)
	}
	if c := Compare(a.Share, b.Share); c != 0 {
		return c
	}
	switch {
	case a.Level != b.Level:
		return int(a.Level) - int(b.Level)
	case a.Priority > b.Priority:
		return -1
	case a.Priority < b.Priority:
		return 1
	case a.Time < b.Time:
		return -1
	case a.Time > b.Time:
		return 1
	}
	return strings.Compare(a.UID, b.UID)
}
