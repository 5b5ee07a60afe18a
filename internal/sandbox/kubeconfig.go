package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// kubeconfigHeader is the first line of every kubeconfig that a sandbox
// writes; a file without it is somebody else's and is not overwritten.
const kubeconfigHeader = "# Written by `fairlead sandbox up`; `fairlead sandbox down` removes it.\n"

// contextName is the context of the sandbox's kubeconfigs.
func (s *state) contextName() string { return "fairlead-" + s.Name }

// server is the API server's address.
func (s *state) server() string { return fmt.Sprintf("https://127.0.0.1:%d", s.Ports.APIServer) }

// writeAdminKubeconfig writes a self-contained administrator's kubeconfig into
// the state directory and to the file that the user asked for.
func (s *state) writeAdminKubeconfig() error {
	user := clientcmdapi.NewAuthInfo()
	var err error
	if user.ClientCertificateData, err = s.pki("admin.crt"); err != nil {
		return err
	}
	if user.ClientKeyData, err = s.pki("admin.key"); err != nil {
		return err
	}
	data, err := s.encodeKubeconfig("admin", user)
	if err != nil {
		return err
	}
	if err := writeFileAtomically(s.adminKubeconfig(), data); err != nil {
		return err
	}
	if s.Kubeconfig == "" {
		return nil
	}
	// The hash goes first: a file that exists without its hash would never be removed.
	sum := sha256.Sum256(data)
	s.KubeconfigHash = hex.EncodeToString(sum[:])
	if err := s.save(); err != nil {
		return err
	}
	return writeFileAtomically(s.Kubeconfig, data)
}

// writeManagerKubeconfig writes the kubeconfig of the manager, which reads its
// token from a file that the keeper renews.
func (s *state) writeManagerKubeconfig() error {
	user := clientcmdapi.NewAuthInfo()
	user.TokenFile = s.managerToken()
	data, err := s.encodeKubeconfig(managerAccount, user)
	if err != nil {
		return err
	}
	return writeFileAtomically(s.managerKubeconfig(), data)
}

// encodeKubeconfig renders a kubeconfig with one context.
func (s *state) encodeKubeconfig(userName string, user *clientcmdapi.AuthInfo) ([]byte, error) {
	cluster := clientcmdapi.NewCluster()
	cluster.Server = s.server()
	var err error
	if cluster.CertificateAuthorityData, err = s.pki("ca.crt"); err != nil {
		return nil, err
	}
	entry := clientcmdapi.NewContext()
	entry.Cluster, entry.AuthInfo = s.contextName(), userName
	config := clientcmdapi.NewConfig()
	config.Clusters[entry.Cluster] = cluster
	config.AuthInfos[userName] = user
	config.Contexts[s.contextName()] = entry
	config.CurrentContext = s.contextName()
	data, err := clientcmd.Write(*config)
	if err != nil {
		return nil, fmt.Errorf("encode a kubeconfig: %w", err)
	}
	return append([]byte(kubeconfigHeader), data...), nil
}

// pki reads one of the certificates that kwokctl made.
func (s *state) pki(name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(s.clusterDir(), "pki", name))
	if err != nil {
		return nil, fmt.Errorf("read the cluster's certificates: %w", err)
	}
	return data, nil
}

// checkKubeconfigTarget refuses a file that no sandbox wrote, or one that a
// running sandbox uses, so that nobody loses a kubeconfig.
func checkKubeconfigTarget(path, home string) error {
	if path == "" {
		return nil
	}
	names, _ := stateNames(home) // an unreadable home fails later, with a better message
	for _, name := range names {
		if other, err := loadState(home, name); err == nil && other.Kubeconfig == path && other.condition() == Running {
			return fmt.Errorf("--kubeconfig %s belongs to sandbox %q, which runs: choose another file", path, name)
		}
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("--kubeconfig: %w", err)
	case len(data) == 0, bytes.HasPrefix(data, []byte(kubeconfigHeader)):
		return nil
	}
	return fmt.Errorf("--kubeconfig %s exists and no sandbox wrote it: choose another file, or remove that one first", path)
}

// removeKubeconfig removes the user's file while it still is what was written.
func (s *state) removeKubeconfig() error {
	if s.Kubeconfig == "" || s.KubeconfigHash == "" {
		return nil
	}
	data, err := os.ReadFile(s.Kubeconfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove the sandbox's kubeconfig: %w", err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != s.KubeconfigHash {
		return nil // another sandbox's by now, or edited: not ours to remove
	}
	if err := os.Remove(s.Kubeconfig); err != nil {
		return fmt.Errorf("remove the sandbox's kubeconfig: %w", err)
	}
	return nil
}

// restConfig is an administrator's access without client-side rate limits.
func (s *state) restConfig() (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", s.adminKubeconfig())
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s.adminKubeconfig(), err)
	}
	config.QPS = -1
	config.UserAgent = "fairlead-sandbox"
	return config, nil
}

// client is an administrator's typed client.
func (s *state) client() (kubernetes.Interface, error) {
	config, err := s.restConfig()
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client for sandbox %q: %w", s.Name, err)
	}
	return client, nil
}
