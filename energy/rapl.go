package energy

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// domain is one energy counter of the Linux powercap interface
// (Documentation/power/powercap). It counts microjoules and wraps.
type domain struct {
	path  string // its energy_uj
	limit uint64 // the counter wraps after this many µJ
	last  uint64 // µJ
	total uint64 // µJ since it was opened
}

type domains []*domain

// Processor packages, and memory within them. Packages contain their core and
// uncore domains, and psys contains everything: these would count twice, as
// would the same packages under intel-rapl-mmio. AMD's are called intel too.
var (
	packageDir = regexp.MustCompile(`^intel-rapl:\d+$`)
	memoryDir  = regexp.MustCompile(`^intel-rapl:\d+:\d+$`)
)

// openRAPL returns the counters that can be read: often only root may.
func openRAPL(root string) domains {
	base := filepath.Join(root, "sys/class/powercap")
	entries, err := os.ReadDir(base)
	if err != nil {
		return nil
	}
	var all domains
	packages := 0
	for _, e := range entries {
		dir := filepath.Join(base, e.Name())
		name, _ := readText(filepath.Join(dir, "name"))
		isPackage := packageDir.MatchString(e.Name()) && strings.HasPrefix(name, "package")
		isMemory := memoryDir.MatchString(e.Name()) && name == "dram"
		if !isPackage && !isMemory {
			continue
		}
		d := &domain{path: filepath.Join(dir, "energy_uj")}
		var ok bool
		if d.last, ok = readNumber(d.path); !ok {
			continue
		}
		if d.limit, ok = readNumber(filepath.Join(dir, "max_energy_range_uj")); !ok {
			continue
		}
		if isPackage {
			packages++
		}
		all = append(all, d)
	}
	// Memory alone would pass for the machine.
	if packages == 0 {
		return nil
	}
	return all
}

// joules reads all counters; one that cannot be read now adds nothing.
func (all domains) joules() float64 {
	var sum uint64
	for _, d := range all {
		if now, ok := readNumber(d.path); ok {
			if now < d.last {
				d.total += d.limit - min(d.limit, d.last)
				d.last = 0
			}
			d.total += now - d.last
			d.last = now
		}
		sum += d.total
	}
	return float64(sum) / 1e6
}

func readText(path string) (string, bool) {
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err == nil
}

func readNumber(path string) (uint64, bool) {
	s, ok := readText(path)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}
