package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// standInEnv makes this test binary behave as a manager: these tests are about
// how the sandbox treats whatever manager it is given.
const standInEnv = "FAIRLEAD_TEST_STAND_IN"

func TestMain(m *testing.M) {
	if os.Getenv(standInEnv) == "" || len(os.Args) < 2 || os.Args[1] != "--kubeconfig" {
		code := m.Run()
		_ = os.RemoveAll(filepath.Dir(cliPath()))
		os.Exit(code)
	}
	if err := runStandIn(os.Args[2], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// runStandIn asks the API server who it is, and answers that at /whoami and
// "ok" at /readyz until it is ended. Environment variable standInEnv=broken
// makes it fail like a manager with a bad configuration.
func runStandIn(kubeconfig, configFile string) error {
	if os.Getenv(standInEnv) == "broken" {
		return fmt.Errorf("stand-in: configuration refused")
	}
	config, err := readYAML(configFile)
	if err != nil {
		return err
	}
	address, _ := config["health"].(map[string]any)["healthProbeBindAddress"].(string)
	access, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(access)
	if err != nil {
		return err
	}
	http.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/whoami", func(w http.ResponseWriter, r *http.Request) {
		review, err := client.AuthenticationV1().SelfSubjectReviews().Create(r.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(review.Status.UserInfo)
	})
	return http.ListenAndServe(address, nil)
}

// cliPath is where buildCLI puts the tool; TestMain removes its directory.
func cliPath() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("fairlead-under-test-%d", os.Getpid()), "fairlead")
}

// buildCLI builds the command-line tool of this checkout once.
var buildCLI = sync.OnceValues(func() (string, error) {
	return cliPath(), buildProgram("./cmd/fairlead", cliPath())
})

// buildProgram compiles a package of this checkout.
func buildProgram(pkg, path string) error {
	source, err := FindSource()
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-o", path, pkg)
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// cli returns the path of the command-line tool under test.
func cli(t *testing.T) string {
	t.Helper()
	path, err := buildCLI()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
