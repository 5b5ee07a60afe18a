package observer

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// unzipped reads a file of the real run in testdata/demo.
func unzipped(t *testing.T, name string) []byte {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", "demo", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zip, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestRealRecording judges a real run of the demo on a loaded machine, as it
// was, and doctored as someone would who wanted to hide something.
func TestRealRecording(t *testing.T) {
	rules, err := LoadRules(filepath.Join("testdata", "demo", "rules.json"))
	if err != nil {
		t.Fatal(err)
	}
	recording := unzipped(t, "recording.jsonl.gz")
	manifest, err := ReadManifest(bytes.NewReader(unzipped(t, "manifest.jsonl.gz")))
	if err != nil {
		t.Fatal(err)
	}
	v := judgeLines(t, rules, recording, manifest)
	if !v.Pass || len(v.Split) != 1 {
		t.Fatalf("the real run: %s: %+v", v.Summary, v.Violations)
	}
	lost := slices.Clone(manifest.Jobs)
	lost = append(lost, Submitted{UID: "lost", Namespace: "osg", Name: "lost"})
	heavier := *rules
	heavier.Groups = slices.Clone(rules.Groups)
	heavier.Groups[0].Nominal -= 5 * Core
	heavier.Groups[1].Nominal += 5 * Core
	smaller := *rules
	smaller.Groups = slices.Clone(rules.Groups)
	smaller.Groups[1].Nominal -= Core
	sooner, nobody := *rules, *rules
	sooner.Reclaims = slices.Clone(rules.Reclaims)
	sooner.Reclaims[0].Within = Seconds(time.Second)
	nobody.Reclaims = nil
	for name, tt := range map[string]struct {
		rules    *Rules
		data     []byte
		manifest *Manifest
		want     string
	}{
		"one Job more was submitted":       {rules, recording, &Manifest{Jobs: lost}, checkComplete},
		"the shares should be 55 and 45":   {&heavier, recording, manifest, checkSplit},
		"there should be 99 cores":         {&smaller, recording, manifest, checkQuota},
		"usatlas should wait 1 s at most":  {&sooner, recording, manifest, rules.Reclaims[0].Text},
		"nobody may be stopped":            {&nobody, recording, manifest, checkTwice},
		"a Job ran for nobody":             {rules, recording, &Manifest{Jobs: manifest.Jobs[1:]}, checkStranger},
		"a line is missing":                {rules, cut(recording, 1000), manifest, checkRecording},
		"the end is missing":               {rules, cut(recording, bytes.Count(recording, []byte("\n"))-1), manifest, checkRecording},
		"Jobs never were suspended":        {rules, bytes.ReplaceAll(recording, []byte(`"suspend":true`), []byte(`"suspend":false`)), manifest, checkQueued},
		"every Job failed":                 {rules, bytes.ReplaceAll(recording, []byte(`"Complete"`), []byte(`"Failed"`)), manifest, checkComplete},
		"a pod's name stands for two pods": {rules, secondUID(recording), manifest, checkTwice},
	} {
		t.Run(name, func(t *testing.T) {
			if got := failed(judgeLines(t, tt.rules, tt.data, tt.manifest)); !slices.Contains(got, tt.want) {
				t.Errorf("failed %q, want %q", got, tt.want)
			}
		})
	}
}

// cut takes one line out.
func cut(data []byte, line int) []byte {
	all := bytes.SplitAfter(data, []byte("\n"))
	return bytes.Join(slices.Concat(all[:line], all[line+1:]), nil)
}

// secondUID gives the last sight of the first pod another UID, as if the Job
// had had two pods.
func secondUID(data []byte) []byte {
	const before = `"pod":{"change":"ADDED","uid":"`
	text := string(data)
	uid := text[strings.Index(text, before)+len(before):]
	uid = uid[:strings.Index(uid, `"`)]
	last := strings.LastIndex(text, uid)
	return []byte(text[:last] + "another" + text[last+len(uid):])
}
