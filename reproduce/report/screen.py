"""Evidence -> the last screen of `make reproduce`: findings, counts of verdicts, paths, what next.

At most 24 lines, each cut at the terminal's width. Everything else is in the report.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from reproduce import judge
from reproduce.files import is_usual
from reproduce.report.claims import measured_difference, verdict
from reproduce.report.evidence import NOT_JUDGED, Evidence
from reproduce.report.headlines import SHOWN, leading

# Of a terminal's usual 24 lines, the shell's prompt takes one.
MOST_LINES, MOST_FINDINGS = 23, 11
DECIDED = (judge.REPRODUCED, judge.OPPOSITE, judge.NO_DIFFERENCE)
KINDS = (*DECIDED, judge.OPEN, NOT_JUDGED)
RUN = ".venv/bin/python -m reproduce run"
TENSORBOARD = ".venv/bin/python -m reproduce.tensorboard"
NEXT = {
    "smoke": ["make reproduce, which trains on MNIST and CIFAR-10"],
    "quick": [
        "docs/lesson.md: five exercises, one command each",
        f"{RUN} table9 --profile cpu --minutes 60",
    ],
}
ANY_NEXT = [".venv/bin/python -m reproduce list: what is missing, and its cost"]


def summary(found: Sequence[Evidence], profile: str, folder: Path, width: int) -> list[str]:
    """The screen's lines; `folder` holds the profile's REPORT.md, `width` is in characters."""
    claims = Counter(_kind(said) for e in found for said in _verdicts(e))
    runs = [entry for e in found for entry in e.runs.values()]
    minutes = sum(entry.get("seconds", 0) for entry in runs) / 60
    decided = sum(claims[kind] for kind in DECIDED)
    of = "" if profile == "quick" else f" PROFILE={profile}"
    # All committed rows have one page.
    is_local = folder.name == profile
    local = f" PROFILE={profile}" if is_local else ""
    results_dir = folder.parent if is_local else folder
    is_own = is_usual(results_dir)
    page, logs = folder / "report.html", results_dir / "logs"
    each = ", ".join(f"{claims[kind]} {kind}" for kind in KINDS if claims[kind])
    paths = {
        "Report": f"{page} (make show{local})" if is_own else f"{page}",
        "Figures": f"{folder / 'figures'}/",
        "TensorBoard": f"make tensorboard{of}" if is_own else f"{TENSORBOARD} --logs {logs}",
    }
    labelled = [*paths.items(), *(("Next", text) for text in NEXT.get(profile, ANY_NEXT))]
    lines = [
        f"{profile} profile: {decided} of {claims.total()} claims decided "
        f"({len(found)} experiments, {len(runs):,} runs, {minutes:,.0f} minutes)",
        "",
        *_findings(found, bool(claims.total() - claims[NOT_JUDGED])),
        "",
        f"Verdicts: {each or 'none'}",
        *(f"{label:<12} {text}" for label, text in labelled),
    ]
    return [line if len(line) <= width else f"{line[: width - 3]}..." for line in lines]


def _verdicts(e: Evidence) -> list[str]:
    """Of the claims that have rows."""
    return [verdict(e, claim, found) for claim, found in e.verdicts if found and found.found.n]


def _kind(said: str) -> str:
    return next(kind for kind in KINDS if said.startswith(kind))


def _findings(found: Sequence[Evidence], any_judged: bool) -> list[str]:
    """A line for each experiment with claims: gain with its interval, verdict, claim."""
    if not any_judged:
        return ["No claim is judged: these runs show that everything works, no more."]
    lines = []
    for e in sorted(found, key=lambda e: SHOWN.index(e.name) if e.name in SHOWN else len(SHOWN)):
        if (first := leading(e)) is not None:
            claim, judged = first
            gain = measured_difference(claim, judged.found)
            said = _kind(verdict(e, claim, judged))
            text = f"the opposite of “{claim.text}”" if said == judge.OPPOSITE else claim.text
            shown = f"{said}: {text}" if said != judge.OPPOSITE else text
            lines.append(f"{e.name:<16}{gain.replace(' points', ''):<27}{shown}")
    beyond = len(lines) - MOST_FINDINGS
    more = [f"... and {beyond} more in the report"] if beyond > 0 else []
    header = f"{'experiment':<16}{'gain [interval]':<27}finding (gain in points, unless stated)"
    return [header, *lines[:MOST_FINDINGS], *more]
