package job

import (
	"encoding/json"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// Patch is a JSON patch (RFC 6902) under construction. The API server applies
// all of it or nothing: it begins with tests that the job is still the one
// that was looked at.
type Patch struct{ ops []patchOp }

type patchOp struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// removal has no value at all.
type removal struct {
	Op   string `json:"op"`
	Path string `json:"path"`
}

// NewPatch begins a patch that holds for this object (its UID) with this
// specification (its generation) in this queue. The job controller moves the
// resourceVersion with each of its status writes; the generation it leaves
// alone.
func NewPatch(obj client.Object) *Patch {
	p := &Patch{}
	p.Test("/metadata/uid", string(obj.GetUID()))
	p.Test("/metadata/generation", obj.GetGeneration())
	if queue, ok := obj.GetLabels()[v1beta1.QueueLabel]; ok {
		p.Test("/metadata/labels/"+escape(v1beta1.QueueLabel), queue)
	}
	return p
}

// Set adds or replaces a value.
func (p *Patch) Set(path string, value any) {
	p.ops = append(p.ops, patchOp{Op: "add", Path: path, Value: value})
}

// Replace replaces a value that must exist.
func (p *Patch) Replace(path string, value any) {
	p.ops = append(p.ops, patchOp{Op: "replace", Path: path, Value: value})
}

// Test has the whole patch fail unless a value is as it was seen; nil stands
// for one that is not there.
func (p *Patch) Test(path string, value any) {
	p.ops = append(p.ops, patchOp{Op: "test", Path: path, Value: value})
}

// Remove removes a value that must exist.
func (p *Patch) Remove(path string) {
	p.ops = append(p.ops, patchOp{Op: "remove", Path: path})
}

// Annotate sets an annotation without touching others. The generation does not
// cover annotations: an object without any is tested to have none still.
func (p *Patch) Annotate(obj client.Object, key, value string) {
	if len(obj.GetAnnotations()) == 0 {
		p.Test("/metadata/annotations", nil)
		p.Set("/metadata/annotations", map[string]string{key: value})
		return
	}
	p.Set("/metadata/annotations/"+escape(key), value)
}

// Unannotate removes an annotation that must still have the value seen.
func (p *Patch) Unannotate(obj client.Object, key string) {
	path := "/metadata/annotations/" + escape(key)
	p.Test(path, obj.GetAnnotations()[key])
	p.Remove(path)
}

// Bytes is the patch as it is sent.
func (p *Patch) Bytes() []byte {
	list := make([]any, 0, len(p.ops))
	for _, op := range p.ops {
		if op.Op == "remove" {
			list = append(list, removal{Op: op.Op, Path: op.Path})
			continue
		}
		list = append(list, op)
	}
	raw, err := json.Marshal(list)
	if err != nil {
		panic("a JSON patch of plain values cannot be encoded: " + err.Error())
	}
	return raw
}

// escape writes a key as one step of a JSON pointer (RFC 6901).
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}
