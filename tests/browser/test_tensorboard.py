"""The pages of TensorBoard as a person sees them, in headless Chromium. Opt-in: `make browser`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reproduce.__main__ import main

ROOT = Path(__file__).parents[2]
PATIENCE_MS, DRAWING_MS = 30_000, 2_000
TABS = {
    "scalars": ["error_percent", "loss", "learning_rate", "weight_norm"],
    "timeseries": ["error_percent/validation", "weight_norm/dense_1", "active_percent/hidden_1"],
    "images": ["features", "masks", "misclassified"],
    "histograms": ["weights", "activations"],
    "text": ["command", "run"],
    "hparams": [
        "best_validation_error_percent",
        "last_validation_error_percent",
        "error_percent/test",
        "learning_rate",
    ],
}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """TensorBoard on the loopback address, over the logs of a small experiment and a search."""
    folder = tmp_path_factory.mktemp("results")
    small = ["--profile", "smoke", "--seeds", "1", "--workers", "1", "--results-dir", str(folder)]
    assert main(["run", "overfitting", *small]) == 0
    assert main(["search", "dropout_rate", "--trials", "2", *small]) == 0
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(folder / "logs")]
    server = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", "0"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    found = None
    for line in server.stderr:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            break
    assert found, "TensorBoard did not say where it is"
    yield found.group()
    server.kill()


@pytest.fixture(scope="module")
def page(browser):
    return browser.new_page(viewport={"width": 1500, "height": 1000})


@pytest.mark.parametrize("tab", TABS)
def test_each_page_shows_its_tags_and_runs_by_readable_names(address, page, tab, tmp_path):
    page.goto(f"{address}/#{tab}")
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
