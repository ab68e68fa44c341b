"""Evidence -> the best of several arms on validation images, and its gain on test images; and of
Table 2's nets the best, beside the paper's."""

from collections.abc import Sequence
from functools import cache

from reproduce.judge import Interval, interval, spent
from reproduce.report.evidence import Evidence
from reproduce.report.labels import number
from reproduce.report.tables import mean_text
from reproduce.spec import Best

MEASURE = "error_percent"


@cache  # the report shows them in several places
def sentences(e: Evidence) -> tuple[str, ...]:
    """One for each of the experiment's questions that its rows answer: of at least two arms, and of
    the paper's data."""
    if e.experiment.budgets[e.profile].data:
        return ()
    each = (_sentence(e, best) for best in e.experiment.bests)
    return tuple(sentence for sentence in each if sentence)


def _sentence(e: Evidence, best: Best) -> str:
    picked = _pick(e, best)
    if picked is None:
        return ""
    arm, gain, levels = picked
    told = "" if gain.low > 0 or gain.high < 0 else ", so that these seeds do not tell them apart"
    return (
        f"Best of the {best.among} on validation images: {arm}. Its gain over {best.than} on test "
        f"images is {number(gain.mean)} points [{number(gain.low)}, {number(gain.high)}]{told} "
        f"(test error in percent: {levels}; {gain.n} seeds)."
    )


def _pick(e: Evidence, best: Best) -> tuple[str, Interval, str] | None:
    """The arm, its gain, and both test errors; None while an arm lacks its seeds."""
    here = {cell.arm for cell, _ in e.chosen}
    arms = [arm for arm in best.arms if arm in here]
    if len(arms) < 2 or best.than not in here:
        return None
    # Every arm has these seeds, some have more.
    seeds = range(1, e.standing.looks[0] + 1)
    validation, test = (
        {arm: e.values(arm, None, split, MEASURE).reindex(seeds) for arm in (*arms, best.than)}
        for split in ("validation", "test")
    )
    if any(values.isna().any() for each in (validation, test) for values in each.values()):
        return None
    arm = min(arms, key=lambda name: validation[name].mean())
    # At the level that the first look at the claims has.
    gain = interval(list(test[best.than] - test[arm]), spent(e.standing.looks)[0])
    return arm, gain, f"{number(test[arm].mean())} vs {number(test[best.than].mean())}"


def beside_the_papers(found: Sequence[Evidence]) -> list[str]:
    """Of the nets of `table2` that have rows, the one with the paper's lowest error: both numbers,
    as a sentence; none without rows."""
    at_each_budget = [e for e in found if e.name == "table2"]
    if not at_each_budget:
        return []
    e = at_each_budget[-1]
    papers = e.paper(e.experiment.view)
    ours = {place: list(e.values(*place, "test", MEASURE)) for place in papers}
    measured = [place for place, errors in ours.items() if errors]
    if not measured:
        return []
    best = min(measured, key=lambda place: papers[place].percent)
    mean, n = mean_text(interval(ours[best])), len(ours[best])
    return [
        f"The best net of Table 2 without pretraining that has rows ({best[0]}): **{mean} %** test "
        f"error ({n} seeds, {e.budget}); the paper's: **{number(papers[best].percent)} %**."
    ]
