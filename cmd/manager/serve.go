package main

import (
	"context"
	"fmt"

	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller"
)

// serve runs the manager until the context ends or the lease is lost.
func serve(ctx context.Context, restConfig *rest.Config, configuration *configv1beta1.Configuration) error {
	logger, err := newLogger()
	if err != nil {
		return fmt.Errorf("logger: %w", err)
	}
	defer func() { _ = logger.Sync() }()
	ctrl.SetLogger(zapr.NewLogger(logger))
	klog.SetLogger(zapr.NewLogger(logger))

	restConfig.UserAgent = "fairlead-manager/" + version
	engine := admission.New(admission.Config{FairSharing: *configuration.FairSharing.Enable})
	return controller.Run(ctx, restConfig, configuration, engine)
}

// newLogger writes JSON, one object a line, to standard error. Nothing is
// sampled away: each decision has its line.
func newLogger() (*zap.Logger, error) {
	options := zap.NewProductionConfig()
	options.Sampling = nil
	options.DisableStacktrace = true
	options.DisableCaller = true
	options.EncoderConfig.TimeKey = "time"
	options.EncoderConfig.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	return options.Build()
}
