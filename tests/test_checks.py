"""Visible checks: in order type, shape, dtype, finite, value; the slip is named when it is proved; None comes back."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from utils import checks
from utils.checks import CheckFailed

finite = st.floats(-1e6, 1e6)


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=3), elements=finite))
def test_equal_values_pass_and_nothing_comes_back(array):
    assert checks.close("a", array, array.copy()) is None
    assert checks.equal("a", torch.from_numpy(array), torch.from_numpy(array.copy())) is None


@given(hnp.arrays(np.float64, (3, 4), elements=finite), st.integers(0, 2), st.integers(0, 3))
def test_a_wrong_entry_is_named(array, i, j):
    other = array.copy()
    other[i, j] += 1 + abs(other[i, j])
    with pytest.raises(CheckFailed, match=rf"a: right shape, wrong values(: .*)?; worst at \[{i}, {j}\]"):
        checks.close("a", other, array)


MESSAGES = [
    ([1.0], np.ones(1), "f(x): a list came back, a numpy array was expected"),
    (None, np.ones(1), "f(x): None came back, a numpy array was expected"),
    (np.ones((4, 5)), np.ones((3, 4)), "f(x): shape (4, 5) came back, (3, 4) was expected: (batch, hidden_size)"),
    (np.ones(3, np.float32), np.ones(3), "f(x): dtype float32 came back, float64 was expected"),
    (np.array([1.0, np.inf]), np.ones(2), "f(x): nan or infinity at [1], a finite number was expected"),
    (2, 3, "f(x): 2 against 3"),
    (10**9 + 1, 10**9, "f(x): 1000000001 against 1000000000"),
    (torch.ones(2).int(), torch.ones(2).long(), "f(x): dtype int32 came back, int64 was expected"),
    (np.complex128(1j), 1.0, "f(x): a complex number came back, a real one was expected"),
    ((1, 2), (1, 3), "f(x): [1]: 2 against 3"),
    ({"a": 1}, {"b": 1}, "f(x): the keys differ at a, b"),
    ("a", "b", "f(x): 'a' came back, 'b' was expected"),
    (torch.ones(2), np.ones(2), "f(x): a torch tensor came back, a numpy array was expected"),
]


@pytest.mark.parametrize(("value", "expected", "message"), MESSAGES, ids=lambda value: str(value)[:12])
def test_messages(value, expected, message):
    with pytest.raises(CheckFailed) as failed:
        checks.close("f(x)", value, expected, shape="(batch, hidden_size)")
    assert str(failed.value) == message


RELATED = np.array([[1.0, -2.0, 3.5], [4.0, 5.5, 7.0]])


def test_what_must_be_equal_is_a_whole_number_where_one_is_expected():
    checks.close("n", 2.0, 2)
    checks.equal("n", np.int32(2), 2)
    checks.equal("n", np.array([1, 2], np.int32), np.array([1, 2]))
    with pytest.raises(CheckFailed, match=r"^n: 2\.0 came back, a whole number was expected$"):
        checks.equal("n", 2.0, 2)


def test_a_slip_is_named_only_when_the_value_proves_it():
    slips = {"with h in place of r * h": np.full(2, 3.0)}
    with pytest.raises(CheckFailed, match=r"^dW_hg is what comes out with h in place of r \* h$"):
        checks.close("dW_hg", np.full(2, 3.0), np.ones(2), slips=slips)
    with pytest.raises(CheckFailed, match="wrong values"):
        checks.close("dW_hg", np.full(2, 4.0), np.ones(2), slips=slips)


def test_raises():
    def wrong(error):
        raise error

    checks.raises("f", ValueError, lambda: wrong(ValueError("p is 2")))
    for call, message in [
        (lambda: None, "f: ValueError should be raised"),
        (lambda: wrong(ValueError()), "without a message"),
        (lambda: wrong(KeyError("a")), "KeyError was raised, ValueError was expected"),
    ]:
        with pytest.raises(CheckFailed, match=message):
            checks.raises("f", ValueError, call)
    with pytest.raises(NotImplementedError):
        checks.raises("f", ValueError, lambda: wrong(NotImplementedError("not written yet")))


def test_unchanged_true_and_passed(capsys):
    checks.unchanged("x", np.ones(2), np.ones(2))
    with pytest.raises(CheckFailed, match="x was changed by the call"):
        checks.unchanged("x", np.zeros(2), np.ones(2))
    checks.true(np.bool_(True), "never seen")
    with pytest.raises(CheckFailed, match="seen"):
        checks.true([], "seen")
    checks.passed("f", "3 cases")
    assert capsys.readouterr().out == "OK f: 3 cases\n"


def test_relative_errors():
    found = checks.relative_errors(np.array([1.0, 0.0]), torch.tensor([1.1, 0.0]))
    assert found == pytest.approx([0.1 / 2.1, 0.0], abs=1e-7)


@pytest.mark.parametrize(
    ("came", "said"),
    [
        (RELATED.T, "(3, 2) came back, (2, 3) was expected: (batch, hidden): the right values, transposed"),
        (-RELATED, "right shape, wrong values: the right values with the opposite sign; worst at [1, 2]: -7 against 7"),
        (2 * RELATED, "wrong values: twice the right values; worst"),
        (np.where(np.arange(2)[:, None] == 0, RELATED, 0.5), "all are right but the last of 2 along axis 0; worst"),
    ],
)
def test_what_wrong_values_are_is_said_where_it_can_be_proved(came, said):
    with pytest.raises(checks.CheckFailed) as failed:
        checks.close("y", came, RELATED, shape="(batch, hidden)")
    assert said in str(failed.value)
