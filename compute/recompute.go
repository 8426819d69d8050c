package compute

import (
	"maps"
	"reflect"
	"slices"
)

// repeat replaces the operations of a layer by ones on slots of their own and appends them
// once more, so that on the way back the layer's results are computed again instead of
// having been kept (Chen et al., arXiv:1604.06174 section 4). What the layer takes from
// those before it is kept; what only later ones read is not computed twice.
func (d *differentiator) repeat(layer []Op) {
	inside := map[Slot]Slot{} // results that the layer itself reads, and where they are then
	for i, op := range layer {
		for _, s := range op.writes() {
			if slices.ContainsFunc(layer[i+1:], func(o Op) bool { return slices.Contains(o.reads(), s) }) {
				inside[s] = None
			}
		}
	}
	for _, s := range slices.Sorted(maps.Keys(inside)) {
		info := d.q.Slots[s]
		info.Name += " again"
		inside[s] = d.q.Add(info)
	}
	for i, op := range layer {
		again := renamed(op, inside)
		if slices.ContainsFunc(op.writes(), func(s Slot) bool { return inside[s] != None }) {
			d.q.Do(again)
		}
		layer[i] = again
	}
}

// renamed is an operation on other slots. All fields of operations are exported.
func renamed(op Op, to map[Slot]Slot) Op {
	v := reflect.New(reflect.TypeOf(op)).Elem()
	v.Set(reflect.ValueOf(op))
	var rename func(v reflect.Value)
	rename = func(v reflect.Value) {
		if s, ok := v.Interface().(Slot); ok {
			if other, ok := to[s]; ok {
				v.Set(reflect.ValueOf(other))
			}
		} else if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				rename(v.Field(i))
			}
		}
	}
	rename(v)
	return v.Interface().(Op)
}
