package chaos

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"fairlead.dev/fairlead/test/performance/budget"
)

const managerUser = "system:serviceaccount:fairlead-system:fairlead-manager"

// audit looks at what the manager asked the API server for, and at failures of
// the server itself.
func audit(path string) (summary string, faults []string, err error) {
	entries, err := budget.ReadFile(path)
	if err != nil {
		return "", nil, err
	}
	writes, conflicts, refused, failed := 0, 0, map[string]int{}, map[string]int{}
	storms := map[string]int{} // conflicts of one object within one minute
	for i := range entries {
		e := &entries[i]
		if e.Code >= 500 && e.Code != 504 {
			failed[fmt.Sprintf("%d for %s %s by %s", e.Code, e.Verb, e.Path, e.User)]++
		}
		if e.User != managerUser || !e.IsWrite() || e.Path == "leases" {
			continue
		}
		writes++
		switch e.Code {
		case 409:
			conflicts++
			minute := e.Received.Truncate(time.Minute).Format("15:04")
			storms[fmt.Sprintf("%s %s/%s at %s", e.Path, e.Namespace, e.Name, minute)]++
		case 403:
			if !e.Terminating {
				refused[fmt.Sprintf("%s %s in %s", e.Verb, e.Path, e.Namespace)]++
			}
		}
	}
	for _, what := range slices.Sorted(maps.Keys(refused)) {
		faults = append(faults, fmt.Sprintf("audit log: the manager was refused %s (403) %d times", what, refused[what]))
	}
	for _, what := range slices.Sorted(maps.Keys(storms)) {
		if storms[what] > 20 {
			faults = append(faults, fmt.Sprintf("audit log: %d conflicts on %s", storms[what], what))
		}
	}
	// In chaos others edit what the manager writes: some conflicts are right.
	if conflicts*20 > writes+200 {
		faults = append(faults, fmt.Sprintf("audit log: %d of the manager's %d writes met a conflict", conflicts, writes))
	}
	return fmt.Sprintf("%d requests; the manager wrote %d times, with %d conflicts; answers of 500 and more: %v", len(entries), writes, conflicts, failed), faults, nil
}
