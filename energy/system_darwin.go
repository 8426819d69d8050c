package energy

import "golang.org/x/sys/unix"

func systemCPU() string {
	name, _ := unix.Sysctl("machdep.cpu.brand_string") // empty where there is none
	return name
}

func systemMemory() int64 {
	n, _ := unix.SysctlUint64("hw.memsize") // 0 where it is not told
	return int64(n)
}
