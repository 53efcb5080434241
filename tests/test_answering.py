"""Answers cross as plain data and come back the same; comparisons see kind, shape, dtype, finiteness and value."""

import base64
import collections

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.marking.answering import (
    answer,
    answer_all,
    decode,
    encode,
    evaluate,
    read_answers,
    read_programs,
    standing_in,
)
from autograder.marking.compare import difference, drawn_texts
from autograder.oracle import Case

numbers = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5), st.none())
values = st.recursive(
    numbers,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=8,
)
arrays = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.bool_]), hnp.array_shapes(min_dims=1, max_dims=3, min_side=0)
)


@given(values)
def test_plain_data_comes_back_the_same(value):
    assert decode(encode(value)) == value
    assert difference(encode(value), encode(value), 0, 0) is None


@given(arrays)
def test_arrays_and_tensors_come_back_the_same(array):
    for value in (array, torch.from_numpy(array.copy()), np.asfortranarray(array), array[::-1]):
        back = decode(encode(value))
        assert type(back) is (torch.Tensor if isinstance(value, torch.Tensor) else np.ndarray)
        np.testing.assert_array_equal(np.asarray(back), np.asarray(value))
        assert difference(encode(value), encode(value), 0, 0) is None


@given(hnp.arrays(np.float64, (3, 4), elements=st.floats(-1e3, 1e3)), st.integers(0, 2), st.integers(0, 3))
def test_one_entry_that_is_off_is_found_where_it_is(array, i, j):
    other = array.copy()
    other[i, j] += 1.0 + abs(other[i, j])
    message = difference(encode(array), encode(other), 1e-7, 1e-9)
    assert f"[{i}, {j}]" in message


NORMAL = [
    (np.float64(2.5), 2.5),
    (torch.tensor(2.5, dtype=torch.float64), 2.5),
    (np.array(3), 3),
    (collections.namedtuple("P", "a b")(1, 2), (1, 2)),
    (collections.OrderedDict(a=1), {"a": 1}),
    (np.bool_(True), True),
]


@pytest.mark.parametrize(("value", "same"), NORMAL, ids=str)
def test_the_normal_form_forgets_what_must_not_matter(value, same):
    assert encode(value) == encode(same)


WRONG = [
    (np.ones(3), [1.0, 1.0, 1.0], "a list came back, a numpy array was expected"),
    (np.ones((3, 4)), np.ones((4, 3)), "shape (4, 3) came back, (3, 4) was expected"),
    (np.ones(3), np.ones(3, np.float32), "dtype float32 came back, float64 was expected"),
    (np.ones(3), np.array([1, np.nan, 1]), "nan or infinity at [1]"),
    (3, 3.0, "a number came back, a whole number was expected"),
    (3, True, "True or False came back"),
    ((1, 2), (1,), "1 entry came back, 2 were expected"),
    ([3], [3, 4], "2 entries came back, 1 was expected"),
    (["ValueError", 1], [2, 1], "ValueError should be raised in entry 0"),
    (["ValueError", 1], ["fine", 1], "ValueError should be raised in entry 0"),
    ([2, 1], ["ValueError", 1], "ValueError was raised in entry 0, a whole number was expected"),
    ({"a": 1}, {"b": 1}, "a key is missing"),
    (torch.ones(2), np.ones(2, np.float32), "a numpy array came back, a torch tensor was expected"),
    (2.0, 2.1, "wrong value; worst: relative error 0.024"),
]


@pytest.mark.parametrize(("expected", "came", "message"), WRONG, ids=lambda value: str(value)[:20])
def test_what_is_wrong_is_said_in_words(expected, came, message):
    assert message in difference(encode(expected), encode(came), 1e-7, 1e-9)


def test_layout_integer_width_and_whole_numbers_do_not_matter():
    assert difference(encode(np.arange(3)), encode(np.arange(3, dtype=np.int32)), 0, 0) is None
    assert difference(encode(2.0), encode(2), 0, 0) is None
    assert difference(encode(np.ones((2, 3))), encode(np.ones((3, 2)).T), 0, 0) is None


def test_an_expected_error_is_compared_by_its_type():
    def ask(program, **names):
        return answer({"ask": program, "inputs": {}}, names)

    class Mine(ValueError):
        pass

    expected = ask("raise ValueError('no')\n0")
    assert difference(expected, ask("raise error('other words')\n0", error=Mine), 0, 0) is None
    assert "ValueError should be raised" in difference(expected, ask("3"), 0, 0)
    assert "TypeError was raised" in difference(expected, ask("1 + 'a'"), 0, 0)
    assert "it does not exist" in difference(expected, ask("nowhere"), 0, 0)
    assert "secret" not in difference(ask("3"), ask("raise RuntimeError('secret')\n0"), 0, 0)


NO_DATA = {
    "object": object(),
    "set": {1, 2},
    "function": len,
    "words": np.array(["a"]),
    "objects": np.array([object()]),
}


@pytest.mark.parametrize("value", NO_DATA.values(), ids=NO_DATA)
def test_what_is_no_plain_data_is_refused(value):
    with pytest.raises(TypeError):
        encode(value)
    assert answer({"ask": "value", "inputs": {}}, {"value": value})["kind"] == "other"


def test_what_cannot_be_sent_is_no_error_that_was_raised():
    def ask(program, **more):
        return answer({"ask": program, "inputs": {}, **more}, {"np": np})

    refusal = ask("int('no')")
    for program in ("np.zeros(1 << 24)", "10**5000", "(x for x in 'ab')", "{1}"):
        assert difference(refusal, ask(program), 0, 0) == "ValueError should be raised"
    three, pure = ask("[3]"), ask("[3]", pure=True)
    assert difference(three, ask("range(3)"), 0, 0) == "an object of type `range` came back, a list was expected"
    assert difference(pure, ask("map(int, '3')", pure=True), 0, 0).startswith(
        "an object of type `map` came back, a list"
    )
    assert "an array that does not hold numbers came back" in difference(three, ask("np.array(['a'])"), 0, 0)
    assert difference(ask("zip([1])"), ask("zip([2], [3])"), 0, 0)  # of what cannot be sent nothing is equal
    given = {"inputs": {"params": encode({})}, "pure": True}
    spoiled = answer({"ask": "params['order'] = range(3)\n(1.0,)", **given}, {})
    assert (spoiled["value"], spoiled["changed"]) == (encode((1.0,)), {"params": True})
    mine = ask("type('E77777', (), {})()")
    assert difference(three, mine, 0, 0) == "something else came back, a list was expected"
    assert difference(refusal, ask("raise NotImplementedError\n0"), 0, 0) == "not written yet"


def test_of_a_dict_no_key_is_named_that_was_drawn():
    right, wrong = ({"W": 1.0, "b": np.ones(2)}, {"W": 1.0, "b": np.zeros(2)})
    assert "in `b`" in difference(encode(right), encode(wrong), 0, 0)
    right, wrong = ({"dove": 1, "fish": 2}, {"dove": 2, "fish": 1})
    inputs = {"lines": ["a dove"], "vocabulary": {"fish": 1}, "params": {"W": 1.0}}
    drawn = drawn_texts(inputs, notebook="params holds W and b")
    for keyed in (str, tuple):
        said = difference(*(encode({keyed(k): n for k, n in one.items()}) for one in (right, wrong)), 0, 0, drawn=drawn)
        assert said == "right type, wrong value in an entry"
    assert "W" not in drawn


def test_depth_and_size_are_bounded():
    deep: list = []
    for _ in range(50):
        deep = [deep]
    assert answer({"ask": "deep", "inputs": {}}, {"deep": deep})["kind"] == "other"
    large = answer({"ask": "import numpy; numpy.zeros(1 << 24)", "inputs": {}}, {})
    assert large["kind"] == "other"
    text = answer_all([{"ask": "'a' * (40 << 20)", "inputs": {}}] * 2, (), (), {})
    assert [one["kind"] for one in read_answers(repr(text), 2)] == ["text", "other"]


@pytest.mark.parametrize("text", ["[3, 1]", "[[], null]", "[" * 100_000, "3", "[[[1]], 2]"])
def test_what_is_no_answer_is_refused(text):
    with pytest.raises(ValueError, match=r"no|not|nested"):
        read_programs(repr(base64.b64encode(text.encode()).decode()), 1)


def test_a_program_sees_its_inputs_and_leaves_no_name_behind():
    names = {"f": lambda x: x + 1}
    case = {"ask": "y = f(x); y * 2", "inputs": {"x": encode(3)}}
    assert decode(answer(case, names)) == 8
    assert set(names) == {"f"}
    with pytest.raises(SyntaxError):
        evaluate("x = 1", {})


def noted(program, **inputs):
    """What is noted of a pure case."""
    return answer({"ask": program, "inputs": {name: encode(value) for name, value in inputs.items()}, "pure": True}, {})


def test_changed_arguments_are_noted_bit_for_bit():
    x, h = np.array([1.0, 2.0]), np.array([0.0])
    assert noted("(x + h, h)", x=x, h=h)["changed"] == {"x": False, "h": False}
    assert noted("x += 1e-12\n(x.sum(), h.sum())", x=x, h=h)["changed"] == {"x": True, "h": False}
    assert noted("h[0] = -0.0\n(x.sum(), h.sum())", x=x, h=h)["changed"] == {"x": False, "h": True}
    assert noted("h['a'] *= 2\n0", h={"a": x})["changed"] == {"h": True}


@pytest.mark.parametrize(
    ("program", "shared"),
    [
        ("(x + 1, x + 1)", False),
        ("(x, x + 1)", True),
        ("(x + 1, x[::2])", True),
        ("(x.copy(), {'a': [x.T]})", True),
        ("y = x + 1\n(y, y)", True),
        ("y = x + 1\n(y, y.copy())", False),
        ("t = torch.ones(3)\n(t, t.detach())", True),
        ("t = torch.ones(3)\n(t, t.clone(), t.sum())", False),
    ],
)
def test_memory_that_results_share_is_noted(program, shared):
    assert noted(f"import torch\n{program}", x=np.ones((2, 4)))["shared"] is shared


def test_what_a_pure_case_says():
    right = noted("(x + 1, x + 1)", x=np.ones(3))
    assert difference(right, right, 0, 0) is None
    changed = noted("y = x + 1\nx *= 2\n(y, y.copy())", x=np.ones(3))
    assert difference(right, changed, 0, 0) == "your function changes its argument: `x` is not what it was before"
    assert "shares memory" in difference(right, noted("y = x + 1\n(y, y)", x=np.ones(3)), 0, 0)
    assert "wrong values in entry 1" in difference(right, noted("(x + 1, x + 2)", x=np.ones(3)), 0, 0)
    assert difference(changed, changed, 0, 0) is None


CALLED = [
    ("f(x)", ()),
    ("y, _ = f(x)\ny", ()),
    ("dx, dh = f(x)\n(dx, dh)", ("`dx`", "`dh`")),
    ("(first, dh)", ("result 1 of 2", "`dh`")),
    ("[f(x, 1), len(x)]", ("`f(x, 1)`", "result 2 of 2")),
    ("(f(x), f(x))", ("the first call", "the second call")),
    ("(*f(x), 1)", ()),
    (f"(f({'x, ' * 20}), dx)", ("result 1 of 2", "`dx`")),
]


@pytest.mark.parametrize(("ask", "names"), CALLED)
def test_a_reason_calls_results_as_the_question_does(ask, names):
    case = Case("any", ask)
    assert tuple(case.results("f", "def f(x):\n    return dx, dh")) == names
    if names:
        right, wrong = encode([1] * len(names)), encode([1] * (len(names) - 1) + [2])
        assert difference(right, wrong, 0, 0, names=names) == f"right type, wrong value in {names[-1]}"
        assert difference(encode([[1], right]), encode([[2], right]), 0, 0, names=names).endswith(f"in {names[0]}[0]")


def test_names_are_replaced_for_as_long_as_it_lasts():
    names = {"f": abs, "x": -2}
    with standing_in(["def f(v):\n    return g(v)", "def g(v):\n    return 7"], names):
        assert evaluate("f(x)", dict(names)) == 7
    assert names == {"f": abs, "x": -2}
    with pytest.raises(NameError), standing_in(["y = 1\nundefined"], names):
        pass
    assert names == {"f": abs, "x": -2}
