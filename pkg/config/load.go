package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
)

// Load reads, defaults and validates a configuration file; an empty path gives
// the defaults. The error names the file, each field at fault and what to
// write instead.
func Load(path string) (*configv1beta1.Configuration, error) {
	configuration := &configv1beta1.Configuration{}
	if path != "" {
		raw, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("configuration file %s does not exist: create it, or leave --config out to run with the defaults", path)
		}
		if err != nil {
			return nil, fmt.Errorf("configuration file %s: %w", path, err)
		}
		if configuration, err = decode(raw); err != nil {
			return nil, fmt.Errorf("configuration file %s: %w", path, err)
		}
	}
	configv1beta1.SetDefaults(configuration)
	if faults := configv1beta1.Validate(configuration); len(faults) > 0 {
		lines := make([]string, 0, len(faults))
		for _, fault := range faults {
			lines = append(lines, "  "+fault.Error())
		}
		return nil, fmt.Errorf("configuration file %s has %d fault(s):\n%s", path, len(faults), strings.Join(lines, "\n"))
	}
	return configuration, nil
}

// decode refuses fields that the configuration does not have, and fields given
// twice, by name.
func decode(raw []byte) (*configv1beta1.Configuration, error) {
	if strings.TrimSpace(string(raw)) == "" {
		return nil, fmt.Errorf("it is empty: begin with apiVersion: %s and kind: %s", configv1beta1.GroupVersion, configv1beta1.Kind)
	}
	asJSON, err := yaml.YAMLToJSONStrict(raw)
	if err != nil {
		return nil, err
	}
	configuration := &configv1beta1.Configuration{}
	strict, err := json.UnmarshalStrict(asJSON, configuration)
	if err != nil {
		var tree any
		if json.UnmarshalCaseSensitivePreserveInts(asJSON, &tree) == nil {
			if where := faults(tree); len(where) > 0 {
				err = errors.Join(where...)
			}
		}
		return nil, err
	}
	if len(strict) > 0 {
		return nil, fmt.Errorf("%w: correct the spelling or remove it", errors.Join(strict...))
	}
	if configuration.APIVersion == "" || configuration.Kind == "" {
		return nil, fmt.Errorf("apiVersion or kind is missing: begin with apiVersion: %s and kind: %s", configv1beta1.GroupVersion, configv1beta1.Kind)
	}
	return configuration, nil
}
