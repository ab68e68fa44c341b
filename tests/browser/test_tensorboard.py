"""The pages of TensorBoard as a person sees them, in headless Chromium. Opt-in: `make browser`."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from reproduce.__main__ import main

COLUMNS = ("bound", "keep", "keep_input", "learning_rate", "rate", "run_arm", "run_seed")

ROOT = Path(__file__).parents[2]
PATIENCE_MS, DRAWING_MS = 30_000, 2_000
TABS = {
    "scalars": ["error_percent", "loss", "schedule", "units", "weights"],
    "timeseries": [
        "error_percent/validation",
        "loss/validation",
        "weights/norm_dense_1",
        "units/active_percent_hidden_1",
    ],
    "images": ["pictures_features", "pictures_masks", "pictures_misclassified"],
    "histograms": ["weights", "units"],
    "text": ["command", "run"],
    "hparams": [
        "bound",
        "keep",
        "learning_rate",
        "rate",
        "error_percent/test",
        "error_percent/validation",
    ],
}


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """TensorBoard's address, over the logs of a small experiment and a search; and their folder."""
    folder = tmp_path_factory.mktemp("results")
    small = ["--profile", "smoke", "--seeds", "1", "--workers", "1", "--results-dir", str(folder)]
    assert main(["run", "overfitting", *small]) == 0
    assert main(["search", "dropout_rate", "--trials", "2", *small]) == 0
    with served("--logs", str(folder / "logs")) as found:
        yield found, folder / "logs"


@contextmanager
def served(*arguments):
    """What `make tensorboard` starts; yields its address, without the fragment."""
    command = [sys.executable, "-m", "reproduce.tensorboard", *arguments, "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    server = subprocess.Popen(command, cwd=ROOT, **pipes)
    try:
        address, _, page = server.stdout.readline().strip().partition("#")
        assert address.startswith("http://127.0.0.1:") and page == "timeseries"
        yield address
    finally:
        server.kill()


@pytest.fixture(scope="module")
def page(browser):
    return browser.new_page(viewport={"width": 1500, "height": 1000})


@pytest.mark.parametrize("tab", TABS)
def test_each_page_shows_its_tags_and_runs_by_readable_names(logged, page, tab, tmp_path):
    page.goto(f"{logged[0]}#{tab}")
    page.reload()
    if tab == "timeseries":
        # Only as many tags are shown as fit: look for each.
        search = page.get_by_role("combobox", name="Filter tags (regex)")
        for tag in TABS[tab]:
            search.fill(tag)
            search.press("Escape")  # closes the suggestions
            cards = page.locator("card-view")
            cards.get_by_text(tag, exact=True).first.wait_for(timeout=PATIENCE_MS)
    else:
        for tag in TABS[tab]:
            page.get_by_text(tag, exact=True).first.wait_for(timeout=PATIENCE_MS)
    for run in (
        "overfitting/dropout-learning-rate-0.05-seed-1",
        "search_dropout_rate/trial-1-keep",
    ):
        page.get_by_text(re.compile(run)).first.wait_for(timeout=PATIENCE_MS)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(DRAWING_MS)
    shot = Path(os.environ.get("SCREENSHOTS", tmp_path)) / f"{tab}.png"
    page.screenshot(path=shot)
    assert shot.stat().st_size > 20_000


def test_one_experiment_is_shown_alone_and_opens_on_error_and_the_settings_that_vary(logged, page):
    options = ("overfitting", "--profile", "smoke", "--logs", str(logged[1]))
    with served(*options) as address:
        page.goto(f"{address}#timeseries")
        page.get_by_text("error_percent/train", exact=True).first.wait_for(timeout=PATIENCE_MS)
        groups = page.locator("metrics-card-group-toolbar").all_inner_texts()
        assert [re.match("[a-z_]+", group)[0] for group in groups[:2]] == ["error_percent", "loss"]
        # A final run, and one that chose the settings.
        for run in ("dropout-learning-rate-0.2-seed-1-", "dropout-learning-rate-0.2-seed-1001-"):
            page.get_by_text(re.compile(run)).first.wait_for(timeout=PATIENCE_MS)
        assert not page.get_by_text(re.compile("search_dropout_rate")).count()
        page.goto(f"{address}#hparams")
        page.reload()
        page.get_by_text("error_percent/test", exact=True).first.wait_for(timeout=PATIENCE_MS)
        heads = page.locator("vaadin-grid-cell-content").all_inner_texts()
        named = [head for head in heads if head in COLUMNS]
        assert named[:4] == ["keep", "keep_input", "learning_rate", "rate"]
