//! How long all benches measure.

use std::time::Duration;

use criterion::Criterion;

/// Half a second of warming up and two of measuring, in so many samples; the command line may say otherwise.
pub fn criterion(samples: usize) -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(samples)
        .configure_from_args()
}
