"""Chapter 3's experiments, on fewer samples and epochs."""

from fastnet import book


def test_overfitting_lowers_the_training_cost_while_the_test_cost_rises():
    result = book.overfitting(samples=100, epochs=60)
    assert result.data["training cost"][-1] < 0.1 * result.data["training cost"][0]
    assert result.data["test cost"][-1] > min(result.data["test cost"])
    assert result.values["training accuracy after the last epoch"] == 100
    assert result.values["test accuracy after the last epoch"] < 80
