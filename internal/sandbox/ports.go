package sandbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// ports are the loopback ports of one sandbox.
type ports struct {
	APIServer         int `json:"apiServer"`
	Etcd              int `json:"etcd"`
	EtcdPeer          int `json:"etcdPeer"`
	ControllerManager int `json:"controllerManager"`
	Scheduler         int `json:"scheduler"`
	Kwok              int `json:"kwok"`
	ManagerHealth     int `json:"managerHealth"`
	ManagerMetrics    int `json:"managerMetrics"`
}

// each visits every port with its name.
func (p *ports) each(visit func(name string, port *int)) {
	visit("kube-apiserver", &p.APIServer)
	visit("etcd", &p.Etcd)
	visit("etcd peer", &p.EtcdPeer)
	visit("kube-controller-manager", &p.ControllerManager)
	visit("kube-scheduler", &p.Scheduler)
	visit("kwok", &p.Kwok)
	visit("manager health", &p.ManagerHealth)
	visit("manager metrics", &p.ManagerMetrics)
}

// Ports are drawn from below the range from which the kernel serves outgoing
// connections (32768 and up on Linux), so that no client connection takes one
// between the check and the server's start.
const (
	firstPort = 20000
	lastPort  = 32700
)

// ErrPortBusy says that the port a user asked for is taken.
var ErrPortBusy = errors.New("port is in use")

// choosePorts finds free loopback ports that no other sandbox has reserved.
// fixed is the API server's port, or 0 for any.
func choosePorts(fixed int, reserved map[int]bool) (ports, error) {
	var chosen ports
	taken := make(map[int]bool, len(reserved))
	for port := range reserved {
		taken[port] = true
	}
	if fixed != 0 {
		if err := portFree(fixed); err != nil {
			return ports{}, err
		}
		chosen.APIServer = fixed
		taken[fixed] = true
	}
	var failed error
	chosen.each(func(name string, port *int) {
		for attempt := 0; *port == 0 && failed == nil; attempt++ {
			candidate := firstPort + rand.IntN(lastPort-firstPort)
			if !taken[candidate] && portFree(candidate) == nil {
				*port = candidate
				taken[candidate] = true
			}
			if attempt > 1000 {
				failed = fmt.Errorf("no free port for %s between %d and %d on 127.0.0.1", name, firstPort, lastPort)
			}
		}
	})
	return chosen, failed
}

// portFree returns nil when a server could listen on the loopback port now,
// else an error that names the port.
func portFree(port int) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		return listener.Close()
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: 127.0.0.1:%d; leave --port out for any free one, or stop what listens there", ErrPortBusy, port)
	}
	return fmt.Errorf("listen on 127.0.0.1:%d: %w", port, err)
}

// reservedPorts collects the ports of all recorded sandboxes but the named one.
func reservedPorts(home, except string) map[int]bool {
	reserved := map[int]bool{}
	names, _ := stateNames(home) // an unreadable home fails later, with a better message
	for _, name := range names {
		if name == except {
			continue
		}
		if other, err := loadState(home, name); err == nil {
			other.Ports.each(func(_ string, port *int) { reserved[*port] = true })
		}
	}
	return reserved
}
