package energy

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

// root makes a system of those files.
func root(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		set(t, dir, name, text)
	}
	return dir
}

func set(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const powercap = "sys/class/powercap/"

// rapl has two packages, memory in the first, and domains that would count
// the same energy twice.
var rapl = map[string]string{
	powercap + "intel-rapl:0/name":                  "package-0\n",
	powercap + "intel-rapl:0/energy_uj":             "1000000\n",
	powercap + "intel-rapl:0/max_energy_range_uj":   "9000000\n",
	powercap + "intel-rapl:0:0/name":                "core\n",
	powercap + "intel-rapl:0:0/energy_uj":           "1\n",
	powercap + "intel-rapl:0:0/max_energy_range_uj": "9000000\n",
	powercap + "intel-rapl:0:1/name":                "dram\n",
	powercap + "intel-rapl:0:1/energy_uj":           "0\n",
	powercap + "intel-rapl:0:1/max_energy_range_uj": "9000000\n",
	powercap + "intel-rapl:1/name":                  "package-1\n",
	powercap + "intel-rapl:1/energy_uj":             "8500000\n",
	powercap + "intel-rapl:1/max_energy_range_uj":   "9000000\n",
	powercap + "intel-rapl:2/name":                  "psys\n",
	powercap + "intel-rapl:2/energy_uj":             "1\n",
	powercap + "intel-rapl:2/max_energy_range_uj":   "9000000\n",
	powercap + "intel-rapl-mmio:0/name":             "package-0\n",
	powercap + "intel-rapl-mmio:0/energy_uj":        "1\n",
}

func TestRAPL(t *testing.T) {
	dir := root(t, rapl)
	m := Open(t.Context(), Config{Root: dir})
	if e := m.Read(); e.Joules != 0 || e.Method != "measured (RAPL)" {
		t.Errorf("first reading %+v", e)
	}
	set(t, dir, powercap+"intel-rapl:0/energy_uj", "3000000")  // 2 J
	set(t, dir, powercap+"intel-rapl:0:1/energy_uj", "500000") // 0.5 J
	set(t, dir, powercap+"intel-rapl:1/energy_uj", "250000")   // 0.5 J, wrap, 0.25 J
	set(t, dir, powercap+"intel-rapl:2/energy_uj", "7000000")
	set(t, dir, powercap+"intel-rapl:0:0/energy_uj", "7000000")
	if e := m.Read(); e.Joules != 3.25 {
		t.Errorf("%g J, want 3.25", e.Joules)
	}
	// A counter that is gone stands still; a damaged one does too.
	if err := os.Remove(filepath.Join(dir, powercap, "intel-rapl:1/energy_uj")); err != nil {
		t.Fatal(err)
	}
	set(t, dir, powercap+"intel-rapl:0:1/energy_uj", "many")
	set(t, dir, powercap+"intel-rapl:0/energy_uj", "4000000")
	if e := m.Read(); e.Joules != 4.25 {
		t.Errorf("%g J, want 4.25", e.Joules)
	}
}

func TestUnreadableRAPL(t *testing.T) {
	dir := root(t, rapl)
	for _, name := range []string{"intel-rapl:0", "intel-rapl:1"} {
		if err := os.Remove(filepath.Join(dir, powercap, name, "energy_uj")); err != nil {
			t.Fatal(err)
		}
	}
	if e := Open(t.Context(), Config{Root: dir}).Read(); e.Method == "measured (RAPL)" {
		t.Error("memory alone passes for the machine")
	}
}

func TestEstimate(t *testing.T) {
	for model, want := range map[string]struct {
		watts  float64
		method string
	}{
		"AMD EPYC 7713 64-Core Processor":                {225.0 / 128, "estimated (TDP 225 W / 128 threads × load)"},
		"Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz":      {120.0 / 28, "estimated (TDP 120 W / 28 threads × load)"},
		"Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz":   {270.0 / 80, "estimated (TDP 270 W / 80 threads × load)"},
		"Intel(R) Xeon(R) Platinum 8380HL CPU @ 2.90GHz": {assumedWatts, "estimated (TDP of 3.5 W per thread assumed × load)"},
		"AMD EPYC": {assumedWatts, "estimated (TDP of 3.5 W per thread assumed × load)"},
		"":         {assumedWatts, "estimated (TDP of 3.5 W per thread assumed × load)"},
	} {
		if watts, method := estimate(model); watts != want.watts || method != want.method {
			t.Errorf("estimate(%q) = %g, %s, want %g, %s", model, watts, method, want.watts, want.method)
		}
	}
}

func TestAssumedWatts(t *testing.T) {
	var watts []float64
	for _, c := range cpus {
		watts = append(watts, c.watts/float64(c.threads))
	}
	slices.Sort(watts)
	if median := watts[len(watts)/2]; math.Abs(median-assumedWatts) > 0.25 {
		t.Errorf("the median of the table is %.2f W per thread, %g are assumed", median, assumedWatts)
	}
}

func TestEstimatedMeterFollowsLoad(t *testing.T) {
	m := Open(t.Context(), Config{Root: root(t, map[string]string{"proc/cpuinfo": "model name\t: AMD EPYC 7713 64-Core Processor\n"})})
	outerStart := cpuSeconds()
	first := m.Read().Joules
	innerStart := cpuSeconds()
	x := 1.0
	for cpuSeconds() < innerStart+0.1 {
		for range 10000 {
			x = math.Sqrt(x + 1)
		}
	}
	innerEnd := cpuSeconds()
	got := m.Read().Joules - first
	outerEnd := cpuSeconds()
	const watts, tiny = 225.0 / 128, 1e-9
	if got < (innerEnd-innerStart)*watts-tiny || got > (outerEnd-outerStart)*watts+tiny {
		t.Errorf("%g J for %g to %g s of processor time, x = %g", got, innerEnd-innerStart, outerEnd-outerStart, x)
	}
}

func TestNeverFalls(t *testing.T) {
	readings := []float64{1, 5, 3}
	m := &Meter{source: func() float64 {
		r := readings[0]
		readings = readings[1:]
		return r
	}}
	for _, want := range []float64{1, 5, 5} {
		if got := m.Read().Joules; got != want {
			t.Errorf("%g J, want %g", got, want)
		}
	}
}

func TestThisMachine(t *testing.T) {
	dir := root(t, map[string]string{
		"proc/cpuinfo":     "processor\t: 0\nmodel name\t: Some  CPU\n",
		"proc/meminfo":     "MemTotal:       1000 kB\n",
		"proc/self/cgroup": "5:devices:/x\n4:memory:/a/b\n0::/v2/group\n",
		"sys/fs/cgroup/memory/a/memory.limit_in_bytes":   "900000\n",
		"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712\n",
		"sys/fs/cgroup/v2/group/memory.max":              "max\n",
		"sys/fs/cgroup/v2/memory.max":                    "800000\n",
	})
	m := ThisMachine(Config{Root: dir})
	if m.CPU != "Some CPU" || m.Memory != 800000 || m.Threads < 1 || m.OS != runtime.GOOS {
		t.Errorf("%+v", m)
	}
	board := ThisMachine(Config{Root: root(t, map[string]string{
		"sys/firmware/devicetree/base/model": "Raspberry Pi 4\x00",
		"proc/meminfo":                       "MemTotal: 2 kB\n"})})
	if board.CPU != "Raspberry Pi 4" || board.Memory != 2048 {
		t.Errorf("%+v", board)
	}
	if real := ThisMachine(Config{}); real.Memory <= 0 && runtime.GOOS == "linux" {
		t.Errorf("this machine: %+v", real)
	}
}
