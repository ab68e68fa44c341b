import pytest

from reproduce import Budget, Claim, Experiment, View, arms


def experiment(run, **changes):
    budget = Budget(updates=1, seeds=1, update_ms=1)
    settings = {
        "title": "t",
        "source": "s",
        "cells": arms({"a": [run], "b": [run]}),
        "budgets": dict.fromkeys(("smoke", "quick", "cpu", "paper"), budget),
        "view": View(kind="arms"),
        "claims": (),
    }
    return Experiment(**settings | changes)


def test_arms_tuned_with_different_effort_are_refused(run):
    with pytest.raises(ValueError, match="same number of candidate"):
        experiment(run, cells=arms({"a": [run], "b": [run, run]}))


def test_a_claim_about_an_unknown_arm_and_a_missing_profile_are_refused(run):
    with pytest.raises(ValueError, match="not declared"):
        experiment(run, claims=(Claim(text="?", better="a", worse="c"),))
    with pytest.raises(ValueError, match="profiles"):
        experiment(run, budgets={"quick": Budget(updates=1, seeds=1, update_ms=1)})
