package lifecycle

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/job"
)

const workloads = "workloads"

// Client is the API over REST: it sends bodies as they are, so that a write
// can be repeated byte for byte.
type Client struct {
	workloads rest.Interface
	jobs      rest.Interface
}

// NewClient returns a client that shares one HTTP client with others. Jobs
// travel as protobuf where their kind allows.
func NewClient(config *rest.Config, http *http.Client, scheme *runtime.Scheme, kind job.Kind) (*Client, error) {
	codecs := serializer.NewCodecFactory(scheme)
	ours, err := restClient(config, http, codecs, v1beta1.GroupVersion, "application/json")
	if err != nil {
		return nil, err
	}
	theirs, err := restClient(config, http, codecs, kind.GroupVersionKind().GroupVersion(), "application/vnd.kubernetes.protobuf,application/json")
	if err != nil {
		return nil, err
	}
	return &Client{workloads: ours, jobs: theirs}, nil
}

func restClient(config *rest.Config, http *http.Client, codecs serializer.CodecFactory, gv schema.GroupVersion, accept string) (rest.Interface, error) {
	c := rest.CopyConfig(config)
	c.APIPath, c.GroupVersion = "/apis", &gv
	c.NegotiatedSerializer = codecs.WithoutConversion()
	c.ContentType, c.AcceptContentTypes = "application/json", accept
	client, err := rest.RESTClientForConfigAndClient(c, http)
	if err != nil {
		return nil, fmt.Errorf("client for %s: %w", gv, err)
	}
	return client, nil
}

// unchecked spares the server from looking for unknown and repeated fields,
// of which it would only warn: what is sent is encoded from its own types.
func unchecked(request *rest.Request) *rest.Request {
	return request.Param("fieldValidation", metav1.FieldValidationIgnore)
}

// Do implements API.
func (c *Client) Do(ctx context.Context, kind job.Kind, w *Write) (client.Object, error) {
	if w.Verb == PatchJob || w.Verb == PatchJobStatus {
		obj := kind.New()
		request := unchecked(c.jobs.Patch(types.JSONPatchType)).Namespace(w.Namespace).Resource(kind.Resource()).Name(w.Name)
		if w.Verb == PatchJobStatus {
			request = request.SubResource("status")
		}
		if err := request.Body(w.Body).Do(ctx).Into(obj); err != nil {
			return nil, err
		}
		kind.Trim(obj)
		return obj, nil
	}
	if w.Verb == DeleteJob {
		background := metav1.DeletePropagationBackground
		options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &w.UID}, PropagationPolicy: &background}
		return nil, c.jobs.Delete().Namespace(w.Namespace).Resource(kind.Resource()).Name(w.Name).Body(&options).Do(ctx).Error()
	}
	if w.Verb == DeleteWorkload {
		options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &w.UID, ResourceVersion: &w.Version}}
		return nil, c.workloads.Delete().Namespace(w.Namespace).Resource(workloads).Name(w.Name).Body(&options).Do(ctx).Error()
	}
	request := unchecked(c.workloads.Put()).Namespace(w.Namespace).Resource(workloads).Name(w.Name)
	switch w.Verb {
	case PutWorkloadStatus:
		request = request.SubResource("status")
		if w.Basis != nil && w.Status != nil {
			return c.putStatus(ctx, request, w)
		}
	case CreateWorkload:
		request = unchecked(c.workloads.Post()).Namespace(w.Namespace).Resource(workloads)
	}
	wl := &v1beta1.Workload{}
	if err := request.Body(w.Body).Do(ctx).Into(wl); err != nil {
		return nil, err
	}
	wl.ManagedFields = nil
	return wl, nil
}

// metadataOnly asks the server to leave specification and status out of its
// answer: they are known.
const metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"

func (c *Client) putStatus(ctx context.Context, request *rest.Request, w *Write) (client.Object, error) {
	raw, err := request.SetHeader("Accept", metadataOnly).Body(w.Body).Do(ctx).Raw()
	if err != nil {
		return nil, err
	}
	var answer struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || answer.Metadata.ResourceVersion == "" {
		return nil, fmt.Errorf("answer to a status write of Workload %s/%s cannot be read: %.200s", w.Namespace, w.Name, raw)
	}
	return w.after(answer.Metadata.ResourceVersion), nil
}

// ReadWorkload implements API.
func (c *Client) ReadWorkload(ctx context.Context, namespace, name string) (*v1beta1.Workload, error) {
	wl := &v1beta1.Workload{}
	if err := c.workloads.Get().Namespace(namespace).Resource(workloads).Name(name).Do(ctx).Into(wl); err != nil {
		return nil, err
	}
	wl.ManagedFields = nil
	return wl, nil
}

// ReadJob implements API.
func (c *Client) ReadJob(ctx context.Context, kind job.Kind, namespace, name string) (client.Object, error) {
	obj := kind.New()
	if err := c.jobs.Get().Namespace(namespace).Resource(kind.Resource()).Name(name).Do(ctx).Into(obj); err != nil {
		return nil, err
	}
	kind.Trim(obj)
	return obj, nil
}
