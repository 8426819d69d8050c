package main

import "runtime/debug"

// release is the version that is being built towards.
const release = "0.1.0"

// revision names the program's code: its release, and the commit where the
// build knows it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release
	}
	commit, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = "+" + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = ".modified"
		}
	}
	return release + commit + dirty
}
