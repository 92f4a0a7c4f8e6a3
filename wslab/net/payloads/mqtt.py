"""MQTT: a broker, amqtt, and a client of paho's that publishes and hears itself."""

from __future__ import annotations

import logging
import threading
from typing import Any

from wslab.net import loop
from wslab.net.address import LOOPBACK, Address
from wslab.net.errors import NotRunning, TimedOut
from wslab.net.payloads.talk import PATIENCE, Talk

_TOPIC = "school/room 3/temperature"


class MQTTTalk(Talk):
    """CONNECT, SUBSCRIBE, three PUBLISHes with QoS 0, 1 and 2, DISCONNECT."""

    name = "mqtt"
    cast = "a broker, amqtt, and a client, paho-mqtt"
    packages = {"amqtt": "amqtt", "paho.mqtt": "paho-mqtt"}  # noqa: RUF012
    # amqtt 0.12 names one version of websockets that is older than ours, and runs with ours: hence
    # --no-deps, and what it imports is named.
    install = "pip install --no-deps amqtt==0.12.1 dacite pwdlib transitions paho-mqtt"

    def __init__(self) -> None:
        self._broker: Any = None

    @classmethod
    def missing(cls) -> list[str]:
        try:
            return super().missing()
        except ModuleNotFoundError:  # `paho` itself
            return ["paho-mqtt"]

    @property
    def url(self) -> str:
        if self._broker is None:
            raise NotRunning("the MQTT broker does not run: call start() first")
        (server,) = self._broker._servers.values()
        port = server.instance.sockets[0].getsockname()[1]
        return Address(False, LOOPBACK, port, "/mqtt").url

    def start(self) -> None:
        from amqtt.broker import Broker

        for library in ("amqtt", "transitions"):
            logging.getLogger(library).addHandler(logging.NullHandler())
        settings = {
            "listeners": {"default": {"type": "ws", "bind": f"{LOOPBACK}:0"}},
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
            },
        }

        async def start() -> Any:
            broker = Broker(settings)
            await broker.start()
            return broker

        self._broker = loop.run(start(), PATIENCE)

    def stop(self) -> None:
        broker, self._broker = self._broker, None
        if broker is not None:
            loop.run(broker.shutdown(), PATIENCE)

    def play(self, url: str) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        address = Address.parse(url)
        client = Client(CallbackAPIVersion.VERSION2, "learner", transport="websockets")
        client.ws_set_options(address.path)
        subscribed, heard, gone = threading.Event(), threading.Semaphore(0), threading.Event()
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = lambda *_: heard.release()
        client.on_disconnect = lambda *_: gone.set()
        client.connect(address.host, address.port)
        client.loop_start()
        try:
            client.subscribe("school/#", 2)
            _wait(subscribed.wait(PATIENCE), "SUBACK")
            for qos, reading in enumerate(("20.5", "20.6", "20.7")):
                sent = client.publish(_TOPIC, reading, qos)
                sent.wait_for_publish(PATIENCE)
                _wait(sent.is_published(), "the acknowledgement")
                _wait(heard.acquire(timeout=PATIENCE), "the PUBLISH for the subscriber")
            client.disconnect()
            _wait(gone.wait(PATIENCE), "the end of the connection")
        finally:
            client.loop_stop()


def _wait(came: bool, what: str) -> None:
    if not came:
        raise TimedOut(f"expected {what} from the MQTT broker within {PATIENCE:g} s; none came")
