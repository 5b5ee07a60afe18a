package load

import (
	"bytes"
	_ "embed"
	"fmt"
	"text/template"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/demo/observer"
)

// Site is the administrator's side: who owns how much.
type Site struct {
	// Prefix goes before every name, so that several sites fit on one cluster.
	Prefix string
	Cohort string
	// Shared is quota that belongs to the cohort itself.
	Shared observer.Milli
	Groups []Owner
}

// Owner is a group, its namespace and its quota.
type Owner struct {
	Group     string
	Namespace string
	// Nominal and Borrowing (nil: all that is idle) are in thousandths of a core.
	Nominal   observer.Milli
	Borrowing *observer.Milli
	// Gangs gives the group a second LocalQueue, for gangs: its ClusterQueue is
	// StrictFIFO, owns nothing and lives on the group's quota. What a gang asks
	// for is kept for it as it comes free.
	Gangs bool
	// Reclaim is the group's reclaimWithinCohort; empty leaves it unsaid.
	Reclaim string
	// Weight divides its share, in thousandths; 1000 is the usual weight 1.
	Weight observer.Milli
}

// QueueName is the name of the LocalQueue in every namespace of a site,
// GangQueueName that of the second one of groups that have gangs.
const (
	QueueName     = "batch"
	GangQueueName = "gangs"
)

// TenantAccount and ObserverAccount are the service accounts that the tenants
// and the observer act as.
const (
	TenantAccount   = "tenant"
	ObserverAccount = "observer"
)

// DemoSite is the site of `make demo`: 100 cores, 60 to usatlas and 40 to osg.
func DemoSite() Site {
	return Site{
		Cohort: "wlcg",
		Groups: []Owner{
			{Group: "usatlas", Namespace: "usatlas", Nominal: 60 * observer.Core, Gangs: true, Weight: observer.Core},
			{Group: "osg", Namespace: "osg", Nominal: 40 * observer.Core, Weight: observer.Core},
		},
	}
}

// Rules are what the observer is told of the site.
func (s Site) Rules() *observer.Rules {
	rules := &observer.Rules{Cohort: s.Prefix + s.Cohort, Shared: s.Shared}
	for _, o := range s.Groups {
		rules.Groups = append(rules.Groups, observer.Group{
			Name: o.Group, Namespaces: []string{o.Namespace}, Nominal: o.Nominal, BorrowingLimit: o.Borrowing, Weight: o.Weight,
		})
	}
	return rules
}

// Namespace tells where a group's Jobs go, empty if the group is unknown.
func (s Site) Namespace(group string) string {
	for _, o := range s.Groups {
		if o.Group == group {
			return o.Namespace
		}
	}
	return ""
}

//go:embed objects.yaml
var objectsTemplate string

// Manifest renders the site's objects as YAML documents.
func (s Site) Manifest() ([]byte, error) {
	parsed, err := template.New("objects.yaml").Parse(objectsTemplate)
	if err != nil {
		return nil, fmt.Errorf("parsing objects.yaml: %w", err)
	}
	var out bytes.Buffer
	names := struct {
		Site
		Queue, GangQueue, Tenant, Observer string
	}{s, QueueName, GangQueueName, TenantAccount, ObserverAccount}
	if err := parsed.Execute(&out, names); err != nil {
		return nil, fmt.Errorf("rendering objects.yaml: %w", err)
	}
	return out.Bytes(), nil
}

// Objects are the objects of the manifest in the order in which to create them.
func (s Site) Objects() ([]*unstructured.Unstructured, error) {
	manifest, err := s.Manifest()
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for number, document := range bytes.Split(manifest, []byte("\n---\n")) {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(document, &object.Object); err != nil {
			return nil, fmt.Errorf("document %d of objects.yaml: %w", number+1, err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
	return objects, nil
}
