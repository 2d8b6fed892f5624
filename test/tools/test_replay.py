# SPDX-License-Identifier: Apache-2.0
"""``coinfer replay`` makes every plan of a bag again, finds what differs, weighs the answers."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import re

import numpy as np
import pytest
import yaml
from rosbags.rosbag2 import StoragePlugin
from rosbags.typesys import get_types_from_msg

from coinfer_ros import resources
from coinfer_ros.adapters import bag as bag_writer
from coinfer_ros.adapters.plan_messages import LATE, OK, Outcome, read_plan
from coinfer_ros.core.optimizer import Objective, Policy
from coinfer_ros.core.planning.record import INFEASIBLE, OPTIMAL, STOPPED, PlanRecord
from coinfer_ros.tools import cli
from coinfer_ros.tools.replaying.comparison import differences
from coinfer_ros.tools.replaying.evidence import weigh

from .recorded_world import Controller, Tape, make, package_types, write

RELAXED = {"delay_s": 2.5, "energy_j": 2.0}


def play(controller):
    """Let a controller meet all that makes plans, and return what was measured."""
    measured = controller.run(10, **RELAXED)
    controller.world.robot_load = 1.5
    measured += controller.run(8, **RELAXED)
    controller.world.robot_load = 1.0  # what would be better now has to be clearly better
    measured += controller.run(16, **RELAXED)
    measured += controller.run(2, delay_s=1.0, energy_j=2.0)
    controller.run(2, delay_s=0.1, policy=Policy.STOP)
    return measured + controller.run(2, delay_s=2.5, objective=Objective.ENERGY)


class Played:
    """What one robot's controller said, and what was measured."""

    def __init__(self):
        self.tape = Tape()
        self.measured = play(Controller(self.tape))
        self.said = self.tape.said

    @property
    def plans(self):
        """The plans by number."""
        return {m.plan_id: m for topic, m, _ in self.said if topic == "/plan"}


@pytest.fixture(scope="module")
def played():
    return Played()


@pytest.fixture
def bag(tmp_path):
    return tmp_path / "bag"


def replay(*words):
    return cli.main(["replay", *map(str, words)])


def replayed(capsys, *words):
    """Return the exit status and each robot's part."""
    status = replay(*words, "--json")
    return status, json.loads(capsys.readouterr().out)["robots"]


def without(said, topic, plan_id=None):
    return [
        (t, m, at_ns) for t, m, at_ns in said if t != topic or (plan_id and m.plan_id != plan_id)
    ]


def edited(said, topic, plan_id, **changes):
    """Return what was said with other values in the messages of a plan."""

    def edit(message):
        if message.plan_id != plan_id:
            return message
        other = copy.copy(message)
        vars(other).update(changes)
        return other

    return [(t, edit(m) if t == topic else m, at_ns) for t, m, at_ns in said]


# Recomputing


@pytest.mark.parametrize("storage", list(StoragePlugin), ids=lambda storage: storage.name)
def test_every_plan_of_a_run_is_made_again_exactly(played, bag, capsys, storage):
    asked = [m.budget_delay_s for topic, m, _ in played.said if topic == "/basis"]
    plans = played.plans.values()
    assert any(basis < plan.budget_delay_s for basis, plan in zip(asked, plans, strict=True))
    assert {plan.status for plan in plans} == {OPTIMAL, INFEASIBLE, STOPPED}
    status, (robot,) = replayed(capsys, write(bag, played.said, storage=storage))
    assert status == 0
    assert robot["plans"] == robot["recomputed"] == robot["equal"] == len(plans) >= 6
    assert robot["different"] == robot["not_recomputed"] == robot["repeated_differently"] == []


def test_a_file_of_a_bag_without_its_metadata_is_a_bag_too(played, bag):
    write(bag, played.said)
    (bag / "metadata.yaml").unlink()
    assert replay(bag / "bag.mcap") == 0


def test_a_tampered_plan_is_found_and_named_with_the_field(played, bag, capsys):
    bits = played.plans[2].weight_bits
    write(bag, edited(played.said, "/plan", 2, weight_bits=bits + 1, binding="whim"))
    assert replay(bag) == 1
    told = f"plan 2: weight_bits recorded {bits + 1}, recomputed {bits}; binding recorded 'whim'"
    assert told in capsys.readouterr().out
    status, (robot,) = replayed(capsys, bag)
    assert status == 1
    assert robot["equal"] == robot["plans"] - 1
    (found,) = robot["different"]
    assert (found["plan_id"], found["rounding"]) == (2, False)
    assert found["fields"][0] == {
        "field": "weight_bits",
        "recorded": bits + 1,
        "recomputed": bits,
    }


def test_what_another_processor_rounds_otherwise_is_told_apart(played, bag, capsys):
    delay_s = math.nextafter(played.plans[2].predicted_delay_s, math.inf)
    write(bag, edited(played.said, "/plan", 2, predicted_delay_s=delay_s))
    assert replay(bag) == 1
    assert "1, 1 by rounding alone" in capsys.readouterr().out


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(PlanRecord)])
def test_a_difference_in_any_field_is_one_and_nan_equals_nan(played, name):
    for message in played.plans.values():
        plan = read_plan(message)
        assert differences(plan, dataclasses.replace(plan)) == ()
        value = getattr(plan, name)
        other = f"{value}x" if isinstance(value, str) else value + 1 if abs(value) < 1e9 else 2.5
        (found,) = differences(plan, dataclasses.replace(plan, **{name: other}))
        assert (found.field, found.other) == (name, other)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (lambda said: without(said, "/basis", 3), "the bag has no Basis of it"),
        (
            lambda said: edited(said, "/basis", 3, policy="hope"),
            "policy must be one of keep_energy, keep_delay, best_effort, stop, got 'hope'",
        ),
        (
            lambda said: edited(said, "/basis", 3, edges=[]),
            "Basis.edges must be those of Costs, ['edge'], got []",
        ),
        (lambda said: edited(said, "/basis", 3, tokens=np.array([], np.uint32)), "shorter"),
    ],
)
def test_a_plan_that_cannot_be_made_again_is_named_with_the_reason(
    played, bag, capsys, said, reason
):
    write(bag, said(played.said))
    status, (robot,) = replayed(capsys, bag)
    assert status == 1
    (named,) = robot["not_recomputed"]
    assert named["plan_id"] == 3
    assert reason in named["reason"]
    assert robot["recomputed"] == robot["equal"] == robot["plans"] - 1
    replay(bag)
    assert "plan 3: " in capsys.readouterr().out


def test_a_plan_that_is_sent_again_with_other_contents_is_reported(played, bag, capsys):
    plan = list(played.plans.values())[-1]
    again = edited([("/plan", plan, played.tape.now_ns + 1)], "/plan", plan.plan_id, lease_s=9.0)
    said = played.said + again
    status, (robot,) = replayed(capsys, write(bag, said))
    assert status == 1
    assert robot["equal"] == robot["plans"]
    (found,) = robot["repeated_differently"]
    assert found["plan_id"] == plan.plan_id
    assert found["fields"] == [{"field": "lease_s", "first": 0.8, "then": 9.0}]
    replay(bag)
    assert "sent again: lease_s first 0.8, then 9.0" in capsys.readouterr().out


# Who said what, and when


def test_robots_are_told_apart_by_their_names_whatever_the_topics(bag, capsys):
    tape = Tape()
    robots = [
        Controller(tape, robot_id=name, space=space, seed=seed)
        for name, space, seed in (("first", "/robot1", 1), ("second", "/a/b", 2))
    ]
    for robot in (*robots, *robots):
        robot.run(3, **RELAXED)
    # An edge hears both robots' plans on one topic.
    heard = [("/edge/plan", m, at_ns + 1) for t, m, at_ns in tape.said if t.endswith("/plan")]
    said = sorted([*tape.said, *heard], key=lambda one: one[2])
    status, found = replayed(capsys, write(bag, said))
    assert status == 0
    assert [robot["robot_id"] for robot in found] == ["first", "second"]
    assert all(robot["plans"] == len(r.questions) for robot, r in zip(found, robots, strict=True))
    assert [robot["traces"] for robot in found] == [6, 6]


def test_a_controller_that_starts_again_counts_from_one_and_both_lives_are_replayed(
    tmp_path, bag, capsys
):
    tape = Tape()
    controller = Controller(tape)
    play(controller)
    plans = len(controller.questions)
    controller.start(steps=10)  # other machines: other Costs
    controller.run(4, delay_s=1.8, energy_j=1.5)
    status, (robot,) = replayed(capsys, write(bag, tape.said))
    assert status == 0
    assert robot["plans"] == robot["equal"] == plans + len(controller.questions)
    # With the Costs of the first life alone, plans of the second would be others.
    only = [one for one in tape.said if one[0] != "/costs" or one[1] is tape.said[0][1]]
    assert replay(write(tmp_path / "only", only)) == 1


def test_latched_topics_may_come_in_any_order(played, bag):
    """A recorder that comes late gets the newest of each as it finds the topics."""
    rank = {"/plan": 0, "/basis": 1, "/costs": 2}
    first = [one for one in played.said[:6] if one[0] in rank]
    ordered = sorted(first, key=lambda one: rank[one[0]])
    moved = [(topic, m, at_ns) for (topic, m, _), (_, _, at_ns) in zip(ordered, first, strict=True)]
    rest = [one for one in played.said if not any(one is other for other in first)]
    assert replay(write(bag, sorted([*moved, *rest], key=lambda one: one[2]))) == 0


# What came of the plans


def test_answers_are_weighed_against_the_plans_that_they_were_made_under(played, bag, capsys):
    _, (robot,) = replayed(capsys, write(bag, played.said))
    traces = [m for topic, m, _ in played.said if topic == "/trace"]
    under = [played.plans[trace.plan_id] for trace in traces]
    late_s = [t.total_s - p.predicted_delay_s for t, p in zip(traces, under, strict=True)]
    over_j = [t.energy_j - p.predicted_energy_j for t, p in zip(traces, under, strict=True)]
    kept = [
        t.total_s <= p.budget_delay_s and t.energy_j <= p.budget_energy_j
        for t, p in zip(traces, under, strict=True)
    ]
    promised = [e for e, p in zip(late_s, under, strict=True) if p.status == OPTIMAL]
    evidence = robot["evidence"]
    assert robot["traces"] == robot["answers"] == evidence["ok"] == len(played.measured)
    assert evidence["kept"] == {"count": sum(kept), "of": len(kept)}
    assert 0 < sum(kept) < len(kept)
    assert evidence["overdue"] == {"count": sum(np.array(promised) > 0), "of": len(promised)}
    assert evidence["promised"] == pytest.approx(0.05)
    for name, errors in (("delay_s", late_s), ("energy_j", over_j)):
        assert evidence[name]["count"] == len(errors)
        assert evidence[name]["median"] == pytest.approx(np.median(errors))
        assert evidence[name]["p95"] == pytest.approx(np.percentile(errors, 95))


def a_plan(played, **changes):
    return dataclasses.replace(read_plan(played.plans[1]), status=OPTIMAL, **changes)


@pytest.mark.parametrize(
    ("total_s", "energy_j", "budget_j", "keeps"),
    [
        (0.2, 1.0, 1.5, True),
        (0.4, 1.0, 1.5, False),
        (0.2, 2.0, 1.5, False),
        (0.4, math.nan, 1.5, False),
        (0.2, math.nan, 1.5, None),
        (0.2, math.nan, math.inf, True),
        (math.nan, 1.0, 1.5, None),
    ],
)
def test_what_is_not_known_is_neither_kept_nor_broken(played, total_s, energy_j, budget_j, keeps):
    plan = a_plan(played, budget_delay_s=0.3, budget_energy_j=budget_j, predicted_delay_s=0.3)
    of = weigh([(Outcome(1, 1, OK, total_s, energy_j), plan)])
    assert (of.kept.count, of.kept.of) == (int(keeps is True), int(keeps is not None))
    assert of.overdue.of == int(not math.isnan(total_s))


def test_a_request_without_an_answer_breaks_its_plans_promise_and_one_without_plan_none(played):
    plan = a_plan(played)
    nothing = Outcome(2, 1, LATE, math.nan, math.nan)
    of = weigh([(nothing, plan), (dataclasses.replace(nothing, plan_id=0), None)])
    assert (of.overdue.count, of.overdue.of, of.unplanned, of.late) == (1, 1, 1, 2)
    assert (of.kept.of, of.delay_s.count) == (0, 0)


def test_the_constants_are_those_of_the_message():
    answer = package_types().types["coinfer_ros/msg/Answer"]
    assert (answer.OK, answer.LATE) == (OK, LATE)


# Other budgets


def test_other_budgets_are_planned_with_by_what_was_known(played, bag, capsys):
    _, (robot,) = replayed(capsys, write(bag, played.said), "--what-if", "delay_s=1e9")
    found, plans = robot["what_if"], played.plans.values()
    assert found["plans"] == len(plans)
    assert found["recorded"]["feasible"] == np.mean([p.status == OPTIMAL for p in plans])
    assert found["recorded"]["weight_bits"] == np.median([p.weight_bits for p in plans])
    assert found["instead"]["feasible"] == 1.0
    assert found["instead"]["weight_bits"] > found["recorded"]["weight_bits"]
    assert 0 < found["changed"] <= found["plans"]
    assert replay(bag, "--what-if", "delay_s=1e9") == 0
    assert "would have set something else" in capsys.readouterr().out


def test_the_same_budgets_change_nothing(bag, capsys):
    tape = Tape()
    Controller(tape).run(1, **RELAXED)
    words = [f"{name}={value}" for name, value in RELAXED.items()]
    _, (robot,) = replayed(capsys, write(bag, tape.said), "--what-if", *words)
    assert robot["what_if"]["changed"] == 0
    assert robot["what_if"]["instead"] == robot["what_if"]["recorded"]


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("deadline=1", "--what-if must be delay_s=NUMBER or energy_j=NUMBER, got 'deadline=1'"),
        ("delay_s=soon", "--what-if must be delay_s=NUMBER or energy_j=NUMBER, got 'delay_s=soon'"),
        ("delay_s", "--what-if must be"),
        ("delay_s=nan", "delay_s must be in (0, 1e+30] s, got nan"),
        ("energy_j=-1", "energy_j must be in (0, 1e+30] J, got -1.0"),
    ],
)
def test_other_budgets_that_are_none_are_refused_in_one_line(played, bag, capsys, word, says):
    refused(capsys, says, write(bag, played.said), "--what-if", word)


# Bad input


def refused(capsys, says, *words):
    assert replay(*words) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors.startswith("coinfer: ")
    assert errors.count("\n") == 1
    assert says in errors


def test_what_is_no_bag_is_refused_in_one_line(tmp_path, capsys):
    file = tmp_path / "notes.txt"
    file.write_text("no bag")
    refused(capsys, "which is not there", tmp_path / "none")
    refused(capsys, "which has no metadata.yaml", tmp_path)
    refused(capsys, "Unrecognized storage format '.txt'", file)


@pytest.mark.parametrize("topic", ["costs", "basis", "plan"])
def test_a_bag_without_a_topic_that_is_needed_is_refused_naming_it(played, bag, capsys, topic):
    write(bag, without(played.said, f"/{topic}"))
    refused(capsys, f"got none of {topic} in", bag)


def test_topics_of_that_name_and_another_type_are_others(played, bag, capsys):
    types = package_types()
    other = types.types["std_msgs/msg/String"](data="a plan")
    write(bag, [(topic, other, at_ns) for topic, _, at_ns in played.said])
    refused(capsys, "got none of costs, basis, plan in", bag)


@pytest.mark.parametrize(
    ("storage", "share"),
    [
        (StoragePlugin.MCAP, 0.0),
        (StoragePlugin.MCAP, 0.5),
        (StoragePlugin.MCAP, 0.999),
        (StoragePlugin.SQLITE3, 0.0),
        (StoragePlugin.SQLITE3, 0.5),
    ],
)
def test_a_truncated_bag_is_refused_in_one_line(played, bag, capsys, storage, share):
    write(bag, played.said, storage=storage)
    (file,) = (path for path in bag.iterdir() if path.suffix != ".yaml")
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    refused(capsys, "as a recorder closes it", bag)


def test_a_bag_with_fewer_messages_than_it_lists_is_refused(played, bag, capsys):
    write(bag, played.said)
    listed = yaml.safe_load((bag / "metadata.yaml").read_text(encoding="utf-8"))
    listed["rosbag2_bagfile_information"]["topics_with_message_count"][0]["message_count"] += 2
    (bag / "metadata.yaml").write_text(yaml.safe_dump(listed), encoding="utf-8")
    refused(capsys, "with 2 messages less", bag)


def test_messages_of_another_schema_are_refused(played, bag, capsys):
    said = [(topic, copy.copy(m), at_ns) for topic, m, at_ns in played.said if topic != "/answer"]
    for topic, message, _ in said:
        if topic == "/costs":
            message.schema = 2
    refused(capsys, "schema must be 1 on /costs, got 2", write(bag, said))


def other_types(kind, old, new):
    """Return the types of a version of the package that has another line in a message."""
    types = bag_writer.package_types(resources.path("msg"))  # one's own: it is changed
    text = resources.path(f"msg/{kind}.msg").read_text(encoding="utf-8")
    assert old in text
    name = f"coinfer_ros/msg/{kind}"
    del types.types[name], types.fielddefs[name]
    types.register(get_types_from_msg(text.replace(old, new), name))
    return types


@pytest.mark.parametrize(
    ("kind", "old", "new", "says"),
    [
        ("Plan", "float64 lease_s", "float64 lease_s\nfloat64 mood", "Plan differs in mood"),
        ("Plan", "uint8 wire_bits", "uint16 wire_bits", "Plan differs in wire_bits"),
        ("Basis", "float64 margin_j\n", "", "Basis differs in margin_j"),
    ],
)
def test_messages_of_another_version_are_refused_naming_what_changed(
    played, bag, capsys, kind, old, new, says
):
    types = other_types(kind, old, new)
    name = f"coinfer_ros/msg/{kind}"

    def of_then(message):
        known = {k: v for k, v in vars(message).items() if not k.startswith("__")}
        return make(types, kind, **known) if message.__msgtype__ == name else message

    said = [(topic, of_then(m), at_ns) for topic, m, at_ns in played.said]
    write(bag, said, types=types)
    refused(capsys, says, bag)
    refused(capsys, f"must be {name} as this version of the package has it", bag)
    (bag / "metadata.yaml").unlink()  # the file alone describes its messages and has no hashes
    refused(capsys, says, bag / "bag.mcap")


def test_the_help_names_the_exit_statuses(capsys):
    assert replay("--help") == 0
    assert re.search(r"0\s+when\s+all\s+are\s+equal", capsys.readouterr().out)
