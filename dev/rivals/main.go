// Command rivals measures Samovar beside other engines on the same files, in turn,
// A B A B, because a shared machine is not the same from one minute to the next:
//
//	go run ./dev/rivals -samovar bin/samovar -rival llama.cpp=/opt/llama.cpp/bin/llama-bench -model 1.1b-q8_0.gguf
//	go run ./dev/rivals -samovar bin/samovar -trainer llm.c=/opt/llm.c/test_gpt2
//
// It prints the median of each and of the ratios within a round, with the lowest and
// highest of these. A rival is a program that takes the arguments of llama-bench and
// prints its JSON; a trainer one that prints llm.c's "took N ms" after each step. Both
// are built by whoever measures. Start with compare.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
)

// list is a flag that may be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// options are what is measured, and with what.
type options struct {
	samovar          string
	rivals, trainers list // NAME=PATH
	models           list
	extra            string // arguments for every rival, such as "-fa 1"
	rounds, threads  int
	prompts          string // lengths, separated by commas
	tokens           int
	rows, window     int    // of the trainers' steps
	shape            string // what samovar bench trains beside them
	directory        string // in which trainers run
}

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.samovar, "samovar", "bin/samovar", "Samovar's program")
	flag.Var(&o.rivals, "rival", "NAME=PATH of a llama-bench; may be repeated")
	flag.Var(&o.models, "model", "a GGUF file; may be repeated")
	flag.StringVar(&o.extra, "extra", "", "more arguments for every rival")
	flag.StringVar(&o.prompts, "prompts", "512", "tokens of prompts that are read, separated by commas")
	flag.IntVar(&o.tokens, "tokens", 64, "tokens that are decoded")
	flag.Var(&o.trainers, "trainer", "NAME=PATH of llm.c's test program, run in the folder of its data; may be repeated")
	flag.StringVar(&o.shape, "shape", "gpt2", "what Samovar trains beside trainers, as samovar bench --train")
	flag.IntVar(&o.rows, "rows", 4, "rows of a trainer's step")
	flag.IntVar(&o.window, "window", 64, "tokens of a row")
	flag.StringVar(&o.directory, "dir", ".", "folder in which trainers run")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each is measured")
	flag.IntVar(&o.threads, "threads", 2, "threads of rivals; Samovar takes GOMAXPROCS")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		log.Fatalf("rivals: %v", err)
	}
}

func run(ctx context.Context, o options) error {
	tests, err := o.tests()
	if err != nil {
		return err
	}
	if len(tests) == 0 {
		return errors.New("nothing is to be measured: -model and -rival, or -trainer, are expected")
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "test\tengine\ttokens/s\tSamovar is\tof rounds")
	for _, t := range tests {
		results, err := compare(ctx, t.engines, o.rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		for i, r := range results {
			fmt.Fprintf(w, "%s\t%s\t%.1f", t.name, r.name, r.rate)
			if i > 0 {
				fmt.Fprintf(w, "\t%.2f ×\t%.2f to %.2f", r.ratio, r.low, r.high)
			}
			fmt.Fprintln(w)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}
