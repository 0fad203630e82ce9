from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from pipeline.extract.linear import in_few_dimensions, joint_regression, support_vectors


def test_fewer_dimensions_leave_the_rows_as_they_are_to_each_other() -> None:
    matrix = sparse.csr_matrix(np.random.default_rng(0).random((20, 300)))
    rows, back = in_few_dimensions(matrix)
    assert rows @ rows.T == pytest.approx((matrix @ matrix.T).toarray())
    assert (matrix @ (back.T @ matrix).T) == pytest.approx(rows)


@pytest.mark.parametrize("learn", [joint_regression, support_vectors])
def test_two_labels_have_a_margin_each(learn: object) -> None:
    rows = sparse.csr_matrix([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    model = learn(rows, np.array(["x", "x", "y", "y"]))  # type: ignore[operator]  # either of the two
    assert model.labels == ("x", "y")
    assert (model.margins(rows).argmax(axis=1) == [0, 0, 1, 1]).all()


def test_one_mistaken_text_does_not_outweigh_a_hundred() -> None:
    rows = sparse.csr_matrix([[1.0, 0.0]] * 100 + [[1.0, 0.0]] + [[0.0, 1.0]] * 10)
    model = support_vectors(rows, np.array(["yes"] * 100 + ["rare"] + ["no"] * 10))
    assert model.labels[model.margins(rows[:1]).argmax()] == "yes"
