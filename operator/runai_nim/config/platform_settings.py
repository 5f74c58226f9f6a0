"""Settings of the platform that have parts: the proxy, the startup probe and the ServiceMonitor of every NIM."""

from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from runai_nim.config.settings_types import (
    Count,
    Duration,
    LabelKey,
    LabelValue,
    NoProxy,
    ObjectName,
    OptionalSetting,
    ProxyUrl,
)

_Seconds = Annotated[Count, Field(ge=1, le=86400)]


class _Part(BaseModel):
    """A setting that is off while none of its parts is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @cached_property
    def is_set(self) -> bool:
        """Whether a part differs from its default."""
        return bool(self.model_dump(exclude_defaults=True))


class ProxySettings(_Part):
    """The proxy of NIM pods, and certificates that they trust."""

    http: OptionalSetting[ProxyUrl] = Field(None, description="proxy for http")
    https: OptionalSetting[ProxyUrl] = Field(None, description="proxy for https")
    no_proxy: OptionalSetting[NoProxy] = Field(None, description="hosts to reach without the proxy")
    certificates_config_map: OptionalSetting[ObjectName] = Field(
        None, description="ConfigMap with CA certificates, in every namespace with NIMs"
    )


class StartupProbeSettings(_Part):
    """How long a NIM may take to start. Parts that are left out have the NIM Operator's defaults."""

    initial_delay_seconds: Annotated[Count, Field(ge=0, le=86400)] = Field(
        30, description="seconds from the container's start to the first probe"
    )
    period_seconds: _Seconds = Field(10, description="seconds from one probe to the next")
    timeout_seconds: _Seconds = Field(1, description="seconds to wait for a response")
    failure_threshold: _Seconds = Field(120, description="failures after which the container is restarted")


class ServiceMonitorSettings(_Part):
    """The Prometheus Operator's ServiceMonitor that the NIM Operator creates for each NIM."""

    enabled: bool = Field(False, description="whether each NIM gets a ServiceMonitor")
    labels: dict[LabelKey, LabelValue] = Field({}, description="labels by which Prometheus selects it")
    interval: OptionalSetting[Duration] = Field(None, description="time between two scrapes")
    scrape_timeout: OptionalSetting[Duration] = Field(None, description="time to wait for a scrape")

    @model_validator(mode="after")
    def _check_enabled(self) -> Self:
        if self.is_set and not self.enabled:
            raise ValueError("has parts without enabled: true; set it, or leave them out")
        return self
