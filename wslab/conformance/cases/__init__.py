"""The cases, one module for each part of RFC 6455 and RFC 7692."""

from wslab.conformance.cases import (
    closing,
    compression,
    control,
    delivery,
    fragments,
    framing,
    lengths,
    requests,
    responses,
    text,
)
from wslab.net.cases import Case

GROUPS: dict[str, tuple[Case, ...]] = {
    "request": requests.CASES,
    "response": responses.CASES,
    "framing": framing.CASES,
    "length": lengths.CASES,
    "control": control.CASES,
    "fragments": fragments.CASES,
    "text": text.CASES,
    "closing": closing.CASES,
    "delivery": delivery.CASES,
    "deflate": compression.CASES,
}
"""The cases by group, in the order in which they are played: the simple ones first."""

CASES: dict[str, Case] = {
    case.name: case
    for group, cases in GROUPS.items()
    for case in (one._replace(name=f"{group}-{one.name}") for one in cases)
}
"""All cases by name, which begins with the group."""
