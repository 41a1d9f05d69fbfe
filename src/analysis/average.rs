//! Means and coverage. A gap is in no mean.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{ByMetric, CardUsage, Percent, Reading, say};

/// The mean GPU and VRAM utilisation of a GPU or of a node; `None` without a reading.
pub type Mean = ByMetric<Option<Percent>>;

impl Mean {
    pub fn of_readings(usage: &CardUsage) -> Self {
        usage.map(|readings| Reading::mean(readings.iter().copied().flatten()))
    }

    /// The mean of a node: that of its GPUs' means, however many readings each has, as the old programs had it
    /// (`全部平均` in the first seed).
    pub fn of_means(means: impl IntoIterator<Item = Self> + Clone) -> Self {
        Self {
            gpu: Percent::mean(means.clone().into_iter().filter_map(|mean| mean.gpu)),
            vram: Percent::mean(means.into_iter().filter_map(|mean| mean.vram)),
        }
    }
}

/// How many of the readings due are there. A reading counts if neither its GPU nor its VRAM value is a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    #[serde(rename = "readings")]
    pub found: usize,
    /// The readings that ought to be: one for each interval of the day that has ended.
    #[serde(rename = "readings_due")]
    pub due: usize,
}

impl Coverage {
    /// The coverage of one GPU, which may have no usage at all.
    pub fn of_readings(usage: Option<&CardUsage>, due: usize) -> Self {
        let found = usage.map_or(0, |usage| {
            usage
                .gpu
                .iter()
                .zip(&usage.vram)
                .filter(|(gpu, vram)| gpu.is_some() && vram.is_some())
                .count()
        });
        Self { found, due }
    }

    pub fn sum(coverages: impl IntoIterator<Item = Self>) -> Self {
        coverages
            .into_iter()
            .fold(Self::default(), |sum, next| Self {
                found: sum.found + next.found,
                due: sum.due + next.due,
            })
    }

    pub fn is_whole(self) -> bool {
        self.found == self.due
    }

    /// In percent of the readings due.
    pub fn percent(self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a day has far fewer than 2^52 readings"
        )]
        let (found, due) = (self.found as f64, self.due as f64);
        if self.due == 0 {
            100.0
        } else {
            found * 100.0 / due
        }
    }
}

/// The figure, for people. Only what is whole is 100.0%.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, due } = self;
        let tenths = (found * 1000).checked_div(*due).unwrap_or(1000);
        let (whole, tenth) = (tenths / 10, tenths % 10);
        say!(
            f,
            "{found}/{due}（{whole}.{tenth}%）",
            "{found}/{due} ({whole}.{tenth}%)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn readings(values: &[Option<f64>]) -> Vec<Option<Reading>> {
        values
            .iter()
            .map(|value| value.and_then(Reading::new))
            .collect()
    }

    #[test]
    fn a_gap_is_in_no_mean_and_lowers_the_coverage() {
        let usage = CardUsage {
            gpu: readings(&[Some(10.0), None, Some(20.0), Some(30.0)]),
            vram: readings(&[Some(1.0), None, None, Some(2.0)]),
        };
        let mean = Mean::of_readings(&usage);
        assert_eq!(
            (mean.gpu.map(Percent::value), mean.vram.map(Percent::value)),
            (Some(20.0), Some(1.5))
        );
        assert_eq!(
            Coverage::of_readings(Some(&usage), 4),
            Coverage { found: 2, due: 4 }
        );
    }

    #[test]
    fn only_what_is_whole_is_100_percent() {
        for (found, due, text) in [
            (32_250, 32_256, "32250/32256（99.9%）"),
            (32_256, 32_256, "32256/32256（100.0%）"),
            (1, 2, "1/2（50.0%）"),
            (0, 3, "0/3（0.0%）"),
            (0, 0, "0/0（100.0%）"),
        ] {
            assert_eq!(Coverage { found, due }.to_string(), text);
        }
    }

    #[test]
    fn a_node_is_the_mean_of_its_gpus_and_not_of_their_readings() {
        let gpu = |value| Mean {
            gpu: value,
            vram: None,
        };
        let means = [gpu(Percent::new(100.0)), gpu(Percent::new(0.0)), gpu(None)];
        assert_eq!(Mean::of_means(means), gpu(Percent::new(50.0)));
        assert_eq!(Mean::of_means([gpu(None)]), Mean::default());
    }

    #[test]
    fn a_gpu_counts_for_each_metric_that_it_has_a_mean_of() {
        let mean = |gpu, vram| Mean {
            gpu: Percent::new(gpu),
            vram: Percent::new(vram),
        };
        let lacks_gpu = Mean {
            gpu: None,
            ..mean(0.0, 80.0)
        };
        let lacks_vram = Mean {
            vram: None,
            ..mean(90.0, 0.0)
        };
        let means = [mean(10.0, 20.0), lacks_gpu, lacks_vram];
        assert_eq!(Mean::of_means(means), mean(50.0, 50.0));
    }

    proptest! {
        #[test]
        fn a_mean_is_the_sum_over_the_count_of_what_is_there(
            values in prop::collection::vec(prop::option::of(0_u32..=10_000), 0..150),
        ) {
            let hundredths: Vec<_> = values.iter().flatten().copied().collect();
            let gpu = readings(&values.iter().map(|v| v.map(|v| f64::from(v) / 100.0)).collect::<Vec<_>>());
            let usage = CardUsage { vram: gpu.clone(), gpu };
            let mean = Mean::of_readings(&usage).gpu.map(Percent::value);
            let expected = (!hundredths.is_empty()).then(|| {
                f64::from(hundredths.iter().sum::<u32>()) / 100.0 / f64::from(u32::try_from(hundredths.len()).expect("few"))
            });
            match (mean, expected) {
                (Some(mean), Some(expected)) => prop_assert!((mean - expected).abs() < 1e-9),
                (mean, expected) => prop_assert_eq!(mean, expected),
            }
            prop_assert_eq!(Coverage::of_readings(Some(&usage), values.len()).found, hundredths.len());
        }
    }
}
