"""Runs as OpenTelemetry traces and metrics, by the GenAI conventions: live by `Telemetry`, or from a record by `export`.

It needs the extra: `pip install 'agentkit-core[otel]'`.  Nothing of agentkit imports it; whoever wants it does.
"""

from agentkit.errors import UsageError

try:
    import opentelemetry.exporter.otlp.proto.http as _needed
except ImportError as error:
    raise UsageError(
        f"OpenTelemetry is not installed ({error}); install it with: pip install 'agentkit-core[otel]'"
    ) from error

from agentkit.otel.export import ExportFailed, export, send_to_otlp
from agentkit.otel.observer import Telemetry

__all__ = ["ExportFailed", "Telemetry", "export", "send_to_otlp"]

del _needed
