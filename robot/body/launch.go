package body

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Process is a body that was started as a process of its own.
type Process struct {
	Control string // addresses; see Dial
	Referee string

	cmd    *exec.Cmd
	folder string
	done   chan struct{}
	err    error
}

// Find returns the path of the simulated body's program: $SAMOVAR_BODY, or body
// beside this program, or bin/body in the working folder or in one of those given.
func Find(folders ...string) (string, error) {
	if p := os.Getenv("SAMOVAR_BODY"); p != "" {
		if _, err := os.Stat(p); err != nil {
			return "", fmt.Errorf("find the simulated body: SAMOVAR_BODY: %w", err)
		}
		return p, nil
	}
	tries := []string{filepath.Join("bin", "body")}
	if self, err := os.Executable(); err == nil {
		tries = append([]string{filepath.Join(filepath.Dir(self), "body")}, tries...)
	}
	for _, f := range folders {
		tries = append(tries, filepath.Join(f, "bin", "body"))
	}
	for _, p := range tries {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			return filepath.Abs(p)
		}
	}
	return "", errors.New("find the simulated body: there is no bin/body: `make robot` builds it")
}

// slowest is how long a body may take to read its model and build it.
const slowest = 2 * time.Minute

// Launch starts a simulated body at path with arguments, such as --lockstep, and
// waits until it can be dialled. It ends with Close, with ctx, or by itself when
// its controller and referee have left. What it has to say goes to log.
func Launch(ctx context.Context, path string, log io.Writer, args ...string) (*Process, error) {
	folder, err := os.MkdirTemp("", "samovar-body-")
	if err != nil {
		return nil, fmt.Errorf("start the body %s: %w", path, err)
	}
	p := &Process{folder: folder, done: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, path, append([]string{
		"--once", "--control", "unix:" + filepath.Join(folder, "control"), "--referee", "unix:" + filepath.Join(folder, "referee"),
	}, args...)...)
	p.cmd.Stderr = log
	p.cmd.WaitDelay = time.Second
	if err := p.start(); err != nil {
		os.RemoveAll(folder)
		return nil, fmt.Errorf("start the body %s: %w", path, err)
	}
	return p, nil
}

func (p *Process) start() error {
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	late := time.AfterFunc(slowest, func() { p.cmd.Process.Kill() })
	line, err := bufio.NewReader(io.LimitReader(out, 4096)).ReadBytes('\n')
	late.Stop()
	if err == nil {
		err = json.Unmarshal(line, p)
	}
	if err != nil {
		p.cmd.Process.Kill()
		return errors.Join(p.cmd.Wait(), fmt.Errorf("it has said no address (%w); what it wrote may say why", err))
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return nil
}

// Ended says how the process ended, once Done is closed.
func (p *Process) Ended() string { return p.cmd.ProcessState.String() }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Close ends the process, and waits until it has ended.
func (p *Process) Close() error {
	p.cmd.Process.Signal(os.Interrupt) // if it still runs
	select {
	case <-p.done:
	case <-time.After(time.Second):
		p.cmd.Process.Kill()
		<-p.done
	}
	return errors.Join(p.err, os.RemoveAll(p.folder))
}

// Pid is the process's number, for whoever lets it hang.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Kill ends the process at once, as a crash would.
func (p *Process) Kill() { p.cmd.Process.Kill() }
