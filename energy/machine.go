package energy

import (
	"bufio"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"samovar"
)

func (c Config) root() string {
	if c.Root == "" {
		return "/"
	}
	return c.Root
}

// ThisMachine describes what this process runs on: as many threads as its
// affinity and control group let it use at once, and as much memory as its
// control group may have. What is unknown is zero or empty.
func ThisMachine(c Config) samovar.Machine {
	host, _ := os.Hostname() // a nameless machine is described without a name
	return samovar.Machine{
		Host: host, OS: runtime.GOOS, Arch: runtime.GOARCH, CPU: cpuModel(c.root()),
		// The runtime has both limits in this number, unless $GOMAXPROCS says less.
		Threads: runtime.GOMAXPROCS(0),
		Memory:  memory(c.root()),
	}
}

// cpuModel returns the processor's name, or the architecture's.
func cpuModel(root string) string {
	if f, err := os.Open(filepath.Join(root, "proc/cpuinfo")); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
				return strings.Join(strings.Fields(value), " ")
			}
		}
	}
	// Small ARM boards name the board only.
	if board, ok := readText(filepath.Join(root, "sys/firmware/devicetree/base/model")); ok {
		return strings.Trim(board, "\x00 ")
	}
	if name := systemCPU(); name != "" {
		return name
	}
	return runtime.GOARCH
}

// memory returns the bytes that this process may use.
func memory(root string) int64 {
	total := systemMemory()
	if f, err := os.Open(filepath.Join(root, "proc/meminfo")); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if fields := strings.Fields(lines.Text()); len(fields) >= 2 && fields[0] == "MemTotal:" {
				kib, _ := strconv.ParseInt(fields[1], 10, 64)
				total = kib << 10
			}
		}
	}
	for _, file := range memoryLimits(root) {
		if n, ok := readNumber(file); ok && n > 0 && (total == 0 || n < uint64(total)) {
			total = int64(n)
		}
	}
	return total
}

// memoryLimits returns the files that may limit this process, in its control
// group and the groups around it: those of cgroup v2, or of v1's memory
// controller. A file that holds "max" is no limit.
func memoryLimits(root string) []string {
	text, _ := readText(filepath.Join(root, "proc/self/cgroup"))
	var files []string
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		base, name := "sys/fs/cgroup", "memory.max"
		if parts[1] == "memory" {
			base, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		} else if parts[0] != "0" {
			continue
		}
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) {
			files = append(files, filepath.Join(root, base, group, name))
			if group == "/" {
				break
			}
		}
	}
	return files
}
