"""The printed example: its numbers are those of the network, and its verdicts are computed."""

import numpy as np
import pytest

from layers import from_scratch, worked_example
from layers.from_scratch import InvertedDropout, WeightScaledDropout


@pytest.fixture
def printed(capsys):
    worked_example.show(from_scratch)
    return capsys.readouterr().out


def test_it_is_short_and_the_same_every_time(printed, capsys):
    worked_example.show(from_scratch)
    assert capsys.readouterr().out == printed
    lines = printed.splitlines()
    assert 35 <= len(lines) <= 60
    assert max(len(line) for line in lines) <= 110


def test_dropped_units_and_units_that_are_off_have_no_gradient():
    net = worked_example.network(from_scratch, InvertedDropout, worked_example.MASK)
    net.loss(worked_example.X, [worked_example.LABEL], training=True)
    net.backward()
    _, first, _, _, second = net.layers
    off = [1, 3]  # the second by the mask, the fourth by its ReLU
    np.testing.assert_array_equal(np.flatnonzero(~second.dW.any(axis=1)), off)
    np.testing.assert_array_equal(np.flatnonzero(~first.dW.any(axis=0)), off)


def test_the_gradient_check_finds_a_wrong_gradient():
    net = worked_example.network(from_scratch, InvertedDropout, worked_example.MASK)
    net.loss(worked_example.X, [worked_example.LABEL], training=True)
    net.backward()
    assert worked_example.relative_error(net) < 1e-7
    net.layers[1].dW *= 1.01
    assert worked_example.relative_error(net) > 1e-3


@pytest.mark.parametrize("keep", [0.5, 0.8])
def test_both_forms_are_one_network_and_means_are_compared(keep, monkeypatch, capsys):
    monkeypatch.setattr(worked_example, "KEEP", keep)
    for training in (True, False):
        both = [
            worked_example.network(from_scratch, form, (0, 1, 1, 0)).logits(
                worked_example.X, training
            )
            for form in (InvertedDropout, WeightScaledDropout)
        ]
        np.testing.assert_allclose(*both, atol=1e-12)
    worked_example.show(from_scratch)
    lines = capsys.readouterr().out.splitlines()
    after = next(line for line in lines if "after one update" in line).split("update")[1]
    inverted, papers = (part.split("]")[0].strip(" [") for part in after.split("inverted,"))
    assert inverted == papers
    assert [line.split(": ")[-1] for line in lines[-3:]] == ["equal", "not equal", "equal"]
