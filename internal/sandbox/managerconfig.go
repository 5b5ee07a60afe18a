package sandbox

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// writeManagerConfig writes the manager's configuration file: the given one,
// else the one that config/manager ships without its leader election (there is
// one manager); in both the addresses become the sandbox's own.
func writeManagerConfig(s *state, given string) error {
	var config map[string]any
	var err error
	if given != "" {
		config, err = readYAML(given)
	} else {
		config, err = shippedConfig(s.Source)
	}
	if err != nil {
		return err
	}
	setField(config, "health", "healthProbeBindAddress", s.healthAddress())
	setField(config, "metrics", "bindAddress", s.metricsAddress())
	data, err := yaml.Marshal(config)
	if err != nil {
		return fmt.Errorf("encode the manager's configuration: %w", err)
	}
	return writeFileAtomically(s.managerConfig(), data)
}

// shippedConfig is the configuration of config/manager with leader election
// switched off.
func shippedConfig(source string) (map[string]any, error) {
	path := filepath.Join(source, "config", "manager", "configuration.yaml")
	configMap, err := readYAML(path)
	if err != nil {
		return nil, err
	}
	data, _ := configMap["data"].(map[string]any)
	text, ok := data["config.yaml"].(string)
	if !ok {
		return nil, fmt.Errorf("%s is no ConfigMap with data config.yaml: restore it, or name a file with --manager-config", path)
	}
	config := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &config); err != nil {
		return nil, fmt.Errorf("parse config.yaml in %s: %w", path, err)
	}
	setField(config, "leaderElection", "leaderElect", false)
	return config, nil
}

// readYAML decodes a file that holds one YAML object.
func readYAML(path string) (map[string]any, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the manager's configuration: %w", err)
	}
	object := map[string]any{}
	if err := yaml.Unmarshal(data, &object); err != nil {
		return nil, fmt.Errorf("parse the manager's configuration %s: %w", path, err)
	}
	return object, nil
}

// setField sets section.field and keeps the section's other fields.
func setField(config map[string]any, section, field string, value any) {
	fields, _ := config[section].(map[string]any)
	fields = maps.Clone(fields)
	if fields == nil {
		fields = map[string]any{}
	}
	fields[field] = value
	config[section] = fields
}
