"""The session of one window: each message is answered by a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

import fastnet
from fastnet import network2
from fastnet.formulas import costs, optimizers
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.play import breaking, inspection, settings
from fastnet.play.frames import frame
from fastnet.play.presets import PRESETS
from fastnet.play.settings import DEFAULTS, RequestError, Settings
from fastnet.play.training import Trainer
from fastnet.play.workers import Worker
from fastnet.sweeps.recipe import INITS

Message = Mapping[str, Any]
Send = Callable[[bytes, bool], object]
"""Sends a frame. The second argument is true if a newer frame of the training's progress may replace this frame."""


class Session:
    """The network of one window, and the threads that train, evaluate and measure it.

    Parameters
    ----------
    model : Network
        Network with which the session begins.
    name : str or None
        Name of the network's file; None if fastnet has trained the network.
    """

    def __init__(self, model: network2.Network, name: str | None) -> None:
        chosen = settings.of_network(model)
        self._send: Send = lambda content, is_picture: None
        self._image: inspection.Image | None = None
        self._broken: list[str] = []
        self._whole: list[dict[str, np.ndarray]] | None = None  # parameters before the first change of weights
        self._random = np.random.default_rng(0)
        self._predicted: tuple[network2.Network, np.ndarray] | None = None
        self._source = name or "trained on MNIST"
        self._inspecting, self._measuring = Worker("fastnet-inspect"), Worker("fastnet-measure")
        self._trainer = self._new_trainer(chosen, model)
        self._training = Worker("fastnet-train", lambda: self._trainer.go_on(), self._has_failed)

    def begin(self, send: Send, key: str) -> Future[None]:
        """Send the choices for settings, the network, the state and the session's key to a window.

        The window can resume the session with the key.
        """
        return self._inspecting.do(partial(self._begin, send, key))

    def _begin(self, send: Send, key: str) -> None:
        hello = {
            "session": key,
            "version": fastnet.__version__,
            "presets": [preset._asdict() for preset in PRESETS],
            "activations": list(ACTIVATIONS),
            "costs": list(costs.NAMES),
            "optimizers": list(optimizers.NAMES),
            "initial_weights": list(INITS),
            "defaults": DEFAULTS,
        }
        send(frame("hello", hello), False)
        send(self._network({}), False)
        self._send = send  # from now on, the training and measuring threads send frames, too
        self._trainer.measure()
        curves = self._trainer.curves
        if curves["epoch"]:
            self._tell(self._trainer.state() | {"curves": curves}, "progress")
        self._tell(self._trainer.state())

    def leave(self) -> None:
        """Stop sending frames, because the window is closed."""
        self._send = lambda content, is_picture: None

    def end(self) -> None:
        """End the threads."""
        for worker in (self._training, self._measuring, self._inspecting):
            worker.end()

    def receive(self, message: Any) -> Future[None]:
        """Have a message answered by the thread for the message's type.

        The answer to an invalid message is the message `problem`; no exception is raised.
        """
        reply = message.get("id") if isinstance(message, dict) else None
        reply = {"reply": reply} if isinstance(reply, int) else {}
        kind = message.get("type") if isinstance(message, dict) else None
        return self._worker_for(kind, message).do(partial(self._answer, kind, message, reply))

    def _worker_for(self, kind: Any, message: Any) -> Worker:
        """Return the thread that answers a message. Slow answers do not delay the answers to drawings."""
        if kind == "neuron" or (kind == "digit" and message.get("order") != "all"):
            return self._measuring
        return self._inspecting if kind in ("drawing", "digit", "map") else self._training

    def _answer(self, kind: Any, message: Any, reply: dict[str, Any]) -> None:
        try:
            if not isinstance(kind, str) or kind not in _ANSWERS:
                raise RequestError(f"a message has a type: one of {', '.join(_ANSWERS)}")
            _ANSWERS[kind](self, message, reply)
        except RequestError as refused:
            problem = {"text": str(refused), "field": refused.field}
            self._send(frame("problem", problem | reply), False)
        except Exception as error:  # the window shows the error and can be used further
            self._has_failed(error, reply)

    def _has_failed(self, error: Exception, reply: Message | None = None) -> None:
        """Report an unexpected exception to the window."""
        text = "there is not enough memory" if isinstance(error, MemoryError) else f"{type(error).__name__}: {error}"
        self._send(frame("problem", {"text": f"fastnet has failed: {text}", "field": None, **(reply or {})}), False)
        self._tell(self._trainer.state())

    # Answers in the inspecting thread. Slow answers are computed in the measuring thread.

    def _answer_drawing(self, message: Message, reply: dict[str, Any]) -> None:
        began = perf_counter()
        self._send_answer(inspection.drawing(message), reply, began)

    def _answer_digit(self, message: Message, reply: dict[str, Any]) -> None:
        began, net = perf_counter(), self._trainer.frozen_network()
        order, known = message.get("order"), self._predicted is not None and self._predicted[0] is net
        if order != "all" and not known:  # finding the misclassified digits needs all predictions
            self._predicted, known = (net, inspection.predictions(net)), True
        predicted = self._predicted[1] if self._predicted is not None and known else None
        self._send_answer(inspection.test_digit(predicted, order, message.get("position")), reply, began)

    def _send_answer(self, image: inspection.Image, reply: dict[str, Any], began: float) -> None:
        self._image = image
        members, arrays = inspection.answer(self._trainer.frozen_network(), image)
        members["milliseconds"] = 1000 * (perf_counter() - began)
        self._send(frame("seen", members | reply, arrays), False)

    def _answer_neuron(self, message: Message, reply: dict[str, Any]) -> None:
        net = self._trainer.frozen_network()
        members, arrays = inspection.neuron(net, message.get("layer"), message.get("index"), self._image)
        self._send(frame("neuron", members | reply, arrays), False)

    def _answer_map(self, message: Message, reply: dict[str, Any]) -> None:
        if self._image is None:
            raise RequestError("there is no image yet: draw a digit, or choose a test digit")
        net = self._trainer.frozen_network()
        members, arrays = inspection.pixel_gradient(net, self._image, message.get("output"))
        self._send(frame("map", members | reply, arrays), False)

    # Answers in the training thread.

    def _answer_settings(self, message: Message, reply: dict[str, Any]) -> None:
        given = message.get("settings")
        if not isinstance(given, dict):
            raise RequestError("settings must be an object of settings by name")
        self._start(settings.checked(given), reply)

    def _answer_restart(self, message: Message, reply: dict[str, Any]) -> None:
        self._start(self._trainer.settings, {})
        self._tell(self._trainer.state() | reply)

    def _start(self, chosen: Settings, reply: dict[str, Any]) -> None:
        """Replace the network by a new network with the chosen settings."""
        self._trainer = self._new_trainer(chosen, None)
        self._source, self._broken, self._whole = "not trained yet", [], None
        self._send_network(reply)
        self._trainer.measure()
        self._tell(self._trainer.state())

    def _answer_run(self, message: Message, reply: dict[str, Any]) -> None:
        self._trainer.run()
        self._trained(reply)

    def _answer_step(self, message: Message, reply: dict[str, Any]) -> None:
        self._trainer.step(message.get("unit"))
        self._trained(reply)

    def _trained(self, reply: dict[str, Any]) -> None:
        if (
            self._source != "trained here" or self._broken
        ):  # training continues from the changed weights, if any, so the weights before the change are discarded
            self._source, self._broken, self._whole = "trained here", [], None
            self._send_network({})
        self._tell(self._trainer.state() | reply)

    def _answer_pause(self, message: Message, reply: dict[str, Any]) -> None:
        self._trainer.pause()
        self._tell(self._trainer.state() | reply)

    def _answer_change(self, message: Message, reply: dict[str, Any]) -> None:
        self._trainer.change_eta(message.get("eta"))
        self._tell(self._trainer.state() | reply)

    def _answer_break(self, message: Message, reply: dict[str, Any]) -> None:
        whole = self._whole or [
            {name: array.copy() for name, array in layer.items()} for layer in self._trainer.net.parameters
        ]
        self._broken.append(self._trainer.change_weights(lambda net: breaking.apply(net, message, self._random)))
        self._whole = whole
        self._changed(reply)

    def _answer_mend(self, message: Message, reply: dict[str, Any]) -> None:
        if self._whole is not None:
            whole = self._whole
            self._trainer.change_weights(lambda net: setattr(net, "parameters", whole))
        self._broken, self._whole = [], None
        self._changed(reply)

    def _changed(self, reply: dict[str, Any]) -> None:
        self._send_network(reply)
        self._trainer.measure()
        if self._image is not None:
            self._inspecting.do(partial(self._send_answer, self._image, {}, perf_counter()))

    def _new_trainer(self, chosen: Settings, net: network2.Network | None) -> Trainer:
        trainer = Trainer(chosen, self._measuring, net)
        # A replaced trainer sends nothing more. Frames are made in the inspecting thread, while training continues.
        trainer.on_picture = lambda members: self._inspecting.do_latest(
            "picture" if members["measured_at"] is None else "measured", partial(self._picture, trainer, members)
        )
        trainer.on_state = lambda members: self._tell(members) if self._trainer is trainer else None
        return trainer

    def _picture(self, trainer: Trainer, members: dict[str, Any]) -> None:
        """Send a frame `progress`, with the network's current activations and answer for the image."""
        if trainer is not self._trainer:
            return
        net = trainer.frozen_network()
        members = members | trainer.state()  # the current state, because training has continued
        arrays = inspection.first_weights(net)
        if self._image is not None:
            answer, activations = inspection.answer(net, self._image)
            members |= {name: answer[name] for name in ("digit", "sure", "why")}
            arrays |= activations
        self._send(frame("progress", members, arrays), members["measured_at"] is None)

    def _tell(self, members: dict[str, Any], kind: str = "state") -> None:
        self._send(frame(kind, members), False)

    def _send_network(self, reply: dict[str, Any]) -> None:
        self._send(self._network(reply), False)

    def _network(self, reply: dict[str, Any]) -> bytes:
        """Return the message `network`; the accuracy follows in a message `progress`."""
        members = {
            **inspection.description(self._trainer.frozen_network()),
            "settings": self._trainer.settings.chosen | {"eta": self._trainer.state()["eta"]},
            "source": self._source,
            "broken": self._broken,
        }
        return frame("network", members | reply)


_ANSWERS: dict[str, Callable[[Session, Message, dict[str, Any]], None]] = {
    "drawing": Session._answer_drawing,
    "digit": Session._answer_digit,
    "neuron": Session._answer_neuron,
    "map": Session._answer_map,
    "settings": Session._answer_settings,
    "restart": Session._answer_restart,
    "run": Session._answer_run,
    "pause": Session._answer_pause,
    "step": Session._answer_step,
    "change": Session._answer_change,
    "break": Session._answer_break,
    "mend": Session._answer_mend,
}
"""Methods that answer messages, by type of message."""
