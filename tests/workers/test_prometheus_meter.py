from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from pipeline import figures
from pipeline.ports import Meter
from pipeline.testing import InMemoryMeter
from workers.measures import Measures
from workers.prometheus_meter import PrometheusMeter


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def meter(registry: CollectorRegistry) -> PrometheusMeter:
    return PrometheusMeter(registry)


def test_a_counter_adds_up_by_its_labels(meter: PrometheusMeter, registry: CollectorRegistry) -> None:
    meter.count(figures.FALLBACKS, cause="spent")
    meter.count(figures.FALLBACKS, 2, cause="spent")
    meter.count(figures.FALLBACKS, cause="away")
    name = "convmine_extract_fallback_total"
    assert registry.get_sample_value(name, {"cause": "spent"}) == 3
    assert registry.get_sample_value(name, {"cause": "away"}) == 1


def test_a_histogram_has_the_bounds_that_the_conventions_recommend(
    meter: PrometheusMeter, registry: CollectorRegistry
) -> None:
    meter.observe(figures.TOKENS, 300, gen_ai_token_type="input", stage="extract")
    meter.observe(figures.SECONDS, 0.03, stage="extract")
    shown = generate_latest(registry).decode()
    assert 'gen_ai_token_type="input"' in shown
    labels = dict.fromkeys(figures.FIGURES[0].labels, "") | {"gen_ai_token_type": "input", "stage": "extract"}
    bucket = "gen_ai_client_token_usage_bucket"
    assert registry.get_sample_value(bucket, {**labels, "le": "256.0"}) == 0
    assert registry.get_sample_value(bucket, {**labels, "le": "1024.0"}) == 1
    for bound in ('le="0.01"', 'le="0.64"', 'le="81.92"', 'le="6.7108864e+07"'):
        assert bound in shown


@pytest.mark.parametrize("figure", figures.FIGURES, ids=lambda it: it.name)
def test_every_figure_is_kept_with_all_of_its_labels(
    figure: figures.Figure, meter: PrometheusMeter, registry: CollectorRegistry
) -> None:
    labels = dict.fromkeys(figure.labels, "one")
    if figure.bounds:
        meter.observe(figure.name, 1.5, **labels)
    else:
        meter.count(figure.name, 1.5, **labels)
    assert registry.get_sample_value(f"{figure.name}_{'sum' if figure.bounds else 'total'}", labels) == 1.5


@pytest.mark.parametrize("make", [lambda: PrometheusMeter(CollectorRegistry()), InMemoryMeter], ids=["real", "fake"])
def test_a_name_or_a_label_that_nobody_knows_is_a_fault(make: Callable[[], Meter]) -> None:
    meter = make()
    with pytest.raises(KeyError):
        meter.count("convmine_nothing")
    with pytest.raises(ValueError, match="has no label call_id"):
        meter.count(figures.FALLBACKS, cause="spent", call_id="c1")


def test_the_figures_of_the_domain_stand_beside_those_of_the_runtime() -> None:
    measures = Measures()
    measures.meter.observe(figures.DISAGREEMENT, 0.25, scenario="telecom")
    labels = {"scenario": "telecom"}
    assert measures.registry.get_sample_value("convmine_extract_disagreement_sum", labels) == 0.25
