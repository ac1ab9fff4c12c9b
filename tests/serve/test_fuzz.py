"""The HTTP surface, fuzzed from its own description."""

from __future__ import annotations

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS

from tests.serve.running import Server

LEFT_OUT = {"positive_data_acceptance", "ignored_auth", "missing_required_header"}
"""Random bytes are no recordings, so what fits the description may be refused; there is no token here."""


@pytest.fixture(scope="module")
def described(server: Server) -> schemathesis.BaseSchema:
    schema = schemathesis.openapi.from_dict(json.loads(server.get("/openapi.json")))
    schema.config.update(base_url=server.http)
    return schema


PATHS = ("/v1/audio/transcriptions", "/v1/models", "/v1/models/{name}", "/health", "/metrics")


def test_every_path_is_described(described: schemathesis.BaseSchema) -> None:
    assert {operation.ok().path for operation in described.get_all_operations()} == set(PATHS)


@pytest.mark.parametrize(("examples"), [5, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("path", PATHS)
def test_whatever_is_sent_is_answered_as_described(
    server: Server, described: schemathesis.BaseSchema, path: str, examples: int
) -> None:
    method = "POST" if "transcriptions" in path else "GET"
    checks = [check for check in CHECKS.get_all() if check.__name__ not in LEFT_OUT]

    @given(case=described[path][method].as_strategy())
    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), database=None)
    def send(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=checks)

    send()
    assert server.health()["uploads"] == 0
