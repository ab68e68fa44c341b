"""The layout: rooms in one order, small files, and names that say what is inside."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("benchmarks", "layers", "reproduce")
ROOMS = sorted(path.parent for path in (ROOT / "reproduce").rglob("__init__.py"))
# A room with a second door: what needs TensorFlow is not in the first one.
SECOND_DOORS = {"reproduce.campaign.execute"}
MOST_FILES, MOST_LINES = 9, 220


def lint(folder):
    """The exit status of the import contracts, and what they print."""
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path):
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "circles.py", tmp_path / "tests")
    return tmp_path


def test_imports_keep_the_contracts():
    status, printed = lint(ROOT)
    assert status == 0, printed


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("reproduce/plan/cells.py", "from reproduce.plan import stages", "No circles"),
        ("reproduce/campaign/job.py", "from reproduce.campaign import workers", "No circles"),
        ("reproduce/campaign/job.py", "from reproduce.campaign import run", "No circles"),
        ("reproduce/spec/run.py", "from reproduce import Experiment", "No circles"),
        ("reproduce/report/pages.py", "import benchmarks.cases", "Nothing needs the benchmarks"),
        ("reproduce/training/loop.py", "import reproduce.campaign", "one way down"),
        ("reproduce/spec/run.py", "from reproduce.data import load", "one way down"),
        ("reproduce/report/claims.py", "import keras", "without the frameworks"),
        ("reproduce/record/row.py", "import tensorflow", "without the frameworks"),
        ("reproduce/spec/nets.py", "import numpy", "standard library"),
        ("layers/units/dropout.py", "import reproduce.machine", "layers need nothing"),
    ],
)
def test_each_contract_can_fail(copy, file, line, broken):
    path = copy / file
    path.write_text(f"{path.read_text()}\n\ndef _planted():\n    {line}\n")
    status, printed = lint(copy)
    assert status == 1
    assert re.search(f"{broken}.* BROKEN", printed), printed


def test_a_room_is_entered_by_its_door():
    """What a room's `__init__` does not hand out is private to the room."""
    graph = grimp.build_graph("reproduce", "benchmarks", cache_dir=None)
    rooms = {".".join(room.relative_to(ROOT).parts) for room in ROOMS} - {"reproduce"}
    wrong = []
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            room = imported.rpartition(".")[0]
            inside = importer == room or importer.startswith(f"{room}.")
            # A room inside another is that one's own.
            is_room = imported in rooms and room == "reproduce"
            is_experiment = room == "reproduce.experiments"
            if room in rooms and not inside and not is_room and not is_experiment:
                wrong.append(f"{importer} -> {imported}")
    assert {each.split(" -> ")[1] for each in wrong} <= SECOND_DOORS, wrong


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_is_small_and_says_what_it_is(room):
    files = [path for path in room.iterdir() if path.is_file()]
    if room.name != "experiments":
        assert len(files) <= MOST_FILES
    for path in files:
        assert len(path.read_text().splitlines()) <= MOST_LINES or path.suffix != ".py", path
        assert path.stem not in ("utils", "helpers", "common", "misc")
    if room != ROOT / "reproduce":
        text = (room / "__init__.py").read_text()
        assert re.search(r"\bIn: .*\. Out: ", text, re.DOTALL)


def test_every_folder_of_code_is_a_package():
    for package in PACKAGES:
        folders = {path.parent for path in (ROOT / package).rglob("*.py")}
        assert all((folder / "__init__.py").exists() for folder in folders)


def test_the_tests_mirror_the_rooms():
    rooms = {room.relative_to(ROOT / "reproduce") for room in ROOMS}
    tests = ROOT / "tests" / "reproduce"
    tested = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}
    # The sources of data are tested where they are used.
    assert tested == rooms - {Path("data/sources")}


def test_the_readmes_map_names_the_rooms():
    text = (ROOT / "README.md").read_text()
    section = re.search(r"(## Map\n.*?)\n\n## ", text, re.DOTALL)[1]
    table = [line for line in section.splitlines() if line.startswith("|")]
    rooms = {room.name for room in ROOMS if room.parent == ROOT / "reproduce"}
    assert set(re.findall(r"`(\w+)/`", "".join(line.split("|")[1] for line in table))) == rooms
    assert len(section.splitlines()) <= 14
