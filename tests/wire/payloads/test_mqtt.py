"""MQTT held against amqtt, which has 3.1.1, and paho, which has 5.0; cut in every way."""

from __future__ import annotations

import random

import pytest

from wslab.wire.payloads import PAYLOADS, Context

MQTT = PAYLOADS["mqtt"]
# Spaces are for people.
CONNECT_5 = bytes.fromhex("10 10 0004 4d515454 05 02 003c 03 21 0014 0000")
PUBLISH_5 = bytes.fromhex("32 0c 0001 74 0007 02 01 01 68 65 6c 6c")


def decode(data: bytes, context: Context | None = None, direction="client"):
    return MQTT.decode(data, "binary", direction, context or Context())


def values(fields) -> dict[str, object]:
    return {field.name: field.value for field in fields}


def test_a_publish_of_version_3_byte_by_byte():
    fields = decode(bytes.fromhex("3b 09 0003 612f62 0102 6869"))
    assert [(f.name, f.bit, f.bits, f.value) for f in fields] == [
        ("packet type", 0, 4, "PUBLISH"),
        ("DUP", 4, 1, 1),
        ("QoS", 5, 2, 1),
        ("RETAIN", 7, 1, 1),
        ("remaining length", 8, 8, 9),
        ("topic length", 16, 16, 3),
        ("topic", 32, 24, "a/b"),
        ("packet identifier", 56, 16, 258),
        ("application message", 72, 16, "hi"),
    ]
    assert MQTT.says(fields) == "MQTT PUBLISH"


def test_the_version_of_a_connect_decides_how_later_packets_are_read():
    context = Context()
    connect = values(decode(CONNECT_5, context))
    assert (connect["protocol level"], connect["receive maximum"]) == (5, 20)
    assert values(decode(PUBLISH_5, context))["payload format indicator"] == 1
    assert "payload format indicator" not in values(decode(PUBLISH_5))


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        ("30 ff ff ff ff 01", "remaining length", "at most four bytes"),
        ("36 07 0001 61 0001 6869", "QoS", "not allowed"),
        ("62 03 0001 ff", "left over", "not allowed"),
        ("60 02 0001", "flags", "they must be 2"),
        ("30 03 0009 61", "cut off", "topic needs 9 bytes, and 1 byte"),
        ("c0 80", "remaining length", "the next message"),
        ("30 04 0002 612b", "topic", "not allowed in a PUBLISH"),
        ("00 00", "packet type", "type 0 is not allowed"),
    ],
)
def test_what_is_not_allowed_is_described(data, name, says):
    fields = decode(bytes.fromhex(data))
    meanings = [field.meaning for field in fields if field.name == name]
    assert any(says in one for one in meanings), fields


def packets_of_amqtt(some: random.Random):
    """Packets of version 3.1.1 that amqtt makes, each with what it put in."""
    mqtt = pytest.importorskip("amqtt.mqtt", reason="pip install --no-deps amqtt")
    while True:
        number, qos = some.randrange(1, 65536), some.randrange(3)
        topic = "/".join(some.choices(["home", "Küche", "t"], k=some.randrange(1, 4)))
        body = some.randbytes(some.choice([0, 5, 200]))
        match some.randrange(4):
            case 0:
                packet = mqtt.PublishPacket.build(
                    topic, body, number if qos else None, some.random() < 0.5, qos, False
                )
                told = {"packet type": "PUBLISH", "topic": topic, "QoS": qos}
                told |= {"packet identifier": number} if qos else {}
            case 1:
                packet = mqtt.SubscribePacket.build([(topic + "/#", qos)], number)
                told = {"packet type": "SUBSCRIBE", "topic filter": topic + "/#"}
                told |= {"requested QoS": qos}
            case 2:
                packet = mqtt.SubackPacket.build(number, [qos])
                told = {"packet type": "SUBACK", "packet identifier": number, "reason code": qos}
            case 3:
                packet = mqtt.PubackPacket.build(number)
                told = {"packet type": "PUBACK", "packet identifier": number}
        yield packet.to_bytes(), told


def packets_of_paho(some: random.Random):
    """Packets of version 5.0 that paho's client writes, each with what it was told."""
    client = pytest.importorskip("paho.mqtt.client", reason="pip install paho-mqtt")
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
    from paho.mqtt.subscribeoptions import SubscribeOptions

    sent: list[bytes] = []

    class Client(client.Client):
        def _packet_queue(self, command, packet, *_):
            sent.append(bytes(packet))
            return client.MQTT_ERR_SUCCESS

        def _sock_close(self):
            """There is none."""

    made = Client(client.CallbackAPIVersion.VERSION2, "learner", protocol=client.MQTTv5)
    made._sock = True  # it looks whether there is a socket, and writes to the list instead
    made._send_connect(60)
    yield sent.pop(), {"packet type": "CONNECT", "client identifier": "learner", "keep alive": 60}
    while True:
        number, qos = some.randrange(1, 65536), some.randrange(3)
        topic = "/".join(some.choices(["home", "Küche", "t"], k=some.randrange(1, 4)))
        match some.randrange(3):
            case 0:
                properties = Properties(PacketTypes.PUBLISH)
                properties.ContentType = "text/plain"
                properties.UserProperty = ("place", topic)
                made._send_publish(
                    number, topic.encode(), b"21.5", qos, True, False, None, properties
                )
                told = {"packet type": "PUBLISH", "topic": topic, "QoS": qos, "RETAIN": 1}
                told |= {"content type": "text/plain", "user property value": topic}
                told |= {"application message": "21.5"}
            case 1:
                options = SubscribeOptions(qos=qos, noLocal=some.random() < 0.5)
                made._send_subscribe(False, [(topic.encode(), options)])
                told = {
                    "topic filter": topic,
                    "requested QoS": qos,
                    "no local": int(options.noLocal),
                }
            case 2:
                made._send_puback(number)
                told = {"packet type": "PUBACK", "packet identifier": number}
        yield sent.pop(), told


@pytest.mark.parametrize("library", [packets_of_amqtt, packets_of_paho])
def test_a_thousand_packets_say_what_the_library_put_in(library):
    some, context = random.Random(1883), Context()
    packets = library(some)
    for _ in range(1000):
        data, told = next(packets)
        found = values(decode(data, context))
        assert told.items() <= found.items()
        assert not {"left over", "cut off", "not MQTT"} & {*found}


@pytest.mark.parametrize("library", [packets_of_amqtt, packets_of_paho])
def test_however_packets_are_cut_into_messages_all_are_found(library):
    some, context = random.Random(6), Context()
    packets = library(some)
    told = [next(packets) for _ in range(1000)]
    stream, found = b"".join(data for data, _ in told), []
    while stream:
        size = some.randrange(1, 90)
        message, stream = stream[:size], stream[size:]
        fields = decode(message, context)
        assert sum(field.bits for field in fields) == 8 * len(message)
        found += [field.value for field in fields if field.name == "packet type"]
    assert found == [values(decode(data, Context()))["packet type"] for data, _ in told]
    assert context.pending["client"] == (b"", 0)
