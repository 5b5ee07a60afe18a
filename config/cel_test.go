package config

import (
	"testing"

	"github.com/google/cel-go/cel"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/version"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// expression is one expression of a policy and the type it must have.
type expression struct {
	text string
	kind *cel.Type
}

func (e expression) GetExpression() string    { return e.text }
func (e expression) ReturnTypes() []*cel.Type { return []*cel.Type{e.kind} }

// variable is an expression that others know by a name.
type variable struct {
	expression
	name string
}

func (v variable) GetName() string { return v.name }

// TestOldServersUnderstandThePolicies: config/validating-only promises
// Kubernetes 1.30, which takes in new policies what 1.29 understood.
func TestOldServersUnderstandThePolicies(t *testing.T) {
	for _, minor := range []uint{29, 33, 36, 37} {
		compiled := 0
		for _, dir := range []string{ValidatingPolicies, WithoutMutation, RefuseWithoutQueue} {
			objects, err := Objects(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range objects {
				if object.GetKind() != "ValidatingAdmissionPolicy" {
					continue
				}
				policy := &admissionregistrationv1.ValidatingAdmissionPolicy{}
				if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, policy, true); err != nil {
					t.Fatal(err)
				}
				compile(t, minor, policy)
				compiled++
			}
		}
		if compiled == 0 {
			t.Error("no policy was compiled")
		}
	}
}

// compile does what an API server of that version does when it is given the policy.
func compile(t *testing.T, minor uint, policy *admissionregistrationv1.ValidatingAdmissionPolicy) {
	t.Helper()
	compiler, err := plugincel.NewCompositedCompiler(environment.MustBaseEnvSet(version.MajorMinor(1, minor)))
	if err != nil {
		t.Fatal(err)
	}
	check := func(result plugincel.CompilationResult) {
		t.Helper()
		if result.Error != nil {
			t.Errorf("Kubernetes 1.%d refuses %s: %v\n%s", minor, policy.Name, result.Error, result.ExpressionAccessor.GetExpression())
		}
	}
	authorized := plugincel.OptionalVariableDeclarations{HasAuthorizer: true}
	for _, v := range policy.Spec.Variables {
		check(compiler.CompileAndStoreVariable(variable{expression{v.Expression, cel.AnyType}, v.Name}, authorized, environment.NewExpressions))
	}
	for _, c := range policy.Spec.MatchConditions {
		check(compiler.CompileCELExpression(expression{c.Expression, cel.BoolType}, authorized, environment.NewExpressions))
	}
	for _, v := range policy.Spec.Validations {
		check(compiler.CompileCELExpression(expression{v.Expression, cel.BoolType}, authorized, environment.NewExpressions))
		if v.MessageExpression != "" {
			check(compiler.CompileCELExpression(expression{v.MessageExpression, cel.StringType}, plugincel.OptionalVariableDeclarations{}, environment.NewExpressions))
		}
	}
}
