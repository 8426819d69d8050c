package mechanism

// actuators reads what drives joints: motors, servos, and general actuators
// that are one of them in other words.
func (r *reader) actuators(e *element) error {
	for _, c := range e.children {
		switch c.name {
		case "motor", "position", "velocity", "general":
		default:
			return c.errorf("not supported in <actuator>: motor, position, velocity or general")
		}
		f, err := r.fields(c, "main")
		if err != nil {
			return err
		}
		if err := r.actuator(f); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) actuator(f *fields) error {
	joint, err := r.m.Joint(f.values["joint"])
	if err != nil || f.values["joint"] == "" {
		return f.errorf("no joint %q to drive", short(f.values["joint"]))
	}
	a := Actuator{Name: f.values["name"], Joint: joint, Gear: 1, Gain: 1}
	var gear [6]float64
	if f.numbers("gear", gear[:], 1) > 0 {
		a.Gear = gear[0]
	}
	r.law(f, &a)
	if w := f.number("inheritrange", 0); w > 0 {
		j := &r.m.Joints[joint]
		if !j.Limited || f.values["ctrlrange"] != "" {
			f.fail("inheritrange needs a range of joint %q, and no ctrlrange", j.Name)
		}
		middle, half := (j.Range[0]+j.Range[1])/2, w*(j.Range[1]-j.Range[0])/2
		a.CtrlLimited, a.Control = true, [2]float64{middle - half, middle + half}
	} else {
		a.CtrlLimited, a.Control = f.limits("ctrllimited", "ctrlrange")
	}
	a.ForceLimited, a.Force = f.limits("forcelimited", "forcerange")
	if len(r.m.Actuators) >= most {
		f.fail("more than %d actuators", most)
	}
	r.m.Actuators = append(r.m.Actuators, a)
	return f.err
}

// law reads how control becomes force. A servo's kp and kv are other names of
// gainprm and biasprm.
func (r *reader) law(f *fields, a *Actuator) {
	var gain, bias [10]float64
	gain[0] = 1
	f.numbers("gainprm", gain[:], 1)
	f.numbers("biasprm", bias[:], 1)
	switch f.name {
	case "position":
		kp := f.number("kp", gain[0])
		kv := f.number("kv", -bias[2])
		a.Gain, a.Bias = kp, [3]float64{0, -kp, -kv}
	case "velocity":
		kv := f.number("kv", gain[0])
		a.Gain, a.Bias = kv, [3]float64{0, 0, -kv}
	case "general":
		f.word("dyntype", "none", "none")
		f.word("gaintype", "fixed", "fixed")
		a.Gain = gain[0]
		if f.word("biastype", "none", "none", "affine") == "affine" {
			a.Bias = [3]float64{bias[0], bias[1], bias[2]}
		}
	}
}

// normalise gives defaults of actuators one form: motor, position and velocity in a
// class are other names of gainprm and biasprm, which the next of them overwrites.
func (r *reader) normalise(e *element, values map[string]string) error {
	if e.name == "general" {
		return nil
	}
	f, a := &fields{element: e, values: values, r: r}, Actuator{Gain: 1}
	r.law(f, &a)
	delete(values, "kp")
	delete(values, "kv")
	values["gainprm"], values["biasprm"] = number(a.Gain), numbers(a.Bias[:])
	return f.err
}
