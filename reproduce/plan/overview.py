"""What `list` shows: finished runs, total runs, and expected cost."""

from pathlib import Path

from reproduce import experiments
from reproduce.plan.cells import declared_cells, describe_budget, is_deterministic
from reproduce.plan.stages import stages_of
from reproduce.spec import Experiment


def status(name: str, results_dir: Path) -> dict:
    """What `list` shows for an experiment, as JSON values."""
    experiment = experiments.load(name)
    profiles = {}
    for profile, budget in experiment.budgets.items():
        both = stages_of(name, profile, results_dir)
        finished = set().union(*(stage.results.finished() for stage in both))
        # If no run is finished, none needs to be looked up: `list` answers at once.
        planned = [p for stage in both for p in stage.runs()] if finished else []
        runs_total, updates = _total(experiment, profile)
        profiles[profile] = {
            "runs_done": sum(p.run.key in finished for p in planned),
            "runs_total": runs_total,
            "minutes": round(updates * budget.update_ms / 60_000, 2),
            "budget": describe_budget(experiment, budget),
        }
    shown = {"name": name, "title": experiment.title, "source": experiment.source}
    return shown | {"profiles": profiles}


def _total(experiment: Experiment, profile: str) -> tuple[int, int]:
    """The total number of runs in both stages, and of their updates. The runs are counted, not
    built: building them would take `list` half a second."""
    budget, cells = experiment.budgets[profile], declared_cells(experiment, profile)
    choosing = sum(
        len(cell.candidates) * (1 if is_deterministic(cell) else budget.choice_seeds)
        for cell in cells
        if len(cell.candidates) > 1
    )
    final = sum(1 if is_deterministic(cell) else budget.seeds for cell in cells)
    updates = choosing * (budget.choice_updates or budget.updates) + final * budget.updates
    return choosing + final, updates
