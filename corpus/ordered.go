package corpus

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// ordered hands what produce emits to n goroutines that run work, and their
// results to consume in the order in which produce emitted. About 2n values are
// on their way at a time. Of several errors of work and consume, the first in
// that order is returned.
func ordered[T, R any](ctx context.Context, n int, produce func(emit func(T) error) error,
	work func(T) (R, error), consume func(R) error) error {
	type result struct {
		value R
		err   error
	}
	type job struct {
		in  T
		out chan result
	}
	g, ctx := errgroup.WithContext(ctx)
	todo, order := make(chan job), make(chan job, n)
	g.Go(func() error {
		defer close(todo)
		defer close(order)
		return produce(func(in T) error {
			j := job{in, make(chan result, 1)}
			for _, c := range []chan job{order, todo} {
				select {
				case c <- j:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	})
	for range n {
		g.Go(func() error {
			for j := range todo {
				value, err := work(j.in)
				j.out <- result{value, err}
			}
			return nil
		})
	}
	g.Go(func() error {
		for j := range order {
			select {
			case r := <-j.out:
				if r.err != nil {
					return r.err
				}
				if err := consume(r.value); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return ctx.Err()
	})
	return g.Wait()
}

// first returns the first error that is not nil: errors are one line.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
