package controller

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/policies"
	"fairlead.dev/fairlead/pkg/metrics"
)

// policyWatch reports, now and then, where the cluster's admission policies
// are not as configured: Jobs then may start by themselves or be refused.
type policyWatch struct {
	reader   client.Reader
	choices  policies.Choices
	counters *metrics.Counters
	log      logr.Logger
}

// policyInterval is the time between two looks. A look lists four small kinds.
const policyInterval = 10 * time.Minute

// NeedLeaderElection has only one replica report.
func (p *policyWatch) NeedLeaderElection() bool { return true }

// Start looks until the context ends.
func (p *policyWatch) Start(ctx context.Context) error {
	ticker := time.NewTicker(policyInterval)
	defer ticker.Stop()
	for {
		p.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (p *policyWatch) look(ctx context.Context) {
	differences, err := policies.Differences(ctx, p.reader, p.choices)
	if err != nil {
		if ctx.Err() == nil {
			p.log.Error(err, "the admission policies of the cluster cannot be compared with the configuration")
		}
		return
	}
	p.counters.PolicyDifferences(len(differences))
	for _, d := range differences {
		p.log.Info("admission policy not as configured", "kind", d.Kind, "name", d.Name, "problem", string(d.Problem), "remedy", d.String())
	}
}
