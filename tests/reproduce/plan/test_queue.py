"""Which run a free worker gets."""

from dataclasses import replace

from reproduce import experiments
from reproduce.plan import Planned, Queue, preferred, stages_of


def test_a_worker_gets_what_it_has_compiled_then_what_none_has(run):
    def planned(**settings):
        return Planned("arm", None, "", replace(run, **settings))

    plain, faster, dropped, bounded = map(
        lambda s: planned(**s), ({}, {"learning_rate": 1.0}, {"keep": 0.5}, {"max_norm": 1.0})
    )
    one, another = {plain.run.architecture}, {dropped.run.architecture}
    assert preferred([plain, faster, dropped, bounded], set(), set()) == plain
    # A learning rate is a value, no other program.
    assert preferred([dropped, faster, bounded], one, one) == faster
    assert preferred([faster, dropped, bounded], set(), one) == dropped
    assert preferred([faster, bounded], another, one | another) == bounded
    assert preferred([faster, dropped], set(), one | another) == faster


def test_what_starts_from_a_machine_that_is_being_trained_comes_last(tmp_path):
    name = "table2_pretrained"
    queue = Queue({name: stages_of(name, "smoke", tmp_path)}, tmp_path / "logs")
    stage, first = queue.waiting()[0]
    assert first.run.start
    same = [p.run.key for _, p in queue.waiting() if p.run.start == first.run.start]
    queue.start(stage, first)
    after = [p.run.key for _, p in queue.waiting()]
    assert len(same) == 6 and after[-5:] == same[1:]
    # With its own event log it has begun: the machine is there.
    (tmp_path / "logs" / name / first.folder).mkdir(parents=True)
    assert next(p.run.key for _, p in queue.waiting()) == same[1]
    queue.ended(stage, first)
    assert next(p.run.key for _, p in queue.waiting()) == same[1]


def test_runs_that_another_claim_needs_are_not_preferred_for_being_compiled(tmp_path):
    name = "table2_pretrained"
    queue = Queue({name: stages_of(name, "smoke", tmp_path)}, tmp_path / "logs")
    waiting = queue.waiting()
    arms = {planned.arm for planned in queue.alike(waiting)}
    claims = experiments.load(name).claims
    assert waiting[0][1].arm in arms
    assert any(arms == {claim.better, claim.worse} for claim in claims)
    queue.start(*waiting[0])
    # Those of its arm start from what it trains.
    assert waiting[0][1].run.start not in [p.run.start for p in queue.alike(queue.waiting())]
