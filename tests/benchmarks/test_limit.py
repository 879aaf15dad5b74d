import limit
import pytest


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("float32 against the yardstick, at most 1.05: 1.10", True),
        ("float32 against the yardstick, at most 1.05: 1.05", False),
        ("smallest part of OpenBLAS's rate, at least 0.9: 0.77", True),
        ("smallest lead over the best peer, at least 1: 1.03", False),
        ("| shuffling, share of an epoch | under 1 % | 2.8 % **missed** |", True),
        ("| shuffling, share of an epoch | under 1 % | 0.7 % |", False),
        ("won: 48 of 50 cells", False),
        ("97 % reached, seconds, at most 0.25: 0.20", False),
        ("97 % missed, seconds, at most 0.25: 0.20", True),
    ],
)
def test_a_line_says_whether_its_bound_is_missed(line, expected):
    assert limit.is_missed(line) is expected


def test_each_benchmark_is_there():
    assert all((limit.BENCHMARKS / script).exists() for _, script, *_ in limit.LIMITS.values())
