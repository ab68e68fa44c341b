"""A search proposes, trains, remembers; nothing is lost or done twice."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from processes import process_of

from reproduce import experiments
from reproduce.__main__ import main
from reproduce.record import Results, writer_lock
from reproduce.report import search_report

ROOT = Path(__file__).parents[3]
NAME = "dropout_rate"


def command(folder, *more, trials=3, seeds=1):
    asked = ["--profile", "smoke", "--trials", str(trials), "--workers", "1"]
    asked += ["--seeds", str(seeds)]
    return ["search", NAME, *asked, "--results-dir", str(folder), *more]


def results(folder, kind=""):
    return Results(folder, "smoke", f"search_{NAME}{kind}")


def point_of(entry):
    return tuple(entry["run"].get(name, 1.0) for name in ("keep_input", "keep", "learning_rate"))


def test_axes_of_widths_and_texts_are_searched_and_reported(tmp_path, monkeypatch):
    declared = experiments.load(NAME)
    axes = {"width": (256, 512), "noise": ("bernoulli", "gaussian")}
    space = replace(declared.search, axes=axes, heat=("width", "noise"))
    monkeypatch.setattr(experiments, "load", lambda name: replace(declared, search=space))
    assert main(command(tmp_path, trials=4)) == 0
    found = search_report.gather(NAME, "smoke", tmp_path)
    tried = set(zip(found.trials.width, found.trials.noise, strict=True))
    assert tried <= {(width, noise) for width in (256, 512) for noise in axes["noise"]}
    assert len(tried) == len(found.trials) > 1
    assert set(found.tests.arm) == {"Best found", "No dropout", "The paper's choice"}
    assert search_report.draw(found)


@pytest.mark.parametrize("tuner", ["grid", "random", "bayesian", "hyperband"])
def test_every_trial_is_runs_with_rows_and_the_best_is_tested_beside_the_baselines(tuner, tmp_path):
    assert main(command(tmp_path, "--tuner", tuner, seeds=2)) == 0
    found = results(tmp_path)
    assert {entry["status"] for entry in found.runs().values()} <= {"done", "diverged"}
    trials = {row.arm for row in found.rows()}
    assert trials == {"trial 0", "trial 1", "trial 2"}
    for trial in trials:
        assert {row.seed for row in found.rows() if row.arm == trial} == {1001, 1002}
    assert not any(row.split == "test" for row in found.rows())
    best = results(tmp_path, "_best")
    tested = {(row.arm, row.seed) for row in best.rows() if row.split == "test"}
    arms = {"Best found", "No dropout", "The paper's choice"}
    assert tested == {(arm, seed) for arm in arms for seed in (1, 2)}
    if tuner != "hyperband":  # whose lower rungs make fewer updates
        means = {}
        errors = found.final_errors("error_percent")
        for key, entry in found.runs().items():
            means.setdefault(point_of(entry), []).append(errors[key])
        lowest = min(means, key=lambda point: sum(means[point]))
        assert {point_of(e) for e in best.runs().values() if e["arm"] == "Best found"} == {lowest}


def test_the_report_of_a_search_says_what_was_found_and_redraws_to_the_byte(tmp_path, capsys):
    assert main(command(tmp_path, seeds=2)) == 0
    assert main(["report", "--results-dir", str(tmp_path)]) == 0
    assert "Search of dropout_rate: Best found" in capsys.readouterr().out
    report = (tmp_path / "smoke" / "REPORT.md").read_text()
    assert "3 trials of 2 seeds each cannot tell the settings apart" in report
    drawn = tmp_path / "smoke" / "figures" / f"search_{NAME}_smoke.svg"
    first, text = drawn.read_bytes(), (tmp_path / "smoke" / "REPORT.md").read_text()
    for part in ("Best found", "No dropout", "The paper's choice", "the best of 3 trials"):
        assert part in text
    found = search_report.gather(NAME, "smoke", tmp_path)
    assert list(found.trials["mean"]) == sorted(found.trials["mean"])
    assert (found.trials["count"] == 2).all()
    drawn.unlink()
    assert main(["report", "--results-dir", str(tmp_path)]) == 0
    assert drawn.read_bytes() == first


def test_an_earlier_search_is_gone_on_with_or_forgotten_but_never_by_accident(tmp_path, capsys):
    assert main(command(tmp_path)) == 0
    rows = results(tmp_path).csv.read_text()
    assert main(command(tmp_path)) == 2
    printed = capsys.readouterr().err
    assert "--resume" in printed
    assert "--overwrite" in printed
    assert main(command(tmp_path, "--resume", "--tuner", "grid")) == 2
    assert "differs in its tuner" in capsys.readouterr().err
    assert main(command(tmp_path, "--resume")) == 0
    assert results(tmp_path).csv.read_text() == rows
    assert main(command(tmp_path, "--resume", trials=9)) == 0
    assert results(tmp_path).csv.read_text().startswith(rows)
    assert len(results(tmp_path).runs()) == 9
    reported_best_is_tested(tmp_path)
    assert main(command(tmp_path, "--overwrite", "--tuner", "grid")) == 0
    assert len(results(tmp_path).runs()) == 3  # what was forgotten is in no report
    reported_best_is_tested(tmp_path)


def reported_best_is_tested(folder):
    """Each arm once a seed, the best one at the point of the lowest mean validation error."""
    found = search_report.gather(NAME, "smoke", folder)
    assert sorted(found.tests.arm) == sorted(["Best found", "No dropout", "The paper's choice"] * 2)
    lowest = found.trials.iloc[0]
    best = found.tests[found.tests.arm == "Best found"]
    for axis in found.space.axes:
        assert set(best[axis]) == {lowest[axis]}
    assert search_report.tests_table(found).rows


def test_after_kill_9_no_trial_is_lost_or_repeated(tmp_path):
    reference, killed = tmp_path / "reference", tmp_path / "killed"
    asked = {"trials": 6, "seeds": 2}
    assert main(command(reference, "--tuner", "random", **asked)) == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "reproduce", *command(killed, "--tuner", "random", **asked)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while len(results(killed).runs()) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert 3 <= len(results(killed).runs()) < 12
    # As if the kill had come between a run's rows and what makes them count.
    with results(killed).csv.open("a") as file:
        file.write("half,trial 9,,1001,validation,error_percent,200,9.9\n")
    assert main(command(killed, "--tuner", "random", "--resume", **asked)) == 0
    for kind in ("", "_best"):
        mine, other = (
            sorted(results(f, kind).csv.read_text().splitlines()) for f in (killed, reference)
        )
        assert mine == other


@pytest.mark.parametrize("tuner", ["grid", "hyperband"])
def test_a_trial_that_was_proposed_and_not_yet_noted_is_proposed_again(
    tuner, tmp_path, monkeypatch
):
    from reproduce.search.tuner import tuner_files

    class Killed(BaseException):
        pass

    def fragile(path, state):
        if Path(path).name == "trial.json":
            original(path, state)
            raise Killed
        return original(path, state)

    original = tuner_files.save_json
    reference, killed = tmp_path / "reference", tmp_path / "killed"
    assert main(command(reference, "--tuner", tuner)) == 0
    monkeypatch.setattr(tuner_files, "save_json", fragile)
    with pytest.raises(Killed):
        main(command(killed, "--tuner", tuner))
    monkeypatch.setattr(tuner_files, "save_json", original)
    assert main(command(killed, "--tuner", tuner, "--resume")) == 0
    mine, other = (results(folder).csv.read_text() for folder in (killed, reference))
    assert mine == other


@pytest.mark.parametrize("tuner", ["grid", "random", "bayesian"])
def test_no_point_is_tried_twice(tuner, tmp_path, monkeypatch):
    from reproduce.campaign import Options
    from reproduce.search import Request
    from reproduce.search.tuner import Tuner

    experiment = experiments.load(NAME)
    keeps = (0.2, 0.4, 0.6, 0.8)
    axes = {"keep_input": keeps, "keep": keeps}
    space = replace(experiment.search, axes=axes, heat=("keep_input", "keep"))
    options = Options("smoke", 1, None, tmp_path, "", seeds=1)
    request = Request(NAME, tuner, 12, False, False, options, ())
    monkeypatch.setitem(vars(request), "experiment", replace(experiment, search=space))
    tried = []

    def train(planned, _):
        tried.append((planned.run.keep_input, planned.run.keep))
        return 100 * abs(planned.run.keep_input - 0.8) + 10 * abs(planned.run.keep - 0.6)

    Tuner(request, train).search(verbose=0)
    assert len(set(tried)) == len(tried) == 12


@pytest.mark.parametrize("more", [(), ("--resume",)])
def test_rows_of_a_search_whose_tuner_forgot_it_are_not_mixed_with_others(more, tmp_path, capsys):
    assert main(command(tmp_path, trials=1)) == 0
    shutil.rmtree(tmp_path / "logs")
    before = results(tmp_path).csv.read_bytes()
    assert main(command(tmp_path, *more, trials=1)) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert results(tmp_path).csv.read_bytes() == before
    assert main(command(tmp_path, "--overwrite", trials=1)) == 0


def test_a_diverged_trial_is_a_trial(tmp_path, monkeypatch):
    experiment = experiments.load(NAME)
    axes = {"learning_rate": (1e30, 0.05), "keep": (0.5, 1.0)}
    space = replace(experiment.search, axes=axes, heat=("learning_rate", "keep"))
    monkeypatch.setattr(experiments, "load", lambda name: replace(experiment, search=space))
    assert main(command(tmp_path, "--tuner", "grid", trials=4)) == 0
    statuses = [entry["status"] for entry in results(tmp_path).runs().values()]
    assert sorted(statuses) == ["diverged"] * 2 + ["done"] * 2
    best = results(tmp_path, "_best").runs().values()
    assert 0.05 in {entry["run"]["learning_rate"] for entry in best}
    assert 1e30 not in {entry["run"]["learning_rate"] for entry in best}


def test_a_failed_trial_is_a_trial_and_the_search_goes_on(tmp_path, monkeypatch):
    from reproduce.campaign import stack

    def fragile(run, *more):
        if run.keep < 0.9:
            raise RuntimeError("no luck")
        return original(run, *more)

    original = stack.Training
    monkeypatch.setattr(stack, "Training", fragile)
    assert main(command(tmp_path, trials=5)) == 1
    entries = results(tmp_path).runs().values()
    failed = {e["arm"] for e in entries if e["status"] == "failed"}
    done = {e["arm"] for e in entries if e["status"] == "done"}
    assert failed
    assert done
    assert failed | done == {f"trial {i}" for i in range(5)}
    # The paper's choice fails too, and the others are tested all the same.
    tested = {row.arm for row in results(tmp_path, "_best").rows()}
    assert tested == {"Best found", "No dropout"}


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["search", "fig7"], NAME),
        (["search", "nothing"], "table9"),
        (["search", NAME, "--tuner", "magic"], "grid, random, bayesian, hyperband"),
        (["search", NAME, "--profile", "huge"], "smoke, quick, cpu, tenth, paper"),
    ],
)
def test_a_users_mistake_is_one_sentence_with_the_valid_choices(
    arguments, printed, capsys, tmp_path
):
    assert main([*arguments, "--results-dir", str(tmp_path)]) == 2
    assert printed in capsys.readouterr().err


def test_a_chief_and_two_workers_finish_although_each_kind_is_killed_once(tmp_path):
    arguments = command(tmp_path, trials=8, seeds=2)
    arguments[arguments.index("--workers") + 1] = "2"
    process = subprocess.Popen(
        [sys.executable, "-m", "reproduce", *arguments],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 300
    for role, count in (("tuner1", 2), ("chief", 5)):
        while len(results(tmp_path).runs()) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process_of(role, process.pid), signal.SIGKILL)
    printed = process.communicate(timeout=300)[1]
    assert process.returncode == 0, printed
    for message in ("tuner1 ended with status -9; restarted", "the chief ended with"):
        assert message in printed
    runs = {(row.arm, row.seed) for row in results(tmp_path).rows()}
    assert runs == {(f"trial {i}", seed) for i in range(8) for seed in (1001, 1002)}
    assert len(results(tmp_path).runs()) == 16
    assert len(results(tmp_path, "_best").finished()) == 6


def test_a_chief_and_workers_end_with_the_command_that_started_them(tmp_path):
    arguments = command(tmp_path, trials=50)
    arguments[arguments.index("--workers") + 1] = "2"
    process = subprocess.Popen(
        [sys.executable, "-m", "reproduce", *arguments], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    roles, parts = ("chief", "tuner0", "tuner1"), [None]
    deadline = time.monotonic() + 60
    while None in parts and time.monotonic() < deadline:
        time.sleep(0.1)
        parts = [process_of(role, process.pid) for role in roles]
    assert None not in parts
    process.kill()
    process.wait()
    while any(map(_is_alive, parts)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(_is_alive, parts))


def _is_alive(process):
    """Whether it runs; one that nobody waits for stays in the list when it has ended."""
    try:
        return "State:\tZ" not in Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return False


def test_a_chief_of_ones_own_waits_for_no_other_writer(tmp_path, monkeypatch, capsys):
    for name, value in {"TUNER_ID": "chief", "ORACLE_IP": "127.0.0.1", "ORACLE_PORT": "1"}.items():
        monkeypatch.setenv(f"KERASTUNER_{name}", value)
    with writer_lock(tmp_path, "smoke"):
        assert main(command(tmp_path, "--overwrite")) == 2
    assert "another process is writing" in capsys.readouterr().err


def test_a_chief_with_workers_elsewhere_refuses_an_earlier_search_too(
    tmp_path, monkeypatch, capsys
):
    assert main(command(tmp_path, trials=1)) == 0
    for name, value in {"TUNER_ID": "chief", "ORACLE_IP": "127.0.0.1", "ORACLE_PORT": "1"}.items():
        monkeypatch.setenv(f"KERASTUNER_{name}", value)
    assert main(command(tmp_path, trials=1)) == 2
    assert "--resume" in capsys.readouterr().err
