"""Experiments and finished rows -> what `list` tells. Standard library only."""

from pathlib import Path

from reproduce import Experiment, plan


def total(experiment: Experiment, profile: str) -> tuple[int, int]:
    """How many runs both stages have together, and how many updates those make: counted, not
    built, which would take `list` half a second."""
    budget, cells = experiment.budgets[profile], plan.declared_cells(experiment, profile)
    choosing = sum(
        len(cell.candidates) * (1 if plan.is_deterministic(cell) else budget.choice_seeds)
        for cell in cells
        if len(cell.candidates) > 1
    )
    final = sum(1 if plan.is_deterministic(cell) else budget.seeds for cell in cells)
    updates = choosing * (budget.choice_updates or budget.updates) + final * budget.updates
    return choosing + final, updates


def _ended(name: str, profile: str, results_dir: Path) -> list[set[str]]:
    """Of each stage, the keys of the runs that need no repetition."""
    return [plan.results(name, profile, stage, results_dir).ended() for stage in plan.STAGES]


def status(name: str, results_dir: Path) -> dict:
    """What `list` tells of an experiment, as JSON values."""
    experiment = plan.load(name)
    profiles = {}
    for profile, budget in experiment.budgets.items():
        ended = set().union(*_ended(name, profile, results_dir))
        # Where nothing has ended there is nothing to look for: `list` answers at once.
        stages = plan.STAGES if ended else ()
        planned = [p for stage in stages for p in plan.runs(name, profile, stage, results_dir)]
        runs_total, updates = total(experiment, profile)
        profiles[profile] = {
            "runs_done": sum(p.run.key in ended for p in planned),
            "runs_total": runs_total,
            "minutes": round(updates * budget.update_ms / 60_000, 2),
            "budget": plan.described_budget(experiment, budget),
        }
    told = {"name": name, "title": experiment.title, "source": experiment.source}
    return told | {"profiles": profiles}
