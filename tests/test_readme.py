"""The README's example runs and shows dropout helping; its links and its counts are right."""

import re
from pathlib import Path

import pytest

from reproduce import experiments
from reproduce.__main__ import main
from reproduce.experiments.table4 import ALL, FC
from reproduce.judge import NO_DIFFERENCE, OPEN, OPPOSITE, REPRODUCED
from reproduce.paper import paper_numbers
from reproduce.report import evidence
from reproduce.report.claims import verdict

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_example_of_an_experiment_shows_dropout_helping(tmp_path, monkeypatch, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "my_question.py").write_text(example)
    monkeypatch.setattr(experiments, "__path__", [*experiments.__path__, str(tmp_path)])
    results = tmp_path / "results"
    options = ["--profile", "smoke", "--workers", "1", "--results-dir", str(results)]
    assert main(["run", "my_question", *options]) == 0
    assert "Finding: Dropout helps" in capsys.readouterr().out
    (_, judged) = evidence.gather("my_question", "smoke", results).verdicts[0]
    assert judged.found.low > 0


DECIDED = (REPRODUCED, OPPOSITE, NO_DIFFERENCE)
# What README's short answer says, and the claims that it rests on.
SAYS = {
    (
        "On MNIST, after a tenth of the paper's updates, dropout lowers",
        "table2",
        "tenth",
        REPRODUCED,
    ): ["Dropout NN, logistic, 3 x 1024 below Standard Neural Net, logistic, 2 x 800"],
    ("also beside a ReLU net of the same size without dropout", "table2", "tenth", REPRODUCED): [
        "Dropout NN, ReLU, 3 x 1024 below Standard NN, ReLU, 3 x 1024",
        "Dropout NN + max-norm, ReLU, 3 x 1024 below Standard NN, ReLU, 3 x 1024",
    ],
    (
        "dropout in all layers beats dropout in the fully connected ones",
        "table4",
        "cpu",
        REPRODUCED,
    ): [
        f"{ALL} below {FC}",
    ],
    ("With 500 images it helps where the paper saw no gain", "fig10", "cpu", OPPOSITE): [
        "No gain at 500 images",
    ],
    ("max-norm beats every other regulariser", "table9", "cpu", OPEN): [
        "Dropout + Max-norm below L2"
    ],
    ("which p is best", "fig9a", "cpu", OPEN): ["p = 0.5 is better than p = 1"],
}


@pytest.mark.parametrize(("said", "claims"), SAYS.items())
def test_its_short_answer_is_what_the_rows_say(said, claims):
    sentence, name, profile, word = said
    assert sentence in " ".join(README.split())
    e = evidence.gather(name, profile, ROOT / "results")
    found = {claim.text: verdict(e, claim, judged) for claim, judged in e.verdicts if judged}
    if word == OPEN:  # or not judged, or without rows since settings changed
        assert not any(found[text].startswith(DECIDED) for text in claims)
    else:
        assert all(found[text].startswith(word) for text in claims)


def test_with_5000_images_dropout_helps_less_than_in_the_paper():
    assert "with 5,000 it helps less than in the paper" in " ".join(README.split())
    paper = {
        arm: paper_numbers("Figure 10")[arm, 5000].percent for arm in ("Dropout", "No dropout")
    }
    verdicts = evidence.gather("fig10", "cpu", ROOT / "results").verdicts
    (found,) = (j.found for c, j in verdicts if c.text == "Dropout helps at 5,000 images")
    assert found.low > 0 and found.high < paper["No dropout"] - paper["Dropout"]


def test_its_links_lead_to_files():
    links = re.findall(r"\]\(([^)#]+)", README)
    assert len(links) > 10
    assert all((ROOT / link).exists() for link in links if "://" not in link)


def test_it_counts_the_experiments_of_the_tour():
    tour = [name for name in experiments.names() if "quick" in experiments.load(name).budgets]
    assert f"a tour of {len(tour)} experiments" in README
