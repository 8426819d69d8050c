//go:build linux

// Command first measures how long it takes from the start of a process to the first
// token of a model, and what an answer costs beside its arithmetic:
//
//	go build -o first ./dev/first && ./first -tokens 64 1.1b.gguf
//
// It takes the time from the kernel's clock, so that what happens before main counts,
// and judges nothing. Start with answer.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"samovar/compute"
	"samovar/infer"
	"samovar/model"
)

func main() {
	log.SetFlags(0)
	tokens := flag.Int("tokens", 64, "of the answer")
	collect := flag.Bool("gc", false, "collect garbage all the time, to see how long it stops an answer")
	flag.Parse()
	if flag.NArg() != 1 || *tokens < 2 {
		log.Fatal("first: the path of a GGUF file and two tokens or more are expected")
	}
	if err := answer(flag.Arg(0), *tokens, *collect); err != nil {
		log.Fatalf("measure %s: %v", flag.Arg(0), err)
	}
}

// answer loads a model and prints a line when it has given its first token, and one
// when it has given all of them.
func answer(path string, tokens int, collect bool) error {
	f, err := model.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	dev, err := compute.CPU{}.Open()
	if err != nil {
		return err
	}
	defer dev.Close()
	weights, err := f.Load(dev)
	if err != nil {
		return err
	}
	e, err := infer.New(dev, f.Config, weights, infer.Options{Sequences: 1, Lookup: -1})
	if err != nil {
		return err
	}
	defer e.Close()
	if _, err := e.Add(infer.Request{Prompt: []int32{1}, MaxTokens: tokens}); err != nil {
		return err
	}
	if _, err := e.Step(); err != nil {
		return err
	}
	age, err := age()
	if err != nil {
		return err
	}
	first := usage()
	const mega = 1e6
	fmt.Printf("first token after %.2f s (%.2f s of processors), %.0f MB resident, %.0f at most, where weights take %.0f\n",
		age, seconds(first), resident()/mega, 1024*float64(first.Maxrss)/mega, float64(f.Memory())/mega)
	if collect {
		go func() {
			for {
				runtime.GC()
			}
		}()
	}
	for start := time.Now(); ; {
		if _, err := e.Step(); err != nil {
			return err
		}
		if e.Idle() {
			n, now := float64(tokens-1), usage()
			fmt.Printf("%.1f tokens/s; of a token %.2f ms of processors, %.2f sleeps, %.2f times put off\n", n/time.Since(start).Seconds(),
				1000*(seconds(now)-seconds(first))/n, float64(now.Nvcsw-first.Nvcsw)/n, float64(now.Nivcsw-first.Nivcsw)/n)
			break
		}
	}
	if collect {
		count, half, most := pauses()
		fmt.Printf("garbage collection stopped the program %d times, half of them for less than %.0f µs, once for up to %.0f µs\n", count, half*mega, most*mega)
	}
	return nil
}

// age returns how many seconds ago the process began, to a hundredth.
func age() (float64, error) {
	b, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // from the third on: proc_pid_stat(5)
	ticks, err := strconv.Atoi(string(fields[22-3]))
	if err != nil {
		return 0, err
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0, err
	}
	const ticksPerSecond = 100 // USER_HZ
	return float64(now.Nano())/1e9 - float64(ticks)/ticksPerSecond, nil
}

func usage() (u unix.Rusage) {
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u) // fails for an unknown who alone
	return u
}

// seconds of processors.
func seconds(u unix.Rusage) float64 { return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9 }

// resident returns the bytes of the process that lie in memory now.
func resident() float64 {
	var all, pages float64
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		_, _ = fmt.Sscan(string(b), &all, &pages)
	}
	return pages * float64(os.Getpagesize())
}

// pauses returns how often garbage collection stopped all goroutines, and for how many
// seconds half the time and at most, as upper bounds.
func pauses() (count uint64, half, most float64) {
	sample := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(sample)
	h := sample[0].Value.Float64Histogram()
	for _, n := range h.Counts {
		count += n
	}
	seen := uint64(0)
	for i, n := range h.Counts {
		if seen += n; seen >= count/2 && half == 0 {
			half = h.Buckets[i+1]
		}
		if n > 0 && !math.IsInf(h.Buckets[i+1], 1) {
			most = h.Buckets[i+1]
		}
	}
	return count, half, most
}
