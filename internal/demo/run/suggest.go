package run

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"fairlead.dev/fairlead/internal/demo/load"
	"fairlead.dev/fairlead/internal/demo/observer"
	"fairlead.dev/fairlead/internal/sandbox"
)

// reshare gives half of the cores to the cohort itself and lends them out by
// weight, 1 to 4.
func reshare() load.Site {
	site := load.DemoSite()
	site.Shared = 50 * observer.Core
	site.Groups[0].Nominal, site.Groups[0].Weight = 30*observer.Core, observer.Core
	site.Groups[1].Nominal, site.Groups[1].Weight = 20*observer.Core, 4*observer.Core
	return site
}

// suggest prints three things to try on a cluster that is kept.
func suggest(ctx context.Context, o Options, cluster *sandbox.Cluster) error {
	programs, err := sandbox.Binaries(ctx, nil)
	if err != nil {
		return err
	}
	objects, err := reshare().Manifest()
	if err != nil {
		return err
	}
	file := filepath.Join(o.Dir, "reshare.yaml")
	if err := os.WriteFile(file, objects, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	kubectl := fmt.Sprintf("%s --kubeconfig %s", programs.Kubectl(), cluster.Kubeconfig)
	tenant := fmt.Sprintf("%s --kubeconfig %s", programs.Kubectl(), Kubeconfig(o.Dir, "osg"))
	o.Screen.Say(`
The cluster runs on. Three things to try:

1. Watch the queues in one terminal, and bring more work than there are cores in another:
     %[1]s get clusterqueues --watch
     bin/demo submit --dir %[3]s --group usatlas --count 150 && bin/demo submit --dir %[3]s --group osg --count 150

2. Be the tenant osg and try to start a waiting Job yourself; the server refuses and says why:
     JOB=$(%[2]s get jobs -o jsonpath='{.items[?(@.spec.suspend==true)].metadata.name}' | cut -d' ' -f1)
     %[2]s patch job "$JOB" -p '{"spec":{"suspend":false}}'

3. Put half of the cores into a common pool and lend them by weight, usatlas 1 to osg 4; as Jobs end, watch
   usatlas come to 30 + 10 cores and osg to 20 + 40:
     %[1]s apply --server-side --force-conflicts -f %[4]s

When you are done:
     bin/fairlead sandbox down --name %[5]s`, kubectl, tenant, o.Dir, file, SandboxName)
	return nil
}
