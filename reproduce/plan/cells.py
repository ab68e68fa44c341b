"""The cells of an experiment at one profile."""

from dataclasses import replace

from reproduce.spec import Budget, Cell, Experiment, GaussianSvm, Run


def declared_cells(experiment: Experiment, profile: str) -> list[Cell]:
    """The cells that a profile runs, as they are declared."""
    budget = experiment.budgets[profile]
    return [
        cell
        for cell in experiment.cells
        if (budget.xs is None or cell.x in budget.xs)
        and (budget.arms is None or cell.arm in budget.arms)
    ]


def budgeted_cells(experiment: Experiment, profile: str) -> list[Cell]:
    """The cells that a profile runs, with their candidates reduced to its budget."""
    budget = experiment.budgets[profile]
    return [
        replace(
            cell, candidates=tuple(budgeted(run, budget, experiment) for run in cell.candidates)
        )
        for cell in declared_cells(experiment, profile)
    ]


def describe_budget(experiment: Experiment, budget: Budget) -> str:
    """The budget as text, to show next to every number. It includes the number of training images,
    whether the profile or the experiment sets it."""
    declared = {run.examples for cell in experiment.cells for run in cell.candidates}
    if budget.examples is None and len(declared) == 1:
        budget = replace(budget, examples=declared.pop())
    return budget.describe()


def budgeted(run: Run, budget: Budget, experiment: Experiment) -> Run:
    run = _smaller(run, budget)
    return replace(run, updates=budget.updates, measures=experiment.measures)


def _smaller(run: Run, budget: Budget) -> Run:
    """The run, and all that it starts from, as large as the budget allows."""
    start = run.start and replace(_smaller(run.start, budget), updates=budget.start_updates)
    return replace(
        run,
        net=run.net.scaled(budget.width),
        data=budget.data or run.data,
        examples=run.examples if budget.examples is None else budget.examples,
        start=start,
    )


def is_deterministic(cell: Cell) -> bool:
    """Whether every seed would give the same result, so that one is enough."""
    return isinstance(cell.candidates[0].net, GaussianSvm)
