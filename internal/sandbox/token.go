package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	// tokenLife is what the manager's tokens are asked to last, as in a pod.
	tokenLife = time.Hour
	// keeperRetry is the pause after a failed renewal.
	keeperRetry = 5 * time.Second
	// keeperLook is how often the keeper looks whether its sandbox still exists.
	keeperLook = 10 * time.Second
)

// renewToken asks for a token of the manager's service account, writes it to
// the token file and returns when it expires.
func renewToken(ctx context.Context, client kubernetes.Interface, path string, life time.Duration) (time.Time, error) {
	seconds := int64(life / time.Second)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	answer, err := client.CoreV1().ServiceAccounts(managerNamespace).CreateToken(ctx, managerAccount, request, metav1.CreateOptions{})
	if apierrors.IsNotFound(err) {
		return time.Time{}, fmt.Errorf("there is no service account %s in namespace %s: does config/rbac create it? %w",
			managerAccount, managerNamespace, err)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("request a token for the manager: %w", err)
	}
	if err := writeFileAtomically(path, []byte(answer.Status.Token)); err != nil {
		return time.Time{}, err
	}
	return answer.Status.ExpirationTimestamp.Time, nil
}

// Keep is the body of the keeper process: it renews the token of the named
// sandbox's manager at half of its life, and again and again while that fails.
// It returns nil when the sandbox is gone or another one has its name, and
// ctx's error when ctx ends.
func Keep(ctx context.Context, name string, log io.Writer) error {
	home, err := Home()
	if err != nil {
		return err
	}
	first, err := loadState(home, name)
	if err != nil {
		return err
	}
	client, err := first.client()
	if err != nil {
		return err
	}
	renewAt := time.Now()
	for {
		current, err := loadState(home, name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && current.ID != first.ID {
			return nil
		}
		if now := time.Now(); !now.Before(renewAt) {
			expires, err := renewToken(ctx, client, first.managerToken(), tokenLife)
			if err != nil {
				renewAt = now.Add(keeperRetry)
				_, _ = fmt.Fprintf(log, "%s %v; trying again in %s\n", now.Format(time.RFC3339), err, keeperRetry)
			} else {
				renewAt = now.Add(expires.Sub(now) / 2)
				_, _ = fmt.Fprintf(log, "%s token renewed until %s\n", now.Format(time.RFC3339), expires.Format(time.RFC3339))
			}
		}
		wait := min(keeperLook, max(time.Until(renewAt), time.Second))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}
