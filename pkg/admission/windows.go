package admission

// reservedNode says whether an advance reservation is for a node of the tree.
func (e *Engine) reservedNode(s *scope) bool {
	found := false
	e.reservations.each(func(r *reservation) { found = found || s.node(&r.spec) >= 0 })
	return found
}

// node is the number of a reservation's node, -1 if it is in another tree.
func (s *scope) node(r *Reservation) int32 {
	for i, n := range s.tree.Nodes {
		if n.Cohort && n.Name == r.Cohort || !n.Cohort && n.Name == r.ClusterQueue {
			return int32(i)
		}
	}
	return -1
}

func (e *Engine) blockWindows(s *scope) {}

func (e *Engine) reservationStatus(r *reservation) ReservationStatus {
	return ReservationStatus{Name: r.spec.Name}
}
