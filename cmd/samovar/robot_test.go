package main

import (
	"strings"
	"testing"

	"samovar/robot/body"
)

// TestRobotServe has people meet a robot: it is described, greets, refuses a song that is
// none, and is stopped, beside a model that answers.
func TestRobotServe(t *testing.T) {
	path, err := body.Find("../..")
	if err != nil {
		t.Skip(err)
	}
	t.Setenv("SAMOVAR_BODY", path)
	u := newBrewery(t, smallRecipe).serving(t, "robot", "serve")
	var robot struct {
		Bodies  []struct{ Name string }
		Answers bool
		Speaks  bool
	}
	if u.ask("GET", "/api/robot", "", &robot) != 200 || len(robot.Bodies) < 20 || robot.Answers != robot.Speaks {
		t.Errorf("the robot is %+v", robot)
	}
	var answer struct{ Error struct{ Message string } }
	if robot.Speaks && u.ask("POST", "/api/robot/greet", `{"language": "fr"}`, &answer) != 200 {
		t.Errorf("it does not greet: %+v", answer)
	}
	if u.ask("POST", "/api/robot/songs", "no song", &answer) != 400 || !strings.Contains(answer.Error.Message, "listen to") {
		t.Errorf("a song that is none: %+v", answer)
	}
	if u.ask("POST", "/api/robot/stop", "", &answer) != 200 {
		t.Errorf("it does not stop: %+v", answer)
	}
	var models struct{ Data []struct{ ID string } }
	if u.ask("GET", "/v1/models", "", &models) != 200 || len(models.Data) == 0 {
		t.Errorf("no model is served beside it: %+v", models)
	}
}
