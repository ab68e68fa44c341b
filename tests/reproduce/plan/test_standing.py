"""How many seeds the claims want, and in which order what is missing runs."""

from dataclasses import replace

import pytest
from entries import entry

from reproduce import (
    WIDER_RATES,
    Budget,
    Claim,
    ConvNet,
    Experiment,
    Mlp,
    View,
    arms,
    experiments,
    plan,
)
from reproduce.plan import overview
from reproduce.record import Row


def toy(run, **budget):
    template = replace(run, updates=0, seed=-1, measures=())
    slow, fast = replace(template, learning_rate=0.01), replace(template, learning_rate=0.1)
    each = {
        arm: [replace(r, keep=keep) for r in (slow, fast)]
        for arm, keep in (("A", 1.0), ("B", 0.5), ("C", 0.3))
    }
    settings = {"updates": 10, "seeds": (3, 6, 12), "update_ms": 60.0} | budget
    return Experiment(
        title="Toy",
        source="Nowhere",
        cells=arms(each),
        budgets={"cpu": Budget(**settings)},
        view=View(kind="arms"),
        claims=(
            Claim(text="B below A", better="B", worse="A", smallest=0.1),
            Claim(text="C below A", better="C", worse="A", smallest=0.1),
        ),
        measures=("error_percent",),
    )


@pytest.fixture
def declared(run, monkeypatch):
    """Experiments by name, in place of the real ones."""
    found = {"toy": toy(run)}
    monkeypatch.setattr(experiments, "load", found.__getitem__)
    return found


def record(planned, stage, value, **changed):
    key, seed = planned.run.key, planned.run.seed
    split = "validation" if stage.kind == plan.CHOICE else "test"
    rows = [Row(key, planned.arm, None, seed, split, "error_percent", 10, value)]
    # 10 updates of 120 ms on one of two cores, as declared: 60 ms in a campaign.
    found = {"seconds": 1.2, "arm": planned.arm, "x": planned.x} | changed
    stage.results.append(rows, key, entry(run=planned.run.settings(), **found))


def stages(tmp_path, name="toy", seeds=None):
    return plan.stages_of(name, "cpu", tmp_path, seeds)


def choose(tmp_path, name="toy"):
    choice, final = stages(tmp_path, name)
    for planned in choice.missing():
        record(planned, choice, planned.run.learning_rate)
    return final


def run_all(final, errors):
    """Records every missing run; `errors` gives an arm's error at a seed."""
    for planned in final.missing():
        record(planned, final, errors[planned.arm](planned.run.seed))


UNCLEAR = {
    "A": lambda seed: 3.0,
    "B": lambda seed: 3.0 + (-1) ** seed,
    "C": lambda seed: 1.0 + seed / 99,
}


def test_cells_get_the_seeds_of_the_next_look_only_while_a_claim_is_open(declared, tmp_path):
    final = choose(tmp_path)
    assert final.standing().seeds_wanted == {("A", None): 3, ("B", None): 3, ("C", None): 3}
    for wanted in (6, 12):
        run_all(final, UNCLEAR)
        # C is surely better than A: its claim is decided. A is still needed beside B.
        seeds = final.standing().seeds_wanted
        assert seeds == {("A", None): wanted, ("B", None): wanted, ("C", None): 3}
    run_all(final, UNCLEAR)
    assert final.missing() == []  # no look is left, though a claim is open
    assert [judged.is_decided for judged in final.standing().verdicts] == [False, True]


def test_the_number_of_seeds_may_be_asked_for(declared, tmp_path):
    choose(tmp_path)
    _, final = stages(tmp_path, seeds=4)
    assert sorted((p.arm, p.run.seed) for p in final.missing()) == [
        (arm, seed) for arm in "ABC" for seed in (1, 2, 3, 4)
    ]


def test_the_rows_of_earlier_campaigns_count(declared, tmp_path, run):
    final = choose(tmp_path)
    run_all(final, UNCLEAR)
    before = set(final.results.finished())
    declared["toy"] = toy(run, seeds=(3, 5))
    wider = stages(tmp_path)[1]
    assert {(p.arm, p.run.seed) for p in wider.missing()} == {(a, s) for a in "AB" for s in (4, 5)}
    assert not {p.run.key for p in wider.missing()} & before


def test_choices_come_before_finals_and_the_claim_that_costs_least_comes_first(
    declared, tmp_path, run
):
    declared["dear"] = toy(run, update_ms=600.0)
    each = [plan.missing_of(*stages(tmp_path, name)) for name in ("dear", "toy")]
    order = [(stage.title, planned.arm) for stage, planned in plan.in_order(each)]
    assert [title for title, _ in order] == ["toy choice"] * 6 + ["dear choice"] * 6
    assert len(order) == len(set(plan.in_order(each)))
    assert [arm for _, arm in order[:4]] == ["A", "A", "B", "B"]  # the first claim's cells
    final = choose(tmp_path)
    again = [plan.missing_of(*stages(tmp_path, name)) for name in ("dear", "toy")]
    first = next(plan.in_order(again))
    assert (first[0].title, first[1].run.seed) == (final.title, 1)


def test_the_claim_nearest_to_a_verdict_comes_first(declared, tmp_path):
    final = choose(tmp_path)
    # Both claims are open after three seeds; C's spread is far smaller.
    spread = {
        "A": lambda s: 3.0,
        "B": lambda s: 2.9 + 3 * (-1) ** s,
        "C": lambda s: 2.8 + 0.2 * (-1) ** s,
    }
    run_all(final, spread)
    assert not any(judged.is_decided for judged in final.standing().verdicts)
    order = [(p.arm, p.run.seed) for _, p in plan.in_order([plan.missing_of(*stages(tmp_path))])]
    assert order[:6] == [(arm, seed) for seed in (4, 5, 6) for arm in "AC"]
    assert order[6:] == [("B", 4), ("B", 5), ("B", 6)]


def test_a_queue_follows_the_rows_and_starts_each_run_once(declared, tmp_path):
    queue = plan.Queue({"toy": stages(tmp_path)}, tmp_path)
    made = []
    while waiting := queue.waiting():
        stage, planned = waiting[0]
        queue.start(stage, planned)
        assert (stage, planned) not in queue.waiting()
        value = planned.run.learning_rate
        record(
            planned,
            stage,
            value if stage.kind == plan.CHOICE else UNCLEAR[planned.arm](planned.run.seed),
        )
        queue.ended(stage, planned)
        made.append((stage.kind, planned.arm, planned.run.seed))
    assert len(made) == len(set(made)) + 3  # each cell's two candidates share a choice seed
    finals = [each for each in made if each[0] == "final"]
    assert len(finals) == 12 + 12 + 3


def test_a_run_that_failed_is_not_started_again(declared, tmp_path):
    queue = plan.Queue({"toy": stages(tmp_path)}, tmp_path)
    stage, planned = queue.waiting()[0]
    queue.start(stage, planned)
    failed = entry(status="failed", run=planned.run.settings())
    stage.results.append([], planned.run.key, failed)
    queue.ended(stage, planned)
    assert planned.run.key not in {p.run.key for _, p in queue.waiting()}


def test_with_a_number_of_seeds_asked_for_the_totals_are_of_that_number(declared, tmp_path):
    missing = plan.missing_of(*stages(tmp_path, seeds=4))
    assert missing.finals_left == 12
    assert missing.milliseconds([("A", None)]) == (2 + 4) * 10 * 60.0


def test_finals_of_a_cell_that_tries_one_more_candidate_are_counted(declared, tmp_path, run):
    final = choose(tmp_path)
    run_all(final, UNCLEAR)
    wider = replace(toy(run, added=1), brackets=WIDER_RATES)
    declared["toy"] = wider
    missing = plan.missing_of(*stages(tmp_path))
    # A and B go on to the second look, C has what it needs; each first tries a smaller rate.
    assert {arm: len(runs) for (arm, _), runs in missing.choosing.items()} == dict.fromkeys(
        "ABC", 1
    )
    assert not missing.testing and missing.finals_left == 3 + 3
    assert missing.milliseconds([("A", None), ("C", None)]) == ((1 + 3) + 1) * 10 * 60.0


@pytest.mark.parametrize(("error", "decided"), [(0.2, 1), (0.001, 0)])
def test_a_claim_is_not_judged_before_the_candidates_beyond_its_grid_are_measured(
    declared, tmp_path, run, error, decided
):
    """The smaller rate, not tried yet, may be worse, or better: then its finals are missing."""
    run_all(choose(tmp_path), UNCLEAR)
    declared["toy"] = replace(toy(run, added=1), brackets=WIDER_RATES)
    choice, final = stages(tmp_path)
    standing = final.standing()
    unclear, clear = zip(standing.experiment.claims, standing.verdicts, strict=True)
    for each in (clear, unclear):  # of an open one, the number of seeds needed would mislead
        assert (
            standing.why_not_judged(*each) == ": a candidate beyond the grid is still to be tried"
        )
    assert standing.claims_decided == 0
    # That costs little, so it comes first.
    added = [p for _, p in plan.in_order([plan.missing_of(choice, final)])]
    assert sorted(planned.arm for planned in added[:2]) == ["A", "C"]
    for planned in added:
        record(planned, choice, error)
    assert stages(tmp_path)[1].standing().claims_decided == decided


def test_a_large_net_costs_more_and_the_mean_over_the_cells_is_as_declared(declared, tmp_path):
    cells = declared["toy"].cells
    wide = tuple(replace(r, net=Mlp((300, 300), "relu")) for r in cells[1].candidates)
    other = tuple(replace(r, net=ConvNet((2,), (), "relu")) for r in cells[2].candidates)
    nets = (cells[0], replace(cells[1], candidates=wide), replace(cells[2], candidates=other))
    declared["toy"] = replace(declared["toy"], cells=nets)
    missing = plan.missing_of(*stages(tmp_path))
    small, large, of_another_kind = (missing.milliseconds([(arm, None)]) for arm in "ABC")
    assert large > 10 * small
    declared_mean = (2 + 3) * 10 * 60.0
    assert (small + large) / 2 == pytest.approx(declared_mean)
    assert of_another_kind == declared_mean


def test_a_cell_costs_its_machines_too_and_cells_share_them(tmp_path):
    missing = plan.missing_of(*plan.stages_of("table2_pretrained", "cpu", tmp_path))

    def cost(*arms):
        return missing.milliseconds([(arm, None) for arm in arms])

    plain, dbn = cost("Random weights"), cost("DBN + finetuning")  # nets of the same size
    machines = dbn - plain
    assert machines > 0
    assert cost("DBN + finetuning", "DBN + dropout finetuning") == pytest.approx(2 * dbn - machines)
    # The net on a DBM is smaller, but the machine costs more.
    assert cost("DBM + finetuning") > dbn


def test_a_claim_of_the_paper_comes_before_one_of_ours(declared, tmp_path, run):
    first, second = declared["toy"].claims
    declared["toy"] = replace(declared["toy"], claims=(first, replace(second, paper="section 7.3")))
    order = [p.arm for _, p in plan.in_order([plan.missing_of(*stages(tmp_path))])]
    assert order[:4] == ["A", "A", "C", "C"]


def test_a_claim_that_the_training_errors_explain_is_not_decided(declared, tmp_path):
    final = choose(tmp_path)
    run_all(final, {"A": lambda s: 3.0, "B": lambda s: 1.0, "C": lambda s: 1.0})
    assert final.standing().claims_decided == 2
    runs, rows = final.results.runs(), final.results.rows()
    final.results.remove()
    for row in rows:
        trained = replace(row, split="train", value={"A": 9.0, "B": 1.0, "C": 8.5}[row.arm])
        # One run has an error on training images only.
        both = [trained] if (row.arm, row.seed) == ("B", 3) else [row, trained]
        final.results.append(both, row.run, runs[row.run])
    # A errs more than B by more on its training images than on test images, but not than C.
    standing = final.standing()
    pairs = zip(standing.experiment.claims, standing.verdicts, strict=True)
    why = [standing.why_not_judged(claim, judged) for claim, judged in pairs]
    assert why == [": the training error differs as much at this budget", ""]
    assert standing.claims_decided == 1


def test_a_claim_about_what_no_run_has_is_not_judged(declared, tmp_path):
    final = choose(tmp_path)
    run_all(final, {"A": lambda s: 0.0, "B": lambda s: 0.0, "C": lambda s: float(s == 1)})
    standing = final.standing()
    pairs = zip(standing.experiment.claims, standing.verdicts, strict=True)
    why = [standing.why_not_judged(claim, judged) for claim, judged in pairs]
    assert why == [": it is 0 in every run", ""]


def test_list_tells_the_claims_decided_and_the_cost_of_the_rest(declared, tmp_path):
    def shown():
        return overview.status("toy", tmp_path)["profiles"]["cpu"]

    # 10 updates of 60 ms: a hundredth of a minute a run.
    at_first = shown()
    assert (at_first["runs_done"], at_first["runs_total"]) == (0, 6 + 9)
    assert (at_first["claims_decided"], at_first["claims_total"]) == (0, 2)
    assert at_first["minutes_left"] == pytest.approx(0.15)
    final = choose(tmp_path)
    assert (shown()["runs_done"], shown()["runs_total"]) == (6, 15)
    run_all(final, UNCLEAR)
    after = shown()
    assert (after["runs_done"], after["runs_total"]) == (15, 15 + 6)
    assert (after["claims_decided"], after["claims_total"]) == (1, 2)
    assert after["minutes_left"] == pytest.approx(0.06)
    assert after["gpu_minutes_left"] is None


@pytest.mark.parametrize(
    ("changed", "update_ms"),
    [
        ({"seconds": 2.4}, 120.0),
        ({"seconds": 2.4, "threads": 2}, 240.0),  # alone on both cores
        ({"seconds": 2.4, "device": "an H100"}, 60.0),
        ({"seconds": 2.4, "arm": "no longer there"}, 60.0),
        ({"status": "failed"}, 60.0),
    ],
)
def test_what_is_missing_costs_what_the_finished_runs_took(declared, tmp_path, changed, update_ms):
    choice, final = stages(tmp_path)
    assert plan.missing_of(choice, final).update_ms == 60.0  # as declared
    record(choice.missing()[0], choice, 0.1, **changed)
    assert plan.missing_of(*stages(tmp_path)).update_ms == pytest.approx(update_ms)
