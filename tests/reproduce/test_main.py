"""The command line as a user meets it: exit statuses, messages, and nothing finished ever lost."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from reproduce import data, experiments, plan
from reproduce.__main__ import main
from reproduce.campaign import Display, Options
from reproduce.errors import UserError
from reproduce.plan import queue
from reproduce.record import Results

ROOT = Path(__file__).parents[2]
SMOKE = ["run", "overfitting", "--profile", "smoke"]


def start(*arguments):
    """A campaign in a process group of its own, as from a shell."""
    # Without what these tests' own TensorFlow was stated.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    return subprocess.Popen(
        [sys.executable, "-m", "reproduce", *arguments],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment,
    )


def test_an_option_is_typed_whole(tmp_path, capsys):
    """A search takes `--overwrite` out of what it passes on to its processes."""
    with pytest.raises(SystemExit) as stopped:
        main(["search", "dropout_rate", "--overw", "--results-dir", str(tmp_path)])
    assert stopped.value.code == 2 and "--overw" in capsys.readouterr().err


def test_a_folder_is_the_usual_one_however_it_is_spelt():
    shared = {"profile": "cpu", "workers": 1, "data_dir": None, "command": ""}
    for spelt in ("results", "./results/", str(Path("results").resolve())):
        assert Options(**shared, results_dir=Path(spelt)).log_dir == Path("logs/cpu")
    assert Options(**shared, results_dir=Path("mine")).log_dir == Path("mine/logs/cpu")


def smoke(results_dir, *more):
    return [*SMOKE, "--results-dir", str(results_dir), "--workers", "1", *more]


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """Where the rows of a campaign are that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert main(smoke(folder)) == 0
    return folder


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["run", "fig99"], "table9"),
        (["run", "all", "fig99"], "table9"),
        (["list", "--results-dir", "/dev/null"], "/dev/null"),
        (["run", "fig10", "--profile", "huge"], "smoke, quick, cpu, tenth, paper"),
        (["report", "--profile", "huge"], "smoke, quick, cpu, tenth, paper"),
        (["data", "imagenet"], "cifar10, cifar100, "),
        (["run", "fig10", "--data-dir", "/nowhere", "--results-dir", "TMP"], "/nowhere"),
        (["verify", "--results-dir", "TMP"], "has no rows to check"),
        (["report", "--results-dir", "/nowhere"], "no folder /nowhere"),
    ],
)
def test_a_users_mistake_is_one_sentence_with_the_valid_choices(
    arguments, printed, capsys, tmp_path
):
    assert main([str(tmp_path) if a == "TMP" else a for a in arguments]) == 2
    error = capsys.readouterr().err
    assert printed in error
    assert "Traceback" not in error
    lines = error.splitlines()
    assert len([line for line in lines if not line.endswith(" ...")]) == 1  # what goes on
    assert lines[-1].startswith("error: ")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["run"],
        ["dance"],
        ["run", "fig10", "--seeds", "-1"],
        ["run", "fig10", "--seeds", "0"],
        ["run", "fig10", "--seeds", "two"],
        ["run", "fig10", "--seeds", "1001"],
        ["run", "fig10", "--minutes", "0"],
        ["run", "fig10", "--minutes", "-3"],
        ["run", "fig10", "--minutes", "nan"],
        ["run", "fig10", "--workers", "0"],
    ],
)
def test_a_malformed_command_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_a_profile_that_has_no_runs_of_an_experiment_says_so(tmp_path, capsys):
    assert main(["run", "table3", "--profile", "quick", "--results-dir", str(tmp_path)]) == 0
    assert "the quick profile has no runs of table3" in capsys.readouterr().err


def test_a_run_a_second_run_and_a_report(tmp_path, capsys):
    assert main(smoke(tmp_path)) == 0
    name = tmp_path / "smoke" / "overfitting"
    files = [name.with_suffix(s) for s in (".csv", ".json")]
    before = [file.read_bytes() for file in files]
    assert "test error" in capsys.readouterr().err
    assert main(smoke(tmp_path)) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert [file.read_bytes() for file in files] == before

    entry = next(iter(json.loads(files[1].read_text()).values()))
    assert entry["status"] == "done"
    assert {
        "run",
        "seconds",
        "commit",
        "command",
        "packages",
        "device",
        "threads",
        "data_digest",
    } <= set(entry)
    lines = files[0].read_text().splitlines()
    assert lines[0] == "run,arm,x,seed,split,measure,step,value"
    assert len({line.split(",")[0] for line in lines[1:]}) == 4

    assert main(["report", "--results-dir", str(tmp_path)]) == 0
    assert "Verdicts: 2 not judged" in capsys.readouterr().out
    kinds = (".svg", ".md", ".html")
    drawn = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.suffix in kinds}
    assert {p.name for p in drawn} == {"overfitting_smoke.svg", "REPORT.md", "report.html"}
    for path in drawn:
        path.unlink()
    assert main(["report", "--results-dir", str(tmp_path)]) == 0
    assert {p: p.read_bytes() for p in drawn} == drawn

    capsys.readouterr()
    assert main(["list", "--json", "--results-dir", str(tmp_path)]) == 0
    stated = {entry["name"]: entry["profiles"] for entry in json.loads(capsys.readouterr().out)}
    assert (
        stated["overfitting"]["smoke"]["runs_done"] == stated["overfitting"]["smoke"]["runs_total"]
    )
    assert stated["fig10"]["smoke"]["runs_done"] == 0


def test_experiments_whose_data_cannot_be_had_wait_and_the_others_run(
    tmp_path, monkeypatch, capsys
):
    def load(name, data_dir=None):
        if name != "digits":
            raise UserError(f"cannot obtain {name}")
        return genuine(name, data_dir)

    genuine = data.load
    monkeypatch.setattr(data, "load", load)
    budgets = experiments.load("fig10").budgets
    monkeypatch.setitem(budgets, "smoke", replace(budgets["smoke"], data="svhn"))
    options = ["--profile", "smoke", "--results-dir", str(tmp_path), "--workers", "1"]
    assert main(["run", "fig10", *options]) == 2
    assert "cannot obtain svhn" in capsys.readouterr().err
    assert main(["run", "fig10", "masks", *options]) == 2
    assert "fig10 not run: cannot obtain svhn" in capsys.readouterr().err
    assert Results(tmp_path, "smoke", "masks").finished()
    assert main(["run", "masks", *options]) == 0


def test_data_that_a_probe_looks_at_is_fetched_before_the_runs(tmp_path, monkeypatch, capsys):
    def load(name, data_dir=None):
        raise UserError(f"cannot obtain {name}")

    monkeypatch.setattr(data, "load", load)
    options = ["--profile", "quick", "--results-dir", str(tmp_path)]
    assert main(["run", "mc_dropout", *options]) == 2
    printed = capsys.readouterr().err
    assert "cannot obtain mnist" in printed
    assert "cannot obtain cifar10" in printed


def test_a_choice_takes_over_the_runs_of_another_as_if_it_had_made_them(
    tmp_path, monkeypatch, capsys
):
    missing_of = queue.missing_of
    monkeypatch.setattr(queue, "missing_of", lambda *both: replace(missing_of(*both), testing={}))
    options = ["--profile", "smoke", "--workers", "1", "--results-dir"]
    assert main(["run", "redundancy", *options, str(tmp_path / "alone")]) == 0
    assert main(["run", "table2", "redundancy", *options, str(tmp_path / "both")]) == 0
    assert "choice runs taken from other experiments" in capsys.readouterr().err
    alone, both = (
        sorted(Results(tmp_path / folder, "smoke", "redundancy_choice").rows(), key=str)
        for folder in ("alone", "both")
    )
    assert alone == both
    entries = Results(tmp_path / "both", "smoke", "redundancy_choice").runs()
    assert {entry["arm"] for entry in entries.values()} == {row.arm for row in alone}


def test_event_files_hold_the_scalars_of_every_run(whole):
    final = Results(whole, "smoke", "overfitting")
    folders = list((whole / "logs" / "smoke" / "overfitting").iterdir())
    for key in final.finished():
        [folder] = [f for f in folders if f.name.endswith(key)]
        events = EventAccumulator(str(folder)).Reload()
        tags = set(events.Tags()["tensors"])
        assert {"loss/batches", "schedule/learning_rate", "error_percent/validation"} <= tags
        assert sum(tag.startswith("weights/norm_") for tag in tags) == 4
        errors = events.Tensors("error_percent/test")
        [row] = [
            r
            for r in final.rows()
            if r.run == key and (r.split, r.measure) == ("test", "error_percent")
        ]
        assert errors[-1].step == row.step
        assert tf.make_ndarray(errors[-1].tensor_proto) == pytest.approx(row.value)
        assert not list(folder.glob("checkpoint*"))


def test_a_run_ends_with_its_own_result(whole, capsys):
    before = (whole / "smoke" / "overfitting.csv").read_bytes()
    assert main(smoke(whole)) == 0
    lines = capsys.readouterr().out.splitlines()
    finding, figure = lines[-2:]
    assert finding.startswith("Finding: ") and "2 seeds, 200 updates" in finding
    path = whole / "smoke" / "figures" / "overfitting_smoke.svg"
    assert figure == f"Figure: {path}" and path.read_text().startswith("<?xml")
    assert any("Dropout" in line and "│" in line for line in lines)
    assert (whole / "smoke" / "overfitting.csv").read_bytes() == before


def test_a_failed_run_is_recorded_and_the_others_still_run(tmp_path, monkeypatch, capsys):
    from reproduce.campaign import stack

    original = stack.Training

    def fragile(run, *more):
        if run.keep < 1 and run.learning_rate == 0.2:
            raise RuntimeError("no luck")
        return original(run, *more)

    monkeypatch.setattr(stack, "Training", fragile)
    assert main(smoke(tmp_path, "--stack", "3")) == 1
    entries = Results(tmp_path, "smoke", "overfitting_choice").runs().values()
    failed = [e for e in entries if e["status"] == "failed"]
    assert [e["error"] for e in failed] == ["RuntimeError: no luck"]
    assert sum(e["status"] == "done" for e in entries) == 7
    # The other arm's choice is complete, so its final runs are done; this arm's wait.
    assert {r.arm for r in Results(tmp_path, "smoke", "overfitting").rows()} == {"No dropout"}
    monkeypatch.undo()
    assert main(smoke(tmp_path)) == 0
    assert len(Results(tmp_path, "smoke", "overfitting").finished()) == 4
    capsys.readouterr()


def rows_without_time(results_dir):
    files = ("overfitting_choice", "overfitting")
    return sorted(
        tuple(map(str, (r.run, r.arm, r.x, r.seed, r.split, r.measure, r.step, r.value)))
        for name in files
        for r in Results(results_dir, "smoke", name).rows()
    )


def wait_for_rows(results_dir, process, count):
    file = results_dir / "smoke" / "overfitting_choice.json"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if file.exists() and len(json.loads(file.read_text())) >= count:
            return
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "status", "stack"), [(signal.SIGKILL, -9, "3"), (signal.SIGINT, 130, "1")]
)
def test_a_campaign_that_is_stopped_goes_on_as_if_it_had_not_been(
    number, status, stack, whole, tmp_path, capsys
):
    process = start(*smoke(tmp_path, "--stack", stack))
    wait_for_rows(tmp_path, process, 2)
    os.killpg(process.pid, number)
    printed = process.communicate(timeout=60)[1]
    assert process.returncode == status
    # None of its libraries' chatter.
    assert [line for line in printed.splitlines() if "TensorFlow" in line] == [
        "importing TensorFlow ..."
    ]
    finished = Results(tmp_path, "smoke", "overfitting_choice").finished()
    assert 2 <= len(finished) < 8

    capsys.readouterr()
    assert main(smoke(tmp_path, "--stack", stack)) == 0
    assert capsys.readouterr().err.count("[overfitting choice") == 8 - len(finished)
    assert rows_without_time(tmp_path) == rows_without_time(whole)


def test_sigterm_to_all_of_its_processes_stops_a_campaign_cleanly(tmp_path):
    process = start(*smoke(tmp_path, "--workers", "2"))
    wait_for_rows(tmp_path, process, 1)
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 130
    entries = Results(tmp_path, "smoke", "overfitting_choice").runs().values()
    assert {entry["status"] for entry in entries} == {"done"}


def test_minutes_end_a_campaign_cleanly_and_the_same_command_goes_on(tmp_path, capsys):
    assert main(smoke(tmp_path, "--minutes", "0.001")) == 0
    assert "resumes from here" in capsys.readouterr().err
    assert len(Results(tmp_path, "smoke", "overfitting_choice").finished()) < 8
    assert main(smoke(tmp_path)) == 0
    assert len(Results(tmp_path, "smoke", "overfitting_choice").finished()) == 8


def test_workers_side_by_side_give_the_rows_of_one_and_tell_how_they_do(
    whole, tmp_path, monkeypatch
):
    seen = []
    monkeypatch.setattr(Display, "update", lambda self, progress: seen.append(progress))
    assert main([*SMOKE, "--results-dir", str(tmp_path), "--workers", "2"]) == 0
    keys = [Results(folder, "smoke", "overfitting").finished() for folder in (whole, tmp_path)]
    assert keys[0] == keys[1]
    assert len(keys[0]) == len(plan.stages_of("overfitting", "smoke", tmp_path)[1].runs())
    entries = Results(tmp_path, "smoke", "overfitting").runs().values()
    assert {entry["threads"] for entry in entries} == {1}
    assert {progress.key for progress in seen} >= keys[0]
    assert all(progress.updates_per_second > 0 for progress in seen)


def test_list_goes_on_with_the_other_experiments(tmp_path, capsys):
    """If the files of one are damaged."""
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "overfitting.json").write_text("null")
    assert main(["list", "--results-dir", str(tmp_path), "--json"]) == 2
    printed = capsys.readouterr()
    assert printed.err.count("error: ") == 1 and "overfitting.json holds" in printed.err
    names = {each["name"] for each in json.loads(printed.out)}
    assert "table9" in names and "overfitting" not in names


def test_what_cannot_be_begun_is_one_sentence(tmp_path, capsys):
    (tmp_path / "logs").touch()
    assert main(["run", "masks", "--profile", "smoke", "--results-dir", str(tmp_path)]) == 2
    assert "cannot write event logs to" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["list", "--results-dir=--"])
    assert ended.value.code == 2 and "expected one argument" in capsys.readouterr().err


def test_more_workers_than_a_machine_can_have_are_refused(tmp_path, capsys):
    assert main([*SMOKE, "--results-dir", str(tmp_path), "--workers", "1000"]) == 2
    assert "1000 workers are too many" in capsys.readouterr().err


def test_output_to_a_full_device_is_one_sentence():
    with open("/dev/full", "w", encoding="utf-8") as full:
        listed = subprocess.run(
            [sys.executable, "-m", "reproduce", "list"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert listed.returncode == 2
    assert listed.stderr.splitlines()[-1].endswith("recorded: No space left on device")
