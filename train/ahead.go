package train

// ahead is Data whose next rows are read while a step is taken.
type ahead struct {
	data  Data
	steps int64     // of the run; nothing is read after them
	next  int64     // the step whose rows come
	rows  chan Rows // nil: none do
}

// Batch returns the rows of a step, and begins to read those of the one after.
func (a *ahead) Batch(step int64) Rows {
	var rows Rows
	if a.rows != nil && a.next == step {
		rows = <-a.rows
	} else {
		a.close()
		rows = a.data.Batch(step)
	}
	a.rows = nil
	if a.next = step + 1; a.next < a.steps {
		c, next := make(chan Rows, 1), a.next
		a.rows = c
		go func() { c <- a.data.Batch(next) }()
	}
	return rows
}

// close waits for what is being read.
func (a *ahead) close() error {
	if a.rows != nil {
		<-a.rows
		a.rows = nil
	}
	return nil
}
