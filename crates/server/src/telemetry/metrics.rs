//! Prometheus metrics.

use backstay_core::{Error, Result};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Gathers metrics for the whole process and renders them.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

/// Seconds; from a cached answer to a model that thinks for minutes.
const LATENCY_BUCKETS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

impl Metrics {
    /// Fails when the process has a recorder already: there can be only one.
    pub fn install() -> Result<Self> {
        let failed = |cause: &dyn std::fmt::Display| {
            Error::internal(format!("metrics cannot be gathered: {cause}"))
        };
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), LATENCY_BUCKETS)
            .map_err(|cause| failed(&cause))?;
        let handle = builder.install_recorder().map_err(|cause| failed(&cause))?;
        Ok(Self { handle })
    }

    pub(crate) fn render(&self) -> String {
        self.handle.run_upkeep();
        self.handle.render()
    }
}
