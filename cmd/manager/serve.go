package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/pkg/controller"
	"fairlead.dev/fairlead/pkg/job/batchjob"
)

// collectAt is by how much the heap may grow before garbage is collected, in
// percent of what is alive. The manager has more processor time to spare than
// memory: unless the environment sets GOGC, it collects earlier than Go's 100.
const collectAt = 60

// serve runs the manager until the context ends or the lease is lost.
func serve(ctx context.Context, restConfig *rest.Config, configuration *configv1beta1.Configuration) error {
	logger, err := newLogger()
	if err != nil {
		return fmt.Errorf("logger: %w", err)
	}
	defer func() { _ = logger.Sync() }()
	log := zapr.NewLogger(logger)
	ctrl.SetLogger(log)
	klog.SetLogger(log)

	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	for _, field := range configuration.Inactive() {
		log.Info("This field of the configuration does nothing yet", "field", field)
	}
	engine, done, err := newEngine(configuration, log.WithName("recording"))
	if err != nil {
		return err
	}
	defer done()
	restConfig.UserAgent = "fairlead-manager/" + version
	return controller.Run(ctx, restConfig, controller.Options{
		Configuration: configuration,
		Engine:        engine,
		Kind:          batchjob.Kind{Aliases: configuration.Integrations.LabelAliases},
		Registry:      metrics.Registry,
		Log:           log,
	})
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
