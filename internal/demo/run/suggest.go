package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/demo/load"
	"fairlead.dev/fairlead/internal/demo/observer"
	"fairlead.dev/fairlead/internal/sandbox"
)

// reshare gives half of the cores to the cohort itself and lends them out by
// weight, 1 to 4. Nobody is stopped for it: the last act's edit is undone.
func reshare() load.Site {
	site := load.DemoSite()
	site.Shared = 50 * observer.Core
	site.Groups[0].Reclaim = "Never"
	site.Groups[0].Nominal, site.Groups[0].Weight = 30*observer.Core, observer.Core
	site.Groups[1].Nominal, site.Groups[1].Weight = 20*observer.Core, 4*observer.Core
	return site
}

// reshareFile writes the queues and the cohort of reshare, and nothing else.
// The queues come first: until the cohort has its part, less is lent than
// there is, never more.
func reshareFile(path string) error {
	objects, err := reshare().Objects()
	if err != nil {
		return err
	}
	var documents []byte
	for _, kind := range []string{"ClusterQueue", "Cohort"} {
		for _, object := range objects {
			if object.GetKind() != kind {
				continue
			}
			document, err := yaml.Marshal(object.Object)
			if err != nil {
				return fmt.Errorf("encoding %s %s: %w", kind, object.GetName(), err)
			}
			documents = append(append(documents, "---\n"...), document...)
		}
	}
	if err := os.WriteFile(path, documents, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// suggest prints three things to try on a cluster that is kept.
func suggest(ctx context.Context, o Options) error {
	programs, err := sandbox.Binaries(ctx, nil)
	if err != nil {
		return err
	}
	// A link keeps the commands short; the program looks at the name it is called by.
	kubectl := filepath.Join(o.Dir, "kubectl")
	if err := os.Remove(kubectl); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replacing the link to kubectl: %w", err)
	}
	if err := os.Symlink(programs.Kubectl(), kubectl); err != nil {
		return fmt.Errorf("linking to kubectl: %w", err)
	}
	file := filepath.Join(o.Dir, "reshare.yaml")
	if err := reshareFile(file); err != nil {
		return err
	}
	o.Screen.Say(`
The cluster runs on. Three things to try:

1. Bring more work than there are cores, and watch the queues:
     bin/demo submit --dir %[1]s --group osg --count 150 && bin/demo submit --dir %[1]s --group usatlas --count 150
     %[2]s --kubeconfig %[3]s get clusterqueues --watch

2. Meanwhile be the tenant osg and try to start a waiting Job yourself; the server refuses and says why:
     JOB=$(%[2]s --kubeconfig %[4]s get jobs -o jsonpath='{.items[?(@.spec.suspend==true)].metadata.name}' | cut -d' ' -f1)
     %[2]s --kubeconfig %[4]s patch job "$JOB" -p '{"spec":{"suspend":false}}'

3. Put half of the cores into a common pool and lend them by weight, 1 to usatlas and 4 to osg; nobody may reclaim
   any more. As Jobs end, usatlas comes to 30 + 10 cores and osg to 20 + 40 (bring more work as in 1 if none is left):
     %[2]s --kubeconfig %[3]s apply --server-side --force-conflicts -f %[5]s

When you are done:
     bin/fairlead sandbox down --name %[6]s`,
		o.Dir, kubectl, Kubeconfig(o.Dir, "admin"), Kubeconfig(o.Dir, "osg"), file, SandboxName)
	return nil
}
