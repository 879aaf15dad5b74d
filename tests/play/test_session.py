"""The server's replies to the messages of a window."""

import asyncio
import base64
from itertools import pairwise

import numpy as np
import pytest
from play.client import model, server, window

from fastnet import handwriting
from fastnet.handwriting import components, preprocessing
from fastnet.play import digits
from fastnet.play.settings import checked


def run(scenario):
    async def scenario_in_a_window():
        async with server() as page, window(page) as opened:
            return await scenario(opened)

    return asyncio.run(scenario_in_a_window())


def drawn(width=140, height=140):
    """Return the pixels of the pad with a drawn seven."""
    pixels = np.zeros((height, width), np.uint8)
    pixels[height // 6 : height // 6 + 10, width // 4 : 3 * width // 4] = 255
    for i in range(height // 2):
        x = 3 * width // 4 - i // 2
        pixels[height // 6 + i : height // 6 + i + 10, x - 10 : x] = 255
    return pixels


def message(pixels):
    text = base64.b64encode(pixels.tobytes()).decode()
    return {"pixels": text, "width": pixels.shape[1], "height": pixels.shape[0]}


def test_it_begins_with_what_there_is():
    async def scenario(opened):
        hello, _ = await opened.of_type("hello")
        network, _ = await opened.of_type("network")
        return hello, network, (await opened.measured())["test_accuracy"]

    hello, network, accuracy = run(scenario)
    assert {preset["name"] for preset in hello["presets"]} >= {"saturation", "overfitting", "vanishing-gradients"}
    assert network["parameters"] == 784 * 12 + 12 + 12 * 10 + 10
    assert [layer["kind"] for layer in network["layers"]] == ["input", "dense", "dense"]
    labels = digits.test_data().labels(10)
    expected = np.mean(model().feedforward(digits.test_data().inputs.T).argmax(axis=0) == labels)
    assert accuracy == pytest.approx(expected)


def test_a_drawing_gets_the_prediction_of_predict():
    async def scenario(opened):
        drawings = drawn(), np.zeros((9, 9), np.uint8), drawn() // 3
        return [await opened.ask("drawing", **message(pixels)) for pixels in drawings]

    (seen, arrays), (nothing, blank), (faint, _) = run(scenario)
    assert faint["why"] == components.NOTHING
    prediction = handwriting.predict(model(), 255 - drawn())
    np.testing.assert_array_equal(arrays["image"], prediction.pixels)
    np.testing.assert_allclose(arrays["probabilities"], prediction.probabilities, rtol=1e-5)
    assert (seen["sure"], seen["why"]) == (prediction.digit is not None, prediction.reason)
    expected = model().activations(prediction.pixels.reshape(-1, 1))
    for i, activations in enumerate(expected):
        np.testing.assert_allclose(arrays[f"activation_{i}"], activations[..., 0], rtol=1e-5)
    assert (nothing["digit"], nothing["why"], blank["image"].any()) == (None, "nothing is drawn", False)


def test_test_digits_with_the_wrong_ones_first():
    async def scenario(opened):
        ask = [("wrong", 0), ("wrong", -1), ("all", 3)]
        return [await opened.ask("digit", order=order, position=position) for order, position in ask]

    (first, arrays), (last, _), (third, _) = run(scenario)
    labels = digits.test_data().labels(10)
    predicted = model().feedforward(digits.test_data().inputs.T).argmax(axis=0)
    wrong = np.flatnonzero(predicted != labels)
    assert (first["index"], first["wrong"], first["count"]) == (wrong[0], len(wrong), 10_000)
    assert (first["digit"], first["label"]) == (predicted[wrong[0]], labels[wrong[0]])
    np.testing.assert_array_equal(arrays["image"].reshape(-1), digits.test_data().inputs[wrong[0]])
    assert last["position"] == 9999
    assert predicted[last["index"]] == labels[last["index"]]
    assert third["index"] == 3


def test_a_neuron_has_weights_and_the_digits_with_the_largest_activations():
    async def scenario(opened):
        await opened.ask("digit", order="all", position=0)
        return [await opened.ask("neuron", layer=layer, index=4) for layer in (1, 2)]

    (of_hidden, hidden), (_, output) = run(scenario)
    net, test = model(), digits.test_data()
    np.testing.assert_array_equal(hidden["weights"].reshape(-1), net.weights[0][4])
    np.testing.assert_array_equal(output["weights"], net.weights[1][4])
    found = net.activations(test.inputs[:2000].T)[1][4]
    assert hidden["top_activations"][0] == pytest.approx(found.max(), rel=1e-5)
    most = int(found.argmax())
    np.testing.assert_array_equal(hidden["top_images"][0].reshape(-1), (test.inputs[most] * 255).astype(np.uint8))
    assert of_hidden["activation"] == pytest.approx(found[0], rel=1e-5)
    assert of_hidden["bias"] == pytest.approx(float(net.biases[0][4, 0]))


def test_the_map_is_the_gradient():
    async def scenario(opened):
        before = await opened.ask("map", output=None)
        await opened.ask("digit", order="all", position=0)
        return before, await opened.ask("map", output=3), await opened.ask("map", output=None)

    (refused, _), (three, arrays), (largest, _) = run(scenario)
    assert refused["type"] == "problem"
    x = digits.test_data().inputs[0].reshape(-1, 1)
    np.testing.assert_allclose(arrays["gradient"].reshape(-1, 1), model().input_gradient(x, 3), rtol=1e-4, atol=1e-7)
    assert three["output"] == 3
    assert largest["output"] == model().feedforward(x).argmax()


SMALL = {"layers": "dense 5", "samples": 500, "mini_batch_size": 10}


def test_training_is_what_sgd_does():
    async def scenario(opened):
        await opened.ask("settings", settings=SMALL)
        await opened.ask("step", unit="mini-batch")
        one, _ = await opened.until(lambda h: h["type"] == "progress" and h["mini_batch"] and not h["running"])
        await opened.ask("step", unit="epoch")
        whole, _ = await opened.until(lambda h: h["type"] == "progress" and h["measured_at"] == 1)
        await opened.ask("digit", order="all", position=0)
        return one, whole, await opened.ask("neuron", layer=1, index=0)

    one, whole, (_, arrays) = run(scenario)
    assert (one["epoch"], one["mini_batch"], one["mini_batches"], one["running"]) == (0, 1, 50, False)
    assert (whole["epoch"], whole["mini_batch"]) == (1, 0)
    settings = checked(SMALL)
    net = settings.network()
    net.SGD(settings.data(), 1, report=lambda history: None, **settings.training())
    np.testing.assert_array_equal(arrays["weights"].reshape(-1), net.weights[0][0])
    correct = net.accuracy(digits.test_data())
    assert whole["test_accuracy"] == pytest.approx(correct / 10_000)
    assert len(whole["gradient_norms"]) == 2


def test_run_pause_change_and_start_again():
    async def scenario(opened):
        await opened.ask("settings", settings=SMALL)
        state, _ = await opened.ask("run")
        first, arrays = await opened.until(lambda h: h["type"] == "progress" and h["epoch"] >= 2 and h["cost"])
        changed, _ = await opened.ask("change", eta=0.125)
        paused, _ = await opened.ask("pause")
        again, _ = await opened.ask("restart")
        return state, first, arrays, changed, paused, again

    state, first, arrays, changed, paused, again = run(scenario)
    assert state["running"]
    assert first["cost"] > 0
    assert first["samples_per_second"] > 0
    assert np.abs(arrays["weights"]).max(axis=(1, 2)).tolist() == [127] * 5
    assert changed["eta"] == 0.125
    assert not paused["running"]
    assert (again["epoch"], again["mini_batch"], again["running"]) == (0, 0, False)


def test_what_diverges_stops_and_says_so():
    async def scenario(opened):
        layers = {"layers": "dense 30 linear", "cost": "quadratic", "eta": 1e30, "samples": 500}
        await opened.ask("settings", settings=layers)
        await opened.ask("run")
        stopped, _ = await opened.until(lambda h: h["type"] == "progress" and h["diverged"])
        problem, _ = await opened.ask("run")
        await opened.ask("settings", settings=SMALL)
        return stopped, problem, await opened.ask("run")

    stopped, problem, (state, _) = run(scenario)
    assert not stopped["running"]
    assert (problem["type"], problem["field"]) == ("problem", "eta")
    assert state["running"]


def test_break_and_mend():
    async def scenario(opened):
        await opened.ask("settings", settings=SMALL)
        await opened.ask("step", unit="epoch")
        accuracies = [(await opened.measured(lambda h: h["measured_at"] == 1))["test_accuracy"]]
        broken, _ = await opened.ask("break", action="zero", layer=1)
        accuracies.append((await opened.measured())["test_accuracy"])
        more, _ = await opened.ask("break", action="scale", layer=2, amount=2)
        refused, _ = await opened.ask("break", action="scale", layer=2, amount="much")
        mended, _ = await opened.ask("mend")
        await opened.measured(lambda h: h["test_accuracy"] == accuracies[0])
        return accuracies, broken, more, refused, mended

    (whole, without), broken, more, refused, mended = run(scenario)
    assert broken["broken"] == ["layer 1: all weights 0"]
    assert more["broken"] == ["layer 1: all weights 0", "layer 2: weights times 2"]
    assert without < whole
    assert without == pytest.approx(0.1, abs=0.02)  # accuracy if the same digit is predicted for all images
    assert refused["type"] == "problem"
    assert mended["broken"] == []


def test_what_is_trained_on_is_not_broken_any_more():
    async def scenario(opened):
        await opened.ask("settings", settings=SMALL)
        await opened.ask("break", action="zero", layer=1)
        await opened.ask("step", unit="epoch")
        await opened.until(lambda h: h["type"] == "progress" and h["epoch"] == 1)
        mended, _ = await opened.ask("mend")
        return mended, await opened.ask("neuron", layer=1, index=0)

    mended, (_, arrays) = run(scenario)
    assert mended["broken"] == []
    assert arrays["weights"].any()


def test_a_paused_network_is_the_one_that_is_inspected():
    async def scenario(opened):
        await opened.ask("settings", settings=SMALL)
        await opened.ask("run")
        await opened.until(lambda h: h["type"] == "progress" and h["epoch"] >= 5)
        paused, _ = await opened.ask("pause")
        place = paused["epoch"] + paused["mini_batch"] / paused["mini_batches"]
        await opened.measured(lambda h: h["measured_at"] == place)
        _, arrays = await opened.ask("neuron", layer=1, index=0)
        return paused, arrays["weights"]

    paused, weights = run(scenario)
    settings = checked(SMALL)
    net = settings.network()
    training = net.begin_training(settings.data(), **settings.training())
    training.advance(paused["epoch"] * training.mini_batches + paused["mini_batch"])
    np.testing.assert_array_equal(weights.reshape(-1), net.weights[0][0])


def test_layers_that_do_not_take_the_pixels_have_no_images_of_weights():
    async def scenario(opened):
        found = []
        for layers in ("pool 2x2, dense 30", "dense 784, dense 5", "conv 3 5x5, pool 4x4", "dropout 0.5, dense 4"):
            await opened.ask("settings", settings={"layers": layers, "samples": 50})
            await opened.ask("step", unit="mini-batch")
            _, arrays = await opened.until(lambda h: h["type"] == "progress" and h["mini_batch"] == 1)
            found.append(arrays["weights"].shape if "weights" in arrays else None)
        await opened.ask("settings", settings={"layers": "dense 784, dense 5"})
        return found, (await opened.ask("neuron", layer=2, index=0))[1]["weights"].shape

    assert run(scenario) == ([None, (64, 28, 28), (3, 5, 5), (4, 28, 28)], (784,))


def test_an_error_of_the_training_thread_is_reported_and_it_continues(monkeypatch):
    def failing(*arguments):
        raise ZeroDivisionError("in a test")

    async def scenario(opened):
        await opened.ask("settings", settings=SMALL)
        with monkeypatch.context() as patch:
            patch.setattr("fastnet.play.training.Trainer._advance", failing)
            await opened.ask("run")
            problem, _ = await opened.of_type("problem")
        state, _ = await opened.ask("pause")
        await opened.ask("step", unit="mini-batch")
        return problem, state, await opened.until(lambda h: h["type"] == "progress" and h["mini_batch"] == 1)

    problem, state, _ = run(scenario)
    assert "ZeroDivisionError: in a test" in problem["text"]
    assert not state["running"]


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "drawing"},
        {"type": "drawing", "pixels": "AAAA", "width": 140, "height": 140},
        {"type": "drawing", "pixels": "no base64!", "width": 1, "height": 1},
        {"type": "drawing", "pixels": "", "width": 10**9, "height": 10**9},
        {"type": "drawing", "pixels": "AA==", "width": 1.0, "height": 1},
        {"type": "digit", "order": "best", "position": 0},
        {"type": "digit", "order": "all", "position": "first"},
        {"type": "neuron", "layer": 1, "index": 12},
        {"type": "neuron", "layer": [], "index": {}},
        {"type": "map", "output": 10},
        {"type": "settings", "settings": []},
        {"type": "settings", "settings": {"layers": "dense " + "9" * 50}},
        {"type": "step", "unit": "year"},
        {"type": "change", "eta": "fast"},
        {"type": "load", "path": "/etc/passwd"},
        {"type": "__init__"},
        {"type": None},
        {},
    ],
    ids=str,
)
def test_a_broken_message_is_answered_by_a_sentence(bad):
    async def scenario(opened):
        await opened.ask("digit", order="all", position=0)
        found, _ = await opened.ask(bad.pop("type", None), **bad)
        await opened.ask("digit", order="all", position=1)
        return found

    found = run(scenario)
    assert found["type"] == "problem"
    assert len(found["text"]) > 10
    assert "\n" not in found["text"]


def test_preparing_a_drawing_is_preparing_its_image():
    for seed in range(20):
        random = np.random.default_rng(seed)
        image = np.zeros((100, 100), np.uint8)
        points = random.integers(25, 75, (3, 2))
        for (x, y), (u, v) in pairwise(points):
            for t in np.linspace(0, 1, 60):
                row, column = round(x + t * (u - x)), round(y + t * (v - y))
                image[row - 4 : row + 4, column - 4 : column + 4] = 255
        drawing, picture = preprocessing.prepare_drawing(image / np.float32(255)), preprocessing.prepare(255 - image)
        assert drawing.reason == picture.reason
        np.testing.assert_allclose(drawing.pixels, picture.pixels, atol=0.02)
