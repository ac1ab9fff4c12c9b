"""What the server counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
LATENCIES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
FACTORS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0)
DURATIONS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)


class Metrics:
    """Counters of one server. The label `kind` is ``live`` for streams and ``upload`` for recordings.

    Attributes:
        under_way: Streams and recordings being served.
        started: All that there were.
        audio_seconds: Audio heard.
        compute_seconds: Time it took to compute on it.
        real_time_factor: The ratio of these, for each recording, or each step of all streams together.
        latency: Seconds from the receipt of a chunk to its caption.
        request_seconds: From the start of a request to its answer.
        errors: What went wrong, by a word for it.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        kind = ["kind"]
        self.under_way = Gauge("asr_sessions", "Under way", kind, registry=registry)
        self.started = Counter("asr_sessions_started", "All that there were", kind, registry=registry)
        self.audio_seconds = Counter("asr_audio_seconds", "Audio heard", kind, registry=registry)
        self.compute_seconds = Counter("asr_compute_seconds", "Spent computing", kind, registry=registry)
        self.real_time_factor = Histogram(
            "asr_real_time_factor",
            "Seconds of computing for a second of audio",
            kind,
            registry=registry,
            buckets=FACTORS,
        )
        self.latency = Histogram(
            "asr_latency_seconds",
            "From the receipt of a chunk to its caption",
            registry=registry,
            buckets=LATENCIES,
        )
        self.request_seconds = Histogram(
            "asr_request_seconds", "From request to answer", registry=registry, buckets=DURATIONS
        )
        self.errors = Counter("asr_errors", "What went wrong", kind, registry=registry)

    def heard(self, kind: str, audio: float, compute: float) -> None:
        """Counts audio that was computed on, in seconds."""
        self.audio_seconds.labels(kind).inc(audio)
        self.compute_seconds.labels(kind).inc(compute)
        if audio > 0:
            self.real_time_factor.labels(kind).observe(compute / audio)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self.registry)
