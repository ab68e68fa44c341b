"""What `list` shows: finished runs, decided claims, and what the rest is expected to cost."""

from pathlib import Path

from reproduce import experiments
from reproduce.plan.cells import declared_cells, describe_budget, is_deterministic
from reproduce.plan.order import missing_of
from reproduce.plan.stages import stages_of
from reproduce.spec import Budget, Experiment


def status(name: str, results_dir: Path) -> dict:
    """What `list` shows for an experiment, as JSON values."""
    experiment = experiments.load(name)
    shown = {"name": name, "title": experiment.title, "source": experiment.source}
    profiles = {
        profile: {
            **_standing(name, experiment, profile, results_dir),
            "budget": describe_budget(experiment, budget),
        }
        for profile, budget in experiment.budgets.items()
    }
    return shown | {"profiles": profiles}


def _standing(name: str, experiment: Experiment, profile: str, results_dir: Path) -> dict:
    choice, final = stages_of(name, profile, results_dir)
    budget, claims = experiment.budgets[profile], _claims(experiment, profile)
    runs, updates = _first_look(experiment, profile)
    if not (choice.results.finished() or final.results.finished()):
        # If no run is finished, none needs to be looked up: `list` answers at once.
        return _shown(budget, budget.update_ms, 0, runs, updates, updates, 0, claims)
    missing = missing_of(choice, final)
    left = sum(map(len, missing.choosing.values())) + missing.finals_left
    done = missing.choices_done + missing.finals_done
    places = [(cell.arm, cell.x) for cell, _ in missing.standing.chosen]
    to_make, decided = missing.updates(places), missing.standing.claims_decided
    ms = missing.update_ms
    return _shown(budget, ms, done, done + left, updates, to_make, decided, claims)


def _shown(
    budget: Budget,
    update_ms: float,
    done: int,
    total: int,
    updates: float,
    left: float,
    decided: int,
    claims: int,
) -> dict:
    def minutes(count: float, update_ms: float | None) -> float | None:
        return None if update_ms is None else round(count * update_ms / 60_000, 2)

    return {
        "runs_done": done,
        "runs_total": total,
        "claims_decided": decided,
        "claims_total": claims,
        "minutes": minutes(updates, update_ms),
        "minutes_left": minutes(left, update_ms),
        "gpu_minutes_left": minutes(left, budget.gpu_update_ms),
    }


def _claims(experiment: Experiment, profile: str) -> int:
    """The number of claims whose cells the profile runs."""
    places = {(cell.arm, cell.x) for cell in declared_cells(experiment, profile)}
    anywhere = {arm for arm, x in places if x is None}
    return sum(
        all(arm in anywhere or (arm, x) in places for arm, x in claim.places)
        for claim in experiment.claims
    )


def _first_look(experiment: Experiment, profile: str) -> tuple[int, int]:
    """The number of runs in both stages up to the first look, and of their updates. The runs are
    counted, not built: building them would take `list` half a second."""
    budget, cells = experiment.budgets[profile], declared_cells(experiment, profile)
    choosing = sum(
        len(cell.candidates) * (1 if is_deterministic(cell) else budget.choice_seeds)
        for cell in cells
        if len(cell.candidates) > 1
    )
    final = sum(1 if is_deterministic(cell) else budget.looks[0] for cell in cells)
    updates = choosing * (budget.choice_updates or budget.updates) + final * budget.updates
    return choosing + final, updates
