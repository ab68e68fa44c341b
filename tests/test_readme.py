"""The README's example runs and shows dropout helping; its links and its counts are right."""

import re
from pathlib import Path

import pytest

from reproduce import experiments
from reproduce.__main__ import main
from reproduce.experiments.table4 import ALL, FC
from reproduce.judge import NO_DIFFERENCE, OPEN, OPPOSITE, REPRODUCED
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
        "On MNIST, after a tenth of the paper's updates, dropout lowers the test error of a ReLU "
        "net of 3 x 1024 units, and so do dropout and max-norm together",
        "table2",
        "tenth",
        REPRODUCED,
    ): [
        "Dropout NN, ReLU, 3 x 1024 below Standard NN, ReLU, 3 x 1024",
        "Dropout NN + max-norm, ReLU, 3 x 1024 below Standard NN, ReLU, 3 x 1024",
    ],
    (
        "a logistic one with dropout errs less than the paper's baseline of 2 x 800",
        "table2",
        "tenth",
        REPRODUCED,
    ): ["Dropout NN, logistic, 3 x 1024 below Standard Neural Net, logistic, 2 x 800"],
    (
        "dropout in all layers beats dropout in the fully connected ones",
        "table4",
        "cpu",
        REPRODUCED,
    ): [
        f"{ALL} below {FC}",
    ],
    (
        "beside L2 dropout lowers the error a little",
        "table9",
        "cpu",
        REPRODUCED,
    ): ["Dropout + L2 below L2"],
    (
        "dropout with max-norm errs less than a net with neither at 5,000 images",
        "fig10",
        "cpu",
        REPRODUCED,
    ): [
        "Dropout helps at 5,000 images",
    ],
    ("and at 500, where the paper saw no gain", "fig10", "cpu", OPPOSITE): [
        "No gain at 500 images",
    ],
    (
        "A net that starts from a deep belief net errs less than one of the same size that starts "
        "from random weights",
        "table2_pretrained",
        "cpu",
        REPRODUCED,
    ): ["DBN + finetuning below Random weights"],
    (
        "After a fortieth, in Table 9's net, dropout with max-norm errs less than L2 alone and "
        "than max-norm alone",
        "table9",
        "cpu",
        REPRODUCED,
    ): ["Dropout + Max-norm below L2", "Dropout + Max-norm below Max-norm"],
    ("whether dropout with max-norm beats dropout with L2", "table9", "cpu", OPEN): [
        "Dropout + Max-norm below Dropout + L2"
    ],
    ("which p is best", "fig9a", "cpu", OPEN): ["p = 0.5 is better than p = 1"],
    ("whether dropout helps a pretrained net", "table2_pretrained", "cpu", OPEN): [
        "DBN + dropout finetuning below DBN + finetuning"
    ],
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


def test_its_links_lead_to_files():
    links = re.findall(r"\]\(([^)#]+)", README)
    assert len(links) > 10
    assert all((ROOT / link).exists() for link in links if "://" not in link)


def test_it_counts_the_experiments_of_the_tour():
    tour = [name for name in experiments.names() if "quick" in experiments.load(name).budgets]
    assert f"a tour of {len(tour)} experiments" in README
