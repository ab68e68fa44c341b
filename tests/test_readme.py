"""The README's example runs and shows dropout helping; its links and its counts are right."""

import re
from pathlib import Path

from reproduce import experiments
from reproduce.__main__ import main
from reproduce.report import evidence

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


def test_its_links_lead_to_files():
    links = re.findall(r"\]\(([^)#]+)", README)
    assert len(links) > 10
    assert all((ROOT / link).exists() for link in links if "://" not in link)


def test_it_counts_the_experiments_of_the_tour():
    tour = [name for name in experiments.names() if "quick" in experiments.load(name).budgets]
    assert f"a tour of {len(tour)} experiments" in README
